"""Games in which types occur otherwise than in the game itself, while all think that they occur as they do in it.

What the rarer type does and earns is then learned and measured as well as what the other does. Trust stays what it is
(``states.trust``), so that beliefs, where they are shown, begin as ever. Where governments change, what a state is at
the start says little of what it will be, and there is no such game.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sd_env.scenario import Scenario
from sd_env.scenario_bounds import of_state, span


def with_types_even(scenario: Scenario) -> Scenario:
    """The game with as many greedy states as others among those whose type is drawn, or the game as it is."""
    drawn = [state for state in scenario.agents if _is_drawn(scenario, state)]
    if not drawn:
        return scenario
    return scenario.with_overrides({"motives.p_greedy": 0.5, "states.trust": _trusted(scenario, drawn)})


def apart(scenario: Scenario, state: str) -> list[Scenario]:
    """The game in which a state is a security seeker and that in which it is greedy; where there are none, the game."""
    games = [of_type(scenario, state, greedy) for greedy in (False, True)]
    return [game for game in games if game is not None] or [scenario]


def of_type(scenario: Scenario, state: str, greedy: bool) -> Scenario | None:
    """The game in which a state is of a type and the others are drawn as ever; None where there is none.

    What its rivals are, believe and see is as it was, so that what it does best as that type is what it does best in
    the game.
    """
    if not _is_drawn(scenario, state):
        return None
    fixed = dict(scenario.states.greed) if isinstance(scenario.states.greed, Mapping) else {}
    fixed[state] = scenario.motives.greed if greedy else 0.0
    return scenario.with_overrides({"states.greed": fixed, "states.trust": _trusted(scenario, [state])})


def _is_drawn(scenario: Scenario, state: str) -> bool:
    """Whether a state may be of either type, and stays what it is."""
    motives = scenario.motives
    may_be_both = span(motives.greed)[1] > 0.0 and 0.0 < sum(span(motives.p_greedy)) < 2.0
    return of_state(scenario.states.greed, state) is None and may_be_both and not span(motives.turnover)[1]


def _trusted(scenario: Scenario, states: list[str]) -> dict[str, Any]:
    """``states.trust`` of all that have one, and of ``states`` what it is in the game though it says nothing."""
    given = {state: of_state(scenario.states.trust, state) for state in scenario.agents}
    said = {state: trust for state, trust in given.items() if trust is not None}
    return {state: scenario.trust(state) for state in states} | said
