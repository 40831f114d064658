"""Duels: what an attack of one state on another would achieve now, by the rules' own functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sd_env.layout import Stance
from sd_env.measures.episode import for_rules
from sd_env.rules.actions import allows, may_attack
from sd_env.rules.arming import can_attack, can_defend
from sd_env.rules.compiled import entry_point, records, rule
from sd_env.rules.perception import assessed, visible_share
from sd_env.rules.war import contest

if TYPE_CHECKING:
    from sd_env.measures.episode import BoolArray, FloatArray
    from sd_env.record import EpisodeLog


@dataclass(frozen=True)
class Duels:
    """Success probabilities of duels of i and j, all (R, N, N) for R rows of a log; 0 unless both stand, diagonal 0.

    Third states, allies and forces split over several targets are left out, as in net assessment.

    Attributes:
        strike: of i's attack on j while j waits; with the first-strike bonus unless j is mobilized against or at war
            with i.
        clash: of i's attack on j while j attacks i.
        struck: of j's attack on i while i waits.
        clashed: of j's attack on i while i attacks j.
        may: bool, whether the ladder of escalation and the scenario let i attack j on the coming turn.
    """

    strike: FloatArray
    clash: FloatArray
    struck: FloatArray
    clashed: FloatArray
    may: BoolArray


def duels(log: EpisodeLog, *, seen: bool = False, rows: slice = slice(None)) -> Duels:
    """Duels on each row of the log: row 0 is the start, row t what turn t left, so that turn t+1 is yet to come.

    Args:
        log: an episode.
        seen: as state i saw them: the offensive advantage that it believed in and its estimate of j's arms; its own
            arms exact. False: as they truly were.
        rows: of the log.

    Returns:
        The duels of those rows.
    """
    worlds = np.array(log.worlds[rows])
    if not seen:
        worlds["perceived_offense_advantage"] = worlds["offense_advantage"]
    states, pairs = for_rules(log.states[rows]), for_rules(log.pairs[rows])
    strike, clash, struck, clashed = (np.zeros(pairs.shape) for _ in range(4))
    may = np.zeros(pairs.shape, np.bool_)
    _duel_rows(
        for_rules(log.params.reshape(1)), records(worlds), states, pairs, seen, strike, clash, struck, clashed, may
    )
    return Duels(strike, clash, struck, clashed, may)


def success_probabilities(log: EpisodeLog) -> FloatArray:
    """p_ij: true probability that an attack of i on j would succeed on the coming turn, float64 (T+1, N, N).

    p = F^r / (F^r + S^r), F = ω w_ij A_i (1 + φ), without φ if j is mobilized against i or attacked it last turn,
    S = base_defense + D_j (peacetime_readiness · D_j where φ counts), with the true ω of that turn and the true arms:
    what net assessment (Glaser 1997) would be without any error. A duel: third states are left out. 0 where one of the
    two has fallen, and on the diagonal.
    """
    return duels(log).strike


def projected_success(
    log: EpisodeLog, row: int, attacker: int, victim: int, factors: FloatArray, *, seen: bool = False
) -> FloatArray:
    """Success of ``attacker``'s attack on the waiting ``victim`` if the attacker's arms were multiplied.

    Args:
        log: an episode.
        row: of the log, 0 to T.
        attacker: index of a state.
        victim: index of another; with ``seen`` it is the one who looks.
        factors: float64 (K,), by which the attacker's arms are multiplied.
        seen: as the victim saw it on that row, else as it truly was.

    Returns:
        float64 (K,), each 0 to 1.
    """
    worlds = np.array(log.worlds[row : row + 1])
    if not seen:
        worlds["perceived_offense_advantage"] = worlds["offense_advantage"]
    found = np.zeros(len(factors))
    _project(
        for_rules(log.params.reshape(1)), records(worlds), for_rules(log.states[row]), for_rules(log.pairs[row]), seen,
        attacker, victim, factors, found,
    )  # fmt: skip
    return found


@rule
def _arms_of(p: Any, s: Any, r: Any, i: int, j: int, seen: bool) -> Any:
    """Offence and defence of j: true, or as i sees them."""
    if not seen:
        return s[j].offense, s[j].defense
    share = visible_share(p, s[j].offense, s[j].defense)
    return r[i, j].estimate * share, r[i, j].estimate * (1.0 - share)


@entry_point
def _duel_rows(
    params: Any, worlds: Any, states: Any, pairs: Any, seen: bool, strike: Any, clash: Any, struck: Any, clashed: Any,
    may: Any,
) -> None:  # fmt: skip
    p = params[0]
    stances = int(p.allowed_stance)
    for t in range(len(worlds)):
        w, s, r = worlds[t], states[t], pairs[t]
        advantage = w.perceived_offense_advantage
        for i in range(len(s)):
            my_attack = can_attack(p, s[i].offense, s[i].defense)
            my_defence = can_defend(p, s[i].offense, s[i].defense)
            for j in range(len(s)):
                if i == j or not s[i].standing or not s[j].standing:
                    continue
                offense, defense = _arms_of(p, s, r, i, j, seen)
                attack, defence = can_attack(p, offense, defense), can_defend(p, offense, defense)
                strike[t, i, j] = assessed(p, w, s, r, i, j, my_attack, defence, p.force_levels > 1.0)
                struck[t, i, j] = assessed(p, w, s, r, j, i, attack, my_defence, p.force_levels > 1.0)
                # both attack: nobody is surprised, and each one's offensive blunts the other's
                mine, theirs = advantage * r[i, j].reach * my_attack, advantage * r[j, i].reach * attack
                clash[t, i, j] = contest(mine, p.base_defense + defence + theirs, p.decisiveness, p.difference)
                clashed[t, i, j] = contest(theirs, p.base_defense + my_defence + mine, p.decisiveness, p.difference)
                may[t, i, j] = allows(stances, Stance.ATTACK) & may_attack(p, s, i, j)


@entry_point
def _project(
    params: Any, worlds: Any, s: Any, r: Any, seen: bool, attacker: int, victim: int, factors: Any, found: Any
) -> None:
    p, w = params[0], worlds[0]
    offense, defense = _arms_of(p, s, r, victim, attacker, seen)
    defence = can_defend(p, s[victim].offense, s[victim].defense)
    for k in range(len(factors)):
        attack = can_attack(p, factors[k] * offense, factors[k] * defense)
        found[k] = assessed(p, w, s, r, attacker, victim, attack, defence, p.force_levels > 1.0)
