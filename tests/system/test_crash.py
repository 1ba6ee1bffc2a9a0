# SPDX-License-Identifier: AGPL-3.0-or-later
"""kill -9 at any moment: what was acknowledged plays and is found, and nothing half remains."""
import base64
import contextlib
import hashlib
import os
import random
import re
import shutil
import signal
import threading

import requests
from kadenza import wait_until

ROUNDS = 22
UPLOADERS = 4


class Uploader(threading.Thread):
    """Uploads new tunes until the node is gone; remembers what was acknowledged and what was under way."""

    def __init__(self, node, next_tune, lock):
        super().__init__(daemon=True)
        self.node, self.next_tune, self.lock = node, next_tune, lock
        self.acknowledged = []
        self.open = None
        self.broken = None

    def run(self):
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.node.token}"
        chance = random.Random()
        with contextlib.suppress(requests.RequestException):
            while True:
                with self.lock:
                    self.open = tune = self.next_tune(seconds=chance.choice((1, 1, 5, 40)), artist="Crash Test")
                answer = session.post(f"{self.node.url}/api/v1/songs", data=tune, timeout=60)
                if answer.status_code != 201:
                    self.broken = f"{answer.status_code} {answer.text}"
                    return
                self.acknowledged.append((answer.json()["song"], tune))
                self.open = None


def check_kept(node, songs):
    for song, tune in songs:
        assert node.audio(song["id"]).content == tune, song["title"]
    for song, _ in songs:
        node.finds(song, song["title"])


def blobs(node):
    """{name: path} of the files in the blob store that have a blob's name."""
    named = {"".join(path.relative_to(node.data).parts): path for path in (node.data / "blobs").rglob("*")
             if path.is_file()}
    return {name[-52:]: path for name, path in named.items() if re.search(r"[a-z2-7]{52}$", name)}


def check_blobs(node):
    """Every file of the blob store is whole: its name is its hash."""
    for name, path in blobs(node).items():
        assert base32(hashlib.sha256(path.read_bytes()).digest()) == name


def base32(digest):
    return base64.b32encode(digest).decode().rstrip("=").lower()


def half_files(node):
    return [path for path in (node.data / "blobs" / "staging").iterdir()]


def test_kill_9_in_a_loop_during_uploads(new_node, next_tune):
    node = new_node(start=False)
    lock, chance = threading.Lock(), random.Random(20261123)
    kept, interrupted = [], 0
    for round_ in range(ROUNDS):
        node.start()
        check_kept(node, chance.sample(kept, min(len(kept), 6)))
        uploaders = [Uploader(node, next_tune, lock) for _ in range(UPLOADERS)]
        for uploader in uploaders:
            uploader.start()
        enough = chance.randrange(1, 12)
        wait_until(lambda: sum(len(u.acknowledged) for u in uploaders) >= enough or any(u.broken for u in uploaders),
                   "uploads are under way", 60)
        node.kill()
        for uploader in uploaders:
            uploader.join(60)
            assert uploader.broken is None, f"round {round_}: {uploader.broken}"
            interrupted += uploader.open is not None
        fresh = [pair for uploader in uploaders for pair in uploader.acknowledged]
        node.start()
        check_kept(node, fresh)
        kept += fresh
        if round_ % 2:
            node.kill()
        else:
            assert node.stop() == 0

    node.start()
    check_kept(node, kept)
    check_blobs(node)
    assert half_files(node) == [], "half files are removed at the start"
    assert interrupted > ROUNDS, "the kills came while uploads were under way"

    totals = node.json("/totals")
    assert len(kept) <= totals["songs"] <= len(kept) + interrupted
    # What was stored but not acknowledged is whole as well.
    cursor = ""
    while cursor is not None:
        page = node.json("/songs", limit=500, cursor=cursor) if cursor else node.json("/songs", limit=500)
        for song in page["items"]:
            served = node.audio(song["id"]).content
            assert base32(hashlib.sha256(served).digest()) == song["audio_hash"]
        cursor = page["next"]
    wait_until(lambda: len(blobs(node)) == totals["songs"], "audio that belongs to no song is removed", 30)


def test_kill_9_while_songs_are_analysed(new_node, next_tune):
    """The analysis that was interrupted is done after the next start."""
    node = new_node()
    songs = [node.stored(next_tune(seconds=120)) for _ in range(6)]
    node.kill()
    node.start()
    for song in songs:
        wait_until(lambda: node.get(f"/songs/{song['id']}/waveform").status_code == 200,
                   "the analysis is done after all", 60)


def test_a_media_worker_s_end_harms_one_file_at_most(node, next_tune):
    """SIGKILL to the node's helpers, again and again: uploads go on."""
    node.stored(next_tune())
    for _ in range(5):
        helpers = [pid for pid in node.processes() if pid != node.process.pid]
        assert helpers
        for pid in helpers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: node.upload(next_tune()).status_code == 201, "uploads work again", 10)
    assert node.process.poll() is None


def test_a_crash_between_catalogue_and_search_index_heals(new_node, next_tune, tmp_path):
    """The index of yesterday beside the catalogue of today: as if every write to the index since had been lost."""
    node = new_node()
    before = node.stored(next_tune(title="Before the Crash"))
    node.finds(before, "before crash")
    node.stop()
    index = search_folder(node)
    shutil.copytree(index, tmp_path / "old")
    node.start()
    after = [node.stored(next_tune(title=f"After the Crash {n}")) for n in range(20)]
    node.finds(after[-1], after[-1]["title"])
    node.stop()
    shutil.rmtree(index)
    shutil.copytree(tmp_path / "old", index)
    node.start()
    for song in [before, *after]:
        node.finds(song, song["title"])


def search_folder(node):
    found = [path for path in node.data.iterdir() if path.is_dir() and list(path.rglob("*.glass"))]
    assert len(found) == 1, list(node.data.iterdir())
    return found[0]
