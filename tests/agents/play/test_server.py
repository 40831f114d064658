"""The server: whom it answers, what it refuses, and that nobody breaks a game or acts for another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from agents.play.guard import MOST_BYTES, Guard
from agents.play.lessons import Lessons
from agents.play.server import application
from agents.play.store import Store
from sd_env.record import read_log, verify

ADDRESS = "http://127.0.0.1:8765"
NAMES = ["127.0.0.1:8765", "localhost:8765"]
WISH: dict[str, Any] = {
    "ask": "a" * 16, "scenario": "jervis/doubly-dangerous", "people": ["state_0", "state_1"], "against": [],
    "games": 1, "seed": 3, "forecasts": True,
}  # fmt: skip


class Guest:
    """A client that holds a key."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client, self.key = client, key

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(path, headers={"authorization": f"Bearer {self.key}", **headers})

    def post(self, path: str, wish: Any, **headers: str) -> httpx2.Response:
        told = {"authorization": f"Bearer {self.key}", "content-type": "application/json", **headers}
        return self.client.post(path, content=json.dumps(wish), headers=told)

    def act(self, turn: int, choices: list[int], forecast: Any = ()) -> httpx2.Response:
        return self.post("/api/act", {"turn": turn, "choices": choices, "forecast": list(forecast)})


@pytest.fixture
def lessons() -> Lessons:
    return Lessons(Store(None), ["dove", "tit-for-tat", "hawk"])


@pytest.fixture
def client(lessons: Lessons) -> Iterator[TestClient]:
    with TestClient(application(lessons, NAMES), base_url=ADDRESS) as found:
        yield found


def begun(client: TestClient, lessons: Lessons, **changes: Any) -> tuple[Guest, list[Guest]]:
    """The teacher of a new lesson, and the guests of its first game."""
    made = Guest(client, lessons.store.host).post("/api/lessons", {**WISH, **changes})
    assert made.status_code == 200, made.text
    teacher = Guest(client, made.json()["lesson"])
    [first, *_] = teacher.get("/api/lesson").json()["games"]
    return teacher, [Guest(client, seat["key"]) for seat in first["seats"]]


QUIET = [0, 0, 0, 1]


def test_a_whole_game_of_two_with_its_ending(client: TestClient, lessons: Lessons, tmp_path: Path) -> None:
    teacher, guests = begun(client, lessons)
    while not (view := guests[0].get("/api/seat").json())["over"]:
        assert "ending" not in view
        for guest in guests:
            assert guest.act(view["turn"] + 1, QUIET, [[1, 0, 0.1]] if guest is guests[0] else ()).status_code == 200
    assert [each["name"] for each in view["reveal"]["states"]] == ["State_0", "State_1"]
    assert view["reveal"]["states"][0]["forecast"]["brier"] == 0.01
    replay = client.get(f"/replay/{view['ending']}")
    assert replay.status_code == 200 and "Content-Security-Policy" in replay.text
    assert "frame-ancestors 'none'" in replay.headers["content-security-policy"]
    kept = client.get(f"/log/{view['ending']}")
    (tmp_path / "game.jsonl").write_bytes(kept.content)
    assert 'filename="jervis-doubly-dangerous.jsonl"' in kept.headers["content-disposition"]
    assert verify(read_log(tmp_path / "game.jsonl"))
    row = teacher.get("/api/lesson").json()["games"][0]
    assert row["over"] and row["reveal"] == view["reveal"]
    assert teacher.get("/api/lesson.csv").text.count("\n") == 3


def test_the_page_and_its_parts_ask_for_nothing_from_elsewhere(client: TestClient) -> None:
    paths = [*files("agents.play").joinpath("page").iterdir(), files("sd_env.show").joinpath("elements.js")]
    parts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    assert {"page.html", "page.css", "main.js"} < parts.keys()
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
    for name in ("", *parts):
        answer, kind = client.get(f"/{name}"), kinds[(name or "page.html").rpartition(".")[2]]
        assert answer.text == parts[name or "page.html"]
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind)
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
        for name, value in {
            "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cache-control": "no-store",
            "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
        }.items():  # fmt: skip
            assert answer.headers[name] == value
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://127.0.0.1:8765 "
            "wss://127.0.0.1:8765; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert "set-cookie" not in answer.headers
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "cookie", "style="):
        assert not [name for name, text in parts.items() if way in text]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1:8765.evil.example"])
def test_by_another_name_it_does_not_answer(host: str, client: TestClient, lessons: Lessons) -> None:
    for path in ("/", "/api/menu", "/main.js"):
        answer = client.get(path, headers={"host": host, "authorization": f"Bearer {lessons.store.host}"})
        assert answer.status_code == 421 and "menu" not in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost:8765"])
def test_a_page_of_another_site_is_refused(origin: str, client: TestClient, lessons: Lessons) -> None:
    _, guests = begun(client, lessons)
    for answer in (guests[0].get("/api/seat", origin=origin), guests[0].post("/api/act", {}, origin=origin)):
        assert answer.status_code == 403 and "another site" in answer.json()["error"]
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://127.0.0.1:8765/api/changes", headers={"origin": origin}),
    ):
        pass
    assert guests[0].get("/api/seat", origin=ADDRESS).status_code == 200


def test_a_form_of_another_site_cannot_post(client: TestClient, lessons: Lessons) -> None:
    _, guests = begun(client, lessons)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert guests[0].post("/api/act", {}, **{"content-type": kind}).status_code == 415


def test_keys_open_what_is_theirs_alone(client: TestClient, lessons: Lessons) -> None:
    teacher, guests = begun(client, lessons)
    host, nobody = Guest(client, lessons.store.host), Guest(client, "x" * 22)
    gets = {"/api/menu": [host], "/api/lesson": [teacher], "/api/lesson.csv": [teacher], "/api/seat": guests}
    posts = {"/api/lessons": [host], "/api/hurry": [teacher], "/api/forget": [teacher], "/api/act": guests}
    for path, may in gets.items():
        for who in (host, teacher, *guests, nobody, Guest(client, "")):
            assert (who.get(path).status_code == 200) == (who in may), path
    for path, may in posts.items():
        for who in (host, teacher, *guests, nobody, Guest(client, "")):
            if who not in may:
                assert who.post(path, {}).status_code == 403, path
    assert client.get("/api/seat").status_code == 403
    for path in ("/replay/", "/log/"):
        for secret in (guests[0].key, teacher.key, host.key, "x", "..%2f..%2fetc%2fpasswd"):
            assert client.get(path + secret).status_code in (403, 404)
    row = lessons.store.seat(guests[0].key)[0]
    assert client.get(f"/replay/{row.ending}").status_code == 403, "before the game is over"
    assert client.get(f"/log/{row.ending}").status_code == 403


def test_a_guest_acts_for_its_own_seat_alone(client: TestClient, lessons: Lessons) -> None:
    _, (first, second) = begun(client, lessons)
    view = first.act(1, [2, 0, 0, 1]).json()
    assert view["chosen"] and view["waiting"] == ["State_1"] and view["name"] == "State_0"
    for more in ({"seat": 1}, {"state": "state_1"}, {"key": second.key}):
        wish = {"turn": 1, "choices": QUIET, "forecast": [], **more}
        assert first.post("/api/act", wish).status_code == 400
    assert not second.get("/api/seat").json()["chosen"]
    assert second.act(1, QUIET).json()["turn"] == 1
    row = lessons.store.seat(first.key)[0]
    assert lessons.store.turns(row) == [[[2, 0, 0, 1], QUIET]]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"7", b'"x"', b'{"turn":1,"turn":1,"choices":[0,0,0,1],"forecast":[]}',
        b'{"turn":1,"choices":[0,0,0,1]}', b'{"turn":1,"choices":[0,0,0,NaN],"forecast":[]}', b"\xff\xfe", b"[" * 5000,
        b'{"turn":1e400,"choices":[0,0,0,1],"forecast":[]}', b'{"turn":1,"choices":[0,0,0,1],"forecast":{}}',
        b'{"turn":1,"choices":[0,0,0,3],"forecast":[]}', b'{"turn":2,"choices":[0,0,0,1],"forecast":[]}',
        b'{"turn":-1,"choices":[0,0,0,1],"forecast":[]}', b'{"turn":1,"choices":[[0],0,0,1],"forecast":[]}',
        b'{"turn":1,"choices":[0,0,0,1],"forecast":[[1,0,2]]}', b'{"turn":"1","choices":[0,0,0,1],"forecast":[]}',
        b'{"turn":1,"choices":[99999999999999999999999,0,0,1],"forecast":[]}',
        b'{"turn":1,"choices":[0,0,0,1],"forecast":[[1,0,1e-400],[1,0,[]]]}',
    ],
)  # fmt: skip
def test_bad_requests_are_refused_in_a_sentence_and_break_no_game(
    body: bytes, client: TestClient, lessons: Lessons
) -> None:
    _, (first, second) = begun(client, lessons)
    before = [guest.get("/api/seat").content for guest in (first, second)]
    headers = {"authorization": f"Bearer {first.key}", "content-type": "application/json"}
    answer = client.post("/api/act", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert len(answer.json()["error"]) > 5 and "Traceback" not in answer.text
    assert [guest.get("/api/seat").content for guest in (first, second)] == before
    assert first.act(1, QUIET).status_code == second.act(1, QUIET).status_code == 200
    assert first.get("/api/seat").json()["turn"] == 1


def test_late_and_doubled_requests_change_nothing(client: TestClient, lessons: Lessons) -> None:
    _, (first, second) = begun(client, lessons)
    for _ in range(3):
        assert first.act(1, QUIET).status_code == 200
    assert first.act(1, [1, 0, 0, 1]).status_code == 400
    assert second.act(1, QUIET).status_code == 200
    assert first.act(1, QUIET).json()["turn"] == 1, "late, but the same"
    assert first.act(1, [1, 0, 0, 1]).status_code == 400
    assert first.get("/api/seat").json()["waiting"] == ["State_0", "State_1"]


def test_too_much_is_not_read(client: TestClient, lessons: Lessons) -> None:
    _, guests = begun(client, lessons)
    headers = {"authorization": f"Bearer {guests[0].key}", "content-type": "application/json"}
    big = b" " * (MOST_BYTES + 1)
    assert client.post("/api/act", content=big, headers=headers).status_code == 413

    def pieces() -> Iterator[bytes]:  # no length is told
        yield from (b" " * 1000 for _ in range(MOST_BYTES // 1000 + 2))

    assert client.post("/api/act", content=pieces(), headers=headers).status_code == 413
    for length in ("-1", "1e9", "9" * 30, "x"):
        assert client.post("/api/act", content=b"{}", headers={**headers, "content-length": length}).status_code == 413


def test_too_many_requests_are_refused_until_time_has_passed(lessons: Lessons) -> None:
    now = [0.0]
    within = application(lessons, NAMES)
    assert isinstance(within, Guard)
    guard = Guard(within._within, NAMES, clock=lambda: now[0])
    with TestClient(guard, base_url=ADDRESS) as client:
        codes = [client.get("/api/seat").status_code for _ in range(305)]
        assert codes == [403] * 300 + [429] * 5
        now[0] += 0.1
        assert [client.get("/api/seat").status_code for _ in range(7)] == [403] * 6 + [429]


def test_other_paths_and_methods_lead_nowhere(client: TestClient, lessons: Lessons) -> None:
    for path in ("/x", "/api/", "/page.py", "/../../etc/passwd", "/%2e%2e/store.py", "/replay/a/b", "/api/act"):
        assert client.get(path).status_code in (404, 405)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert client.request(method, "/api/seat").status_code == 405
        assert "access-control-allow-origin" not in client.request(method, "/api/seat").headers


def test_a_lesson_tells_nothing_of_what_states_want_before_the_end(client: TestClient, lessons: Lessons) -> None:
    teacher, (first, second) = begun(client, lessons)
    first.act(1, QUIET)
    found = teacher.get("/api/lesson").json()
    assert "greed" not in str(found) and "seed" not in str(found) and "ending" not in str(found)
    assert [seat["waiting"] for seat in found["games"][0]["seats"]] == [False, True]
    assert teacher.post("/api/hurry", {"game": 1, "turn": 1}).json()["games"][0]["turn"] == 2
    assert second.act(1, QUIET).json()["turn"] == 1, "doing nothing is what was chosen for it"
    for wish in ({"game": 2, "turn": 1}, {"game": 1, "turn": 9}, {"game": 1}, {"game": "1", "turn": 1}, []):
        assert teacher.post("/api/hurry", wish).status_code == 400


def test_a_socket_tells_its_own_that_something_has_changed(client: TestClient, lessons: Lessons) -> None:
    teacher, (first, second) = begun(client, lessons)
    headers = {"origin": ADDRESS}
    with (
        client.websocket_connect("ws://127.0.0.1:8765/api/changes", headers=headers) as mine,
        client.websocket_connect("ws://127.0.0.1:8765/api/changes", headers=headers) as class_,
    ):
        for socket, key in ((mine, first.key), (class_, teacher.key)):
            socket.send_text(key)
            assert socket.receive_text() == "changed"
        second.act(1, QUIET)
        assert mine.receive_text() == class_.receive_text() == "changed"
        mine.send_text("more")
        with pytest.raises(WebSocketDisconnect):
            mine.receive_text()


@pytest.mark.parametrize("said", ["x" * 22, "", "x" * 900, b"bytes"])
def test_a_socket_of_a_stranger_is_closed(said: Any, client: TestClient, lessons: Lessons) -> None:
    begun(client, lessons)
    with client.websocket_connect("ws://127.0.0.1:8765/api/changes", headers={"origin": ADDRESS}) as socket:
        socket.send_text(said) if isinstance(said, str) else socket.send_bytes(said)
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()


def test_a_key_has_only_so_many_sockets(client: TestClient, lessons: Lessons) -> None:
    from contextlib import ExitStack

    _, guests = begun(client, lessons)
    with ExitStack() as stack:
        for number in range(9):
            socket = stack.enter_context(
                client.websocket_connect("ws://127.0.0.1:8765/api/changes", headers={"origin": ADDRESS})
            )
            socket.send_text(guests[0].key)
            if number < 8:
                assert socket.receive_text() == "changed"
            else:
                with pytest.raises(WebSocketDisconnect):
                    socket.receive_text()


def test_what_fails_inside_is_told_in_a_sentence_without_details(
    client: TestClient, lessons: Lessons, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    _, guests = begun(client, lessons)
    for error, code in ((sqlite3.OperationalError("/secret/path"), 503), (ZeroDivisionError("/secret"), 500)):

        def fails(*arguments: Any, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(lessons, "seat", fails)
            with TestClient(application(lessons, NAMES), base_url=ADDRESS) as other:
                answer = Guest(other, guests[0].key).get("/api/seat")
        assert answer.status_code == code and "secret" not in answer.text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(
    wish=_JSON | st.fixed_dictionaries({"turn": _JSON, "choices": _JSON, "forecast": _JSON}), which=st.integers(0, 2)
)
def test_whatever_is_sent_nothing_breaks(wish: Any, which: int) -> None:
    """Random bodies at each door of a guest, a teacher and a host: an answer, never a failure; the game stands."""
    path, role = [("/api/act", 1), ("/api/hurry", 0), ("/api/lessons", 2)][which]
    teacher, guests, host = _one_server()
    before = guests[0].get("/api/seat").json()
    answer = [teacher, guests[0], host][role].post(path, wish)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["error"].isprintable()
        assert guests[0].get("/api/seat").json() == before


@cache
def _one_server() -> tuple[Guest, list[Guest], Guest]:
    lessons = Lessons(Store(None), ["dove"])
    within = application(lessons, NAMES)
    assert isinstance(within, Guard)
    client = TestClient(Guard(within._within, NAMES, clock=iter(range(10**9)).__next__), base_url=ADDRESS)
    teacher, guests = begun(client, lessons)
    return teacher, guests, Guest(client, lessons.store.host)
