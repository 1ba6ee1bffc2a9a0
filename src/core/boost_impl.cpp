// SPDX-License-Identifier: AGPL-3.0-or-later
// The one place that compiles the bodies of Asio and Beast (BOOST_…_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>

#ifdef __SANITIZE_THREAD__
// Asio counts references to executors with std::atomic_thread_fence, which the sanitizer cannot see.
extern "C" const char* __tsan_default_suppressions() {
  return "race:boost::asio::execution::detail::shared_target_executor\n";
}
#endif
