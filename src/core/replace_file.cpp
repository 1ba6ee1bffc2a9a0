// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/replace_file.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kadenza::core {
namespace {

std::unexpected<Error> io_error(const std::filesystem::path& file, const char* what) {
  const int number = errno;
  const Errc code = number == ENOSPC || number == EDQUOT ? Errc::kNoSpace : Errc::kInternal;
  return fail(code, "Cannot " + std::string(what) + " " + file.string() + ": " +
                        std::generic_category().message(number) + ".");
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<void> replace_file(const std::filesystem::path& file, std::string_view content, mode_t mode) {
  std::filesystem::path temporary = file;
  temporary += ".new";
  {
    const Descriptor out(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (out.get() < 0) return io_error(temporary, "create");
    if (::fchmod(out.get(), mode) != 0 || !write_all(out.get(), content) || ::fsync(out.get()) != 0) {
      auto error = io_error(temporary, "write");
      ::unlink(temporary.c_str());
      return error;
    }
  }
  if (::rename(temporary.c_str(), file.c_str()) != 0) return io_error(file, "replace");

  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return io_error(folder, "sync the folder");
  return {};
}

}  // namespace kadenza::core
