# SPDX-License-Identifier: AGPL-3.0-or-later
"""The main job, as a person does it: upload an album from the command line, find it in spite of a typing error, get it."""
import json
import os
import signal
import subprocess

import mutagen
import pytest
from kadenza import BINARY, wait_until

SONG_KEYS = {"id", "title", "artist", "album"}


@pytest.fixture(scope="module")
def home(tmp_path_factory, album):
    """A node with the album."""
    from kadenza import Node
    node = Node(tmp_path_factory.mktemp("album")).start()
    result = node.cli("upload", album)
    assert result.returncode == 0, result.stdout + result.stderr
    yield node
    if node.process.poll() is None:
        assert node.stop() == 0
    node.destroy()


@pytest.fixture(scope="module")
def tracks(album):
    """[(path, title)] of the album's files."""
    paths = [path for path in sorted(album.iterdir()) if mutagen.File(path)]
    return [(path, str(mutagen.File(path, easy=True)["title"][0])) for path in paths
            if "title" in (mutagen.File(path, easy=True) or {})]


def with_typo(title):
    """The title with two letters of its longest word swapped."""
    words = title.split()
    longest = max(range(len(words)), key=lambda n: len(words[n]))
    word = words[longest]
    middle = len(word) // 2
    words[longest] = word[:middle - 1] + word[middle] + word[middle - 1] + word[middle + 1:]
    return " ".join(words)


def test_the_album_is_there(home, tracks, album):
    files = [path for path in album.iterdir() if path.suffix in (".ogg", ".mp3", ".flac", ".opus", ".m4a", ".wav", ".aiff")]
    assert home.json("/totals")["songs"] == len(files) >= 8
    assert len(tracks) >= 6


def test_uploading_again_changes_nothing(home, album, tracks):
    before = home.json("/totals")
    report = home.cli_json("upload", album)
    assert report["added"] == report["refused"] == report["left"] == 0
    assert report["already_there"] == before["songs"] == len(report["files"])
    assert home.json("/totals") == before
    assert "already there" in home.cli("upload", album).stdout


def test_each_song_is_found_in_spite_of_a_typo_and_got_unchanged(home, tracks, tmp_path):
    for path, title in tracks:
        found = home.cli_json("search", with_typo(title))
        assert set(found) >= {"songs", "albums", "artists", "partial"} and found["partial"] is False
        assert all(set(song) >= SONG_KEYS for song in found["songs"])
        song = next(song for song in found["songs"] if song["title"] == title)
        copy = tmp_path / f"{song['id']}.copy"
        result = home.cli("get", song["id"], "-o", copy)
        assert result.returncode == 0, result.stderr
        assert copy.read_bytes() == path.read_bytes()


def test_get_into_a_pipe_and_under_the_song_s_name(home, tracks, tmp_path):
    path, title = tracks[0]
    song = next(song for song in home.cli_json("search", title)["songs"] if song["title"] == title)
    piped = home.cli("get", song["id"], "-o", "-", text=False)
    assert piped.returncode == 0
    assert piped.stdout == path.read_bytes()
    assert home.cli("get", song["id"], cwd=tmp_path).returncode == 0
    named = list(tmp_path.iterdir())
    assert len(named) == 1 and named[0].read_bytes() == path.read_bytes()
    assert song["artist"] in named[0].name


def test_a_player_that_stops_early_ends_the_pipe(home, tracks):
    song = home.cli_json("search", tracks[0][1])["songs"][0]
    getter = subprocess.Popen([BINARY, "get", song["id"], "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=home.environment(KADENZA_SERVER=home.url))
    assert len(getter.stdout.read(1000)) == 1000
    getter.stdout.close()
    assert getter.wait(20) != 0
    assert b"Traceback" not in getter.stderr.read()
    getter.stderr.close()


def test_got_further_where_it_stopped(home, tracks, tmp_path):
    """A fetch killed in the middle goes on when it is run again."""
    path, title = max(tracks, key=lambda track: track[0].stat().st_size)
    song = next(song for song in home.cli_json("search", title)["songs"] if song["title"] == title)
    target = tmp_path / "song"
    target.write_bytes(b"")
    for _ in range(2):
        result = home.cli("get", song["id"], "-o", target)
    assert result.returncode == 0
    assert target.read_bytes() == path.read_bytes()


def test_human_search_output(home, tracks):
    result = home.cli("search", tracks[0][1])
    assert result.returncode == 0
    assert tracks[0][1][:15] in result.stdout
    nothing = home.cli("search", "qqqqqxxxxxzzzzz")
    assert nothing.returncode in (0, 1)
    assert home.cli_json("search", "qqqqqxxxxxzzzzz", expect=nothing.returncode)["songs"] == []


def test_refused_files_are_summed_up(home, tmp_path, next_tune, album):
    (tmp_path / "sub" / "deeper").mkdir(parents=True)
    (tmp_path / "sub" / "good.mp3").write_bytes(next_tune(title="Good"))
    (tmp_path / "sub" / "deeper" / "empty.mp3").write_bytes(b"")
    (tmp_path / "sub" / "deeper" / "text.flac").write_text("not music")
    (tmp_path / "sub" / "deeper" / "untagged.mp3").write_bytes(next_tune(title="", artist=""))
    (tmp_path / "sub" / "notes.txt").write_text("ignored: not a song by its name")
    report = home.cli_json("upload", tmp_path / "sub", tmp_path / "nowhere.mp3", expect=1)
    assert (report["added"], report["refused"]) == (1, 4)
    reasons = {os.path.basename(file["path"]): file["error"]["code"] for file in report["files"]
               if file["outcome"] == "refused"}
    assert reasons["untagged.mp3"] == "missing_tags"
    assert reasons["text.flac"] in ("unsupported_media", "damaged_media")
    assert reasons["nowhere.mp3"] == "not_found"
    assert "empty.mp3" in reasons
    people = home.cli("upload", tmp_path / "sub")
    assert people.returncode == 1
    assert "untagged.mp3" in people.stderr and "title" in people.stderr
    assert "3 refused" in people.stdout and "1 already there" in people.stdout


def test_an_interrupted_upload_goes_on(new_node, tmp_path, next_tune):
    node = new_node()
    for n in range(400):
        (tmp_path / f"{n:03}.mp3").write_bytes(next_tune(seconds=10))
    uploader = subprocess.Popen([BINARY, "upload", tmp_path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                env=node.environment(KADENZA_SERVER=node.url), text=True)
    wait_until(lambda: node.json("/totals")["songs"] >= 5, "the upload is under way")
    uploader.send_signal(signal.SIGINT)
    output, _ = uploader.communicate(timeout=30)
    assert uploader.returncode == 130
    interrupted = json.loads(output)
    assert interrupted["left"] > 0
    report = node.cli_json("upload", tmp_path)
    assert report["refused"] == 0
    assert report["added"] + report["already_there"] == 400
    assert report["already_there"] >= interrupted["added"] > 0
    assert node.json("/totals")["songs"] == 400


def test_the_node_stops_in_the_middle_of_an_upload(new_node, tmp_path, next_tune):
    node = new_node()
    for n in range(300):
        (tmp_path / f"{n:03}.mp3").write_bytes(next_tune(seconds=10))
    uploader = subprocess.Popen([BINARY, "upload", tmp_path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                env=node.environment(KADENZA_SERVER=node.url), text=True)
    wait_until(lambda: node.json("/totals")["songs"] >= 5, "the upload is under way")
    node.kill()
    output, _ = uploader.communicate(timeout=90)
    assert uploader.returncode == 3
    assert json.loads(output)["left"] > 0
    node.start()
    assert node.cli_json("upload", tmp_path)["refused"] == 0
    assert node.json("/totals")["songs"] == 300
