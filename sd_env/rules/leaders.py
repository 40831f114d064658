"""Leaders: some fall between two turns, and what their states want is drawn anew (model.md section 3, *Leaders*)."""

from __future__ import annotations

from sd_env.layout import INITIAL_STATE
from sd_env.rules.beliefs import expect_new_leader
from sd_env.rules.chance import TURNOVER, slot_of, uniform
from sd_env.rules.compiled import called_rule
from sd_env.rules.setup import draw_greed

_P_GREEDY = INITIAL_STATE.index("p_greedy")


@called_rule
def change_leaders(p, w, s, r, state_bounds, track):
    """With probability turnover a standing state's leader falls; a type that is certain, whoever leads, stays.

    ``state_bounds`` is ``Scenario.bounds``' (2, N, INITIAL_STATE). Who falls depends on no type: nobody sees it.
    """
    for i in range(len(s)):
        if not s[i].standing:
            continue
        me = s[i].identity
        certain = state_bounds[0, i, _P_GREEDY] == 1.0  # certain seekers need no such word: all are drawn so
        if not certain and uniform(w.key, slot_of(TURNOVER, w.turn, me, 0)) < p.turnover:
            s[i].greed = draw_greed(state_bounds[0, i], state_bounds[1, i], w.key, w.turn, me)
        if track:
            expect_new_leader(p, s, r, i)
