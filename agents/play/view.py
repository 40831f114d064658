"""What one state sees of a game, as plain data for people.

It is made of that state's observation, of its action mask and of what it saw the turn before, and of nothing else: what
the observation does not tell cannot be in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from agents.play import words
from sd_env import layout
from sd_env.layout import Head, Stance

#: Digits after the point: more than people read, fewer than tell floats apart.
_DIGITS: Final = 3


class Eyes:
    """Reads the observations of one state by name.

    Args:
        heads: of the game.
        shown: what its observations hold.
        seat: index of the state.
        names: of all states, as people write them, in index order.
    """

    def __init__(self, heads: layout.Heads, shown: layout.Parts, seat: int, names: Sequence[str]) -> None:
        self.game_heads, self.seat, self.names = heads, seat, names
        self.others = [names[layout.other_of(seat, slot)] for slot in range(heads.num_states - 1)]
        self._columns = layout.observation_names(heads.num_states, *shown)

    def blocks(self, observation: np.ndarray) -> dict[str, dict[str, float]]:
        """An observation, float32 ``(D,)``, by block and column: ``own``, ``other0``, ..., ``context``."""
        found: dict[str, dict[str, float]] = {}
        for name, value in zip(self._columns, observation.tolist(), strict=True):
            block, _, column = name.partition(".")
            found.setdefault(block, {})[column] = round(value, _DIGITS) + 0.0
        return found

    def view(self, observation: np.ndarray, mask: np.ndarray, before: np.ndarray | None) -> dict[str, Any]:
        """What the state sees, JSON's kinds only.

        Args:
            observation: float32 ``(D,)``.
            mask: int8 ``(M,)``.
            before: the observation of the turn before; None at the start.
        """
        now = self.blocks(observation)
        past = None if before is None else self.blocks(before)
        own = now["own"]
        return {
            "name": self.names[self.seat],
            "turn": int(own["turn"]),
            "horizon": int(own["horizon"]),
            "standing": bool(own["standing"]),
            "wants": wants(own["greed"]),
            "you": own,
            "promises": list(_own_promises(own)),
            "others": [
                {**now[f"other{slot}"], "name": name, "standing": bool(now[f"other{slot}"]["standing"]),
                 "ties": list(self._ties(now, slot))}
                for slot, name in enumerate(self.others)
            ],
            "news": [] if past is None else list(self.news(now, past)),
            "facts": list(words.facts(now["context"])) if "context" in now else [],
            "heads": self.heads(mask),
        }  # fmt: skip

    def heads(self, mask: np.ndarray) -> list[dict[str, Any]]:
        """Each entry of an action: what it asks, and its choices with what they do and whether they are legal."""
        heads, n = self.game_heads, len(self.names)
        slots = [None] * len(layout.OWN_HEADS) + [s for s in range(n - 1) for _ in heads.toward_others]
        found, first = [], 0
        for head, slot in zip(heads.kinds, slots, strict=True):
            size = heads.size(head)
            legal = mask[first : first + size] != 0
            first += size
            asked, about = words.question(head, "" if slot is None else self.others[slot])
            named = words_of(heads, head)
            may_mobilize = head is Head.STANCE and bool(legal[Stance.MOBILIZE])
            found.append({
                "head": head.label,
                "toward": None if slot is None else self.others[slot],
                "asks": asked,
                "about": about,
                "noop": head.noop,
                "choices": [
                    {"word": label, "means": words.meaning(head, word), "legal": bool(is_legal),
                     "why": "" if is_legal else words.why_not(head, word, may_mobilize)}
                    for label, word, is_legal in zip(heads.labels(head), named, legal, strict=True)
                ],
            })  # fmt: skip
        return found

    def _ties(self, now: dict[str, dict[str, float]], slot: int) -> Iterator[str]:
        """How things stand between the state and another, in a few words each."""
        j = now[f"other{slot}"]
        if j["allied"]:
            yield "allied with you"
        elif j["aligned"]:
            yield "held out a hand to you"
        if j["they_attacked"]:
            yield "attacks you"
        elif j["they_mobilized"]:
            yield "mobilized against you"
        if j["at_war"]:
            yield "attacked by you"
        elif j["mobilized"]:
            yield "you are mobilized against it"
        if j.get("found"):
            yield "found to have more swords than the treaty allows"
        if report := j.get("report"):
            yield f"a mediator says that it {'only wants to be safe' if report > 0 else 'wants land'}"
        if j.get("their_alert", 0) > 1:
            yield f"mobilized against you for {_turns(j['their_alert'])} now"
        if j["pledge"] > 1:
            yield f"promised not to attack anybody, for {_turns(j['pledge'] - 1)} more"
        if j["commitment"] > 1:
            yield f"promised to strike back for itself and its allies, for {_turns(j['commitment'] - 1)} more"
        if j["called"]:
            against = [other for k, other in enumerate(self.others) if now[f"other{k}"]["called_against"]]
            whom = f" against {' and '.join(against)}" if against else ""
            yield f"calls you{whom}: attack within {_turns(j['called'])}, or you let your ally down"
        if j["they_called"]:
            yield f"called by you, with {_turns(j['they_called'])} left"
        if j["rupture"]:
            yield f"no alliance possible for {_turns(j['rupture'])}"
        if len(self.others) > 1:
            third = len(self.others) - 1
            for share, does in (("attacks", "attacks"), ("mobilizations", "is mobilized against"),
                                ("allies", "is allied with"), ("attacked", "is attacked by")):  # fmt: skip
                if count := round(j[share] * third):
                    yield f"{does} {_others(count)}"

    def news(self, now: dict[str, dict[str, float]], past: dict[str, dict[str, float]]) -> Iterator[str]:
        """What has happened on the last turn as far as the state could see."""
        own, was = now["own"], past["own"]
        if self.others and now["other0"].get("accused"):
            yield "You were found to have more swords than the treaty allows."
        for slot, name in enumerate(self.others):
            j, old = now[f"other{slot}"], past[f"other{slot}"]
            if j["they_attacked"]:
                yield f"{name} attacked you."
            elif j["they_mobilized"] and not old["they_mobilized"]:
                yield f"{name} mobilized against you."
            elif old["they_mobilized"] and not j["they_mobilized"]:
                yield f"{name} is no longer mobilized against you."
            if j["at_war"]:
                yield f"You attacked {name}."
            if j["allied"] and not old["allied"]:
                yield f"You and {name} are allied."
            elif old["allied"] and not j["allied"]:
                yield f"You and {name} are no longer allied."
            if j["called"] and not old["called"]:
                yield f"{name} was attacked and calls you, its ally."
            if j["heard_reassure"]:
                yield f"{name} was heard to promise not to attack."
            if j["heard_threaten"]:
                yield f"{name} was heard to threaten whoever attacks it or its allies."
            if old["standing"] and not j["standing"]:
                yield f"{name} has fallen."
            elif (lost := old["homeland"] - j["homeland"]) > 0.5 * 10**-_DIGITS:
                yield f"{name} lost {lost:.2f} of its homeland."
        if was["standing"] and not own["standing"]:
            yield "You have fallen: too little of your homeland is left."
        elif (lost := was["homeland"] - own["homeland"]) > 0.5 * 10**-_DIGITS:
            yield f"You lost {lost:.2f} of your homeland."
        if (gain := own["holdings"] - was["holdings"]) > 0.5 * 10**-_DIGITS:
            yield f"You gained {gain:.2f} of foreign land."


def wants(greed: float) -> str:
    """A state's secret in words."""
    if greed == 0:
        return "You only want to be safe: foreign land is worth nothing to you (a security seeker)."
    return f"You want land: foreign land is worth {greed:.2f} times your own to you (greedy)."


def _own_promises(own: dict[str, float]) -> Iterator[str]:
    if own["pledge"] > 1:
        yield f"You promised not to attack anybody; that binds you for {_turns(own['pledge'] - 1)} more."
    if own["commitment"] > 1:
        yield f"You promised to strike back; that binds you for {_turns(own['commitment'] - 1)} more."
    if own["owed"]:
        yield "You owe a blow: attack an aggressor this turn, or your threat was empty and costs you."


def words_of(heads: layout.Heads, head: Head) -> list[int]:
    """Of each choice of a head the word of its enumeration that stands for it."""
    if not head.graded:
        return list(range(heads.size(head)))
    return [int(head.choices.word(share)) for share in heads.shares(head)]  # type: ignore[attr-defined]


def _turns(number: float) -> str:
    return f"{number:.0f} turn{'' if number == 1 else 's'}"


def _others(count: int) -> str:
    return "another state" if count == 1 else f"{count} other states"
