"""Tournaments and challenges from entrants to results: played, ranked, and left in a folder with their tables.

The commands and the published results both stand on this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation.challenges.suite import SEEDS, challenge, overall
from agents.evaluation.dynamics import GENERATIONS
from agents.evaluation.players import Spec
from agents.evaluation.report import cell
from agents.evaluation.speakers import with_speakers
from agents.evaluation.statistics import Interval
from agents.evaluation.tables import frame_of, interval_words, records, tournament_table
from agents.evaluation.tournament import ecology, payoff_matrix, ranking, tournament
from agents.work import write_table
from sd_env.scenario import Scenario

#: Results as data, and as a table for the screen.
Outputs = tuple[dict[str, Any], RenderableType]
#: Files that a tournament leaves in its folder.
RANKING, PAYOFFS, ECOLOGY = "ranking", "payoffs", "ecology"


def tournament_outputs(
    policies: Sequence[Spec],
    scenario: Scenario,
    *,
    noise: Mapping[str, float] | None = None,
    mixed: int = 0,
    generations: int = GENERATIONS,
    out: Path | None = None,
    **settings: Any,
) -> Outputs:
    """Play a tournament and rank it; ``out`` gets ranking, pay-offs and dynamics as CSV.

    Args:
        policies: entrants.
        scenario: the game.
        noise: kinds of noise and their size, as for :func:`agents.evaluation.tournament.tournament`.
        mixed: casts a seed that are drawn instead of pairs; 0 plays pairs.
        generations: of the dynamics.
        out: folder of the results; None keeps nothing.
        settings: other arguments of :func:`agents.evaluation.tournament.tournament`.
    """
    frame = tournament(policies, scenario, noise=dict(noise or {}), mixed=mixed, out=out, **settings)
    ranked, matrix = ranking(frame), payoff_matrix(frame)
    course = None if matrix.isna().to_numpy().any() else ecology(matrix, generations)
    if course is not None:
        ranked["final_share"] = [float(course[policy].iloc[-1]) for policy in ranked["policy"]]
    title = scenario.title or scenario.name
    if out:
        write_table(ranked, out / RANKING)
        write_table(matrix.reset_index(), out / PAYOFFS)
        if course is not None:
            write_table(course, out / ECOLOGY)
    report = {
        "ranking": records(ranked),
        "payoffs": {str(policy): {str(k): float(v) for k, v in row.items()} for policy, row in matrix.iterrows()},
    }
    return with_speakers(frame, report, tournament_table(title, ranked, scenario, dict(noise or {}), drawn=mixed > 0))


def challenge_outputs(policies: Sequence[Spec], *, seeds: Sequence[int] = SEEDS, **settings: Any) -> Outputs:
    """Score policies in challenges.

    Args:
        policies: whom.
        seeds: of the worlds.
        settings: other arguments of :func:`agents.evaluation.challenges.suite.challenge`.
    """
    table = challenge(policies, seeds=seeds, **settings)
    summary = overall(table)
    return {"overall": records(summary), "challenges": records(table)}, challenge_table(table, summary)


def challenge_table(table: pd.DataFrame, summary: pd.DataFrame) -> RenderableType:
    """One table over all challenges, and one for each of them."""
    headings = (("", "score", 2), ("", "return", 2), ("", "S-S attacks", 4), ("", "tragic wars", 3))
    each = frame_of(
        "Challenges", "challenge", [("", "policy", 0), *headings, ("", "0: random", 2), ("", "1: best known", 2)]
    )
    for row in table.sort_values("challenge", kind="stable").itertuples(index=False):
        score = cell(Interval(row.score, row.low, row.high), 2)
        known = f"{row.best:.2f}\n{row.best_policy}"  # below, as intervals are: it is long
        each.add_row(
            row.challenge, row.policy, score, f"{row.value:.2f}", _number(row.ss_attacks, 4),
            _number(row.tragic_wars, 3), f"{row.random:.2f}", known,
        )  # fmt: skip
    total = frame_of(
        "Over all of them", "policy", [("", text, 2) for text in ("middle half", "mean", "least", "in", "of")]
    )
    for row in summary.itertuples(index=False):
        total.add_row(
            row.policy, f"{row.iqm:.2f}", f"{row.mean:.2f}", f"{row.least:.2f}", row.least_in, str(row.challenges)
        )
    words = interval_words(table)
    scale = "0 is what random play earns, 1 what the best known earns; above 1 a policy beats all that were tried."
    return Group(each, total, Text(f"{words} {scale}"))


def _number(value: float, decimals: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{decimals}f}"
