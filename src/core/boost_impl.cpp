// SPDX-License-Identifier: AGPL-3.0-or-later
// The one place that compiles the bodies of Asio and Beast (BOOST_…_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
