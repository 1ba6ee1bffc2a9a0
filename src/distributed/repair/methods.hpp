// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "distributed/peers/peers.hpp"
#include "repair.pb.h"

KADENZA_METHOD(kadenza::v1::CompareRequest, kadenza::v1::CompareReply, "/kadenza.v1.Repair/Compare");
KADENZA_METHOD(kadenza::v1::KeepRequest, kadenza::v1::KeepReply, "/kadenza.v1.Repair/Keep");
