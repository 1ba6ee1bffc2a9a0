# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is not let in at a node's door, and a removal that listeners do not notice."""
import contextlib
import json
import socket
import ssl
import time

import pytest
from cluster import Cluster, at_node, id_of, live_contacts
from kadenza import wait_until


@pytest.fixture
def cluster(new_node):
    made = Cluster(new_node)
    yield made
    made.close()


def call(node, other, method="kadenza.v1.Node/Describe", request="{}"):
    return at_node(node, "rpc", other, method, request)


def greet(node, context, name):
    """Begins TLS with the node and waits for its first bytes; what went wrong, or nothing."""
    try:
        with socket.create_connection(("127.0.0.1", node.rpc_port), timeout=10) as plain, \
                context.wrap_socket(plain, server_hostname=name) as connection:
            assert connection.version() == "TLSv1.3"
            # With TLS 1.3 the server's refusal of a client comes after the client's handshake.
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            return None if connection.recv(1000) else "closed"
    except (ssl.SSLError, OSError) as error:
        return str(error)


def stranger(certificate=None, key=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def credentials(node, folder):
    """A TLS client that has the node's certificate and key."""
    certificate = folder / f"{node.name}.pem"
    certificate.write_text(json.loads((node.data / "membership").read_text())["certificate"])
    return stranger(certificate, node.data / "node.key")


def refusals(node):
    """How many connections the node has refused, by its metrics."""
    lines = [line for line in node.get("/metrics").text.splitlines()
             if line.startswith("kadenza_rpc_refused_total")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_who_comes_in_plain_text_is_refused_and_counted(cluster):
    (first,) = cluster.grow(1)
    before = refusals(first)
    with socket.create_connection(("127.0.0.1", first.rpc_port), timeout=10) as plain:
        plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while plain.recv(1000):  # an alert may come before the end
                pass
    wait_until(lambda: refusals(first) > before, "the refusal is counted")


def test_older_versions_of_tls_are_refused(cluster, tmp_path):
    nodes = cluster.grow(2)
    context = credentials(nodes[1], tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert greet(nodes[0], context, id_of(nodes[0]))


def test_members_of_another_cluster_are_refused(cluster, new_node, tmp_path):
    nodes = cluster.grow(2)
    elsewhere = Cluster(new_node)
    (foreign,) = elsewhere.grow(1)
    assert greet(nodes[0], credentials(nodes[1], tmp_path), id_of(nodes[0])) is None, "the test itself is wrong"
    before = refusals(nodes[0])
    foreign.name = "foreign"
    assert greet(nodes[0], credentials(foreign, tmp_path), id_of(nodes[0]))
    wait_until(lambda: refusals(nodes[0]) > before, "the refusal is counted")
    # Nor does it belong by saying where the other cluster is.
    assert foreign.stop() == 0
    foreign.options += ["--bootstrap", nodes[0].rpc]
    foreign.start()
    assert live_contacts(foreign) == set()
    assert id_of(foreign) not in live_contacts(nodes[0])


def test_a_member_that_answers_for_another_is_refused(cluster):
    """Packets to one member are led to a second one, which is a member as well."""
    first, second = cluster.grow(2)
    third = cluster.add(through_a_way=True)
    cluster.wait_complete()
    assert call(first, third.name).returncode == 0
    third.way.target = second.rpc_port
    third.kill()  # and with it the connections that stand
    answer = call(first, third.name)
    assert answer.returncode != 0
    assert answer.stderr.strip(), "without a reason"
    assert id_of(second) not in answer.stdout
    assert call(first, second.name).returncode == 0


def test_removal_changes_the_keys_and_nobody_notices(cluster, next_tune):
    nodes = cluster.grow(4)
    song, tune = cluster.upload(nodes[0], [next_tune(seconds=30)])[0]
    keys = {node.name: (node.data / "cluster.key").read_text() for node in nodes[:3]}
    assert at_node(nodes[0], "cluster", "remove", "node3").returncode == 0
    ended = time.monotonic() + 10
    while time.monotonic() < ended:
        for node in nodes[:3]:
            assert node.audio(song["id"]).content == tune
            assert len(live_contacts(node)) >= 2
        if all((node.data / "cluster.key").read_text() != keys[node.name] for node in nodes[:3]):
            break
    assert len({(node.data / "cluster.key").read_text() for node in nodes[:3]} - set(keys.values())) >= 1
    cluster.wait_complete(nodes[:3])
    cluster.nodes.remove(nodes[3])
    newcomer = cluster.add()
    cluster.wait_complete()
    assert newcomer.audio(song["id"]).content == tune
