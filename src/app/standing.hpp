// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/enrolment/standing.hpp"
#include "interface/cluster_command.hpp"
#include "interface/serve_options.hpp"

namespace kadenza::app {

/// The cluster document in the data folder.
std::filesystem::path document_file(const std::filesystem::path& data);

/// Reads who this node is, or makes it a member (see enrolment::take_standing) and says so in the log.
/// Blocking, for as long as an issuer takes to answer.
core::Result<distributed::enrolment::Standing> take_standing(const interface::NetworkOptions& options,
                                                             const std::filesystem::path& data,
                                                             const core::Clock& clock);

/// The settings of the cluster that the node begins, or confirms to be a member of. kInvalidArgument with
/// what does not fit together.
core::Result<distributed::cluster::Settings> chosen_settings(const interface::ClusterChoice& choice);

/// kInvalidArgument when the node was asked for other settings than those of its cluster.
core::Result<void> check_confirmed(const interface::ClusterChoice& choice,
                                   const distributed::cluster::Settings& agreed);

/// Where a newcomer finds this node, for join tokens: what --advertise says, or the address it listens on,
/// or, when these are all, those of the machine. `port`: the one that is bound.
std::vector<std::string> token_addresses(const interface::NetworkOptions& options, std::uint16_t port);

/// `kadenza cluster recover`: works on the files of a node that does not run. Returns its id.
core::Result<std::string> recover(const interface::RecoverRequest& request);

}  // namespace kadenza::app
