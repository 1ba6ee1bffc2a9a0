#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A standard gRPC client (Debian's python3-grpcio) that calls a node as a member, with messages that are only bytes.

Usage: grpc_client.py FOLDER PORT SERVER_NAME     FOLDER holds authorities.pem, certificate.pem and key.pem
"""
import sys
from pathlib import Path

import grpc

folder, port, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
credentials = grpc.ssl_channel_credentials(
    *((folder / file).read_bytes() for file in ("authorities.pem", "key.pem", "certificate.pem")))
# ipv4: leaves the name alone, which would otherwise have to be resolved.
options = [("grpc.ssl_target_name_override", name), ("grpc.max_receive_message_length", 8 << 20)]


def call(method, request, timeout=20):
    return channel.unary_unary(method)(request, timeout=timeout)


def fails(method, request, timeout=20):
    try:
        call(method, request, timeout)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError(f"{method} should have failed")


with grpc.secure_channel(f"ipv4:127.0.0.1:{port}", credentials, options) as channel:
    assert call("/test/Echo", b"salut") == b"salut"
    assert call("/test/Echo", b"") == b""
    assert call("/test/Big", b"4000000") == b"b" * 4_000_000
    large = bytes(range(256)) * 4096
    assert call("/test/Echo", large) == large
    pending = [channel.unary_unary("/test/Echo").future(str(n).encode(), timeout=20) for n in range(200)]
    assert [reply.result() for reply in pending] == [str(n).encode() for n in range(200)]
    code, details = fails("/test/Fail", "not_found:ningún señor".encode())
    assert (code, details) == (grpc.StatusCode.NOT_FOUND, "ningún señor"), (code, details)
    assert fails("/test/Nothing", b"")[0] is grpc.StatusCode.UNAVAILABLE
    assert fails("/test/Wait", b"", 2)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
print("a standard client was served")
