// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "cluster.pb.h"
#include "distributed/peers/peers.hpp"

KADENZA_METHOD(kadenza::v1::ExchangeRequest, kadenza::v1::ExchangeReply, "/kadenza.v1.Cluster/Exchange");
