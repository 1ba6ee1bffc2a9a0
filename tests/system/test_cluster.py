# SPDX-License-Identifier: AGPL-3.0-or-later
"""One library on many nodes: what is uploaded through one is found on and played from all, and survives their end."""
import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import threading
import time

import mutagen
import pytest
import requests
from cluster import (QUORUM, REPLICAS, Cluster, Stopped, at_node, base32, id_of, stored_blobs, upload_at_once,
                     wait_held)
from kadenza import assert_problem, free_port, run_cli, wait_until

STAND_INS = 1  # a holder that was slow has one beside it for a while


@pytest.fixture
def cluster(new_node):
    made = Cluster(new_node)
    yield made
    made.close()


def titles(album):
    """{path: title} of the album's audio files with a title."""
    tagged = ((path, mutagen.File(path, easy=True)) for path in sorted(album.iterdir()))
    return {path: str(tags["title"][0]) for path, tags in tagged if tags is not None and "title" in tags}


def check_everywhere(nodes, song, audio):
    for node in nodes:
        wait_held(node, song)
        assert node.json(f"/songs/{song['id']}") == song
        assert node.audio(song["id"]).content == audio, node.name


def test_an_album_uploaded_through_one_node_is_found_on_and_played_from_all(cluster, album):
    nodes = cluster.grow(5)
    uploaded = nodes[2].cli("upload", album)
    assert uploaded.returncode == 0, uploaded.stdout + uploaded.stderr
    files = titles(album)
    assert len(files) >= 6
    by_hash = {base32(hashlib.sha256(path.read_bytes()).digest()): path for path in files}
    for node in nodes:
        for path, title in files.items():
            def found(node=node, title=title):
                return [song for song in node.search(title)["songs"] if song["title"] == title]
            (song, *_) = wait_until(found, f"{node.name} finds {title!r}", 20)
            assert by_hash[song["audio_hash"]] == path
            answer = node.audio(song["id"])
            assert answer.status_code == 200 and answer.content == path.read_bytes(), f"{title!r} from {node.name}"
            part = node.audio(song["id"], Range="bytes=70000-70999")
            assert part.status_code == 206 and part.content == path.read_bytes()[70000:71000]
    totals = [node.json("/totals") for node in nodes]
    assert all(total["songs"] == totals[0]["songs"] for total in totals)
    songs = [node.search(title)["songs"][0] for node, title in zip(nodes, files.values(), strict=False)]
    cluster.wait_replicated(songs)
    assert min(len(cluster.holders(song)) for song in songs) < len(nodes), "every node holds everything"


def test_covers_loudness_and_albums_are_the_same_everywhere(cluster, files):
    nodes = cluster.grow(4)
    song = nodes[0].stored(files["flac"])
    check_everywhere(nodes, song, files["flac"].read_bytes())
    for node in nodes:
        wait_until(lambda: node.get(f"/songs/{song['id']}/waveform").status_code == 200, "the waveform", 30)  # noqa: B023
    covers = {node.get(f"/songs/{song['id']}/cover").content for node in nodes}
    assert len(covers) == 1 and len(covers.pop()) > 100
    assert len({node.get(f"/songs/{song['id']}/waveform").text for node in nodes}) == 1
    for node in nodes:
        assert node.json(f"/albums/{song['album_id']}")["songs"][0]["id"] == song["id"]


def test_what_is_in_demand_gets_further_copies_which_are_no_replicas(cluster, next_tune):
    nodes = cluster.grow(5)
    (song, tune), = cluster.upload(nodes[0], [next_tune(seconds=3)])
    holder, *_ = holders = cluster.holders(song)
    others = cluster.others(*holders)
    raw_id = base64.b32decode(song["id"].upper() + "=" * (-len(song["id"]) % 8))
    request = json.dumps({"song": base64.b64encode(raw_id).decode(), "length": 256 << 10})

    def read_from(node):
        """As a node reads that has no listener with it in its cache."""
        return at_node(holders[1], "rpc", node.name, "Replicas.Read", request, "--json")

    for node in others:
        refused = read_from(node)
        assert refused.returncode != 0 and "there is no song" in refused.stdout

    def copied():
        heard = read_from(holder)
        assert heard.returncode == 0, heard.stdout + heard.stderr
        return json.loads(heard.stdout).get("copies", 0) == 5

    wait_until(copied, "further copies on both other nodes", 120)
    for node in others:
        assert base64.b64decode(json.loads(read_from(node).stdout)["bytes"]) == tune
    assert cluster.holders(song) == holders


def test_the_same_song_again_is_recognised_everywhere(cluster, next_tune):
    nodes = cluster.grow(4)
    tune, other = next_tune(title="Same", seconds=20), next_tune(title="Same", seconds=20)
    song = nodes[0].stored(tune)
    for node in nodes:
        again = node.upload(tune)
        assert again.status_code == 200
        assert (again.json()["added"], again.json()["same_audio"], again.json()["song"]) == (False, True, song)
        differs = node.upload(other)
        assert differs.status_code == 200
        assert (differs.json()["added"], differs.json()["same_audio"], differs.json()["song"]) == (False, False, song)
    cluster.wait_replicated([song])
    assert len(cluster.holders(song)) <= REPLICAS + STAND_INS
    wanted = base32(hashlib.sha256(other).digest())
    assert all(wanted not in stored_blobs(node) for node in nodes)


def test_concurrent_uploads_of_one_song_with_different_audio_have_one_answer(cluster, next_tune):
    nodes = cluster.grow(5)
    for turn in range(8):
        title = f"Contested {turn}"
        tunes = [next_tune(title=title, seconds=30) for _ in range(3)]
        uploaders = [nodes[(turn + number) % 5] for number in range(3)]
        answers = upload_at_once(uploaders, tunes)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201], \
            [(answer.status_code, answer.text) for answer in answers]
        (winner,) = [number for number in range(3) if answers[number].status_code == 201]
        song = answers[winner].json()["song"]
        assert song["audio_hash"] == base32(hashlib.sha256(tunes[winner]).digest())
        for answer in answers:
            said = answer.json()
            assert said["song"] == song
            assert said["same_audio"] is (answer is answers[winner])
        check_everywhere(nodes, song, tunes[winner])
    # The rows of what a node does not hold follow a moment after the song can be had.
    for node in nodes:
        wait_until(lambda: node.json("/totals")["songs"] >= 8, f"{node.name} has all rows")  # noqa: B023
    assert [node.json("/totals")["songs"] for node in nodes] == [8] * 5


def accepted(answer):
    """The answer to an upload, unless it was put off."""
    if answer.status_code == 503:
        return None
    assert answer.status_code in (200, 201), answer.text
    return answer


def begin_upload(node, body, sent):
    """A connection over which the first `sent` bytes of an upload have gone."""
    connection = node.connect()
    connection.sendall(node.head("POST", "/songs", f"Content-Length: {len(body)}") + body[:sent])
    return connection


def test_an_entry_node_killed_during_an_upload_leaves_nothing(cluster, next_tune):
    nodes = cluster.grow(4)
    tune = next_tune(title="Interrupted", seconds=400)
    entry, others = nodes[3], nodes[:3]
    with begin_upload(entry, tune, len(tune) // 2):
        wait_until(lambda: any((entry.data / "blobs" / "staging").iterdir()), "the upload is under way")
        entry.kill()
    assert any((entry.data / "blobs" / "staging").iterdir()), "it was killed too late to leave anything"
    for node in others:
        assert node.search("interrupted")["songs"] == []
        assert stored_blobs(node) == {}
    answer = others[0].upload(tune)
    assert answer.status_code == 201, answer.text
    check_everywhere(others, answer.json()["song"], tune)
    entry.start()
    check_everywhere([entry], answer.json()["song"], tune)
    # As one of its holders it may copy the song by now.
    wait_until(lambda: not any((entry.data / "blobs" / "staging").iterdir()), "nothing half is left")


def test_an_entry_node_killed_while_copies_are_made_leaves_all_or_nothing(cluster, next_tune):
    """The kill comes between the last byte and the answer; whatever is there then is whole, and a retry ends it."""
    nodes = cluster.grow(4)
    for turn in range(6):
        entry, retry = nodes[turn % 4], nodes[(turn + 1) % 4]
        tune = next_tune(title=f"Cut Short {turn}", seconds=400)
        with begin_upload(entry, tune, len(tune)) as connection:
            time.sleep(0.03 * turn)  # a different moment each time
            entry.kill()
            connection.close()
        # Whoever was killed in an earlier turn counts as silent for some seconds after its return.
        answer = wait_until(lambda: accepted(retry.upload(tune)), "the retry succeeds", 15)  # noqa: B023
        assert answer.json()["same_audio"]
        check_everywhere([node for node in nodes if node is not entry], answer.json()["song"], tune)
        entry.start()
        cluster.wait_complete()


def test_holders_killed_during_uploads_are_not_seen_by_the_uploader(cluster, next_tune):
    nodes = cluster.grow(5)
    stored, failed, stop = [], [], threading.Event()

    def keep_uploading():
        while not stop.is_set():
            tune = next_tune(artist="Steady", seconds=100)
            answer = nodes[0].upload(tune)
            (stored if answer.status_code == 201 else failed).append((answer, tune))

    uploader = threading.Thread(target=keep_uploading)
    uploader.start()
    try:
        for victim in nodes[3:]:
            before = len(stored)
            wait_until(lambda: len(stored) >= before + 3 or failed, "uploads go on", 30)  # noqa: B023
            victim.kill()
        before = len(stored)
        wait_until(lambda: len(stored) >= before + 5 or failed, "uploads go on", 60)
    finally:
        stop.set()
        uploader.join()
    assert not failed, failed[0][0].text
    for answer, tune in stored:
        song = answer.json()["song"]
        check_everywhere(nodes[:3], song, tune)
        alive = [node for node in cluster.holders(song) if node in nodes[:3]]
        assert alive, "an acknowledged song is on no living node"


def test_two_of_three_nodes_gone_uploads_are_refused_and_reading_goes_on(cluster, next_tune):
    nodes = cluster.grow(3)
    kept = cluster.upload(nodes[0], [next_tune(seconds=60) for _ in range(5)])
    for song, tune in kept:
        check_everywhere(nodes, song, tune)
    lone, gone = nodes[0], nodes[1:]
    for node in gone:
        node.kill()
    refused = next_tune(title="Too Few", seconds=60)
    for _ in range(2):  # before and after the lone one has noticed
        problem = assert_problem(lone.upload(refused), 503, "unavailable")
        assert str(QUORUM) in problem["detail"]
    check_everywhere([lone], *kept[0])
    for song, tune in kept:
        assert lone.audio(song["id"]).content == tune
        lone.finds(song, song["title"])
    assert lone.search("too few")["songs"] == []
    assert base32(hashlib.sha256(refused).digest()) not in stored_blobs(lone)
    assert lone.get("/healthz").status_code == 200

    gone[0].start()
    wait_until(lambda: accepted(lone.upload(refused)), "uploads work with two of three", 30)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small tmpfs")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_one_node_full_others_take_its_place(cluster, next_tune, small_disk):
    cluster.grow(3)
    full = cluster.add(data=small_disk / "data")
    nodes = cluster.grow(4)
    kept = []
    while len(kept) < 40:
        tune = next_tune(artist="Fills Disks", seconds=120)
        through = nodes[len(kept) % 4]
        answer = through.upload(tune)
        if through is full and answer.status_code == 507:
            through = nodes[0]
            answer = through.upload(tune)
        assert answer.status_code == 201, answer.text
        kept.append((answer.json()["song"], tune))
    without = [song for song, _ in kept if full not in cluster.holders(song)]
    assert len(without) > 10, "the small disk is not full"
    for song, tune in kept:
        for node in (full, nodes[0]):
            assert node.audio(song["id"]).content == tune
    cluster.wait_replicated([song for song, _ in kept])
    assert full.get("/readyz").status_code == 200
    full.finds(kept[-1][0], kept[-1][0]["title"])


def test_a_hung_node_holds_neither_uploads_nor_listeners_up(cluster, next_tune):
    nodes = cluster.grow(4)
    kept = cluster.upload(nodes[0], [next_tune(seconds=60) for _ in range(4)])
    with Stopped(nodes[3]):
        for _ in range(4):
            started = time.monotonic()
            tune = next_tune(seconds=60)
            song = nodes[0].stored(tune)
            assert time.monotonic() - started < 10
            check_everywhere(nodes[:3], song, tune)
        for song, tune in kept:
            check_everywhere(nodes[:3], song, tune)
    # It catches up with what it missed.
    check_everywhere([nodes[3]], song, tune)


def test_one_account_for_all_nodes(cluster, next_tune):
    """Who has an account logs in on any node; the token is good on every node, also while others are down."""
    nodes = cluster.grow(3)
    song = nodes[0].stored(next_tune())
    for node in nodes:
        wait_held(node, song)
    (password,) = re.findall(r"log in as admin with the password (\S+)", nodes[0].log())

    def log_in(node):
        answer = requests.post(f"{node.url}/api/v1/session", json={"user": "admin", "password": password}, timeout=20)
        return answer.json()["token"] if answer.status_code == 201 else None

    def is_good(token, node):
        return node.get(f"/songs/{song['id']}", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    tokens = [wait_until(lambda: log_in(node), f"log-in at {node.name}", 20) for node in nodes]  # noqa: B023
    for node in nodes:
        for token in tokens:
            wait_until(lambda: is_good(token, node), f"{node.name} knows the token", 20)  # noqa: B023
    nodes[0].kill()
    for node in nodes[1:]:
        assert log_in(node)
        assert all(is_good(token, node) for token in tokens)


def test_the_command_line_goes_on_with_another_node(cluster, next_tune, tmp_path):
    nodes = cluster.grow(3)
    tune = next_tune(seconds=60)
    song = nodes[0].stored(tune)
    for node in nodes:
        wait_held(node, song)
    nodes[0].kill()
    servers = ",".join(node.url for node in nodes)
    got = run_cli("get", song["id"], "-o", tmp_path / "song", env=nodes[1].environment(KADENZA_SERVER=servers))
    assert got.returncode == 0, got.stderr
    assert (tmp_path / "song").read_bytes() == tune


def test_nodes_are_listed_with_their_addresses_and_space(cluster):
    nodes = cluster.grow(3)

    def listed(node):
        known = {entry["id"]: entry for entry in node.json("/network").get("nodes", [])}
        # A node's addresses and what it stores follow a moment after its name.
        return known if all(known.get(id_of(other), {}).get("http") and known[id_of(other)]["stored_bytes"] is not None
                            for other in nodes) else None

    for node in nodes:
        known = wait_until(lambda: listed(node), f"{node.name} lists all nodes", 20)  # noqa: B023
        for other in nodes:
            entry = known[id_of(other)]
            assert entry["http"] and entry["http"][0].endswith(str(other.port))
            assert entry["healthy"] is True
            assert entry["stored_bytes"] >= 0 and "capacity_bytes" in entry


def test_the_settings_of_whoever_began_the_cluster_are_everybodys(cluster, next_tune):
    chosen = {"replicas": 2, "write_quorum": 2, "candidates": 20, "partitions": 1024}
    cluster.add(*[part for name, value in chosen.items() for part in ("--" + name.replace("_", "-"), str(value))])
    nodes = cluster.grow(3)
    assert [node.json("/network")["settings"] for node in nodes] == [chosen] * 3
    shown = nodes[1].cli("network").stdout
    assert "2 of each song; an upload waits for 2" in shown and "1024 partitions" in shown
    songs = [nodes[turn % 3].stored(next_tune()) for turn in range(6)]
    wait_until(lambda: all(len(cluster.holders(song)) == 2 for song in songs), "two copies of each song", 60)
    for node in nodes:
        for song in songs:
            assert node.audio(song["id"]).status_code == 200
    nodes[1].kill()  # a copy of each is left
    for song in songs:
        assert nodes[0].audio(song["id"]).status_code == 200
    wait_until(lambda: accepted(nodes[0].upload(next_tune())), "uploads go on with two of three", 30)


def test_settings_that_contradict_each_other_or_the_cluster_are_refused(cluster, new_node):
    def refused(node, *words):
        node.launch()
        assert node.process.wait(30) != 0
        for word in words:
            assert word in node.log()

    port = free_port()
    node = new_node("--rpc", f"127.0.0.1:{port}", "--replicas", "2", "--write-quorum", "3", standalone=False, start=False)
    refused(node, "a write quorum of 3 of 2 replicas")
    assert not (node.data / "cluster-document").exists()
    node.options = ["--rpc", f"127.0.0.1:{port}", "--replicas", "2"]
    node.start()
    assert node.json("/network")["settings"]["write_quorum"] == 2
    assert node.stop() == 0
    node.options = ["--rpc", f"127.0.0.1:{port}", "--replicas", "4"]
    refused(node, "was created with 2 replicas", "--replicas")
    node.options = ["--rpc", f"127.0.0.1:{port}", "--replicas", "2"]
    node.start()


def test_a_rpc_port_in_use_is_said(cluster, new_node):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        node = new_node("--rpc", f"127.0.0.1:{port}", standalone=False, start=False)
        node.launch()
        assert node.process.wait(30) != 0
        assert str(port) in node.log()
