# SPDX-License-Identifier: AGPL-3.0-or-later
"""Uploading over HTTP: every format, raw and multipart, overrides, and what is answered the second time."""
import contextlib
import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from fixtures import formats, mp3
from kadenza import assert_problem, wait_until

NAMES = [audio_format.name for audio_format in formats.FORMATS]


@pytest.mark.parametrize("name", NAMES)
def test_each_format_is_stored_searched_and_served_unchanged(node, files, name):
    path = files[name]
    expected = formats.TAGS[name]
    answer = node.upload(path)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["added"] and body["searchable"]
    song = body["song"]
    assert answer.headers["Location"].endswith(f"/songs/{song['id']}")
    assert {key: song[key] for key in expected} == expected
    assert song["format"] == name
    assert song["size"] == path.stat().st_size
    assert abs(song["duration_ms"] - 2000) < 100
    assert song["channels"] == 2
    assert song["sample_rate"] in (44100, 48000)
    assert song["track"] == NAMES.index(name) + 1

    assert node.json(f"/songs/{song['id']}") == song
    served = node.audio(song["id"])
    assert served.content == path.read_bytes()
    assert served.headers["Content-Type"] == song["content_type"]
    assert song["content_type"] == next(f.content_type for f in formats.FORMATS if f.name == name)
    node.finds(song, expected["title"])
    node.finds(song, expected["artist"])


@pytest.mark.parametrize("name", [f.name for f in formats.FORMATS if f.cover])
def test_cover_as_stored_and_scaled_down(node, files, name):
    song = node.stored(files[name])
    stored = node.get(f"/songs/{song['id']}/cover")
    assert stored.status_code == 200
    assert stored.content == formats.cover_jpeg()
    assert stored.headers["Content-Type"] == "image/jpeg"
    small = node.get(f"/songs/{song['id']}/cover", params={"size": 64})
    assert max(picture_size(small.content)) == 64
    assert len(small.content) < len(stored.content)


def picture_size(data):
    import io

    from PIL import Image
    return Image.open(io.BytesIO(data)).size


def test_a_song_without_cover_says_so(node, next_tune):
    song = node.stored(next_tune())
    assert song["cover_hash"] is None
    assert_problem(node.get(f"/songs/{song['id']}/cover"), 404, "not_found")


def test_the_same_song_again_is_there_already(node, next_tune):
    tune = next_tune(title="Twice")
    first = node.upload(tune)
    again = node.upload(tune)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["added"] and not again.json()["added"]
    assert again.json()["same_audio"]
    assert again.json()["song"] == first.json()["song"]


def test_equal_names_are_one_song_whatever_its_audio(node, next_tune):
    first = node.stored(next_tune(title="Corazón de León", artist="Ana"))
    other = next_tune(title="  CORAZO\u0301N  de león ", artist="ANA", seconds=2)
    answer = node.upload(other)
    assert answer.status_code == 200
    assert not answer.json()["same_audio"]
    assert answer.json()["song"] == first
    assert node.audio(first["id"]).headers["Content-Length"] == str(first["size"])


def test_parameters_win_over_tags(node, next_tune):
    song = node.stored(next_tune(title="From the Tag", year=1999), title="From the Parameter", artist="Somebody Else",
                       album="Another Album", album_artist="Many", track=7, disc=2, year=2001, genre=["Jazz", "Soul"])
    assert song["title"] == "From the Parameter"
    assert song["artist"] == "Somebody Else"
    assert song["album"] == "Another Album"
    assert song["album_artist"] == "Many"
    assert (song["track"], song["disc"], song["year"]) == (7, 2, 2001)
    assert song["genres"] == ["Jazz", "Soul"]


def test_missing_tags_are_named_and_can_be_given(node):
    audio = mp3.melody(4001)
    assert assert_problem(node.upload(audio), 422, "missing_tags")["missing"] == ["title", "artist"]
    assert assert_problem(node.upload(audio, artist="A"), 422, "missing_tags")["missing"] == ["title"]
    assert assert_problem(node.upload(audio, title="T"), 422, "missing_tags")["missing"] == ["artist"]
    song = node.stored(audio, title="Named by Parameter", artist="A")
    assert song["album"] == "" and song["album_id"] is None


def test_bad_parameters_are_refused(node, next_tune):
    for parameters in ({"track": "seven"}, {"year": "-1"}, {"disc": "99999999999"}):
        assert_problem(node.upload(next_tune(), **parameters), 400, "invalid_argument")


def test_multipart_as_a_browser_sends_it(node, next_tune):
    tune = next_tune(title="By Form")
    answer = node.request("POST", "/songs", files={"file": ("any name.mp3", tune, "audio/mpeg")},
                          data={"title": "By Form, Renamed", "genre": ["Folk", "Blues"]})
    assert answer.status_code == 201, answer.text
    song = answer.json()["song"]
    assert song["title"] == "By Form, Renamed"
    assert song["genres"] == ["Folk", "Blues"]
    assert node.audio(song["id"]).content == tune


def test_multipart_and_raw_by_curl(node, next_tune, tmp_path):
    file = tmp_path / "curl it.mp3"
    for how in (["--form", f"file=@{file}"], ["--data-binary", f"@{file}"],
                ["--header", "Transfer-Encoding: chunked", "--data-binary", f"@{file}"]):
        file.write_bytes(next_tune())
        status = subprocess.run(["curl", "-sS", "-o", tmp_path / "answer", "-w", "%{http_code}",
                                 "-H", f"Authorization: Bearer {node.token}", *how, f"{node.url}/api/v1/songs"],
                                capture_output=True, text=True, check=True).stdout
        assert status == "201", (tmp_path / "answer").read_text()


def test_a_form_without_file_and_a_form_cut_short(node):
    assert_problem(node.request("POST", "/songs", files={"title": (None, "No File")}), 400, "invalid_argument")
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
    cut = b"--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n" + mp3.melody(4002)
    answer = node.request("POST", "/songs", data=cut, headers=headers)
    assert answer.status_code in (400, 422)
    assert_problem(answer, answer.status_code, answer.json()["code"])


def test_the_same_song_from_many_at_once_is_added_once(node, next_tune):
    tune = next_tune(title="Race")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: node_upload(node, tune), range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len({answer.json()["song"]["id"] for answer in answers}) == 1


def node_upload(node, tune):
    import requests
    return requests.post(f"{node.url}/api/v1/songs", data=tune, headers={"Authorization": f"Bearer {node.token}"},
                         timeout=60)


def test_loudness_and_waveform_follow(node, files):
    song = node.stored(files["flac"])

    def computed():
        answer = node.get(f"/songs/{song['id']}/waveform")
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) >= 1
            return None
        return answer

    facts = wait_until(computed, "the song is analysed", 60).json()
    assert facts["damaged"] is None
    assert -40 < facts["loudness"]["integrated_lufs"] < -5
    assert abs(facts["loudness"]["track_gain_db"] + 18 + facts["loudness"]["integrated_lufs"]) < 0.01
    assert max(facts["waveform"]) > 50
    assert all(0 <= value <= 255 for value in facts["waveform"])


def test_an_analysis_takes_only_time_that_nobody_wants(node, next_tune):
    """Also of the scheduler's view: in a session of its own, its low priority would count against nobody."""
    song = node.stored(next_tune(seconds=600))
    idle_of_its_session = wait_until(lambda: [pid for pid in node.processes() if is_idle_priority(pid)],
                                     "the analysis runs in the node's session")
    assert node.process.pid not in idle_of_its_session
    wait_until(lambda: node.get(f"/songs/{song['id']}/waveform").status_code == 200, "the analysis ends", 60)


def is_idle_priority(pid):
    with contextlib.suppress(ProcessLookupError):
        return os.sched_getscheduler(pid) == os.SCHED_IDLE
    return False


def test_audio_hash_names_the_bytes(node, next_tune):
    import base64
    tune = next_tune()
    digest = base64.b32encode(hashlib.sha256(tune).digest()).decode().rstrip("=").lower()
    assert node.stored(tune)["audio_hash"] == digest
