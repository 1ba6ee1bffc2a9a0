// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/cluster_command.hpp"

#include <fstream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "core/base32.hpp"
#include "core/replace_file.hpp"
#include "interface/i18n.hpp"
#include "interface/node_socket.hpp"
#include "interface/secret_input.hpp"
#include "interface/table.hpp"

namespace kadenza::interface {
namespace {

namespace json = boost::json;
using core::Errc;
using core::fail;

constexpr std::size_t kExportBytesMax = 16 << 20;

core::Result<json::value> ask(const CommandLine& line, std::string_view method, json::object params) {
  return ask_node(line.data_folder(), method, std::move(params));
}

ExitCode failed(const CommandLine& line, Console& console, const core::Error& error) {
  print_error(console, error, line.client.json);
  return exit_code(error.code);
}

ExitCode misused(const CommandLine& line, Console& console, const core::Error& error) {
  print_error(console, error, line.client.json);
  return ExitCode::kUsage;
}

/// A text of the node's answer; empty when it is not there.
std::string text_of(const json::value& answer, std::string_view key) {
  const auto* object = answer.if_object();
  const auto* value = object != nullptr ? object->if_contains(key) : nullptr;
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? printable(*text) : std::string();
}

const json::array& list_of(const json::value& answer, std::string_view key) {
  static const json::array kNone;
  const auto* object = answer.if_object();
  const auto* value = object != nullptr ? object->if_contains(key) : nullptr;
  const auto* list = value != nullptr ? value->if_array() : nullptr;
  return list != nullptr ? *list : kNone;
}

void print_json(Console& console, const json::value& answer) {
  console.out << json::serialize(answer) << '\n';
}

core::Result<std::string> passphrase_for_export(const CommandLine& line, Console& console) {
  const char* otherwise = tr("There is no terminal to ask for the passphrase at; use --passphrase-stdin.");
  if (line.export_options.passphrase_from_stdin) return secret_from_stdin();
  KADENZA_TRY(std::string passphrase, ask_secret(console, tr("Passphrase for the file: "), otherwise));
  KADENZA_TRY(const std::string again, ask_secret(console, tr("The same again: "), otherwise));
  if (again != passphrase) return fail(Errc::kInvalidArgument, tr("The two passphrases differ."));
  return passphrase;
}

core::Result<std::string> passphrase_of_export(const CommandLine& line, Console& console) {
  if (line.recover_options.passphrase_from_stdin) return secret_from_stdin();
  return ask_secret(console, tr("Passphrase of the file: "),
                    tr("There is no terminal to ask for the passphrase at; use --passphrase-stdin."));
}

core::Result<std::string> read_export(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string content(kExportBytesMax, '\0');
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (stream.bad() || stream.gcount() == 0) {
    return fail(Errc::kNotFound, trf("The file {} cannot be read.", printable(file)));
  }
  content.resize(static_cast<std::size_t>(stream.gcount()));
  return content;
}

}  // namespace

ExitCode run_invite(const CommandLine& line, Console& console) {
  const auto lifetime = parse_duration(line.invite_options.expires);
  if (!lifetime) return misused(line, console, lifetime.error());
  const auto answer =
      ask(line, "invite", {{"name", line.invite_options.name}, {"expires_seconds", lifetime->count()}});
  if (!answer) return failed(line, console, answer.error());
  if (line.client.json) {
    print_json(console, *answer);
    return ExitCode::kOk;
  }
  console.out << text_of(*answer, "token") << '\n' << std::flush;
  console.err << trf("Good for one node, until {}. On its machine: kadenza serve --join TOKEN",
                     text_of(*answer, "expires"))
              << '\n';
  return ExitCode::kOk;
}

ExitCode run_members(const CommandLine& line, Console& console) {
  const auto answer = ask(line, "members", {});
  if (!answer) return failed(line, console, answer.error());
  if (line.client.json) {
    print_json(console, *answer);
    return ExitCode::kOk;
  }
  Table table({true, false, false, false});
  table.add({{tr("name")}, {tr("id")}, {tr("since")}, {tr("role")}});
  for (const json::value& member : list_of(*answer, "members")) {
    const auto* object = member.if_object();
    const auto* issuer = object != nullptr ? object->if_contains("issuer") : nullptr;
    const auto* self = object != nullptr ? object->if_contains("self") : nullptr;
    const bool invites = issuer != nullptr && issuer->is_bool() && issuer->get_bool();
    std::string role = invites ? tr("issuer") : tr("member");
    if (self != nullptr && self->is_bool() && self->get_bool()) role += tr(" (this node)");
    table.add({{text_of(member, "name")}, {text_of(member, "id")}, {text_of(member, "since")}, {role}});
  }
  table.print(console, 0);
  return ExitCode::kOk;
}

ExitCode run_issuer_add(const CommandLine& line, Console& console) {
  const auto answer = ask(line, "issuer.add", {{"node", line.node}});
  if (!answer) return failed(line, console, answer.error());
  if (line.client.json) {
    print_json(console, *answer);
  } else {
    console.out << trf("{} is an issuer: it invites and removes nodes like this one.",
                       text_of(*answer, "name"))
                << '\n';
  }
  return ExitCode::kOk;
}

ExitCode run_remove(const CommandLine& line, Console& console) {
  const auto answer = ask(line, "remove", {{"node", line.node}});
  if (!answer) return failed(line, console, answer.error());
  if (line.client.json) {
    print_json(console, *answer);
    return ExitCode::kOk;
  }
  console.out << trf("{} is removed for good. The cluster has new keys.", text_of(*answer, "name")) << '\n';
  for (const json::value& member : list_of(*answer, "unreached")) {
    console.err << trf("{} could not be told; it gets the new keys when it is back.", text_of(member, "name"))
                << '\n';
  }
  return ExitCode::kOk;
}

ExitCode run_authority(const CommandLine& line, Console& console) {
  const auto answer = ask(line, "ca", {});
  if (!answer) return failed(line, console, answer.error());
  const auto* object = answer->if_object();
  const auto* text = object != nullptr ? object->if_contains("pem") : nullptr;
  if (text == nullptr || !text->is_string()) {
    return failed(line, console, {Errc::kUnavailable, tr("The node's answer cannot be read.")});
  }
  const std::string pem(text->get_string());
  const std::filesystem::path file = line.authority_options.output;
  if (!file.empty()) {
    if (auto written = core::replace_file(file, pem, 0644); !written) {
      return failed(line, console, written.error());
    }
  }
  if (line.client.json) {
    print_json(console, *answer);
    return ExitCode::kOk;
  }
  if (file.empty()) console.out << pem << std::flush;
  console.err << trf("Fingerprint (SHA-256): {}\nGood until {}. This node's certificate is good until {}.",
                     text_of(*answer, "fingerprint"), text_of(*answer, "expires"),
                     text_of(object->contains("certificate") ? object->at("certificate") : json::value(),
                             "expires"))
              << '\n';
  return ExitCode::kOk;
}

ExitCode run_export(const CommandLine& line, Console& console) {
  const std::filesystem::path file = line.export_options.file;
  std::error_code unknown;
  if (std::filesystem::exists(file, unknown)) {
    return misused(
        line, console,
        {Errc::kConflict, trf("{} is there already. Give another name.", printable(file.string()))});
  }
  const auto passphrase = passphrase_for_export(line, console);
  if (!passphrase) return misused(line, console, passphrase.error());
  const auto answer = ask(line, "export", {{"passphrase", *passphrase}});
  if (!answer) return failed(line, console, answer.error());
  const std::string encoded = text_of(*answer, "sealed");
  std::vector<std::uint8_t> sealed(encoded.size() * 5 / 8);
  if (!core::base32_decode(encoded, sealed)) {
    return failed(line, console, {Errc::kUnavailable, tr("The node's answer cannot be read.")});
  }
  const auto written =
      core::replace_file(file, {reinterpret_cast<const char*>(sealed.data()), sealed.size()}, 0600);
  if (!written) return failed(line, console, written.error());
  if (line.client.json) {
    print_json(console, {{"path", file.string()}, {"bytes", sealed.size()}});
  } else {
    console.out << trf("{} holds all secrets of the cluster. Keep it and its passphrase apart from the node.",
                       printable(file.string()))
                << '\n';
  }
  return ExitCode::kOk;
}

ExitCode run_recover(const CommandLine& line, Console& console, const Recover& recover) {
  auto exported = read_export(line.recover_options.file);
  if (!exported) return misused(line, console, exported.error());
  auto passphrase = passphrase_of_export(line, console);
  if (!passphrase) return misused(line, console, passphrase.error());
  const auto id = recover({.data = line.data_folder(),
                           .exported = std::move(*exported),
                           .passphrase = std::move(*passphrase),
                           .name = line.recover_options.name});
  if (!id) return failed(line, console, id.error());
  if (line.client.json) {
    print_json(console, {{"id", *id}});
  } else {
    console.out << trf("The node {} is an issuer. Start it: kadenza serve --data {}", *id,
                       line.data_folder().string())
                << '\n';
  }
  return ExitCode::kOk;
}

ExitCode run_rpc(const CommandLine& line, Console& console) {
  json::error_code unreadable;
  json::value request = json::parse(line.rpc_options.request, unreadable);
  if (unreadable || !request.is_object()) {
    return misused(
        line, console,
        {Errc::kInvalidArgument, tr("The request is not a JSON object, like '{\"name\":\"value\"}'.")});
  }
  const auto answer =
      ask(line, "rpc",
          {{"node", line.node}, {"method", line.rpc_options.method}, {"request", std::move(request)}});
  if (!answer) return failed(line, console, answer.error());
  print_json(console, *answer);
  return ExitCode::kOk;
}

}  // namespace kadenza::interface
