"""Beliefs: how probable it is that another is a security seeker, by Bayes' rule from its deeds (model.md section 4.2).

Belief is trust times evidence, in odds. Trust is the scenario's: one minus the probability of greed, or what it says.
Evidence is a likelihood ratio: how much more probable a security seeker would have made what was seen than a greedy
state. It reads deeds alone, never the type; the numbers below are this project's, argued for where they stand.
"""

from __future__ import annotations

import math

import numpy as np

from sd_env.layout import Signal, Stance
from sd_env.rules.actions import allows, has
from sd_env.rules.arming import arms_per_level, effort
from sd_env.rules.compiled import rule
from sd_env.rules.institutions import signal_noise
from sd_env.rules.perception import heard, visible_share

#: Types, and whether the other gave cause: rows of the tables below.
SEEKER, GREEDY = 0, 1
UNPROVOKED, PROVOKED = 0, 1
#: Probability that a state wants a stance toward another on a turn, by type and provocation: align, neutral, mobilize,
#: attack. The order of magnitude is the calibration's (security seekers attack on some hundredths of their pair-turns);
#: the ratios are the theory's. Unprovoked, conquest pays the greedy alone, so an attack is five times theirs, and
#: mobilizing, which the fearful do too (Jervis 1976), twice. Provoked, both types fight back, so little is learnt.
#: Alignment binds hands and brings no land: half as much again the seekers'.
STANCES = np.array(
    [
        [[0.30, 0.60, 0.08, 0.02], [0.10, 0.35, 0.40, 0.15]],
        [[0.20, 0.52, 0.18, 0.10], [0.08, 0.27, 0.40, 0.25]],
    ]
)
#: Share of the attacks it wants that a state holds back while its own reassurance stands, by type: a seeker means what
#: it pledges, and most who deceive do so to attack (Kydd 2000).
RESTRAINT = np.array([0.8, 0.3])
#: Probability that a state says it, by type: silence, reassure, threaten. Both types are as often silent. Ratios are
#: mild, since the greedy reassure to disarm the other and seekers threaten to deter it (Jervis 1976).
SIGNALS = np.array([[0.60, 0.30, 0.10], [0.60, 0.20, 0.20]])
#: Share of its own last rise in arms that a judge takes another's building for an answer to: the half that does not let
#: a race grow.
ANSWER = 0.5
#: Evidence never leaves 1 / CERTAINTY to CERTAINTY: no string of deeds makes a belief that deeds cannot move again.
CERTAINTY = 1e4


@rule
def judge(p, w, s, r):
    """Everyone judges everyone by this turn's building, signals and stances; call when stances are declared.

    Then all that gives a deed its meaning is still as it was when the deed was chosen: who stands, who had attacked
    whom, and which calls were open.
    """
    for j in range(len(s)):
        if not s[j].standing:
            continue
        s[j].effort_offense = (1.0 - p.depreciation) * s[j].effort_offense + effort(p, s[j].build_offense)
        s[j].effort_defense = (1.0 - p.depreciation) * s[j].effort_defense + effort(p, s[j].build_defense)
        posture = posture_ratio(p, s[j].effort_offense, s[j].effort_defense)
        stances = stance_ratio(p, s, r, j)
        if p.turnover > 0.0:  # what a leader has left built says nothing of the next: only its change is a deed
            stances *= bounded(posture) / s[j].posture
            s[j].posture, posture = bounded(posture), 1.0
        growth = built_beyond_replacement(p, s, j)
        for i in range(len(s)):
            if i != j:
                signal = signal_ratio(p, heard(p, w.key, w.turn + 1, s, i, j), signal_noise(p, s, i, j))
                buildup = buildup_ratio(p, growth, s[i].rise)
                told = report_ratio(p, r[i, j].report)
                r[i, j].evidence = bounded(r[i, j].evidence * stances * signal * buildup * told)
                r[i, j].belief = posterior(s[j].trust, bounded(r[i, j].evidence * posture))


@rule
def expect_new_leader(p, s, r, j):
    """Between turns j's leader falls with probability turnover, and who comes is what trust says: b <- b + rho (t - b).

    Written in the evidence E, with b = t E / (t E + 1 - t).
    """
    for i in range(len(s)):
        if i != j:
            weight = s[j].trust * r[i, j].evidence + 1.0 - s[j].trust
            stays = (1.0 - p.turnover) * r[i, j].evidence + p.turnover * weight
            r[i, j].evidence = stays / (1.0 - p.turnover + p.turnover * weight)
            r[i, j].belief = posterior(s[j].trust, r[i, j].evidence)


@rule
def posterior(trust, evidence):
    """Bayes' rule for two types; a trust of 0 or 1 stays, whatever the evidence."""
    seeker = trust * evidence
    return seeker / (seeker + (1.0 - trust))


@rule
def bounded(ratio):
    """The ratio within the bounds of what evidence can say."""
    return min(max(ratio, 1.0 / CERTAINTY), CERTAINTY)


@rule
def posture_ratio(p, offense, defense):
    """Evidence of what a state has built: a weapon of it taken for defensive with the probability that it looks so.

    All defence is (1 + q) / (1 - q), a posture read right with probability (1 + q) / 2; all offence the inverse. It
    depends on the arms as they are, so that a standing stock counts once, however long it stands.
    """
    looks_offensive = visible_share(p, offense, defense)
    looks_defensive = 1.0 - looks_offensive
    return looks_defensive / max(looks_offensive, 1.0 / CERTAINTY)


@rule
def built_beyond_replacement(p, s, j):
    """Arms that j builds this turn, less what age takes of those that it had; below 0 where it lets them wear out."""
    built = arms_per_level(p, s[j].income) * effort(p, s[j].build_offense + s[j].build_defense)
    return built - p.depreciation * s[j].arms_before


@rule
def buildup_ratio(p, growth, rise):
    """Evidence of arms built beyond replacement, as one judges whose own rose by ``rise`` the turn before (Kydd 1997).

    An answer to that is no sign of greed; what is left is exp(-buildup_evidence) an arm.
    """
    if p.buildup_evidence == 0.0:
        return 1.0
    return math.exp(-p.buildup_evidence * max(growth - ANSWER * max(rise, 0.0), 0.0))


@rule
def stance_ratio(p, s, r, j):
    """Evidence of j's stances toward all that stand, each independent of the others given the type."""
    ratio = 1.0
    pledged = (s[j].pledge > 0) | s[j].pledge_broken
    binding = pledged & (p.audience_cost > 0.0)
    for k in range(len(s)):
        if k != j and s[k].standing:
            cause = PROVOKED if r[k, j].previous >= Stance.MOBILIZE or has(s[j].named, k) else UNPROVOKED
            climbed = (r[j, k].previous >= Stance.MOBILIZE) & (not has(s[j].held, k))
            climbs = (p.mobilization_required == 0.0) | climbed
            stance = r[j, k].stance
            ratio *= likelihood(p, SEEKER, cause, binding, climbs, stance)
            ratio /= likelihood(p, GREEDY, cause, binding, climbs, stance)
    return ratio


@rule
def likelihood(p, kind, cause, binding, climbs, stance):
    """Probability that a state of this type is seen in this stance: it wants it, and rules and pledge let it."""
    stances = int(p.allowed_stance)
    wanted = STANCES[kind, cause]  # .value: numba takes a member of an enumeration as an index only from 0.68 on
    attack = wanted[Stance.ATTACK.value] * (1.0 - RESTRAINT[kind] * binding)
    mobilize = wanted[Stance.MOBILIZE.value]
    align = wanted[Stance.ALIGN.value] * allows(stances, Stance.ALIGN)
    if not (climbs & allows(stances, Stance.ATTACK)):  # carried out as a mobilization
        mobilize += attack
        attack = 0.0
    if not allows(stances, Stance.MOBILIZE):  # carried out as neutral
        mobilize = 0.0
    if stance == Stance.ATTACK:
        return attack
    if stance == Stance.MOBILIZE:
        return mobilize
    if stance == Stance.ALIGN:
        return align
    return 1.0 - attack - mobilize - align


@rule
def signal_ratio(p, signal, noise):
    """Evidence of a signal as it was heard; none where breaking one's word costs nothing (Fearon 1997)."""
    if p.audience_cost == 0.0:
        return 1.0
    return hearing(p, SEEKER, signal, noise) / hearing(p, GREEDY, signal, noise)


@rule
def hearing(p, kind, signal, noise):
    """Probability that a state of this type is heard to say this, through the noise that flips signals."""
    signals = int(p.allowed_signal)
    reassure = SIGNALS[kind, Signal.REASSURE.value] * allows(signals, Signal.REASSURE)
    threaten = SIGNALS[kind, Signal.THREATEN.value] * allows(signals, Signal.THREATEN)
    if signal == Signal.REASSURE:
        return (1.0 - noise) * reassure + noise * threaten
    if signal == Signal.THREATEN:
        return (1.0 - noise) * threaten + noise * reassure
    return 1.0 - reassure - threaten


@rule
def report_ratio(p, report):
    """Evidence of what a mediator tells, who is right with probability (1 + mediation) / 2 (Kydd 2006)."""
    if report == 0:
        return 1.0
    ratio = (1.0 + p.mediation) / max(1.0 - p.mediation, 1.0 / CERTAINTY)
    return ratio if report > 0 else 1.0 / ratio
