"""The six steps of the guided half hour: what is played for each, what is asked, and the true answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.evaluation.statistics import Interval
from agents.evaluation.threshold import expected_turns, middle, success_probabilities, trust_threshold
from agents.evaluation.thresholds import thresholds
from agents.tour.games import Game, fighting, share, war
from agents.tour.otherwise import Otherwise, others
from agents.tour.words import STEPS, Words
from sd_env.measures.contests import success_probabilities as dangers
from sd_env.record import EpisodeLog

#: What all games of two have in common: names, and beliefs that replays show and realists act upon.
NAMED: Final[dict[str, Any]] = {"states.names": ["northland", "southland"], "perception.beliefs": True}
#: Of how many are greedy: trust t = .7 lies just below m where attack leads and weapons are alike.
GREEDY: Final = 0.3
_WORLD, _TRENCHES = "jervis/doubly-dangerous", "history/1914-chain-gang"
#: A defensive realist that counts turns to come as the scores do; a discount of 1 is none that it takes.
REALIST: Final = "bayesian-realist:discount=0.999"
#: The same as it comes, to which a turn to come is worth a twentieth less.
NEARER: Final = "bayesian-realist"
#: The two of step 2, to which later steps come back.
UNSURE: Final = Game(_WORLD, (REALIST,), NAMED | {"motives.p_greedy": GREEDY})
#: What is changed in step 6, one at a time, in words and as keys.
SWITCHES: Final[Mapping[str, Mapping[str, Any]]] = {
    "Weapons can be told apart (q = 1)": {"technology.distinguishability": 1.0},
    "Defence has the advantage (ω = 0.65)": {"technology.offense_advantage": 0.65},
    "War costs who begins it twice as much": {"war.attacker_cost": 2.0},
    "To strike by surprise gains nothing (φ = 0)": {"war.first_strike": 0.0},
    "One in ten is greedy, not three": {"motives.p_greedy": 0.1},
    "War costs whoever is attacked twice as much": {"war.defender_cost": 1.0},
}


@dataclass(frozen=True)
class Bar:
    """A number of many episodes, as a bar.

    Attributes:
        label: of what.
        found: the number, its interval.
        of: of how many episodes.
        made: what was played.
        beside: what stands beside it.
    """

    label: str
    found: Interval
    of: int
    made: str
    beside: str = ""


@dataclass(frozen=True)
class Shown:
    """An episode to be looked at: its key among the replays, what it is, and the turn at which it opens."""

    key: str
    label: str
    turn: int = 0


@dataclass(frozen=True)
class Step:
    """A step of the half hour.

    Attributes:
        words: what it says, numbers put in.
        unit: of the answer: ``%``, ``states``, or ``choice`` among the bars.
        most: the greatest answer.
        answer: which bar is the true answer.
        choices: bars among which one is chosen, if so.
        bars: what was counted.
        shown: episodes.
    """

    words: Words
    unit: str
    most: int
    answer: int
    bars: tuple[Bar, ...]
    shown: tuple[Shown, ...]
    choices: tuple[int, ...] = ()


@dataclass
class Replays:
    """The episodes that the page holds, by key, and what became of them but for one deed."""

    logs: dict[str, EpisodeLog] = field(default_factory=dict)
    otherwise: dict[str, list[Otherwise]] = field(default_factory=dict)

    def keep(self, key: str, label: str, game: Game, frame: pd.DataFrame, *, changed: bool = True) -> Shown:
        """Keep the first of a game's counted episodes; it opens at its first attack, or else at its end.

        Args:
            key: of the episode.
            label: what it is.
            game: of which it is.
            frame: what was counted.
            changed: whether a reader may change a deed of it.
        """
        log = self.logs[key] = game.logs([int(frame["world"].iloc[0])])[0]
        if changed:
            self.otherwise[key] = others(game, log)
        attacks = np.flatnonzero((log.pairs["attacks"][1:] != 0).any(axis=(1, 2)))
        return Shown(key, label, int(attacks[0]) + 1 if len(attacks) else log.turns)


def filled(number: int, **numbers: str) -> Words:
    """The words of a step (from 0) with numbers put in."""
    words = STEPS[number]
    text, told = (tuple(each.format(**numbers) for each in part) for part in (words.text, words.told))
    return replace(words, ask=words.ask.format(**numbers), text=text, told=told)


def steps(replays: Replays, episodes: int) -> list[Step]:
    """All steps but for the map of the third (:mod:`agents.tour.worlds`), which has bars of its own here."""
    return [step(replays, episodes) for step in (_armed, _unsure, _worlds, _signals, _alliances, _escape)]


def bar(label: str, game: Game, frame: pd.DataFrame, beside: str = "") -> Bar:
    """Wars of a game's episodes."""
    return Bar(label, war(frame), len(frame), game.told(), beside)


def percent(value: float) -> str:
    """A share, as so many in a hundred."""
    return f"{100 * value:.0f}"


def number(value: float) -> str:
    """At most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def start_m(game: Game, **changed: float) -> float:
    """m at the start of a game of two, its arms at the middles of their ranges, for a war of one turn."""
    scenario = game.loaded()
    turns = expected_turns(scenario)
    arms = middle(scenario.states.offense), middle(scenario.states.defense)
    return trust_threshold(scenario, *arms, turns, **changed)


def _armed(replays: Replays, episodes: int) -> Step:
    race = Game(_WORLD, ("richardson:reaction=0.25",), NAMED | {"motives.p_greedy": GREEDY})
    still = replace(race, policies=("timetable:offense=0,attacks_from=1000",))
    bars, found = [], {}
    for label, game in (("each arms in answer to the other", race), ("neither arms", still)):
        frame = game.episodes(episodes)
        logs = game.logs(frame["world"].tolist())
        danger = np.array([dangers(log)[[0, -1]] for log in logs])[:, :, [0, 1], [1, 0]]  # (episodes, start or end, 2)
        worse = (danger[:, 1] > danger[:, 0]).all(axis=1)
        bars.append(Bar(f"Both less safe at the end: {label}", share(worse), len(frame), game.told()))
        arms = np.array([(log.states["offense"] + log.states["defense"])[[0, -1]] for log in logs])
        found[label] = (frame, danger, arms)
    frame, danger, arms = found["each arms in answer to the other"]
    words = filled(
        0, turns=str(race.loaded().horizon), n=str(len(frame)),
        arms_before=number(arms[:, 0].mean()), arms_after=number(arms[:, 1].mean()),
        danger_before=number(danger[:, 0].mean()), danger_after=number(danger[:, 1].mean()),
        danger_still=number(found["neither arms"][1][:, 1].mean()),
    )  # fmt: skip
    shown = replays.keep("armed", "Two who arm in answer to one another", race, frame)
    return Step(words, "%", 100, 0, tuple(bars), (shown,))


def _unsure(replays: Replays, episodes: int) -> Step:
    trusting = replace(UNSURE, overrides={**UNSURE.overrides, "motives.p_greedy": 0.2})
    scenario = UNSURE.loaded()
    frame, calm = UNSURE.episodes(episodes), trusting.episodes(episodes)
    theory = thresholds(scenario, lag=False)[0]
    first, both = success_probabilities(scenario, middle(scenario.states.offense), middle(scenario.states.defense))
    words = filled(
        1, greedy=percent(GREEDY), t=number(theory.trust), t_more=number(1.0 - 0.2), first=number(first),
        both=number(both), m=number(theory.m[1]), m3=number(theory.m[3]), x=number(theory.arms_of_war),
    )  # fmt: skip
    bars = (bar(f"War, trust {number(theory.trust)}", UNSURE, frame), bar("War, trust 0.8", trusting, calm))
    shown = (
        replays.keep("unsure", "Two who trust a little too little", UNSURE, frame),
        replays.keep("trusting", "Two who trust just enough", trusting, calm),
    )
    return Step(words, "%", 100, 0, bars, shown)


def _worlds(replays: Replays, episodes: int) -> Step:
    told = replace(UNSURE, overrides={**UNSURE.overrides, "technology.distinguishability": 1.0})
    before, after = UNSURE.episodes(episodes), told.episodes(episodes)
    scenario = UNSURE.loaded()
    arms = middle(scenario.states.offense) + middle(scenario.states.defense)
    omega = number(middle(scenario.technology.offense_advantage))
    words = filled(2, omega=omega, war=percent(war(before).value), arms=number(arms))
    bars = (
        bar("War, weapons can be told apart (q = 1)", told, after),
        bar("War, weapons alike (q = 0)", UNSURE, before),
    )
    return Step(words, "%", 100, 0, bars, ())


def _signals(replays: Replays, episodes: int) -> Step:
    def game(cost: float, greedy: float, who: str = "kydd-reassurer") -> Game:
        changed = {"motives.p_greedy": greedy, "signals.signal_cost": 0.0, "signals.audience_cost": cost}
        return Game(_WORLD, (REALIST, who), NAMED | changed)

    dear, greedy, less = 0.3, 0.35, 0.5
    games = {
        f"War, promise dear to break ({number(dear)})": game(dear, greedy),
        "War, words that cost nothing": game(0.0, greedy),
        f"War, promise dear to break, trust {number(1.0 - less)}": game(dear, less),
        "War, a promise made to deceive": game(dear, greedy, "deceiver"),
    }
    frames = {label: each.episodes(episodes) for label, each in games.items()}
    bars = tuple(bar(label, games[label], frame) for label, frame in frames.items())
    costly, cheap, low, _ = bars
    words = filled(
        3, t=number(1.0 - greedy), m=number(start_m(games[costly.label])), cheap=percent(cheap.found.value),
        cost=number(dear), t_less=number(1.0 - less), low=percent(low.found.value),
    )  # fmt: skip
    shown = tuple(
        replays.keep(f"signals-{k}", label.removeprefix("War, ").capitalize(), games[label], frames[label])
        for k, label in enumerate(games)
    )
    return Step(words, "%", 100, 0, bars, shown)


def _alliances(replays: Replays, episodes: int) -> Step:
    begins = {"austria-hungary": {"stance.serbia": "attack"}}
    scenario = Game(_TRENCHES, (REALIST,)).loaded()
    truth = middle(scenario.technology.offense_advantage)
    calm = {"technology.perceived_offense_advantage": truth}
    games = {
        "all join their allies' wars": Game(_TRENCHES, ("chain-ganger",), interventions=begins),
        "all leave the burden to others": Game(_TRENCHES, ("buck-passer",), interventions=begins),
        "reckoners who believe in attack": Game(_TRENCHES, (NEARER,), interventions=begins),
        "reckoners who believe in defence": Game(_TRENCHES, (NEARER,), calm, interventions=begins),
        "reckoners who look further ahead and believe in attack": Game(_TRENCHES, (REALIST,), interventions=begins),
        "the same who believe in defence": Game(_TRENCHES, (REALIST,), calm, interventions=begins),
    }
    frames = {label: each.episodes(episodes, seekers=False) for label, each in games.items()}
    bars = tuple(
        Bar(f"States that attack: {label}", fighting(frame), len(frame), games[label].told())
        for label, frame in frames.items()
    )
    chain, buck, offensive, defensive, further, calmer = (f"{each.found.value:.1f}".removesuffix(".0") for each in bars)
    words = filled(
        4, chain=chain, buck=buck, offensive=offensive, defensive=defensive, further=further, calmer=calmer,
        truth=number(truth),
        believed=number(middle(scenario.technology.perceived_offense_advantage)),
    )  # fmt: skip
    shown = tuple(
        replays.keep(f"alliances-{k}", label.capitalize(), games[label], frames[label]) for k, label in enumerate(games)
    )
    return Step(words, "states", scenario.n_states, 0, bars, shown)


def _escape(replays: Replays, episodes: int) -> Step:
    before = UNSURE.episodes(episodes)
    bars, shown = [bar("As it was", UNSURE, before, _beside(UNSURE))], []
    for k, (label, change) in enumerate(SWITCHES.items()):
        game = replace(UNSURE, overrides={**UNSURE.overrides, **change})
        frame = game.episodes(episodes)
        bars.append(bar(label, game, frame, _beside(game)))
        shown.append(replays.keep(f"escape-{k}", label, game, frame))
    least = max(range(1, len(bars)), key=lambda k: bars[k].found.value)
    words = filled(
        5, war=percent(bars[0].found.value), least=bars[least].label, least_war=percent(bars[least].found.value)
    )
    return Step(words, "choice", 100, least, tuple(bars), tuple(shown), choices=tuple(range(1, len(bars))))


def _beside(game: Game) -> str:
    m, trust = start_m(game), 1.0 - middle(game.loaded().motives.p_greedy)
    return f"m = {number(m)}, t = {number(trust)}" if m > 0.0 else f"m at or below 0, t = {number(trust)}"
