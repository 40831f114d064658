"""Institutions: an arms treaty, a hotline, a mediator, time in a crisis (model.md section 3.7)."""

from __future__ import annotations

import math

from sd_env.rules.actions import has
from sd_env.rules.chance import INSPECTION, MEDIATION, slot_of, uniform
from sd_env.rules.compiled import called_rule, rule

TOLD_SEEKER, TOLD_NOTHING, TOLD_GREEDY = 1, 0, -1  # what a mediator may tell of a state
LONGEST = 127  # turns that an alert counts to, more than any ``crisis_turns``


@called_rule
def inspect(p, w, s):
    """Who has more offensive arms than the treaty allows is found in violation, with an error, and pays for it.

    Call after arming. A scenario without a treaty finds nobody.
    """
    if math.isnan(p.treaty_limit):
        return
    for i in range(len(s)):
        errs = uniform(w.key, slot_of(INSPECTION, w.turn, s[i].identity, 0)) < p.treaty_error
        s[i].found = s[i].standing & ((s[i].offense > p.treaty_limit) != errs)
        s[i].cost += p.treaty_penalty * s[i].found


@called_rule
def mediate(p, w, s, r):
    """Two states that are mobilized against each other are each told what the other is: right with (1 + mediation) / 2.

    Call when stances are declared. Who is not in such a crisis is told nothing.
    """
    for i in range(len(s)):
        for j in range(len(s)):
            r[i, j].report = TOLD_NOTHING
            if p.mediation > 0.0 and r[i, j].mobilized and r[j, i].mobilized:
                draw = uniform(w.key, slot_of(MEDIATION, w.turn, s[i].identity, s[j].identity))
                right = draw < 0.5 * (1.0 + p.mediation)
                r[i, j].report = TOLD_SEEKER if (s[j].greed == 0.0) == right else TOLD_GREEDY


@called_rule
def hold_back(p, s, r):
    """How long each mobilization has stood, and which are too young to attack out of. Call at the end of a turn."""
    for i in range(len(s)):
        held = 0
        for j in range(len(s)):
            r[i, j].alert = min(int(r[i, j].alert) + 1, LONGEST) if r[i, j].mobilized else 0
            held |= (r[i, j].mobilized & (r[i, j].alert <= p.crisis_turns)) << j
        s[i].held = held


@rule
def signal_noise(p, s, i, j):
    """Probability that i mishears j: none over a hotline, which war between the two cuts."""
    if p.hotline != 0.0 and not has(s[i].attacked | s[i].attackers, j):
        return 0.0
    return p.signal_noise
