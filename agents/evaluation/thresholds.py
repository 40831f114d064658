"""What theory says of a scenario before any training: the thresholds of model.md section 5, and their like.

:mod:`agents.evaluation.duel` plays out what two of its states face; what has a formula is computed from it here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from agents.evaluation.duel import Duel, fear, of_state
from agents.evaluation.threshold import middle
from sd_env.scenario import Scenario

#: Lengths of war, in turns, of which the threshold is told: 1 is model.md's m, more are m~.
WAR_TURNS: Final = (1, 3, 6, 12)
#: Arms of each of two like states, half of them swords, at which m is told.
ARMS: Final = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Thresholds:
    """What theory says of a scenario, or of a pair of its states, before anything is learned.

    Attributes:
        who: the seeker and the rival, or "any state" where all are alike.
        trust: t.
        turns: H_eff.
        m: length of war -> threshold of trust, at the arms of the start.
        by_arms: arms of each of two like states -> m.
        arms_of_war: x*, where m comes to exceed t.
        complements_below: arms below which arms answer arms; above it more of them deter.
        balance: swords for each shield at which an attack succeeds with probability one half (Glaser and Kaufmann).
        warning_lag: L*, turns.
        distinguishable_from: q*, from which on a defensive posture reassures enough, with weapons dual in effect.
    """

    who: str
    trust: float
    turns: float
    m: dict[int, float]
    by_arms: dict[float, float]
    arms_of_war: float
    complements_below: float
    balance: float
    warning_lag: float
    distinguishable_from: float

    def beyond_trust(self) -> float:
        """By how much m exceeds trust: of unlike pairs, the one with most has most to fear."""
        return -math.inf if math.isnan(self.m[1]) else self.m[1] - self.trust


def most_feared(found: Sequence[Thresholds]) -> Thresholds:
    """Of a scenario's pairs, that in which a seeker has most to fear beyond its trust."""
    return max(found, key=Thresholds.beyond_trust)


@dataclass(frozen=True)
class Row:
    """One number of a :class:`Thresholds`, as people are told of it.

    Attributes:
        name: its symbol.
        meaning: what it says.
        number: where it is.
        beyond: what stands for numbers that are none: inf, -inf, and -1 for L*.
    """

    name: str
    meaning: str
    number: Callable[[Thresholds], float]
    beyond: Mapping[float, str] = field(default_factory=dict)

    def told(self, of: Thresholds) -> str:
        """The number with two decimals at most, or the words for it; a dash where it has no meaning."""
        number = self.number(of)
        if math.isnan(number):
            return "-"
        return self.beyond.get(number) or f"{number:.2f}".rstrip("0").rstrip(".")


def _m(turns: int) -> Row:
    def number(each: Thresholds) -> float:
        return each.m[turns] if math.isnan(each.m[turns]) or each.m[turns] > 0.0 else -math.inf

    peace = {-math.inf: "peace dominant"}
    if turns == 1:
        return Row("m", "a seeker strikes first if it trusts the other less than this", number, peace)
    return Row(f"m~({turns})", f"the same if a war lasts {turns} turns", number, peace)


#: What is told of each entry.
ROWS: Final = (
    Row("t", "trust: how likely the other is a security seeker, before anything is seen", lambda each: each.trust),
    Row("H_eff", "turns for which land is expected to be held", lambda each: each.turns),
    *map(_m, WAR_TURNS),
    Row("x*", "arms of each from which on m exceeds t", lambda each: each.arms_of_war, {math.inf: "never"}),
    Row(
        "x_c",
        "arms of each below which arms call for arms, and above which they deter",
        lambda each: each.complements_below,
        {math.inf: "no bound"},
    ),
    Row(
        "a/d",
        "swords for each of the other's shields at which an attack succeeds half the time",
        lambda each: each.balance,
        {math.inf: "no bound"},
    ),
    Row("q*", "distinguishability from which on a defensive posture reassures", lambda each: each.distinguishable_from),
    Row(
        "L*",
        "turns for which a seeker may leave an aggressor's build-up unanswered",
        lambda each: each.warning_lag,
        {math.inf: "for ever", -1.0: "none"},
    ),
)


def thresholds(
    scenario: Scenario | str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    lag: bool = True,
) -> list[Thresholds]:
    """The thresholds of every scenario, without any training.

    Args:
        scenario: catalogue name, path, Scenario or mapping.
        overrides: dotted keys and their values.
        lag: whether to search for L*, which takes seconds.

    Returns:
        One entry where all states are alike, else one for each seeker and rival; NaN where a number has no meaning.

    Raises:
        ScenarioError: one sentence.
    """
    game = Scenario.load(scenario, overrides)
    duels = list(_duels(game))
    at_start = fear(game, [(duel.seeker, duel.rival) for duel, _ in duels], WAR_TURNS)
    return [
        _thresholds(duel, who if len(duels) > 1 else "any state", dict(zip(WAR_TURNS, m.tolist(), strict=True)), lag)
        for (duel, who), m in zip(duels, at_start, strict=True)
    ]


def _duels(game: Scenario) -> Iterator[tuple[Duel, str]]:
    """Each pair once that differs from the others; of like states, one."""
    names = game.agents
    quantities = [getattr(game.states, key) for key in type(game.states).model_fields if key != "names"]
    seen = set()
    for i, one in enumerate(names):
        for j, two in enumerate(names):
            if i == j:
                continue
            key = tuple((of_state(each, one), of_state(each, two)) for each in quantities)
            key += tuple(_reach(game, a, b) for a, b in ((i, j), (j, i)))
            if key not in seen:
                seen.add(key)
                yield Duel(game, i, j), f"{one} of {two}"


def _reach(game: Scenario, one: int, two: int) -> Any:
    reach = game.geography.reach
    return reach[one][two] if isinstance(reach, tuple) and isinstance(reach[0], tuple) else reach


def _thresholds(duel: Duel, who: str, m: dict[int, float], lag: bool) -> Thresholds:
    game, nan = duel.scenario, math.nan
    like = not any(isinstance(v, Mapping) for v in (game.states.offense, game.states.defense, game.states.economy))
    fights = "attack" in game.actions.stance
    return Thresholds(
        who=who,
        trust=duel.trust,
        turns=duel.turns,
        m=m,
        by_arms={x: duel.at(x).m() for x in ARMS} if like and fights else {},
        arms_of_war=duel.arms_of_war() if like and fights else nan,
        complements_below=_complements_below(game) if fights else nan,
        balance=_balance(game, duel.rival) if fights else nan,
        warning_lag=duel.warning_lag() if lag else nan,
        distinguishable_from=_distinguishable_from(duel) if fights else nan,
    )


def _complements_below(game: Scenario) -> float:
    """Arms below which one state's arms raise what arms are worth to the other: while the assault is the weaker.

    With a contest of force F and defence S, arms of the defender are worth most where F = S; so with x on both sides,
    half swords, arms answer arms while omega (1 + phi) A < base + v D, v the readiness of who
    is surprised.
    """
    omega, phi = middle(game.technology.offense_advantage), middle(game.war.first_strike)
    ready = middle(game.war.peacetime_readiness)
    steeper = (omega * (1.0 + phi) - ready) * (1.0 + _lent(game)) / 2.0
    return middle(game.war.base_defense) / steeper if steeper > 0.0 else math.inf


def _balance(game: Scenario, victim: int) -> float:
    """Swords over shields that make an attack on the unready even: (v + base / shields) / (omega (1 + phi))."""
    omega, phi = middle(game.technology.offense_advantage), middle(game.war.first_strike)
    shields = middle(of_state(game.states.defense, game.agents[victim]) or 0.0)
    if shields == 0.0:
        return math.inf if middle(game.war.base_defense) else math.nan
    ready = middle(game.war.peacetime_readiness)
    return (ready + middle(game.war.base_defense) / shields) / (omega * (1.0 + phi))


def _lent(game: Scenario) -> float:
    dual = game.technology.dual_use
    return 1.0 - middle(game.technology.distinguishability) if dual is None else middle(dual)


def _distinguishable_from(duel: Duel) -> float:
    """q* = (O_m - O_t) / (O_m + O_t), O_x = x / (1 - x), with m of weapons that serve both purposes; 0 if m <= t."""
    dual = replace(duel, scenario=Scenario.load(duel.scenario, {"technology.distinguishability": 0.0}))
    m, trust = dual.m(), duel.trust
    if math.isnan(m) or m <= trust:
        return 0.0 if not math.isnan(m) else math.nan
    if m >= 1.0:
        return 1.0
    odds, prior = m / (1.0 - m), trust / (1.0 - trust)
    return (odds - prior) / (odds + prior)
