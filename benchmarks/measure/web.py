# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a listener waits for in the player, in Debian's Chromium."""
import json
import subprocess
from pathlib import Path

from measure.search import queries
from measure.table import Row

WEB = Path(__file__).resolve().parents[2] / "web"
ROUNDS = 30
SEARCHES = ("one word", "two words", "3-letter prefix", "typo")
SCRIPT_MAX = 150_000  # bytes
FIRST_VIEW_MAX = 1000  # ms


def rows(bench):
    song = bench.large_song
    task = {"url": bench.node.url, "token": bench.node.token, "rounds": ROUNDS, "album": song["album_id"], "title": song["title"],
            "searches": [text for kind in SEARCHES for text in queries()[kind][:25]]}
    ran = subprocess.run(["node_modules/.bin/vite-node", "tests/bench/player.ts"], cwd=WEB, input=json.dumps(task), text=True,
                         capture_output=True, timeout=900)
    if ran.returncode:
        raise RuntimeError(f"the browser's part failed:\n{ran.stderr}")
    samples = json.loads(ran.stdout)
    first, scripts = samples["firstView"], max(samples["scriptBytes"])
    beside = f"node with {bench.songs:,} songs"
    yield Row("player: scripts of the first view, compressed", "KB", [scripts / 1000], target="< 150 KB", reached=scripts < SCRIPT_MAX)
    yield Row("player: one-time link opened, nothing cached, until the albums are drawn", "ms", first, peer=beside,
              target="< 1 s", reached=max(first) < FIRST_VIEW_MAX)
    yield Row("player: opened again, from its service worker", "ms", samples["secondView"], peer=beside)
    yield Row("player: last letter typed until what was found is drawn", "ms", samples["search"],
              note="drawn with the next frame: 16.7 ms at most are the screen's")
    yield Row("player: click on a song until it sounds (10 MB, MP3, local)", "ms", samples["play"])
