"""The threshold of trust m of a scenario, beside its trust t, where the formula applies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents.evaluation.threshold import effective_turns, middle, trust_threshold
from book.concepts import Concept
from sd_env.scenario import Scenario

#: Parameters that move a state's choice between attack and peace, and that the formula does not hold.
_LEFT_OUT = (
    "anarchy.enforcement", "motives.identification", "motives.power_motive", "motives.routine",
    "perception.threat_inflation", "perception.worst_case", "signals.signal_cost", "signals.audience_cost",
    "alliances.alliance_commitment",
)  # fmt: skip


@dataclass(frozen=True)
class Threshold:
    """m of a scenario.

    ``values``: m by what differs, as ``""``, ``"as believed"`` or ``"technology.offense_advantage = 0.5"``.
    ``offense``, ``defense``: the stocks of each state that it holds for. ``turns``: H_eff. ``trust``: t, or None
    where types are given state by state. ``left_out``: what the scenario sets and the formula does not hold.
    """

    values: dict[str, float]
    offense: float
    defense: float
    turns: float
    trust: tuple[float, float] | None
    left_out: tuple[str, ...]


def threshold_of(concept: Concept) -> Threshold | str:
    """The threshold at the arms of the start, or in words why there is none."""
    scenario = concept.scenario
    if "attack" not in scenario.actions.stance:
        return "nobody can attack here"
    if scenario.war.conquest == 0:
        return "no land can be taken here"
    try:
        offense, defense = middle(scenario.states.offense), middle(scenario.states.defense)
    except ValueError:
        return "its states start with different arms, and the formula is that of two equal ones"
    if offense == defense == 0:
        return "its states start without arms, so nobody can attack at first"
    try:
        values = _values(scenario, offense, defense)
    except ValueError:
        return "it draws anew at each reset what the formula needs as plain numbers"
    changed = {change.key for change in concept.changes}
    left_out = tuple(key for key in _LEFT_OUT if key in changed)
    return Threshold(values, offense, defense, _turns(scenario), _trust(scenario), left_out)


def _values(scenario: Scenario, offense: float, defense: float) -> dict[str, float]:
    """m as it is, as believed where belief differs, and at both ends where technology is a range."""
    reach = scenario.geography.reach
    turns = _turns(scenario)

    def at(advantage: float, overrides: dict[str, Any]) -> float:
        arrives = advantage * float(reach) if isinstance(reach, (int, float)) else advantage
        world = scenario.with_overrides(overrides | {"technology.offense_advantage": arrives})
        return trust_threshold(world, offense, defense, turns)

    omega, q = scenario.technology.offense_advantage, scenario.technology.distinguishability
    values = {}
    for advantage in omega if isinstance(omega, tuple) else (omega,):
        for told in q if isinstance(q, tuple) else (q,):
            ends = {"ω": advantage} if isinstance(omega, tuple) else {}
            ends |= {"q": told} if isinstance(q, tuple) else {}
            label = ("At " if ends else "") + ", ".join(f"{symbol} = {end:g}" for symbol, end in ends.items())
            values[label] = at(advantage, {"technology.distinguishability": told})
    believed = scenario.technology.perceived_offense_advantage
    if isinstance(believed, (int, float)) and believed != omega:
        values[f"As believed, ω = {believed:g}"] = at(believed, {})
    return values


def _turns(scenario: Scenario) -> float:
    """H_eff: for how many turns land that is lost is lost; raises ValueError where a number is a range."""
    horizon, goes_on, given_back = scenario.horizon, scenario.continuation, scenario.war.restoration
    if isinstance(horizon, tuple) or isinstance(goes_on, tuple) or given_back not in (0, 1):
        raise ValueError("a range of futures has no one length")
    return 1.0 if given_back == 1 else effective_turns(horizon, goes_on)


def _trust(scenario: Scenario) -> tuple[float, float] | None:
    """Low and high of t, the prior probability that a state is a security seeker."""
    greed, chance = scenario.states.greed, scenario.motives.p_greedy
    if greed == 0:
        return (1.0, 1.0)
    if greed is not None:
        return None
    low, high = chance if isinstance(chance, tuple) else (chance, chance)
    return (1.0 - high, 1.0 - low)
