# SPDX-License-Identifier: AGPL-3.0-or-later
"""A disk without room, and a node that may use no more than it was given: writing stops, reading goes on."""
import os
import subprocess

import pytest
from fixtures import formats
from kadenza import assert_problem, wait_until

MEGABYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small tmpfs")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(node, next_tune, code="no_space", at_most=60):
    """Uploads a megabyte at a time until the node has no room; returns what it took."""
    kept = []
    for _ in range(at_most):
        tune = next_tune(seconds=120)
        answer = node.upload(tune)
        if answer.status_code != 201:
            problem = assert_problem(answer, 507, code)
            assert "space" in problem["detail"].lower() or "full" in problem["detail"].lower() or \
                "capacity" in problem["detail"].lower()
            return kept
        kept.append((answer.json()["song"], tune))
    raise AssertionError("the node never ran out of room")


def test_a_full_disk(new_node, next_tune, small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(6 * MEGABYTE))
    node = new_node(data=small_disk / "data")
    kept = fill(node, next_tune)
    assert len(kept) >= 5
    for room in range(3):  # down to the last bytes
        for _ in range(3):
            answer = node.upload(next_tune(seconds=20 - 8 * room))
            assert answer.status_code in (201, 507), answer.text
    assert node.get("/readyz").status_code == 200
    for song, tune in kept:
        assert node.audio(song["id"]).content == tune
        assert node.json(f"/songs/{song['id']}") == song
    node.search("tune")
    assert node.json("/totals")["songs"] >= len(kept)

    ballast.unlink()
    song = node.stored(next_tune(seconds=60, title="Room Again"))
    node.finds(song, "room again")
    for song, _ in kept:
        node.finds(song, song["title"])


def test_a_start_on_a_full_disk(new_node, next_tune, small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(8 * MEGABYTE))
    node = new_node(data=small_disk / "data")
    kept = fill(node, next_tune)
    node.kill()
    with open(small_disk / "filler", "wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            pass
    node.launch()
    try:
        wait_until(node.is_ready, "ready", 20)
        for song, tune in kept:
            assert node.audio(song["id"]).content == tune
    except RuntimeError:  # it may refuse, but must say why
        assert "space" in node.log().lower()
    (small_disk / "filler").unlink()
    ballast.unlink()
    if node.process.poll() is None:
        node.stop()
    node.start()
    for song, tune in kept:
        assert node.audio(song["id"]).content == tune
    node.stored(next_tune())


def test_the_capacity_that_a_node_was_given(new_node, next_tune):
    node = new_node("--capacity", "5MB")
    kept = fill(node, next_tune)
    assert 4 <= len(kept) <= 6
    for song, tune in kept:
        assert node.audio(song["id"]).content == tune
    assert_problem(node.upload(next_tune(seconds=120, cover=formats.cover_jpeg())), 507, "no_space")
    assert node.stop() == 0
    node.options = ["--capacity", "8MB"]
    node.start()
    assert node.upload(next_tune(seconds=120)).status_code == 201


def test_an_announced_size_without_room_is_refused_before_its_bytes(new_node):
    node = new_node("--capacity", "5MB")
    with node.connect() as connection:
        connection.sendall(node.head("POST", "/songs", "Content-Length: 50000000", "Expect: 100-continue"))
        assert b" 507 " in connection.recv(4096).split(b"\r\n")[0]
