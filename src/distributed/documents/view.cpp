// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/view.hpp"

#include "distributed/documents/steps.hpp"
#include "documents.pb.h"

namespace kadenza::distributed::documents {

void to_message(const Document& document, v1::DocumentView& view) {
  for (const auto& [name, entry] : document.fields.entries()) {
    if (!entry.value) continue;
    auto& field = *view.add_fields();
    field.set_name(name);
    field.set_value(*entry.value);
  }
  for (const auto& [name, dots] : document.members.elements()) view.add_members(name);
  for (const auto& [name, counter] : document.counters) {
    auto& counted = *view.add_counters();
    counted.set_name(name);
    counted.set_value(counter.value());
  }
  for (const auto& [id, value] : document.items.in_order()) {
    auto& item = *view.add_items();
    item.set_id(item_id(id));
    item.set_value(*value);
  }
}

}  // namespace kadenza::distributed::documents
