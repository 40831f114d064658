"""What a world did and whether theory said so: the only place that knows thresholds and predictions.

Thresholds come from the model, not from results (docs/metrics.md):

* ``SPIRAL``: attacks between security seekers per pair-turn. Such an attack gains nothing in this game, so any that
  learning keeps are fear's work. 0.01 is one attack per pair of states in 50 turns (a pair has two ordered pairs),
  in a default world of 32 turns one world in two or three. Policies drawn from a softmax with an entropy bonus keep an
  attack now and then even where attack never pays; that stays well below it.
* ``ARMS_RACE``: mean stock of a security seeker, offence and defence together. Stocks follow
  s <- (1 - depreciation) s + build_rate u y. In the four worlds (.04 and .08, a start of 1.75 on average) a state that
  never builds averages .96 over 32 turns, one that builds one kind at half speed (u = 1) on every turn 1.86, one that
  builds all it can 4.6. Above 1.5 a state adds arms on more than half of its turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from agents.evaluation.statistics import Estimate

SPIRAL: Final = 0.01
ARMS_RACE: Final = 1.5

SPIRALS: Final = "spiral"
RACES: Final = "arms race without war"
COOPERATES: Final = "cooperation"
VERDICTS: Final = (SPIRALS, RACES, COOPERATES)

#: What a run can say of a prediction, with the colour in which it is printed.
OUTCOME_STYLES: Final = {"supported": "green", "contradicted": "red", "undecided": "yellow"}
OUTCOMES: Final = tuple(OUTCOME_STYLES)
SUPPORTED, CONTRADICTED, UNDECIDED = OUTCOMES

ATTACKS: Final = "outcome/ss_attacks"
ARMS: Final = "arms/s_total"
_NAMES: Final = {ATTACKS: "S-S attacks", ARMS: "arms"}

Worlds = Mapping[str, Mapping[str, Estimate]]  # last part of the scenario's name -> metric -> estimate

#: What Jervis (1978) predicts of the four worlds (theory.md, section 1), by the last part of the scenario's name.
PREDICTED: Final = {
    "doubly-dangerous": SPIRALS,
    "intense": RACES,
    "not-intense": COOPERATES,
    "doubly-safe": COOPERATES,
}


def verdict(ss_attacks: float, arms: float) -> str:
    """Spiral, arms race without war, or cooperation.

    Args:
        ss_attacks: attacks between security seekers per ordered pair-turn.
        arms: mean stock of offence and defence of a security seeker.
    """
    if ss_attacks >= SPIRAL:
        return SPIRALS
    return RACES if arms >= ARMS_RACE else COOPERATES


@dataclass(frozen=True)
class Sign:
    """One prediction of theory about two worlds, or about one and zero, and what the run says of it."""

    claim: str
    outcome: str  # supported, contradicted or undecided
    why: str


def _strict(worlds: Worlds, metric: str, a: str, b: str) -> Sign:
    """``a`` above ``b``, with intervals that do not overlap."""
    claim = f"{_NAMES[metric]}: {a} > {b}"
    x, y = worlds[a][metric], worlds[b][metric]
    if not (x.known and y.known):
        return Sign(claim, "undecided", "no interval: fewer than two seeds")
    if x.low > y.high:
        return Sign(claim, "supported", "intervals apart")
    if x.high < y.low:
        return Sign(claim, "contradicted", "intervals apart, the other way")
    return Sign(claim, "undecided", "intervals overlap")


def _weak(worlds: Worlds, metric: str, a: str, b: str) -> Sign:
    """``a`` not below ``b``: contradicted only by intervals apart the wrong way in worlds not both near zero."""
    claim = f"{_NAMES[metric]}: {a} >= {b}"
    x, y = worlds[a][metric], worlds[b][metric]
    if not (x.known and y.known):
        return Sign(claim, "undecided", "no interval: fewer than two seeds")
    if max(x.high, y.high) < SPIRAL:
        return Sign(claim, "supported", f"both below {SPIRAL}")
    if x.high < y.low:
        return Sign(claim, "contradicted", "intervals apart, the other way")
    if x.low >= y.low and x.mean >= y.mean:
        return Sign(claim, "supported", "mean not below")
    return Sign(claim, "undecided", "intervals overlap")


def _zero(worlds: Worlds, metric: str, a: str) -> Sign:
    """``a`` near zero: its interval below the threshold of a spiral."""
    claim = f"{_NAMES[metric]}: {a} near 0"
    x = worlds[a][metric]
    if not x.known:
        return Sign(claim, "undecided", "no interval: fewer than two seeds")
    if x.high < SPIRAL:
        return Sign(claim, "supported", f"interval below {SPIRAL}")
    if x.low >= SPIRAL:
        return Sign(claim, "contradicted", f"interval at or above {SPIRAL}")
    return Sign(claim, "undecided", f"interval holds {SPIRAL}")


_W1, _W2, _W3, _W4 = PREDICTED
_CLAIMS: Final[list[tuple[tuple[str, ...], Callable[[Worlds], Sign]]]] = [
    ((_W1, _W3), lambda worlds: _strict(worlds, ATTACKS, _W1, _W3)),
    ((_W1, _W2), lambda worlds: _strict(worlds, ATTACKS, _W1, _W2)),
    ((_W3, _W4), lambda worlds: _weak(worlds, ATTACKS, _W3, _W4)),
    ((_W2,), lambda worlds: _zero(worlds, ATTACKS, _W2)),
    ((_W4,), lambda worlds: _zero(worlds, ATTACKS, _W4)),
    ((_W2, _W4), lambda worlds: _strict(worlds, ARMS, _W2, _W4)),
    ((_W2, _W3), lambda worlds: _strict(worlds, ARMS, _W2, _W3)),
]


def signs(worlds: Worlds) -> list[Sign]:
    """Jervis's signs for those of the four worlds that were run.

    Args:
        worlds: last part of the scenario's name -> metric -> estimate.
    """
    return [judge(worlds) for names, judge in _CLAIMS if all(name in worlds for name in names)]
