// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "catalogue.pb.h"
#include "distributed/peers/peers.hpp"

KADENZA_METHOD(kadenza::v1::PutRowsRequest, kadenza::v1::PutRowsReply, "/kadenza.v1.Catalogue/PutRows");
KADENZA_METHOD(kadenza::v1::ChangesRequest, kadenza::v1::ChangesReply, "/kadenza.v1.Catalogue/Changes");
KADENZA_METHOD(kadenza::v1::DigestsRequest, kadenza::v1::DigestsReply, "/kadenza.v1.Catalogue/Digests");
KADENZA_METHOD(kadenza::v1::VersionsRequest, kadenza::v1::VersionsReply, "/kadenza.v1.Catalogue/Versions");
KADENZA_METHOD(kadenza::v1::RowsRequest, kadenza::v1::RowsReply, "/kadenza.v1.Catalogue/Rows");
