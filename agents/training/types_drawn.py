"""Games in which types occur otherwise than in the game itself, where how often they do decides nothing else.

What the rarer type does and earns is then learned and measured as well as what the other does. Where beliefs are shown,
which begin with how often a type occurs, or a government may change, or the types are given, there is no such game.
"""

from __future__ import annotations

from sd_env.scenario import Scenario


def with_types_even(scenario: Scenario) -> Scenario:
    """The game with as many greedy states as others, or, where there is none, the game as it is."""
    return scenario.with_overrides({"motives.p_greedy": 0.5}) if _only_drawn(scenario) else scenario


def of_type(scenario: Scenario, state: str, greedy: bool) -> Scenario | None:
    """The game in which a state is of a type and the others are drawn as ever; None where there is none.

    What its rivals are and see is as it was, so that what it does best as that type is what it does best in the game.
    """
    if not _only_drawn(scenario):
        return None
    return scenario.with_overrides({"states.greed": {state: scenario.motives.greed if greedy else 0.0}})


def _only_drawn(scenario: Scenario) -> bool:
    motives = scenario.motives
    share = motives.p_greedy
    drawn = scenario.states.greed is None and isinstance(share, float) and 0.0 < share < 1.0
    return drawn and not scenario.perception.beliefs and not motives.turnover
