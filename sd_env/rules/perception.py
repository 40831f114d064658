"""Perception: what each state sees of the world (model.md section 4). Greed of others never enters here."""

from __future__ import annotations

import math

from sd_env.layout import (
    BELIEF,
    CEILING,
    CONTEXT,
    CONTEXT_COLUMNS,
    OTHER_SIZE,
    OWN_SIZE,
    Force,
    Institution,
    Signal,
    Stance,
)
from sd_env.rules.actions import has, members
from sd_env.rules.arming import can_attack, can_defend
from sd_env.rules.chance import HEARING, NOISE, normal, slot_of, uniform
from sd_env.rules.compiled import called_rule, rule
from sd_env.rules.institutions import signal_noise
from sd_env.rules.war import contest, garrison

_PERCEIVED_ADVANTAGE = CONTEXT.index("perceived_offense_advantage")
_CONTEXT_SIZE, _FORCE_SIZE, _INSTITUTIONS_SIZE = len(CONTEXT), len(Force), len(Institution)


@rule
def visible_share(p, offense, defense):
    """Share of these arms that looks offensive: the true share, blurred toward one half, less so in open skies."""
    total = offense + defense
    share = offense / total if total > 0.0 else 0.5
    told_apart = p.distinguishability + p.transparency * (1.0 - p.distinguishability)
    return told_apart * share + (1.0 - told_apart) * 0.5


@rule
def estimate(p, w, s, i, j, noise, inflation):
    """i's estimate of j's arms in all: with noise and fear."""
    total = s[j].offense + s[j].defense
    if noise > 0.0:
        shock = normal(w.key, slot_of(NOISE, w.turn, s[i].identity, s[j].identity))
        shock = p.worst_case * 2.0 + (1.0 - p.worst_case) * shock
        total *= math.exp(noise * shock)
    return total * (1.0 + inflation)


@rule
def heard(p, key, turn, s, i, j):
    """The signal of j that i, as the world stands at ``turn``, has heard: noise turns reassurance and threat about."""
    said = s[j].signal
    noise = signal_noise(p, s, i, j)
    if noise == 0.0 or said == Signal.SILENCE:
        return said
    if uniform(key, slot_of(HEARING, turn, s[i].identity, s[j].identity)) >= noise:
        return said
    return Signal.THREATEN + Signal.REASSURE - said


@rule
def assessed(p, w, s, r, attacker, victim, attack, defence, limited):
    """Net assessment (Glaser 1997): perceived success probability of a whole duel now, first strike included."""
    force = w.perceived_offense_advantage * r[attacker, victim].reach * attack
    called = 1.0 * has(s[victim].mobilized | s[victim].struck, attacker)
    if limited:
        called *= r[victim, attacker].degree
    force *= 1.0 + p.first_strike * (1.0 - called)
    return contest(force, garrison(p, defence, called), p.decisiveness, p.difference)


@rule
def observe(p, w, s, r, own, others):
    """Write every state's own block (N,) and its blocks about the others (N, N - 1), in index order."""
    n, limited = len(s), p.force_levels > 1.0
    step = w.turn / p.horizon
    for i in range(n):
        o = own[i]
        o.standing = s[i].standing
        o.homeland = s[i].homeland
        o.holdings = s[i].holdings
        o.economy = min(s[i].economy, CEILING)
        o.growth = s[i].growth
        o.reliability = s[i].reliability
        o.pledge = s[i].pledge
        o.commitment = s[i].commitment
        o.greed = s[i].greed
        o.offense = min(s[i].offense, CEILING)
        o.defense = min(s[i].defense, CEILING)
        o.owed = s[i].owed != 0
        o.step = step
        o.turn = w.turn
        o.horizon = p.horizon
    hidden = 1.0 - p.transparency
    noise, inflation = p.noise * hidden, p.threat_inflation * hidden
    for i in range(n):  # in a loop of their own, the draws of several pairs overlap in the processor
        for j in range(n):
            if i != j:
                r[i, j].estimate = estimate(p, w, s, i, j, noise, inflation)
    for j in range(n):
        share = visible_share(p, s[j].offense, s[j].defense)
        for i in range(n):
            if i != j:
                block = others[i, j - (j > i)]
                copy_public(own[j], block)
                observe_other(p, w, s, r, i, j, share, limited, block)


@rule
def copy_public(theirs, o):
    """Copy what is public of j from j's own block: the first columns of both blocks, read before any is written."""
    standing, homeland, holdings, economy = theirs.standing, theirs.homeland, theirs.holdings, theirs.economy
    growth, reliability, pledge, commitment = theirs.growth, theirs.reliability, theirs.pledge, theirs.commitment
    o.standing = standing
    o.homeland = homeland
    o.holdings = holdings
    o.economy = economy
    o.growth = growth
    o.reliability = reliability
    o.pledge = pledge
    o.commitment = commitment


@rule
def observe_other(p, w, s, r, i, j, share, limited, o):
    """Write the rest of i's block ``o`` about j, whose arms show the offensive ``share``."""
    total = r[i, j].estimate
    offense, defense = total * share, total * (1.0 - share)
    signal = heard(p, w.key, w.turn, s, i, j)
    theirs = assessed(
        p, w, s, r, j, i, can_attack(p, offense, defense), can_defend(p, s[i].offense, s[i].defense), limited
    )
    ours = assessed(
        p, w, s, r, i, j, can_attack(p, s[i].offense, s[i].defense), can_defend(p, offense, defense), limited
    )
    both_stand = s[i].standing & s[j].standing
    mine, yours = r[i, j], r[j, i]
    o.heard_reassure = signal == Signal.REASSURE
    o.heard_threaten = signal == Signal.THREATEN
    o.offense_estimate = min(offense, CEILING)
    o.defense_estimate = min(defense, CEILING)
    o.their_success = theirs * both_stand
    o.our_success = ours * both_stand
    o.reach_out = mine.reach
    o.reach_in = yours.reach
    o.amity = mine.amity
    o.their_amity = yours.amity
    o.allied = mine.allied
    o.aligned = yours.stance == Stance.ALIGN
    o.mobilized = mine.mobilized
    o.they_mobilized = yours.mobilized
    o.at_war = mine.attacks
    o.they_attacked = yours.attacks
    if len(s) > 2:  # else there is nobody to call against and nobody else to look at: these stay 0
        observe_thirds(s, r, i, j, o)


@rule
def observe_thirds(s, r, i, j, o):
    """Write into i's block ``o`` about j what goes on between j and third states, and the calls that bind i and j."""
    o.rupture = r[i, j].rupture
    o.called = r[i, j].call
    o.called_against = has(s[i].named, j)
    o.they_called = r[j, i].call
    thirds = ~(1 << i)
    share = 1.0 / (len(s) - 2)
    o.allies = members(s[j].allies & thirds) * share
    o.attacks = members(s[j].attacked & thirds) * share
    o.attacked = members(s[j].attackers & thirds) * share
    o.mobilizations = members(s[j].mobilized & thirds) * share


@rule
def observe_beliefs(p, r, n, observations):
    """Write the column after the common ones of each block about another state where the scenario has beliefs."""
    for i in range(n):
        column = OWN_SIZE + BELIEF
        for j in range(n):
            if i != j:
                observations[i, column] = mistrusted(p, r[i, j].belief)
                column += width(p)


@called_rule
def observe_degrees(p, s, r, observations):
    """Write the last columns of each block about another state where the scenario limits force: ``layout.Force``."""
    n = len(s)
    for i in range(n):
        column = OWN_SIZE + width(p) - _FORCE_SIZE
        for j in range(n):
            if i == j:
                continue
            toward_thirds = 0.0
            for k in range(n):
                if k != i:
                    toward_thirds += r[j, k].degree
            observations[i, column + Force.EXTENT] = r[i, j].degree
            observations[i, column + Force.THEIR_EXTENT] = r[j, i].degree
            observations[i, column + Force.EXTENTS] = toward_thirds / max(n - 2, 1)
            column += width(p)


@called_rule
def observe_institutions(p, s, r, observations):
    """Write what institutions tell of another state where the scenario has them: ``layout.Institution``."""
    for i in range(len(s)):
        column = OWN_SIZE + OTHER_SIZE + int(p.beliefs != 0.0)
        for j in range(len(s)):
            if i != j:
                observations[i, column + Institution.ACCUSED] = s[i].found
                observations[i, column + Institution.FOUND] = s[j].found
                observations[i, column + Institution.REPORT] = r[i, j].report
                observations[i, column + Institution.ALERT] = r[i, j].alert
                observations[i, column + Institution.THEIR_ALERT] = r[j, i].alert
                column += width(p)


@rule
def width(p):
    """Columns of a block about another state."""
    told = _INSTITUTIONS_SIZE * int(p.institutions_shown != 0.0)
    return OTHER_SIZE + int(p.beliefs != 0.0) + told + _FORCE_SIZE * int(p.force_levels > 1.0)


@rule
def mistrusted(p, belief):
    """A belief with only 1 - mistrust of its odds (Butterfield 1951); at 1 nobody is trusted (Wendt 1992)."""
    if p.mistrust == 0.0:
        return belief
    odds = (1.0 - p.mistrust) * belief
    return odds / (odds + 1.0 - belief) if odds > 0.0 else 0.0


@rule
def start_of_context(p, n):
    """The first column after the blocks about others."""
    return OWN_SIZE + (n - 1) * width(p)


@rule
def observe_world(p, w, n, observations):
    """Write the one entry of the context block that can change within an episode: the perceived technology."""
    column = start_of_context(p, n) + _PERCEIVED_ADVANTAGE
    for i in range(n):
        observations[i, column] = w.perceived_offense_advantage


@rule
def observe_context(flat, p, n, observations):
    """Write the context block, which a whole episode shares: the world's parameters, flat: (PARAMETERS,)."""
    start = start_of_context(p, n)
    for i in range(n):
        for k in range(_CONTEXT_SIZE):
            observations[i, start + k] = flat[CONTEXT_COLUMNS[k]]
