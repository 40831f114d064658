"""Arming: stocks wear out and are built up; and what a stock is good for (model.md section 3, *Arming*)."""

from __future__ import annotations

from sd_env.rules.compiled import rule


@rule
def arm(p, s):
    """Stocks: a <- (1 - depreciation) a + build_rate u min(income, capacity_cap), u in {0, 1, 2}; and what they cost.

    The fallen have no arms and no income, and nothing but not to build is open to them.
    """
    for i in range(len(s)):
        income = s[i].economy * (s[i].homeland + s[i].holdings)
        built = p.build_rate * min(income, p.capacity_cap)
        levels = s[i].build_offense + s[i].build_defense
        s[i].arms_before = s[i].offense + s[i].defense
        s[i].built = built * levels
        s[i].offense = (1.0 - p.depreciation) * s[i].offense + built * s[i].build_offense
        s[i].defense = (1.0 - p.depreciation) * s[i].defense + built * s[i].build_defense
        s[i].cost = building_cost(p, levels)
        s[i].unspent = max(income - s[i].cost, 0.0) / income if income > 0.0 else 0.0


@rule
def building_cost(p, levels):
    """arms_cost ((1 - convexity) u + convexity u^2 / 2) for u levels of both kinds together: 2 cost the same anyhow."""
    return p.arms_cost * ((1.0 - p.convexity) * levels + p.convexity * 0.5 * levels * levels)


@rule
def can_attack(p, offense, defense):
    """A: the arms that can attack. Where weapons are dual-use, those meant to protect attack too (Jervis 1978)."""
    return offense + p.dual_use * defense


@rule
def can_defend(p, offense, defense):
    """D: the arms that can defend."""
    return defense + p.dual_use * offense
