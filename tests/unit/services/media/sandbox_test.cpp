// SPDX-License-Identifier: AGPL-3.0-or-later
// A confined process is killed for whatever is not reading its file and answering.
#include "services/media/worker/sandbox.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kadenza::services::media {
namespace {

/// Confines this process, does `action`, ends: with 0 when it came that far.
template <class F>
[[noreturn]] void confined(F action) {
  const auto sandbox = Sandbox::prepare();
  ::dup2(::open("/etc/passwd", O_RDWR), kFileDescriptor);
  ::dup2(::open("/dev/null", O_RDWR), kReplyDescriptor);
  if (!sandbox || !sandbox->enter({512u << 20, 10})) ::_exit(77);
  action();
  ::_exit(0);
}

#define EXPECT_KILLED_FOR(...) EXPECT_EXIT(confined([] { __VA_ARGS__; }), testing::KilledBySignal(SIGSYS), "")

TEST(SandboxTest, ReadingTheFileAndAnsweringIsAllowed) {
  const auto read_and_answer = [] {
    char byte = 0;
    if (::pread(kFileDescriptor, &byte, 1, 0) != 1 || ::write(kReplyDescriptor, &byte, 1) != 1) ::_exit(1);
    if (::read(kReplyDescriptor, &byte, 1) != 0) ::_exit(2);
  };
  EXPECT_EXIT(confined(read_and_answer), testing::ExitedWithCode(0), "");
}

TEST(SandboxTest, FilesAndTheNetworkAreOutOfReach) {
  EXPECT_KILLED_FOR(::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
  EXPECT_KILLED_FOR(::syscall(SYS_open, "/etc/passwd", O_RDONLY));
  EXPECT_KILLED_FOR(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_KILLED_FOR(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_KILLED_FOR(::unlink("/tmp/x"));
  EXPECT_KILLED_FOR(char byte = 0; ::recv(kReplyDescriptor, &byte, 1, 0));
  EXPECT_KILLED_FOR(::dup(kFileDescriptor));
}

TEST(SandboxTest, OtherProgramsAndProcessesAreOutOfReach) {
  EXPECT_KILLED_FOR(::execl("/bin/true", "true", nullptr));
  EXPECT_KILLED_FOR(::syscall(SYS_fork));
  EXPECT_KILLED_FOR(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  EXPECT_KILLED_FOR(::kill(::getppid(), SIGTERM));
  EXPECT_KILLED_FOR(::syscall(SYS_kill, 1, 0));
  EXPECT_KILLED_FOR(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
}

TEST(SandboxTest, OnlyItsOwnDescriptorsServeAndOnlyTheirPurpose) {
  EXPECT_KILLED_FOR(char byte = 0; ::syscall(SYS_pread64, 0, &byte, 1, 0));
  EXPECT_KILLED_FOR(char byte = 0; ::syscall(SYS_read, 0, &byte, 1));
  EXPECT_KILLED_FOR(char byte = 0; ::syscall(SYS_read, kFileDescriptor, &byte, 1));
  EXPECT_KILLED_FOR(::syscall(SYS_write, kFileDescriptor, "x", 1));
  EXPECT_KILLED_FOR(::syscall(SYS_write, 2, "x", 1));
  EXPECT_KILLED_FOR(::syscall(SYS_pwrite64, kFileDescriptor, "x", 1, 0));
}

TEST(SandboxTest, NoNewCodeRuns) {
  EXPECT_KILLED_FOR(::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  EXPECT_KILLED_FOR(::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, kFileDescriptor, 0));
  EXPECT_KILLED_FOR(static char page[8192]; ::mprotect(page, 1, PROT_READ | PROT_EXEC));
}

TEST(SandboxTest, TimeOnTheProcessorIsLimited) {
  const auto spin = [] {
    const auto sandbox = Sandbox::prepare();
    if (!sandbox->enter({512u << 20, 1})) ::_exit(77);
    for (;;) asm volatile("");
  };
  EXPECT_EXIT(spin(), testing::KilledBySignal(SIGXCPU), "");
}

TEST(SandboxTest, LimitsAreInForce) {
  const auto check = [] {
    for (const auto resource : {RLIMIT_CORE, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC}) {
      rlimit limit{};
      ::getrlimit(resource, &limit);
      if (limit.rlim_max != 0) ::_exit(static_cast<int>(resource) + 1);
    }
    ::_exit(0);
  };
  // Asked for under a filter that cannot be installed, since getrlimit() itself is not allowed afterwards.
  const auto enter_without_filter = [&check] {
    const auto context = seccomp_init(SCMP_ACT_ALLOW);
    seccomp_rule_add(context, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                     scmp_arg_cmp{0, SCMP_CMP_EQ, 22, 0});
    seccomp_load(context);
    const auto entered = Sandbox::prepare()->enter({512u << 20, 10});
    if (entered || entered.error().code != core::Errc::kUnavailable ||
        entered.error().detail.find("seccomp") == std::string::npos) {
      ::_exit(99);
    }
    check();
  };
  EXPECT_EXIT(enter_without_filter(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace kadenza::services::media
