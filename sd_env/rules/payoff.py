"""Payoff: what a turn is worth, and how it changes feelings and economies (model.md section 3, *Payoff*, *Amity*)."""

from __future__ import annotations

from sd_env.layout import Stance
from sd_env.rules.arming import unspent
from sd_env.rules.compiled import rule


@rule
def pay(p, w, s, r, rewards):
    """u = economy homeland + greed holdings - costs + power, routine and identification terms; rewards: (N,)."""
    n = len(s)
    power = 0.0
    for i in range(n):
        s[i].material = s[i].economy * s[i].homeland + s[i].greed * s[i].holdings - s[i].cost
        power += s[i].offense + s[i].defense
    for i in range(n):
        rewards[i] = s[i].material
        s[i].posture_changed = posture_changed(w, s, r, i)
        if not s[i].standing:
            continue
        if p.power_motive != 0.0:  # Morgenthau 1948: relative power for its own sake
            share = (s[i].offense + s[i].defense) / power if power > 0.0 else 1.0 / n
            rewards[i] += p.power_motive * share
        if s[i].posture_changed:  # Mitzen 2006: leaving a routine costs
            rewards[i] -= p.routine
        if p.identification != 0.0:  # Wendt 1992: the other's good is part of mine
            shared = 0.0
            for j in range(n):
                if j != i:
                    shared += max(r[i, j].amity, 0.0) * s[j].material
            rewards[i] += p.identification * shared / (n - 1)


@rule
def posture_changed(w, s, r, i):
    """Whether i's stance toward any standing state differs from last turn's (never on the first turn)."""
    if w.turn == 0 or not s[i].standing:
        return False
    for j in range(len(s)):
        if j != i and s[j].standing and r[i, j].stance != r[i, j].previous:
            return True
    return False


@rule
def move_amity(p, r, n):
    """Amity of i toward j moves toward j's deed: attack -1, mobilize -1/2, as far as it goes, neutral 0, align +1."""
    limited = p.force_levels > 1.0
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            stance = r[j, i].stance
            hostile = 0.5 * (stance == Stance.MOBILIZE) + 1.0 * (stance == Stance.ATTACK)
            if limited:
                hostile *= r[j, i].degree
            deed = 1.0 * (stance == Stance.ALIGN) - hostile
            r[i, j].amity += p.amity_rate * (deed - r[i, j].amity)


@rule
def close_turn(p, s):
    """Limited war hands land back, economies grow, and this turn's attacks become last turn's wars."""
    for i in range(len(s)):
        growth = s[i].growth
        if s[i].standing:
            s[i].homeland += p.restoration * s[i].lost_homeland
            s[i].holdings += p.restoration * (s[i].lost_holdings - s[i].gained)
            if p.investment_return != 0.0:
                growth += p.investment_return * unspent(p, s, i)
        s[i].economy *= 1.0 + growth
        s[i].rise = s[i].offense + s[i].defense - s[i].arms_before
        s[i].struck = s[i].attacked
        s[i].enemies = s[i].attackers | s[i].attacked
