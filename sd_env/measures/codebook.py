"""Dyad-years: an episode as the table that studies of war run their regressions on, with the true causes beside.

One row for each turn and each ordered pair of states that both stand as the turn begins, state 1 toward state 2. Names
are those of the Correlates of War (COW) data where there are any. :data:`COLUMNS` defines every column once: the table
is computed from it, and docs/codebook.md is written from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sd_env.layout import Signal
from sd_env.measures.dyads import OUTCOMES, DyadYears
from sd_env.measures.episode import arms, named, parameter, standing_pairs
from sd_env.measures.motives import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sd_env.record import EpisodeLog

#: When a value holds: it names the row; as the turn begins, so that it may explain the turn; on the turn; or it is what
#: no observer of the states could know.
KEY, BEFORE, ON, TRUTH = "key", "before", "on", "truth"


@dataclass(frozen=True)
class Column:
    """A column, or one for each side of the pair.

    Attributes:
        name: in the table; with ``sides`` 1 or 2 is added, the state that it is of (toward the other).
        kind: ``int64``, ``uint64``, ``float64`` or ``text``.
        unit: of its values.
        low, high: least and greatest value; nothing of texts.
        when: ``KEY``, ``BEFORE``, ``ON`` or ``TRUTH``.
        meaning: a sentence.
        nearest: the variable that it is nearest to, with its data set; "" if there is none.
        source: the work of that data set, a key of :data:`SOURCES`; "" if there is none.
        of: its values, (T, N, N), row t - 1 of turn t, of i toward j.
        sides: whether there is one for each side.
        choices: all that a text may be; () if anything.
    """

    name: str
    kind: str
    unit: str
    low: float
    high: float
    when: str
    meaning: str
    nearest: str
    source: str
    of: Callable[[DyadYears], NDArray[Any]]
    sides: bool = False
    choices: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns in the table."""
        return (f"{self.name}1", f"{self.name}2") if self.sides else (self.name,)

    @property
    def range(self) -> str:
        """What its values may be, in words."""
        if self.kind == "text":
            return ", ".join(choice or "empty" for choice in self.choices) or "any text"
        if self.high == 1 and self.kind != "float64":
            return "0 or 1"
        if math.isinf(self.low):
            return "any"
        return f"{self.low:g} to {self.high:g}" if math.isfinite(self.high) else f"{self.low:g} or more"


#: Works that the entries name, in full.
SOURCES: Final = {
    "Beck et al. 1998": "Beck, N., Katz, J. N. and Tucker, R. (1998). Taking time seriously: time-series-cross-section "
    "analysis with a binary dependent variable. *American Journal of Political Science* 42(4), 1260–1288.",
    "Brecher and Wilkenfeld 2000": "Brecher, M. and Wilkenfeld, J. (2000). *A Study of Crisis*. Ann Arbor: University "
    "of Michigan Press.",
    "Gibler 2009": "Gibler, D. M. (2009). *International Military Alliances, 1648–2008*. Washington: CQ Press.",
    "Jervis 1978": "Jervis, R. (1978). Cooperation under the security dilemma. *World Politics* 30(2), 167–214.",
    "Maoz et al. 2019": "Maoz, Z., Johnson, P. L., Kaplan, J., Ogunkoya, F. and Shreve, A. P. (2019). The dyadic "
    "militarized interstate disputes (MIDs) dataset version 3.0: logic, characteristics, and comparisons to "
    "alternative datasets. *Journal of Conflict Resolution* 63(3), 811–835.",
    "Palmer et al. 2022": "Palmer, G., McManus, R. W., D'Orazio, V., Kenwick, M. R., Karstens, M., Bloch, C., "
    "Dietrich, N., Kahn, K., Ritter, K. and Soules, M. J. (2022). The MID5 dataset, 2011–2014: procedures, coding "
    "rules, and description. *Conflict Management and Peace Science* 39(4), 470–482.",
    "Sarkees and Wayman 2010": "Sarkees, M. R. and Wayman, F. W. (2010). *Resort to War: 1816–2007*. Washington: CQ "
    "Press.",
    "Singer et al. 1972": "Singer, J. D., Bremer, S. and Stuckey, J. (1972). Capability distribution, uncertainty, "
    "and major power war, 1820–1965. In Russett (ed.), *Peace, War, and Numbers*, 19–48. Beverly Hills: Sage.",
    "Stinnett et al. 2002": "Stinnett, D. M., Tir, J., Schafer, P., Diehl, P. F. and Gochman, C. (2002). The "
    "Correlates of War project direct contiguity data, version 3. *Conflict Management and Peace Science* 19(2), "
    "59–67.",
}

_MID, _DYADIC, _NMC = "Palmer et al. 2022", "Maoz et al. 2019", "Singer et al. 1972"
_ANY = math.inf


def _names(which: str) -> Callable[[DyadYears], NDArray[Any]]:
    return lambda d: np.broadcast_to(np.array(getattr(d.log, which))[None, :, None], d.levels.shape)


def _state_before(name: str) -> Callable[[DyadYears], NDArray[Any]]:
    return lambda d: d.of_state(d.log.states[name][:-1])


def _says(signal: Signal) -> Callable[[DyadYears], NDArray[Any]]:
    return lambda d: d.of_state(d.log.states["signal"][1:] == signal)


def _flag(
    name: str, when: str, meaning: str, nearest: str, source: str, of: Callable[[DyadYears], Any], sides: bool = False
) -> Column:
    return Column(name, "int64", "0 or 1", 0, 1, when, meaning, nearest, source, of, sides)


def _text(name: str, meaning: str, nearest: str, of: Callable[[DyadYears], Any], sides: bool = False) -> Column:
    return Column(name, "text", "name", 0, _ANY, KEY, meaning, nearest, _DYADIC if nearest else "", of, sides)


COLUMNS: Final = (
    Column("log", "int64", "number", 1, _ANY, KEY, "Which of the logs that were read.", "", "",
           lambda d: d.of_world(d.number)),
    _text("scenario", "Name of the game.", "", lambda d: d.of_world(d.log.scenario.name)),
    Column("seed", "uint64", "number", 0, _ANY, KEY, "Seed of the run. R reads it as a real number.", "", "",
           lambda d: d.of_world(np.uint64(d.log.seed))),
    Column("world", "int64", "number", 0, _ANY, KEY, "World of the run.", "", "", lambda d: d.of_world(d.log.world)),
    Column("episode", "int64", "number", 0, _ANY, KEY, "Episode of the world.", "", "",
           lambda d: d.of_world(d.log.episode)),
    Column("year", "int64", "turn", 1, _ANY, KEY, "Turn of the episode.", "`year` of all", _DYADIC,
           lambda d: d.of_world(1 + np.arange(d.log.turns))),
    _text("state", "Name of the state.", "`ccode` of all", _names("agents"), True),
    _text("policy", "Who plays it, as the log says; empty where it does not.", "", _names("policies"), True),
    # the turn
    Column("hostlev", "int64", "level", 1, 5, ON, "1 no act; 2 threat, after the other was mobilized against or "
           "attacked it or an ally of it; 3 mobilized; 4 attacks; 5 attacks, and the other strikes back or loses land.",
           "MID `hostlev`, where 5 is a war of 1000 battle deaths", _MID, lambda d: d.levels, True),
    _flag("dispongoing", ON, "Either goes to level 2 or above toward the other.", "MID `dispongoing`", _DYADIC,
          lambda d: d.disputes[1:]),
    _flag("disponset", ON, "It does, and neither did on the turn before.", "MID `disponset`; ICB crisis onset", _DYADIC,
          lambda d: d.onset),
    Column("dispnum", "int64", "number", 0, _ANY, ON, "Number of the dispute within the episode, of all states that it "
           "links, in the order of beginnings; 0: none.", "MID `dispnum`; ICB `crisno`", "Brecher and Wilkenfeld 2000",
           lambda d: d.dispute),
    _flag("init", ON, "It goes to level 2 or above on the onset; both may, since all move at once.",
          "MID `sidea` on the first day", _DYADIC, lambda d: d.onset & (d.levels > 1), True),
    _flag("orig", ON, "It was in the dispute, with anybody, on the dispute's first turn; 0 in a dispute: a joiner.",
          "MID `orig`", _MID, lambda d: d.originator, True),
    _flag("recip", ON, "Both go to level 2 or above.", "MID `recip`", _MID,
          lambda d: (d.levels > 1) & (d.levels.swapaxes(1, 2) > 1)),
    _flag("attack", ON, "It attacks the other: level 4 or 5.", "MID `hostlev` of 4 or 5", _MID,
          lambda d: d.attacks, True),
    _flag("firststrike", ON, "It attacks the other, and neither attacked on the turn before.", "COW `Initiator`",
          "Sarkees and Wayman 2010", lambda d: d.first_strike, True),
    Column("warnum", "int64", "number", 0, _ANY, ON, "Number of the war in which the two fight one another; 0: none.",
           "COW `WarNum`", "Sarkees and Wayman 2010", lambda d: d.war),
    Column("outcome", "text", "word", 0, _ANY, ON, "Who takes land of whom; `stalemate`: fighting, and nobody.",
           "MID `outcome`, of a dispute", _MID, lambda d: d.outcome, choices=OUTCOMES),
    Column("landlost", "float64", "homelands", 0, _ANY, ON, "Land that it loses to the other: of all that it loses, "
           "the other's share in the force against it.", "", "", lambda d: d.lost, True),
    _flag("reassures", ON, "It pledges to attack nobody.", "", "", _says(Signal.REASSURE), True),
    _flag("threatens", ON, "It threatens in public, at whomever.", "", "", _says(Signal.THREATEN), True),
    Column("payoff", "float64", "homeland-incomes", -_ANY, _ANY, ON, "What it earns.", "", "",
           lambda d: d.of_state(d.log.rewards), True),
    # as the turn begins
    Column("peaceyrs", "int64", "turns", 0, _ANY, BEFORE, "Turns since the last dispute of the two; before the first "
           "one since the start, of which nothing is known from before.", "peace years, for splines or polynomials",
           "Beck et al. 1998", lambda d: d.peace),
    Column("cinc", "float64", "share", 0, 1, BEFORE, "Mean of its shares in the land, income and arms of all states "
           "that stand; what nobody has is left out.", "NMC `cinc`, the mean of six such shares", _NMC,
           lambda d: d.of_state(d.capability), True),
    Column("land", "float64", "homelands", 0, _ANY, BEFORE, "Homeland that it holds, and foreign land.",
           "NMC `tpop`, as size", _NMC, lambda d: d.of_state(d.land), True),
    Column("income", "float64", "homeland-incomes", 0, _ANY, BEFORE, "Income.", "NMC `pec` and `irst`", _NMC,
           lambda d: d.of_state(d.income), True),
    Column("arms", "float64", "arms", 0, _ANY, BEFORE, "Offensive and defensive arms.",
           "NMC `milper` and `milex`", _NMC, lambda d: d.of_state(arms(d.log)[:-1]), True),
    Column("offense", "float64", "arms", 0, _ANY, BEFORE, "Offensive arms.", "", "", _state_before("offense"), True),
    Column("estimate", "float64", "arms", 0, _ANY, BEFORE, "Its estimate of the other's arms.", "", "",
           lambda d: d.before("estimate"), True),
    Column("reach", "float64", "share", 0, 1, BEFORE, "Share of its force that reaches the other.",
           "COW `conttype`, and distance", "Stinnett et al. 2002", lambda d: d.before("reach"), True),
    _flag("allied", BEFORE, "The two are allied.", "COW `defense`", "Gibler 2009", lambda d: d.before("allied")),
    Column("reliability", "float64", "share", 0, 1, BEFORE, "Running record of the calls of allies that it honoured.",
           "", "", _state_before("reliability"), True),
    _flag("called", BEFORE, "An ally's open call bids it to attack the other.", "", "",
          lambda d: named(d.log)[:-1], True),
    _flag("pledged", BEFORE, "It is under a pledge to attack nobody.", "", "",
          lambda d: d.of_state(d.log.states["pledge"][:-1] > 0), True),
    _flag("committed", BEFORE, "It is bound by a threat that it made.", "", "",
          lambda d: d.of_state(d.log.states["commitment"][:-1] > 0), True),
    Column("amity", "float64", "index", -1, 1, BEFORE, "Its amity toward the other, from deeds.", "", "",
           lambda d: d.before("amity"), True),
    Column("perceivedofdef", "float64", "factor", 0, _ANY, BEFORE, "Offensive advantage that the states believe in.",
           "", "", lambda d: d.of_world(d.log.worlds["perceived_offense_advantage"][:-1])),
    Column("distinguish", "float64", "share", 0, 1, BEFORE, "How far weapons to attack differ from those to protect.",
           "Jervis's second variable", "Jervis 1978",
           lambda d: d.of_world(parameter(d.log, "distinguishability"))),
    # the truth
    _flag("revstate", TRUTH, "It wants foreign land: its greed is above 0. Not what it says that it wants.",
          "MID `revstate`, of declared aims", _MID, lambda d: d.of_state(d.log.states["greed"][:-1] > 0.0), True),
    Column("greed", "float64", "homelands", 0, _ANY, TRUTH, "Worth of foreign land to it, in units of its own.", "", "",
           _state_before("greed"), True),
    Column("ofdef", "float64", "factor", 0, _ANY, TRUTH, "True offensive advantage.", "Jervis's first variable",
           "Jervis 1978", lambda d: d.of_world(d.log.worlds["offense_advantage"][:-1])),
    Column("success", "float64", "probability", 0, 1, TRUTH, "That an attack of it on the other would succeed, by true "
           "arms.", "", "", lambda d: d.success, True),
    Column("belief", "float64", "probability", 0, 1, TRUTH, "What Bayes' rule makes of all that it saw: that the other "
           "wants no land.", "", "", lambda d: d.belief, True),
    Column("fear", "float64", "probability", 0, 1, TRUTH, "1 less its belief, times the success of the other's attack.",
           "", "", lambda d: d.fear, True),
    Column("motive", "text", "word", 0, _ANY, TRUTH, "Why it strikes first, by its gain from that attack "
           "([measures](measures.md#why-it-was-fought)); empty where it does not.", "", "", lambda d: d.motive, True,
           ("", *KINDS)),
    _flag("tragic", TRUTH, "They fight in a war whose first belligerents all wanted no land.", "", "",
          lambda d: d.tragic),
)  # fmt: skip


def dyad_years(log: EpisodeLog, number: int = 1) -> dict[str, NDArray[Any]]:
    """The directed dyad-years of an episode, a column by name (docs/codebook.md), each of one length.

    Args:
        log: an episode with beliefs, as recorders keep them.
        number: what the column ``log`` holds, to tell several apart.

    Raises:
        MeasureError: if the log holds no beliefs.
    """
    source = DyadYears(log, number)
    rows = standing_pairs(log)[:-1]
    found: dict[str, NDArray[Any]] = {}
    for column in COLUMNS:
        values = column.of(source)
        for name, side in zip(column.names, (values, values.swapaxes(1, 2)), strict=False):
            found[name] = side[rows] if column.kind == "text" else side[rows].astype(column.kind)
    return found
