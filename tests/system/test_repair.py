# SPDX-License-Identifier: AGPL-3.0-or-later
"""A library stays whole by itself: nodes lost, emptied, cut off from power, and bits flipped on their disks."""
import shutil
import threading

import pytest
import requests
from cluster import REPLICAS, Cluster, stored_blobs
from kadenza import wait_until

GRACE = 6
REPAIR_SECONDS = 90


@pytest.fixture
def cluster(new_node):
    made = Cluster(new_node)
    yield made
    made.close()


def grow(cluster, count, *options):
    for _ in range(count - len(cluster.nodes)):
        cluster.add("--grace", f"{GRACE}s", *options)
    cluster.wait_complete()
    return cluster.nodes


def live(nodes):
    return [node for node in nodes if node.process and node.process.poll() is None]


def wait_whole(cluster, songs, copies=REPLICAS):
    """Until so many running nodes have each song on their disks."""
    def missing():
        disks = [stored_blobs(node) for node in live(cluster.nodes)]
        return [song["title"] for song in songs if sum(song["audio_hash"] in disk for disk in disks) < copies]
    wait_until(lambda: not missing(), f"{copies} live copies of everything", REPAIR_SECONDS)


def repair(node):
    return node.json("/network")["repair"]


def check_plays(nodes, songs):
    for node in nodes:
        for song, tune in songs:
            answer = node.audio(song["id"])
            assert answer.status_code == 200 and answer.content == tune, f"{song['title']!r} from {node.name}"


def empty(node):
    """As a node whose disk was replaced: it is who it was, and has no song."""
    for path in node.data.iterdir():
        if path.name in ("blobs", "search", "cache"):
            shutil.rmtree(path)
        elif path.name.startswith("library.db"):
            path.unlink()


def only_songs(uploaded):
    return [song for song, _ in uploaded]


def test_lost_nodes_copies_are_made_again_and_two_more_may_go(cluster, next_tune):
    nodes = grow(cluster, 5)
    uploaded = cluster.upload(nodes[0], [next_tune() for _ in range(12)])
    assert any(song["audio_hash"] in stored_blobs(nodes[3]) for song, _ in uploaded)
    nodes[3].kill()
    grow_back = [cluster.add("--grace", f"{GRACE}s") for _ in range(2)]
    wait_whole(cluster, only_songs(uploaded))
    wait_until(lambda: sum(repair(node)["under_replicated"] for node in live(nodes)) == 0, "nothing to repair",
               REPAIR_SECONDS)
    assert sum(repair(node)["songs_copied"] for node in live(nodes)) > 0
    nodes[1].kill()
    nodes[2].kill()
    check_plays(grow_back, uploaded)


def test_a_node_that_comes_back_with_old_data_or_empty_is_made_whole(cluster, next_tune):
    nodes = grow(cluster, 3)
    uploaded = cluster.upload(nodes[0], [next_tune() for _ in range(4)])
    nodes[1].kill()
    nodes[2].kill()
    empty(nodes[2])
    nodes[1].start()
    wait_until(lambda: nodes[0].upload(next_tune()).status_code == 201, "two of three nodes take uploads", 60)
    meanwhile = [(nodes[0].stored(tune), tune) for tune in [next_tune() for _ in range(4)]]
    nodes[2].start()
    wait_whole(cluster, only_songs(uploaded + meanwhile))
    check_plays([nodes[2]], uploaded + meanwhile)


def test_a_node_that_copies_ends_in_good_order(cluster, next_tune):
    nodes = grow(cluster, 3, "--repair-rate", "100kB")
    uploaded = cluster.upload(nodes[0], [next_tune(seconds=60) for _ in range(10)])
    nodes[2].kill()
    empty(nodes[2])
    nodes[2].start()
    wait_until(lambda: repair(nodes[2])["bytes_to_move"] > 1_000_000, "the emptied node copies", REPAIR_SECONDS)
    assert nodes[2].stop() == 0
    check_plays(nodes[:2], uploaded)


def test_power_cut_of_all_nodes_during_uploads_loses_nothing_acknowledged(cluster, next_tune):
    nodes = grow(cluster, 3)
    acknowledged, tunes = [], [next_tune() for _ in range(60)]
    cut = threading.Event()

    def upload(node, mine):
        session = requests.Session()
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {node.token}"
        for tune in mine:
            try:
                answer = session.post(f"{node.url}/api/v1/songs", data=tune, timeout=30)
            except requests.RequestException:
                return
            if answer.status_code == 201:
                acknowledged.append((answer.json()["song"], tune))
            if len(acknowledged) >= 12:
                cut.set()

    uploads = [threading.Thread(target=upload, args=(node, tunes[number::3])) for number, node in enumerate(nodes)]
    for thread in uploads:
        thread.start()
    assert cut.wait(60)
    for node in nodes:
        node.process.kill()
    for thread in uploads:
        thread.join()
    for node in nodes:
        node.process.wait()
        wait_until(lambda node=node: not node.processes(), "the killed node's helpers are gone")
        node.launch()
    for node in nodes:
        wait_until(node.is_ready, f"{node.name} is ready again", 60)
    assert len(acknowledged) < len(tunes), "the uploads were over before the power was cut"
    wait_whole(cluster, only_songs(acknowledged))
    check_plays(nodes, acknowledged)


def flip_a_bit(path, at=1000):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))


def test_flipped_bits_are_found_by_scrubbing_and_healed(cluster, next_tune):
    nodes = grow(cluster, 3, "--scrub-every", "2s")
    (song, tune), = cluster.upload(nodes[0], [next_tune()])
    wait_until(lambda: repair(nodes[1])["scrub_passes"] > 0, "a first pass")
    path = stored_blobs(nodes[1])[song["audio_hash"]]
    flip_a_bit(path)
    wait_until(lambda: path.read_bytes() == tune, "the song is whole again", 30)
    wait_until(lambda: repair(nodes[1])["healed"] == 1, "the healing is counted")
    assert repair(nodes[1])["rotten"] == 1
    metrics = nodes[1].http.get(f"{nodes[1].url}/metrics").text
    assert "kadenza_scrub_rotten_total 1" in metrics and "kadenza_scrub_healed_total 1" in metrics
    shown = nodes[1].cli("network")
    assert shown.returncode == 0 and "1 songs, 1 healed" in shown.stdout, shown.stdout
    assert repair(nodes[0])["rotten"] == repair(nodes[2])["rotten"] == 0


def test_flipped_bits_are_found_by_reading_and_healed(cluster, next_tune):
    nodes = grow(cluster, 3)
    (song, tune), = cluster.upload(nodes[0], [next_tune()])
    wait_until(lambda: repair(nodes[2])["scrub_passes"] == 1, "the only pass of this week")
    path = stored_blobs(nodes[2])[song["audio_hash"]]
    flip_a_bit(path)
    check_plays([nodes[2]], [(song, tune)])
    wait_until(lambda: path.read_bytes() == tune, "the song is whole again", 30)
    wait_until(lambda: repair(nodes[2])["healed"] == 1, "the healing is counted")


def test_a_lost_file_is_found_and_comes_back(cluster, next_tune):
    nodes = grow(cluster, 3, "--scrub-every", "2s")
    (song, tune), = cluster.upload(nodes[0], [next_tune()])
    path = stored_blobs(nodes[0])[song["audio_hash"]]
    path.unlink()
    wait_until(lambda: path.exists() and path.read_bytes() == tune, "the file is there again", 30)
