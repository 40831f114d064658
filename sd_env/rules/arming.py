"""Arming: stocks wear out and are built up; and what a stock is good for (model.md section 3, *Arming*)."""

from __future__ import annotations

from sd_env.rules.compiled import rule


@rule
def arm(p, s):
    """Stocks: a <- (1 - depreciation) a + build_rate u min(income, capacity_cap), u from 0 to 2; and what they cost.

    The fallen have no arms and no income, and nothing but not to build is open to them.
    """
    step = effort_per_step(p)  # read once: a division for every choice would be felt
    for i in range(len(s)):
        income = s[i].economy * (s[i].homeland + s[i].holdings)
        built = arms_per_level(p, income)
        s[i].income = income
        s[i].arms_before = s[i].offense + s[i].defense
        s[i].offense = (1.0 - p.depreciation) * s[i].offense + built * (step * s[i].build_offense)
        s[i].defense = (1.0 - p.depreciation) * s[i].defense + built * (step * s[i].build_defense)
        s[i].cost = cost_of_effort(p, step * (s[i].build_offense + s[i].build_defense))


@rule
def effort(p, choice):
    """u: levels of building, 2 for the whole capacity, that a choice of ``build_offense`` or ``build_defense`` is."""
    return effort_per_step(p) * choice


@rule
def effort_per_step(p):
    """Levels of building that each choice is more than the one before."""
    return 2.0 / p.levels


@rule
def arms_per_level(p, income):
    """Arms that a level of building adds."""
    return p.build_rate * min(income, p.capacity_cap)


@rule
def building_cost(p, s, i):
    """What i's building of this turn costs."""
    return cost_of_effort(p, effort(p, s[i].build_offense + s[i].build_defense))


@rule
def cost_of_effort(p, levels):
    """arms_cost ((1 - convexity) u + convexity u^2 / 2) for u levels of both kinds together: 2 cost the same anyhow."""
    if p.convexity == 0.0:  # the same, at less cost
        return p.arms_cost * levels
    return p.arms_cost * ((1.0 - p.convexity) * levels + p.convexity * 0.5 * levels * levels)


@rule
def unspent(p, s, i):
    """Share of the income it armed out of that i's building left: butter, and not guns (Powell 1993)."""
    if s[i].income <= 0.0:
        return 0.0
    return max(s[i].income - building_cost(p, s, i), 0.0) / s[i].income


@rule
def can_attack(p, offense, defense):
    """A: the arms that can attack. Where weapons are dual-use, those meant to protect attack too (Jervis 1978)."""
    return offense + p.dual_use * defense


@rule
def can_defend(p, offense, defense):
    """D: the arms that can defend."""
    return defense + p.dual_use * offense
