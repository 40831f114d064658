"""Playing a policy in fresh worlds and measuring what happens."""

from __future__ import annotations

import numpy as np

from agents.metrics import rates, tally_rows
from agents.policy import Policy
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds


def evaluate(scenario: Scenario, policy: Policy, *, worlds: int, episodes: int, seed: int) -> dict[str, float]:
    """Let ``policy`` play all states of ``worlds`` worlds for ``episodes`` whole episodes each.

    Every policy meets the same worlds for the same ``seed``: same types, starts and noise.

    Args:
        scenario: the game.
        policy: acts for all states of all worlds at once.
        worlds: how many worlds.
        episodes: episodes of each.
        seed: of the worlds and of the policy's own draws.

    Returns:
        The metrics of :data:`agents.metrics.RATES`.
    """
    table = Worlds(scenario, worlds, seed=seed)
    slots = worlds * table.num_states
    totals = np.zeros(len(layout.TALLY))
    for episode in range(episodes):
        if episode:
            table.reset()
        policy.reset(seed + episode)
        ended = np.zeros(worlds, dtype=bool)
        while not ended.all():
            actions = policy.act(table.observations.reshape(slots, -1).copy(), table.masks.reshape(slots, -1))
            table.step(actions.reshape(worlds, table.num_states, -1))
            ended |= table.terminations | table.truncations
        totals += tally_rows(table.worlds).sum(axis=0)
    table.close()
    return rates(totals, worlds * episodes)
