# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command line knows that there are many nodes: it goes on while they die, and the person does not notice."""
import json
import shutil
import signal
import subprocess

import pytest
import requests
from cluster import Cluster, Stopped, stored_blobs
from fixtures import mp3
from kadenza import BINARY, free_port, run_cli, wait_until

LONG_SECONDS = 400  # 16 MB at 320 kbit/s: more than all buffers between a node and a listener hold


class Killed:
    def __init__(self, node):
        self.node = node

    def __enter__(self):
        self.node.kill()

    def __exit__(self, *_):
        self.node.start()


def accepts(node, token):
    answer = requests.get(f"{node.url}/api/v1/session", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    return answer.status_code == 200


@pytest.fixture(scope="module")
def cluster(new_module_node):
    grown = Cluster(new_module_node)
    grown.grow(3)
    yield grown
    grown.close()


@pytest.fixture(scope="module")
def long_song(cluster):
    audio = mp3.tune(9000, LONG_SECONDS, 320, title="Going On", artist="The Middlemen", album="Unnoticed")
    return cluster.upload(cluster.nodes[0], [audio])[0]


class Person:
    """Somebody with a home of their own, who logs in at one node and knows no other."""

    def __init__(self, home, node):
        self.node = node
        self.home = home
        code = node.request("POST", "/session/code").json()["code"]
        assert self.runs("login", "--code", code).returncode == 0

    def environment(self, server=None):
        return self.node.environment(HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"),
                                     XDG_STATE_HOME=str(self.home / "state"), KADENZA_SERVER=server or self.node.url)

    def runs(self, *arguments, server=None):
        return run_cli(*arguments, env=self.environment(server))

    def starts(self, *arguments):
        return subprocess.Popen([BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.environment())

    def remembered(self):
        """The nodes beside their own that the person's commands have met."""
        file = self.home / "state" / "kadenza" / "nodes.json"
        known = json.loads(file.read_text())["servers"] if file.exists() else {}
        return {other["url"] for other in known.get(self.node.url, {"nodes": []})["nodes"]}


@pytest.fixture
def person(cluster, tmp_path):
    """One who has searched once, and so met the whole network."""
    made = Person(tmp_path / "person", cluster.nodes[0])

    def has_met_all():
        shutil.rmtree(made.home / "state", ignore_errors=True)
        assert made.runs("search", "anything").returncode == 0
        return made.remembered() >= {node.url for node in cluster.others(made.node)}

    wait_until(has_met_all, "the other nodes are remembered", 30)
    token = (made.home / "config/kadenza/tokens" / f"127.0.0.1_{made.node.port}").read_text().strip()
    for node in cluster.nodes:
        wait_until(lambda: accepts(node, token), f"{node.name} knows the log-in")  # noqa: B023
    return made


@pytest.mark.parametrize("fault", [Killed, Stopped])
def test_a_download_goes_on_at_the_byte_when_its_node_dies(person, long_song, fault):
    song, audio = long_song
    with person.starts("get", song["id"], "-o", "-") as getting:
        received = getting.stdout.read(100_000)
        with fault(person.node):
            rest, errors = getting.stdout.read(), getting.stderr.read()
        assert getting.wait(60) == 0, errors.decode()
    assert received + rest == audio


def test_an_upload_of_a_folder_goes_on_when_its_node_dies(cluster, person, tmp_path):
    other = cluster.others(person.node)[0]
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.mp3").write_bytes(mp3.tune(9100 + number, 10, title=f"Folder {number}", artist="Porter"))
    before = set(stored_blobs(other))
    with person.starts("upload", folder, "--jobs", "2", "--json") as sending:
        wait_until(lambda: set(stored_blobs(other)) - before, "the first song of the folder is stored")
        with Killed(person.node):
            assert sending.poll() is None, "the node died while songs were sent"
            output, errors = sending.communicate(timeout=240)
            assert sending.returncode == 0, output + errors
            report = json.loads(output)
            assert report["refused"] == report["left"] == 0, report
            for file in report["files"]:
                assert other.get(f"/songs/{file['song']['id']}").status_code == 200


def test_a_search_does_not_mind_that_the_first_node_is_dead(person, long_song):
    song, _ = long_song
    person.node.finds(song, "going on middlemen")
    dead_first = f"http://127.0.0.1:{free_port()},{person.node.url}"
    result = person.runs("search", "--json", "going", "on", "middlemen", server=dead_first)
    assert result.returncode == 0, result.stderr
    assert song["id"] in [hit["id"] for hit in json.loads(result.stdout)["songs"]]


def test_a_person_whose_only_known_node_is_dead_gets_in_through_those_it_named(cluster, person, long_song):
    song, _ = long_song
    for node in cluster.others(person.node):
        node.finds(song, "going on middlemen")
    with Killed(person.node):
        result = person.runs("search", "--json", "going", "on", "middlemen")
    assert result.returncode == 0, result.stderr
    assert song["id"] in [hit["id"] for hit in json.loads(result.stdout)["songs"]]


def test_a_reader_that_leaves_ends_the_download_quietly(person, long_song):
    song, _ = long_song
    with person.starts("get", song["id"], "-o", "-") as getting:
        getting.stdout.read(1000)
        getting.stdout.close()
        assert getting.stderr.read() == b""
        assert getting.wait(60) == -signal.SIGPIPE


def test_a_full_disk_behind_standard_output_is_said(person, long_song):
    song, _ = long_song
    with open("/dev/full", "wb") as full:
        result = subprocess.run([BINARY, "get", song["id"], "-o", "-"], stdout=full, stderr=subprocess.PIPE, timeout=60,
                                env=person.environment(), check=False)
    assert result.returncode == 1
    assert b"No space left" in result.stderr
