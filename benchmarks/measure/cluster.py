# SPDX-License-Identifier: AGPL-3.0-or-later
"""Five nodes on this machine: songs that the asked node has not, with all holders well and with one killed or stopped."""
import http.client
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cluster import QUORUM, REPLICAS, Cluster, Stopped, stored_blobs
from fixtures import mp3
from kadenza import Node, wait_until
from measure import machine, memory
from measure.table import Row, number, percentile
from measure.upload import timed_upload

NODES = 5
SHORT_SONGS = 900  # of which one node lacks two fifths
SHORT_SECONDS = 5  # 200 kB
LONG_SONGS = 32
LONG_SECONDS = 500  # 20 MB
LISTENERS = 4
UPLOADERS = 2  # more keep the disk so busy that stand-ins are asked, whose copies the entry need not fetch then


class Measured:
    """The cluster, and what is known of it."""

    def __init__(self, bench, name):
        self.bench, self.name = bench, name
        self.count = 0
        self.cluster = Cluster(self.new_node)

    def new_node(self, *options, start=True, **more):
        self.count += 1
        node = Node(self.bench.scratch / f"{self.name}-{self.count}", "--log-level", "warning", *options, **more)
        self.bench.exit.callback(node.destroy)
        return node.start() if start else node

    def end(self):
        for node in self.cluster.nodes:
            node.destroy()
        self.cluster.close()

    def busy_seconds(self):
        """Processor time of all nodes so far."""
        return sum(memory.busy_seconds(node) for node in self.cluster.nodes)

    def upload(self, title, count, seconds):
        """Songs of which all copies are there, through all nodes in turn."""
        nodes = self.cluster.nodes
        number_of = iter(range(count))

        def one(_):
            mine = next(number_of)
            tune = mp3.tune(self.bench.stamp + mine, seconds, 320, title=f"{title} {mine}", artist="Bench", album=title)
            return nodes[mine % len(nodes)].stored(tune)

        with ThreadPoolExecutor(UPLOADERS) as pool:
            songs = list(pool.map(one, range(count)))
        wait_until(lambda: all(len(holders) >= REPLICAS for holders in self.holders(songs).values()),
                   f"all copies of {title}", 120)
        wait_until(lambda: all(memory.analysed(node) for node in nodes), "all songs are analysed", 600)
        return songs

    def holders(self, songs):
        """{id: the nodes that have the song on disk}."""
        disks = [(node, stored_blobs(node)) for node in self.cluster.nodes]
        return {song["id"]: [node for node, disk in disks if song["audio_hash"] in disk] for song in songs}

    def remote(self, node, songs):
        """Those that the node has to fetch from others."""
        holders = self.holders(songs)
        return [song for song in songs if node not in holders[song["id"]]]

    def first_bytes(self, node, songs):
        """Milliseconds until the first byte of each song's audio, and the longest wait between two of its bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", node.port)
        headers = {"Authorization": f"Bearer {node.token}"}
        firsts, longest = [], 0
        for song in songs:
            asked = time.perf_counter()
            connection.request("GET", f"/api/v1/songs/{song['id']}/audio", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            got = len(answer.read(1))
            before = time.perf_counter()
            firsts.append((before - asked) * 1000)
            while piece := answer.read1(65536):
                now = time.perf_counter()
                longest, before = max(longest, (now - before) * 1000), now
                got += len(piece)
            answer.close()  # read1() does not do so at the end
            assert got == song["size"], f"{got} of {song['size']} bytes"
        return firsts, longest

    def megabytes_per_second(self, node, songs):
        """Of several listeners at once, each song once."""
        waiting, lock = list(songs), threading.Lock()

        def listen():
            connection = http.client.HTTPConnection("127.0.0.1", node.port)
            buffer = bytearray(1 << 20)
            while True:
                with lock:
                    if not waiting:
                        return
                    song = waiting.pop()
                connection.request("GET", f"/api/v1/songs/{song['id']}/audio",
                                   headers={"Authorization": f"Bearer {node.token}"})
                answer, got = connection.getresponse(), 0
                while count := answer.readinto(buffer):
                    got += count
                assert got == song["size"], f"{got} of {song['size']} bytes"

        threads = [threading.Thread(target=listen) for _ in range(LISTENERS)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(song["size"] for song in songs) / (time.perf_counter() - started) / 1e6


def rows(bench):
    measured = Measured(bench, "cluster")
    nodes = measured.cluster.grow(NODES)
    entry = nodes[0]
    try:
        yield from upload_rows(bench, measured, entry)
        yield from rate_rows(measured, entry)
        yield from first_byte_rows(measured, entry)
    finally:
        measured.end()


def upload_rows(bench, measured, entry):
    ours, disk = [], []
    busy_before = measured.busy_seconds()
    for round_ in range(30):
        tune = mp3.tune(bench.stamp + 500_000 + round_, 100, 320, title=f"Four Megabytes {round_}", artist="Bench")
        with ThreadPoolExecutor(QUORUM) as pool:
            started = time.perf_counter()
            list(pool.map(lambda _, tune=tune: machine.write_fsync_seconds(bench.scratch, tune), range(QUORUM)))
            disk.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        answer = entry.upload(tune)
        ours.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 201, answer.text
    busy = measured.busy_seconds() - busy_before
    ratio = statistics.median(ours) / statistics.median(disk)
    yield Row("cluster of 5: upload of 4 MB, acknowledged", "ms", ours,
              peer=f"write+fsync of {QUORUM} copies {number(statistics.median(disk))}; ratio {ratio:.2f}",
              target="≤ 1.5 ×", reached=ratio <= 1.5)
    yield Row("cluster of 5: processor time of all nodes for it", "ms", [busy * 1000 / len(ours)])
    folder = bench.library / "small" / "00"
    busy_before = measured.busy_seconds()
    files, seconds = timed_upload(entry, folder)
    rate = files / seconds
    busy = measured.busy_seconds() - busy_before
    lone = Node(bench.scratch / f"{measured.name}-lone", "--log-level", "warning").start()
    try:
        files, seconds = timed_upload(lone, folder)
        alone = files / seconds
    finally:
        lone.destroy()
    yield Row("cluster of 5: upload of 2,000 small files, command line", "songs/s", [rate],
              peer=f"one node without others {number(alone)}; ratio {rate / alone:.2f}; "
              f"{number(busy * 1000 / files)} ms of processor time per song", target="≥ 100", reached=rate >= 100)


def rate_rows(measured, entry):
    songs = measured.upload("Long", LONG_SONGS, LONG_SECONDS)
    remote = measured.remote(entry, songs)
    if len(remote) < LISTENERS:
        raise RuntimeError(f"the entry lacks {len(remote)} of {len(songs)} songs; {LISTENERS} are needed")
    turns = [remote[at:at + LISTENERS] for at in range(0, len(remote) - LISTENERS + 1, LISTENERS)]
    megabytes = sum(song["size"] for turn in turns for song in turn) / 1e6
    faults_before = memory.page_faults(entry)
    rates = [measured.megabytes_per_second(entry, turn) for turn in turns]
    faults = memory.page_faults(entry) - faults_before
    yield Row(f"cluster of 5: songs of 20 MB from others, {LISTENERS} listeners, each song once", "MB/s", rates,
              p99=min(rates), peer=f"the asked node: {number(faults / megabytes)} page faults per MB, memory then "
              f"{number(entry.memory())} MB", target="≥ 150", reached=statistics.median(rates) >= 150)


def first_byte_rows(measured, entry):
    songs = measured.upload("Short", SHORT_SONGS, SHORT_SECONDS)
    holders = measured.holders(songs)
    here, _ = measured.first_bytes(entry, [song for song in songs if entry in holders[song["id"]]])
    median = statistics.median(here)
    yield Row("cluster of 5: first byte of a song held here", "ms", here, target="p50 ≤ 1 ms", reached=median <= 1)

    to_stop, to_kill = measured.cluster.nodes[1:3]
    remote = {node: measured.remote(node, songs) for node in measured.cluster.nodes if node not in (to_stop, to_kill)}

    def third(which):
        """Milliseconds until the first bytes of a third of the songs, at every node that lives on, and the longest stall."""
        measurements = [measured.first_bytes(node, lacking[which::3]) for node, lacking in remote.items()]
        return [first for firsts, _ in measurements for first in firsts], max(longest for _, longest in measurements)

    healthy, _ = third(0)
    p99 = percentile(healthy, 0.99)
    yield Row("cluster of 5: first byte of a song held by others", "ms", healthy, target="p50 ≤ 3 ms, p99 ≤ 15 ms",
              reached=statistics.median(healthy) <= 3 and p99 <= 15)

    def with_a_bad_one(what, which):
        times, longest = third(which)
        worst = percentile(times, 0.99)
        return Row(f"cluster of 5: the same, a holder {what}", "ms", times, peer=f"longest stall {number(longest)} ms",
                   target="p99 ≤ 3 × healthy and ≤ 40 ms, no stall > 200 ms",
                   reached=worst <= 3 * p99 and worst <= 40 and longest <= 200)

    with Stopped(to_stop):
        yield with_a_bad_one("stopped", 1)
    to_kill.kill()
    yield with_a_bad_one("killed", 2)
