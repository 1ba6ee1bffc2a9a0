# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes that find each other: real processes and real datagrams, with deaths, silence and strangers."""
import base64
import contextlib
import hashlib
import random
import shutil
import socket
import time

import pytest
from cluster import Stopped
from kadenza import assert_problem, free_port, run_cli, wait_until

NODES = 5
SECRET_MODE = 0o600


class Network:
    """Nodes on this machine; the first one begins a cluster, the others join it by token."""

    def __init__(self, new_node):
        self.new_node = new_node
        self.nodes = []

    def add(self, *options, start=True, data=None):
        port = free_port()
        options = ["--rpc", f"127.0.0.1:{port}", *options]
        if self.nodes:
            options += ["--join", self.token()]
        node = self.new_node(*options, standalone=False, start=False, data=data)
        node.rpc = f"127.0.0.1:{port}"
        node.rpc_port = port
        self.nodes.append(node)
        if start:
            node.start()
        return node

    def token(self):
        first = self.nodes[0]
        result = run_cli("cluster", "invite", "--data", first.data, env=first.environment())
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def outsider(self, bootstrap):
        """A node of a cluster of its own, not started, that will ask `bootstrap`."""
        node = self.new_node("--rpc", "127.0.0.1:0", standalone=False)
        assert node.stop() == 0
        node.options += ["--bootstrap", bootstrap]
        return node

    @property
    def key_file(self):
        return self.nodes[0].data / "cluster.key"

    def grow(self, count):
        for _ in range(count):
            self.add()
        self.wait_complete(self.nodes)
        return self.nodes

    @staticmethod
    def wait_complete(nodes):
        """Each of the nodes lists all others as living contacts."""
        ids = {id_of(node) for node in nodes}
        for node in nodes:
            wait_until(lambda: ids - {id_of(node)} <= {contact["id"] for contact in contacts(node, "live")},  # noqa: B023
                       f"{node.url} knows all others")


def view(node):
    return node.json("/network")


def id_of(node):
    if not hasattr(node, "id"):
        node.id = view(node)["self"]
    return node.id


def contacts(node, state=None):
    found = [contact for bucket in view(node)["buckets"] for contact in bucket["contacts"]]
    return [contact for contact in found if state in (None, contact["state"])]


def number(identifier):
    """The 256 bits that an id's 52 letters stand for."""
    return int.from_bytes(base64.b32decode(identifier.upper() + "===="), "big")


def key_of(text):
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=").lower()


def nearest(key, nodes):
    return sorted((id_of(node) for node in nodes), key=lambda one: number(one) ^ number(key))


def dropped(node, reason):
    return view(node)["traffic"][f"dropped_{reason}"]


def send(port, *datagrams):
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        for datagram in datagrams:
            stranger.sendto(datagram, ("127.0.0.1", port))


@pytest.fixture
def network(new_node):
    return Network(new_node)


def test_nodes_find_each_other_and_the_nearest_to_any_key(network):
    nodes = network.grow(NODES)
    for node in nodes:
        seen = view(node)
        assert seen["joined"] and not seen["link_suspected"]
        assert abs(seen["estimated_nodes"] - NODES) <= 1
        assert seen["endpoint"] == node.rpc
        assert {contact["endpoint"] for contact in contacts(node)} == {other.rpc for other in nodes if other is not node}
        for contact in contacts(node):
            assert contact["round_trip_ms"] > 0
            assert 1 <= contact["capacity_class"] <= 16
    for text in ("one", "two", "three", "corazón"):
        for node in nodes[:2]:
            found = node.cli_json("lookup", "--hash", text)
            key = key_of(text)
            others = [other for other in nodes if other is not node]
            assert found["key"] == key
            assert [contact["id"] for contact in found["nearest"]] == nearest(key, others)
            before = nearest(key, nodes).index(id_of(node))
            assert found["nearer_than_self"] == before
            assert {hop["id"] for hop in found["hops"]} == {id_of(other) for other in others}
            for hop in found["hops"]:
                assert hop["state"] == "answered" and hop["took_ms"] > 0 and hop["hop"] >= 1
                assert hop["told_by"] is None or hop["told_by"] in {id_of(other) for other in nodes}


def test_the_key_is_made_once_and_is_secret(network):
    first, second = network.grow(2)
    assert network.key_file.stat().st_mode & 0o777 == SECRET_MODE
    assert (second.data / "cluster.key").read_text() == network.key_file.read_text()
    assert (second.data / "cluster.key").stat().st_mode & 0o777 == SECRET_MODE
    assert (second.data / "node.key").stat().st_mode & 0o777 == SECRET_MODE
    identity = id_of(first)
    assert first.stop() == 0
    first.start()
    assert view(first)["self"] == identity


def test_a_restart_needs_no_token(network):
    nodes = network.grow(3)
    last = nodes[2]
    assert last.stop() == 0
    last.options = ["--rpc", last.rpc]
    last.start()
    network.wait_complete(nodes)


def test_killed_nodes_are_noticed_and_lookups_go_on(network):
    nodes = network.grow(6)
    dead, alive = nodes[4:], nodes[:4]
    for node in nodes:
        id_of(node)
    for node in dead:
        node.kill()
    for turn in range(10):
        key = key_of(f"killed {turn}")
        asked = alive[turn % len(alive)]
        started = time.monotonic()
        found = asked.json(f"/network/lookup/{key}")
        assert time.monotonic() - started < 5
        assert [contact["id"] for contact in found["nearest"]] == nearest(key, [n for n in alive if n is not asked])
    gone = {id_of(node) for node in dead}
    for node in alive:
        # Asked twice without an answer; each lookup asks the dead again until they are marked.
        wait_until(lambda: node.json(f"/network/lookup/{key_of('x')}")  # noqa: B023
                   and not gone & {contact["id"] for contact in contacts(node, "live")},  # noqa: B023
                   f"{node.url} knows who is gone")


def test_the_first_node_finds_the_others_after_an_early_death(network):
    """Nobody told it of others when it began: it has to know them itself."""
    first, *others = network.grow(4)
    wait_until((first.data / "contacts").exists, "it has saved whom it knows")
    first.kill()
    with contextlib.ExitStack() as stopped:
        for node in others:
            stopped.enter_context(Stopped(node))  # so that none of them calls
        first.start()
        assert not view(first)["joined"]
    assert view(first)["traffic"]["requests_sent"] >= len(others)
    wait_until(lambda: len(contacts(first, "live")) == len(others), "it knows all others")


def test_a_silent_node_does_not_hold_lookups_up(network):
    nodes = network.grow(NODES)
    silent, alive = nodes[-1], nodes[:-1]
    with Stopped(silent):
        for turn in range(10):
            key = key_of(f"silent {turn}")
            asked = alive[turn % len(alive)]
            started = time.monotonic()
            found = asked.json(f"/network/lookup/{key}")
            assert time.monotonic() - started < 5
            assert [contact["id"] for contact in found["nearest"]] == nearest(key, [n for n in alive if n is not asked])
        wait_until(lambda: id_of(silent) in {contact["id"] for contact in contacts(alive[0])
                                             if contact["state"] in ("suspected", "dead")}
                   or id_of(silent) not in {contact["id"] for contact in contacts(alive[0])}, "the silent one is marked")


def test_a_wrong_key_never_joins_and_is_counted(network):
    first, second = network.grow(2)
    stranger = network.outsider(first.rpc).start()  # ready after its patience: it serves what it has
    wait_until(lambda: dropped(first, "unknown_key") > 0, "the stranger's datagrams are counted")
    assert not view(stranger)["joined"]
    assert contacts(stranger) == []
    assert view(first)["estimated_nodes"] == 2
    assert {contact["id"] for contact in contacts(first)} == {id_of(second)}


def test_hostile_datagrams_are_dropped_and_counted(network):
    first, second = network.grow(2)
    chance = random.Random(5)
    before = view(first)["traffic"]
    garbage = [chance.randbytes(chance.randint(60, 1200)) for _ in range(500)]
    forged = [b"KDZ\x01" + chance.randbytes(200) for _ in range(200)]
    short = [chance.randbytes(chance.randint(0, 20)) for _ in range(100)]
    oversized = [chance.randbytes(chance.choice([1201, 4000, 60000])) for _ in range(50)]
    for batch, reason in ((garbage, "header"), (forged, "unknown_key"), (short + oversized, "size")):
        counted = dropped(first, reason)
        send(first.rpc_port, *batch)
        wait_until(lambda: dropped(first, reason) - counted >= len(batch) * 0.9,  # noqa: B023  (UDP may lose some)
                   f"dropped for {reason}")
    after = view(first)["traffic"]
    assert after["datagrams_in"] > before["datagrams_in"] + 500
    assert after["dropped_malformed"] == 0
    assert {contact["id"] for contact in contacts(first)} == {id_of(second)}
    found = second.json(f"/network/lookup/{id_of(first)}")
    assert found["nearest"][0]["id"] == id_of(first)
    assert first.get("/healthz").status_code == 200


def test_replayed_and_changed_datagrams_change_nothing(network):
    """A relay between two nodes records what they say, sends all of it again, and changes some."""
    first = network.add()
    with socket.socket(type=socket.SOCK_DGRAM) as relay:
        relay.bind(("127.0.0.1", 0))
        relay.settimeout(20)
        stranger = network.outsider(f"127.0.0.1:{relay.getsockname()[1]}")
        shutil.copy(network.key_file, stranger.data / "cluster.key")
        stranger.launch()
        request, _ = relay.recvfrom(2000)
        relay.settimeout(0.5)
        answers = 0
        for _ in range(20):
            relay.sendto(request, ("127.0.0.1", first.rpc_port))
        with contextlib.suppress(TimeoutError):
            while True:
                relay.recvfrom(2000)
                answers += 1
        assert answers >= 1  # a request is answered as often as it is sent: it changes nothing
        changed = bytearray(request)
        changed[40] ^= 1
        counted = dropped(first, "not_authentic")
        send(first.rpc_port, bytes(changed))
        wait_until(lambda: dropped(first, "not_authentic") > counted, "the changed datagram is counted")
        # Who asks becomes a contact only by answering; the relay cannot.
        assert contacts(first) == []
    assert first.get("/healthz").status_code == 200


def test_shapes_and_metrics(network):
    first, second = network.grow(2)
    seen = first.cli_json("network")
    assert set(seen) == {"self", "endpoint", "estimated_nodes", "joined", "link_suspected", "settings", "nodes", "buckets", "traffic",
                         "refused", "round_trips", "repair"}
    assert set(seen["buckets"][0]) == {"shared_bits", "contacts", "candidates"}
    (contact,) = [contact for bucket in seen["buckets"] for contact in bucket["contacts"]]
    assert set(contact) == {"id", "endpoint", "capacity_class", "state", "round_trip_ms", "heard_ago_ms"}
    assert contact["id"] == id_of(second)
    assert seen["traffic"]["datagrams_in"] > 0 and seen["traffic"]["bytes_out"] > 0
    text = first.cli("network").stdout
    for part in (id_of(first), id_of(second), second.rpc, "about 2 nodes", "live"):
        assert part in text
    spanish = first.cli("lookup", id_of(second), env={"LC_ALL": "", "LANG": "es_ES.UTF-8"}).stdout
    assert "tabla propia" in spanish and id_of(second) in spanish
    metrics = first.get("/metrics").text
    for line in ("kadenza_network_estimated_nodes 2", 'kadenza_network_contacts{state="live"} 1',
                 'kadenza_network_dropped_total{reason="size"} 0', "kadenza_network_round_trip_seconds_count"):
        assert line in metrics


def test_alone(node):
    for path in ("/network", "/network/lookup/" + "a" * 51 + "q"):
        problem = assert_problem(node.get(path), 404, "not_found")
        assert "--standalone" in problem["detail"]
    assert node.cli("network").returncode == 1


def test_a_malformed_key(network):
    first = network.add()
    assert_problem(first.get("/network/lookup/nonsense"), 400, "invalid_argument")
    refused = first.cli("lookup", "nonsense")
    assert refused.returncode == 2
    assert "--hash" in refused.stderr


def refusal(node):
    """The exit code and words of a node that must not start."""
    node.launch()
    return node.process.wait(30), node.log()


def test_what_keeps_a_node_from_starting(network):
    first = network.add()
    bootstrap = ["--bootstrap", first.rpc]
    rpc = ["--rpc", "127.0.0.1:0"]
    for options, code, words in (
            ([*rpc, *bootstrap], 1, ["--join"]),
            ([*rpc, "--join", "nonsense"], 1, ["not a join token"]),
            (["--rpc", first.rpc], 1, ["UDP port", "in use"]),
            ([*rpc, "--bootstrap", "192.0.2.1:4748"], 2, ["--rpc"]),
            ([*rpc, "--bootstrap", "127.0.0.1:0"], 2, ["127.0.0.1:0"]),
            (["--advertise", "0.0.0.0:4748"], 2, ["0.0.0.0:4748"]),
            (["--standalone", *bootstrap], 2, ["--standalone"])):
        ended, said = refusal(network.new_node(*options, standalone=False, start=False))
        assert ended == code, said
        for word in words:
            assert word in said


def test_secrets_that_others_may_read_are_refused(network):
    first = network.add()
    assert first.stop() == 0
    for secret in ("cluster.key", "membership", "node.key", "authority.key"):
        (first.data / secret).chmod(0o644)
        ended, said = refusal(first)
        assert ended == 1 and str(first.data / secret) in said and "chmod 600" in said
        (first.data / secret).chmod(SECRET_MODE)


def test_an_advertised_address_is_what_others_hear(network):
    first = network.add()
    second = network.add(start=False)
    second.options += ["--advertise", second.rpc.replace("127.0.0.1", "localhost")]
    second.start()
    third = network.add()
    network.wait_complete([first, second, third])
    assert second.rpc in {contact["endpoint"] for contact in contacts(third)}
    assert view(second)["endpoint"] == second.rpc
