# SPDX-License-Identifier: AGPL-3.0-or-later
"""./bench: prepares a node with the measured library, measures, prints one table."""
import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
os.environ["KADENZA_BIN"] = str(REPOSITORY / "build/bench/bin/kadenza")
sys.path[:0] = [str(REPOSITORY / "benchmarks"), str(REPOSITORY / "tests"), str(REPOSITORY / "tests/system")]

import urllib3  # noqa: E402
from fixtures import library  # noqa: E402
from kadenza import Node, wait_until  # noqa: E402
from measure import audio, cluster, documents, machine, memory, million, nginx, repair, search, table, upload, web  # noqa: E402

GROUPS = {"import": None, "audio": audio.rows, "login": audio.login_rows, "search": search.rows, "lists": search.list_rows,
          "million": million.rows, "upload": upload.small_rows, "large": upload.large_rows, "idle": memory.idle_rows,
          "listeners": memory.listener_rows, "web": web.rows, "cluster": cluster.rows, "documents": documents.rows,
          "repair": repair.rows}
OF_A_CLUSTER = {"cluster", "documents", "repair"}
# What is written where, when all of it was measured.
DOCUMENTS = {"docs/benchmarks.md": set(GROUPS) - OF_A_CLUSTER - {"million"}, "docs/benchmarks-cluster.md": OF_A_CLUSTER}
NEEDS_LIBRARY = {"import", "search", "lists", "idle", "listeners", "web"}


def say(text):
    print(f"· {text}", file=sys.stderr, flush=True)


class Bench:
    """A node with the measured library, a second one behind TLS, and nginx with one of its files."""

    def __init__(self, scratch, cache, rounds):
        self.scratch, self.cache, self.rounds = Path(scratch), cache, rounds
        self.stamp = int(time.time())
        say("preparing the library (made once, then kept)")
        self.library = library.make(cache / "library")
        self.certificate, self.key = nginx.make_certificate(self.scratch)
        # Without a line in the log for each request, as nginx here.
        quiet = ("--log-level", "warning")
        self.node = Node(self.scratch / "node", *quiet)
        self.secure = Node(self.scratch / "secure", *quiet, "--tls-cert", self.certificate, "--tls-key", self.key)
        self.secure.scheme = "https"
        self.songs = 0
        self.large_song = None
        self.exit = contextlib.ExitStack()

    def __enter__(self):
        served = self.scratch / "served"
        served.mkdir()
        large = self.library / "large" / "large 1.mp3"
        shutil.copy(large, served / "song.mp3")
        self.nginx_urls = self.exit.enter_context(
            nginx.serving(self.scratch / "nginx", served, self.certificate, self.key))
        for node in (self.node, self.secure):
            self.exit.callback(node.destroy)
            node.start()
            self.large_song = node.stored(large)
        return self

    def __exit__(self, *_):
        self.exit.close()

    def ours(self, path, tls):
        """What the load client needs to ask the node: URL, path, log-in."""
        node = self.secure if tls else self.node
        return (node.url, path), [f"Authorization: Bearer {node.token}"]

    def nginx(self, tls):
        return self.nginx_urls[1 if tls else 0], "/song.mp3"

    def import_rows(self):
        say("uploading the library")
        started = time.perf_counter()
        report = self.node.cli_json("upload", self.library)
        took = time.perf_counter() - started
        if report["refused"] or report["left"]:
            raise RuntimeError(f"the library was not taken whole: {report['refused']} refused, {report['left']} left")
        self.songs = self.node.json("/totals")["songs"]
        yield table.Row("import of 20,304 files, command line", "files/s", [report["added"] / took],
                        peer="LMS 957 (reads tags of files in place; other machine)")
        say("waiting for the analysis of all songs")
        started = time.perf_counter()
        wait_until(lambda: memory.analysed(self.node), "all songs are analysed", 3600)
        memory.settle(self.node)
        yield table.Row("analysis after it (loudness, waveform)", "s", [time.perf_counter() - started])

    def restart(self):
        self.node.stop()
        self.node.start()


def measure(chosen, scratch, arguments):
    rows = {}

    def collect(name, rows_of_group):
        say(f"measuring: {name}")
        rows[name] = []
        for row in rows_of_group:
            rows[name].append(row)
            say("  " + " | ".join(filter(None, table.cells(row))))

    with Bench(scratch, arguments.cache, arguments.rounds) as bench:
        if chosen & NEEDS_LIBRARY:
            collect("import", bench.import_rows())
        for name, group in GROUPS.items():
            if name in chosen and group:
                collect(name, group(bench))
    return rows


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./bench", description=__doc__.split(": ", 1)[1])
    parser.add_argument("--only", metavar="NAME", action="append", choices=GROUPS,
                        help="only these rows; may be repeated: " + ", ".join(GROUPS))
    parser.add_argument("--rounds", metavar="N", type=int, default=5, help="how often each pair is measured (5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--write-docs", action="store_true", help=f"write {' or '.join(DOCUMENTS)}, too, if all of its rows are measured")
    parser.add_argument("--cache", metavar="DIR", type=Path,
                        default=Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kadenza-bench",
                        help="where the measured library is kept (%(default)s)")
    parser.add_argument("--scratch", metavar="DIR", type=Path, default=REPOSITORY / "build",
                        help="on the disk to be measured (build)")
    return parser.parse_args()


def of_groups(rows, groups):
    return [row for name in GROUPS if name in groups for row in rows.get(name, [])]


def write_document(path, rows, described):
    machine_lines = "\n".join(f"- {key}: {value}" for key, value in described.items())
    title = "Benchmarks of a cluster" if "cluster" in path else "Benchmarks"
    (REPOSITORY / path).write_text(f"""# {title}

Written by `./bench --write-docs`; nobody edits figures by hand. Client and server share the processors of one machine,
over loopback, with warm caches. Where nginx stands beside, both served the same file in the same run, measured in turn;
the ratio is the median of the ratios of neighbouring measurements. For rates, the column p99 holds the worst measurement.

{machine_lines}

{table.markdown(rows)}
""")


def main():
    arguments = parse_arguments()
    chosen = set(arguments.only or GROUPS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends, too
    urllib3.disable_warnings()
    described = machine.description(REPOSITORY)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.scratch) as scratch:
        rows = measure(chosen, scratch, arguments)
    everything = of_groups(rows, GROUPS)
    print(table.as_json(everything, described) if arguments.json else table.markdown(everything))
    for path, groups in DOCUMENTS.items():
        if arguments.write_docs and groups <= chosen:
            write_document(path, of_groups(rows, groups), described)
    return 0 if all(row.reached is not False for row in everything) else 1


if __name__ == "__main__":
    sys.exit(main())
