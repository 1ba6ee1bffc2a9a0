// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/sandbox.hpp"

#include <cerrno>
#include <csignal>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/unique_fd.hpp"

namespace kadenza::services::media {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct FreeFilter {
  void operator()(void* context) const noexcept { seccomp_release(context); }
};

/// Adds a rule to `context`; true when the kernel's table can hold it.
template <class... Comparisons>
bool allow(scmp_filter_ctx context, int call, Comparisons... comparisons) {
  return seccomp_rule_add(context, SCMP_ACT_ALLOW, call, sizeof...(comparisons), comparisons...) == 0;
}

bool add_rules(scmp_filter_ctx context) {
  const auto not_executable = scmp_arg_cmp{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
  const auto anonymous = scmp_arg_cmp{3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS};
  bool ok = allow(context, SCMP_SYS(pread64), scmp_arg_cmp{0, SCMP_CMP_EQ, kFileDescriptor, 0}) &&
            allow(context, SCMP_SYS(write), scmp_arg_cmp{0, SCMP_CMP_EQ, kReplyDescriptor, 0}) &&
            allow(context, SCMP_SYS(read), scmp_arg_cmp{0, SCMP_CMP_EQ, kReplyDescriptor, 0}) &&
            allow(context, SCMP_SYS(mmap), not_executable, anonymous) &&
            allow(context, SCMP_SYS(mprotect), not_executable);
  for (const int call : {SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
                         SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(sched_yield),
                         SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group)}) {
    ok = ok && allow(context, call);
  }
  // AddressSanitizer looks at the signal stack before every throw and _exit().
  return ok && (!kSanitized || allow(context, SCMP_SYS(sigaltstack)));
}

void limit(__rlimit_resource resource, rlim_t value, rlim_t grace = 0) {
  const rlimit both{value, value + grace};
  ::setrlimit(resource, &both);
}

}  // namespace

core::Result<Sandbox> Sandbox::prepare() {
  const std::unique_ptr<void, FreeFilter> context(seccomp_init(SCMP_ACT_KILL_PROCESS));
  const core::UniqueFd exported(::memfd_create("filter", MFD_CLOEXEC));
  if (!context || !exported || !add_rules(context.get()) ||
      seccomp_export_bpf(context.get(), exported.get()) != 0) {
    return core::fail(core::Errc::kUnavailable, "the filter of system calls cannot be built");
  }
  Sandbox sandbox;
  const auto bytes = ::lseek(exported.get(), 0, SEEK_END);
  sandbox.program_.resize(static_cast<std::size_t>(bytes) / sizeof(sock_filter));
  if (::pread(exported.get(), sandbox.program_.data(), static_cast<std::size_t>(bytes), 0) != bytes)
    return core::fail(core::Errc::kUnavailable, "the filter of system calls cannot be built");
  return sandbox;
}

core::Result<void> Sandbox::enter(const SandboxLimits& limits) const {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 0);
  limit(RLIMIT_NPROC, 0);
  limit(RLIMIT_CPU, limits.cpu_seconds, 1);  // SIGXCPU first, which tells the reason
  // Sanitizers reserve terabytes of addresses.
  if (!kSanitized) limit(RLIMIT_AS, limits.memory_bytes);

  const sock_fprog program{static_cast<unsigned short>(program_.size()),
                           const_cast<sock_filter*>(program_.data())};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) {
    return {};
  }
  return core::fail(
      core::Errc::kUnavailable,
      fmt::format("this machine cannot confine the process that parses audio files (seccomp: {}); "
                  "use a kernel with seccomp, or allow parsing without it explicitly",
                  std::generic_category().message(errno)));
}

}  // namespace kadenza::services::media
