// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/web_names.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "distributed/identity/openssl.hpp"

namespace kadenza::distributed::identity {
namespace {

using Names = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;

constexpr std::size_t kNameBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;

/// The address as the system writes it; empty when it is none.
std::string written_address(const std::string& text) {
  for (const int family : {AF_INET, AF_INET6}) {
    std::array<unsigned char, 16> bytes{};
    std::array<char, INET6_ADDRSTRLEN> written{};
    if (::inet_pton(family, text.c_str(), bytes.data()) == 1 &&
        ::inet_ntop(family, bytes.data(), written.data(), written.size()) != nullptr) {
      return written.data();
    }
  }
  return {};
}

bool is_label(std::string_view label) {
  const auto fits = [](unsigned char letter) {
    return std::islower(letter) != 0 || std::isdigit(letter) != 0 || letter == '-';
  };
  return !label.empty() && label.size() <= kLabelBytesMax && !label.starts_with('-') &&
         !label.ends_with('-') && std::ranges::all_of(label, fits);
}

bool is_dns_name(std::string_view name) {
  if (name.size() > kNameBytesMax) return false;
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (std::ranges::all_of(last, [](unsigned char letter) { return std::isdigit(letter) != 0; })) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

std::string text_of(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    const auto* text = name.d.dNSName;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
  }
  const int size = name.type == GEN_IPADD ? ASN1_STRING_length(name.d.iPAddress) : 0;
  std::array<char, INET6_ADDRSTRLEN> written{};
  if (size != 4 && size != 16) return {};
  ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name.d.iPAddress), written.data(),
              written.size());
  return written.data();
}

}  // namespace

core::Result<std::string> web_name(std::string_view text) {
  std::string name(text);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  std::ranges::transform(name, name.begin(), [](unsigned char letter) { return std::tolower(letter); });
  if (std::string address = written_address(name); !address.empty()) return address;
  if (name.ends_with('.')) name.pop_back();
  if (is_dns_name(name)) return name;
  return core::fail(core::Errc::kInvalidArgument,
                    fmt::format("“{}” is not a host's name or address. Write it like attic.example, "
                                "192.168.1.7 or [fd00::7]; names with other letters in their xn-- form.",
                                text));
}

bool is_address(const std::string& name) {
  return !written_address(name).empty();
}

std::string alternative_names(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  }
  return text;
}

std::vector<std::string> names_of(const Certificate& certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.handle(), NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> found;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    std::string name = text_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (!name.empty()) found.push_back(std::move(name));
  }
  return found;
}

}  // namespace kadenza::distributed::identity
