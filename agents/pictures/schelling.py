"""Schelling diagrams: what each of two ways to play earns, by how many of the others play the second.

Schelling (1978), Micromotives and Macrobehavior, chapter 7: where the curves cross, and which is above the other, says
whether a choice is dominant, whether there is a tipping point, and how many it takes for restraint to pay.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agents.evaluation.players import Spec, load, players_of
from agents.evaluation.statistics import estimate
from agents.pictures.style import Caption, finish, look, panels
from agents.table.play import play, returns_of
from sd_env.scenario import Scenario


def schelling(
    first: Spec, second: Spec, scenario: Scenario, *, seeds: Any = (1, 2, 3), worlds: int = 64, trust: bool = False
) -> pd.DataFrame:
    """What a state earns by each of two policies, by how many others play the second, mean over all seats.

    Args:
        first: as restraint.
        second: as its opposite.
        scenario: the game.
        seeds: of the worlds; intervals are over them.
        worlds: a seed and seating.
        trust: whether what can run code may be loaded.

    Returns:
        A row for each number of others and each own choice: ``others, own, value, low, high, seeds``.

    Raises:
        PolicyError, WorkError: one sentence.
    """
    players = players_of([first, second], scenario, trust=trust)
    policies = [load(player.members[0], trust) for player in players]
    count, rows = scenario.n_states, []
    for others in range(count):
        for own, player in enumerate(players):
            means = []
            for seed in seeds:
                earned = []
                for seat in range(count):  # those who play the second sit side by side after it
                    second_at = {(seat + 1 + k) % count for k in range(others)}
                    cast = [policies[own] if i == seat else policies[int(i in second_at)] for i in range(count)]
                    earned.append(
                        float(np.nanmean(returns_of(play(scenario, cast, worlds=worlds, seed=seed))[:, seat]))
                    )
                means.append(sum(earned) / count)
            found = estimate(means)
            rows.append((others, player.label, found.value, found.low, found.high, len(means)))
    return pd.DataFrame(rows, columns=["others", "own", "value", "low", "high", "seeds"])


def draw(table: pd.DataFrame, scenario: Scenario, path: Path) -> None:
    """Draw a table of :func:`schelling`, and save it as PNG and SVG."""
    figure, [axis] = panels(1, size=(6.6, 4.8))
    own = list(dict.fromkeys(table["own"]))
    for k, name in enumerate(own):
        rows = table[table["own"] == name]
        bars = np.nan_to_num(np.stack([rows["value"] - rows["low"], rows["high"] - rows["value"]]))
        axis.errorbar(
            rows["others"], rows["value"], yerr=bars, marker="o", capsize=3, label=name, linewidth=2, **look(k)
        )
    axis.set(xlabel=f"how many of the other {scenario.n_states - 1} play {own[-1]}", ylabel="own return")
    axis.set_xticks(range(scenario.n_states))
    axis.margins(x=0.08)
    axis.grid(alpha=0.3)
    axis.legend(title="own choice", framealpha=0.85)
    seeds = int(table["seeds"].max())
    interval = "bars: 95% t interval over seeds" if seeds > 1 else ""
    caption = Caption(seeds, "seed" if seeds == 1 else "seeds", interval, "points: means over seats")
    finish(figure, f"{scenario.title or scenario.name}: what each choice earns", caption, path)
