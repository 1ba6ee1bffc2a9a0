# SPDX-License-Identifier: AGPL-3.0-or-later
"""Twenty nodes on this machine of which one is lost: how fast its copies are made again, and what listeners notice."""
import multiprocessing
import statistics
import time

from kadenza import wait_until
from measure.cluster import Measured
from measure.table import Row, number, percentile

NODES = 20
SONGS = 300
SECONDS = 25  # 1 MB
GRACE = 6  # seconds
RATE = 100_000  # bytes per second that each node may copy: so low that the processors are not the limit
FORKED = multiprocessing.get_context("fork")
LISTENED = 60  # seconds of listening before: a p99 of a few hundred plays is mostly chance


class Listening:
    """Plays songs through a node that mostly has them from others, and knows how long each first byte took. In a process of its
    own, so that it waits for the nodes and never for what else this one does."""

    def __init__(self, measured, node, songs):
        self.measured, self.node, self.songs = measured, node, songs
        self.firsts, self.over = [], FORKED.Event()
        self.heard, self.tell = FORKED.Pipe(duplex=False)
        self.process = FORKED.Process(target=self.listen, daemon=True)

    def listen(self):
        firsts, turn = [], 0
        while not self.over.is_set():
            turn += 1
            firsts += self.measured.first_bytes(self.node, [self.songs[turn % len(self.songs)]])[0]
            time.sleep(0.02)
        self.tell.send(firsts)

    def __enter__(self):
        self.process.start()
        self.tell.close()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.firsts = self.heard.recv()
        self.process.join()


def repair_of(nodes, what):
    return [node.json("/network")["repair"][what] for node in nodes]


def rows(bench):
    measured = Measured(bench, "repair")
    try:
        for _ in range(NODES):
            measured.cluster.add("--grace", f"{GRACE}s", "--repair-rate", f"{RATE}")
        measured.cluster.wait_complete()
        yield from lost_node_rows(measured)
    finally:
        measured.end()


def lost_node_rows(measured):
    nodes = measured.cluster.nodes
    songs = measured.upload("Repaired", SONGS, SECONDS)
    entry, victim, rest = nodes[0], nodes[-1], nodes[:-1]
    wait_until(lambda: all(len(holders) == 3 for holders in measured.holders(songs).values()), "no copy too many", 300)
    remote = [song for song in songs if entry not in measured.holders(songs)[song["id"]]]
    with Listening(measured, entry, remote) as calm:
        time.sleep(LISTENED)

    before = repair_of(rest, "bytes_copied")
    victim.kill()
    with Listening(measured, entry, remote) as meanwhile:
        wait_until(lambda: any(repair_of(rest, "bytes_to_move")), "copying begins", 120)
        began = time.perf_counter()
        lost = [song for song in songs if victim in measured.holders(songs)[song["id"]]]
        wait_until(lambda: all(len(set(holders) - {victim}) >= 3 for holders in measured.holders(lost).values()),
                   "everything has its copies", 600)
        took = time.perf_counter() - began
    by_node = [now - then for now, then in zip(repair_of(rest, "bytes_copied"), before, strict=True)]
    # No node could be done sooner: the one that has most to copy, at the configured rate.
    best = max(by_node) / RATE
    yield Row(f"cluster of {NODES}: copies of a lost node made again, share of the configured rate", "", [best / took],
              peer=f"{sum(by_node) / 1e6:.0f} MB, at most {max(by_node) / 1e6:.1f} MB to one node, in {took:.1f} s",
              target="≥ 0.8", reached=best / took >= 0.8)
    calm_p99, busy_p99 = percentile(calm.firsts, 0.99), percentile(meanwhile.firsts, 0.99)
    yield Row(f"cluster of {NODES}: first byte of a song held by others, meanwhile", "ms", meanwhile.firsts,
              peer=f"before: median {number(statistics.median(calm.firsts))}, p99 {number(calm_p99)}; ratio of p99 {busy_p99 / calm_p99:.2f}",
              target="p99 ≤ 1.5 × before", reached=busy_p99 <= 1.5 * calm_p99)
