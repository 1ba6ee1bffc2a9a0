# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stopping, starting again, and starting wrongly."""
import socket
import time

from kadenza import wait_until


def test_everything_is_there_after_a_restart(new_node, files):
    node = new_node()
    songs = {name: node.stored(path) for name, path in files.items()}
    wait_until(lambda: all(node.get(f"/songs/{song['id']}/waveform").status_code == 200 for song in songs.values()),
               "all are analysed", 60)
    facts = {name: node.json(f"/songs/{song['id']}/waveform") for name, song in songs.items()}
    totals = node.json("/totals")
    for end in (node.stop, node.kill, node.stop):
        end()
        node.start()
        assert node.json("/totals") == totals
        for name, song in songs.items():
            assert node.json(f"/songs/{song['id']}") == song
            assert node.audio(song["id"]).content == files[name].read_bytes()
            assert node.json(f"/songs/{song['id']}/waveform") == facts[name]
            assert song["id"] in [hit["id"] for hit in node.search(song["title"])["songs"]]


def test_stopping_is_orderly_and_quick(new_node, next_tune):
    node = new_node()
    node.stored(next_tune())
    idle = node.connect()  # a kept connection with nothing to say does not delay the end
    started = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - started < 8
    idle.close()


def test_stopping_lets_what_is_under_way_finish(new_node, next_tune):
    node = new_node()
    tune = next_tune(seconds=600)
    song = node.stored(tune)
    with node.connect(receive_buffer=8192) as connection:
        connection.sendall(node.head("GET", f"/songs/{song['id']}/audio"))
        data = connection.recv(4096)
        node.process.terminate()
        wait_until(lambda: not accepts(node), "no new connections")
        while piece := connection.recv(65536):
            data += piece
    assert data.partition(b"\r\n\r\n")[2] == tune
    assert node.process.wait(20) == 0


def accepts(node):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", node.port)) == 0


def refused_start(node, *words, code=None, seconds=20):
    """Starts what must not start; returns what it said."""
    before = len(node.log())
    node.launch()
    status = node.process.wait(seconds)
    said = node.log()[before:]
    assert status not in (0, -6, -11), said
    assert code is None or status == code, f"exit code {status}: {said}"
    for word in words:
        assert word.lower() in said.lower(), said
    return said


def test_a_second_node_on_the_same_folder(new_node, next_tune):
    first = new_node()
    song = first.stored(next_tune())
    second = new_node(data=first.data, start=False)
    refused_start(second, "in use", str(first.data))
    assert first.json(f"/songs/{song['id']}") == song


def test_an_address_in_use(new_node):
    first = new_node()
    second = new_node(port=first.port, start=False)
    said = refused_start(second, str(first.port))
    assert "in use" in said.lower()
    assert first.get("/readyz").status_code == 200


def test_a_data_folder_that_cannot_be_one(new_node, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    refused_start(new_node(data=tmp_path / "file", start=False), str(tmp_path / "file"))


def test_a_new_address_for_the_same_folder(new_node, next_tune):
    first = new_node()
    song = first.stored(next_tune())
    first.stop()
    second = new_node(data=first.data)
    assert second.json(f"/songs/{song['id']}") == song


def test_wrong_options_are_usage_errors(new_node):
    for options in (["--no-such-option"], ["--capacity", "plenty"], ["--http", "nonsense"], ["--http", "127.0.0.1:99999"],
                    ["--log-level", "loud"], ["--tls-cert", "/nowhere/cert.pem"]):
        said = refused_start(new_node(*options, start=False), code=2)
        assert options[0].strip("-") in said or options[-1] in said


def test_the_configuration_file(new_node):
    node = new_node(start=False)
    file = node.config / "kadenza" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    for content, words in (('[serve]\nno_such_key = 1\n', ("no_such_key", "config.toml")),
                           ('[serve\n', ("config.toml", "line 1")), ('[serve]\ncapacity = [[1]]\n', ("capacity",)),
                           ('[serve]\ncapacity = "plenty"\n', ("plenty",)), ('[serve]\nthreads = -3\n', ("threads",))):
        file.write_text(content)
        refused_start(node, *words, code=2)
    file.write_text('[serve]\ncapacity = "100MB"\n')
    node.start()
    assert node.stop() == 0


def test_leaving_the_machine_without_tls_needs_a_word(new_node):
    node = new_node("--http", "0.0.0.0:0", start=False)
    refused_start(node, "tls", code=2)
