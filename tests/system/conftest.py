# SPDX-License-Identifier: AGPL-3.0-or-later
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fixtures import formats, mp3  # noqa: E402
from kadenza import BINARY, REPOSITORY, Node  # noqa: E402

urllib3.disable_warnings()


def pytest_configure(config):
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} does not exist: build it, or say where it is with KADENZA_BIN")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its nodes' logs, and all of what the sanitizers said."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for node in (node for keeper in item.listchain() for node in keeper.stash.get(NODES, [])):
            if complaint := node.complaint():
                report.sections.append((f"memory error of {node.url}", complaint))
            report.sections.append((f"log of {node.url}", node.log()[-6000:]))


NODES = pytest.StashKey()


def nodes_of(keeper, tmp_path_factory):
    """A function that makes nodes, and the list of those it made; `keeper` (a test, its module or the session) is
    whose failures show their logs."""
    made = []
    shown = keeper.stash.setdefault(NODES, [])

    def make(*options, start=True, **more):
        node = Node(tmp_path_factory.mktemp("node"), *options, **more)
        made.append(node)
        shown.append(node)
        return node.start() if start else node

    return make, made


def end(nodes):
    for node in nodes:
        node.destroy()
    complaints = [node.complaint() for node in nodes]
    assert not any(complaints), "\n".join(complaints)


@pytest.fixture
def new_node(request, tmp_path_factory):
    """Makes nodes that live as long as the test."""
    make, made = nodes_of(request.node, tmp_path_factory)
    yield make
    end(made)


@pytest.fixture(scope="module")
def new_module_node(request, tmp_path_factory):
    """Makes nodes that live as long as the module's tests."""
    make, made = nodes_of(request.node, tmp_path_factory)
    yield make
    end(made)


@pytest.fixture(scope="session")
def node(request, tmp_path_factory):
    """One node for all tests that neither stop it nor need it empty."""
    make, made = nodes_of(request.session, tmp_path_factory)
    yield make()
    end(made)


@pytest.fixture(autouse=True)
def the_shared_node_lives(request):
    """The test during which the shared node ended is the one that fails."""
    yield
    if "node" in request.fixturenames:
        node = request.getfixturevalue("node")
        if node.process.poll() is not None:
            code = node.process.returncode
            node.start()
            pytest.fail(f"the node ended with {code}")


@pytest.fixture(scope="session")
def album():
    """A folder with a real album, or with synthesised tunes where it cannot be fetched."""
    for script, folder in (("fetch_music", "music"), ("make_tunes", "tunes")):
        result = subprocess.run([REPOSITORY / "scripts" / script, REPOSITORY / "build" / folder],
                                stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode == 0:
            return Path(result.stdout.strip())
    raise RuntimeError("neither a real album nor synthesised tunes")


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """{format name: path} of one song in each format."""
    return formats.make_all(tmp_path_factory.mktemp("formats"))


@pytest.fixture(scope="session")
def next_tune():
    """Makes small MP3 that no other test has: next_tune() or next_tune(title=…, seconds=…)."""
    count = 0

    def make(seconds=1.0, cover=None, **tags):
        nonlocal count
        count += 1
        tags = {"title": f"Tune {count}", "artist": "System Test", "album": "Tests"} | tags
        return mp3.tune(count, seconds, cover=cover, **tags)

    return make
