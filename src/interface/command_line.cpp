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
         "  kadenza serve --standalone       start a node\n"
         "  kadenza upload ~/Music           upload a folder\n"
         "  kadenza search corazon           find songs\n"
         "Settings: flags, then KADENZA_* variables, then ~/.config/kadenza/config.toml."));
  add_serve();
  add_upload();
  add_search();
  add_get();
  add_login();
  add_completion();
  for (CLI::App* command : {serve, upload, search, get, login, completion}) {
    command->group(tr("Commands"));
    command->get_help_ptr()->group(tr("Options"));
  }
}

void CommandLine::add_config(CLI::App& command) {
  auto* option = command.add_option("--config", config_, tr("Configuration file (TOML)"));
  option->type_name(tr("FILE"))->check(CLI::ExistingFile)->envname("KADENZA_CONFIG");
}

void CommandLine::add_client_options(CLI::App& command) {
  auto* server = command.add_option("--server", client.servers,
                                    tr("Servers, separated by commas; the first that answers serves"));
  server->type_name("URL[,URL…]")
      ->take_all()
      ->expected(1)
      ->default_str(std::string(middleware::kDefaultServer));
  settings_.add(command, *server, "server");
  auto* authorities = command.add_option("--ca", client.authorities,
                                         tr("Trust the certificate authorities in this file (PEM)"));
  settings_.add(command, *authorities->type_name(tr("FILE")), "ca");
  command.add_flag("--json", client.json, tr("Answer in JSON, for programs"));
  add_config(command);
}

void CommandLine::add_serve() {
  serve = app.add_subcommand("serve", tr("Run a node"));
  serve->footer(
      tr("Examples:\n"
         "  kadenza serve --standalone\n"
         "  kadenza serve --standalone --data /srv/music --capacity 500GB\n"
         "  kadenza serve --standalone --http 0.0.0.0:4747 --tls-cert cert.pem --tls-key key.pem"));
  const auto setting = [&](CLI::Option* option, const char* type) {
    if (type != nullptr) option->type_name(type);
    settings_.add(*serve, *option, "serve." + option->get_lnames().front());
    return option;
  };
  const char* file = tr("FILE");
  setting(serve->add_option("--data", serve_.data, tr("Folder of the node's music and state")), tr("FOLDER"))
      ->default_str(default_data_folder().string());
  setting(serve->add_option("--http", serve_.http, tr("Address to listen on; may be repeated")),
          tr("HOST:PORT"))
      ->take_all()
      ->expected(1)
      ->default_str("127.0.0.1:4747");
  setting(
      serve->add_flag("--standalone", serve_.standalone, tr("One node alone, without a network of nodes")),
      nullptr);
  setting(serve->add_option("--capacity", serve_.capacity,
                            tr("Store at most this much, like 500GB (default: what fits)")),
          tr("SIZE"));
  setting(serve->add_option("--upload-limit", serve_.upload_limit, tr("Refuse larger uploads")), tr("SIZE"))
      ->capture_default_str();
  setting(serve->add_option("--tls-cert", serve_.tls_certificate, tr("Certificate chain (PEM), for https")),
          file);
  setting(serve->add_option("--tls-key", serve_.tls_key, tr("The certificate's private key (PEM)")), file);
  setting(serve->add_flag("--insecure-http", serve_.insecure_http,
                          tr("Allow unencrypted HTTP from other machines")),
          nullptr);
  setting(serve->add_option("--threads", serve_.threads,
                            tr("Threads of the HTTP server (default: one per core)")),
          tr("N"))
      ->check(CLI::Range(1U, 256U));
  setting(serve->add_option("--log-level", serve_.log_level, tr("How much to log")), nullptr)
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  setting(serve->add_option("--log-format", serve_.log_format, tr("How to log")), nullptr)
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  add_config(*serve);
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

core::Result<void> CommandLine::parse(std::vector<std::string> arguments) {
  std::ranges::reverse(arguments);  // CLI11 takes them from the back
  app.parse(std::move(arguments));
  return settings_.apply(config_.empty() ? std::nullopt : std::optional<std::filesystem::path>(config_));
}

core::Result<ServeOptions> CommandLine::serve_options() const {
  const auto path = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::filesystem::path>(text);
  };
  ServeOptions options;
  options.data = serve_.data.empty() ? default_data_folder() : std::filesystem::path(serve_.data);
  for (const std::string& text : serve_.http) {
    KADENZA_TRY(ListenAddress address, parse_listen_address(text));
    options.http.push_back(std::move(address));
  }
  options.standalone = serve_.standalone;
  if (!serve_.capacity.empty()) {
    KADENZA_TRY(options.capacity, parse_size(serve_.capacity));
  }
  KADENZA_TRY(options.upload_limit, parse_size(serve_.upload_limit));
  options.tls_certificate = path(serve_.tls_certificate);
  options.tls_key = path(serve_.tls_key);
  options.insecure_http = serve_.insecure_http;
  constexpr std::pair<std::string_view, LogLevel> kLevels[] = {{"debug", LogLevel::kDebug},
                                                               {"info", LogLevel::kInfo},
                                                               {"warning", LogLevel::kWarning},
                                                               {"error", LogLevel::kError}};
  options.log_level =
      std::ranges::find(kLevels, serve_.log_level, &std::pair<std::string_view, LogLevel>::first)->second;
  options.log_format = serve_.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  options.threads = serve_.threads > 0 ? serve_.threads : std::max(1U, std::thread::hardware_concurrency());
  KADENZA_TRY_VOID(check_serve_options(options));
  return options;
}

}  // namespace kadenza::interface
