# SPDX-License-Identifier: AGPL-3.0-or-later
"""The music plays on: listeners on one node while others die, hang, lose their network or their bits."""
import threading
import time

import pytest
from cluster import SLOWNESS, Cluster, Listener, Stopped, play_all, stored_blobs
from fixtures import mp3

LISTENERS = 50
SONGS = 10
STALL = 0.5 * SLOWNESS  # seconds
FIRST_BYTE = 0.5 * SLOWNESS


def long_tunes(count, megabytes, first_seed):
    seconds = megabytes * 25  # at 320 kbit/s
    return [mp3.tune(first_seed + number, seconds, 320, title=f"Long Way {first_seed + number}", artist="The Survivors",
                     album="Failover") for number in range(count)]


@pytest.fixture
def cluster(new_node):
    made = Cluster(new_node)
    yield made
    made.close()


def entry_and_songs(cluster, songs):
    """The node that holds the fewest of the songs, and those that it does not hold."""
    def remote(node):
        return [pair for pair in songs if node not in cluster.holders(pair[0])]
    entry = max(cluster.nodes, key=lambda node: len(remote(node)))
    assert remote(entry), "no song is remote to any node"
    return entry, remote(entry)


def busiest_holder(cluster, songs, *but):
    return max(cluster.others(*but), key=lambda node: sum(node in cluster.holders(song) for song, _ in songs))


def test_fifty_listeners_do_not_notice_that_two_nodes_are_killed(cluster):
    nodes = cluster.grow(5)
    # A node under a sanitizer cannot verify and send 30 MB/s; it gets a third, still five times a good MP3's rate.
    pace, megabytes = (200_000, 3) if SLOWNESS > 1 else (600_000, 6)  # bytes a second: longer than the kills take
    songs = cluster.upload(nodes[0], long_tunes(SONGS, megabytes, first_seed=1))
    entry, remote = entry_and_songs(cluster, songs)
    played = remote + [pair for pair in songs if pair not in remote]
    listeners = [(Listener(entry, song, pace), audio) for song, audio in (played * LISTENERS)[:LISTENERS]]
    for listener, _ in listeners:
        listener.start()
    for _ in range(2):
        time.sleep(2)  # into the songs
        victim = busiest_holder(cluster, remote, entry, *[node for node in nodes if node.process.poll() is not None])
        victim.kill()
    assert all(listener.is_alive() for listener, _ in listeners), "the kills came while all listened"
    for listener, audio in listeners:
        listener.join(60)
        listener.check(audio, STALL)
    play_all(entry, songs, STALL, FIRST_BYTE)


def flip_a_bit_in_each_chunk(path):
    """As a rotting disk does, to a file that is not open."""
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    for at in range(1000, len(content), 65536):
        content[at] ^= 0x10
    path.write_bytes(content)


class Rotten:
    """A node of whose every stored file each chunk has a wrong bit."""

    def __init__(self, node):
        self.node = node

    def __enter__(self):
        for path in stored_blobs(self.node).values():
            flip_a_bit_in_each_chunk(path)

    def __exit__(self, *_):
        pass


class Cut:
    def __init__(self, node):
        self.way = node.way

    def __enter__(self):
        self.way.is_cut = True

    def __exit__(self, *_):
        self.way.is_cut = False


class Slow:
    def __init__(self, node):
        self.way = node.way

    def __enter__(self):
        self.way.bytes_per_second = 10_000

    def __exit__(self, *_):
        self.way.bytes_per_second = None


@pytest.mark.parametrize("fault", [Stopped, Cut, Slow, Rotten])
def test_a_bad_replica_is_not_felt(cluster, fault):
    nodes = cluster.grow(5, through_a_way=True)
    songs = cluster.upload(nodes[0], long_tunes(SONGS, 2, first_seed=100))
    entry, remote = entry_and_songs(cluster, songs)
    warm, fresh = remote[:1], remote[1:] or remote
    play_all(entry, warm, STALL, FIRST_BYTE)
    bad = busiest_holder(cluster, fresh, entry)
    with fault(bad):
        play_all(entry, fresh, STALL, FIRST_BYTE)
        others = [node for node in cluster.others(entry, bad)]
        for node in others:
            play_all(node, songs[:3], STALL, FIRST_BYTE)


def test_a_replica_that_turns_bad_in_the_middle_is_not_felt(cluster):
    nodes = cluster.grow(5, through_a_way=True)
    # As above, and the ways are Python's.
    pace, megabytes = (400_000, 3) if SLOWNESS > 1 else (1_500_000, 6)
    songs = cluster.upload(nodes[0], long_tunes(SONGS, megabytes, first_seed=200))
    entry, remote = entry_and_songs(cluster, songs)
    bad = busiest_holder(cluster, remote, entry)
    listeners = [(Listener(entry, song, pace), audio) for song, audio in remote]
    for listener, _ in listeners:
        listener.start()
    time.sleep(0.7)  # into the songs
    with Cut(bad):
        for listener, audio in listeners:
            listener.join(60)
            listener.check(audio, STALL)


def test_a_rotten_disk_of_the_node_that_is_asked_is_not_felt(cluster):
    nodes = cluster.grow(4)
    songs = cluster.upload(nodes[0], long_tunes(4, 2, first_seed=300))
    rotten = busiest_holder(cluster, songs)
    assert rotten.stop() == 0
    with Rotten(rotten):
        rotten.start()
        cluster.wait_complete()
        play_all(rotten, songs, STALL, FIRST_BYTE)


def test_seeks_anywhere_while_a_replica_hangs(cluster):
    nodes = cluster.grow(5)
    songs = cluster.upload(nodes[0], long_tunes(6, 4, first_seed=400))
    entry, remote = entry_and_songs(cluster, songs)
    bad = busiest_holder(cluster, remote, entry)
    with Stopped(bad):
        for song, audio in remote:
            for at in (len(audio) - 100, 1_999_999, 65_536, 3_000_001):
                started = time.monotonic()
                answer = entry.audio(song["id"], Range=f"bytes={at}-{at + 99_999}")
                assert answer.content == audio[at:at + 100_000]
                assert time.monotonic() - started < FIRST_BYTE + STALL


def test_the_last_replica_s_return_ends_the_wait(cluster):
    """All holders of a song hang: the listener waits instead of losing the song, and hears it when they are back."""
    nodes = cluster.grow(5)
    songs = cluster.upload(nodes[0], long_tunes(6, 2, first_seed=500))
    entry, remote = entry_and_songs(cluster, songs)
    song, audio = remote[0]
    holders = cluster.holders(song)
    listener = Listener(entry, song)
    stopped = [Stopped(node) for node in holders]
    for one in stopped:
        one.__enter__()
    try:
        listener.start()
        time.sleep(1.5)
        assert listener.first_byte is None
    finally:
        for one in stopped:
            one.__exit__()
    listener.join(30)
    listener.check(audio, stall=5 * SLOWNESS)


def test_listeners_and_uploads_together(cluster, next_tune):
    nodes = cluster.grow(4)
    # A node under a sanitizer cannot verify 16 MB/s beside the uploads; a quarter is still six good MP3s for each listener.
    songs = cluster.upload(nodes[0], long_tunes(4, 4 // SLOWNESS, first_seed=600))
    listeners = [(Listener(node, song, 1_000_000 // SLOWNESS), audio) for node in nodes for song, audio in songs]
    for listener, _ in listeners:
        listener.start()
    refused, stop = [], threading.Event()

    def keep_uploading(node):
        while not stop.is_set():
            answer = node.upload(next_tune(artist="Beside", seconds=30))
            if answer.status_code != 201:
                refused.append(answer.text)

    uploaders = [threading.Thread(target=keep_uploading, args=(node,)) for node in nodes[:2]]
    for uploader in uploaders:
        uploader.start()
    for listener, audio in listeners:
        listener.join(60)
        listener.check(audio, STALL)
    stop.set()
    for uploader in uploaders:
        uploader.join()
    assert not refused, refused[0]
