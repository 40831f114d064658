"""Games in a file: after a restart each is where it was, and half a turn is never kept."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from agents.play import lessons as module
from agents.play.game import Game, PlayError
from agents.play.lessons import Lessons, Stranger
from agents.play.store import Store
from sd_env.policies import PolicyError
from sd_env.record.episode import same

WISH: dict[str, Any] = {
    "ask": "a" * 16, "scenario": "jervis/multipolar", "people": ["state_0", "state_1"],
    "against": ["random", "generous-tit-for-tat"], "games": 2, "seed": None, "forecasts": True,
}  # fmt: skip
POLICIES = ["random", "generous-tit-for-tat", "dove"]


def begun(path: Path | None, **changes: Any) -> tuple[Lessons, str, list[dict[str, Any]]]:
    """Lessons of a new file, the teacher's key of one, and the seats of its first game."""
    made = Lessons(Store(path), POLICIES)
    key = made.make(made.store.host, {**WISH, **changes})["lesson"]
    return made, key, made.lesson(key)["games"][0]["seats"]


def act(of: Lessons, key: str, forecast: Any = ()) -> dict[str, Any]:
    view = of.seat(key)
    return of.act(key, {"turn": view["turn"] + 1, "choices": view["defaults"], "forecast": [*forecast]})


def test_after_a_restart_a_game_goes_on_as_it_would_have(tmp_path: Path) -> None:
    path = tmp_path / "games.sqlite"
    one, key, seats = begun(path)
    first, second = (each["key"] for each in seats)
    for _ in range(3):
        act(one, first, [[1, 0, 0.3]])
        act(one, second)
    act(one, first, [[2, 0, 0.9]])  # the other has not chosen yet
    seen = [one.seat(each) for each in (first, second)]
    assert seen[0]["chosen"] and not seen[1]["chosen"]
    one.store.close()

    other = Lessons(Store(path), POLICIES)
    assert other.store.host == one.store.host
    assert [other.seat(each) for each in (first, second)] == seen
    assert other.lesson(key) == one_lesson(path, key)
    act(other, second)
    while not other.seat(first)["over"]:
        act(other, first)
        act(other, second)
    row = other.store.seat(first)[0]
    done = other._game(row)
    assert done.forecasts[0] == {1: [(1, 0, 0.3)], 2: [(1, 0, 0.3)], 3: [(1, 0, 0.3)], 4: [(2, 0, 0.9)]}
    straight = Game(done.scenario, row.seed, [0, 1], WISH["against"])
    for actions in done.actions:
        for seat in (0, 1):
            straight.choose(seat, straight.turn, actions[seat].tolist())
    assert same(straight.log().states, done.log().states)


def one_lesson(path: Path, key: str) -> dict[str, Any]:
    store = Store(path)
    found = Lessons(store, POLICIES).lesson(key)
    store.close()
    return found


def test_a_policy_that_has_changed_meanwhile_does_not_change_the_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "games.sqlite"
    one, _, seats = begun(path, people=["state_0"], against=["dove"])
    for _ in range(3):
        act(one, seats[0]["key"])
    before = one.seat(seats[0]["key"])
    one.store.close()

    def made(*arguments: Any, **keywords: Any) -> Game:
        return Game(*arguments[:3], ["hawk"], **keywords)

    monkeypatch.setattr(module, "Game", made)
    assert Lessons(Store(path), POLICIES).seat(seats[0]["key"]) == before


def test_a_turn_that_cannot_be_kept_was_not_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _, seats = begun(tmp_path / "games.sqlite", people=["state_0"], against=["dove"])
    key = seats[0]["key"]
    act(one, key)
    before = one.seat(key)
    with monkeypatch.context() as patch:

        def full(*arguments: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr(one.store, "add_turn", full)
        with pytest.raises(sqlite3.OperationalError):
            act(one, key)
    assert one.seat(key) == before
    assert act(one, key)["turn"] == 2


def test_a_policy_that_fails_breaks_no_other_game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agents.strategies.baselines import Dove

    one, _, seats = begun(tmp_path / "games.sqlite", people=["state_0"], against=["dove"])
    key = seats[0]["key"]
    act(one, key)
    with monkeypatch.context() as patch:
        patch.setattr(Dove, "act_with", lambda *arguments: 1 / 0, raising=False)
        patch.setattr(Dove, "act", lambda *arguments: 1 / 0)
        with pytest.raises(PolicyError):
            act(one, key)
    assert one.seat(key)["turn"] == 1 and not one.seat(key)["chosen"]
    assert act(one, key)["turn"] == 2


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    Store(tmp_path / "games.sqlite").close()
    assert stat.S_IMODE((tmp_path / "games.sqlite").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["text", "other", "folder", "missing", "version"])
def test_another_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "games.sqlite"
    if kind == "text":
        path.write_text("nothing of ours, but quite long enough to be looked at" * 50, encoding="utf-8")
    elif kind in ("other", "version"):
        base = sqlite3.connect(path)
        base.execute("CREATE TABLE others (x)")
        base.execute(f"PRAGMA user_version = {0 if kind == 'other' else 77}")
        base.commit()
        base.close()
    elif kind == "folder":
        path.mkdir()
    else:
        path = tmp_path / "nowhere" / "games.sqlite"
    with pytest.raises(PlayError, match="--data"):
        Store(path)


def test_the_same_wish_twice_makes_one_lesson(tmp_path: Path) -> None:
    one, key, _ = begun(tmp_path / "games.sqlite")
    assert one.make(one.store.host, WISH)["lesson"] == key and one.store.count() == 2
    assert one.make(one.store.host, {**WISH, "ask": "b" * 16})["lesson"] != key and one.store.count() == 4


def test_a_lesson_is_forgotten_with_all_that_is_its(tmp_path: Path) -> None:
    one, key, seats = begun(tmp_path / "games.sqlite")
    act(one, seats[0]["key"])
    one.forget(key)
    base = sqlite3.connect(tmp_path / "games.sqlite")
    for table in ("lessons", "games", "seats", "choices", "turns"):
        assert base.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    for find in (lambda: one.lesson(key), lambda: one.seat(seats[0]["key"])):
        with pytest.raises(Stranger):
            find()


def test_without_a_seed_every_game_is_another_world(tmp_path: Path) -> None:
    one, key, _ = begun(None, games=5)
    rows = one.store.games(one.store.lesson(key))
    assert len({row.seed for row in rows}) == 5 and all(0 <= row.seed < 2**64 for row in rows)
    again = one.make(one.store.host, {**WISH, "ask": "c" * 16, "seed": str(2**64 - 1), "games": 3})["lesson"]
    assert {row.seed for row in one.store.games(one.store.lesson(again))} == {2**64 - 1}


def test_games_of_other_rules_are_not_played_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "games.sqlite"
    one, _, seats = begun(path)
    one.store.close()
    monkeypatch.setattr(module, "rules_fingerprint", lambda: "others")
    with pytest.raises(PlayError, match="other rules"):
        Lessons(Store(path), POLICIES).seat(seats[0]["key"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ask": "short"}, "ask is 8 to 64"), ({"ask": 7}, "ask is"), ({"scenario": "/etc/passwd"}, "one of the list"),
        ({"scenario": ["x"]}, "one of the list"), ({"people": []}, "nobody plays"), ({"people": ["x"]}, "is no state"),
        ({"people": "state_0"}, "people is a list"), ({"people": ["state_0"] * 99}, "at most 4"),
        ({"against": ["bundle.sd"]}, "one of the list"), ({"against": ["dove"] * 3}, "against has 3"),
        ({"against": [{}]}, "a list of at most"), ({"games": 0}, "games is 0"), ({"games": 61}, "games is 61"),
        ({"games": "2"}, "games is '2'"), ({"seed": -1}, "seed is -1"), ({"seed": "x"}, "seed is 'x'"),
        ({"seed": 2**64}, "seed is"), ({"forecasts": 1}, "forecasts is"), ({"more": 1}, "a lesson is asked for by"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_refused_and_makes_nothing(changes: dict[str, Any], why: str) -> None:
    one = Lessons(Store(None), POLICIES)
    with pytest.raises(ValueError, match=why):
        one.make(one.store.host, {**WISH, **changes})
    assert one.store.count() == 0


def test_there_are_only_so_many_games(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    one, _, _ = begun(None)
    with pytest.raises(PlayError, match="keeps 3 games at most"):
        one.make(one.store.host, {**WISH, "ask": "d" * 16})


def test_more_games_than_are_held_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READY", 1)
    one, key, _ = begun(None, games=3, people=["state_0"], against=["random"])
    seats = [game["seats"][0]["key"] for game in one.lesson(key)["games"]]
    for turn in (1, 2, 3):
        for seat in seats:
            assert act(one, seat)["turn"] == turn


def test_outcomes_as_csv_have_no_formulas(tmp_path: Path) -> None:
    import csv

    from sd_env.scenario import Scenario

    odd = tmp_path / "odd.yaml"
    Scenario.load("jervis/multipolar", {"horizon": 2, "name": "=cmd"}).save(odd)
    one = Lessons(Store(None), POLICIES, [odd])
    wish = {**WISH, "scenario": "=cmd", "people": ["state_0"], "against": ["dove"], "games": 2}
    key = one.make(one.store.host, wish)["lesson"]
    first = one.lesson(key)["games"][0]["seats"][0]["key"]
    rows = list(csv.DictReader(one.table(key).splitlines()))
    assert len(rows) == 8 and {row["over"] for row in rows} == {"False"} and {row["greed"] for row in rows} == {""}
    act(one, first)
    act(one, first)
    rows = list(csv.DictReader(one.table(key).splitlines()))
    assert {row["scenario"] for row in rows} == {"'=cmd"}
    assert [row["over"] for row in rows] == ["True"] * 4 + ["False"] * 4
    told = one.seat(first)["reveal"]["states"]
    assert [float(row["return"]) for row in rows[:4]] == [each["return"] for each in told]
    assert {row["seed"] for row in rows[4:]} == {""}
