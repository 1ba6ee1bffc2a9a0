# SPDX-License-Identifier: AGPL-3.0-or-later
"""Uploads from the command line and over HTTP, beside what the same disk allows in the same run."""
import shutil
import statistics
import time

import requests
from kadenza import Node
from measure import machine
from measure.table import Row, number


def timed_upload(node, folder):
    """Uploads a folder of which the node has nothing from the command line: how many files, and in how many seconds."""
    files = sum(1 for _ in folder.rglob("*.mp3"))
    started = time.perf_counter()
    report = node.cli_json("upload", folder)
    took = time.perf_counter() - started
    assert report["added"] == files, report
    return files, took


def small_rows(bench):
    """2,000 real-tagged files of 8 kB from the command line, into an empty node each time."""
    folder = bench.library / "small" / "00"
    contents = [path.read_bytes() for path in sorted(folder.rglob("*.mp3"))]
    rates, allowed = [], []
    for round_ in range(3):
        yardstick = bench.scratch / f"yardstick-{round_}"
        yardstick.mkdir()
        allowed.append(machine.durable_files_per_second(yardstick, contents))
        shutil.rmtree(yardstick)
        home = bench.scratch / f"upload-{round_}"
        node = Node(home).start()
        try:
            files, seconds = timed_upload(node, folder)
            rates.append(files / seconds)
        finally:
            node.destroy()
            shutil.rmtree(home)
    rate, possible = statistics.median(rates), statistics.median(allowed)
    goal = min(500, 0.8 * possible)
    yield Row("upload of 2,000 small files, command line", "songs/s", rates, p99=min(rates),
              peer=f"disk: {number(possible)} durable files/s", target=f"≥ {number(goal)}", reached=rate >= goal,
              note="the lesser of 500 and 80 % of what 16 threads of write, fsync, rename, fsync of the folder reach")


def large_rows(bench):
    """A 40 MB FLAC by one POST, beside writing, fsyncing and hashing the same bytes."""
    song = bytearray((bench.library / "large" / "large 4.flac").read_bytes())
    title = b"Forty Megabytes 1"
    at = song.index(title)
    ours, theirs = [], []
    login = {"Authorization": f"Bearer {bench.node.token}"}
    for round_ in range(bench.rounds):
        # The same audio with another title, so that nothing is there already. In place: a new buffer each time, and an old one
        # given back, would be memory at hand for one of the two.
        song[at:at + len(title)] = f"Forty Megas {bench.stamp % 1000:03}{round_:02}".encode()
        started = time.perf_counter()
        answer = requests.post(f"{bench.node.url}/api/v1/songs", data=song, headers=login, timeout=120)
        ours.append(time.perf_counter() - started)
        assert answer.status_code == 201, answer.text
        theirs.append(machine.write_fsync_hash_seconds(bench.scratch, song))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    yield Row("upload of a 44.9 MB FLAC", "s", ours, p99=max(ours),
              peer=f"write+fsync+SHA-256 {number(statistics.median(theirs))}; ratio {ratio:.2f}", target="≤ 1.3 ×",
              reached=ratio <= 1.3)
