# SPDX-License-Identifier: AGPL-3.0-or-later
"""Listeners who take their time or vanish, and clients who send one byte at a time."""
import contextlib
import socket
import struct
import time
from pathlib import Path

import pytest
from kadenza import MEMORY_FACTOR, wait_until

LISTENERS = 200
LISTENER_MB = 0.15 * MEMORY_FACTOR  # 1,000 of them fit 150 MB beside an idle node


@pytest.fixture(scope="module")
def long_tune(next_tune):
    return next_tune(seconds=1000, title="Long")


@pytest.fixture(scope="module")
def long_song(node, long_tune):
    return node.stored(long_tune)


def open_files(node):
    return len(list(Path(f"/proc/{node.process.pid}/fd").iterdir()))


def test_many_slow_listeners_cost_little_and_hinder_nobody(node, long_song, long_tune):
    node.search("warm")
    before, files_before = node.memory(), open_files(node)
    head = node.head("GET", f"/songs/{long_song['id']}/audio")
    with contextlib.ExitStack() as stack:
        listeners = []
        for _ in range(LISTENERS):
            listener = stack.enter_context(node.connect(receive_buffer=8192))
            listener.sendall(head)
            listeners.append(listener)
        received = [listener.recv(1024) for listener in listeners]  # the answers have begun; then nobody reads on
        assert all(piece.startswith(b"HTTP/1.1 200") for piece in received)

        started = time.monotonic()
        assert node.audio(long_song["id"]).content == long_tune
        for _ in range(20):
            node.search("long")
        assert time.monotonic() - started < 5, "slow listeners hinder the others"
        assert node.memory() - before < LISTENERS * LISTENER_MB

        for listener, first in zip(listeners[:5], received, strict=False):  # slow, but cut off is nobody
            data = first
            while len(data) < 300_000:
                data += listener.recv(4096)
            assert data.partition(b"\r\n\r\n")[2] == long_tune[:len(data.partition(b"\r\n\r\n")[2])]
    wait_until(lambda: open_files(node) <= files_before + 5, "the listeners' sockets and files are closed")


def reset(connection):
    """Closes with a RST, as a crashed client's machine does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_listeners_that_vanish_leave_nothing(node, long_song):
    files_before = open_files(node)
    head = node.head("GET", f"/songs/{long_song['id']}/audio")
    for _ in range(100):
        connection = node.connect(receive_buffer=8192)
        connection.sendall(head)
        assert connection.recv(1024)
        reset(connection)
    wait_until(lambda: open_files(node) <= files_before + 5, "the vanished listeners' sockets and files are closed")
    assert node.get("/healthz").status_code == 200


def test_uploaders_that_vanish_leave_nothing(new_node, next_tune):
    node = new_node()
    node.stored(next_tune())
    tune = next_tune(seconds=60)
    files_before = wait_until(lambda: stored_files(node), "files")
    descriptors = open_files(node)
    for stop_at in range(0, len(tune), len(tune) // 12):
        for end in (reset, socket.socket.close):
            connection = node.connect()
            connection.sendall(node.head("POST", "/songs", f"Content-Length: {len(tune)}") + tune[:stop_at])
            end(connection)
    wait_until(lambda: stored_files(node) == files_before, "the half uploads' files are gone")
    wait_until(lambda: open_files(node) <= descriptors + 5, "their sockets are closed")
    assert node.json("/totals")["songs"] == 1
    assert node.upload(tune).status_code == 201


def stored_files(node):
    """All files of the data folder but the databases' own temporary ones."""
    return {str(path) for path in node.data.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm", "-journal")) and "search" not in str(path)}


def test_a_head_that_never_ends_is_cut_off(node):
    """Slowloris: the whole head has ten seconds, however many bytes trickle in."""
    connections = [node.connect() for _ in range(50)]
    for connection in connections:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        connection.setblocking(False)
    open_ones, deadline = set(connections), time.monotonic() + 25
    started = time.monotonic()
    while open_ones and time.monotonic() < deadline:
        assert node.get("/healthz").status_code == 200
        for connection in list(open_ones):
            try:
                connection.send(b"z")
                while connection.recv(4096):
                    pass
                open_ones.discard(connection)
            except BlockingIOError:
                pass
            except OSError:
                open_ones.discard(connection)
        time.sleep(0.25)  # the trickle itself
    assert not open_ones
    assert time.monotonic() - started > 2
    for connection in connections:
        connection.close()


def test_connections_without_limit_are_not_held(node):
    """Many idle connections leave room for others."""
    with contextlib.ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(node.connect())
        assert node.get("/healthz").status_code == 200
        assert node.search("anything")["partial"] is False
