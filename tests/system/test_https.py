# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTPS with certificates of the cluster's own authority, and certificates that change while a node runs."""
import json
import re
import shutil
import socket
import ssl
import subprocess
import time

import pytest
import requests
from cluster import Cluster
from kadenza import run_cli, wait_until


@pytest.fixture
def cluster(new_node):
    made = Cluster(new_node)
    yield made
    made.close()


def start_secure(cluster, *options):
    node = cluster.add("--https", *options, start=False)
    node.scheme = "https"
    return node.start()


def cluster_json(node, *arguments):
    result = run_cli("cluster", *arguments, "--data", node.data, "--json", env=node.environment())
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def trusting(node, authority):
    """A session that trusts this authority and nothing else."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(authority)
    session.headers["Authorization"] = f"Bearer {node.token}"
    return session


def peer_certificate(node, name="127.0.0.1"):
    """What the node shows now; DER."""
    context = ssl._create_unverified_context()  # noqa: S323 the tests look at it themselves
    with socket.create_connection(("127.0.0.1", node.port)) as plain, \
            context.wrap_socket(plain, server_hostname=name) as connection:
        return connection.getpeercert(binary_form=True)


def accepts(node, authority, name):
    context = ssl.create_default_context(cafile=authority)
    try:
        with socket.create_connection(("127.0.0.1", node.port)) as plain, \
                context.wrap_socket(plain, server_hostname=name):
            return True
    except ssl.SSLError:
        return False


def test_one_authority_serves_all_nodes(cluster, tmp_path, next_tune):
    first = start_secure(cluster)
    second = start_secure(cluster, "--https-name", "attic.local")
    authority = tmp_path / "ca.pem"
    saved = run_cli("cluster", "ca", "--data", second.data, "--output", authority, env=second.environment())
    assert saved.returncode == 0, saved.stderr
    described = cluster_json(second, "ca")
    assert described["fingerprint"] in saved.stderr and re.fullmatch("([0-9A-F]{2}:){31}[0-9A-F]{2}", described["fingerprint"])
    days = (described["certificate"]["expires_ms"] / 1000 - time.time()) / 86400
    assert 89 < days < 91

    for node in (first, second):
        anonymous = requests.get(f"{node.url}/ca.pem", timeout=10, verify=str(authority))
        assert anonymous.status_code == 200 and anonymous.text == authority.read_text()
        assert accepts(node, authority, "127.0.0.1")
        assert not accepts(node, authority, "bank.example")
    assert accepts(second, authority, "attic.local") and not accepts(first, authority, "attic.local")

    tune = next_tune()
    song = second.stored(tune)
    cluster.wait_complete()
    heard = trusting(first, authority).get(f"{first.url}/api/v1/songs/{song['id']}/audio", timeout=30)
    assert heard.content == tune
    found = first.cli("search", song["title"], "--ca", authority)
    assert found.returncode == 0 and song["title"] in found.stdout, found.stderr
    metric = re.search(r"^kadenza_tls_certificate_expiry_timestamp_seconds (\S+)$", first.get("/metrics").text, re.MULTILINE)
    assert abs(float(metric[1]) - time.time() - 90 * 86400) < 86400


def test_a_restart_without_the_issuer_keeps_the_certificate(cluster):
    first, second = start_secure(cluster), start_secure(cluster)
    shown = peer_certificate(second)
    first.kill()
    second.stop()
    second.start()
    assert peer_certificate(second) == shown


def test_names_that_are_not_private_are_refused_with_the_way_out(cluster):
    start_secure(cluster)
    node = cluster.add("--https", "--https-name", "bank.example", start=False)
    node.scheme = "https"
    node.launch()
    assert node.process.wait(30) == 1
    assert "bank.example" in node.log() and "--https-domain" in node.log() and "--tls-cert" in node.log()


def test_a_domain_that_the_issuer_was_given(cluster, tmp_path):
    first = start_secure(cluster, "--https-domain", "music.example")
    second = start_secure(cluster, "--https-name", "cellar.music.example")
    (tmp_path / "ca.pem").write_text(cluster_json(first, "ca")["pem"])
    assert accepts(second, tmp_path / "ca.pem", "cellar.music.example")


def test_what_listeners_install_lets_no_node_in(cluster):
    """A member's certificate for browsers, though made by an issuer, is none towards other nodes."""
    first, second = start_secure(cluster), start_secure(cluster)
    context = ssl._create_unverified_context()  # noqa: S323
    context.load_cert_chain(second.data / "https.pem", second.data / "https.key")
    with pytest.raises((ssl.SSLError, OSError)), socket.create_connection(("127.0.0.1", first.rpc_port)) as plain, \
            context.wrap_socket(plain, server_hostname="node.kadenza") as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        if connection.recv(1024) == b"":
            raise OSError("the node ended the connection")


def test_alone_a_node_is_its_own_authority(new_node, tmp_path):
    node = new_node("--https", start=False)
    node.scheme = "https"
    node.start()
    (tmp_path / "ca.pem").write_text(requests.get(f"{node.url}/ca.pem", timeout=10, verify=False).text)
    assert accepts(node, tmp_path / "ca.pem", "localhost")


def self_signed(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", f"/CN={name}"],
                   check=True, capture_output=True)
    return ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text())


def test_a_certificate_that_was_replaced_is_read_without_a_restart(new_node, tmp_path):
    """As ACME clients leave it: a link that points to a new folder. One that cannot be used changes nothing."""
    for name in ("old", "bad", "new"):
        (tmp_path / name).mkdir()
    old, new = self_signed(tmp_path / "old", "old"), self_signed(tmp_path / "new", "new")
    shutil.copy(tmp_path / "new/cert.pem", tmp_path / "bad/cert.pem")
    shutil.copy(tmp_path / "old/key.pem", tmp_path / "bad/key.pem")
    live = tmp_path / "live"
    live.symlink_to("old")
    node = new_node("--tls-cert", live / "cert.pem", "--tls-key", live / "key.pem", start=False)
    node.scheme = "https"
    node.start()
    assert peer_certificate(node) == old

    def point_to(name):
        (tmp_path / "next").symlink_to(name)
        (tmp_path / "next").rename(live)

    point_to("bad")
    wait_until(lambda: "the old one stays in use" in node.log(), "the bad certificate is refused")
    assert peer_certificate(node) == old
    point_to("new")
    wait_until(lambda: peer_certificate(node) == new, "the new certificate is shown")


def test_a_public_url_is_what_the_others_are_told(cluster, tmp_path):
    first = start_secure(cluster)
    second = start_secure(cluster, "--public-url", "https://cellar.local:4799/")
    assert "Kadenza is ready at https://cellar.local:4799\n" in second.log()
    assert f"It listens at {second.url}\n" in second.log()
    (tmp_path / "ca.pem").write_text(cluster_json(first, "ca")["pem"])
    assert accepts(second, tmp_path / "ca.pem", "cellar.local")

    def told():
        return {member["name"]: member["http"] for member in first.json("/network")["nodes"]}

    wait_until(lambda: told().get(second.name) == ["https://cellar.local:4799"], "the first node knows the second's public URL")
    assert told()[first.name] == [first.url]
