"""What a language model answers: one JSON object by the schema of the turn, read strictly, in words that are bounded.

The schema is made of the scenario's heads and the mask of the turn. A head that leaves no choice is not asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from sd_env.errors import RefusedError, printable
from sd_env.layout import Signal
from sd_env.reading import ReadError, read_json

#: Letters of an answer that are read, and of what one state says to the others.
MOST_LETTERS: Final = 20_000
WORDS: Final = 280
#: Letters of what a model writes to think, which is kept with the exchange and shown to nobody.
THOUGHTS: Final = 1_000
_FENCED: Final = re.compile(r"```(?:json)?[ \t]*\n(?P<inside>.*?)\n?[ \t]*```", re.S)
_SIGNAL: Final = "signal"
_TOWARD: Final = "toward"
#: Keys that do no harm where they were not asked for.
_BESIDE: Final = (_TOWARD, "thoughts", "words", "notes", "forecasts")


class AnswerError(RefusedError):
    """Why an answer cannot be used: the end of a sentence that is said to the model."""


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Attributes:
        action: a choice for each head, int64 ``(H,)``.
        words: what is said with the signal; "" with silence.
        notes: what it wants to remember.
        forecasts: (attacker, target) by their names -> chance.
    """

    action: np.ndarray
    words: str = ""
    notes: str = ""
    forecasts: dict[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """What is asked for on a turn.

    Attributes:
        heads: those of :meth:`agents.play.view.Eyes.heads`, one an entry of an action.
        me: name of the state.
        others: names of the other states that stand.
        words: whether something may be said.
        notes: letters that it may remember.
        forecasts: whether forecasts are asked for.
    """

    heads: Sequence[Mapping[str, Any]]
    me: str
    others: Sequence[str]
    words: bool = True
    notes: int = 0
    forecasts: bool = False

    @property
    def free(self) -> bool:
        """Whether any head leaves a choice."""
        return any(len(_legal(head)) > 1 for head in self.heads)

    @property
    def speaks(self) -> bool:
        """Whether words can be heard: some signal but silence is legal."""
        return self.words and any(
            head["head"] == _SIGNAL and _legal(head) != [Signal.SILENCE.name.lower()] for head in self.heads
        )

    def schema(self) -> dict[str, Any]:
        """The JSON schema of an answer, strict: every key is required and no other is allowed."""
        own: dict[str, Any] = {"thoughts": {"type": "string", "description": f"at most {THOUGHTS} letters, private"}}
        toward: dict[str, dict[str, Any]] = {}
        for head in self.heads:
            if len(legal := _legal(head)) < 2:
                continue
            into = toward.setdefault(head["toward"], {}) if head["toward"] else own
            into[head["head"]] = {"type": "string", "enum": legal}
        if toward:
            own[_TOWARD] = _object({name: _object(entries) for name, entries in toward.items()})
        if self.speaks:
            own["words"] = {"type": "string", "description": f"said with the signal; at most {WORDS} letters"}
        if self.forecasts:
            row = {
                "attacker": {"type": "string", "enum": list(self.others)},
                "target": {"type": "string", "enum": [self.me, *self.others]},
                "chance": {"type": "number", "description": "0 to 1"},
            }
            own["forecasts"] = {"type": "array", "items": _object(row)}
        if self.notes:
            own["notes"] = {
                "type": "string",
                "description": f"all that you will remember; at most {self.notes} letters",
            }
        return _object(own)

    def read(self, text: str) -> Answer:
        """The answer that a text holds.

        Words and notes that are too long are cut, and letters that would drive a terminal become question marks; all
        else that is not as the schema has it is refused.

        Raises:
            AnswerError: naming key, value and what is allowed.
        """
        try:
            given = read_json(json_of(text), "the answer", most=MOST_LETTERS)
        except ReadError as error:
            raise AnswerError(str(error)) from None
        known = dict.fromkeys(
            [*self.schema()["properties"], *_BESIDE, *(h["head"] for h in self.heads if not h["toward"])]
        )
        found = _mapping(given, "the answer", known)
        toward = _mapping(found.get(_TOWARD, {}), _TOWARD, {h["toward"]: 0 for h in self.heads if h["toward"]})
        entries = {
            name: _mapping(each, f"{_TOWARD} {name}", {h["head"]: 0 for h in self.heads if h["toward"] == name})
            for name, each in toward.items()
        }
        action = [
            _choice(head, entries.get(head["toward"], {}) if head["toward"] else found) for head in self.heads
        ]  # fmt: skip
        silent = all(
            head["choices"][choice]["word"] == Signal.SILENCE.name.lower()
            for head, choice in zip(self.heads, action, strict=True)
            if head["head"] == _SIGNAL
        )
        words = _text(found, "words", WORDS)
        return Answer(
            np.array(action, np.int64),
            words="" if silent or not self.speaks else words,
            notes=_text(found, "notes", self.notes),
            forecasts=self._forecasts(found.get("forecasts", [])),
        )

    def _forecasts(self, rows: Any) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        if not isinstance(rows, list) or len(rows) > 1 + len(self.others) ** 2:
            raise AnswerError("forecasts must be a list of objects with attacker, target and chance, each pair once")
        for row in rows:
            given = _mapping(row, "a forecast", dict.fromkeys(("attacker", "target", "chance")))
            pair = given.get("attacker"), given.get("target")
            chance = given.get("chance")
            if pair[0] not in self.others or pair[1] not in (self.me, *self.others) or pair[0] == pair[1]:
                raise AnswerError(
                    f"a forecast has attacker {pair[0]!r:.60} and target {pair[1]!r:.60}; attackers are "
                    f"{', '.join(self.others) or 'nobody'}, targets those and {self.me}, not the attacker itself"
                )
            if isinstance(chance, bool) or not isinstance(chance, (int, float)) or not 0 <= chance <= 1:
                raise AnswerError(f"a forecast has the chance {chance!r:.60}; a number from 0 to 1 is needed")
            if pair in found:
                raise AnswerError(f"the forecast of {pair[0]} attacking {pair[1]} is given twice; once is allowed")
            found[str(pair[0]), str(pair[1])] = float(chance)
        return found


def json_of(text: str) -> str:
    """The JSON of an answer: without what a model thought aloud before it, and without a fence around it.

    Nothing else is looked for: an answer with sentences around its JSON is no JSON.
    """
    text = text.rpartition("</think>")[2].strip()
    fenced = _FENCED.fullmatch(text)
    return fenced["inside"] if fenced else text


def quoted(words: str) -> str:
    """A stranger's words in one line, in quotation marks that they cannot end."""
    return json.dumps(printable(" ".join(words.split())), ensure_ascii=False)


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _legal(head: Mapping[str, Any]) -> list[str]:
    return [choice["word"] for choice in head["choices"] if choice["legal"]]


def _mapping(given: Any, what: str, known: Mapping[Any, Any]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise AnswerError(f"{what} must be a JSON object, but is {given!r:.60}")
    if odd := [key for key in given if key not in known]:
        raise AnswerError(f"{what} has the key {odd[0]!r:.60}; keys are {', '.join(map(str, known))}")
    return given


def _choice(head: Mapping[str, Any], given: Mapping[str, Any]) -> int:
    legal, words = _legal(head), [choice["word"] for choice in head["choices"]]
    where = f"{_TOWARD} {head['toward']}: {head['head']}" if head["toward"] else head["head"]
    if head["head"] not in given:
        if len(legal) > 1:
            raise AnswerError(f"{where} is missing; one of {', '.join(legal)} is needed")
        return words.index(legal[0])
    chosen = given[head["head"]]
    if chosen not in legal:
        why = next((f" ({c['why']})" for c in head["choices"] if c["word"] == chosen and c["why"]), "")
        raise AnswerError(f"{where} is {chosen!r:.60}{why}; legal on this turn are {', '.join(legal)}")
    return words.index(chosen)


def _text(given: Mapping[str, Any], key: str, most: int) -> str:
    found = given.get(key, "")
    if not isinstance(found, str):
        raise AnswerError(f"{key} must be a text, but is {found!r:.60}")
    return printable(" ".join(found.split()))[:most]
