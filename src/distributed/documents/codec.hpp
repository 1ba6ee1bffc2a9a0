// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "distributed/documents/document.hpp"

namespace kadenza::distributed::documents {

/// A document as bytes (docs/formats/document.md): equal documents have equal bytes.
std::string encode(const Document& document);
/// kCorrupted with what is wrong.
core::Result<Document> decode(std::string_view bytes);

}  // namespace kadenza::distributed::documents
