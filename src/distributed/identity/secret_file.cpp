// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/secret_file.hpp"

#include <fstream>
#include <system_error>

namespace kadenza::distributed::identity {

core::Result<std::optional<std::string>> read_secret_file(const std::filesystem::path& file,
                                                          std::size_t bytes_max) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) return std::nullopt;
  if (error)
    return core::fail(core::Errc::kInternal,
                      "Cannot look at " + file.string() + ": " + error.message() + ".");
  using std::filesystem::perms;
  if ((status.permissions() & (perms::group_all | perms::others_all)) != perms::none) {
    return core::fail(core::Errc::kForbidden, "Others may read " + file.string() +
                                                  ", which holds a secret. Make it yours alone: chmod 600 " +
                                                  file.string());
  }
  std::ifstream stream(file, std::ios::binary);
  std::string content(bytes_max + 1, '\0');
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (stream.bad() || (stream.fail() && !stream.eof())) {
    return core::fail(core::Errc::kInternal, "Cannot read " + file.string() + ".");
  }
  content.resize(static_cast<std::size_t>(stream.gcount()));
  if (content.size() > bytes_max)
    return core::fail(core::Errc::kTooLarge, file.string() + " is longer than such a file can be.");
  return content;
}

}  // namespace kadenza::distributed::identity
