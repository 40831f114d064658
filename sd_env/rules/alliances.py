"""Alliances: formed by both, pooled in defence, called on in war (model.md section 3, *Alliances*; Snyder 1984)."""

from __future__ import annotations

from sd_env.layout import Stance
from sd_env.rules.compiled import rule


@rule
def ally(s, r):
    """i and j are allied on a turn on which both choose align, unless a broken call still stands between them."""
    n = len(s)
    for i in range(n):
        s[i].allies = 0
    for i in range(n):
        for j in range(i + 1, n):
            both = (r[i, j].stance == Stance.ALIGN) & (r[j, i].stance == Stance.ALIGN)
            allied = both & (r[i, j].rupture == 0)  # a rupture is always mutual
            r[i, j].allied = allied
            r[j, i].allied = allied
            s[i].allies |= allied << j
            s[j].allies |= allied << i
            r[i, j].rupture = max(r[i, j].rupture - 1, 0)
            r[j, i].rupture = r[i, j].rupture


@rule
def support(p, s, r, j):
    """Defence that allies add for j, attacked this turn; each ally who lends it pays its share of the defence.

    An ally that attacks one of j's attackers itself fights with all it sends instead.
    """
    total = 0.0
    for k in range(len(s)):
        joins = (s[k].attacked & s[j].attackers) != 0
        if r[k, j].allied and not joins:
            total += p.alliance_commitment * r[k, j].reach * (s[k].offense + s[k].defense)
            s[k].cost += p.alliance_commitment * p.defender_cost * s[j].stakes
    return total


@rule
def answer_calls(p, w, s, r):
    """An ally attacked calls; attacking an aggressor within call_turns honours the call, else it is abandoned.

    A call lapses, unjudged, when every aggressor that it names has fallen or the called state itself has.
    """
    n = len(s)
    for k in range(n):
        s[k].named = 0
        honoured, abandoned = 0, 0
        for j in range(n):
            if k == j:
                continue
            r[k, j].call_honoured = False
            r[k, j].call_abandoned = False
            if r[k, j].allied and s[j].attackers != 0:
                if r[k, j].call == 0:
                    r[k, j].call = int(p.call_turns) + 1
                    w.calls += 1.0
                r[k, j].call_against |= s[j].attackers  # who is allied aligns, so k is none of them
            if r[k, j].call == 0:
                continue
            if (s[k].attacked & r[k, j].call_against) != 0:
                r[k, j].call_honoured = True
                honoured += 1
                close_call(r, k, j)
            elif not s[k].standing or (r[k, j].call_against & w.standing) == 0:
                close_call(r, k, j)
            elif r[k, j].call > 1:
                r[k, j].call -= 1
                s[k].named |= r[k, j].call_against
            else:
                r[k, j].call_abandoned = True
                abandoned += 1
                close_call(r, k, j)
                s[k].cost += p.abandonment_cost
                r[k, j].rupture = int(p.rupture_turns)
                r[j, k].rupture = int(p.rupture_turns)
        w.calls_honoured += honoured
        w.calls_abandoned += abandoned
        keep_record(p, s, k, honoured, abandoned)


@rule
def close_call(r, k, j):
    """Nothing is open any more between k and j."""
    r[k, j].call = 0
    r[k, j].call_against = 0


@rule
def keep_record(p, s, k, honoured, abandoned):
    """One step of k's reliability for each call answered this turn, toward the share honoured: no call comes first."""
    answered = honoured + abandoned
    for _ in range(answered):
        s[k].reliability = (1.0 - p.reliability_rate) * s[k].reliability + p.reliability_rate * (honoured / answered)
