// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "distributed/crdt/stamp.hpp"
#include "distributed/documents/document.hpp"

namespace kadenza::v1 {
class DocumentStep;
}

namespace kadenza::distributed::documents {

/// The next stamp of whoever writes; each one is later than the ones before.
using NextStamp = std::function<crdt::Stamp()>;

/// Carries out one step of proto/documents.proto. kInvalidArgument, kNotFound (an item to move): the
/// document may have changed, and is to be thrown away. Removing what is not there is no error.
core::Result<void> apply(const v1::DocumentStep& step, Document& document, const NextStamp& next);

/// How items are named to people: time and writer of the insertion, 32 hexadecimal digits.
std::string item_id(crdt::Stamp stamp);
core::Result<crdt::Stamp> parse_item_id(std::string_view text);

}  // namespace kadenza::distributed::documents
