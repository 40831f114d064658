"""The turn: arming, signaling, alliances, war, payoff, leaders, perception. The table of contents of the rules."""

from __future__ import annotations

import math

import numba

from sd_env.rules.accounts import close_accounts, count_turn, count_wars
from sd_env.rules.actions import carry_out, write_masks
from sd_env.rules.alliances import ally, answer_calls
from sd_env.rules.arming import arm
from sd_env.rules.beliefs import judge
from sd_env.rules.chance import CONTINUATION, DRIFT, normal, slot_of, uniform
from sd_env.rules.compiled import entry_point, rule
from sd_env.rules.institutions import hold_back, inspect, mediate
from sd_env.rules.leaders import change_leaders
from sd_env.rules.payoff import close_turn, move_amity, pay
from sd_env.rules.perception import (
    observe,
    observe_beliefs,
    observe_context,
    observe_degrees,
    observe_institutions,
    observe_world,
)
from sd_env.rules.setup import begin
from sd_env.rules.signaling import keep_commitments, signal
from sd_env.rules.war import declare, fight, muster, settle

GOES_ON, TERMINATED, TRUNCATED = 0, 1, 2
_LOWEST_ADVANTAGE, _HIGHEST_ADVANTAGE = 1e-3, 1e3


@rule
def play_turn(p, w, s, r, actions, rewards, track):
    """One turn of one world, with beliefs if they are tracked; whether it goes on, terminated or was truncated."""
    began, instituted = w.standing, p.institutions_shown != 0.0
    carry_out(p, s, r, actions)
    arm(p, s)
    if instituted:
        inspect(p, w, s)
    signal(p, s)
    ally(s, r)
    declare(p, s, r)
    if instituted:
        mediate(p, w, s, r)
    if track:
        judge(p, w, s, r)
    muster(p, w, s, r)
    fight(p, w, s, r)
    settle(p, w, s)
    answer_calls(p, w, s, r)
    keep_commitments(p, w, s)
    pay(p, w, s, r, rewards)
    count_wars(w, s)
    count_turn(p, w, s, rewards, began)
    close_turn(p, s)
    move_amity(p, r, len(s))
    if instituted:
        hold_back(p, s, r)
    return advance(p, w, s)


@rule
def advance(p, w, s):
    """Technology drifts, the clock moves, and the world ends at the horizon, by chance, or when one state is left."""
    goes_on = p.continuation >= 1.0 or uniform(w.key, slot_of(CONTINUATION, w.turn, 0, 0)) < p.continuation
    if p.drift > 0.0:
        shock = normal(w.key, slot_of(DRIFT, w.turn, 0, 0))
        drifted = w.offense_advantage * math.exp(p.drift * shock)
        w.offense_advantage = min(max(drifted, _LOWEST_ADVANTAGE), _HIGHEST_ADVANTAGE)
        if math.isnan(p.perceived_offense_advantage):
            w.perceived_offense_advantage = w.offense_advantage
    w.turn += 1
    if not goes_on or (w.standing & (w.standing - 1)) == 0:
        close_accounts(w, s)
        return TERMINATED
    if w.turn >= p.horizon:
        close_accounts(w, s)
        return TRUNCATED
    return GOES_ON


@rule
def show(flat, p, w, s, r, observations, own, others, masks, fresh):
    """Write what the states see next and what they may choose; ``fresh``: the episode has just begun."""
    if p.context_observed != 0.0:
        if fresh:
            observe_context(flat, p, len(s), observations)
        observe_world(p, w, len(s), observations)
    observe(p, w, s, r, own, others)
    if p.beliefs != 0.0:
        observe_beliefs(p, r, len(s), observations)
    if p.institutions_shown != 0.0:
        observe_institutions(p, s, r, observations)
    if p.force_levels > 1.0:
        observe_degrees(p, s, r, observations)
    write_masks(p, s, r, masks)


@rule
def copy_rows(source, target):
    """Copy a matrix entry by entry: a slice assignment would allocate."""
    for i in range(source.shape[0]):
        for k in range(source.shape[1]):
            target[i, k] = source[i, k]


@rule
def step_world(
    b, seed, bounds, state_bounds, pair_bounds, identity, autoreset, track, flat, params, worlds, states, pairs,
    actions, rewards, ended, observations, own, others, masks, final_observations, final_masks, final_tallies,
):  # fmt: skip
    """Step world b of a batch; with ``autoreset`` a world that ends begins its next episode at once."""
    p, w, s, r = params[b], worlds[b], states[b], pairs[b]
    ended[b] = play_turn(p, w, s, r, actions[b], rewards[b], track)
    if p.turnover > 0.0 and ended[b] == GOES_ON:
        change_leaders(p, w, s, r, state_bounds, track)
    show(flat[b], p, w, s, r, observations[b], own[b], others[b], masks[b], False)
    if ended[b] != GOES_ON and autoreset:
        copy_rows(observations[b], final_observations[b])
        copy_rows(masks[b], final_masks[b])
        final_tallies[b] = worlds[b]
        w.episode += 1
        begin(b, seed, bounds, state_bounds, pair_bounds, identity, flat, params, worlds, states, pairs)
        show(flat[b], p, w, s, r, observations[b], own[b], others[b], masks[b], True)


@entry_point
def step_worlds(
    seed, bounds, state_bounds, pair_bounds, identity, autoreset, track, flat, params, worlds, states, pairs,
    actions, rewards, ended, observations, own, others, masks, final_observations, final_masks, final_tallies,
):  # fmt: skip
    """Step all worlds, one after the other."""
    for b in range(len(worlds)):
        step_world(
            b, seed, bounds, state_bounds, pair_bounds, identity, autoreset, track, flat, params, worlds, states,
            pairs, actions, rewards, ended, observations, own, others, masks, final_observations, final_masks,
            final_tallies,
        )  # fmt: skip


@entry_point(parallel=True)
def step_worlds_in_parallel(
    seed, bounds, state_bounds, pair_bounds, identity, autoreset, track, flat, params, worlds, states, pairs,
    actions, rewards, ended, observations, own, others, masks, final_observations, final_masks, final_tallies,
):  # fmt: skip
    """Step all worlds, shared out among threads; worlds do not touch, so the result is the same."""
    for b in numba.prange(len(worlds)):
        step_world(
            b, seed, bounds, state_bounds, pair_bounds, identity, autoreset, track, flat, params, worlds, states,
            pairs, actions, rewards, ended, observations, own, others, masks, final_observations, final_masks,
            final_tallies,
        )  # fmt: skip


@entry_point
def reset_worlds(
    seed, bounds, state_bounds, pair_bounds, identity, chosen, flat, params, worlds, states, pairs, observations,
    own, others, masks,
):  # fmt: skip
    """Begin an episode in the chosen worlds; their index and episode number are set by the caller."""
    for b in range(len(worlds)):
        if chosen[b]:
            begin(b, seed, bounds, state_bounds, pair_bounds, identity, flat, params, worlds, states, pairs)
            show(flat[b], params[b], worlds[b], states[b], pairs[b], observations[b], own[b], others[b], masks[b], True)


@entry_point
def show_worlds(flat, params, worlds, states, pairs, observations, own, others, masks):
    """Show all worlds as they now are: their records were changed between two turns, by nobody in the game."""
    for b in range(len(worlds)):
        show(flat[b], params[b], worlds[b], states[b], pairs[b], observations[b], own[b], others[b], masks[b], False)
