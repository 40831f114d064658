"""An episode log as one page for a browser: a file that holds all that it needs and asks nothing of any host.

The page is ``page.html`` with its style, its script and the episode's numbers put in. Whatever somebody else wrote
(names, titles, labels) is data to the script, which shows it as text and never as markup; and a content-security policy
names the digests of the one style and the one script that may run.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sd_env.events import Builds, BuildsShare, Conquest, IllegalAction, LeaderFalls, Mediated
from sd_env.layout_actions import Signal
from sd_env.measures.war import war_of
from sd_env.show.places import Frame, places_of
from sd_env.show.story import Story
from sd_env.show.template import filled

if TYPE_CHECKING:
    from sd_env.record import EpisodeLog

#: What only the state itself knows of its deeds.
_PRIVATE: Final = (Builds, BuildsShare, IllegalAction, LeaderFalls, Mediated)
#: Digits after the point, of amounts and of probabilities.
_DIGITS: Final = 3
_AMOUNTS: Final = ("homeland", "holdings", "offense", "defense", "reliability")


@dataclass(frozen=True)
class Note:
    """A turn that is worth stopping at.

    Attributes:
        turn: 0 .. T.
        text: why, in a sentence.
        more: what can be said of it beyond that, shown when asked for.
    """

    turn: int
    text: str
    more: tuple[str, ...] = ()


def page(log: EpisodeLog, notes: Sequence[Note] = ()) -> str:
    """The page of an episode, as HTML.

    Args:
        log: the episode.
        notes: on turns that are marked, beside those on which two begin to fight or a state falls, which always are.
    """
    story = Story(log)
    title = f"{log.scenario.name}, seed {log.seed}, world {log.world}, episode {log.episode}"
    return filled("sd_env.show", {"title": html.escape(title), "data": script_json(data(log, story, notes))})


def data(log: EpisodeLog, story: Story, notes: Sequence[Note] = ()) -> dict[str, Any]:
    """What the page's script shows, as plain data: rows of T + 1 turns, of which row 0 is the start."""
    states, pairs = log.states, log.pairs
    others = ~np.eye(len(log.agents), dtype=bool)
    return {
        "name": log.scenario.name,
        "title": log.scenario.title,
        "key": f"seed {log.seed}, world {log.world}, episode {log.episode}",
        "states": list(story.names.values()),
        "policies": list(log.policies),
        "stage": _stage(log),
        "turns": log.turns,
        "horizon": int(log.params["horizon"]),
        "closing": list(story.closing()),
        "greed": _rounded(states["greed"]),
        "standing": states["standing"].astype(int).tolist(),
        **{name: _rounded(states[name]) for name in _AMOUNTS},
        "power": _rounded(states["economy"] * (states["homeland"] + states["holdings"])),
        "rewards": _rounded(log.rewards),
        "signals": [[Signal(int(each)).name.lower() for each in row] for row in states["signal"]],
        "belief": _rounded(pairs["belief"]),
        "estimate": _rounded(pairs["estimate"]),
        "allied": _listed(np.triu(pairs["allied"] != 0)),
        "mobilized": _listed((pairs["mobilized"] != 0) & others),
        "attacks": _attacks(log, others),
        "events": [_told(log, story, turn) for turn in range(1, log.turns + 1)],
        "moments": [{"turn": each.turn, "text": each.text, "more": list(each.more)} for each in sorted(
            [*_turning_points(log, story, others), *notes], key=lambda each: each.turn)],
    }  # fmt: skip


def _stage(log: EpisodeLog) -> dict[str, Any]:
    """The picture of the states: its size, where each stands, how large it is drawn, and whether that is a map."""
    count, given = len(log.agents), log.scenario.places
    crowd = count > 9
    wide, high = 640, 300 if count == 2 else 540 if given is not None else 700 if crowd else 520
    size = 0.6 if crowd else 0.8 if count > 5 else 1.0
    frame = Frame(
        80, 85 * size + 15, wide - 80, high - 85 * size - 20, (wide / 2, high / 2 - 8),
        (175, 0) if count == 2 else (250, 275) if crowd else (225, 165), (105 * size + 15, 160 * size + 12),
    )  # fmt: skip
    spots = places_of(log.scenario.agents, given, frame)
    return {"size": [wide, high], "places": spots.round(1).tolist(), "scale": size, "map": given is not None}


def _attacks(log: EpisodeLog, others: np.ndarray) -> list[list[list[int]]]:
    """Of each row the attacks, as attacker, target and 1 if land was taken."""
    index = {agent: i for i, agent in enumerate(log.agents)}
    found = []
    for turn, row in enumerate(log.pairs["attacks"]):
        events = log.events[turn - 1] if turn else ()
        won = {
            (index[who], index[each.agent]) for each in events if isinstance(each, Conquest) for who in each.attackers
        }
        struck = [] if not turn else np.argwhere((row != 0) & others).tolist()
        found.append([[one, other, int((one, other) in won)] for one, other in struck])
    return found


def _told(log: EpisodeLog, story: Story, turn: int) -> list[dict[str, Any]]:
    """The sentences of a turn, whom each is about, and whether only its state knows."""
    index = {agent: i for i, agent in enumerate(log.agents)}
    own = {story.told_alone(event): index[event.agent] for event in log.events[turn - 1] if isinstance(event, _PRIVATE)}
    return [
        {"text": text, "who": sorted(index[agent] for agent in who), "only": own.get(text, -1)}
        for text, who in story.told(turn)
    ]


def _turning_points(log: EpisodeLog, story: Story, others: np.ndarray) -> list[Note]:
    """The turns on which two states at peace begin to fight, in a new war or in one there is, or a state falls."""
    names = list(story.names.values())
    fights = ((log.pairs["attacks"] != 0) & others).astype(bool)
    fights[0] = False
    either, war = fights | fights.transpose(0, 2, 1), war_of(log)
    found = []
    for turn in range(1, log.turns + 1):
        for one, other in np.argwhere(np.triu(either[turn] & ~either[turn - 1])):
            seekers = log.states["greed"][turn - 1, [one, other]] == 0
            attackers = [k for k, (a, b) in ((one, (one, other)), (other, (other, one))) if fights[turn, a, b]]
            who = " and ".join(names[k] for k in attackers)
            target = names[other if attackers[0] == one else one]
            deed = f"{who} attack each other" if len(attackers) > 1 else f"{who} attacks {target}"
            tragic = ": both only wanted to be safe" if seekers.all() else ""
            begins = war[turn, one] not in war[turn - 1]
            found.append(Note(turn, f"{'War begins' if begins else 'The war spreads'}: {deed}{tragic}."))
        fell = (log.states["standing"][turn - 1] != 0) & (log.states["standing"][turn] == 0)
        found += [Note(turn, f"{names[k]} falls.") for k in np.flatnonzero(fell)]
    return found


def _rounded(values: np.ndarray) -> list[Any]:
    """Numbers as short as they are shown, in nested lists; what is no number is null."""
    rounded = np.round(np.asarray(values, np.float64), _DIGITS) + 0.0  # no negative zeros
    plain = rounded.astype(object)
    plain[~np.isfinite(rounded)] = None
    listed: list[Any] = plain.tolist()
    return listed


def _listed(rows: np.ndarray) -> list[list[list[int]]]:
    """Of each row the pairs that are set."""
    return [np.argwhere(row).tolist() for row in rows]


def script_json(value: Any) -> str:
    """JSON that is safe within a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
