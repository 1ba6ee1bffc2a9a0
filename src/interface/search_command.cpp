// SPDX-License-Identifier: AGPL-3.0-or-later
#include <boost/json/serialize.hpp>

#include "interface/client_command.hpp"
#include "interface/search_view.hpp"

namespace kadenza::interface {

ExitCode run_search(const CommandLine& line, Console& console, const middleware::TokenStore& tokens) {
  constexpr unsigned kOthersMax = 10;  // albums, artists
  std::string query;
  for (const std::string& word : line.search_options.words) query += (query.empty() ? "" : " ") + word;
  const unsigned limit = line.search_options.limit;

  middleware::SearchAnswer answer;
  const auto ended =
      run_client(line.client, tokens, [&](middleware::Client& client) -> core::Task<core::Result<void>> {
        KADENZA_CO_TRY(answer, co_await client.search(query, limit, std::min(limit, kOthersMax)));
        co_return core::Result<void>();
      });
  if (!ended) {
    print_error(console, ended.error(), line.client.json);
    return exit_code(ended.error().code);
  }
  if (line.client.json) {
    console.out << boost::json::serialize(answer.json) << '\n';
  } else {
    print_search(console, answer);
  }
  return ExitCode::kOk;
}

}  // namespace kadenza::interface
