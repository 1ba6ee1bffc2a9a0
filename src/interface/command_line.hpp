// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "interface/proxy_options.hpp"
#include "interface/serve_options.hpp"
#include "interface/settings.hpp"
#include "middleware/endpoint.hpp"

namespace kadenza::interface {

/// What every command that talks to a server was given.
struct ClientOptions {
  std::vector<std::string> servers{
      std::string(middleware::kDefaultServer)};  ///< each may be a list of its own
  std::string authorities;                       ///< PEM file; empty: the system's
  bool json = false;

  /// All of `servers`, in order. kInvalidArgument names one that is no address.
  core::Result<std::vector<middleware::Endpoint>> endpoints() const;
};

struct UploadOptions {
  std::vector<std::string> paths;
  unsigned jobs = 8;
};

struct SearchOptions {
  std::vector<std::string> words;
  unsigned limit = 20;
};

struct GetOptions {
  std::string id;
  std::string output;  ///< empty: a name made from the tags; "-": standard output
};

struct LookupOptions {
  std::string key;
  bool hash = false;  ///< `key` is a text whose SHA-256 is the key
};

struct LoginOptions {
  std::string user = "admin";
  std::string code;
  bool password_from_stdin = false;
};

struct InviteOptions {
  std::string expires = "24h";
  std::string name;
};

struct AuthorityOptions {
  std::string output;
};

struct ExportOptions {
  std::string file;
  bool passphrase_from_stdin = false;
};

struct RecoverOptions {
  std::string file;
  std::string name;
  bool passphrase_from_stdin = false;
};

struct DrainOptions {
  bool cancel = false;
};

struct RpcOptions {
  std::string method;
  std::string request = "{}";
};

/// All that the command line can say, as one tree of CLI11: parsing, --help and completion come from it. The
/// options' variables live in this object, so it stays where it is.
class CommandLine {
 public:
  explicit CommandLine(const std::string& version);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Flags, then environment, then configuration file. CLI::ParseError as CLI11 throws it (help is one).
  core::Result<void> parse(std::vector<std::string> arguments);

  /// Checked; only after parse() of `serve`.
  core::Result<ServeOptions> serve_options() const;
  /// Checked, but without log-ins; only after parse() of `proxy`.
  core::Result<ProxyOptions> proxy_options() const;

  /// Of the node that `cluster`, `node` and `rpc` speak to.
  std::filesystem::path data_folder() const;

  CLI::App app;
  CLI::App* serve = nullptr;
  CLI::App* upload = nullptr;
  CLI::App* search = nullptr;
  CLI::App* get = nullptr;
  CLI::App* network = nullptr;
  CLI::App* lookup = nullptr;
  CLI::App* login = nullptr;
  CLI::App* cluster = nullptr;
  CLI::App* invite = nullptr;
  CLI::App* members = nullptr;
  CLI::App* issuer_add = nullptr;
  CLI::App* remove = nullptr;
  CLI::App* export_cluster = nullptr;
  CLI::App* recover = nullptr;
  CLI::App* node_command = nullptr;
  CLI::App* drain = nullptr;
  CLI::App* authority = nullptr;
  CLI::App* rpc = nullptr;
  CLI::App* proxy = nullptr;
  CLI::App* completion = nullptr;

  ClientOptions client;
  UploadOptions upload_options;
  SearchOptions search_options;
  GetOptions get_options;
  LookupOptions lookup_options;
  LoginOptions login_options;
  InviteOptions invite_options;
  AuthorityOptions authority_options;
  ExportOptions export_options;
  RecoverOptions recover_options;
  DrainOptions drain_options;
  RpcOptions rpc_options;
  std::string node;  ///< an id, its beginning, or a name
  std::string shell;

 private:
  void add_serve();
  void add_upload();
  void add_search();
  void add_get();
  void add_network();
  void add_lookup();
  void add_login();
  void add_cluster();
  void add_members_and_issuers();
  void add_authority();
  void add_export_and_recover();
  void add_node_command();
  void add_rpc();
  void add_proxy();
  void add_completion();
  void add_node(CLI::App& command);
  void add_node_options(CLI::App& command);
  void add_server_options(CLI::App& command);
  void add_client_options(CLI::App& command);
  void add_logging(CLI::App& command);
  void add_config(CLI::App& command);
  void add_https_options();
  void add_network_options();
  void add_cluster_choice();
  void add_repair_options();
  CLI::Option* serve_setting(CLI::Option* option, const char* type);
  core::Result<std::optional<NetworkOptions>> network_options() const;

  LogLevel log_level() const;
  LogFormat log_format() const { return log_format_ == "json" ? LogFormat::kJson : LogFormat::kText; }

  Settings settings_;
  std::string config_;
  struct {
    std::string data;
    std::vector<std::string> http{"127.0.0.1:4747"};
    bool standalone = false;
    std::string rpc = "127.0.0.1:4748";
    std::string advertise;
    std::vector<std::string> bootstrap;
    std::string join;
    std::string name;
    ClusterChoice cluster;
    bool insecure_http = false;
    std::string capacity;
    std::string upload_limit = "2GB";
    std::string grace = "15m";
    std::string repair_rate = "20MB";
    std::string scrub_every = "7d";
    std::string public_url;
    bool https = false;
    std::vector<std::string> https_names;
    std::vector<std::string> https_domains;
    std::string tls_certificate;
    std::string tls_key;
    unsigned threads = 0;
  } serve_;
  struct {
    std::string listen = "127.0.0.1:4740";
    std::string upload_limit = "2GB";
  } proxy_;
  std::string log_level_ = "info";
  std::string log_format_ = "text";
};

}  // namespace kadenza::interface
