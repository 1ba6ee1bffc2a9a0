// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "distributed/peers/peers.hpp"
#include "enrolment.pb.h"

KADENZA_METHOD(kadenza::v1::JoinRequest, kadenza::v1::JoinReply, "/kadenza.v1.Enrolment/Join");
KADENZA_METHOD(kadenza::v1::RenewRequest, kadenza::v1::RenewReply, "/kadenza.v1.Enrolment/Renew");
KADENZA_METHOD(kadenza::v1::BecomeIssuerRequest, kadenza::v1::BecomeIssuerReply,
               "/kadenza.v1.Enrolment/BecomeIssuer");
KADENZA_METHOD(kadenza::v1::ExchangeKeysRequest, kadenza::v1::ExchangeKeysReply,
               "/kadenza.v1.Enrolment/ExchangeKeys");
KADENZA_METHOD(kadenza::v1::CertifyWebRequest, kadenza::v1::CertifyWebReply,
               "/kadenza.v1.Enrolment/CertifyWeb");
