// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/upload_report.hpp"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "interface/i18n.hpp"

namespace kadenza::interface {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::array<std::string_view, 13> kAudioExtensions{".mp3",  ".flac", ".ogg", ".oga", ".opus",
                                                            ".m4a",  ".m4b",  ".mp4", ".aac", ".wav",
                                                            ".aiff", ".aif",  ".aifc"};

bool has_audio_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kAudioExtensions, extension) != kAudioExtensions.end();
}

void refuse(UploadReport& report, const fs::path& path, const std::error_code& error) {
  UploadResult result;
  result.path = path;
  result.error = {
      error == std::errc::no_such_file_or_directory ? core::Errc::kNotFound : core::Errc::kInvalidArgument,
      fmt::format("Cannot read {}: {}.", path.string(), error.message())};
  report.results.push_back(std::move(result));
  ++report.files;
}

void add_folder(const fs::path& folder, std::vector<UploadFile>& files, UploadReport& report) {
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::skip_permission_denied, error);
  const std::size_t first = files.size();
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code vanished;
    if (!entries->is_regular_file(vanished) || !has_audio_extension(entries->path())) continue;
    const std::uint64_t size = entries->file_size(vanished);
    if (!vanished) files.push_back({entries->path(), size});
  }
  if (error) refuse(report, folder, error);
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(first), files.end(),
            [](const UploadFile& a, const UploadFile& b) { return a.path < b.path; });
}

std::string_view name_of(UploadResult::Kind kind) {
  switch (kind) {
    case UploadResult::Kind::kAdded:
      return "added";
    case UploadResult::Kind::kAlreadyThere:
      return "already_there";
    case UploadResult::Kind::kOtherAudio:
      return "other_audio";
    case UploadResult::Kind::kRefused:
      return "refused";
  }
  return "refused";
}

json::object json_of(const core::Error& error) {
  json::object object;
  object["code"] = core::to_string(error.code);
  object["detail"] = error.detail;
  return object;
}

json::object json_of(const UploadResult& result) {
  json::object object;
  object["path"] = result.path.string();
  object["outcome"] = name_of(result.kind);
  if (result.kind == UploadResult::Kind::kRefused) {
    object["error"] = json_of(result.error);
  } else {
    object["song"] = result.song.json;
    object["searchable"] = result.searchable;
  }
  return object;
}

}  // namespace

std::vector<UploadFile> files_to_upload(const std::vector<std::string>& paths, UploadReport& report) {
  std::vector<UploadFile> files;
  for (const std::string& text : paths) {
    const fs::path path(text);
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error) {
      refuse(report, path, error);
    } else if (fs::is_directory(status)) {
      add_folder(path, files, report);
    } else {
      const std::uint64_t size = fs::is_regular_file(status) ? fs::file_size(path, error) : 0;
      files.push_back({path, error ? 0 : size});
    }
  }
  report.files += files.size();
  return files;
}

std::size_t UploadReport::count(UploadResult::Kind kind) const {
  return static_cast<std::size_t>(std::ranges::count(results, kind, &UploadResult::kind));
}

ExitCode UploadReport::exit_code() const {
  if (stopped) return interface::exit_code(stopped->code);
  return count(UploadResult::Kind::kRefused) > 0 ? ExitCode::kFailed : ExitCode::kOk;
}

void UploadReport::print(Console& console) const {
  using Kind = UploadResult::Kind;
  const std::size_t refused = count(Kind::kRefused);
  const std::size_t other = count(Kind::kOtherAudio);
  for (const UploadResult& result : results) {
    if (result.kind == Kind::kRefused) {
      console.err << trf("refused: {}: {}", printable(result.path.string()), describe(result.error)) << '\n';
    } else if (result.kind == Kind::kOtherAudio) {
      console.err << trf("other audio: {}: the song is there already with different audio, which stays",
                         printable(result.path.string()))
                  << '\n';
    }
  }
  const double rate = static_cast<double>(bytes) / std::max(time.count(), 0.001);
  console.out << trf("{} added, {} already there, {} refused", count(Kind::kAdded),
                     count(Kind::kAlreadyThere) + other, refused)
              << " (" << format_bytes(static_cast<double>(bytes)) << ", " << format_bytes(rate) << "/s, "
              << format_duration(static_cast<std::size_t>(time.count() + 0.5)) << ")\n";
  const auto unsearchable =
      static_cast<unsigned long>(std::ranges::count(results, false, &UploadResult::searchable));
  if (unsearchable > 0) {
    console.out << fmt::format(fmt::runtime(trn("{} song is stored, but search will find it only later.",
                                                "{} songs are stored, but search will find them only later.",
                                                unsearchable)),
                               unsearchable)
                << '\n';
  }
  if (stopped && results.size() < files) {
    const auto left = static_cast<unsigned long>(files - results.size());
    console.err << fmt::format(
                       fmt::runtime(trn("{} file is left; run the same command again to go on.",
                                        "{} files are left; run the same command again to go on.", left)),
                       left)
                << '\n';
  }
}

void UploadReport::print_json(Console& console) const {
  json::object object;
  for (const auto kind : {UploadResult::Kind::kAdded, UploadResult::Kind::kAlreadyThere,
                          UploadResult::Kind::kOtherAudio, UploadResult::Kind::kRefused}) {
    object[name_of(kind)] = count(kind);
  }
  object["left"] = files - results.size();
  object["bytes"] = bytes;
  object["seconds"] = time.count();
  if (stopped) object["stopped"] = json_of(*stopped);
  json::array array;
  for (const UploadResult& result : results) array.push_back(json_of(result));
  object["files"] = std::move(array);
  console.out << json::serialize(object) << '\n';
}

}  // namespace kadenza::interface
