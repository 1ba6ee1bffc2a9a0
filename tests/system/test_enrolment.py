# SPDX-License-Identifier: AGPL-3.0-or-later
"""Entering a cluster, staying in it and leaving it: real processes that know nothing of each other but a token."""
import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import time

import pytest
from kadenza import free_port, run_cli, wait_until

SECRET_MODE = 0o600
PASSPHRASE = "correct horse battery"


class Cluster:
    """Nodes on this machine that entered by tokens; the first one began the cluster."""

    def __init__(self, new_node):
        self.new_node = new_node
        self.nodes = []

    def make(self, *options, name, data=None):
        node = self.new_node("--name", name, *options, standalone=False, start=False, data=data)
        node.rpc_port = free_port()
        node.rpc = f"127.0.0.1:{node.rpc_port}"
        node.name = name
        node.options += ["--rpc", node.rpc]
        self.nodes.append(node)
        return node

    def begin(self, name="first"):
        return self.make(name=name).start()

    def add(self, issuer, name):
        node = self.make("--join", invite(issuer), name=name).start()
        return node

    def grow(self, *names):
        first = self.begin()
        return [first, *(self.add(first, name) for name in names)]


@pytest.fixture
def cluster(new_node):
    return Cluster(new_node)


def cluster_cli(node, *arguments, **options):
    return run_cli("cluster", *arguments, "--data", node.data, env=node.environment(), **options)


def cluster_json(node, *arguments, **options):
    result = cluster_cli(node, *arguments, "--json", **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def invite(node, *options):
    result = cluster_cli(node, "invite", *options)
    assert result.returncode == 0, result.stderr
    token = result.stdout.strip()
    assert token.startswith("kadenza-join-")
    return token


def members(node):
    return {member["name"]: member for member in cluster_json(node, "members")["members"]}


def id_of(node):
    if not hasattr(node, "id"):
        node.id = node.json("/network")["self"]
    return node.id


def contacts(node):
    view = node.json("/network")
    return {contact["id"] for bucket in view["buckets"] for contact in bucket["contacts"] if contact["state"] == "live"}


def know_each_other(*nodes):
    ids = {id_of(node) for node in nodes}
    for node in nodes:
        wait_until(lambda: ids - {id_of(node)} <= contacts(node), f"{node.name} reaches all others")  # noqa: B023
        wait_until(lambda: {n.name for n in nodes} <= set(members(node)), f"{node.name} lists all")  # noqa: B023


def refusal(node):
    """What a node said that must not start."""
    node.launch()
    code = node.process.wait(60)
    said = node.log()
    assert code == 1, said
    return said


def test_three_nodes_by_token(cluster):
    first, second, third = nodes = cluster.grow("second", "third")
    know_each_other(*nodes)
    listed = members(third)
    assert listed["first"]["issuer"] and not listed["second"]["issuer"]
    assert listed["third"]["self"] and not listed["first"]["self"]
    assert "cluster invite" in first.log()
    assert (second.data / "cluster.key").read_text() == (first.data / "cluster.key").read_text()
    for node in nodes:
        for secret in ("node.key", "cluster.key", "membership", "control.sock"):
            assert (node.data / secret).stat().st_mode & 0o777 == SECRET_MODE, secret
    text = cluster_cli(second, "members").stdout
    assert "(this node)" in text and id_of(third) in text
    spanish = run_cli("cluster", "members", "--data", second.data,
                      env=second.environment(LC_ALL="", LANG="es_ES.UTF-8")).stdout
    assert "emisor" in spanish


def test_later_starts_need_no_token(cluster):
    first, second = cluster.grow("second")
    know_each_other(first, second)
    identity = id_of(second)
    for node in (first, second):
        assert node.stop() == 0
        node.options = ["--rpc", node.rpc]
    first.start()
    second.start()
    assert second.json("/network")["self"] == identity
    know_each_other(first, second)


def test_a_token_is_good_once(cluster):
    first = cluster.begin()
    token = invite(first)
    second = cluster.make("--join", token, name="second").start()
    third = cluster.make("--join", token, name="third")
    assert "used already" in refusal(third)
    assert first.stop() == 0
    first.start()
    assert "used already" in refusal(third)
    assert set(members(first)) == {"first", "second"}
    assert not (third.data / "membership").exists()
    second.stop()
    second.start()  # the same node may keep it on its command line


def test_what_is_wrong_with_a_token_is_said(cluster):
    first = cluster.begin()
    brief = invite(first, "--expires", "1s")
    good = invite(first)
    newcomer = cluster.make(name="newcomer")

    def said_of(token):
        newcomer.log_file.unlink(missing_ok=True)
        newcomer.options = ["--rpc", newcomer.rpc, "--join", token]
        return refusal(newcomer)

    time.sleep(1.5)  # the token is good for one second
    assert "expired" in said_of(brief)
    assert "mistyped" in said_of(good[:-1])
    assert "mistyped" in said_of(good[:40] + ("a" if good[40] != "a" else "b") + good[41:])
    assert "not a join token" in said_of("hello")
    assert first.stop() == 0
    said = said_of(good)
    assert first.rpc in said and "not found" in said
    assert not (newcomer.data / "membership").exists()
    newcomer.options = ["--rpc", newcomer.rpc, "--bootstrap", first.rpc]
    assert "--join" in refusal(newcomer)


def test_another_cluster_is_not_joined(cluster):
    """The issuer's address now belongs to a node of another cluster."""
    first = cluster.begin()
    token = invite(first)
    assert first.stop() == 0
    other = cluster.make(name="other")
    other.options = ["--name", other.name, "--rpc", first.rpc]
    other.start()
    newcomer = cluster.make("--join", token, name="newcomer")
    said = refusal(newcomer)
    assert first.rpc in said and "not of" in said
    assert set(members(other)) == {"other"}


def handshake(node, server_name, context):
    """Whether the other side still talks after a TLS handshake; its refusal may come with the first byte read."""
    with socket.create_connection(("127.0.0.1", node.rpc_port), timeout=20) as connection:
        try:
            with context.wrap_socket(connection, server_hostname=server_name) as tls:
                tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
                return bool(tls.recv(1))
        except (ssl.SSLError, ConnectionError):
            return False


def test_without_a_certificate_nobody_gets_in(cluster):
    first = cluster.begin()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    assert not handshake(first, id_of(first), context)
    assert handshake(first, "join.kadenza", context)
    with socket.create_connection(("127.0.0.1", first.rpc_port), timeout=20) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"HTTP" not in plain.recv(1000)
    assert first.get("/healthz").status_code == 200


def test_a_node_cannot_pass_as_another(cluster):
    first, second, third = cluster.grow("second", "third")
    know_each_other(first, second, third)
    assert third.stop() == 0
    shutil.copy(second.data / "membership", third.data / "membership")
    third.options = ["--rpc", third.rpc]
    assert "of two nodes" in refusal(third)


def test_a_removed_node_is_refused_everywhere(cluster):
    first, second, third = cluster.grow("second", "third")
    know_each_other(first, second, third)
    before = (second.data / "cluster.key").read_text()
    removed = cluster_json(first, "remove", id_of(third)[:12])
    assert removed == {"id": id_of(third), "name": "third", "unreached": []}
    wait_until(lambda: set(members(second)) == {"first", "second"}, "the others know", 10)
    after = (first.data / "cluster.key").read_text()
    assert "stage settled" in after and after != before
    assert (second.data / "cluster.key").read_text() == after
    assert (third.data / "cluster.key").read_text() == before
    refused = run_cli("rpc", "second", "Node.Describe", "--data", third.data, env=third.environment())
    assert refused.returncode != 0
    answered = run_cli("rpc", "second", "Node.Describe", "--data", first.data, env=first.environment())
    assert answered.returncode == 0, answered.stderr
    know_each_other(first, second)
    again = cluster_cli(first, "remove", "third")
    assert again.returncode == 1 and "No member" in again.stderr
    assert third.stop() == 0
    (third.data / "membership").unlink()
    third.options = ["--rpc", third.rpc, "--join", invite(first)]
    assert "final" in refusal(third)


def test_a_member_that_was_away_gets_the_new_keys(cluster):
    first, second, third = cluster.grow("second", "third")
    know_each_other(first, second, third)
    assert second.stop() == 0
    removed = cluster_json(first, "remove", "third")
    assert [member["name"] for member in removed["unreached"]] == ["second"]
    second.options = ["--rpc", second.rpc]
    second.start()
    wait_until(lambda: (second.data / "cluster.key").read_text() == (first.data / "cluster.key").read_text(),
               "the keys arrive")
    know_each_other(first, second)


def test_the_first_nodes_disk_is_lost(cluster):
    first, second, third = cluster.grow("second", "third")
    know_each_other(first, second, third)
    refused = cluster_cli(second, "invite")
    assert refused.returncode == 4 and "first" in refused.stderr
    assert cluster_json(first, "issuer", "add", "second")["id"] == id_of(second)
    wait_until(lambda: members(third)["second"]["issuer"], "everybody knows the second issuer")
    first.kill()
    shutil.rmtree(first.data)
    fourth = cluster.add(second, "fourth")
    know_each_other(second, third, fourth)
    cluster_json(second, "remove", "first")
    wait_until(lambda: set(members(third)) == {"second", "third", "fourth"}, "the first node is gone")
    fifth = cluster.add(second, "fifth")
    know_each_other(second, third, fourth, fifth)


def test_export_and_recover(cluster, tmp_path):
    first, second = cluster.grow("second")
    know_each_other(first, second)
    file = tmp_path / "cluster.export"

    def with_passphrase(*arguments, node, passphrase=PASSPHRASE):
        return subprocess.run([*node.command()[:1], "cluster", *map(str, arguments), "--passphrase-stdin", "--data",
                               str(node.data)], input=f"{passphrase}\n", text=True, capture_output=True,
                              env=node.environment(), timeout=60, check=False)

    assert with_passphrase("export", file, node=first).returncode == 0
    assert file.stat().st_mode & 0o777 == SECRET_MODE
    assert with_passphrase("export", tmp_path / "short", node=first, passphrase="short").returncode == 1
    first.kill()
    shutil.rmtree(first.data)

    heir = cluster.make(name="heir")
    wrong = with_passphrase("recover", file, node=heir, passphrase="another passphrase")
    assert wrong.returncode == 4 and "passphrase" in wrong.stderr
    recovered = with_passphrase("recover", file, "--name", "heir", node=heir)
    assert recovered.returncode == 0, recovered.stderr
    assert second.process.poll() is None
    running = with_passphrase("recover", file, node=second)
    assert running.returncode == 1 and "Stop it first" in running.stderr
    heir.start()
    know_each_other(heir, second)
    assert members(second)["heir"]["issuer"]
    cluster_json(heir, "remove", "first")
    third = cluster.add(heir, "third")
    know_each_other(heir, second, third)


def test_commands_without_a_node(cluster, tmp_path):
    node = cluster.make(name="asleep")
    asleep = cluster_cli(node, "members")
    assert asleep.returncode == 3 and "kadenza serve" in asleep.stderr
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    far = cluster.make(name="far", data=deep).start()
    assert set(members(far)) == {"far"}
    second = cluster.make(name="twin", data=deep)
    assert "data folder" in refusal(second) or "in use" in second.log()
