// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/command_line.hpp"

#include <algorithm>
#include <thread>

#include "interface/i18n.hpp"

namespace kadenza::interface {
namespace {

void translate_labels(CLI::App& app) {
  const auto formatter = app.get_formatter();
  formatter->label("Usage", tr("Usage"));
  formatter->label("OPTIONS", tr("OPTIONS"));
  formatter->label("Positionals", tr("Arguments"));
  formatter->label("SUBCOMMAND", tr("COMMAND"));
  formatter->label("SUBCOMMANDS", tr("COMMANDS"));
  formatter->label("REQUIRED", tr("(required)"));
  formatter->column_width(30);
}

}  // namespace

CommandLine::CommandLine(const std::string& version)
    : app(tr("Kadenza: upload, search and listen to music, with no centre."), "kadenza") {
  translate_labels(app);
  app.option_defaults()->group(tr("Options"));
  app.set_help_flag("-h,--help", tr("Print this help and exit"));
  app.set_version_flag("--version", "kadenza " + version, tr("Print the version and exit"));
  app.require_subcommand(1);
  app.footer(
      tr("Examples:\n"
         "  kadenza serve                    start a node\n"
         "  kadenza upload ~/Music           upload a folder\n"
         "  kadenza search corazon           find songs\n"
         "Settings: flags, then KADENZA_* variables, then ~/.config/kadenza/config.toml."));
  add_serve();
  add_upload();
  add_search();
  add_get();
  add_network();
  add_lookup();
  add_login();
  add_cluster();
  add_node_command();
  add_rpc();
  add_proxy();
  add_completion();
  for (CLI::App* command :
       {serve, upload, search, get, network, lookup, login, proxy, cluster, rpc, completion}) {
    command->group(tr("Commands"));
    command->get_help_ptr()->group(tr("Options"));
  }
}

void CommandLine::add_config(CLI::App& command) {
  auto* option = command.add_option("--config", config_, tr("Configuration file (TOML)"));
  option->type_name(tr("FILE"))->check(CLI::ExistingFile)->envname("KADENZA_CONFIG");
}

void CommandLine::add_server_options(CLI::App& command) {
  auto* server = command.add_option("--server", client.servers,
                                    tr("Servers, separated by commas; the first that answers serves"));
  server->type_name("URL[,URL…]")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false)
      ->default_str(std::string(middleware::kDefaultServer));
  settings_.add(command, *server, "server");
  auto* authorities = command.add_option("--ca", client.authorities,
                                         tr("Trust the certificate authorities in this file (PEM)"));
  settings_.add(command, *authorities->type_name(tr("FILE")), "ca");
  add_config(command);
}

void CommandLine::add_client_options(CLI::App& command) {
  add_server_options(command);
  command.add_flag("--json", client.json, tr("Answer in JSON, for programs"));
}

void CommandLine::add_logging(CLI::App& command) {
  auto* level = command.add_option("--log-level", log_level_, tr("How much to log"));
  level->check(CLI::IsMember({"debug", "info", "warning", "error"}))->capture_default_str();
  settings_.add(command, *level, command.get_name() + ".log-level");
  auto* format = command.add_option("--log-format", log_format_, tr("How to log"));
  format->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  settings_.add(command, *format, command.get_name() + ".log-format");
}

void CommandLine::add_proxy() {
  proxy = app.add_subcommand("proxy", tr("Give apps one address for all nodes"));
  proxy->footer(tr(
      "For music apps that know one server only: it runs on the machine of the app and asks whichever node "
      "is\n"
      "well. A song goes on at the same byte when its node dies. Apps log in as they would at a node.\n"
      "Examples:\n"
      "  kadenza proxy\n"
      "  kadenza proxy --server https://attic.example:4747,https://cellar.example:4747\n"
      "  kadenza proxy --listen 127.0.0.1:4800 --log-level debug"));
  auto* listen =
      proxy->add_option("--listen", proxy_.listen, tr("Address of this machine where apps reach it"));
  settings_.add(*proxy, *listen->type_name(tr("HOST:PORT"))->capture_default_str(), "proxy.listen");
  auto* limit = proxy->add_option("--upload-limit", proxy_.upload_limit, tr("Refuse larger uploads"));
  settings_.add(*proxy, *limit->type_name(tr("SIZE"))->capture_default_str(), "proxy.upload-limit");
  add_logging(*proxy);
  add_server_options(*proxy);
}

void CommandLine::add_serve() {
  serve = app.add_subcommand("serve", tr("Run a node"));
  serve->footer(
      tr("The first node begins a cluster. Every other one needs a token, which any issuer makes:\n"
         "kadenza cluster invite. Later starts need no token.\n"
         "Examples:\n"
         "  kadenza serve --data /srv/music --capacity 500GB\n"
         "  kadenza serve --rpc 0.0.0.0:4748 --join kadenza-join-…\n"
         "  kadenza serve --http 0.0.0.0:4747 --https --https-name attic.local\n"
         "  kadenza serve --standalone --http 0.0.0.0:4747 --tls-cert cert.pem --tls-key key.pem"));
  const auto setting = [this](CLI::Option* option, const char* type) { return serve_setting(option, type); };
  setting(serve->add_option("--data", serve_.data, tr("Folder of the node's music and state")), tr("FOLDER"))
      ->default_str(default_data_folder().string());
  setting(serve->add_option("--http", serve_.http, tr("Address to listen on; may be repeated")),
          tr("HOST:PORT"))
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false)
      ->default_str("127.0.0.1:4747");
  add_network_options();
  add_cluster_choice();
  setting(serve->add_option("--capacity", serve_.capacity,
                            tr("Store at most this much, like 500GB (default: what fits)")),
          tr("SIZE"));
  setting(serve->add_option("--upload-limit", serve_.upload_limit, tr("Refuse larger uploads")), tr("SIZE"))
      ->capture_default_str();
  add_repair_options();
  add_https_options();
  setting(serve->add_option("--threads", serve_.threads,
                            tr("Threads of the HTTP server (default: one per core)")),
          tr("N"))
      ->check(CLI::Range(1U, 256U));
  add_logging(*serve);
  add_config(*serve);
}

CLI::Option* CommandLine::serve_setting(CLI::Option* option, const char* type) {
  if (type != nullptr) option->type_name(type);
  settings_.add(*serve, *option, "serve." + option->get_lnames().front());
  return option;
}

void CommandLine::add_https_options() {
  serve_setting(serve->add_option(
                    "--public-url", serve_.public_url,
                    tr("Where listeners reach this node, if it is not where it listens: a name, a proxy")),
                "URL");
  const char* file = tr("FILE");
  serve_setting(serve->add_flag("--https", serve_.https,
                                tr("https, with a certificate of the cluster's own authority")),
                nullptr);
  const auto several = [this](CLI::Option* option, const char* type) {
    serve_setting(option, type)->take_all()->expected(1)->allow_extra_args(false)->delimiter(',');
  };
  several(serve->add_option("--https-name", serve_.https_names,
                            tr("Host for which that certificate has to be good; may be repeated")),
          tr("NAME"));
  several(serve->add_option("--https-domain", serve_.https_domains,
                            tr("Domain that the authority may certify besides private names; said to the "
                               "issuer, before its first certificate")),
          tr("DOMAIN"));
  serve_setting(
      serve->add_option("--tls-cert", serve_.tls_certificate, tr("Certificate chain (PEM), for https")),
      file);
  serve_setting(serve->add_option("--tls-key", serve_.tls_key, tr("The certificate's private key (PEM)")),
                file);
  serve_setting(serve->add_flag("--insecure-http", serve_.insecure_http,
                                tr("Allow unencrypted HTTP from other machines")),
                nullptr);
}

void CommandLine::add_repair_options() {
  serve_setting(
      serve->add_option("--grace", serve_.grace, tr("Make a silent node's copies again after this time")),
      tr("TIME"))
      ->capture_default_str();
  serve_setting(serve->add_option("--repair-rate", serve_.repair_rate,
                                  tr("Copy at most this much in a second to repair what is missing")),
                tr("SIZE"))
      ->capture_default_str();
  serve_setting(serve->add_option("--scrub-every", serve_.scrub_every,
                                  tr("Read all stored songs once in this time to find what the disk lost")),
                tr("TIME"))
      ->capture_default_str();
}

void CommandLine::add_network_options() {
  const char* address = tr("HOST:PORT");
  serve_setting(serve->add_option("--rpc", serve_.rpc,
                                  tr("Address for other nodes, UDP and TCP; port 0 = any free one")),
                address)
      ->capture_default_str();
  serve_setting(
      serve->add_option("--advertise", serve_.advertise,
                        tr("Where others reach this node, if it is not where its packets come from")),
      address);
  serve_setting(
      serve->add_option("--bootstrap", serve_.bootstrap,
                        tr("Further members to ask at the start, separated by commas; may be repeated")),
      address)
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  serve_setting(
      serve->add_option("--join", serve_.join,
                        tr("Token of an issuer, to become a member; only the first start needs it")),
      tr("TOKEN"));
  serve_setting(serve->add_option("--name", serve_.name,
                                  tr("What the node is called in the cluster (default: the machine's name)")),
                tr("NAME"));
  serve_setting(
      serve->add_flag("--standalone", serve_.standalone, tr("One node alone, without a network of nodes")),
      nullptr);
}

void CommandLine::add_cluster_choice() {
  const auto count = [this](const char* flag, std::optional<std::uint32_t>& value, const char* help) {
    serve_setting(serve->add_option(flag, value, help), tr("N"));
  };
  count("--replicas", serve_.cluster.replicas,
        tr("Of a new cluster: nodes that hold each song, 1 to 16 (default: 3)"));
  count("--write-quorum", serve_.cluster.write_quorum,
        tr("Of a new cluster: nodes that store a song before its upload is acknowledged (default: 2)"));
  count(
      "--candidates", serve_.cluster.candidates,
      tr("Of a new cluster: nodes nearest to a song among which its holders are, at most 40 (default: 40)"));
  count("--partitions", serve_.cluster.partitions,
        tr("Of a new cluster: parts into which songs fall, a power of 2 (default: 65536)"));
}

void CommandLine::add_upload() {
  upload = app.add_subcommand("upload", tr("Upload files and folders"));
  upload->footer(
      tr("Folders are searched for audio files, with all folders in them. An interrupted upload goes on when "
         "it is\n"
         "run again: what is there already is not stored twice.\n"
         "Examples:\n"
         "  kadenza upload ~/Music\n"
         "  kadenza upload song.mp3 other.flac --json"));
  upload->add_option("PATH", upload_options.paths, tr("Files and folders"))->required();
  auto* jobs = upload->add_option("-j,--jobs", upload_options.jobs, tr("Files sent at the same time"));
  jobs->type_name(tr("N"))->check(CLI::Range(1U, 64U))->capture_default_str();
  settings_.add(*upload, *jobs, "upload.jobs");
  add_client_options(*upload);
}

void CommandLine::add_search() {
  search = app.add_subcommand("search", tr("Search songs, albums and artists"));
  search->footer(
      tr("Accents, capitals and small typing errors do not matter; the last word may be unfinished.\n"
         "Examples:\n"
         "  kadenza search corazon\n"
         "  kadenza search --json miles blue | jq -r '.songs[].id'"));
  search->add_option("WORDS", search_options.words, tr("Words of title, artist or album"))->required();
  auto* limit = search->add_option("-n,--limit", search_options.limit, tr("Show at most this many songs"));
  limit->type_name(tr("N"))->check(CLI::Range(1U, 500U))->capture_default_str();
  settings_.add(*search, *limit, "search.limit");
  add_client_options(*search);
}

void CommandLine::add_get() {
  get = app.add_subcommand("get", tr("Fetch the audio of a song"));
  get->footer(tr(
      "Without -o the file is called “Artist - Title” and lies in the current folder. A fetch that was cut\n"
      "short goes on where it stopped.\n"
      "Examples:\n"
      "  kadenza get ID\n"
      "  kadenza get ID -o song.mp3\n"
      "  kadenza get ID -o - | mpv -"));
  get->add_option("ID", get_options.id, tr("The song's id, as search shows it"))->required();
  get->add_option("-o,--output", get_options.output, tr("File to write; “-” is standard output"))
      ->type_name(tr("FILE"));
  add_client_options(*get);
}

void CommandLine::add_network() {
  network = app.add_subcommand("network", tr("Show the network as a node sees it"));
  network->footer(
      tr("Contacts stand under the number of leading bits that their ids share with the node's own.\n"
         "Examples:\n"
         "  kadenza network\n"
         "  kadenza network --server http://127.0.0.1:4749\n"
         "  kadenza network --json | jq .estimated_nodes"));
  add_client_options(*network);
}

void CommandLine::add_lookup() {
  lookup = app.add_subcommand("lookup", tr("Find the nodes nearest to a key, and show the way there"));
  lookup->footer(
      tr("Examples:\n"
         "  kadenza lookup ID                the id of a song, an album, a node: of anything\n"
         "  kadenza lookup --hash \"any text\"\n"
         "  kadenza lookup --json ID | jq -r '.nearest[].id'"));
  lookup->add_option("KEY", lookup_options.key, tr("An id of 52 letters and digits, or a text with --hash"))
      ->required();
  lookup->add_flag("--hash", lookup_options.hash, tr("The key is the SHA-256 of this text"));
  add_client_options(*lookup);
}

void CommandLine::add_login() {
  login = app.add_subcommand("login", tr("Log in to a server and remember it"));
  login->footer(
      tr("On the machine and account that run the node no log-in is needed.\n"
         "Examples:\n"
         "  kadenza login --server https://music.example:4747\n"
         "  kadenza login --code CODE\n"
         "  pass show kadenza | kadenza login --password-stdin"));
  auto* user = login->add_option("-u,--user", login_options.user, tr("Name of the user"));
  settings_.add(*login, *user->type_name(tr("NAME"))->capture_default_str(), "login.user");
  auto* code =
      login->add_option("--code", login_options.code, tr("One-time sign-in code instead of a password"));
  code->type_name(tr("CODE"));
  auto* from_stdin = login->add_flag("--password-stdin", login_options.password_from_stdin,
                                     tr("Read the password from standard input"));
  code->excludes(from_stdin);
  add_client_options(*login);
}

void CommandLine::add_node_options(CLI::App& command) {
  auto* data = command.add_option("--data", serve_.data, tr("Data folder of the running node"));
  data->type_name(tr("FOLDER"))->default_str(default_data_folder().string());
  settings_.add(command, *data, "serve.data");
  command.add_flag("--json", client.json, tr("Answer in JSON, for programs"));
  add_config(command);
  command.get_help_ptr()->group(tr("Options"));
}

void CommandLine::add_node(CLI::App& command) {
  command.add_option("NODE", node, tr("A node's name, its id, or the id's first letters (at least 4)"))
      ->required();
}

void CommandLine::add_cluster() {
  cluster = app.add_subcommand("cluster", tr("Invite, list and remove the nodes of a cluster"));
  cluster->require_subcommand(1);
  cluster->footer(tr(
      "To be run on the machine and account of a node that runs; inviting, removing and exporting need an\n"
      "issuer, which the first node is.\n"
      "Examples:\n"
      "  kadenza cluster invite --expires 1h\n"
      "  kadenza cluster members\n"
      "  kadenza cluster remove attic"));
  invite = cluster->add_subcommand("invite", tr("Print a token with which one node can join"));
  invite->add_option("--expires", invite_options.expires, tr("How long it is good, like 30m, 24h or 7d"))
      ->type_name(tr("TIME"))
      ->capture_default_str();
  invite->add_option("--name", invite_options.name, tr("What the node will be called"))
      ->type_name(tr("NAME"));
  add_node_options(*invite);
  add_members_and_issuers();
  add_authority();
  add_export_and_recover();
}

void CommandLine::add_members_and_issuers() {
  members = cluster->add_subcommand("members", tr("List the nodes of the cluster"));
  add_node_options(*members);
  auto* issuer = cluster->add_subcommand("issuer", tr("Choose who may invite and remove nodes"));
  issuer->require_subcommand(1);
  issuer->get_help_ptr()->group(tr("Options"));
  issuer_add = issuer->add_subcommand("add", tr("Make a member an issuer, too"));
  add_node(*issuer_add);
  add_node_options(*issuer_add);
  remove = cluster->add_subcommand("remove", tr("Remove a node for good, and give the others new keys"));
  add_node(*remove);
  add_node_options(*remove);
}

void CommandLine::add_authority() {
  authority = cluster->add_subcommand("ca", tr("Print the certificate that listeners' devices install"));
  authority->footer(tr(
      "For nodes that are started with --https. docs/https.md says how each device installs it; compare the\n"
      "fingerprint before you do.\n"
      "Examples:\n"
      "  kadenza cluster ca\n"
      "  kadenza cluster ca --output kadenza-ca.pem\n"
      "  kadenza cluster ca --json | jq -r .certificate.expires"));
  authority->add_option("-o,--output", authority_options.output, tr("File to write instead"))
      ->type_name(tr("FILE"));
  add_node_options(*authority);
}

void CommandLine::add_export_and_recover() {
  export_cluster = cluster->add_subcommand(
      "export", tr("Write the cluster's secrets to a file, encrypted by a passphrase"));
  export_cluster->add_option("FILE", export_options.file, tr("File to write"))->required();
  export_cluster->add_flag("--passphrase-stdin", export_options.passphrase_from_stdin,
                           tr("Read the passphrase from standard input"));
  add_node_options(*export_cluster);
  recover =
      cluster->add_subcommand("recover", tr("Make an issuer from such a file, when all issuers are lost"));
  recover->footer(
      tr("The node must not run. With an empty data folder it becomes a new member, with a member's folder "
         "that\n"
         "member becomes an issuer.\n"
         "Example:\n"
         "  kadenza cluster recover cluster.export --data /srv/music"));
  recover->add_option("FILE", recover_options.file, tr("File that export has written"))->required();
  recover->add_option("--name", recover_options.name, tr("What the node will be called"))
      ->type_name(tr("NAME"));
  recover->add_flag("--passphrase-stdin", recover_options.passphrase_from_stdin,
                    tr("Read the passphrase from standard input"));
  add_node_options(*recover);
}

void CommandLine::add_node_command() {
  node_command = app.add_subcommand("node", tr("Prepare the node that runs here for leaving"));
  node_command->require_subcommand(1);
  node_command->get_help_ptr()->group(tr("Options"));
  drain = node_command->add_subcommand("drain", tr("Hand all its songs over to other nodes, then end it"));
  drain->footer(tr(
      "To be run on the machine and account of the node. Nothing more is placed on it, and the others copy\n"
      "what it holds, until each song has all its copies elsewhere; then the node ends. It goes on when "
      "this\n"
      "command is interrupted; the same command shows again how far it is. --cancel or starting the node "
      "anew\n"
      "take it back. To remove the node from the cluster as well, an issuer runs kadenza cluster remove\n"
      "afterwards.\n"
      "Examples:\n"
      "  kadenza node drain\n"
      "  kadenza node drain --data /srv/music --json\n"
      "  kadenza node drain --cancel"));
  drain->add_flag("--cancel", drain_options.cancel, tr("The node stays after all"));
  add_node_options(*drain);
}

void CommandLine::add_rpc() {
  rpc = app.add_subcommand("rpc", tr("Call a method of a node, in JSON"));
  rpc->footer(
      tr("The call goes through the node that runs here, as one of its own.\n"
         "Examples:\n"
         "  kadenza rpc attic Node.Describe '{}'\n"
         "  kadenza rpc attic Documents.Get '{\"name\": \"playlist/summer\"}'"));
  add_node(*rpc);
  rpc->add_option("METHOD", rpc_options.method, tr("Service and method"))->required();
  rpc->add_option("REQUEST", rpc_options.request, tr("A JSON object"))->capture_default_str();
  add_node_options(*rpc);
}

std::filesystem::path CommandLine::data_folder() const {
  return serve_.data.empty() ? default_data_folder() : std::filesystem::path(serve_.data);
}

void CommandLine::add_completion() {
  completion = app.add_subcommand("completion", tr("Print a completion script for a shell"));
  completion->footer(
      tr("Examples:\n"
         "  source <(kadenza completion bash)\n"
         "  kadenza completion zsh > ~/.zfunc/_kadenza\n"
         "  kadenza completion fish > ~/.config/fish/completions/kadenza.fish"));
  completion->add_option("SHELL", shell, tr("bash, zsh or fish"))
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

core::Result<std::vector<middleware::Endpoint>> ClientOptions::endpoints() const {
  std::string list;
  for (const std::string& part : servers) list += part + ",";
  return middleware::parse_servers(list);
}

core::Result<void> CommandLine::parse(std::vector<std::string> arguments) {
  std::ranges::reverse(arguments);  // CLI11 takes them from the back
  app.parse(std::move(arguments));
  KADENZA_TRY_VOID(
      settings_.apply(config_.empty() ? std::nullopt : std::optional<std::filesystem::path>(config_)));
  if (auto servers = client.endpoints(); !servers) return std::unexpected(std::move(servers).error());
  return {};
}

core::Result<std::optional<NetworkOptions>> CommandLine::network_options() const {
  if (serve_.standalone) {
    if (serve_.bootstrap.empty() && serve_.advertise.empty() && serve_.join.empty() && !serve_.cluster.any())
      return std::nullopt;
    return core::fail(core::Errc::kInvalidArgument,
                      "--standalone is a node without a network: it goes without --bootstrap, --advertise, "
                      "--join, --replicas, --write-quorum, --candidates and --partitions. Leave --standalone "
                      "out to join or to begin one.");
  }
  if (!serve_.join.empty() && serve_.cluster.any()) {
    return core::fail(
        core::Errc::kInvalidArgument,
        "A node that joins with --join takes the settings of the cluster. Leave out --replicas, "
        "--write-quorum, --candidates and --partitions.");
  }
  NetworkOptions options;
  KADENZA_TRY(options.listen, parse_listen_address(serve_.rpc));
  if (!serve_.advertise.empty()) {
    KADENZA_TRY(options.advertise, parse_peer_address(serve_.advertise));
  }
  for (std::string_view list : serve_.bootstrap) {
    while (!list.empty()) {
      const std::string_view item = list.substr(0, list.find(','));
      list.remove_prefix(std::min(item.size() + 1, list.size()));
      KADENZA_TRY(ListenAddress seed, parse_peer_address(item));
      options.bootstrap.push_back(std::move(seed));
    }
  }
  if (!serve_.join.empty()) options.join = serve_.join;
  options.name = serve_.name;
  options.cluster = serve_.cluster;
  return options;
}

LogLevel CommandLine::log_level() const {
  constexpr std::pair<std::string_view, LogLevel> kLevels[] = {{"debug", LogLevel::kDebug},
                                                               {"info", LogLevel::kInfo},
                                                               {"warning", LogLevel::kWarning},
                                                               {"error", LogLevel::kError}};
  return std::ranges::find(kLevels, log_level_, &std::pair<std::string_view, LogLevel>::first)->second;
}

core::Result<ProxyOptions> CommandLine::proxy_options() const {
  ProxyOptions options;
  KADENZA_TRY(options.listen, parse_listen_address(proxy_.listen));
  if (!options.listen.is_loopback()) {
    return core::fail(
        core::Errc::kInvalidArgument,
        "--listen must be an address of this very machine, like 127.0.0.1:4740: the way from an app to "
        "the proxy is not encrypted. Run a proxy on each machine.");
  }
  if (options.listen.host == "localhost") options.listen.host = "127.0.0.1";
  KADENZA_TRY(options.upload_limit, parse_size(proxy_.upload_limit));
  if (!client.authorities.empty()) options.authorities = client.authorities;
  options.log_level = log_level();
  options.log_format = log_format();
  return options;
}

core::Result<ServeOptions> CommandLine::serve_options() const {
  const auto path = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::filesystem::path>(text);
  };
  ServeOptions options;
  options.data = data_folder();
  for (const std::string& text : serve_.http) {
    KADENZA_TRY(ListenAddress address, parse_listen_address(text));
    options.http.push_back(std::move(address));
  }
  KADENZA_TRY(options.network, network_options());
  if (!serve_.capacity.empty()) {
    KADENZA_TRY(options.capacity, parse_size(serve_.capacity));
  }
  KADENZA_TRY(options.upload_limit, parse_size(serve_.upload_limit));
  KADENZA_TRY(options.grace, parse_duration(serve_.grace));
  KADENZA_TRY(options.repair_rate, parse_size(serve_.repair_rate));
  KADENZA_TRY(options.scrub_every, parse_duration(serve_.scrub_every));
  options.tls_certificate = path(serve_.tls_certificate);
  options.tls_key = path(serve_.tls_key);
  if (!serve_.public_url.empty()) {
    KADENZA_TRY(options.public_url, parse_public_url(serve_.public_url));
  }
  options.https = serve_.https;
  options.https_names = serve_.https_names;
  options.https_domains = serve_.https_domains;
  options.insecure_http = serve_.insecure_http;
  options.log_level = log_level();
  options.log_format = log_format();
  options.threads = serve_.threads > 0 ? serve_.threads : std::max(1U, std::thread::hardware_concurrency());
  KADENZA_TRY_VOID(check_serve_options(options));
  return options;
}

}  // namespace kadenza::interface
