# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command line's own behaviour: exit codes, help, languages, servers, log-in, completion."""
import json
import re
import stat
import subprocess

import pytest
from kadenza import BINARY, free_port, run_cli

OK, FAILED, USAGE, UNREACHABLE, NOT_LOGGED_IN = 0, 1, 2, 3, 4
COMMANDS = ["serve", "upload", "search", "get", "network", "lookup", "login", "proxy", "completion"]


@pytest.mark.parametrize("arguments", [[], ["dance"], ["search"], ["get"], ["upload"], ["--nonsense"], ["search", "--limit", "many", "x"],
                                       ["search", "--limit", "0", "x"], ["serve", "--capacity", "much"],
                                       ["search", "x", "--server", "not a url"], ["completion", "basic"]])
def test_wrong_command_lines(node, arguments):
    result = node.cli(*arguments)
    assert result.returncode == USAGE, result.stdout + result.stderr
    assert result.stderr.strip()
    assert result.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(node, command):
    result = node.cli(command, "--help")
    assert result.returncode == OK
    assert f"kadenza {command}" in result.stdout[result.stdout.index("Examples"):]
    assert result.stderr == ""


def test_version(node):
    assert re.search(r"\d+\.\d+\.\d+", node.cli("--version").stdout)


def test_an_unknown_song(node, tmp_path):
    for song in ("a" * 51 + "q", "nonsense"):
        result = node.cli("get", song, "-o", tmp_path / "x")
        assert result.returncode in (FAILED, USAGE)
        assert result.stderr.strip()
        assert not (tmp_path / "x").exists()


def test_errors_in_json(node, tmp_path):
    result = node.cli("get", "a" * 51 + "q", "-o", tmp_path / "x", "--json")
    assert result.returncode == FAILED
    assert json.loads(result.stdout)["error"]["code"] == "not_found"


def test_no_server_answers(node, next_tune, tmp_path):
    nobody = f"http://127.0.0.1:{free_port()}"
    (tmp_path / "a.mp3").write_bytes(next_tune())
    for arguments in (["search", "x"], ["upload", tmp_path], ["get", "a" * 51 + "q", "-o", tmp_path / "x"]):
        result = node.cli(*arguments, "--server", nobody)
        assert result.returncode == UNREACHABLE
        assert nobody.removeprefix("http://") in result.stderr


def test_the_next_server_serves_when_the_first_is_down(node):
    servers = f"http://127.0.0.1:{free_port()},{node.url}"
    assert node.cli("search", "x", "--server", servers).returncode == OK


def test_flag_before_environment_before_file(node, tmp_path):
    nobody = f"http://127.0.0.1:{free_port()}"
    config = tmp_path / "config.toml"
    config.write_text(f'server = "{node.url}"\n')
    environment = node.environment()
    assert run_cli("search", "x", "--config", config, env=environment).returncode == OK
    assert run_cli("search", "x", "--config", config, env=environment | {"KADENZA_SERVER": nobody}).returncode == UNREACHABLE
    assert run_cli("search", "x", "--config", config, "--server", node.url,
                   env=environment | {"KADENZA_SERVER": nobody}).returncode == OK


def test_an_unknown_setting_is_named(node, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('servre = "x"\n')
    result = node.cli("search", "x", "--config", config)
    assert result.returncode == USAGE
    assert "servre" in result.stderr and "server" in result.stderr


@pytest.fixture
def stranger(tmp_path):
    """The environment of another person on this machine, who has no token."""
    def environment(node, **more):
        return node.environment(XDG_CONFIG_HOME=str(tmp_path / "stranger"), HOME=str(tmp_path), KADENZA_SERVER=node.url,
                                **more)
    return environment


def test_strangers_are_told_to_log_in(node, stranger, tmp_path, next_tune):
    (tmp_path / "a.mp3").write_bytes(next_tune())
    for arguments in (["search", "x"], ["upload", tmp_path / "a.mp3"], ["get", "a" * 51 + "q", "-o", tmp_path / "x"]):
        result = run_cli(*arguments, env=stranger(node))
        assert result.returncode == NOT_LOGGED_IN
        assert "login" in result.stderr


def test_login_by_one_time_code(new_node, stranger, tmp_path):
    node = new_node()
    code = node.request("POST", "/session/code").json()["code"]
    result = run_cli("login", "--code", code, env=stranger(node))
    assert result.returncode == OK, result.stderr
    assert run_cli("search", "x", env=stranger(node)).returncode == OK
    kept = tmp_path / "stranger" / "kadenza" / "tokens" / f"127.0.0.1_{node.port}"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert run_cli("login", "--code", code, env=stranger(node)).returncode == NOT_LOGGED_IN
    node.stop()
    node.start()
    assert run_cli("search", "x", env=stranger(node)).returncode == OK


def test_login_by_the_password_that_the_first_start_showed(new_node, stranger):
    node = new_node()
    password = re.search(r"password\W+(?:is )?(\S+)", node.log(), re.IGNORECASE)[1]
    result = subprocess.run([BINARY, "login", "--password-stdin"], input=password + "\n", text=True, capture_output=True,
                            env=stranger(node), timeout=60, check=False)
    assert result.returncode == OK, result.stderr
    assert run_cli("search", "x", env=stranger(node)).returncode == OK
    said = len(node.log())
    node.stop()
    node.start()
    assert password not in node.log()[said:]


def test_a_wrong_password(node, stranger):
    result = subprocess.run([BINARY, "login", "--password-stdin"], input="wrong\n", text=True, capture_output=True,
                            env=stranger(node), timeout=60, check=False)
    assert result.returncode == NOT_LOGGED_IN
    assert "password" in result.stderr.lower()
    assert run_cli("search", "x", env=stranger(node)).returncode == NOT_LOGGED_IN


def test_spanish(node, next_tune, tmp_path):
    spanish = {"LC_ALL": "", "LANG": "es_ES.UTF-8"}
    assert "Ejemplos" in node.cli("upload", "--help", env=spanish).stdout
    (tmp_path / "bad.mp3").write_bytes(b"no music")
    result = node.cli("upload", tmp_path, env=spanish)
    assert "1 rechazad" in result.stdout.lower() or "1 rechazad" in result.stderr.lower()
    assert "Ejemplos" in node.cli("--help", env={"LC_ALL": "", "LANG": "C", "LANGUAGE": "es", "LC_MESSAGES": "es_AR.UTF-8"}).stdout
    assert "Examples" in node.cli("--help", env={"LC_ALL": "C", "LANG": "es_ES.UTF-8"}).stdout
    assert "Examples" in node.cli("--help", env={"LC_ALL": "", "LANG": "de_DE.UTF-8"}).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(node, shell):
    script = node.cli("completion", shell)
    assert script.returncode == OK
    for command in COMMANDS:
        assert command in script.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script.stdout, text=True, check=True)
        done = subprocess.run(["bash", "-c", script.stdout + """
            COMP_WORDS=(kadenza up); COMP_CWORD=1; COMP_LINE="kadenza up"; COMP_POINT=10
            $(complete -p kadenza | sed 's/.*-F \\([^ ]*\\).*/\\1/') kadenza up kadenza
            printf '%s\\n' "${COMPREPLY[@]}" """], text=True, capture_output=True, check=True, env=node.environment())
        assert "upload" in done.stdout.split()


def test_control_characters_of_strangers_do_not_reach_the_terminal(node, next_tune):
    song = node.stored(next_tune(title="\u009b31mRed \x1b]0;owned\x07", artist="Terminal Attacker"))
    node.finds(song, "terminal attacker")
    shown = node.cli("search", "terminal attacker").stdout
    assert "\x1b]" not in shown and "\u009b" not in shown and "\x07" not in shown
