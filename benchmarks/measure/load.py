# SPDX-License-Identifier: AGPL-3.0-or-later
"""The load client (benchmarks/load), and pairs of measurements taken in turn."""
import json
import statistics
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "build/bench/bin/kadenza-load"


def load(url, paths, *, connections=1, seconds=2.0, headers=(), fresh=False, slow=0):
    """Runs the client once; returns its report."""
    process = start(url, paths, connections=connections, seconds=seconds, headers=headers, fresh=fresh, slow=slow)
    return finish(process)


def start(url, paths, *, connections=1, seconds=2.0, headers=(), fresh=False, slow=0):
    command = [PROGRAM, "--url", url, "--connections", connections, "--seconds", seconds, "--slow", slow]
    for header in headers:
        command += ["--header", header]
    if fresh:
        command.append("--fresh")
    if isinstance(paths, Path):
        command += ["--path-file", paths]
    else:
        for path in [paths] if isinstance(paths, str) else paths:
            command += ["--path", path]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    output, errors = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(process.args[:3])}: {errors.strip()}")
    return json.loads(output)


def in_turn(ours, theirs, rounds):
    """Measures A B A B …, so that what the machine does beside meets both; returns both lists of reports."""
    mine, peers = [], []
    for _ in range(rounds):
        mine.append(ours())
        peers.append(theirs())
    return mine, peers


def median_ratio(mine, peers):
    """The median of the ratios of neighbouring measurements."""
    return statistics.median(a / b for a, b in zip(mine, peers, strict=True))
