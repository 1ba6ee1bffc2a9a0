// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "distributed/documents/document.hpp"

namespace kadenza::v1 {
class DocumentView;
}

namespace kadenza::distributed::documents {

/// The document as people see it.
void to_message(const Document& document, v1::DocumentView& view);

}  // namespace kadenza::distributed::documents
