# SPDX-License-Identifier: AGPL-3.0-or-later
"""Twenty nodes on this machine of which one is lost, three times: how fast its copies are made again, and what listeners
notice."""
import multiprocessing
import statistics
import time

from kadenza import wait_until
from measure.cluster import Measured
from measure.table import Row, number, percentile

NODES = 20
LOSSES = 3  # one after the other: a single p99 is mostly chance
SONGS = 300
SECONDS = 25  # 1 MB
GRACE = 6  # seconds
RATE = 100_000  # bytes per second that each node may copy: so low that the processors are not the limit
FORKED = multiprocessing.get_context("fork")
LISTENED = 60  # seconds of listening before each loss


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
    losses = [Loss(measured, songs, nodes[0], nodes[:NODES - lost], nodes[NODES - 1 - lost]) for lost in range(LOSSES)]
    shares = [loss.measure() for loss in losses]
    yield Row(f"cluster of {NODES}: copies of a lost node made again, share of the configured rate", "", shares,
              peer="; ".join(loss.summary() for loss in losses),
              target="≥ 0.8", reached=min(shares) >= 0.8, p99=min(shares))
    calm = [first for loss in losses for first in loss.calm]
    ratios = [percentile(loss.meanwhile, 0.99) / percentile(loss.calm, 0.99) for loss in losses]
    yield Row(f"cluster of {NODES}: first byte of a song held by others, meanwhile", "ms",
              [first for loss in losses for first in loss.meanwhile],
              peer=f"before: median {number(statistics.median(calm))}, p99 {number(percentile(calm, 0.99))}; ratios of p99 "
                   + ", ".join(f"{ratio:.2f}" for ratio in ratios),
              target="median of the ratios of p99 ≤ 1.5", reached=statistics.median(ratios) <= 1.5)


class Loss:
    """A node of `nodes` dies, while somebody listens through `entry`. The nodes' disks are looked at before as after, so that
    the looking does not count as harm."""

    def __init__(self, measured, songs, entry, nodes, victim):
        self.measured, self.songs, self.entry, self.victim = measured, songs, entry, victim
        self.rest = [node for node in nodes if node is not victim]

    def summary(self):
        return f"{sum(self.bytes) / 1e6:.0f} MB, at most {max(self.bytes) / 1e6:.1f} MB to one node, in {self.took:.1f} s"

    def copies(self, songs):
        return [len(set(holders).intersection(self.rest)) for holders in self.measured.holders(songs).values()]

    def measure(self):
        """The share of the configured rate; afterwards `took`, `bytes` copied to each node, `calm` and `meanwhile`."""
        wait_until(lambda: all(len(set(holders).intersection([*self.rest, self.victim])) == 3
                               for holders in self.measured.holders(self.songs).values()), "no copy too many", 300)
        holders = self.measured.holders(self.songs)
        remote = [song for song in self.songs if self.entry not in holders[song["id"]]]
        lost = [song for song in self.songs if self.victim in holders[song["id"]]]
        with Listening(self.measured, self.entry, remote) as calm:
            over = time.perf_counter() + LISTENED
            wait_until(lambda: self.copies(lost) and time.perf_counter() > over, "listened before", 2 * LISTENED)
        before = repair_of(self.rest, "bytes_copied")
        self.victim.kill()
        with Listening(self.measured, self.entry, remote) as meanwhile:
            wait_until(lambda: any(repair_of(self.rest, "bytes_to_move")), "copying begins", 120)
            began = time.perf_counter()
            wait_until(lambda: min(self.copies(lost)) >= 3, "everything has its copies", 600)
            self.took = time.perf_counter() - began
        self.bytes = [now - then for now, then in zip(repair_of(self.rest, "bytes_copied"), before, strict=True)]
        self.calm, self.meanwhile = calm.firsts, meanwhile.firsts
        # No node could be done sooner: the one that has most to copy, at the configured rate.
        return max(self.bytes) / RATE / self.took
