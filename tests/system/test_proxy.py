# SPDX-License-Identifier: AGPL-3.0-or-later
"""`kadenza proxy`: an app sees one address, and does not notice which of the nodes behind it live."""
import http.client
import json
import re
import socket
import subprocess
import threading
import time

import pytest
import requests
from cluster import SLOWNESS, Cluster, Stopped
from fixtures import mp3
from kadenza import BINARY, assert_problem, free_port, run_cli, wait_until

LONG_SECONDS = 2000  # 80 MB at 320 kbit/s: a fifth is more than all buffers between a node and a listener hold
PIECE = 100_000
STALL = 0.5 * SLOWNESS  # seconds


class Proxy:
    """One `kadenza proxy` of somebody who has logged in nowhere; apps bring a log-in of their own."""

    def __init__(self, home, servers, *options, port=None):
        self.port = port or free_port()
        self.log_file = home / "proxy.log"
        self.process = subprocess.Popen(
            [BINARY, "proxy", "--listen", f"127.0.0.1:{self.port}", "--server", ",".join(servers), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=open(self.log_file, "wb"), text=True,  # noqa: SIM115
            env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
        assert f"http://127.0.0.1:{self.port}" in self.process.stdout.readline(), self.log()
        self.url = f"http://127.0.0.1:{self.port}"

    def log(self):
        return self.log_file.read_text(errors="replace")

    def app(self, nodes):
        """Somebody who logs in through the proxy, known to all nodes."""
        code = nodes[0].request("POST", "/session/code").json()["code"]
        session = requests.Session()
        session.trust_env = False
        answer = session.post(f"{self.url}/api/v1/session", json={"code": code}, timeout=60)
        assert answer.status_code == 201, answer.text
        session.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        for other in nodes:
            wait_until(lambda: session.get(f"{other.url}/api/v1/session", timeout=60).status_code == 200,  # noqa: B023
                       f"{other.name} knows the log-in")
        return session

    def connect(self, request):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(request)
        return connection

    def play(self, app, song):
        """A song for an app that takes its bytes slowly: they wait at the node, not in buffers on the way."""
        login = app.headers["Authorization"]
        path = f"/api/v1/songs/{song['id']}/audio"
        answer = http.client.HTTPResponse(self.connect(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\nConnection: close\r\n\r\n".encode()))
        answer.begin()
        assert answer.status == 200
        return answer

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def cluster(new_module_node):
    grown = Cluster(new_module_node)
    grown.grow(4)
    yield grown
    grown.close()


@pytest.fixture(scope="module")
def long_song(cluster):
    audio = mp3.tune(9500, LONG_SECONDS, 320, title="Through the Proxy", artist="The Middlemen", album="Unnoticed")
    return cluster.upload(cluster.nodes[0], [audio])[0]


@pytest.fixture
def new_proxy(tmp_path):
    made = []

    def make(servers, *options, **more):
        made.append(Proxy(tmp_path, servers, *options, **more))
        return made[-1]

    yield make
    codes = [proxy.stop() for proxy in made]
    assert not any(codes), made[0].log()


@pytest.fixture
def proxy(cluster, new_proxy):
    """One that was told of the first node only, and has learnt the others from an app's log-in."""
    made = new_proxy([cluster.nodes[0].url])
    made.session = made.app(cluster.nodes)
    assert made.session.get(f"{made.url}/api/v1/songs", timeout=60).status_code == 200
    wait_until(lambda: all(node.url in made.log() for node in cluster.nodes[1:]), "the proxy has met all nodes")
    return made


def serving(proxy, cluster):
    """The node from which the proxy's log last says that an answer came."""
    urls = re.findall(r"(?:from|at) (http://[\d.:]+)", proxy.log())
    return next((node for node in cluster.nodes if urls and node.url == urls[-1]), cluster.nodes[0])


class Killed:
    def __init__(self, node):
        self.node = node

    def __enter__(self):
        self.node.kill()

    def __exit__(self, *_):
        self.node.start()


@pytest.mark.parametrize("fault", [Killed, Stopped])
def test_a_song_plays_on_when_its_node_dies(cluster, new_proxy, long_song, fault):
    song, audio = long_song
    proxy = new_proxy([node.url for node in cluster.nodes], "--log-level", "debug")
    answer = proxy.play(proxy.app(cluster.nodes), song)
    assert answer.length == len(audio)
    received = answer.read(PIECE)
    with fault(serving(proxy, cluster)):
        received += answer.read()
    assert received == audio
    assert "goes on at byte" in proxy.log()


def test_a_song_plays_on_while_nodes_die_one_after_another(cluster, new_proxy, long_song):
    song, audio = long_song
    proxy = new_proxy([node.url for node in cluster.nodes], "--log-level", "debug")
    answer = proxy.play(proxy.app(cluster.nodes), song)
    received, waits, died = bytearray(answer.read(PIECE)), [], []

    def listen(fifths):
        while len(received) < len(audio) * fifths // 5:
            asked = time.monotonic()
            received.extend(answer.read(PIECE))
            waits.append(time.monotonic() - asked)

    listen(1)
    for fifths in (2, 3, 4):
        died.append(serving(proxy, cluster))
        died[-1].kill()
        listen(fifths)
        died[-1].start()
        cluster.wait_complete()
    listen(5)
    assert received == audio
    assert len(re.findall("goes on at byte", proxy.log())) >= 3, proxy.log()
    assert max(waits) <= STALL, f"it stalled for {max(waits):.3f} s; these died: {[node.name for node in died]}"


def test_uploads_and_searches_go_on_while_a_node_dies(cluster, proxy):
    tunes = [mp3.tune(9600 + number, 20, title=f"Sent {number}", artist="Proxied") for number in range(12)]
    answers, half = [], threading.Event()

    def send():
        for number, tune in enumerate(tunes):
            answers.append(proxy.session.post(f"{proxy.url}/api/v1/songs", data=tune, timeout=120))
            if number == 3:
                half.set()

    sender = threading.Thread(target=send)
    sender.start()
    assert half.wait(60)
    cluster.nodes[0].kill()
    try:
        sender.join(240)
        assert [answer.status_code for answer in answers] == [201] * len(tunes), [answer.text for answer in answers]
        for answer in answers:
            assert cluster.nodes[1].get(f"/songs/{answer.json()['song']['id']}").status_code == 200
        for words in ("sent", "proxied"):
            assert proxy.session.get(f"{proxy.url}/api/v1/search", params={"q": words}, timeout=60).status_code == 200
    finally:
        cluster.nodes[0].start()
        cluster.wait_complete()


def test_answers_are_those_of_a_node(cluster, proxy, long_song):
    song, audio = long_song
    node = cluster.nodes[0]
    path = f"/api/v1/songs/{song['id']}/audio"

    def ask(url, method="GET", **headers):
        return proxy.session.request(method, f"{url}{path}", headers=headers, timeout=60)

    for headers in ({"Range": "bytes=100-199"}, {"Range": "bytes=-100"}, {"Range": f"bytes={len(audio)}-"},
                    {"Range": f"bytes={len(audio) - 3_000_000}-"}):
        through, direct = ask(proxy.url, **headers), ask(node.url, **headers)
        assert (through.status_code, through.content) == (direct.status_code, direct.content)
        for field in ("Content-Range", "Content-Length", "Content-Type", "ETag", "Accept-Ranges"):
            assert through.headers.get(field) == direct.headers.get(field), field
    etag = ask(proxy.url, "HEAD").headers["ETag"]
    assert int(ask(proxy.url, "HEAD").headers["Content-Length"]) == len(audio)
    assert ask(proxy.url, **{"If-None-Match": etag}).status_code == 304
    assert proxy.session.get(f"{proxy.url}/", timeout=60).content == requests.get(f"{node.url}/", timeout=60).content
    assert "kadenza-proxy-" in ask(proxy.url, "HEAD").headers["Via"]


def test_a_stranger_gets_no_log_in_from_the_proxy(proxy):
    assert_problem(requests.get(f"{proxy.url}/api/v1/songs", timeout=60), 401, "unauthenticated")


def test_an_upload_in_chunks_and_one_that_waits_for_leave(cluster, proxy):
    tunes = [mp3.tune(9700 + number, 30, title=f"Chunks {number}", artist="Proxied") for number in range(2)]
    pieces = (tunes[0][at:at + 50_000] for at in range(0, len(tunes[0]), 50_000))
    assert proxy.session.post(f"{proxy.url}/api/v1/songs", data=pieces, timeout=120).status_code == 201
    head = (f"POST /api/v1/songs HTTP/1.1\r\nHost: x\r\nAuthorization: {proxy.session.headers['Authorization']}\r\n"
            f"Content-Length: {len(tunes[1])}\r\nExpect: 100-continue\r\n\r\n")
    with proxy.connect(head.encode()) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(tunes[1])
        assert connection.recv(1000).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(("request_bytes", "status"), [
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"nonsense\r\n\r\n", 400),
    (b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", 400),
    (b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", 501),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    (b"GET /" + b"y" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"POST /api/v1/songs HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000000\r\n\r\n", 413)])
def test_what_a_careful_proxy_refuses(proxy, request_bytes, status):
    with proxy.connect(request_bytes) as connection:
        answer = connection.makefile("rb").read()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]


def test_no_node_answers(new_proxy):
    nobody = f"http://127.0.0.1:{free_port()}"
    proxy = new_proxy([nobody])
    problem = assert_problem(requests.get(f"{proxy.url}/api/v1/songs", timeout=60), 503, "unavailable")
    assert nobody in problem["detail"]
    assert "--server" in problem["detail"]


def test_a_proxy_that_was_given_its_own_address_says_so(new_proxy):
    port = free_port()
    proxy = new_proxy([f"http://127.0.0.1:{port}"], port=port)
    problem = assert_problem(requests.get(f"{proxy.url}/api/v1/songs", timeout=60), 508, "loop")
    assert "--server" in problem["detail"]


def test_it_listens_on_this_machine_only(tmp_path):
    result = run_cli("proxy", "--listen", "0.0.0.0:4740", env={"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})
    assert result.returncode == 2
    assert "--listen" in result.stderr


def test_its_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run_cli("proxy", "--listen", f"127.0.0.1:{taken.getsockname()[1]}",
                         env={"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})
    assert result.returncode == 1
    assert "--listen" in result.stderr


def test_sigterm_lets_a_song_end(cluster, new_proxy, long_song):
    song, audio = long_song
    proxy = new_proxy([cluster.nodes[0].url])
    answer = proxy.play(proxy.app(cluster.nodes), song)
    received = answer.read(PIECE)
    proxy.process.terminate()
    wait_until(lambda: "stopping" in proxy.log(), "the proxy has heard of its end")
    assert received + answer.read() == audio
    assert proxy.process.wait(30) == 0
