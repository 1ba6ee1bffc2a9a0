# SPDX-License-Identifier: AGPL-3.0-or-later
"""Memory, idle and under a thousand slow listeners."""
import os
import random
import time

from kadenza import wait_until
from measure import load
from measure.search import path_file, queries
from measure.table import Row, number

LISTENERS = 1000
LISTENER_BYTES_PER_S = 25_000


def sum_of_fields(node, first, last):
    """The sum of some fields of all the node's living processes (proc(5), /proc/PID/stat)."""
    total = 0
    for pid in node.processes():
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            total += sum(int(field) for field in fields[first - 3:last - 2])
        except OSError:
            pass
    return total


def busy_seconds(node):
    """Processor time of all the node's processes so far, of those that have ended, too."""
    return sum_of_fields(node, 14, 17) / os.sysconf("SC_CLK_TCK")


def page_faults(node):
    """How often the kernel gave its living processes a page so far, without reading it from the disk."""
    return sum_of_fields(node, 10, 10)


def settle(node, seconds=900):
    """Waits until background work (loudness, waveforms) has ended."""
    def idle():
        before = busy_seconds(node)
        time.sleep(2)
        return busy_seconds(node) - before < 0.05
    wait_until(idle, "the node is idle", seconds)


def analysed(node):
    """Whether a random sample of songs has its loudness and waveform."""
    songs = node.json("/songs", order="random", seed=random.randrange(1 << 30), limit=300)["items"]
    return all(node.get(f"/songs/{song['id']}/waveform").status_code == 200 for song in songs)


def idle_rows(bench):
    """After a restart, and one search and one list, so that everything is open."""
    bench.restart()
    bench.node.search("love")
    bench.node.json("/albums", limit=50)
    settle(bench.node)
    pss, rss = bench.node.memory("Pss"), bench.node.memory("Rss")
    yield Row(f"memory, idle with {bench.songs:,} songs", "MB", [pss],
              peer=f"resident of all its {len(bench.node.processes())} processes {number(rss)}; LMS 155", target="< 40 MB",
              reached=pss < 40, note="all processes of the node, pages that they share counted once (PSS)")


def listener_rows(bench):
    """A thousand listeners at 25 KB/s each, and somebody who searches meanwhile."""
    node = bench.node
    login = [f"Authorization: Bearer {node.token}"]
    song = f"/api/v1/songs/{bench.large_song['id']}/audio"
    everything = path_file(bench, "all", [text for texts in queries().values() for text in texts])
    listeners = load.start(node.url, song, connections=LISTENERS, seconds=25, slow=LISTENER_BYTES_PER_S, headers=login)
    try:
        time.sleep(8)
        search = load.load(node.url, everything, seconds=10, headers=login)
        pss, rss = node.memory("Pss"), node.memory("Rss")
    finally:
        report = load.finish(listeners)
    rate = report["mb_per_s"] * 1e6 / LISTENERS
    yield Row("memory with 1,000 slow listeners", "MB", [pss], peer=f"resident {number(rss)}", target="< 150 MB",
              reached=pss < 150, note=f"each listener got {rate / 1000:.1f} KB/s")
    yield Row("search beside 1,000 slow listeners", "ms", [], n=search["requests"], median=search["latency_us"]["p50"] / 1000,
              p99=search["latency_us"]["p99"] / 1000, target="p99 < 20 ms", reached=search["latency_us"]["p99"] < 20_000)
