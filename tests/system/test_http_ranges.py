# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ranges and conditional requests (RFC 9110, sections 13 and 14) against the real server and real bytes."""
import email.utils
import random
import socket

import pytest
import requests
from kadenza import assert_problem


@pytest.fixture(scope="module")
def tune(next_tune):
    return next_tune(seconds=30, title="Ranges")


@pytest.fixture(scope="module")
def song(node, tune):
    return node.stored(tune)


@pytest.fixture(scope="module")
def etag(node, song):
    return node.audio(song["id"]).headers["ETag"]


def test_whole(node, song, tune):
    answer = node.audio(song["id"])
    assert answer.status_code == 200
    assert answer.content == tune
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(tune))
    assert answer.headers["Content-Type"] == "audio/mpeg"
    assert answer.headers["ETag"].startswith('"') and answer.headers["ETag"].endswith('"')
    assert email.utils.parsedate_to_datetime(answer.headers["Last-Modified"])
    assert "Content-Range" not in answer.headers


def test_head_says_what_get_says_without_the_bytes(node, song, tune):
    get, head = node.audio(song["id"]), node.request("HEAD", f"/songs/{song['id']}/audio")
    assert head.status_code == 200 and head.content == b""
    for field in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
        assert head.headers[field] == get.headers[field]


@pytest.mark.parametrize("wanted", [(0, 0), (0, 99), (1, 65536), (65535, 65536), (65536, 131071), (100_000, None),
                                    (None, 1), (None, 1000), (None, 10**9), (0, 10**12), (3, 10**19)])
def test_one_range(node, song, tune, wanted):
    first, last = wanted
    field = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        begin, end = max(0, len(tune) - last), len(tune)
    else:
        begin, end = first, len(tune) if last is None else min(last + 1, len(tune))
    answer = node.audio(song["id"], Range=field)
    assert answer.status_code == 206
    assert answer.content == tune[begin:end]
    assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(tune)}"
    assert answer.headers["Content-Length"] == str(end - begin)
    assert answer.headers["Content-Type"] == "audio/mpeg"


def test_many_random_ranges_on_one_connection(node, song, tune):
    chance = random.Random(3)
    for _ in range(200):
        begin = chance.randrange(len(tune))
        end = min(len(tune), begin + chance.choice((1, 2, 1000, 65536, 70000)))
        answer = node.audio(song["id"], Range=f"bytes={begin}-{end - 1}")
        assert (answer.status_code, answer.content) == (206, tune[begin:end])


@pytest.mark.parametrize("field", ["bytes=240000000-", "bytes=240000000-240000001", "bytes=-0"])
def test_unsatisfiable(node, song, tune, field):
    answer = node.audio(song["id"], Range=field)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(tune)}"


@pytest.mark.parametrize("field", ["bytes=5-4", "bytes=a-b", "bytes=", "bytes", "chunks=0-1", "bytes=--1", "bytes=1",
                                   "bytes=0x1-0x2", "bytes=-", "bytes = 1-2 x", "Bytes 0-1"])
def test_malformed_ranges_and_other_units_are_ignored(node, song, tune, field):
    answer = node.audio(song["id"], Range=field)
    assert answer.status_code == 200
    assert answer.content == tune


def test_several_ranges_never_cost_more_than_the_whole(node, song, tune):
    answer = node.audio(song["id"], Range="bytes=" + ",".join(f"{n}-" for n in range(200)))
    assert answer.status_code in (200, 206, 416)
    assert len(answer.content) <= len(tune) + 1000


def test_range_with_head(node, song):
    answer = node.request("HEAD", f"/songs/{song['id']}/audio", headers={"Range": "bytes=0-9"})
    assert answer.status_code in (200, 206)  # Range is defined for GET only
    assert answer.content == b""


def test_if_none_match(node, song, etag):
    for field in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        answer = node.audio(song["id"], **{"If-None-Match": field})
        assert answer.status_code == 304, field
        assert answer.content == b""
        assert answer.headers["ETag"] == etag
    for field in ('"other"', etag.strip('"')):
        assert node.audio(song["id"], **{"If-None-Match": field}).status_code == 200


def test_if_none_match_wins_over_a_range(node, song, etag):
    assert node.audio(song["id"], **{"If-None-Match": etag, "Range": "bytes=0-9"}).status_code == 304


def test_if_modified_since(node, song):
    modified = node.audio(song["id"]).headers["Last-Modified"]
    assert node.audio(song["id"], **{"If-Modified-Since": modified}).status_code == 304
    assert node.audio(song["id"], **{"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}).status_code == 200
    assert node.audio(song["id"], **{"If-Modified-Since": "yesterday"}).status_code == 200
    both = {"If-Modified-Since": modified, "If-None-Match": '"other"'}
    assert node.audio(song["id"], **both).status_code == 200


def test_if_match(node, song, etag):
    assert node.audio(song["id"], **{"If-Match": etag}).status_code == 200
    assert node.audio(song["id"], **{"If-Match": "*"}).status_code == 200
    assert node.audio(song["id"], **{"If-Match": '"other"'}).status_code == 412
    assert node.audio(song["id"], **{"If-Match": f"W/{etag}"}).status_code == 412
    old = {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    assert node.audio(song["id"], **old).status_code == 412


def test_if_range(node, song, tune, etag):
    modified = node.audio(song["id"]).headers["Last-Modified"]
    for field, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200), ("Thu, 01 Jan 1970 00:00:00 GMT", 200)):
        answer = node.audio(song["id"], **{"Range": "bytes=0-9", "If-Range": field})
        assert answer.status_code == status, field
        assert answer.content == (tune[:10] if status == 206 else tune)
    assert node.audio(song["id"], **{"Range": "bytes=0-9", "If-Range": modified}).status_code in (200, 206)


def test_an_unknown_song(node):
    for path in ("", "/audio", "/cover", "/waveform"):
        assert_problem(node.get(f"/songs/{'a' * 51}q{path}"), 404, "not_found")


def test_a_wrong_method(node, song):
    answer = node.request("PUT", f"/songs/{song['id']}/audio")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"] and "HEAD" in answer.headers["Allow"]


def test_pipelined_requests_are_answered_in_order(node, song, tune):
    path = f"/songs/{song['id']}/audio"
    requests_ = b"".join(node.head("GET", path, f"Range: bytes={n}-{n}") for n in range(1000, 1020))
    with node.connect() as connection:
        connection.sendall(requests_ + node.head("GET", path, "Range: bytes=0-0", "Connection: close"))
        answers = read_all(connection).split(b"HTTP/1.1 206")[1:]
    assert [answer[-1:] for answer in answers] == [tune[n:n + 1] for n in [*range(1000, 1020), 0]]


def read_all(connection):
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def test_http_1_0_and_connection_close(node, song, tune):
    with node.connect() as connection:
        head = node.head("GET", f"/songs/{song['id']}/audio").replace(b"HTTP/1.1", b"HTTP/1.0")
        connection.sendall(head)
        answer = read_all(connection)  # ends, because the server closes
    assert answer.endswith(tune)


def test_expect_100_continue(node, next_tune):
    tune = next_tune(title="Patient")
    with node.connect() as connection:
        connection.sendall(node.head("POST", "/songs", f"Content-Length: {len(tune)}", "Expect: 100-continue"))
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
        connection.sendall(tune)
        assert connection.recv(4096).startswith(b"HTTP/1.1 201")


NO_HTTP = {
    "no target": b"GET\r\n\r\n", "control characters": b"\0\1\2\3\r\n\r\n", "version 9.9": b"GET / HTTP/9.9\r\n\r\n",
    "field without colon": b"GET / HTTP/1.1\r\nHost: a\r\nBad Field\r\n\r\n",
    "negative length": b"POST /api/v1/songs HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST /api/v1/songs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "huge field": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    "huge target": b"GET /" + b"z" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
}


@pytest.mark.parametrize("request_bytes", NO_HTTP.values(), ids=NO_HTTP)
def test_requests_that_are_no_http(node, request_bytes):
    with node.connect() as connection:
        try:
            connection.sendall(request_bytes)
            connection.shutdown(socket.SHUT_WR)
            answer = read_all(connection)
        except ConnectionError:
            answer = b""  # cut off, which is an answer as well
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
    assert node.get("/healthz").status_code == 200


def test_the_browser_s_token_parameter(node, song, tune):
    for path in ("audio", "cover"):
        answer = requests.get(f"{node.url}/api/v1/songs/{song['id']}/{path}", timeout=20)
        assert_problem(answer, 401, "unauthenticated")
    url = f"{node.url}/api/v1/songs/{song['id']}/audio?access_token={node.token}"
    assert requests.get(url, timeout=20).content == tune
    assert requests.get(f"{node.url}/api/v1/totals?access_token={node.token}", timeout=20).status_code in (400, 401)
    assert node.token not in node.log()
