"""What experiments measure, by name: rates of whole batches of worlds, and measures of recorded episodes.

* the metrics of docs/metrics.md (``outcome/ss_attacks``, ``arms/s_total``, ...), from tallies of all worlds, and
  :data:`OF_TALLIES`;
* ``attacks/STATE``, ``mobilizations/STATE`` (on others, a pair-turn), ``return/STATE``; STATE may be ``all``;
* the measures of docs/measures.md (``measure/spiral_index``, ...): means over recorded episodes, NaN left out;
* those of :data:`LOGGED`: pooled over recorded episodes, so that every case counts once;
* ``strikes/STATE`` and ``strikes/STATE>STATE``: share of the pair-turns at peace on which it strikes first;
* ``opens/STATE``: share of its turns at peace with everybody on which it strikes anybody first;
* ``tragic/STATE``: tragic wars an episode in which it fights; ``joint/STATE+STATE>STATE``: share of the turns on which
  the first two attack the third;
* ``attacks/STATE>STATE`` and ``allied/STATE>STATE``: share of the turns of recorded episodes on which the first attacks
  the second, or is allied with it;
* ``held/STATE``, ``economy/STATE``: share of its homeland that it holds, and its economy, at the end of recorded
  episodes; ``stock/STATE``, ``swords/STATE``: its arms of both kinds, and offensive ones, a turn;
  ``late_effort/STATE``: its building, 0 to 1 of what it could, from the middle of the episode to its last quarter;
* ``war/onset``: turn of the first attack of the recorded episodes that have one;
* ``X - Y``: one of the above less another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from agents.table.metrics import RATES, rates
from sd_env import layout, measures
from sd_env.measures.scalars import PREFIX, summary
from sd_env.record import EpisodeLog

Logs: TypeAlias = Sequence[EpisodeLog]

#: Beginnings of the names of measures of single states.
OF_STATES: Final = ("attacks", "mobilizations", "return")
ALL: Final = "all"
#: Beginnings of the names of measures of two states -> column of the log.
_OF_PAIRS: Final = {"attacks": "attacks", "allied": "allied"}
#: Turns that a response may take, as in docs/measures.md.
WITHIN: Final = 3


def _share(cases: Sequence[bool] | Sequence[float] | np.ndarray) -> float:
    return float(np.mean(np.asarray(cases, np.float64))) if len(cases) else math.nan


def _pairs(log: EpisodeLog) -> list[tuple[int, int]]:
    n = len(log.agents)
    return [(i, j) for i in range(n) for j in range(n) if i != j]


def hazard(logs: Logs, mobilized: bool) -> float:
    """Share of the pair-turns at peace on which a security seeker attacks, given the other's mobilization before.

    A pair-turn is at peace if neither of the two attacked the other on the turn before. The attacker must have been
    able to: mobilized against the other on the turn before, where war needs that.
    """
    cases: list[np.ndarray] = []
    for log in logs:
        attacks, posture = log.pairs["attacks"], log.pairs["mobilized"]
        needs = bool(log.scenario.war.mobilization_required)
        for i, j in _pairs(log):
            if log.states["greed"][0, i] > 0:
                continue
            before = ~(attacks[:-1, i, j] | attacks[:-1, j, i]).astype(bool) & (posture[:-1, j, i] == mobilized)
            before &= (log.states["standing"][:-1, i] & log.states["standing"][:-1, j]).astype(bool)
            if needs:
                before &= posture[:-1, i, j].astype(bool)
            cases.append(attacks[1:, i, j][before])
    return _share(np.concatenate(cases)) if cases else math.nan


def joining(logs: Logs) -> float:
    """Share of the cases of an ally at war in which the state joins within H turns (Christensen and Snyder 1990)."""
    return _share([case.joined is not None for log in logs for case in measures.allies_at_war(log, within=WITHIN)])


def entrapment(logs: Logs) -> float:
    """What a state pays a turn for wars in which its allies are attacked (Snyder 1984), homeland turns."""
    return _share(np.concatenate([measures.entrapment_costs(log)[1:].reshape(-1) for log in logs]) if logs else ())


def drawn(logs: Logs) -> float:
    """Share of the cases of an ally at war in which the ally's enemies attack the state within H turns, unprovoked."""
    return _share([case.drawn for log in logs for case in measures.drawn_in(log, within=WITHIN)])


def balance_time(logs: Logs) -> float:
    """Mean turns from an aggressor's first aggression until others put up half of what they could against it."""
    return _share(np.array([measures.time_to_balance(each) for log in logs for each in measures.balancing_shares(log)]))


def balance_effort(logs: Logs) -> float:
    """Mean share of what they could that others put up against an aggressor after its first aggression."""
    found = [each for log in logs for each in measures.balancing_shares(log)]
    return _share(np.concatenate(found)) if found else math.nan


def preventive(logs: Logs) -> float:
    """Share of the episodes with a war that the shift of power alone made worth beginning (Levy 1987)."""
    held = [(log, measures.filter_beliefs(log)) for log in logs]
    return _share(
        [any(measures.war_class(log, war, b).kind == "preventive" for war in measures.wars(log)) for log, b in held]
    )


def passing(logs: Logs) -> float:
    """Share of the states that should balance against an aggressor and pass the buck (docs/measures.md)."""
    return _share([case.passed for log in logs for case in measures.balancing(log)])


def deterrence(logs: Logs, **kind: bool) -> float:
    """Share of the trials of deterrence that succeed, all episodes together; ``kind`` as in ``success_rate``."""
    cases = [case for log in logs for case in measures.trials(log, measures.filter_beliefs(log), within=WITHIN)]
    return measures.success_rate(cases, **kind)


def slope(logs: Logs) -> float:
    """Mean reaction slope of a state's new arms on the other's arms before (Richardson 1960).

    Not evidence of a reaction: ``never-attack``, which has none, gets .11 in Jervis's worlds (docs/measures.md, Arms).
    """
    slopes = [measures.reaction_slopes(log) for log in logs]
    finite = np.concatenate([each[np.isfinite(each)] for each in slopes]) if slopes else np.zeros(0)
    return _share(finite)


def late_effort(logs: Logs) -> float:
    """Building of security seekers, 0 to 1 of what they could, from the middle of the episode to its last quarter."""
    levels = [_late_levels(log, log.states["greed"][0] == 0) for log in logs]
    return _share(np.concatenate(levels)) if levels else math.nan


def _late_levels(log: EpisodeLog, states: np.ndarray | list[int]) -> np.ndarray:
    """Levels of building of some states in the third quarter of the episode, 0 to 1."""
    half, end = log.turns // 2, 3 * log.turns // 4
    # row t of the states holds what was carried out on turn t, from 1; the actions are what was sent
    heads = (layout.Head.BUILD_OFFENSE, layout.Head.BUILD_DEFENSE)
    found = [log.states[head.label][half + 1 : end + 1, states].reshape(-1) for head in heads]
    return np.concatenate(found) / log.scenario.heads.levels


def trust(logs: Logs) -> float:
    """Mean belief of security seekers that another security seeker is one, over the turns after the first."""
    held: list[np.ndarray] = []
    for log in logs:
        beliefs, seekers = measures.filter_beliefs(log), log.states["greed"][0] == 0
        held += [beliefs[1:, i, j] for i, j in _pairs(log) if seekers[i] and seekers[j]]
    return _share(np.concatenate(held)) if held else math.nan


def onset(logs: Logs) -> float:
    """Mean turn of the first attack, from 1, of the episodes that have one."""
    fights = [log.pairs["attacks"].reshape(len(log.pairs["attacks"]), -1).sum(axis=1) > 0 for log in logs]
    return _share([float(np.argmax(turns)) for turns in fights if bool(np.any(turns))])


#: Measures of recorded episodes taken together.
LOGGED: Final[dict[str, Callable[[Logs], float]]] = {
    "hazard/mobilized": lambda logs: hazard(logs, True),
    "hazard/unmobilized": lambda logs: hazard(logs, False),
    "alliances/joining": joining,
    "alliances/passing": passing,
    "alliances/entrapment": entrapment,
    "alliances/drawn": drawn,
    "balance/time": balance_time,
    "balance/effort": balance_effort,
    "wars/preventive": preventive,
    "deterrence/all": deterrence,
    "deterrence/direct": lambda logs: deterrence(logs, direct=True),
    "deterrence/extended": lambda logs: deterrence(logs, direct=False),
    "deterrence/immediate": lambda logs: deterrence(logs, immediate=True),
    "arms/reaction_slope": slope,
    "arms/s_late_effort": late_effort,
    "beliefs/s_trust": trust,
    "war/onset": onset,
}

#: Measures that need plays of their own (:mod:`agents.experiments.backfire`).
BACKFIRES: Final = tuple(
    f"{what}/{kind}" for what in ("backfire", "deterred", "provoked", "checked") for kind in ("security", "greedy")
)

#: Measures from the tallies of all worlds that are no rates of training -> the rows of play, one number.
OF_TALLIES: Final[dict[str, Callable[[pd.DataFrame], float]]] = {
    "outcome/any_war": lambda frame: float((frame["wars"] > 0).mean()),
    "alliances/abandoned_share": lambda frame: _ratio(
        frame["calls_abandoned"].sum(), frame["calls_abandoned"].sum() + frame["calls_honoured"].sum()
    ),
}


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def striking(measure: str, logs: Logs) -> float:
    """Share of the pair-turns at peace on which the state of the measure's name strikes first."""
    struck: list[np.ndarray] = []
    for log in logs:
        first, could = measures.first_strikes(log)
        state, _, other = measure.partition("/")[2].partition(">")
        names = list(log.agents)
        rows = range(len(names)) if state == ALL else [names.index(state)]
        columns = [names.index(other)] if other else range(len(names))
        chosen = np.ix_(range(1, log.turns + 1), list(rows), list(columns))
        struck.append(first[chosen][could[chosen]])
    return _share(np.concatenate(struck)) if struck else math.nan


def opening(measure: str, logs: Logs) -> float:
    """Share of the turns before which the state of the measure's name fought nobody on which it strikes first.

    However many it could strike: unlike ``strikes/STATE`` it compares games of different numbers of states.
    """
    opened: list[np.ndarray] = []
    for log in logs:
        i = list(log.agents).index(measure.partition("/")[2])
        first, could = (each[1:, i] for each in measures.first_strikes(log))
        fought = log.pairs["attacks"][:-1, i].any(axis=1) | log.pairs["attacks"][:-1, :, i].any(axis=1)
        opened.append(np.asarray(first.any(axis=1))[could.any(axis=1) & ~fought])
    return _share(np.concatenate(opened)) if opened else math.nan


def tragic(measure: str, logs: Logs) -> float:
    """Wars an episode that security seekers alone began and in which the state of the measure's name fights."""
    state = measure.partition("/")[2]
    found = [(list(log.agents).index(state), measures.wars(log)) for log in logs]
    return _share(np.array([sum(war.tragic and i in war.belligerents for war in wars) for i, wars in found]))


def joint(measure: str, logs: Logs) -> float:
    """Share of the turns on which the first two states of the measure's name both attack the third."""
    both, _, third = measure.partition("/")[2].partition(">")
    turns = []
    for log in logs:
        i, j, k = (list(log.agents).index(name) for name in (*both.split("+"), third))
        attacks = log.pairs["attacks"][1:]
        turns.append(attacks[:, i, k] & attacks[:, j, k])
    return _share(np.concatenate(turns)) if turns else math.nan


def of_state(measure: str, logs: Logs) -> float:
    """What the measure's name says of its state: homeland and economy at the end, arms and building over turns."""
    kind, _, name = measure.partition("/")
    found = []
    for log in logs:
        i, states = list(log.agents).index(name), log.states
        if kind == "stock":
            found.append(float((states["offense"][1:, i] + states["defense"][1:, i]).mean()))
        elif kind == "swords":
            found.append(float(states["offense"][1:, i].mean()))
        elif kind == "late_effort":
            found.append(float(_late_levels(log, [i]).mean()))
        else:
            found.append(float(states["homeland" if kind == "held" else kind][-1, i]))
    return _share(found)


#: Kinds of measures of named states that need logs -> how they are taken.
OF_NAMES: Final[dict[str, Callable[[str, Logs], float]]] = {
    "strikes": striking, "opens": opening, "tragic": tragic, "joint": joint,
    "held": of_state, "economy": of_state, "stock": of_state, "swords": of_state, "late_effort": of_state,
}  # fmt: skip


def of_pair(measure: str, logs: Logs) -> float:
    """Share of the turns on which the first state of the measure's name does to the second what the name says."""
    kind, _, pair = measure.partition("/")
    turns = []
    for log in logs:
        i, j = (list(log.agents).index(name) for name in pair.split(">"))
        turns.append(log.pairs[_OF_PAIRS[kind]][1:, i, j])
    return _share(np.concatenate(turns)) if turns else math.nan


def parts_of(measure: str) -> tuple[str, ...]:
    """The measures of a difference ``X - Y``; else the measure alone."""
    return tuple(measure.split(" - ", 1))


def known(measure: str, agents: Sequence[str]) -> bool:
    """Whether there is such a measure in a game of these states."""
    if len(parts := parts_of(measure)) > 1:
        return all(known(part, agents) for part in parts)
    if measure in {*RATES, *OF_TALLIES, *LOGGED, *BACKFIRES} or measure.startswith(PREFIX):
        return True
    kind, _, state = measure.partition("/")
    first, of_two, second = state.partition(">")
    if kind == "joint":
        names = [*first.split("+"), second]
        return len(set(names)) == 3 and set(names) <= set(agents)
    if kind in OF_NAMES and not of_two:
        return state in agents or (kind == "strikes" and state == ALL)
    if kind == "strikes":
        return first != second and {first, second} <= set(agents)
    if of_two:
        return kind in _OF_PAIRS and first != second and {first, second} <= set(agents)
    return kind in OF_STATES and state in (ALL, *agents)


def needs_logs(measure: str) -> bool:
    """Whether recorded episodes are needed."""
    return measure in LOGGED or measure.startswith(PREFIX) or ">" in measure or measure.partition("/")[0] in OF_NAMES


def is_given(given: Any, greed: np.ndarray, agents: Sequence[str]) -> np.ndarray:
    """Which episodes have states of the given types.

    Args:
        given: as in a prediction: ``security``, or state -> ``security`` or ``greedy``; None takes all.
        greed: float64 ``(episodes, N)``, at the start.
        agents: names of the states.

    Returns:
        bool ``(episodes,)``.
    """
    if given is None:
        return np.ones(len(greed), np.bool_)
    if given == "security":
        found: np.ndarray = (greed == 0).all(axis=1)
        return found
    kept = np.ones(len(greed), np.bool_)
    for state, kind in given.items():
        kept &= (greed[:, list(agents).index(state)] == 0) == (kind == "security")
    return kept


def of_frame(measure: str, frame: pd.DataFrame, agents: Sequence[str]) -> float:
    """A measure from the rows of :func:`agents.table.play.play`; NaN without a row, or without a case."""
    if not len(frame):
        return math.nan
    if measure in RATES:
        totals = frame[list(layout.TALLY)].to_numpy(np.float64).sum(axis=0)
        return rates(totals, len(frame))[measure]
    if measure in OF_TALLIES:
        return OF_TALLIES[measure](frame)
    kind, _, state = measure.partition("/")
    seats = range(len(agents)) if state == ALL else [list(agents).index(state)]
    values = frame[[f"{kind}_{i}" for i in seats]].to_numpy(np.float64)
    if kind == "return":
        return float(values.mean())
    turns = frame[[f"pair_turns_{i}" for i in seats]].to_numpy(np.float64).sum()
    return float(values.sum() / turns) if turns else math.nan


def of_logs(wanted: Sequence[str], logs: Logs) -> Mapping[str, float]:
    """The measures of recorded episodes among ``wanted``; NaN without an episode."""
    found = {name: LOGGED[name](logs) for name in wanted if name in LOGGED}
    named = {name: name.partition("/")[0] for name in wanted}
    found |= {name: OF_NAMES[kind](name, logs) for name, kind in named.items() if kind in OF_NAMES}
    found |= {name: of_pair(name, logs) for name, kind in named.items() if kind in _OF_PAIRS and ">" in name}
    scalars = [name for name in wanted if name.startswith(PREFIX)]
    if scalars:
        rows = pd.DataFrame([summary(log) for log in logs])
        found |= {name: float(rows[name].mean()) if name in rows else math.nan for name in scalars}
    return found
