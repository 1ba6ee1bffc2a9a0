# SPDX-License-Identifier: AGPL-3.0-or-later
"""Five nodes on this machine that change documents: alone, several at once on one document, and while a holder dies."""
import json
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cluster import QUORUM
from measure import machine
from measure.cluster import Measured
from measure.table import Row, number

NODES = 5
CHANGES = 300
WRITERS = 3
SECONDS = 10  # of several writers, and of a writer while a holder dies


class Refused(Exception):
    pass


def call(node, method, request):
    """A method of the node, over its control socket: without the start of a program."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(node.data / "control.sock"))
        params = {"node": node.name, "method": f"Documents.{method}", "request": request}
        connection.sendall(json.dumps({"version": 1, "method": "rpc", "params": params}).encode() + b"\n")
        with connection.makefile() as answers:
            answer = json.loads(answers.readline())
    if "error" in answer:
        raise Refused(answer["error"]["detail"])
    return answer["result"]


def change(node, name, token):
    return call(node, "Edit", {"name": name, "steps": [{"addMember": token}, {"count": {"name": "changes", "by": 1}}]})


def timed(body):
    started = time.perf_counter()
    body()
    return (time.perf_counter() - started) * 1000


def disk_times(bench, count):
    """What the disk takes for as many durable copies as an acknowledged change has."""
    data = bytes(2000)
    with ThreadPoolExecutor(QUORUM) as pool:
        return [timed(lambda: list(pool.map(lambda _: machine.write_fsync_seconds(bench.scratch, data), range(QUORUM))))
                for _ in range(count)]


class Writer(threading.Thread):
    """Changes a document until it is told to stop; knows when each change was acknowledged."""

    def __init__(self, node, name, number_):
        super().__init__(daemon=True)
        self.node, self.name_, self.number = node, name, number_
        self.acknowledged, self.refused, self.over = [time.perf_counter()], 0, threading.Event()

    def run(self):
        turn = 0
        while not self.over.is_set():
            turn += 1
            try:
                change(self.node, self.name_, f"{self.number} {turn % 20}")
                self.acknowledged.append(time.perf_counter())
            except Refused:
                self.refused += 1

    def stop(self):
        self.over.set()
        self.join()


def rows(bench):
    measured = Measured(bench, "documents")
    nodes = measured.cluster.grow(NODES)
    try:
        yield from single_rows(bench, nodes[0])
        yield several_row(nodes)
        yield from dying_rows(nodes)
    finally:
        measured.end()


def single_rows(bench, entry):
    names = [f"bench/{turn}" for turn in range(CHANGES)]
    disk = statistics.median(disk_times(bench, 50))
    yield Row("cluster of 5: change of a document, acknowledged", "ms", [timed(lambda: change(entry, name, "a")) for name in names],  # noqa: B023
              peer=f"write+fsync of {QUORUM} copies {number(disk)}")
    yield Row("cluster of 5: read of a document", "ms", [timed(lambda: call(entry, "Get", {"name": name})) for name in names])  # noqa: B023


def several_row(nodes):
    writers = [Writer(node, "bench/shared", at) for at, node in enumerate(nodes[:WRITERS])]
    for writer in writers:
        writer.start()
    time.sleep(SECONDS)
    for writer in writers:
        writer.stop()
    acknowledged = sum(len(writer.acknowledged) - 1 for writer in writers)
    counted = int(call(nodes[4], "Get", {"name": "bench/shared"})["document"]["counters"][0]["value"])
    refused = sum(writer.refused for writer in writers)
    return Row(f"cluster of 5: changes of one document through {WRITERS} nodes at once", "1/s", [acknowledged / SECONDS],
               peer=f"{counted} counted of {acknowledged} acknowledged, {refused} refused", target="none lost",
               reached=counted >= acknowledged)


def dying_rows(nodes):
    """The longest time in which nothing was acknowledged, when one of the holders ends without a word."""
    for turn, victim in enumerate(nodes[1:3]):
        writer = Writer(nodes[0], f"bench/dying {turn}", 0)
        writer.start()
        time.sleep(SECONDS / 4)
        victim.kill()
        time.sleep(SECONDS)
        writer.stop()
        gaps = [(after - before) * 1000 for before, after in zip(writer.acknowledged, writer.acknowledged[1:], strict=False)]
        yield Row(f"cluster of 5: between two changes acknowledged, node {turn + 1} killed meanwhile", "ms", gaps,
                  peer=f"longest {number(max(gaps))} ms; {writer.refused} refused", target="none refused",
                  reached=writer.refused == 0)
