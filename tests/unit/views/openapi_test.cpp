// SPDX-License-Identifier: AGPL-3.0-or-later
// docs/openapi.yaml says exactly what the router does.
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "views/router.hpp"

namespace kadenza::views {
namespace {

using Operations = std::map<std::string, std::set<std::string>>;  ///< "GET /path" → query parameters

Operations of_router() {
  Operations operations;
  for (const auto& route : routes())
    operations[std::string(http::to_string(route.method)) + " " + std::string(route.pattern)] = {
        route.parameters.begin(), route.parameters.end()};
  return operations;
}

/// The description is written one path, method and parameter a line, so lines are all that must be
/// understood.
Operations of_description() {
  static const std::regex path(R"(^  (/\S*):$)"), method(R"(^    ([a-z]+):$)");
  static const std::regex reference(R"re(^        - \{ \$ref: "#/components/parameters/(\w+)" \}$)re");
  static const std::regex in_place(R"(^        - \{ name: (\w+), in: query, .*\}$)");
  std::ifstream file(KADENZA_OPENAPI);
  Operations operations;
  std::string line, current_path, current;
  std::smatch found;
  while (std::getline(file, line) && line != "components:") {
    if (std::regex_match(line, found, path)) {
      current_path = found[1];
    } else if (!current_path.empty() && std::regex_match(line, found, method)) {
      current = found[1];
      for (auto& c : current) c = static_cast<char>(std::toupper(c));
      current += " " + current_path;
      operations[current];
    } else if (std::regex_match(line, found, reference) || std::regex_match(line, found, in_place)) {
      operations[current].insert(found[1]);
    }
  }
  return operations;
}

TEST(OpenApi, DescribesEveryOperationAndParameter) {
  EXPECT_EQ(of_description(), of_router());
}

}  // namespace
}  // namespace kadenza::views
