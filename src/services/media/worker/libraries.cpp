// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/libraries.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/media/worker/ffmpeg.hpp"

namespace kadenza::services::media {
namespace {

/// libgme and libopenmpt take part when FFmpeg makes sure that a WAV holds plain PCM.
constexpr std::array<std::string_view, 18> kNeeded{
    "linux-vdso",  "ld-linux",   "libc.",     "libm.",         "libgcc_s",   "libstdc++",
    "libavformat", "libavcodec", "libavutil", "libswresample", "libswscale", "libtag",
    "libz.",       "libebur128", "libfmt",    "libmvec",       "libgme",     "libopenmpt"};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCanShed = false;  // the sanitizers walk over all libraries
#else
constexpr bool kCanShed = true;
#endif

int unmap_if_unused(dl_phdr_info* library, std::size_t, void*) {
  const std::string_view path = library->dlpi_name;
  const auto name = path.substr(path.rfind('/') + 1);
  const auto is_needed = [name](std::string_view needed) { return name.starts_with(needed); };
  if (name.empty() || std::ranges::any_of(kNeeded, is_needed)) return 0;

  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  std::uintptr_t begin = UINTPTR_MAX, end = 0;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const auto& part = library->dlpi_phdr[i];
    if (part.p_type != PT_LOAD) continue;
    const auto from = library->dlpi_addr + part.p_vaddr;
    begin = std::min(begin, from & ~(page - 1));
    end = std::max(end, (from + part.p_memsz + page - 1) & ~(page - 1));
  }
  if (begin < end) ::munmap(reinterpret_cast<void*>(begin), end - begin);
  return 0;
}

}  // namespace

void warm_up_libraries() {
  // The first use of a calendar time, such as an MP4's date, would open the time zone's file.
  ::tzset();
  // The first sort of more than a kilobyte, such as that of a song's loudness, would ask for the machine's
  // memory.
  std::array<int, 1024> numbers{};
  std::qsort(numbers.data(), numbers.size(), sizeof(int), [](const void*, const void*) { return 0; });
  for (const auto* name : kAudioDecoders) {
    const auto* const codec = avcodec_find_decoder_by_name(name);
    if (codec == nullptr) continue;
    const CodecContext context(avcodec_alloc_context3(codec));
    // Plausible values; a decoder that wants more has no tables worth warming.
    context->sample_rate = 44'100;
    av_channel_layout_default(&context->ch_layout, 2);
    context->thread_count = 1;
    avcodec_open2(context.get(), codec, nullptr);
  }
}

bool shed_unused_libraries() {
  if (!kCanShed) return true;
  if (::getenv("LD_BIND_NOW") == nullptr) return false;
  ::dl_iterate_phdr(unmap_if_unused, nullptr);
  ::malloc_trim(0);
  return true;
}

}  // namespace kadenza::services::media
