"""What work is going to ask of language models, held against their budgets before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from agents.language.ledger import BudgetError
from agents.language.policy import LanguagePolicy
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds


@dataclass(frozen=True)
class Planned:
    """One seat of one episode that a language model is to play.

    Attributes:
        policy: whose.
        scenario: the game.
        worlds: in how many worlds.
        seed: of the seat, as the policy will be reset with.
    """

    policy: LanguagePolicy
    scenario: Scenario
    worlds: int
    seed: int


def check_budgets(planned: Iterable[Planned]) -> None:
    """Refuse work that may ask for more than is left of a budget. Nobody is asked.

    A turn is counted as one request: it may be more where answers cannot be used, and less where episodes end early.
    What was answered before is not counted. Tokens and money are estimated from the first turn.

    Raises:
        BudgetError: what would be asked for, what is left, and of what.
    """
    plans: dict[int, list[Planned]] = {}
    for each in planned:
        plans.setdefault(id(each.policy.house), []).append(each)
    for seats in plans.values():
        if not seats[0].policy.house.offline:
            _check(seats)


def _longest(scenario: Scenario) -> int:
    """Turns of its longest episode: the horizon may be drawn."""
    return int(np.max(scenario.horizon))


def _check(seats: list[Planned]) -> None:
    policy = seats[0].policy
    budget, spent = policy.config.budget, policy.house.ledger.spent()
    turns = sum(each.worlds * _longest(each.scenario) for each in seats)
    counts = [policy.house.exchanges.count(seed) for seed in {each.seed for each in seats}]
    kept = min(turns, sum(counts))
    requests = turns - kept
    read, written = 0, 0
    for each in {each.scenario.fingerprint(): each for each in seats}.values():
        worlds = Worlds(each.scenario, 1, seed=0)
        found = policy.tokens(worlds.observations[0, 0], worlds.masks[0, 0], each.scenario.heads)
        read, written = max(read, found[0]), max(written, found[1])
        worlds.close()
    rows = [
        ("requests", budget.requests, spent.requests, requests, ""),
        ("tokens", budget.tokens, spent.read + spent.written, requests * (read + written), "about "),
        ("money", budget.money, spent.money, policy.config.cost(requests * read, requests * written), "about "),
    ]
    for name, most, used, needed, about in rows:
        if most is not None and needed > most - used:
            raise BudgetError(
                f"{policy.name} may be asked on {turns} turns (worlds, seeds, episodes, pairings and seats, "
                f"{_longest(seats[0].scenario)} turns an episode), of which {kept} are kept: {about}{needed:.6g} "
                f"{name}, and {max(0, most - used):.6g} are left of budget.{name}, {most:g}. Nothing was asked; fewer "
                "worlds, seeds or policies, a shorter horizon or a larger budget will do."
            )
