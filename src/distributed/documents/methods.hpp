// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "distributed/peers/peers.hpp"
#include "documents.pb.h"

KADENZA_METHOD(kadenza::v1::GetDocumentRequest, kadenza::v1::GetDocumentReply, "/kadenza.v1.Documents/Get");
KADENZA_METHOD(kadenza::v1::EditDocumentRequest, kadenza::v1::EditDocumentReply,
               "/kadenza.v1.Documents/Edit");
KADENZA_METHOD(kadenza::v1::ReadDocumentRequest, kadenza::v1::ReadDocumentReply,
               "/kadenza.v1.Documents/Read");
KADENZA_METHOD(kadenza::v1::MergeDocumentRequest, kadenza::v1::MergeDocumentReply,
               "/kadenza.v1.Documents/Merge");
KADENZA_METHOD(kadenza::v1::CompareDocumentsRequest, kadenza::v1::CompareDocumentsReply,
               "/kadenza.v1.Documents/Compare");
