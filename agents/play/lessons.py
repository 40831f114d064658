"""Lessons: games that are made together, found by secret keys, and taken up again after a restart.

Whoever holds a seat's key may see and act for that seat alone; the teacher's key sees how all games of its lesson
stand; the host's key makes lessons. No input and output but the store's.
"""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from agents.escape import cell
from agents.play.game import Game, PlayError, possible, seats_of
from agents.play.store import DAMAGED, ChoiceRow, GameRow, LessonRow, Store, is_seed
from sd_env.errors import RefusedError, whole_number
from sd_env.policies import PolicyError
from sd_env.record import EpisodeLog
from sd_env.rules.compiled import rules_fingerprint
from sd_env.scenario import Scenario, scenarios
from sd_env.show.story import written

#: Games in a lesson, and in the file.
MOST_GAMES: Final = 60
MOST_KEPT: Final = 2000
#: Games that are held ready; others are played again from the file when somebody comes back.
_READY: Final = 128
_ASK: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Stranger(PlayError):
    """A key that opens nothing."""


class Lessons:
    """All lessons of a store.

    Args:
        store: where they are kept.
        policies: names of who may be played against: strategies, and bundles that the host named.
        others: paths of scenarios besides those of the catalogue, each with a name of its own.

    Raises:
        ScenarioError: for a file that holds none.
        PlayError: for a name that another has, so that nobody plays what he has not chosen.
    """

    def __init__(self, store: Store, policies: Sequence[str], others: Sequence[Path] = ()) -> None:
        self.store, self.policies = store, list(policies)
        self._others: dict[str, Scenario] = {}
        for path in others:
            loaded = Scenario.load(path)
            if loaded.name in (*self._others, *scenarios()):
                raise PlayError(f"--scenarios has {str(path)!r:.200}, whose name {loaded.name!r} another has, too")
            self._others[loaded.name] = loaded
        self._ready: OrderedDict[int, Game] = OrderedDict()
        #: Told of each game in which something has changed.
        self.changed: Callable[[int, int], None] = lambda game, lesson: None

    def menu(self, key: str) -> dict[str, Any]:
        """What may be chosen for a new lesson; Stranger without the host's key."""
        self._host(key)
        return {
            "scenarios": [
                {
                    "name": name,
                    "title": each.title or name,
                    "about": each.description,
                    "states": list(written(each.agents).values()),
                }
                for name, each in ((name, self._scenario(name)) for name in self._names)
            ],
            "policies": self.policies,
            "most": MOST_GAMES,
        }

    def make(self, key: str, wish: Any) -> dict[str, Any]:
        """Make a lesson, or find the one that the same ``ask`` made; returns the teacher's key.

        Args:
            key: the host's.
            wish: ``ask`` (any 8 to 64 letters and digits, new for each lesson), ``scenario``, ``people`` (names of
                states), ``against`` (names of policies, one for all other states or one each), ``games`` (how many),
                ``seed`` (of all of them; null: each has one of its own), ``forecasts``.

        Raises:
            PlayError: one sentence for a wish that cannot be.
        """
        self._host(key)
        wanted = {"ask", "scenario", "people", "against", "games", "seed", "forecasts"}
        if not isinstance(wish, dict) or set(wish) != wanted:
            raise PlayError(f"a lesson is asked for by {', '.join(sorted(wanted))}")
        if not isinstance(wish["ask"], str) or not _ASK.fullmatch(wish["ask"]):
            raise PlayError("ask is 8 to 64 letters, digits, - or _")
        if not isinstance(wish["scenario"], str) or wish["scenario"] not in self._names:
            raise PlayError(f"scenario is {wish['scenario']!r:.80}; one of the list is needed")
        scenario = self._scenario(wish["scenario"])
        people = seats_of(scenario, _list("people", wish["people"], scenario.n_states))
        against = _list("against", wish["against"], scenario.n_states)
        if odd := [name for name in against if name not in self.policies]:
            raise PlayError(f"against has {odd[0]!r:.80}; one of the list is needed")
        if not isinstance(wish["forecasts"], bool):
            raise PlayError("forecasts is true or false")
        games = whole_number("games", wish["games"], 1, MOST_GAMES)
        if self.store.count() + games > MOST_KEPT:
            raise PlayError(f"this server keeps {MOST_KEPT} games at most; forget a lesson, or begin with another file")
        seed = wish["seed"]
        if seed is not None:
            seed = whole_number("seed", int(seed) if is_seed(seed) else seed, 0, 2**64 - 1)
        if len(people) == scenario.n_states:
            against = []
        possible(scenario, people, against)
        seeds = [secrets.randbits(64) if seed is None else seed for _ in range(games)]
        rules = rules_fingerprint()
        made = self.store.add_lesson(wish["ask"], scenario.to_dict(), people, against, seeds, wish["forecasts"], rules)
        return {"lesson": made.key}

    def lesson(self, key: str) -> dict[str, Any]:
        """How the games of a lesson stand; Stranger for a key that is no teacher's.

        Until a game is over there is nothing in it of what states want; the links of its seats are.
        """
        found = self._lesson(key)
        scenario = Scenario.load(found.scenario)
        return {
            "title": scenario.title or scenario.name,
            "scenario": scenario.name,
            "against": found.against,
            "games": [self._row(row, found) for row in self.store.games(found)],
        }

    def table(self, key: str) -> str:
        """The outcomes of a lesson as CSV: one row a state of each game; empty cells where a game is not over."""
        found = self._lesson(key)
        columns = (
            *("scenario", "game", "turns", "over", "state", "played_by", "seed", "greed", "return", "homeland"),
            *("holdings", "standing", "attacks", "believed_seeker", "brier", "forecasts"),
        )
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(columns)
        for row in self.store.games(found):
            game = self._game(row)
            told = game.reveal() if game.over else None
            for i, name in enumerate(game.scenario.agents):
                cells: list[Any] = [game.scenario.name, row.number, len(game.actions), game.over, name,
                                    game.labels[i] or "a person"]  # fmt: skip
                if told is not None:
                    each = told["states"][i]
                    score = each["forecast"] or {"brier": "", "count": 0}
                    told_of = ("greed", "return", "homeland", "holdings", "standing", "attacks", "believed")
                    cells += [str(row.seed), *(each[k] for k in told_of), score["brier"], score["count"]]
                writer.writerow([cell(value) for value in [*cells, *[""] * (len(columns) - len(cells))]])
        return out.getvalue()

    def hurry(self, key: str, wish: Any) -> None:
        """Play a turn of a game of the lesson without those who have not chosen: ``game`` (its number) and ``turn``."""
        rows = self.store.games(self._lesson(key))
        if not isinstance(wish, dict) or set(wish) != {"game", "turn"}:
            raise PlayError("to go on without somebody, game and turn are needed")
        row = rows[whole_number("game", wish["game"], 1, len(rows)) - 1]
        game = self._game(row)
        self._kept(row, game, lambda: game.hurry(wish["turn"]))

    def forget(self, key: str) -> None:
        """Remove a lesson with all its games."""
        found = self._lesson(key)
        rows = self.store.games(found)
        self.store.forget(found)
        for row in rows:
            self._ready.pop(row.id, None)
            self.changed(row.id, row.lesson)

    def seat(self, key: str) -> dict[str, Any]:
        """What a guest may know; Stranger for a key that is no seat's."""
        row, state = self._seat(key)
        return self._shown(row, state)

    def act(self, key: str, wish: Any) -> dict[str, Any]:
        """A guest chooses: ``turn``, ``choices``, ``forecast``. Returns what it may know then.

        Raises:
            PlayError: one sentence, and nothing has changed.
        """
        row, state = self._seat(key)
        if not isinstance(wish, dict) or set(wish) != {"turn", "choices", "forecast"}:
            raise PlayError("a choice has turn, choices and forecast")
        game = self._game(row)

        def choose() -> ChoiceRow | None:
            if not game.choose(state, wish["turn"], wish["choices"], wish["forecast"]):
                return None  # chosen already
            seen = [list(each) for each in game.forecasts[state].get(wish["turn"], [])]
            return ChoiceRow(wish["turn"], state, wish["choices"], seen)

        self._kept(row, game, choose)
        return self._shown(row, state)

    def ending(self, key: str) -> EpisodeLog:
        """The log of a game that is over, by its secret; Stranger for another."""
        try:
            game = self._game(self.store.ending(key))
        except KeyError:
            raise Stranger("this link opens nothing") from None
        if not game.over:
            raise Stranger("this link opens nothing")  # as if there were none
        return game.log()

    def watched(self, key: str) -> tuple[str, int]:
        """What a key may be told changes of: ``("game", id)`` or ``("lesson", id)``; Stranger for another."""
        try:
            return "game", self.store.seat(key)[0].id
        except KeyError:
            return "lesson", self._lesson(key).id

    @property
    def _names(self) -> list[str]:
        return list(dict.fromkeys([*scenarios(), *self._others]))

    def _scenario(self, name: str) -> Scenario:
        return self._others.get(name) or _of_the_catalogue(name)

    def _shown(self, row: GameRow, state: int) -> dict[str, Any]:
        game, lesson = self._game(row), self.store.lesson_of(row)
        view = game.view(state)
        view["forecasts"] = lesson.forecasts
        view["seat"] = state
        view["states"] = game.names
        if game.over:
            view["ending"] = row.ending
        return view

    def _row(self, row: GameRow, lesson: LessonRow) -> dict[str, Any]:
        game = self._game(row)
        log = game.log() if game.actions else None
        found: dict[str, Any] = {
            "number": row.number,
            "turn": game.turn,
            "played": len(game.actions),
            "over": game.over,
            "seats": [
                {"name": game.names[i], "key": key, "waiting": i in game.waiting}
                for i, key in self.store.keys(row).items()
            ],
            "attacks": 0 if log is None else int((log.pairs["attacks"][1:] != 0).sum()),
            "fallen": []
            if log is None
            else [n for n, s in zip(game.names, log.states["standing"][-1], strict=True) if not s],
        }
        if game.over:
            found |= {"reveal": game.reveal(), "ending": row.ending}
        return found

    def _game(self, row: GameRow) -> Game:
        """The game of a row, played again from the file where it is not ready."""
        if row.id in self._ready:
            self._ready.move_to_end(row.id)
            return self._ready[row.id]
        lesson = self.store.lesson_of(row)
        if lesson.rules != rules_fingerprint():
            raise PlayError("this game was begun with other rules of sd-env, and can only go on with those")
        try:
            game = self._again(row, lesson)
        except RefusedError:
            raise
        except (LookupError, TypeError, ValueError) as error:
            raise PlayError(DAMAGED) from error
        self._ready[row.id] = game
        while len(self._ready) > _READY:
            self._ready.popitem(last=False)
        return game

    def _again(self, row: GameRow, lesson: LessonRow) -> Game:
        game = Game(Scenario.load(lesson.scenario), row.seed, lesson.people, lesson.against)
        chosen = self.store.choices(row)
        for each in chosen:
            game.forecasts[each.state][each.turn] = game.foreseen(each.state, each.forecast)
        for actions in self.store.turns(row)[len(game.actions) :]:
            game.again(actions)
        for each in chosen:
            if each.turn == game.turn and not game.over:
                game.choose(each.state, each.turn, each.choices, each.forecast)
        return game

    def _kept(self, row: GameRow, game: Game, do: Callable[[], ChoiceRow | list[int] | None]) -> None:
        """Do something in a game and keep what came of it: both or neither."""
        before = len(game.actions)
        try:
            with self.store.together():
                done = do()
                if isinstance(done, ChoiceRow):
                    self.store.add_choice(row, done)
                for turn, actions in enumerate(game.actions[before:], before + 1):
                    self.store.add_turn(row, turn, actions.tolist())
        except BaseException as error:
            if isinstance(error, PolicyError) or not isinstance(error, RefusedError):
                self._ready.pop(row.id, None)  # it may have moved: the file knows how it stands
            raise
        if done:
            self.changed(row.id, row.lesson)

    def _host(self, key: str) -> None:
        if not secrets.compare_digest(key.encode(), self.store.host.encode()):
            raise Stranger("this key makes no lessons; the link that sd-env serve printed has the one that does")

    def _lesson(self, key: str) -> LessonRow:
        try:
            return self.store.lesson(key)
        except KeyError:
            raise Stranger("this key opens nothing") from None

    def _seat(self, key: str) -> tuple[GameRow, int]:
        try:
            return self.store.seat(key)
        except KeyError:
            raise Stranger("this key opens nothing") from None


@cache
def _of_the_catalogue(name: str) -> Scenario:
    return Scenario.load(name)


def _list(what: str, given: Any, most: int) -> list[str]:
    if not isinstance(given, list) or len(given) > most or not all(isinstance(each, str) for each in given):
        raise PlayError(f"{what} is a list of at most {most} names")
    return given
