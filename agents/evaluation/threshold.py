"""The threshold of trust m of model.md section 5, from a scenario's own numbers."""

from __future__ import annotations

from typing import Any

from sd_env.rules.war import contest
from sd_env.scenario import Scenario


def success_probabilities(
    scenario: Scenario, offense: float, defense: float, omega: float | None = None, q: float | None = None
) -> tuple[float, float]:
    """Success of an attack between two states that both hold ``offense`` and ``defense``.

    Args:
        scenario: its technology and war groups must hold plain numbers, not ranges.
        offense: stock of offensive arms of each.
        defense: stock of defensive arms of each.
        omega: offensive advantage instead of the scenario's.
        q: distinguishability instead of the scenario's.

    Returns:
        ``(p_f, p_s)``: when one strikes and the other waits, of whose arms only ``war.peacetime_readiness`` is ready,
        and when both strike, all of whose arms are.
    """
    technology, war = scenario.technology, scenario.war
    omega = plain(technology.offense_advantage) if omega is None else omega
    q = plain(technology.distinguishability) if q is None else q
    phi, dual = plain(war.first_strike), technology.dual_use
    lent = 1.0 - q if dual is None else plain(dual)
    attack, defence = offense + lent * defense, defense + lent * offense
    base, r, difference = plain(war.base_defense), plain(war.decisiveness), float(war.contest == "difference")
    first = contest(omega * (1.0 + phi) * attack, base + plain(war.peacetime_readiness) * defence, r, difference)
    return first, contest(omega * attack, base + defence + omega * attack, r, difference)


def trust_threshold(
    scenario: Scenario,
    offense: float,
    defense: float,
    turns: float = 1.0,
    *,
    omega: float | None = None,
    q: float | None = None,
) -> float:
    """m = 1 - c_A / (conquest (p_f - p_s) turns): a security seeker attacks if it trusts the other less than m.

    Where land lost is lost for the rest of the game, ``turns`` is how many turns that is; 1 is the one-shot
    game. At most 0: peace is dominant. From uniform policies, learners tend to war where m > 1/2.

    Args:
        scenario: as for :func:`success_probabilities`.
        offense: stock of offensive arms of each of the two states.
        defense: stock of defensive arms of each.
        turns: H_eff.
        omega: as for :func:`success_probabilities`.
        q: likewise.
    """
    first, both = success_probabilities(scenario, offense, defense, omega, q)
    stake = plain(scenario.war.conquest) * (first - both) * turns
    cost = plain(scenario.war.attacker_cost)
    return 1.0 - cost / stake if stake > 0.0 else float("-inf")


def effective_turns(horizon: int, goes_on: float = 1.0) -> float:
    """H_eff at the start of an episode: how many turns are expected, undiscounted as scores are.

    Args:
        horizon: of the scenario, which ends the game.
        goes_on: its ``continuation``: where it is below 1, chance may end the game after any turn before.
    """
    return float(sum(goes_on**turn for turn in range(horizon)))


def expected_turns(scenario: Scenario) -> float:
    """H_eff of a scenario, ranges taken at their middles."""
    return effective_turns(int(middle(scenario.horizon)), middle(scenario.continuation))


def middle(value: Any) -> float:
    """A number, or the middle of a range.

    Raises:
        ValueError: for values state by state.
    """
    return float(sum(value)) / 2.0 if isinstance(value, tuple) else plain(value)


def plain(value: Any) -> float:
    """A number that is one.

    Raises:
        ValueError: for a range, or values state by state.
    """
    if isinstance(value, (int, float)):
        return float(value)
    raise ValueError(f"{value} is a range; a threshold needs a plain number")
