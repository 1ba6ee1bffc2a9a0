# SPDX-License-Identifier: AGPL-3.0-or-later
"""Several nodes that are one library, the ways between them, and people who listen."""
import asyncio
import base64
import contextlib
import os
import pathlib
import re
import signal
import socket
import threading
import time

import requests
from kadenza import MEMORY_FACTOR, free_port, run_cli, wait_until

REPLICAS = 3
QUORUM = 2
# What is promised of a release build on a machine that does nothing else.
SLOWNESS = 4 if MEMORY_FACTOR > 1 else 1


class Cluster:
    """Nodes of one cluster on this machine; the first one began it. Each has a HOST:PORT `rpc` at which it listens for
    the others; `way`, if it was asked for, is what their packets to it pass."""

    def __init__(self, new_node):
        self.new_node = new_node
        self.nodes = []

    def add(self, *options, start=True, token=None, through_a_way=False, data=None):
        port = free_port()
        way = Way(port, self.nodes) if through_a_way else None
        name = f"node{len(self.nodes)}"
        options = ["--rpc", f"127.0.0.1:{port}", "--name", name, *options]
        if way:
            options += ["--advertise", f"127.0.0.1:{way.port}"]
        if self.nodes:
            options += ["--join", token or invite(self.nodes[0])]
        node = self.new_node(*options, standalone=False, start=False, data=data)
        node.rpc, node.rpc_port, node.way, node.name = f"127.0.0.1:{port}", port, way, name
        self.nodes.append(node)
        return node.start() if start else node

    def grow(self, count, **options):
        """Adds nodes until there are `count`, and waits until each knows all others."""
        while len(self.nodes) < count:
            self.add(**options)
        self.wait_complete()
        return self.nodes

    def wait_complete(self, nodes=None):
        nodes = nodes or self.nodes
        ids = {id_of(node) for node in nodes}
        for node in nodes:
            try:
                wait_until(lambda: ids - {id_of(node)} <= live_contacts(node) and ids <= usable_members(node),  # noqa: B023
                           f"{node.name} knows all others", 30)
            except TimeoutError:
                print(f"{[(other.name, id_of(other), other.rpc) for other in nodes]}\n{node.name} knows", node.json("/network"))
                raise

    def others(self, *those):
        return [node for node in self.nodes if node not in those]

    def holders(self, song):
        """The nodes that have the song's audio on disk, whether they live or not."""
        return [node for node in self.nodes if song["audio_hash"] in stored_blobs(node)]

    def wait_replicated(self, songs, copies=REPLICAS):
        for song in songs:
            wait_until(lambda: len(self.holders(song)) >= copies, f"{copies} copies of {song['title']!r}", 60)  # noqa: B023

    def upload(self, node, tunes):
        """Uploads MP3 through the node; [(song, its bytes)] once all copies are there."""
        songs = [(node.stored(tune), tune) for tune in tunes]
        self.wait_replicated([song for song, _ in songs])
        return songs

    def close(self):
        for node in self.nodes:
            if node.way:
                node.way.close()


def at_node(node, *arguments, **options):
    """A command of the person who runs the node."""
    return run_cli(*arguments, "--data", node.data, env=node.environment(), **options)


def invite(node, *options):
    result = at_node(node, "cluster", "invite", *options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip()


def id_of(node):
    if not hasattr(node, "id"):
        node.id = node.json("/network")["self"]
    return node.id


def live_contacts(node):
    return {contact["id"] for bucket in node.json("/network")["buckets"] for contact in bucket["contacts"]
            if contact["state"] == "live"}


def usable_members(node):
    """Whom the node would ask to store or read. It looks again only when it is asked for something."""
    node.get(f"/songs/{'a' * 51}q")
    return {member["id"] for member in node.json("/network")["nodes"] if member["healthy"]}


def stored_blobs(node):
    """{name: path} of the files in the node's blob store."""
    folder = node.data / "blobs"
    named = {"".join(path.relative_to(folder).parts): path for path in folder.rglob("*") if path.is_file()}
    return {name[-52:]: path for name, path in named.items() if re.search(r"[a-z2-7]{52}$", name)}


def base32(digest):
    return base64.b32encode(digest).decode().rstrip("=").lower()


def wait_held(node, song, seconds=30):
    """Waits until the node knows the song, by its own catalogue or another's."""
    wait_until(lambda: node.get(f"/songs/{song['id']}").status_code == 200, f"{node.name} knows {song['title']!r}",
               seconds)


def is_stopped(pid):
    """None of its threads runs any more: on busy processors that takes a while after the signal."""
    with contextlib.suppress(OSError):
        threads = [(thread / "stat").read_text() for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()]
        return all(stat.rpartition(")")[2].split()[0] == "T" for stat in threads)
    return False


class Stopped:
    """A node that neither runs nor ends: SIGSTOP to all of its processes."""

    def __init__(self, node):
        self.node = node

    def __enter__(self):
        for pid in self.node.processes():
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: all(map(is_stopped, self.node.processes())), f"the node at {self.node.url} has stopped")

    def __exit__(self, *_):
        for pid in self.node.processes():
            os.kill(pid, signal.SIGCONT)


class Partition:
    """Two groups of nodes, each with a way, between which nothing passes."""

    def __init__(self, ones, others):
        self.groups = [(ones, others), (others, ones)]

    def __enter__(self):
        for group, other in self.groups:
            for node in group:
                node.way.cut_from = {far.rpc_port for far in other}

    def __exit__(self, *_):
        for group, _ in self.groups:
            for node in group:
                node.way.cut_from = set()


def node_of_connection(nodes, port, to_port):
    """The node that has the TCP connection between these ports of this machine; None for others' connections."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if [int(end.split(":")[1], 16) for end in fields[1:3]] == [port, to_port]:
            wanted = f"socket:[{fields[9]}]"
            break
    else:
        return None
    for node in nodes:
        for pid in node.processes():
            for file in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(file) == wanted:
                        return node
    return None


class Way:
    """What the packets to a node pass: open, cut, or slow. Relays TCP and UDP from `port` to the node's own port."""

    def __init__(self, target, nodes):
        self.target = target
        self.nodes = nodes
        self.port = free_port()
        self.is_cut = False
        self.cut_from = set()  # RPC ports of nodes whose packets do not pass, either way
        self.bytes_per_second = None  # of what the node sends over TCP, all connections together
        self.loop = asyncio.new_event_loop()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._opened.wait()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._open())
        self._opened.set()
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0.01))

    async def _open(self):
        self._next_send = self.loop.time()
        await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=65536)
        await self.loop.create_datagram_endpoint(lambda: DatagramWay(self), ("127.0.0.1", self.port))

    async def _connected(self, reader, writer):
        sender = await self._sender(writer.get_extra_info("peername")[1])
        await self._while_cut(sender)
        try:
            there, to_node = await asyncio.open_connection("127.0.0.1", self.target, limit=65536)
        except OSError:
            writer.transport.abort()
            return
        async with asyncio.TaskGroup() as directions:
            directions.create_task(self._copy(reader, to_node, sender, slow=False))
            directions.create_task(self._copy(there, writer, sender, slow=True))

    async def _copy(self, reader, writer, sender, slow):
        with contextlib.suppress(OSError):
            while piece := await reader.read(2048 if slow and self.bytes_per_second else 65536):
                await self._while_cut(sender)
                if slow and self.bytes_per_second:
                    self._next_send = max(self._next_send, self.loop.time()) + len(piece) / self.bytes_per_second
                    await asyncio.sleep(self._next_send - self.loop.time())
                writer.write(piece)
                await writer.drain()
        writer.transport.abort() if reader.exception() else writer.close()

    async def _sender(self, port):
        """The RPC port of the node that has the connection; the kernel's list of them may miss one that is new."""
        for _ in range(50):
            if node := node_of_connection(self.nodes, port, self.port):
                return node.rpc_port
            await asyncio.sleep(0.01)
        return None

    def cuts_off(self, sender):
        return self.is_cut or sender in self.cut_from or bool(self.cut_from and sender is None)

    async def _while_cut(self, sender):
        while self.cuts_off(sender):
            await asyncio.sleep(0.02)


class DatagramWay(asyncio.DatagramProtocol):
    """Each sender gets a socket of its own towards the node, as behind a home router."""

    def __init__(self, way):
        self.way = way
        self.towards = {}

    def connection_made(self, transport):
        self.outside = transport

    def datagram_received(self, data, sender):
        if self.way.cuts_off(sender[1]):
            return
        if sender not in self.towards:
            inside = socket.socket(type=socket.SOCK_DGRAM)
            inside.setblocking(False)
            inside.connect(("127.0.0.1", self.way.target))
            self.towards[sender] = inside
            self.way.loop.add_reader(inside, self._answered, inside, sender)
        with contextlib.suppress(OSError):
            self.towards[sender].send(data)

    def _answered(self, inside, sender):
        with contextlib.suppress(OSError):
            data = inside.recv(65536)
            if not self.way.cuts_off(sender[1]):
                self.outside.sendto(data, sender)


class Listener(threading.Thread):
    """Plays a song through a node at a steady pace; knows afterwards what came, and the longest wait for it."""

    def __init__(self, node, song, bytes_per_second=None):
        super().__init__(daemon=True)
        self.node, self.song, self.pace = node, song, bytes_per_second
        self.received = bytearray()
        self.first_byte = self.longest_wait = None
        self.error = None

    def run(self):
        try:
            self._play()
        except OSError as error:
            self.error = error

    def _play(self):
        with self.node.connect(receive_buffer=65536) as connection:
            asked = time.monotonic()
            connection.sendall(self.node.head("GET", f"/songs/{self.song['id']}/audio", "Connection: close"))
            head, waits, began, got = b"", [], None, 0
            while True:
                before = time.monotonic()
                piece = connection.recv(16384)
                now = time.monotonic()
                if not piece:
                    break
                if began is None:
                    head += piece
                    before_body, blank, piece = head.partition(b"\r\n\r\n")
                    if not blank or not piece:
                        continue
                    assert head.startswith(b"HTTP/1.1 200"), before_body.decode(errors="replace")
                    began, self.first_byte = now, now - asked
                else:
                    waits.append(now - before)
                self.received += piece
                got += len(piece)
                if self.pace:
                    time.sleep(max(0, began + got / self.pace - time.monotonic()))
            self.longest_wait = max(waits, default=0)

    def check(self, audio, stall, first_byte=None):
        assert self.error is None, f"{self.song['title']!r}: {self.error}"
        assert bytes(self.received) == audio, f"{len(self.received)} of {len(audio)} bytes of {self.song['title']!r}"
        assert self.longest_wait <= stall, f"{self.song['title']!r} stalled for {self.longest_wait:.3f} s"
        if first_byte:
            assert self.first_byte <= first_byte, f"{self.song['title']!r} began after {self.first_byte:.3f} s"


def play_all(node, songs, stall, first_byte):
    """Plays one song after the other; each must come at once and unchanged."""
    for song, audio in songs:
        listener = Listener(node, song)
        listener.run()
        listener.check(audio, stall, first_byte)


def upload_at_once(nodes, bodies):
    """Uploads bodies[n] through nodes[n], all at the same moment; the answers."""
    start, answers = threading.Barrier(len(nodes)), [None] * len(nodes)

    def upload(number):
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {nodes[number].token}"
        session.trust_env = False
        start.wait()
        answers[number] = session.post(f"{nodes[number].url}/api/v1/songs", data=bodies[number], timeout=60)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(len(nodes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
