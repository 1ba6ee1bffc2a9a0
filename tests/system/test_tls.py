# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTPS with a certificate of one's own."""
import contextlib
import socket
import ssl
import subprocess

import pytest


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def secure(new_node, certificate):
    node = new_node("--tls-cert", certificate[0], "--tls-key", certificate[1], start=False)
    node.scheme = "https"
    return node.start()


def test_upload_ranges_and_search_over_tls(secure, next_tune, certificate):
    secure.http.verify = certificate[0]
    tune = next_tune(seconds=60)
    song = secure.stored(tune)
    assert secure.audio(song["id"]).content == tune
    assert secure.audio(song["id"], Range="bytes=65000-70000").content == tune[65000:70001]
    secure.finds(song, song["title"])


def test_versions(secure, certificate):
    def version(highest):
        context = ssl.create_default_context(cafile=certificate[0])
        context.maximum_version = highest
        with socket.create_connection(("127.0.0.1", secure.port)) as plain, \
                context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            return connection.version()

    assert version(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    context = ssl.create_default_context(cafile=certificate[0])
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", secure.port)) as plain, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_plain_http_on_a_tls_port_and_half_handshakes(secure, next_tune):
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b""):
        with secure.connect() as connection:
            with contextlib.suppress(OSError):  # the node may end the connection at any time
                connection.sendall(nonsense)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
    secure.stored(next_tune())


def test_a_certificate_without_its_key(new_node, certificate):
    node = new_node("--tls-cert", certificate[0], "--tls-key", certificate[0], start=False).launch()
    assert node.process.wait(20) != 0
    assert "key" in node.log().lower()
