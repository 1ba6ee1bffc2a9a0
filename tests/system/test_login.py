# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may come in: local token, password, bearer tokens."""
import stat

import pytest
import requests
from kadenza import assert_problem

CLOSED = [("GET", "/songs"), ("POST", "/songs"), ("GET", "/search?q=a"), ("GET", "/albums"), ("GET", "/artists"),
          ("GET", "/genres"), ("GET", "/totals"), ("GET", "/session"), ("DELETE", "/session"), ("POST", "/session/code")]


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "},
                                     {"Authorization": "Basic YWRtaW46YWRtaW4="}], ids=["none", "wrong", "empty", "basic"])
def test_nothing_without_a_log_in(node, method, path, headers):
    answer = requests.request(method, f"{node.url}/api/v1{path}", headers=headers, timeout=20)
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_what_is_open(node):
    for path in ("/healthz", "/readyz", "/metrics", "/"):
        assert requests.get(node.url + path, timeout=20).status_code == 200


def test_the_token_file_is_the_owner_s_alone(node):
    assert stat.S_IMODE(node.token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(node.token_file.parent.stat().st_mode) & 0o077 == 0
    assert node.token_file.read_text() == node.token + "\n"
    assert len(node.token) >= 40


def test_the_data_folder_is_the_owner_s_alone(node):
    for path in [node.data, *node.data.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0 or node.data != path and \
            stat.S_IMODE(node.data.stat().st_mode) & 0o077 == 0, path


def test_who_am_i(node):
    session = node.json("/session")
    assert session["role"] == "admin" and session["user"]


def test_a_wrong_password_says_nothing_more(node):
    known = node.json("/session")["user"]
    answers = [requests.post(f"{node.url}/api/v1/session", json={"user": user, "password": "wrong"}, timeout=20)
               for user in (known, "nobody-at-all")]
    problems = [assert_problem(answer, 401, "unauthenticated") for answer in answers]
    assert problems[0] == problems[1]


def test_bad_log_in_requests(node):
    for body in ({}, {"user": "admin"}, {"user": 1, "password": 2}, [], "x", {"code": ["x"]}):
        answer = requests.post(f"{node.url}/api/v1/session", json=body, timeout=20)
        assert_problem(answer, 400, "invalid_argument")
    answer = requests.post(f"{node.url}/api/v1/session", data=b"{" * 1000, timeout=20)
    assert_problem(answer, 400, "invalid_argument")
    answer = requests.post(f"{node.url}/api/v1/session", data=b" " * 1_000_000, timeout=20)
    assert answer.status_code in (400, 413)


def test_a_one_time_code_works_once(node):
    code = node.request("POST", "/session/code").json()["code"]
    first = requests.post(f"{node.url}/api/v1/session", json={"code": code}, timeout=20)
    assert first.status_code == 201
    token = first.json()["token"]
    assert requests.get(f"{node.url}/api/v1/totals", headers={"Authorization": f"Bearer {token}"}, timeout=20).ok
    again = requests.post(f"{node.url}/api/v1/session", json={"code": code}, timeout=20)
    assert_problem(again, 401, "unauthenticated")


def test_a_log_in_survives_a_restart_and_ends_with_the_log_out(new_node):
    node = new_node()
    code = node.request("POST", "/session/code").json()["code"]
    token = requests.post(f"{node.url}/api/v1/session", json={"code": code}, timeout=20).json()["token"]
    mine = {"Authorization": f"Bearer {token}"}

    def status():
        return requests.get(f"{node.url}/api/v1/session", headers=mine, timeout=20).status_code

    assert status() == 200
    node.stop()
    node.start()
    assert status() == 200
    assert requests.delete(f"{node.url}/api/v1/session", headers=mine, timeout=20).status_code == 204
    assert status() == 401
    node.kill()
    node.start()
    assert status() == 401


def test_guessing_is_slowed_down(new_node):
    node = new_node()
    user = node.json("/session")["user"]
    statuses = [requests.post(f"{node.url}/api/v1/session", json={"user": user, "password": f"guess {n}"},
                              timeout=60).status_code for n in range(12)]
    assert set(statuses) == {401, 429}
    assert node.json("/session")["user"] == user, "who is logged in stays so"
