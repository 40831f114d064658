"""What another state wants changes no byte that a guest receives, until the game is over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from agents.play import guard
from agents.play.lessons import Lessons
from agents.play.server import application
from agents.play.store import Store
from sd_env.record import recorder
from sd_env.scenario import Scenario
from tests.agents.play.test_server import ADDRESS, NAMES, Guest
from tests.sd_env.test_secrecy import Turned


@pytest.fixture(autouse=True)
def as_fast_as_one_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts ask faster than people: how many requests are answered a second is another test's."""
    monkeypatch.setattr(guard, "_RATE", 1e9)


def answers(name: str, seed: int) -> tuple[list[bytes], dict[str, Any], list[float]]:
    """All that the guest of state 0 receives in a game of scripted people, its last view, and what the others want."""
    scenario = Scenario.load(name)
    lessons = Lessons(Store(None), ["dove"])
    with TestClient(application(lessons, NAMES), base_url=ADDRESS) as client:
        wish = {"ask": "a" * 16, "scenario": name, "people": list(scenario.agents), "against": [], "games": 1,
                "seed": seed, "forecasts": True}  # fmt: skip
        made = Guest(client, lessons.store.host).post("/api/lessons", wish).json()
        found = Guest(client, made["lesson"]).get("/api/lesson").json()
        guests = [Guest(client, seat["key"]) for seat in found["games"][0]["seats"]]
        game = lessons._game(lessons.store.seat(guests[0].key)[0])
        greed = game._tape.worlds.states["greed"][0].tolist()
        rng, received = np.random.default_rng(seed), []
        with client.websocket_connect("ws://127.0.0.1:8765/api/changes", headers={"origin": ADDRESS}) as socket:
            socket.send_text(guests[0].key)
            received.append(socket.receive_text().encode())
            while True:
                received.append(guests[0].get("/api/seat").content)
                view = guests[0].get("/api/seat").json()
                if view["over"]:
                    return received[:-1], view, greed
                for k in reversed(range(len(guests))):
                    mine = guests[k].get("/api/seat").json()
                    if mine["over"] or not mine["standing"] or mine["turn"] != view["turn"]:
                        continue
                    choices = [
                        int(rng.choice([i for i, choice in enumerate(head["choices"]) if choice["legal"]]))
                        for head in mine["heads"]
                    ]
                    for tried in ([9] * len(choices), choices, choices):
                        answer = guests[k].act(view["turn"] + 1, tried, [[1, 0, 0.5]] if k == 0 else ())
                        if k == 0 and not (answer.status_code == 200 and answer.json()["over"]):
                            received.append(f"{answer.status_code} {sorted(answer.headers.items())}".encode())
                            received.append(answer.content)


@pytest.mark.parametrize("name", ["jervis/doubly-dangerous", "history/1914-chain-gang", "theories/kydd-reassurance"])
def test_a_type_turned_about_changes_no_byte_that_a_guest_receives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true, ended, greed = answers(name, seed=5)
    monkeypatch.setattr(recorder, "Worlds", Turned)
    monkeypatch.setattr(Turned, "hidden", 1)
    turned, other, wanted = answers(name, seed=5)
    assert greed[1] != wanted[1] and greed[0] == wanted[0]
    assert len(true) > 20 and true == turned
    assert ended["reveal"] != other["reveal"], "after the end it is told"
    assert b'reveal":null' in true[1]


def test_own_types_are_in_what_one_receives(monkeypatch: pytest.MonkeyPatch) -> None:
    true, _, _ = answers("jervis/doubly-dangerous", seed=5)
    monkeypatch.setattr(recorder, "Worlds", Turned)
    monkeypatch.setattr(Turned, "hidden", 0)
    assert true != answers("jervis/doubly-dangerous", seed=5)[0]
