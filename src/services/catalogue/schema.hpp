// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "core/error.hpp"
#include "services/catalogue/connection.hpp"

namespace kadenza::services::catalogue {

/// The version of the schema that this program writes (PRAGMA user_version).
int schema_version() noexcept;

/// Brings an opened file to schema_version(), one transaction for each step. A newer file is refused with
/// kInvalidArgument and left as it is.
core::Result<void> migrate(Connection& connection);

}  // namespace kadenza::services::catalogue
