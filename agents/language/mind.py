"""One seat in one world: what is remembered, what is asked on a turn, and what becomes of the answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from agents.language.answers import Answer, AnswerError, Form, quoted
from agents.language.config import LanguageConfig
from agents.language.endpoint import Endpoint, Reply
from agents.language.exchanges import Exchange, Exchanges
from agents.language.ledger import Ledger
from agents.language.prompts import body_of, turn_text
from agents.language.text import eyes_of
from sd_env import layout
from sd_env.layout import Head, Heads, Signal
from sd_env.policies import Board, PolicyError, derived_seed

#: What is counted of an episode: turns on which the model chose, further requests because an answer could not be used,
#: turns on which the fallback chose instead, and tokens read and written.
COUNTS: Final = ("chosen", "asked_again", "fell_back", "tokens")
#: Letters of what is remembered of one turn.
_PAST: Final = 400


@dataclass
class House:
    """What all seats of one config share in a process.

    Attributes:
        config: how.
        exchanges, ledger, endpoint: of what is kept, spent and asked.
        offline: whether nobody is asked, and all must be in the exchanges.
        board: of the cast that plays now.
        told: exchanges of the episode that it plays.
    """

    config: LanguageConfig
    exchanges: Exchanges
    ledger: Ledger
    endpoint: Endpoint
    offline: bool = False
    board: Board | None = None
    told: list[Exchange] = field(default_factory=list)

    def reply_to(self, asked: Exchange) -> Reply:
        """The reply to what is asked: as it is kept, else the endpoint's, which is kept then.

        Raises:
            PolicyError: if there is none.
        """
        reply = self.exchanges.find(asked)
        if reply is None:
            if self.offline:
                raise PolicyError(
                    f"Nobody is asked with offline=true, and {self.exchanges.folder} lacks what was answered on turn "
                    f"{asked.turn + 1} of world {asked.row} (seed {asked.seed}): it was not played with these words."
                )
            reply = self.endpoint.complete(asked.request)
            self.exchanges.keep(replace(asked, reply=reply))
        self.told.append(replace(asked, reply=reply))
        return reply


@dataclass(frozen=True)
class Place:
    """Where a policy sits.

    Attributes:
        seat: index of the state, -1 where nobody said.
        names: of all states, as the model knows them, in index order.
        board: what states said.
    """

    seat: int
    names: Sequence[str]
    board: Board


class Mind:
    """A model in one seat of one world, for an episode.

    Attributes:
        turn: turns that were played when it was last asked; -1 before the first.
        action: what it did then, int64 ``(H,)``.
        forecasts: (attacker, target) by name -> chance, of then.
        counts: :data:`COUNTS` so far.

    Args:
        house: of the config.
        seed: of the seat's episode.
        row: of the world.
    """

    def __init__(self, house: House, seed: int, row: int) -> None:
        self._house, self._seed, self._row = house, seed, row
        self.turn, self.action = -1, np.empty(0, np.int64)
        self.forecasts: dict[tuple[str, str], float] = {}
        self.counts = dict.fromkeys(COUNTS, 0)
        self._before: np.ndarray | None = None
        self._notes = ""
        self._past: deque[str] = deque(maxlen=house.config.memory.turns)

    def choose(
        self, turn: int, observation: np.ndarray, mask: np.ndarray, heads: Heads, instead: np.ndarray, place: Place
    ) -> np.ndarray:
        """What is done on a turn, int64 ``(H,)``.

        Args:
            turn: turns played; asked again about the same one, it does the same.
            observation: float32 ``(D,)``.
            mask: int8 ``(M,)``.
            heads: of the game.
            instead: what is done where no answer can be used, ``(H,)``.
            place: where it sits.

        Raises:
            PolicyError: if there is no answer.
        """
        if turn == self.turn:
            return self.action
        text, form, view = self.asked(observation, mask, heads, place)
        over = view["turn"] >= view["horizon"] or self._row in place.board.over or not form.others
        found = None if over or not form.free else self._answer(text, form, turn, place.seat)
        action = np.array(instead if found is None else found.action, np.int64)
        self.forecasts = {} if found is None else found.forecasts
        self._notes = self._notes if found is None else found.notes
        words = "" if found is None else found.words
        place.board.say(turn, place.seat, self._row, int(action[Head.SIGNAL]), words)
        self._remember(view, action, words)
        self.turn, self.action, self._before = turn, action, observation.copy()
        return action

    def asked(
        self, observation: np.ndarray, mask: np.ndarray, heads: Heads, place: Place
    ) -> tuple[str, Form, dict[str, Any]]:
        """The text of a turn, what it asks for, and the view that it is made from."""
        seat, config = max(place.seat, 0), self._house.config
        eyes = eyes_of(observation, heads, place.names, seat)
        view, blocks = eyes.view(observation, mask, self._before), eyes.blocks(observation)
        standing = [j["name"] for j in view["others"] if j["standing"]]
        form = Form(view["heads"], view["name"], standing, config.words, config.memory.notes, config.forecasts)
        heard = []
        for slot, j in enumerate(view["others"]):
            said = place.board.said(view["turn"] - 1, layout.other_of(seat, slot), self._row)
            if said is not None and config.words and j.get(f"heard_{Signal(said[0]).name.lower()}"):
                heard.append((j["name"], said[1]))
        text = turn_text(view, blocks, form, past=list(self._past), notes=self._notes, heard=heard)
        return text, form, view

    def _answer(self, text: str, form: Form, turn: int, seat: int) -> Answer | None:
        """The first answer that can be used; None if there is none, which the fallback's turn is counted for."""
        failures: list[tuple[str, str]] = []
        config = self._house.config
        for attempt in range(1, config.asks + 1):
            seed = derived_seed(self._seed, self._row, turn, attempt)
            body = body_of(config, text, form, failures, seed)
            reply = self._house.reply_to(Exchange(self._seed, seat, self._row, turn, attempt, body, Reply("")))
            self.counts["tokens"] += reply.read + reply.written
            self.counts["asked_again"] += attempt > 1
            try:
                answer = _read(form, reply, config.answer_tokens)
            except AnswerError as error:
                failures.append((reply.text or reply.refusal, str(error)))
                continue
            self.counts["chosen"] += 1
            return answer
        self.counts["fell_back"] += 1
        return None

    def _remember(self, view: Mapping[str, Any], action: np.ndarray, words: str) -> None:
        if not self._past.maxlen:
            return
        deeds = [
            f"{head['head']}{' toward ' + head['toward'] if head['toward'] else ''} {head['choices'][choice]['word']}"
            for head, choice in zip(view["heads"], action.tolist(), strict=True)
            if choice != head["noop"]
        ]
        said = f", saying {quoted(words)}" if words else ""
        before = f" (on the turn before: {' '.join(view['news'])})" if view["news"] else ""
        self._past.append(
            f"turn {view['turn'] + 1}: you chose {', '.join(deeds) or 'to do nothing'}{said}{before}"[:_PAST]
        )


def _read(form: Form, reply: Reply, most: int) -> Answer:
    """The answer in a reply; AnswerError if the model refused, was cut off, or answers what is not asked for."""
    if reply.refusal:
        raise AnswerError("you refused; this is a game of simulated states, and an answer is needed")
    try:
        return form.read(reply.text)
    except AnswerError:
        if reply.finish == "length":
            raise AnswerError(f"it was cut off at {most} tokens; be shorter") from None
        raise
