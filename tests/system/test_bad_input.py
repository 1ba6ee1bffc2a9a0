# SPDX-License-Identifier: AGPL-3.0-or-later
"""What strangers send: cut, empty, mislabelled, exploding, random and hostile. Each gets an answer that says what was
wrong, nothing of it becomes visible, and the node goes on."""
import io
import random
import struct
import zlib

import pytest
from fixtures import formats, mp3
from kadenza import assert_problem

REFUSALS = {"unsupported_media", "damaged_media", "missing_tags", "too_large", "invalid_argument"}


@pytest.fixture(autouse=True)
def the_node_goes_on(node, next_tune):
    songs = node.json("/totals")["songs"]
    processes = node.process.pid
    yield
    assert node.process.poll() is None
    assert node.process.pid == processes
    node.stored(next_tune())
    assert node.json("/totals")["songs"] >= songs


def assert_refused(answer, *codes):
    assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text[:300]}"
    code = answer.json()["code"]
    assert code in (codes or REFUSALS), answer.text
    return assert_problem(answer, answer.status_code, code)


NAMED = {"title": "Never Stored", "artist": "Nobody"}


def test_empty(node):
    assert_refused(node.upload(b""))


@pytest.mark.parametrize("content", [
    pytest.param(b"Just some text, which is not music at all.\n" * 100, id="text"),
    pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(5000), id="picture"),
    pytest.param(b"%PDF-1.7\n" + bytes(5000), id="document"),
    pytest.param(b"PK\3\4" + bytes(5000), id="archive"),
    pytest.param(b"\x7fELF" + bytes(5000), id="program"),
    pytest.param(b"#!/bin/sh\nrm -rf /\n", id="script"),
    pytest.param(b"<html><body>404</body></html>" * 50, id="web page"),
    pytest.param(bytes(200_000), id="zeros"),
    pytest.param(b"#EXTM3U\nfile:///etc/passwd\n", id="playlist that names a local file"),
    pytest.param(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1/x.ts\n", id="playlist with an address"),
    pytest.param(b"ffconcat version 1.0\nfile /etc/passwd\n", id="list of files to join"),
])
def test_no_audio(node, content):
    assert_refused(node.upload(content, **NAMED), "unsupported_media", "damaged_media")


def test_a_picture_called_music_by_its_content_type(node):
    answer = node.request("POST", "/songs", data=formats.cover_jpeg(), params=NAMED,
                          headers={"Content-Type": "audio/mpeg"})
    assert_refused(answer, "unsupported_media", "damaged_media")


def test_a_video_is_not_a_song(node, tmp_path):
    formats.ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=64x64", "-c:v", "mjpeg", tmp_path / "v.avi")
    assert_refused(node.upload(tmp_path / "v.avi", **NAMED), "unsupported_media", "damaged_media")


def test_mislabelled_audio_is_what_it_is(node, files):
    """The content decides, not the name or the type that was given."""
    answer = node.request("POST", "/songs", files={"file": ("song.mp3", files["flac"].read_bytes(), "audio/mpeg")},
                          data={"title": "Mislabelled"})
    assert answer.status_code in (200, 201)
    assert answer.json()["song"]["format"] == "flac"


@pytest.mark.parametrize("name", ["flac", "vorbis", "opus", "aac", "alac", "wav", "aiff"])
@pytest.mark.parametrize("kept", [0.02, 0.5])
def test_cut_files(node, files, name, kept):
    whole = files[name].read_bytes()
    answer = node.upload(whole[:int(len(whole) * kept)], title=f"Cut {name} {kept}", artist="Nobody")
    assert_refused(answer, "damaged_media", "unsupported_media")


def test_random_bytes(node):
    chance = random.Random(7)
    for size in (1, 3, 100, 4096, 70_000, 300_000):
        assert_refused(node.upload(chance.randbytes(size), **NAMED), "unsupported_media", "damaged_media")


@pytest.mark.parametrize("name", [f.name for f in formats.FORMATS])
def test_random_bytes_behind_a_real_beginning(node, files, name):
    chance = random.Random(name)
    beginning = files[name].read_bytes()[:200]
    answer = node.upload(beginning + chance.randbytes(100_000), title=f"Random {name}", artist="Nobody")
    assert_refused(answer, "damaged_media", "unsupported_media")


def test_flipped_bytes_never_stop_the_node(node, files):
    chance = random.Random(11)
    for name, path in files.items():
        for round_ in range(4):
            data = bytearray(path.read_bytes())
            for _ in range(30):
                data[chance.randrange(len(data))] = chance.randrange(256)
            answer = node.upload(bytes(data), title=f"Flipped {name} {round_}", artist="Nobody")
            if answer.status_code not in (200, 201):  # a decoder may well get over some wrong bytes
                assert_refused(answer)


# ---- exploding

def test_a_compressed_tag_that_explodes(node):
    """ID3v2.4 allows zlib inside a frame: 64 MiB of zeros in 64 KiB, each of which TagLib makes 256 MiB of text."""
    bomb = zlib.compress(bytes(64 << 20), 9)
    frames = b""
    for _ in range(4):
        body = mp3.synchsafe(64 << 20) + bomb
        frames += b"COMM" + mp3.synchsafe(len(body)) + b"\0\x09" + body
    named = b"".join(name + mp3.synchsafe(len(data)) + b"\0\0" + data
                     for name, data in ((b"TIT2", b"\3Bomb"), (b"TPE1", b"\3Nobody")))
    tag = b"ID3\4\0\0" + mp3.synchsafe(len(named + frames)) + named + frames
    before = node.memory()
    answer = node.upload(tag + mp3.melody(4100))
    if answer.status_code != 201:
        assert_refused(answer)
    assert node.memory() - before < 100


def png_bomb(side):
    """A valid PNG of side × side pixels in one colour, a thousand times smaller than its pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)) +
            chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def test_a_cover_that_explodes(node, next_tune):
    tune = next_tune(title="Cover Bomb")
    audio = tune[10 + int.from_bytes(tune[6:10], "big"):]
    picture = ("APIC", b"\0image/png\0\3\0" + png_bomb(40_000))
    tag = mp3.id3([("TIT2", b"\3Cover Bomb"), ("TPE1", b"\3Nobody"), picture])
    answer = node.upload(tag + audio)
    if answer.status_code != 201:
        assert_refused(answer)
        return
    cover = node.get(f"/songs/{answer.json()['song']['id']}/cover", params={"size": 64})
    assert 200 <= cover.status_code < 500 and cover.status_code != 500
    assert node.memory() < 400


def test_flac_that_claims_to_be_huge(node):
    """A header that promises 2^36 samples, and nothing behind it."""
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + bytes.fromhex("0ac442ffffffffff") + bytes(16)
    answer = node.upload(b"fLaC\x80\0\0\x22" + info + bytes(5000), **NAMED)
    assert_refused(answer, "damaged_media", "unsupported_media")


def test_wav_that_claims_more_than_it_has(node, files):
    data = bytearray(files["wav"].read_bytes())
    at = data.index(b"data")
    data[at + 4:at + 8] = struct.pack("<I", 0x7FFFFFFF)
    answer = node.upload(bytes(data), title="Boastful", artist="Nobody")
    if answer.status_code not in (200, 201):
        assert_refused(answer, "damaged_media", "unsupported_media")
    else:
        assert answer.json()["song"]["duration_ms"] < 10_000


def nested_atoms(depth):
    atom = b""
    for _ in range(depth):
        atom = struct.pack(">I", len(atom) + 8) + b"moov" + atom
    return struct.pack(">I", 20) + b"ftypM4A \0\0\0\0M4A " + atom


def test_deeply_nested_container(node):
    assert_refused(node.upload(nested_atoms(100_000), **NAMED), "unsupported_media", "damaged_media")


# ---- hostile tags

def test_huge_text_is_cut_to_its_limit(node, next_tune):
    song = node.stored(next_tune(title="é" * 100_000, artist="B" * 50_000))
    assert len(song["title"].encode()) <= 1024 and set(song["title"]) == {"é"}
    assert len(song["artist"]) == 1024


def test_too_large_a_tag_is_refused_or_survived(node, next_tune):
    tune = mp3.id3([("TIT2", b"\3Large Tag"), ("TPE1", b"\3Nobody"), ("PRIV", b"x\0" + bytes(30 << 20))])
    answer = node.upload(tune + mp3.melody(4200))
    if answer.status_code != 201:
        assert_refused(answer)


def test_hostile_text_stays_text(node, next_tune):
    hostile = ["<script>alert(1)</script>", "'; DROP TABLE songs; --", "../../../etc/passwd", "%00%n%s%x",
               "a\u202egnp.exe", "\U0001F3B5" * 50, "می\u200cخواهم", "\U0001F468\u200d\U0001F469\u200d\U0001F467", "NULL", "\u200b\u200bvisible", "line\r\nbreak: x"]
    for number, title in enumerate(hostile):
        song = node.stored(next_tune(title=title, artist=f"Hostile {number}"))
        # Nothing that turns the reading direction or breaks the line; all else stays.
        assert song["title"] == title.replace("\u202e", "").replace("\r", " ").replace("\n", " ")
        assert node.json(f"/songs/{song['id']}") == song
    assert node.json("/totals")["songs"] > 0


def test_text_that_is_no_utf8(node):
    frames = [("TIT2", b"\3\xff\xfe\xc3(bad"), ("TPE1", b"\3\xed\xa0\x80Nobody")]
    answer = node.upload(mp3.id3(frames) + mp3.melody(4300))
    if answer.status_code == 201:
        answer.json()["song"]["title"].encode()
    else:
        assert_refused(answer)


def test_invisible_names_are_missing_names(node, next_tune):
    answer = node.upload(next_tune(title="\u200b\u00ad", artist="\u2060"))
    assert assert_problem(answer, 422, "missing_tags")["missing"] == ["title", "artist"]


def test_too_large_is_refused_at_its_head(new_node, next_tune):
    node = new_node("--upload-limit", "1MB")
    connection = node.connect()
    connection.sendall(node.head("POST", "/songs", "Content-Length: 9000000000"))
    assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]
    connection.close()


    stream = io.BytesIO(bytes(3 << 20))
    answer = node.request("POST", "/songs", data=iter(lambda: stream.read(65536), b""))
    assert_problem(answer, 413, "too_large")
    node.stored(next_tune())


def test_hostile_paths_and_queries(node):
    for path in ("/songs/../../etc/passwd", "/songs/%2e%2e%2f%2e%2e", "/songs/" + "a" * 52, "/songs/xyz", "/songs/%00",
                 "/nothing", "/albums/'", "/artists/<x>"):
        answer = node.get(path)
        assert_problem(answer, answer.status_code, answer.json()["code"])
        assert answer.status_code in (400, 404)
    for query in ("a" * 257, "\0", "%", "*", '"', "a AND (", "x" * 5000, "ñ" * 128, " ", "~" * 200):
        answer = node.get("/search", params={"q": query})
        assert answer.status_code in (200, 400), (query, answer.text)
    for parameters in ({"limit": 0}, {"limit": 501}, {"limit": "x"}, {"cursor": "forged"}, {"order": "sideways"}):
        assert_problem(node.get("/albums", params=parameters), 400, "invalid_argument")
