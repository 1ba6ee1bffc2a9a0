// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/json_call.hpp"

#include <algorithm>
#include <cctype>
#include <memory>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

namespace kadenza::distributed::rpc {

namespace pb = google::protobuf;
using core::Errc;
using core::fail;

namespace {

constexpr std::string_view kPackage = "kadenza.v1";
constexpr std::size_t kNearMax = 5;

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return copy;
}

std::string short_name(const pb::MethodDescriptor& method) {
  return method.service()->name() + "." + method.name();
}

std::string path_of(const pb::MethodDescriptor& method) {
  return fmt::format("/{}/{}", method.service()->full_name(), method.name());
}

std::vector<const pb::MethodDescriptor*> all_methods() {
  std::vector<std::string> files;
  pb::DescriptorPool::internal_generated_database()->FindAllFileNames(&files);
  std::vector<const pb::MethodDescriptor*> methods;
  for (const auto& name : files) {
    const auto* file = pb::DescriptorPool::generated_pool()->FindFileByName(name);
    if (file == nullptr || file->package() != kPackage) continue;
    for (int s = 0; s < file->service_count(); ++s)
      for (int m = 0; m < file->service(s)->method_count(); ++m)
        methods.push_back(file->service(s)->method(m));
  }
  std::ranges::sort(methods, {}, [](const auto* method) { return short_name(*method); });
  return methods;
}

/// Levenshtein's distance.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto changed = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

/// "/kadenza.v1.Node/Describe", "Node/Describe" and "node.describe" are all "node.describe".
std::string normalise(std::string_view method) {
  auto name = lower(method.starts_with('/') ? method.substr(1) : method);
  std::ranges::replace(name, '/', '.');
  const auto prefix = std::string(kPackage) + ".";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::string no_such_method(std::string_view wanted, std::vector<std::string> names) {
  const auto name = normalise(wanted);
  const auto distance = [&name](const std::string& known) {
    const auto candidate = lower(known);
    return !name.empty() && candidate.find(name) != std::string::npos ? 0 : edits_between(name, candidate);
  };
  std::ranges::stable_sort(names, {}, distance);
  if (names.size() > kNearMax) names.resize(kNearMax);
  return fmt::format("There is no method {}. Near it are: {}.", wanted, fmt::join(names, ", "));
}

core::Result<std::string> encode(const pb::MethodDescriptor& method, std::string_view json) {
  const std::unique_ptr<pb::Message> request(
      pb::MessageFactory::generated_factory()->GetPrototype(method.input_type())->New());
  const auto parsed = pb::util::JsonStringToMessage(json.empty() ? "{}" : std::string(json), request.get());
  if (parsed.ok()) return request->SerializeAsString();
  return fail(Errc::kInvalidArgument, fmt::format("The JSON is not a {}: {}", method.input_type()->name(),
                                                  parsed.message().as_string()));
}

core::Result<std::string> decode(const pb::MethodDescriptor& method, const std::string& encoded) {
  const std::unique_ptr<pb::Message> reply(
      pb::MessageFactory::generated_factory()->GetPrototype(method.output_type())->New());
  if (!reply->ParseFromString(encoded))
    return fail(Errc::kUnavailable, "the other node answered with something unreadable");
  pb::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto printed = pb::util::MessageToJsonString(*reply, &json, options);
  if (printed.ok()) return json;
  return fail(Errc::kInternal, "The reply cannot be written as JSON: " + printed.message().as_string());
}

}  // namespace

std::vector<std::string> list_methods() {
  std::vector<std::string> names;
  for (const auto* method : all_methods()) names.push_back(short_name(*method));
  return names;
}

core::Task<core::Result<std::string>> call_json(peers::Peers& peers, kademlia::Contact to, std::string method,
                                                std::string json, core::Deadline deadline) {
  const auto methods = all_methods();
  const auto found = std::ranges::find(methods, normalise(method),
                                       [](const auto* known) { return lower(short_name(*known)); });
  if (found == methods.end()) co_return fail(Errc::kInvalidArgument, no_such_method(method, list_methods()));
  KADENZA_CO_TRY(auto request, encode(**found, json));
  const auto path = path_of(**found);
  auto calling = peers.call(to, path, std::move(request), deadline);
  auto answer = co_await std::move(calling);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return decode(**found, *answer);
}

}  // namespace kadenza::distributed::rpc
