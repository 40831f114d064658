"""All scalar measures of an episode at once, for tables."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sd_env.measures.alliances import allies_at_war, chain_gang_rate
from sd_env.measures.balance import balancing, buck_passing_rate
from sd_env.measures.beliefs import filter_beliefs, misperception, mistrust_bias, mutual_fear
from sd_env.measures.cooperation import cooperation_index
from sd_env.measures.deterrence import success_rate, trials
from sd_env.measures.dilemma import components
from sd_env.measures.motives import KINDS, war_class
from sd_env.measures.safety import security, self_defeat, waste
from sd_env.measures.spiral import arms_growth, spiral_index
from sd_env.measures.war import wars

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray
    from sd_env.record import EpisodeLog

PREFIX = "measure/"


def summary(
    log: EpisodeLog,
    beliefs: FloatArray | None = None,
    *,
    within: int = 3,
    threshold: float = 0.5,
    discount: float = 1.0,
) -> dict[str, float]:
    """Every scalar measure of an episode, ``measure/...`` -> value; the same names in the same order for every log.

    Counts are of the episode, flags are 0 or 1, and NaN stands where a measure is not defined for it (a rate without a
    case), so that a mean over episodes should leave NaN out.

    Args:
        log: an episode.
        beliefs: (T+1, N, N), see :mod:`sd_env.measures.beliefs`; default those of the Bayesian filter in the log.
        within: H of chain gangs and of deterrence, turns.
        threshold: θ of balancing.
        discount: of motives, per turn.

    Raises:
        MeasureError: for an argument out of range, beliefs that do not fit, or a log without beliefs if none are given.
    """
    held = filter_beliefs(log) if beliefs is None else beliefs
    found, allies, balanced = wars(log), allies_at_war(log, within=within), balancing(log, threshold)
    kinds = [war_class(log, war, held, discount=discount).kind for war in found]
    tried, parts = trials(log, held, within=within, discount=discount), components(log, held)
    values = {
        "spiral_index": spiral_index(log),
        "arms_growth": arms_growth(log),
        "cooperation_index": cooperation_index(log),
        "security": float(security(log)[-1].mean()),
        "self_defeat": self_defeat(log),
        "waste": waste(log),
        "mutual_fear": mutual_fear(log, held),
        "misperception": misperception(log, held),
        "mistrust_bias": mistrust_bias(log, held),
        "wars": len(found),
        "tragic_wars": sum(war.tragic for war in found),
        **{f"{kind}_wars": kinds.count(kind) for kind in KINDS},
        "chain_gangs": sum(case.joined is not None for case in allies),
        "chain_gang_rate": chain_gang_rate(allies),
        "buck_passing": sum(case.passed for case in balanced),
        "buck_passing_rate": buck_passing_rate(balanced),
        "collective_buck_passing": sum(case.collective for case in balanced),
        "deterrence_trials": len(tried),
        "deterrence": success_rate(tried),
        "direct_deterrence": success_rate(tried, direct=True),
        "extended_deterrence": success_rate(tried, direct=False),
        "immediate_deterrence": success_rate(tried, immediate=True),
        **{f"has_{field.name}": getattr(parts, field.name) for field in fields(parts)},
        "dilemma": parts.dilemma,
    }
    return {PREFIX + name: float(value) for name, value in values.items()}
