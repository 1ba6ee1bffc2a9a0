# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real nodes and the real command line, driven from outside."""
import contextlib
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("KADENZA_BIN", REPOSITORY / "build/release/bin/kadenza"))
# AddressSanitizer keeps what was freed for a while and pads what is not.
MEMORY_FACTOR = 4 if BINARY.exists() and b"__asan_init" in BINARY.read_bytes() else 1
START_SECONDS = 30
STOP_SECONDS = 30
LONGEST_PAUSE = 0.25  # seconds between two questions
SANITIZER_REPORT = re.compile(r"^.*(?:ERROR: \w+Sanitizer|: runtime error: )", re.MULTILINE)


def wait_until(condition, what, seconds=20):
    """The first true answer of `condition`, asked again and again until the deadline; ever more seldom, because the
    questions cost the nodes the time in which they would come true."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.4, LONGEST_PAUSE)


# Below those that the system hands to outgoing connections; none comes twice before all others have come.
PORTS = itertools.cycle(random.sample(range(20000, 32000), 12000))


def is_free(port, kind):
    with socket.socket(type=kind) as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def free_port():
    """A loopback port that is free for TCP and UDP, and that no other node of this run has been given lately."""
    return next(port for port in PORTS if is_free(port, socket.SOCK_STREAM) and is_free(port, socket.SOCK_DGRAM))


class Node:
    """One `kadenza serve` with a folder, a configuration and a user's home of its own; alone unless told otherwise."""

    def __init__(self, home, *options, data=None, port=None, command_prefix=(), standalone=True):
        self.home = Path(home)
        self.data = Path(data or self.home / "data")
        self.config = self.home / "config"
        self.port = port or free_port()
        self.options = list(options)
        self.standalone = standalone
        self.command_prefix = list(command_prefix)
        self.log_file = self.home / "node.log"
        self.process = None
        self.scheme = "http"
        self._http = None
        self.config.mkdir(parents=True, exist_ok=True)

    # ---- life

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def token_file(self):
        return self.config / "kadenza" / "tokens" / f"127.0.0.1_{self.port}"

    @property
    def token(self):
        return self.token_file.read_text().strip()

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("KADENZA_") and name not in ("LANGUAGE", "LC_MESSAGES", "LC_ALL", "LANG")}
        return kept | {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.config), "LC_ALL": "C.UTF-8",
                       "XDG_DATA_HOME": str(self.home / "share"), "XDG_STATE_HOME": str(self.home / "state"),
                       "XDG_CACHE_HOME": str(self.home / "cache")} | more

    def command(self):
        alone = ["--standalone"] if self.standalone else []
        return [*self.command_prefix, str(BINARY), "serve", *alone, "--data", str(self.data),
                "--http", f"127.0.0.1:{self.port}", *map(str, self.options)]

    def launch(self):
        """Starts the process without waiting for it."""
        assert not self.process or self.process.poll() is not None, "it runs already: its process would be left behind"
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment(), start_new_session=True)
        self._http = None
        return self

    def start(self):
        self.launch()
        wait_until(self.is_ready, f"ready at {self.url}", START_SECONDS)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the node ended with {self.process.returncode}:\n{self.log()[-4000:]}")
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            return requests.get(f"{self.url}/readyz", timeout=5, verify=False).status_code == 200
        return False

    def kill(self):
        """The end without warning: SIGKILL to the node; what it had started must end by itself."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not self.processes(), "the killed node's helpers are gone")

    def stop(self):
        """The orderly end; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        wait_until(lambda: not self.processes(), "the stopped node's helpers are gone")
        return code

    def destroy(self):
        """Ends whatever is left of this node, and only of this node."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def processes(self):
        """Ids of the node's living processes: the session that it was started in."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[3]) == self.process.pid and fields[0] not in "ZX":
                        found.append(int(entry.name))
        return found

    def memory(self, what="Pss"):
        """MB of all its processes: "Pss" shares common pages out, "Rss" counts them in each."""
        total = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith(f"{what}:"):
                        total += int(line.split()[1])
        return total / 1000

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def complaint(self):
        """The sanitizers' report, which is the node's last words; empty when there is none."""
        found = SANITIZER_REPORT.search(log := self.log())
        return log[found.start():][:12_000] if found else ""

    # ---- HTTP

    @property
    def http(self):
        if self._http is None:
            self._http = requests.Session()
            self._http.headers["Authorization"] = f"Bearer {self.token}"
            self._http.verify = False
            self._http.trust_env = False  # proxies and certificates of whoever runs the tests
        return self._http

    def request(self, method, path, **options):
        base = "" if path.startswith(("/healthz", "/readyz", "/metrics")) else "/api/v1"
        options.setdefault("timeout", 60)
        return self.http.request(method, f"{self.url}{base}{path}", **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def json(self, path, **params):
        answer = self.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, audio, **params):
        """POSTs bytes or a file's content as they are."""
        if isinstance(audio, Path):
            audio = audio.read_bytes()
        return self.request("POST", "/songs", data=audio, params=params)

    def stored(self, audio, **params):
        """Uploads what must be accepted; returns the song."""
        answer = self.upload(audio, **params)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["song"]

    def audio(self, song_id, **headers):
        return self.get(f"/songs/{song_id}/audio", headers=headers)

    def search(self, words, **params):
        return self.json("/search", q=words, **params)

    def finds(self, song, words):
        """Waits until a search for the words finds the song; a search that does not must say that it is partial or
        come within the second that is promised after an upload."""
        started = time.monotonic()

        def found():
            results = self.search(words)
            assert results["partial"] or time.monotonic() - started < 3 or \
                song["id"] in [hit["id"] for hit in results["songs"]], f"{words!r} does not find {song['title']!r}"
            return song["id"] in [hit["id"] for hit in results["songs"]]

        return wait_until(found, f"{words!r} finds {song['title']!r}", 10)

    def connect(self, receive_buffer=None):
        """A bare TCP connection, for clients that misbehave."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def head(self, method, path, *fields):
        """The bytes of a request head."""
        lines = [f"{method} /api/v1{path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}",
                 f"Authorization: Bearer {self.token}", *fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    # ---- command line

    def cli(self, *arguments, **options):
        """Runs a client command against this node, as the same person on the same machine."""
        return run_cli(*arguments, env=self.environment(KADENZA_SERVER=self.url, **options.pop("env", {})), **options)

    def cli_json(self, *arguments, expect=0):
        result = self.cli(*arguments, "--json")
        assert result.returncode == expect, result.stdout + result.stderr
        return json.loads(result.stdout)


def run_cli(*arguments, env, timeout=120, text=True, **options):
    return subprocess.run([str(BINARY), *map(str, arguments)], env=env, capture_output=True, text=text,
                          stdin=subprocess.DEVNULL, timeout=timeout, **options)


def assert_problem(answer, status, code):
    """The answer is an RFC 9457 problem document with this status and code, and a sentence for people."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:500]}"
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert problem["type"] == f"urn:kadenza:problem:{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert len(problem["detail"]) > 10
    return problem
