# SPDX-License-Identifier: AGPL-3.0-or-later
"""A library stays whole by itself: nodes lost, emptied, cut off from power, and bits flipped on their disks."""
import json
import os
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from cluster import REPLICAS, SLOWNESS, Cluster, Partition, at_node, stored_blobs
from kadenza import BINARY, run_cli, wait_until

GRACE = 6
# Nodes at first, those that join them, those that leave, songs. Of full size without the sanitizers.
JOIN_AND_LEAVE = (3, 3, 3, 24) if SLOWNESS > 1 else (5, 10, 5, 120)
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
            assert (answer.status_code, answer.content) == (200, tune), f"{song['title']!r} from {node.name}: {answer.status_code}"


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
    # What others hand over to it is not among its bytes_to_move, but is copied as slowly.
    wait_until(lambda: repair(nodes[2])["bytes_copied"] > 0, "the emptied node copies", REPAIR_SECONDS)
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


def stored_at_last(node, tune, **tags):
    """The answer to an upload, tried until enough of the nodes that can be reached have taken it."""
    def accepted():
        answer = node.upload(tune, **tags)
        return answer if answer.status_code != 503 else None
    answer = wait_until(accepted, f"an upload through {node.name}", 60)
    assert answer.status_code == 201, answer.text
    return answer.json()["song"]


def test_both_sides_of_a_partition_write_and_agree_when_it_heals(cluster, next_tune):
    for _ in range(6):
        cluster.add("--grace", f"{GRACE}s", through_a_way=True)
    cluster.wait_complete()
    ones, others = cluster.nodes[:3], cluster.nodes[3:]
    uploaded = cluster.upload(ones[0], [next_tune()])
    with Partition(ones, others):
        for turn in range(3):
            contested = [next_tune(title=f"Contested {turn}", seconds=2 + side) for side in range(2)]
            first = stored_at_last(ones[turn], contested[0])
            second = stored_at_last(others[turn], contested[1])
            assert first["id"] == second["id"] and first["audio_hash"] != second["audio_hash"]
            uploaded.append((first, contested[0]))
            for side in (ones, others):
                tune = next_tune()
                uploaded.append((stored_at_last(side[turn], tune), tune))
        assert {node.json("/totals")["songs"] for node in ones} == {7}
        assert all(node.get(f"/songs/{uploaded[3][0]['id']}").status_code == 404 for node in ones)

    assert len(uploaded) == 10
    for node in cluster.nodes:
        wait_until(lambda: [node.json(f"/songs/{song['id']}") for song, _ in uploaded if  # noqa: B023
                            node.get(f"/songs/{song['id']}").status_code == 200] == only_songs(uploaded),  # noqa: B023
                   f"{node.name} knows all songs, each as it was stored first", REPAIR_SECONDS)
        wait_until(lambda: node.json("/totals")["songs"] == 10, f"{node.name} has one row for each song",  # noqa: B023
                   REPAIR_SECONDS)
        wait_until(lambda: sorted(song["title"] for song in node.search("Contested")["songs"]) ==  # noqa: B023
                   [f"Contested {turn}" for turn in range(3)], f"{node.name} finds each once")
    wait_whole(cluster, only_songs(uploaded))
    for node in cluster.nodes:
        wait_until(lambda: all(node.audio(song["id"]).status_code == 200 for song, _ in uploaded),  # noqa: B023
                   f"{node.name} reaches the holders of everything again", REPAIR_SECONDS)
    check_plays(cluster.nodes, uploaded)


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


def drain(node, *options):
    return at_node(node, "node", "drain", *options, timeout=120)


def begin_drain(node):
    return subprocess.Popen([str(BINARY), "node", "drain", "--data", str(node.data)], env=node.environment(), text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def waiting_at_control_socket(node):
    """How many requests the node has not answered yet."""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    connected = {f"socket:[{line[6]}]" for line in lines if line[5] == "03" and line[-1].endswith("control.sock")}
    return sum(os.readlink(descriptor) in connected for descriptor in Path(f"/proc/{node.process.pid}/fd").iterdir()
               if descriptor.is_symlink())


@contextmanager
def paused(process):
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


class CopyWatch(threading.Thread):
    """Looks all the time at how many running nodes have each song; knows the fewest it has seen. The disks are looked
    at one after the other, so a copy counts that was there in this look or in the one before."""

    def __init__(self, cluster, songs):
        super().__init__(daemon=True)
        self.cluster, self.songs, self.ended = cluster, songs, threading.Event()
        self.fewest, self.looks, self.before = REPLICAS, 0, {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
        assert self.looks > 1

    def run(self):
        while not self.ended.wait(0.05):
            now = {node.name: set(stored_blobs(node)) for node in live(self.cluster.nodes)}
            disks = [disk | self.before.get(name, set()) for name, disk in now.items()]
            counts = [sum(song["audio_hash"] in disk for disk in disks) for song in self.songs]
            self.fewest, self.before, self.looks = min([self.fewest, *counts]), now, self.looks + 1


def counted(nodes, what):
    return sum(repair(node)[what] for node in live(nodes))


def held_bytes(node, songs):
    disk = stored_blobs(node)
    return sum(song["size"] for song in songs if song["audio_hash"] in disk)


def copies(cluster, songs):
    disks = [stored_blobs(node) for node in live(cluster.nodes)]
    return [sum(song["audio_hash"] in disk for disk in disks) for song in songs]


def wait_in_place(cluster, songs):
    """Until each song has its copies and no more, and the nodes know it."""
    wait_until(lambda: set(copies(cluster, songs)) == {REPLICAS}
               and counted(cluster.nodes, "under_replicated") == 0, "every song has its copies, and no more",
               2 * REPAIR_SECONDS)


@pytest.mark.timeout(900)
def test_nodes_join_one_by_one_and_leave_with_drain(cluster, next_tune):
    first, joining, leaving, tunes = JOIN_AND_LEAVE
    nodes = grow(cluster, first)
    uploaded = cluster.upload(nodes[0], [next_tune() for _ in range(tunes)])
    songs = only_songs(uploaded)
    invited = at_node(nodes[0], "cluster", "issuer", "add", "node1")
    assert invited.returncode == 0, invited.stderr
    with CopyWatch(cluster, songs) as watch:
        for count in range(first + 1, first + joining + 1):
            before = counted(nodes, "bytes_copied")
            newcomer = grow(cluster, count)[-1]
            wait_until(lambda: held_bytes(newcomer, songs) > 0, "the new node has its share", 60)  # noqa: B023
            wait_in_place(cluster, songs)
            moved, minimum = counted(nodes, "bytes_copied") - before, held_bytes(newcomer, songs)
            print(f"join of node {count}: {moved} bytes moved, {moved / minimum:.2f} of the minimum")
            assert minimum <= moved <= 1.3 * minimum
    assert watch.fewest == REPLICAS
    assert counted(nodes, "handed_over") > 0

    for leaver in [node for node in nodes if node is not nodes[1]][::2][:leaving]:
        left = [node for node in live(nodes) if node is not leaver]
        before, had = counted(left, "bytes_copied"), sum(held_bytes(node, songs) for node in left)
        with CopyWatch(cluster, songs) as watch:
            answer = drain(leaver, "--json")
            assert answer.returncode == 0, answer.stdout + answer.stderr
            leaver.process.wait(30)
            assert leaver.process.returncode == 0, leaver.log()[-3000:]
        assert watch.fewest == REPLICAS
        said = json.loads(answer.stdout)
        assert said["done"] and said["safe_songs"] == said["songs"] > 0
        moved = counted(left, "bytes_copied") - before
        minimum = sum(held_bytes(node, songs) for node in left) - had
        print(f"drain of {leaver.name}: {moved} bytes moved, {moved / minimum:.2f} of the minimum")
        assert 0 < minimum <= moved <= 1.3 * minimum and minimum <= said["bytes"]
    check_plays(live(nodes), uploaded)


def test_a_drain_is_refused_shown_and_taken_back(cluster, next_tune):
    nodes = grow(cluster, 4, "--repair-rate", "20kB")
    refused = drain(nodes[0])
    assert refused.returncode == 1 and "cluster issuer add" in refused.stderr, refused.stderr
    nothing = drain(nodes[1], "--cancel")
    assert nothing.returncode == 1 and "not being drained" in nothing.stderr, nothing.stderr
    uploaded = cluster.upload(nodes[0], [next_tune(seconds=16) for _ in range(12)])
    draining = begin_drain(nodes[1])
    wait_until(lambda: repair(nodes[1])["departure"], "the node leaves")
    wait_until(lambda: [node["name"] for node in nodes[0].json("/network")["nodes"] if node["leaving"]] == ["node1"],
               "the others know that it leaves")
    shown = nodes[1].cli("network")
    assert "songs are safe with others" in shown.stdout, shown.stdout
    metrics = nodes[1].http.get(f"{nodes[1].url}/metrics").text
    assert "kadenza_drain_under_way 1" in metrics
    with paused(draining):  # it hears of it only when it asks again
        wait_until(lambda: waiting_at_control_socket(nodes[1]) == 0, "what it asked is answered")
        taken_back = drain(nodes[1], "--cancel")
        assert taken_back.returncode == 0 and "stays" in taken_back.stdout, taken_back.stderr
    _, complaint = draining.communicate(timeout=30)
    assert draining.returncode == 130 and "stays after all" in complaint, complaint
    assert repair(nodes[1])["departure"] is None
    wait_until(lambda: not any(node["leaving"] for node in nodes[0].json("/network")["nodes"]),
               "the others know that it stays", 30)
    assert nodes[1].process.poll() is None
    check_plays(nodes, uploaded)


def test_nothing_is_placed_on_a_node_that_leaves_and_a_restart_takes_it_back(cluster, next_tune):
    nodes = grow(cluster, 3)
    refused = drain(nodes[1])
    assert refused.returncode == 1 and "2 others" in refused.stderr, refused.stderr
    grow(cluster, 4)
    text = run_cli("node", "drain", "--data", nodes[1].data, env=nodes[1].environment(LC_ALL="", LANG="es_ES.UTF-8"))
    assert text.returncode == 0 and "0 canciones" in text.stdout, text.stdout + text.stderr
    nodes[1].process.wait(30)
    uploaded = cluster.upload(nodes[0], [next_tune() for _ in range(4)])
    assert not set(stored_blobs(nodes[1])) & {song["audio_hash"] for song, _ in uploaded}
    nodes[1].start()
    cluster.wait_complete()
    wait_in_place(cluster, only_songs(uploaded))
    check_plays(nodes, uploaded)


def restart_with_capacity(node, capacity):
    assert node.stop() == 0
    node.options[node.options.index("--capacity") + 1] = capacity
    node.start()


def stored_bytes(node):
    return next(member["stored_bytes"] for member in node.json("/network")["nodes"] if member["self"])


def test_the_next_node_takes_the_place_of_a_full_one_until_there_is_room(cluster, next_tune):
    nodes = grow(cluster, 4, "--capacity", "1GB")
    small = grow(cluster, 5, "--capacity", "600kB")[4]
    uploaded = cluster.upload(nodes[0], [next_tune(seconds=8) for _ in range(40)])
    songs = only_songs(uploaded)
    nodes[3].kill()
    wait_whole(cluster, songs)
    wait_until(lambda: counted(nodes, "under_replicated") == 0, "the copies of the next nodes count", REPAIR_SECONDS)
    assert 0 < stored_bytes(small) <= 600_000
    restart_with_capacity(small, "1GB")
    wait_until(lambda: held_bytes(small, songs) > 600_000, "the copies come back to where there is room", REPAIR_SECONDS)
    wait_in_place(cluster, songs)
    check_plays(live(nodes), uploaded[:10])


def test_a_node_that_gets_less_room_gives_away_what_is_too_much(cluster, next_tune):
    nodes = grow(cluster, 4, "--capacity", "1GB")
    uploaded = cluster.upload(nodes[0], [next_tune(seconds=8) for _ in range(20)])
    songs = only_songs(uploaded)
    assert held_bytes(nodes[3], songs) > 300_000
    restart_with_capacity(nodes[3], "300kB")
    with CopyWatch(cluster, songs) as watch:
        wait_until(lambda: stored_bytes(nodes[3]) <= 300_000, "it gave away what is too much", REPAIR_SECONDS)
    assert watch.fewest == REPLICAS
    wait_whole(cluster, songs)
    check_plays(nodes, uploaded)
