"""Signaling: sunk costs at once, and hands tied for later (model.md section 3, *Signaling*; Fearon 1997)."""

from __future__ import annotations

from sd_env.layout import Signal
from sd_env.rules.actions import has
from sd_env.rules.compiled import rule


@rule
def signal(p, s):
    """Say it and pay for it: a reassurance opens a pledge, a threat a commitment; the turn they are made on counts."""
    for i in range(len(s)):
        s[i].pledge = max(s[i].pledge - 1, 0)
        s[i].commitment = max(s[i].commitment - 1, 0)
        if s[i].signal == Signal.SILENCE:
            continue
        s[i].cost += p.signal_cost
        if s[i].signal == Signal.REASSURE:
            s[i].pledge = int(p.pledge_turns)
        else:
            s[i].commitment = int(p.commitment_turns)


@rule
def break_pledge(p, s, i):
    """Called when i attacks: attacking anyone under a pledge costs the audience cost and ends the pledge."""
    s[i].pledge_broken = s[i].pledge > 0
    if s[i].pledge_broken:
        s[i].cost += p.audience_cost
        s[i].pledge = 0


@rule
def keep_commitments(p, w, s):
    """Who threatened must attack the aggressor against itself or an ally that turn or the next, or pay the audience."""
    n = len(s)
    for i in range(n):
        due = s[i].owed & w.standing
        s[i].owed = 0
        s[i].commitment_failed = s[i].standing and due != 0 and (s[i].attacked & due) == 0
        if s[i].commitment_failed:
            s[i].cost += p.audience_cost
            s[i].commitment = 0
        if not s[i].standing:
            s[i].commitment = 0
        if s[i].commitment == 0:
            continue
        aggressors = s[i].attackers
        for j in range(n):
            if has(s[i].allies, j):
                aggressors |= s[j].attackers
        if (s[i].attacked & aggressors) == 0:
            s[i].owed = aggressors
