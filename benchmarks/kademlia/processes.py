#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lookups among real nodes in separate processes: healthy, right after a quarter died, and what they cost at rest.

Usage: benchmarks/kademlia/processes.py [--nodes 16] [--lookups 2000] [--idle-seconds 30] [--build build/bench]
"""
import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "system"))
from kadenza import free_port  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


class Cluster:
    """Nodes started by the real program, and one more that only looks things up."""

    def __init__(self, build, count, folder):
        self.folder = Path(folder)
        self.build = build
        self.processes = []
        self.environment = os.environ | {"XDG_CONFIG_HOME": str(self.folder / "config")}
        ports = [free_port() for _ in range(count)]
        self.seed = f"127.0.0.1:{ports[0]}"
        self.key = self.folder / "0" / "cluster.key"
        for number, port in enumerate(ports):
            self.start_node(number, port)
        self.client = subprocess.Popen([build / "bin/kademlia_client", self.key, self.seed, str(count)],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.client.stdout.readline() == "ready\n"

    def start_node(self, number, port):
        http = free_port()
        command = [self.build / "bin/kadenza", "serve", "--data", self.folder / str(number), "--http", f"127.0.0.1:{http}",
                   "--rpc", f"127.0.0.1:{port}", "--threads", "1", "--log-level", "warning"]
        if number > 0:
            command += ["--join", self.token()]
        log = open(self.folder / f"{number}.log", "wb")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=self.environment))
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                if urllib.request.urlopen(f"http://127.0.0.1:{http}/readyz", timeout=5).status == 200:
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"node {number} is not ready; see {self.folder}")
            time.sleep(0.02)

    def token(self):
        return subprocess.run([self.build / "bin/kadenza", "cluster", "invite", "--data", self.folder / "0"],
                              env=self.environment, capture_output=True, text=True, check=True).stdout.strip()

    def measure(self, kind, count):
        self.client.stdin.write(f"{kind} {count}\n")
        self.client.stdin.flush()
        return json.loads(self.client.stdout.readline())

    def cpu_seconds(self):
        """Of the nodes' own processes."""
        total = 0
        for process in self.processes:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / TICKS
        return total

    def strike(self, what):
        """A quarter of the nodes, not the seed, gets this signal; returns at once."""
        quarter = self.processes[-(len(self.processes) // 4):]
        for process in quarter:
            os.kill(process.pid, what)

    def end(self):
        self.client.stdin.close()
        self.client.wait()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
                process.kill()
            process.wait()


def row(name, figures, target):
    print(f"| {name} | {figures['p50_ms']:.2f} ms | {figures['p99_ms']:.2f} ms | {figures['max_ms']:.1f} ms "
          f"| {figures['per_second']} | {figures['failed']} | {target} |", flush=True)


@contextlib.contextmanager
def cluster(options):
    with tempfile.TemporaryDirectory(prefix="kadenza-bench-") as folder:
        made = Cluster(options.build, options.nodes, folder)
        try:
            yield made
        finally:
            made.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--lookups", type=int, default=2000)
    parser.add_argument("--idle-seconds", type=int, default=30)
    parser.add_argument("--build", type=lambda text: Path(text).resolve(), default=Path("build/bench").resolve())
    options = parser.parse_args()
    after = "p50 ≤ 5 ms, p99 ≤ 250 ms, none failing"

    print(f"{options.nodes} processes, {options.lookups} lookups one after the other, "
          f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| | p50 | p99 | worst | per second | failed | target |\n|---|---|---|---|---|---|---|")
    idle = None
    for name, what, kind in (("SIGKILL", signal.SIGKILL, "read"), ("SIGKILL", signal.SIGKILL, "nearest"),
                             ("SIGSTOP", signal.SIGSTOP, "read"), ("SIGSTOP", signal.SIGSTOP, "nearest")):
        with cluster(options) as nodes:
            if idle is None:
                row("healthy, enough for a read", nodes.measure("read", options.lookups), "p50 ≤ 0.2 ms")
                row("healthy, nearest 20", nodes.measure("nearest", options.lookups), "p50 ≤ 1 ms")
                before = nodes.cpu_seconds()
                time.sleep(options.idle_seconds)
                idle = (nodes.cpu_seconds() - before) / options.idle_seconds / options.nodes
            nodes.strike(what)
            goal = "enough for a read" if kind == "read" else "nearest 20"
            row(f"right after {name} to a quarter, {goal}", nodes.measure(kind, options.lookups), after)
    print(f"\nAt rest: {idle * 100:.3f} % of a core per node over {options.idle_seconds} s (target: under 0.1 %)")


if __name__ == "__main__":
    main()
