"""Why a state attacked: out of greed, of fear of a strike now, or of fear of a shift of power.

U(h, s, g) = EU(attack) - EU(wait) of model.md section 5, for one attack of i on j, in homeland turns:

    U = L {g τ ρ land_j [(1-h) p_f + h p_s] + τ value_i [h (q_f - q_s) + (1-h) s]} - cost

h: probability that j attacks i on this turn. p_f, p_s: success of i's attack on a j that waits, that attacks. q_f,
q_s: success of j's attack on an i that waits, that attacks. s: what a shift of power adds to q_f. docs/measures.md
derives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sd_env.layout import Signal
from sd_env.measures.beliefs import checked_beliefs
from sd_env.measures.contests import Duels, duels, projected_success
from sd_env.measures.episode import MeasureError, check_states, check_turn, named, parameter

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray
    from sd_env.measures.war import War
    from sd_env.record import EpisodeLog

KINDS = ("opportunistic", "preemptive", "preventive", "mixed", "other")


@dataclass(frozen=True)
class Motive:
    """Why ``attacker`` would attack ``target`` on ``turn``.

    Attributes:
        fear: h, probability that the target attacks it on that turn.
        shift: s, what the projected shift of power adds to the target's success against it.
        greed: g, the attacker's.
        utility: U(h, s, g), homeland turns.
        pays: U(h, s, g) > 0.
        opportunistic: U(0, 0, g) > 0: greed alone would do.
        preemptive: U(h, 0, 0) > 0: fear of an attack now alone would do.
        preventive: U(0, s, 0) > 0: the shift of power alone would do.
    """

    attacker: int
    target: int
    turn: int
    fear: float
    shift: float
    greed: float
    utility: float
    pays: bool
    opportunistic: bool
    preemptive: bool
    preventive: bool

    @property
    def kind(self) -> str:
        """One of ``KINDS``: ``other`` if it does not pay, else the first motive that alone would do, or ``mixed``."""
        if not self.pays:
            return "other"
        alone = (self.opportunistic, self.preemptive, self.preventive, True)
        return KINDS[alone.index(True)]


@dataclass(frozen=True)
class Stakes:
    """Terms of U as in the module: ``lasting`` L, ``land`` land_j, ``value`` value_i if g is 0, ``held`` holdings."""

    p_first: float
    p_both: float
    q_first: float
    q_both: float
    conquest: float
    spoils: float
    lasting: float
    land: float
    value: float
    held: float
    cost: float

    def utility(self, fear: float, shift: float, greed: float) -> float:
        """U(h, s, g), in homeland turns."""
        gain, spared = self.terms(fear, shift, greed)
        return self.lasting * self.conquest * (gain + spared) - self.cost

    def terms(self, fear: float, shift: float, greed: float) -> tuple[float, float]:
        """The two terms of U(h, s, g) before L τ: land that is won, and land of its own that is spared."""
        gain = greed * self.spoils * self.land * self.success(fear)
        saved = fear * (self.q_first - self.q_both) + (1.0 - fear) * shift
        return gain, (self.value + greed * self.held) * saved

    def success(self, fear: float) -> float:
        """Probability that the attack succeeds: on one who waits or attacks."""
        return (1.0 - fear) * self.p_first + fear * self.p_both


def motive(
    log: EpisodeLog,
    attacker: int,
    target: int,
    turn: int,
    beliefs: FloatArray,
    *,
    discount: float = 1.0,
    seen: bool = True,
) -> Motive:
    """Motive of an attack of ``attacker`` on ``target`` on ``turn``, made or not, from what there was before that turn.

    h = 1 - b, b the attacker's belief that the target is a security seeker, if the target may attack it on that turn
    at all; else 0. s is :func:`power_shift`. Third states, collapse, attrition, and the motives of power, routine and
    identification are left out.

    Args:
        log: an episode.
        attacker: index of a state that stands.
        target: index of another that stands.
        turn: 1 to T.
        beliefs: (T+1, N, N), see :mod:`sd_env.measures.beliefs`.
        discount: per turn, 0 to 1; the scenario's ``continuation`` comes on top.
        seen: judge by what the attacker saw (its estimates, and the ω that it believed in). False: by the truth.

    Raises:
        MeasureError: for another turn, state, discount or beliefs that do not fit; or a state that has fallen.
    """
    return weighed(log, attacker, target, turn, beliefs, discount=discount, seen=seen)[0]


def weighed(
    log: EpisodeLog,
    attacker: int,
    target: int,
    turn: int,
    beliefs: FloatArray,
    *,
    discount: float = 1.0,
    seen: bool = True,
) -> tuple[Motive, Stakes, bool]:
    """As :func:`motive`, with the terms that it was made of, and whether the target may attack on that turn at all."""
    check_turn(log, turn)
    check_states(log, attacker, target)
    row = turn - 1
    for state in (attacker, target):
        if not log.states["standing"][row, state]:
            raise MeasureError(f"{log.agents[state]} has fallen before turn {turn}; both states must stand")
    belief = float(checked_beliefs(log, beliefs)[row, attacker, target])
    duel = duels(log, seen=seen, rows=slice(row, turn))
    stakes = _stakes(log, attacker, target, turn, duel, discount)
    imminent = bool(duel.may[0, target, attacker])
    h = 1.0 - belief if imminent else 0.0
    s = power_shift(log, attacker, target, turn, discount=discount, seen=seen)
    g = float(log.states["greed"][row, attacker])
    total = stakes.utility(h, s, g)
    found = Motive(
        attacker, target, turn, h, s, g, total,
        pays=total > 0.0,
        opportunistic=stakes.utility(0.0, 0.0, g) > 0.0,
        preemptive=stakes.utility(h, 0.0, 0.0) > 0.0,
        preventive=stakes.utility(0.0, s, 0.0) > 0.0,
    )  # fmt: skip
    return found, stakes, imminent


def _stakes(log: EpisodeLog, attacker: int, target: int, turn: int, duel: Duels, discount: float) -> Stakes:
    row = turn - 1
    mine, theirs = log.states[row, attacker], log.states[row, target]
    provoked = log.pairs["attacks"][row, target, attacker] or named(log)[row, attacker, target]
    cost = parameter(log, "attacker_cost") + (0.0 if provoked else parameter(log, "enforcement"))
    if _pledged(log, attacker, turn):
        cost += parameter(log, "audience_cost")
    return Stakes(
        p_first=float(duel.strike[0, attacker, target]),
        p_both=float(duel.clash[0, attacker, target]),
        q_first=float(duel.struck[0, attacker, target]),
        q_both=float(duel.clashed[0, attacker, target]),
        conquest=parameter(log, "conquest"),
        spoils=parameter(log, "spoils"),
        lasting=float(_lasting(log, turn, discount)[0]),
        land=float(theirs["homeland"] + theirs["holdings"]),
        value=float(mine["economy"] * mine["homeland"]),
        held=float(mine["holdings"]),
        cost=cost,
    )


def _pledged(log: EpisodeLog, state: int, turn: int) -> bool:
    """Whether an attack on that turn would break a pledge: one that still binds, or that is made on that very turn."""
    if log.states["signal"][turn, state] == Signal.REASSURE:
        return parameter(log, "pledge_turns") >= 1.0
    return bool(log.states["pledge"][turn - 1, state] > 1)


def _lasting(log: EpisodeLog, turn: int, discount: float) -> FloatArray:
    """L of land that changes hands k turns from ``turn`` on, k = 0 .. turns left - 1: homeland turns per homeland.

    The turn of the conquest counts in full; of the later ones, what is not restored counts. Seen from ``turn``.
    """
    if not 0.0 <= discount <= 1.0:
        raise MeasureError(f"discount is {discount}; 0 to 1 is allowed")
    left = int(parameter(log, "horizon")) - turn + 1
    weights = (discount * parameter(log, "continuation")) ** np.arange(left)
    later = np.append(np.cumsum(weights[::-1])[::-1][1:], 0.0)
    return np.asarray(weights + (1.0 - parameter(log, "restoration")) * later)


def power_shift(
    log: EpisodeLog, state: int, rival: int, turn: int, *, discount: float = 1.0, seen: bool = True
) -> float:
    """s: how much more ``state`` expects to lose if ``rival`` strikes at its best later time instead of now.

    s = max_k (q(k) L(k) - q(0) L(0)) / L(0), q(k) the success of the rival's attack k turns from now with its arms
    multiplied by how much more its capacity, min(income, capacity_cap), has grown than the state's own by then, L(k)
    how long a loss then would last. Fearon's (1995) preventive motive: in an endless game δ p_2 - p_1.

    Args:
        log: an episode.
        state: index of the state that looks ahead.
        rival: index of the one that may grow.
        turn: now, 1 to T.
        discount: as in :func:`motive`.
        seen: as the state saw it, else as it truly was.

    Returns:
        0 (power does not shift against the state, or too slowly to matter) to 1.
    """
    check_turn(log, turn)
    check_states(log, state, rival)
    lasting = _lasting(log, turn, discount)
    ahead = np.arange(len(lasting))
    mine, theirs = (_capacity(log, each, turn - 1, ahead) for each in (state, rival))
    both = (mine > 0.0) & (theirs > 0.0)
    factors = np.where(both, theirs / np.where(both, mine, 1.0), 1.0)
    later = projected_success(log, turn - 1, rival, state, factors, seen=seen)
    expected = later * lasting
    return float(max(expected.max() - expected[0], 0.0) / lasting[0])


def _capacity(log: EpisodeLog, state: int, row: int, ahead: np.ndarray) -> FloatArray:
    """What its economy's growth makes of its capacity to build, relative to now; 0 where it has none."""
    now = log.states[row, state]
    income = float(now["economy"] * (now["homeland"] + now["holdings"]))
    cap = parameter(log, "capacity_cap")
    if min(income, cap) <= 0.0:
        return np.zeros(len(ahead))
    return np.minimum(income * (1.0 + float(now["growth"])) ** ahead, cap) / min(income, cap)


def war_class(log: EpisodeLog, war: War, beliefs: FloatArray, *, discount: float = 1.0, seen: bool = True) -> Motive:
    """Motive of the attack that began the war; its ``kind`` is the war's class.

    U(h, s, g) ≤ 0: other. Else U(0, 0, g) > 0: opportunistic; else U(h, 0, 0) > 0: preemptive (Reiter 1995); else
    U(0, s, 0) > 0: preventive (Levy 1987); else mixed: only together do the motives suffice. All three are kept. Where
    a war began with several attacks, the one with the highest U stands for it. Arguments and errors: :func:`motive`.
    """
    motives = [
        motive(log, attacker, target, war.start, beliefs, discount=discount, seen=seen)
        for attacker, target in war.opening
    ]
    return max(motives, key=lambda each: each.utility)
