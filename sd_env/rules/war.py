"""War: the escalation ladder, forces, the contest, what the victors take (model.md section 3, *War*)."""

from __future__ import annotations

import math

from sd_env.layout import Stance
from sd_env.rules.actions import has
from sd_env.rules.alliances import support
from sd_env.rules.arming import can_attack, can_defend
from sd_env.rules.chance import OUTCOME, slot_of, uniform
from sd_env.rules.compiled import called_rule, rule
from sd_env.rules.signaling import break_pledge


@rule
def contest(attack, defence, decisiveness, difference=0.0):
    """Contest success function (Hirshleifer 1989): probability that F prevails over S; without force it never does.

    F^r / (F^r + S^r) (Tullock 1980), or, where ``difference`` is 1, 1 / (1 + e^(-k (F - S))) with k the decisiveness.
    """
    if attack <= 0.0:
        return 0.0
    if difference != 0.0:
        odds_against = decisiveness * (defence - attack)
        return 0.0 if odds_against > 700.0 else 1.0 / (1.0 + math.exp(odds_against))
    if defence <= 0.0:
        return 1.0
    if decisiveness == 1.0:
        return attack / (attack + defence)
    if decisiveness == 2.0:
        return attack * attack / (attack * attack + defence * defence)
    power = decisiveness * math.log(defence / attack)
    return 0.0 if power > 700.0 else 1.0 / (1.0 + math.exp(power))


@rule
def declare(p, s, r):
    """Stances become mobilizations and attacks, and cost what they cost."""
    n, limited, remembered = len(s), p.force_levels > 1.0, p.enforcement_lasts != 0.0
    for i in range(n):
        attacked = 0
        mobilized = 0
        mobilizations = 0
        alignments = 0
        for j in range(n):
            stance = r[i, j].stance
            attacks = stance == Stance.ATTACK
            mobilizes = stance == Stance.MOBILIZE
            r[i, j].attacks = attacks
            r[i, j].mobilized = mobilizes
            attacked |= attacks << j
            mobilized |= mobilizes << j
            mobilizations += mobilizes
            alignments += stance == Stance.ALIGN
        s[i].attacked = attacked
        s[i].mobilized = mobilized
        mobilized_so_far = go_so_far(p, s, r, i) if limited else mobilizations
        s[i].cost += p.mobilization_cost * mobilized_so_far + p.alignment_cost * alignments
    for i in range(n):
        attackers = 0
        for j in range(n):
            attackers |= has(s[j].attacked, i) << j
        s[i].attackers = attackers
        s[i].stakes = furthest(r, i, n) if limited else 1.0 * (attackers != 0)
        s[i].cost += p.defender_cost * s[i].stakes
        s[i].pledge_broken = False
        if s[i].attacked != 0:
            pay_for_attacks(p, s, r, i)
        if remembered:
            remember_who_began(s, r, i)


@called_rule
def go_so_far(p, s, r, i):
    """How far i goes against each other state, by its choice; returns how far it mobilizes, all targets together.

    Who attacks out of its mobilization strikes no further than it had mobilized; a war that is on may go any way.
    """
    mobilized = 0.0
    for j in range(len(s)):
        before = r[i, j].degree
        wanted = 1.0 - r[i, j].extent / p.force_levels
        degree = wanted * (r[i, j].attacks | r[i, j].mobilized)
        if r[i, j].attacks & (p.mobilization_required != 0.0) & (not has(s[i].struck, j)):
            degree = min(wanted, before)
        r[i, j].degree_before = before
        r[i, j].degree = degree
        mobilized += degree * r[i, j].mobilized
    return mobilized


@called_rule
def furthest(r, j, n):
    """How far the war on j goes: as far as its attacker that goes furthest; 0 if nobody attacks."""
    stakes = 0.0
    for i in range(n):
        if r[i, j].attacks:
            stakes = max(stakes, r[i, j].degree)
    return stakes


@rule
def pay_for_attacks(p, s, r, i):
    """attacker_cost for each target, more (enforcement) where it gave no cause, and the price of a broken pledge.

    Who began a war without cause pays enforcement_lasts of it on each later turn, though the other fights back.
    The costs of a limited attack are as its stakes; a pledge is broken by any.
    """
    limited = p.force_levels > 1.0
    for j in range(len(s)):
        if r[i, j].attacks:
            degree = extent_of_attack(limited, r, i, j)
            s[i].cost += p.attacker_cost * degree
            provoked = has(s[j].struck, i) or has(s[i].named, j)
            if not provoked:
                s[i].cost += p.enforcement * degree
            elif r[i, j].began:
                s[i].cost += p.enforcement_lasts * p.enforcement * degree
    break_pledge(p, s, i)


@rule
def remember_who_began(s, r, i):
    """A war is i's own from an unprovoked attack on until a turn without i's attack."""
    for j in range(len(s)):
        provoked = has(s[j].struck, i) or has(s[i].named, j)
        r[i, j].began = r[i, j].attacks and (r[i, j].began or not provoked)


@rule
def extent_of_attack(limited, r, i, j):
    """How far i's attack on j goes, 0 to 1."""
    return r[i, j].degree if limited else 1.0


@rule
def part_in(limited, s, r, i, j, victim):
    """How much of what i sends against j counts in the war on the victim, one of the two: as it goes, at most whole."""
    return min(r[i, j].degree / s[victim].stakes, 1.0) if limited else 1.0


@rule
def called_up(limited, s, r, victim, attacker):
    """How far the victim is called up for the war on it, 0 to 1, by what it does against this attacker.

    It is by attacking or mobilizing against it, or by having attacked it last turn: wholly, if that went as far as the
    war on it now goes. Who is not called up at all is surprised: a first strike.
    """
    if not has(s[victim].attacked | s[victim].mobilized | s[victim].struck, attacker):
        return 0.0
    if not limited:
        return 1.0
    degree = r[victim, attacker].degree
    if has(s[victim].struck, attacker):
        degree = max(degree, r[victim, attacker].degree_before)
    return min(degree / s[victim].stakes, 1.0)


@rule
def ready(limited, s, r, victim):
    """How far the victim is called up at all: against that attacker against which it is most."""
    if not limited:
        fights = (s[victim].attacked | s[victim].mobilized | s[victim].struck) & s[victim].attackers
        return 1.0 * (fights != 0)
    called = 0.0
    for i in range(len(s)):
        if r[i, victim].attacks:
            called = max(called, called_up(limited, s, r, victim, i))
    return called


@rule
def garrison(p, defence, called):
    """base_defense and the arms that can defend: all where they are called up, else peacetime_readiness of them."""
    # no branch for who is called up wholly: it costs a tenth of a turn of eight states, and r + (1 - r) is 1 to the bit
    return p.base_defense + (p.peacetime_readiness + (1.0 - p.peacetime_readiness) * called) * defence


@rule
def muster(p, w, s, r):
    """Force f_ij = offense_advantage reach_ij A_i / n_i, times 1 + first_strike against the surprised."""
    n, limited = len(s), p.force_levels > 1.0
    for i in range(n):
        if s[i].attacked == 0:
            continue
        targets = 0
        for j in range(n):
            targets += r[i, j].attacks
        sent = w.offense_advantage * can_attack(p, s[i].offense, s[i].defense) / targets
        for j in range(n):
            if r[i, j].attacks:
                surprise = 1.0 + p.first_strike * (1.0 - called_up(limited, s, r, j, i))
                r[i, j].force = sent * r[i, j].reach * surprise


@rule
def fight(p, w, s, r):
    """Each assault is a contest of all forces on j against its defence; outcomes take effect together.

    A limited war is a whole one in small: as likely to be won, and everything that it takes is as its stakes.
    """
    n, limited = len(s), p.force_levels > 1.0
    for j in range(n):
        s[j].force_against = 0.0
        s[j].defence_for = 0.0
        s[j].success = 0.0
        s[j].conquered = False
        s[j].lost_homeland = 0.0
        s[j].lost_holdings = 0.0
        s[j].gained = 0.0
        s[j].keep = 1.0
    for j in range(n):
        if s[j].attackers == 0:
            continue
        assault = 0.0
        arms = can_defend(p, s[j].offense, s[j].defense)
        defence = garrison(p, arms, ready(limited, s, r, j)) + support(p, s, r, j)
        for i in range(n):
            if r[i, j].attacks:
                assault += r[i, j].force * part_in(limited, s, r, i, j, j)
                if r[j, i].attacks:  # its own offensive blunts theirs
                    defence += r[j, i].force * part_in(limited, s, r, j, i, j)
        s[j].force_against = assault
        s[j].defence_for = defence
        s[j].success = contest(assault, defence, p.decisiveness, p.difference)
        if p.gamble != 0.0:
            s[j].conquered = uniform(w.key, slot_of(OUTCOME, w.turn, s[j].identity, s[j].identity)) < s[j].success
            won = 1.0 if s[j].conquered else 0.0
        else:
            won = s[j].success
        stakes = p.conquest * s[j].stakes
        s[j].lost_homeland = stakes * won * s[j].homeland
        s[j].lost_holdings = stakes * won * s[j].holdings
        wear(p, s, j, 1.0 - won, s[j].stakes)
        for i in range(n):
            if r[i, j].attacks:
                wear(p, s, i, won, extent_of_attack(limited, r, i, j))
                if assault > 0.0:
                    share = r[i, j].force * part_in(limited, s, r, i, j, j)
                    s[i].gained += p.spoils * (s[j].lost_homeland + s[j].lost_holdings) * share / assault


@rule
def wear(p, s, i, won, degree):
    """Attrition of a battle that i wins with probability (or for sure) ``won``; the worst battle of a turn counts.

    ``degree``: how far it was fought, 1 = wholly.
    """
    keep = 1.0 - won * p.attrition_winner * degree - (1.0 - won) * p.attrition_loser * degree
    s[i].keep = min(s[i].keep, keep)


@rule
def settle(p, w, s):
    """Land changes hands, arms wear, and a state left with less than ``collapse`` of its homeland falls."""
    for i in range(len(s)):
        s[i].homeland -= s[i].lost_homeland
        s[i].holdings += s[i].gained - s[i].lost_holdings
        s[i].offense *= s[i].keep
        s[i].defense *= s[i].keep
        if s[i].standing and s[i].homeland < p.collapse:
            s[i].standing = False
            s[i].homeland = 0.0
            s[i].holdings = 0.0
            s[i].offense = 0.0
            s[i].defense = 0.0
            s[i].pledge = 0
            w.standing &= ~(1 << i)
            w.fallen += 1.0
