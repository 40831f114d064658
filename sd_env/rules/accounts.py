"""Accounts: what the episode counts of itself as it goes, for training metrics (``layout.TALLY``). Changes nothing."""

from __future__ import annotations

from sd_env.layout import Signal
from sd_env.rules.actions import members
from sd_env.rules.arming import building_cost
from sd_env.rules.compiled import rule


@rule
def count_turn(p, w, s, rewards, began):
    """Add the turn to the world's tallies; ``began`` is the bit mask of the states that stood when it began."""
    n = len(s)
    w.turns += 1.0
    seekers = 0
    for i in range(n):
        seekers |= (s[i].greed == 0.0) << i
    for i in range(n):
        seeker = s[i].greed == 0.0
        w.illegal += s[i].illegal
        w.s_welfare += rewards[i] * seeker
        w.g_welfare += rewards[i] * (not seeker)
        if not (began >> i) & 1:
            continue
        w.arms_spending += building_cost(p, s, i)
        w.income += s[i].economy * (s[i].homeland + s[i].holdings)
        w.pledges_broken += s[i].pledge_broken
        w.commitments_failed += s[i].commitment_failed
        w.conquests += s[i].conquered
        w.land_lost += s[i].lost_homeland + s[i].lost_holdings
        w.s_state_turns += seeker
        w.s_offense += s[i].offense * seeker
        w.s_defense += s[i].defense * seeker
        w.s_reassurances += seeker & (s[i].signal == Signal.REASSURE)
        w.s_threats += seeker & (s[i].signal == Signal.THREATEN)
        w.s_security += (1.0 - s[i].success) * seeker

        rivals = began & ~(1 << i)
        others, seeking = members(rivals), members(rivals & seekers)
        attacks, mobilizations = members(s[i].attacked), members(s[i].mobilized)
        w.pair_turns += others
        w.attacks += attacks
        w.mobilizations += mobilizations
        w.alliances += 0.5 * members(s[i].allies)  # each is counted from both ends
        w.s_pair_turns += others * seeker
        w.s_attacks += attacks * seeker
        w.g_pair_turns += others * (not seeker)
        w.g_attacks += attacks * (not seeker)
        w.ss_pair_turns += seeking * seeker
        w.ss_attacks += members(s[i].attacked & seekers) * seeker
        w.ss_mobilizations += members(s[i].mobilized & seekers) * seeker


@rule
def count_wars(w, s):
    """Count wars that begin this turn: connected groups of states that fight now and none of which fought last turn.

    A war is tragic when every first belligerent, attacker or attacked, is a security seeker. Call before
    ``close_turn``: ``enemies`` still holds last turn's fighting.
    """
    n = len(s)
    visited = 0
    for first in range(n):
        if (visited >> first) & 1 or (s[first].attackers | s[first].attacked) == 0:
            continue
        group = 1 << first
        before = 0
        while group != before:
            before = group
            for i in range(n):
                if (group >> i) & 1:
                    group |= s[i].attacked | s[i].attackers
        visited |= group
        new = True
        seekers = True
        for i in range(n):
            if (group >> i) & 1:
                new = new and s[i].enemies == 0
                seekers = seekers and s[i].greed == 0.0
        if new:
            w.wars += 1.0
            if seekers:
                w.tragic_wars += 1.0


@rule
def close_accounts(w, s):
    """At the end of an episode: how many seekers there were and what they still hold."""
    for i in range(len(s)):
        if s[i].greed == 0.0:
            w.s_states += 1.0
            w.s_homeland += s[i].homeland
        else:
            w.g_states += 1.0
