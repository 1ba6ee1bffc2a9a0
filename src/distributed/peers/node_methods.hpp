// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "distributed/peers/peers.hpp"
#include "node.pb.h"

KADENZA_METHOD(kadenza::v1::DescribeRequest, kadenza::v1::DescribeReply, "/kadenza.v1.Node/Describe");
