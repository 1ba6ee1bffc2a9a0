// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "distributed/peers/peers.hpp"
#include "replication.pb.h"

KADENZA_METHOD(kadenza::v1::ClaimRequest, kadenza::v1::ClaimReply, "/kadenza.v1.Replicas/Claim");
KADENZA_METHOD(kadenza::v1::StoreRequest, kadenza::v1::StoreReply, "/kadenza.v1.Replicas/Store");
KADENZA_METHOD(kadenza::v1::ReadRequest, kadenza::v1::ReadReply, "/kadenza.v1.Replicas/Read");
KADENZA_METHOD(kadenza::v1::CoverRequest, kadenza::v1::CoverReply, "/kadenza.v1.Replicas/Cover");
KADENZA_METHOD(kadenza::v1::FactsRequest, kadenza::v1::FactsReply, "/kadenza.v1.Replicas/Facts");
KADENZA_METHOD(kadenza::v1::CopyRequest, kadenza::v1::CopyReply, "/kadenza.v1.Replicas/Copy");
