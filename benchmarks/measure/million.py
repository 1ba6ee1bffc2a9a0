# SPDX-License-Identifier: AGPL-3.0-or-later
"""A million songs: the classes of searches in the process (benchmarks/search), and the start of a real node."""
import re
import subprocess
import time
from pathlib import Path

from kadenza import Node
from measure.table import Row

PROGRAM = Path(__file__).resolve().parents[2] / "build/bench/bin/search_bench"
SONGS = 1_000_000
LINE = re.compile(r"^(\S.*?)\s+(\d+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)$")  # name, n, p50, p99, worst; ms


def rows(bench):
    folder = bench.cache / "million"  # made by the first run
    output = subprocess.run([PROGRAM, str(SONGS), folder], stdout=subprocess.PIPE, text=True, check=True).stdout
    for name, count, p50, p99, _ in filter(None, (m and m.groups() for m in map(LINE.match, output.splitlines()))):
        is_list = name.startswith("500 ")
        yield Row(f"1,000,000 songs, in the process: {name}", "ms", [], n=int(count), median=float(p50), p99=float(p99),
                  target="" if is_list else "p99 < 20 ms", reached=None if is_list else float(p99) < 20)

    node = Node(bench.scratch / "million", data=folder)
    times = []
    try:
        for _ in range(3):
            started = time.perf_counter()
            node.start()
            times.append(time.perf_counter() - started)
            node.stop()
    finally:
        node.destroy()
    yield Row("start of a node with 1,000,000 songs until it is ready", "s", times, target="≤ 2 s", reached=max(times) <= 2)
