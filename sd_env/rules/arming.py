"""Arming: stocks wear out and are built up; and what a stock is good for (model.md section 3, *Arming*)."""

from __future__ import annotations

from sd_env.rules.compiled import rule


@rule
def arm(p, s):
    """Stocks: a <- (1 - depreciation) a + build_rate u min(income, capacity_cap), u in {0, 1, 2}; cost arms_cost u.

    The fallen have no arms and no income, and nothing but not to build is open to them.
    """
    for i in range(len(s)):
        income = s[i].economy * (s[i].homeland + s[i].holdings)
        built = p.build_rate * min(income, p.capacity_cap)
        s[i].offense = (1.0 - p.depreciation) * s[i].offense + built * s[i].build_offense
        s[i].defense = (1.0 - p.depreciation) * s[i].defense + built * s[i].build_defense
        s[i].cost = p.arms_cost * (s[i].build_offense + s[i].build_defense)


@rule
def can_attack(p, offense, defense):
    """A: the arms that can attack. Where weapons are dual-use, those meant to protect attack too (Jervis 1978)."""
    return offense + p.dual_use * defense


@rule
def can_defend(p, offense, defense):
    """D: the arms that can defend."""
    return defense + p.dual_use * offense
