# SPDX-License-Identifier: AGPL-3.0-or-later
"""A million songs in the catalogue and the search index, without HTTP (benchmarks/search)."""
import json
import subprocess
from pathlib import Path

from measure.table import Row

PROGRAM = Path(__file__).resolve().parents[2] / "build/bench/bin/search_bench"


def rows(bench):
    output = subprocess.run([PROGRAM, "--json", "--songs", "1000000", "--folder", bench.cache / "million"],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    report = json.loads(output)
    for name, figures in report["classes"].items():
        yield Row(f"search of 1,000,000 songs, {name}", "ms", [], n=figures["n"], median=figures["p50_ms"],
                  p99=figures["p99_ms"], target="p99 < 20 ms", reached=figures["p99_ms"] < 20)
    yield Row("ready with 1,000,000 songs", "s", [], n=1, median=report["ready_s"], target="≤ 2 s", reached=report["ready_s"] <= 2)
