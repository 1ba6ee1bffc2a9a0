# SPDX-License-Identifier: AGPL-3.0-or-later
"""Documents that several change at the same time, through different nodes, while nodes die and the network is cut."""
import base64
import hashlib
import itertools
import json
import threading

import pytest
from cluster import Cluster, Partition, at_node
from kadenza import wait_until

GRACE = 6
NAME = "playlist/shared"


@pytest.fixture
def cluster(new_node):
    made = Cluster(new_node)
    yield made
    made.close()


def grow(cluster, count, **options):
    for _ in range(count - len(cluster.nodes)):
        cluster.add("--grace", f"{GRACE}s", **options)
    cluster.wait_complete()
    return cluster.nodes


def call(node, method, request, to=None):
    """The answer of the node, as JSON; None when it was none."""
    result = at_node(node, "rpc", (to or node).name, f"Documents.{method}", json.dumps(request), "--json")
    return json.loads(result.stdout) if result.returncode == 0 else None


def edit(node, *steps, name=NAME):
    return call(node, "Edit", {"name": name, "steps": steps})


def shown(node, name=NAME):
    answer = call(node, "Get", {"name": name})
    return answer and answer["document"]


def holders(nodes, name=NAME):
    key = base64.b64encode(hashlib.sha256(f"kadenza document {name}".encode()).digest()).decode()
    return [node for node in nodes if (call(node, "Read", {"id": key}) or {}).get("state")]


class Writer(threading.Thread):
    """Changes the document through its node, one change after the other; knows which were acknowledged."""

    def __init__(self, node, name):
        super().__init__(daemon=True)
        self.node, self.writer = node, name
        self.acknowledged, self.tried = [], 0
        self.over = threading.Event()

    def run(self):
        for number in itertools.count():
            if self.over.is_set():
                return
            token = f"{self.writer} {number}"
            self.tried += 1
            if edit(self.node, {"addMember": token}, {"insertItem": {"index": number, "value": token}},
                    {"setField": {"name": token, "value": "there"}}, {"count": {"name": "plays", "by": 1}}):
                self.acknowledged.append(token)

    def wait_more(self, count=3):
        wanted = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= wanted, f"{self.writer} writes {count} more", 90)

    def stop(self):
        self.over.set()
        self.join()


def is_whole(document, writers):
    tokens = {token for writer in writers for token in writer.acknowledged}
    items = [item["value"] for item in document["items"]]
    plays = int(document["counters"][0]["value"])
    return (tokens <= set(document["members"]) and tokens <= set(items) and len(items) == len(set(items))
            and tokens <= {field["name"] for field in document["fields"]}
            and len(tokens) <= plays <= sum(writer.tried for writer in writers))


def wait_equal(nodes, writers):
    wait_until(lambda: len({json.dumps(shown(node), sort_keys=True) for node in nodes}) == 1, "all nodes show the same", 90)
    document = shown(nodes[0])
    assert is_whole(document, writers)
    return document


def test_writers_on_three_nodes_lose_nothing_through_kills_and_a_partition(cluster):
    nodes = grow(cluster, 6, through_a_way=True)
    writers = [Writer(nodes[at], f"writer at {at}") for at in (0, 1, 3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.wait_more()

    through = [writer.node for writer in writers]
    victim = next((node for node in holders(nodes) if node not in through), nodes[5])
    victim.kill()
    for writer in writers:
        writer.wait_more()
    victim.start()

    with Partition(nodes[:3], nodes[3:]):
        for writer in writers:
            writer.wait_more()
        here, there = writers[0], writers[2]
        wait_until(lambda: shown(here.node) is not None, "this side can be read")
        assert there.acknowledged[-1] not in shown(here.node)["members"], "the network was not cut"
    for writer in writers:
        writer.wait_more(1)
        writer.stop()
    document = wait_equal(nodes, writers)
    assert len(document["members"]) >= 28

    for node in nodes:  # a power cut
        node.kill()
    for node in nodes:
        node.start()
    cluster.wait_complete()
    assert wait_equal(nodes, writers) == document


def test_a_writer_that_is_killed_writes_on_without_losing_what_it_wrote(cluster):
    nodes = grow(cluster, 3)
    for turn in range(4):
        assert edit(nodes[0], {"addMember": f"turn {turn}"}, {"count": {"name": "plays", "by": 1}})
        nodes[0].kill()
        nodes[0].start()
        cluster.wait_complete()
    for node in nodes:
        document = shown(node)
        assert document["members"] == [f"turn {turn}" for turn in range(4)]
        assert document["counters"] == [{"name": "plays", "value": "4"}]


def test_copies_are_made_again_and_follow_their_holders(cluster):
    nodes = grow(cluster, 4)
    assert edit(nodes[0], {"addMember": "a"})
    wait_until(lambda: len(holders(nodes)) == 3, "three copies", 30)
    victim = holders(nodes)[0]
    victim.kill()
    rest = [node for node in nodes if node is not victim]
    wait_until(lambda: len(holders(rest)) == 3, "three copies again", 60)
    victim.start()
    wait_until(lambda: len(holders(nodes)) == 3 and sum(documents(node)["handed_over"] for node in nodes) >= 1,
               "the copy too many is let go", 90)
    assert all(shown(node)["members"] == ["a"] for node in nodes)


def documents(node):
    return node.json("/network")["repair"]["documents"]


def test_a_node_that_leaves_hands_its_documents_over(cluster):
    nodes = grow(cluster, 4)
    names = [f"playlist/{number}" for number in range(6)]
    for name in names:
        assert edit(nodes[1], {"addMember": name}, name=name)
    wait_until(lambda: all(len(holders(nodes, name)) == 3 for name in names), "three copies of each", 60)
    result = at_node(nodes[3], "node", "drain")
    assert result.returncode == 0, result.stdout + result.stderr
    for name in names:
        assert len(holders(nodes[:3], name)) == 3
        assert shown(nodes[0], name)["members"] == [name]


def test_too_few_nodes_refuse_a_change_and_nothing_is_hidden(cluster):
    nodes = grow(cluster, 3)
    assert edit(nodes[0], {"addMember": "a"})
    for node in nodes[1:]:
        node.kill()
    refused = at_node(nodes[0], "rpc", nodes[0].name, "Documents.Edit",
                      json.dumps({"name": NAME, "steps": [{"addMember": "b"}]}))
    assert refused.returncode != 0 and "nodes" in refused.stderr
    for node in nodes[1:]:
        node.start()
    wait_until(lambda: edit(nodes[0], {"addMember": "c"}), "changes go on", 60)
    assert {"a", "c"} <= set(shown(nodes[2])["members"])


@pytest.mark.parametrize(("request_", "words"), [
    ({"name": ""}, "1 to 256 bytes"),
    ({"name": "x" * 257}, "1 to 256 bytes"),
    ({"name": NAME}, "1 to 1000 steps"),
    ({"name": NAME, "steps": [{}]}, "says nothing"),
    ({"name": NAME, "steps": [{"addMember": ""}]}, "1 to 256 bytes"),
    ({"name": NAME, "steps": [{"removeItem": "zz"}]}, "32 hexadecimal digits"),
    ({"name": NAME, "steps": [{"moveItem": {"id": "0" * 32, "index": 0}}]}, "no item"),
    ({"name": NAME, "steps": [{"setField": {"name": "a", "value": "x" * 20_000}}]}, "16384"),
])
def test_nonsense_is_refused_and_says_why(cluster_of_one, request_, words):
    result = at_node(cluster_of_one, "rpc", cluster_of_one.name, "Documents.Edit", json.dumps(request_))
    assert result.returncode != 0
    assert words in result.stderr
    assert shown(cluster_of_one) == {"fields": [], "members": [], "counters": [], "items": []}


@pytest.fixture(scope="module")
def cluster_of_one(new_module_node):
    return Cluster(new_module_node).add()


def test_a_removed_document_stays_removed(cluster):
    nodes = grow(cluster, 3)
    assert edit(nodes[0], {"addMember": "a"})
    assert edit(nodes[1], {"removeDocument": True})
    assert edit(nodes[2], {"addMember": "b"}) is None
    refused = at_node(nodes[0], "rpc", nodes[0].name, "Documents.Get", json.dumps({"name": NAME}))
    assert refused.returncode != 0 and "removed" in refused.stderr
