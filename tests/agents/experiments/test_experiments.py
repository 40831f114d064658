"""The project's own experiments: each concept has one that can be run, and what is published is as they stand."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import yaml

from agents.evaluation import predictions
from agents.evaluation.threshold import effective_turns, success_probabilities
from agents.experiments import experiments, load_experiment
from agents.experiments.judge import judge
from agents.experiments.language import Cell
from agents.experiments.run import design_of, read_cells
from agents.experiments.work import check
from agents.policies.protocol import Policy
from agents.policies.specs import policy_from
from agents.policies.traits import Traits
from agents.publish.experiments import CONCEPTS, page
from agents.strategies.base import Strategy
from agents.strategies.plan import Plan
from agents.strategies.view import View
from agents.table.play import play
from sd_env.layout import Build, Stance
from sd_env.scenario import Scenario

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "docs" / "results" / "experiments"


def test_every_concept_of_theory_has_an_experiment_and_nothing_else_is_tested() -> None:
    tested = {row for name in experiments() for row in load_experiment(name).rows}
    assert tested == set(CONCEPTS)
    assert len(experiments()) >= 25


@pytest.mark.parametrize("name", experiments())
def test_every_experiment_can_be_run_as_it_stands(name: str) -> None:
    asked = load_experiment(name)
    assert asked.name == name and len(asked.seeds) >= 4
    assert all(re.search(r"\((18|19|20)\d\d\)", source) for source in asked.sources)
    check(asked)
    used = {axis for p in asked.predictions for s in p.selectors for axis in s} | {p.along for p in asked.predictions}
    assert used & set(asked.grid), "predictions that look at no axis compare nothing"


@pytest.mark.parametrize("name", experiments())
def test_no_setting_of_an_experiment_repeats_what_is_so_anyhow(name: str) -> None:
    from agents.experiments.language import training_defaults

    defaults = training_defaults()
    for key, value in load_experiment(name).training.items():
        found: Any = defaults
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        assert found != value, f"{key} is {value} by training.yaml"


def test_the_training_defaults_are_those_of_the_reported_science() -> None:
    defaults = yaml.safe_load((resources.files("agents.experiments") / "training.yaml").read_text())
    science = yaml.safe_load((ROOT / "configs" / "science.yaml").read_text())
    assert defaults["learner"] == science["learner"] | {"algorithm": "FastPPO", "masks": False}


def test_the_challenger_that_can_be_deterred_attacks_who_waits_and_not_who_strikes_back() -> None:
    """The numbers in the description of deterrable-challenger, by the arms of the start."""
    game = Scenario.load("theories/jervis-deterrence")
    waits, fights = success_probabilities(game, 0.0, 1.75)
    stake = game.war.conquest * game.war.spoils * effective_turns(game.horizon)
    assert (stake * waits, stake * fights) == pytest.approx((3.98, 1.12), abs=0.005)
    worth = {greed: (greed * stake * waits - 1.0, greed * stake * fights - 1.0) for greed in (0.7, 2.0)}
    assert worth[0.7] == pytest.approx((1.78, -0.22), abs=0.005)
    assert min(worth[2.0]) > 0
    description = load_experiment("deterrable-challenger").description
    assert all(words in description for words in ("3.98 greed - 1 over 32", "1.12 greed - 1", "+1.78", "-.22"))


def played(cell: Cell, worlds: int, seed: int, bound: Any = None, **seats: Policy | str) -> pd.DataFrame:
    """Episodes of a cell: policies by state, of the others as the cell casts them; bound as it says, or ``bound``."""
    game = Scenario.load(cell.setup.scenario, cell.setup.overrides)
    cast = [policy_from({**cell.setup.cast, **seats}[state]) for state in game.agents]
    return play(game, cast, worlds=worlds, seed=seed, interventions=bound or cell.setup.interventions)


def test_a_raid_pays_where_the_defender_bluffs_and_not_where_it_stands_by_its_protege() -> None:
    """The numbers in the description of immediate-deterrence: of one turn, less the 8 of peace."""
    asked, raid = load_experiment("immediate-deterrence"), "timetable:offense=0,attacks_until=1,attacks_from=0"
    found = {}
    for cell in asked.cells():
        frame = played(cell, 4096, 1, challenger=raid)
        found[cell.labels["the defender"], cell.labels["greed"]] = float(frame["return_0"].mean()) - 8.0
    wanted = {("bluffs", "1"): -1.0, ("stands by it", "1"): -2.2, ("bluffs", "3"): 1.0, ("stands by it", "3"): -0.6}
    assert found == pytest.approx(wanted, abs=0.1)


def test_a_word_is_worth_keeping_where_it_costs_to_break_it_and_nowhere_else() -> None:
    """The numbers in the description of tied-hands: at rest, and fighting from the first attack to the last."""
    asked = load_experiment("tied-hands")
    rests, fights = "isolationist", "timetable:offense=0,attacks_from=2,attacks_until=7"
    found = {}
    for cell in asked.cells():
        for does, defender in (("rests", rests), ("fights", fights)):
            frame = played(cell, 2048, 1, defender=defender)
            found[(*cell.labels.values(), does)] = float(frame["return_1"].mean())
    wanted = {
        ("is silent", "0", "rests"): 5.6, ("is silent", "0", "fights"): 3.0,
        ("is silent", "2.4", "rests"): 5.6, ("is silent", "2.4", "fights"): 3.0,
        ("threatens", "0", "rests"): 5.4, ("threatens", "0", "fights"): 2.8,
        ("threatens", "2.4", "rests"): 0.6, ("threatens", "2.4", "fights"): 2.8,
    }  # fmt: skip
    assert found == pytest.approx(wanted, abs=0.1)


def test_an_alliance_costs_whose_ally_is_attacked_and_serves_who_is_attacked_itself() -> None:
    """The numbers in the description of alliance-dilemma: of a state that rests, allied and not."""
    asked = load_experiment("alliance-dilemma")
    worth = {}
    for cell in asked.cells():
        bound = cell.setup.interventions
        alone, allied = (
            float(played(cell, 1024, 1, bound | own, state_0="isolationist")["return_0"].mean())
            for own in ({}, {"state_0": {"stance.state_1": "align"}})
        )
        worth[tuple(cell.labels.values())] = allied - alone
    drawn_in, helped = [-0.4, -1.2, -1.9], [0.8, 5.8, 7.5]
    wanted = {("its ally", binds): cost for binds, cost in zip(("0", "0.5", "1"), drawn_in, strict=True)}
    wanted |= {("the state itself", binds): gain for binds, gain in zip(("0", "0.5", "1"), helped, strict=True)}
    assert worth == pytest.approx(wanted, abs=0.1)


#: Waits mobilized behind shields; does nothing; a war of three turns with swords, and one with shields at once.
SHIELDED, IDLE, ARMED, AT_ONCE = (
    f"timetable:builds_until=10000,{rest}"
    for rest in (
        "offense=0,defense=2,attacks_from=10000,mobilizes_from=0", "offense=0,attacks_from=10000",
        "attacks_from=2,attacks_until=6", "offense=0,attacks_from=0,attacks_until=4",
    )
)  # fmt: skip


def left_by_type(cell: Cell, script: str) -> tuple[float, float]:
    """What a script in the first seat is left with beside the cell's own, a security seeker or greedy; NaN if never."""
    frame = played(cell, 512, 5, state_0=script)
    wants = frame["greed_1"] > 0
    return float(frame["return_0"][~wants].mean()), float(frame["return_0"][wants].mean())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("institutions", {"none": 23.6, "hotline": 23.6, "open skies": 26.4, "crisis turns": 25.5}),
        ("mediation", {"none": 22.7, "mediator": 22.7}),
    ],
)
def test_who_waits_behind_shields_is_left_with_what_the_description_says(name: str, wanted: dict[str, float]) -> None:
    """Trust is .6. A mediator is worth what it spares beside a security seeker."""
    cells = {cell.labels["institution"]: cell for cell in load_experiment(name).cells()}
    both = {label: left_by_type(cell, SHIELDED) for label, cell in cells.items()}
    assert {label: 0.6 * s + 0.4 * g for label, (s, g) in both.items()} == pytest.approx(wanted, abs=0.1)
    if name == "mediation":
        assert 0.6 * left_by_type(cells["none"], IDLE)[0] + 0.4 * both["none"][1] == pytest.approx(25.6, abs=0.1)


def test_swords_are_worth_nothing_under_a_verified_treaty_alone() -> None:
    """The numbers in the description of arms-treaty."""
    cells = {cell.labels["treaty"]: cell for cell in load_experiment("arms-treaty").cells()}
    found = {label: [left_by_type(cell, script)[0] for script in (ARMED, AT_ONCE)] for label, cell in cells.items()}
    wanted = {"none": [34.9, 34.9], "verified": [6.9, 31.7], "by a coin": [18.9, 18.9]}
    assert all(found[label] == pytest.approx(pair, abs=0.1) for label, pair in wanted.items())


#: Scripts that never strike first, mobilized or not, and scripts that do for one to three turns.
WAITING = [
    "grim-trigger", "isolationist",
    *(
        f"timetable:builds_until={b},offense={o},defense={d},attacks_from=10000,mobilizes_from={m}"
        for o, d in ((0, 0), (2, 0), (2, 2)) for m in (10000, 0, 7) for b in (8, 10000)
    ),
]  # fmt: skip
STRIKING = [
    f"timetable:builds_until=10000,offense={o},defense={d},attacks_from={k},attacks_until={k + n}"
    for k in (0, 2, 4, 5, 6) for n in (2, 3, 4) for o, d in ((2, 0), (0, 0), (2, 2))
]  # fmt: skip


def left_with(cell: Cell, learner: str, policy: Policy | str) -> float:
    """What a policy leaves the learner of a cell with: weighed by how likely types are, not by how many were drawn."""
    game = Scenario.load(cell.setup.scenario, cell.setup.overrides)
    seat, frame = game.agents.index(learner), played(cell, 256, 5, **{learner: policy})
    wants, left = frame[f"greed_{1 - seat}"] > 0, frame[f"return_{seat}"]
    share = float(game.motives.p_greedy) if wants.nunique() > 1 else float(wants.mean())
    return sum(w * float(left[kind].mean()) for w, kind in ((share, wants), (1 - share, ~wants)) if w)


def gain_of_striking(cell: Cell, learner: str, striking: list[str] = STRIKING, waiting: list[str] = WAITING) -> float:
    """What the best of the scripts that strike first brings the learner of a cell more than the best that waits."""
    strikes, waits = (max(left_with(cell, learner, script) for script in scripts) for scripts in (striking, waiting))
    return strikes - waits


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("anarchy", {("0",): 1.4, ("1",): -1.4, ("2",): -2.5}),
        ("net-assessment", {("seen, alike",): 2.4, ("unseen, alike",): 2.4, ("seen, different",): -1.1}),
        ("phase-diagram", {("0.65", "0"): -3.4, ("1.6", "0"): 2.8, ("1.6", "1"): -2.0}),
        (
            "spiral-and-deterrence",
            {("spiral", "resists"): 2.2, ("spiral", "concedes"): -1.1,
             ("deterrence", "resists"): -1.2, ("deterrence", "concedes"): 6.2},
        ),
        ("prior-of-greed", {("0",): -1.0, ("0.2",): -1.0, ("0.35",): 1.4, ("0.5",): 4.8}),
        ("first-strike", {("0", "1.4"): -1.5, ("1", "1.4"): 0.6, ("0", "0.65"): -1.9, ("1", "0.65"): -4.8}),
        ("arms-race", {("across the sea",): -0.2, ("no sea",): 1.3}),
        ("sudden-fear", {("0", "fear decides"): -1.9}),
        ("reassurance", {("none",): 2.8, ("cheap",): 2.8, ("costly",): 2.8}),
    ],
)  # fmt: skip
def test_by_scripts_striking_first_brings_what_the_description_says(
    name: str, wanted: dict[tuple[str, ...], float]
) -> None:
    asked = load_experiment(name)
    cells = {tuple(cell.labels.values()): cell for cell in asked.cells()}
    found = {labels: gain_of_striking(cells[labels], asked.learners[0]) for labels in wanted}
    assert found == pytest.approx(wanted, abs=0.1)


class Doubter(Strategy):
    """Is mobilized, arms where the trust it is shown is below a bound, and from a turn on strikes below another."""

    name: ClassVar[str] = "doubter"
    traits: ClassVar[Traits] = Traits(first_strikes=True, preempts=True, forgives=False, builds_offense=True)
    arms_below: float
    strikes_below: float
    start: int

    def decide(self, view: View, plan: Plan) -> None:
        assert view.belief is not None
        plan.build_offense = np.where((view.belief < self.arms_below).any(axis=1), Build.FULL, Build.NONE)
        plan.stance[view.standing] = Stance.MOBILIZE
        turns = (view.own.turn >= self.start)[:, None]
        plan.stance[turns & view.standing & (view.belief < self.strikes_below)] = Stance.ATTACK


DOUBTER = Doubter(arms_below=0.9, strikes_below=0.8, start=3)


def fearful(mistrust: str) -> Cell:
    labels = {"perception.mistrust": mistrust, "world": "fear decides"}
    [cell] = [cell for cell in load_experiment("sudden-fear").cells() if cell.matches(labels)]
    return cell


def test_who_strikes_whom_it_trusts_little_does_better_than_who_waits() -> None:
    """The number in the description of sudden-fear: what is learned reads the belief, which mistrust then distorts."""
    cell = fearful("0")
    waits = max(left_with(cell, "state_0", script) for script in WAITING)
    assert left_with(cell, "state_0", DOUBTER) - waits == pytest.approx(2.1, abs=0.1)


def test_whom_fear_moves_it_drives_to_war_on_those_who_want_nothing() -> None:
    """The case with a known answer of sudden-fear; that of whom it moves not is in test_derivations."""
    attacks = [played(fearful(mu), 64, 5, state_0=DOUBTER)["ss_attacks"].sum() for mu in ("0", "0.9")]
    assert attacks[0] == 0 < attacks[1]


#: Peace, and wars of three turns after two, five or eleven of preparation or none.
PEACE = "timetable:builds_until=8,offense=0,defense=0,attacks_from=10000"
WARS = [
    f"timetable:builds_until={b},offense={o},defense={d},attacks_from={k},attacks_until={k + 3}"
    for b in (8, 10000) for o, d in ((0, 0), (2, 0), (0, 2), (2, 2)) for k in (0, 3, 6, 12)
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("identification", {("0",): 4.7, ("0.5",): 1.1, ("1",): -2.1}),
        ("preventive-war", {("none",): -2.4, ("rising",): 1.7}),
    ],
)  # fmt: skip
def test_a_short_war_brings_what_the_description_says(name: str, wanted: dict[tuple[str, ...], float]) -> None:
    asked = load_experiment(name)
    found = {
        tuple(cell.labels.values()): gain_of_striking(cell, asked.learners[0], WARS, [PEACE, *WAITING])
        for cell in asked.cells()
    }
    assert found == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize("name", experiments())
def test_what_is_published_is_of_the_experiment_as_it_stands(name: str) -> None:
    asked, found = load_experiment(name), json.loads((PUBLISHED / f"{name}.json").read_text())
    assert found["expectations"] == [wanted.model_dump(mode="json") for wanted in asked.predictions]
    assert found["seeds"] == asked.seeds and found["rows"] == list(asked.rows)
    again = judge(asked, read_cells(asked, PUBLISHED / f"{name}.csv"))
    published = [each for each in predictions.predictions_of(found, name) if each.word != predictions.REDERIVED]
    bare = {"status": ""}
    assert [each.model_copy(update=bare) for each in published] == [each.model_copy(update=bare) for each in again]
    assert found.get("design", design_of(asked)) == design_of(asked)
    assert (found["versions"] is None) == (not (PUBLISHED / f"{name}.csv").exists())


def test_the_page_of_predictions_and_the_counts_in_the_results_are_those_of_the_reports() -> None:
    reports = [json.loads((PUBLISHED / f"{name}.json").read_text()) for name in experiments()]
    assert (PUBLISHED / "README.md").read_text() == page(reports)
    found = [each for report in reports for each in predictions.predictions_of(report, report["name"])]
    counts = predictions.counts(found)
    words = (ROOT / "docs" / "results" / "README.md").read_text()
    assert f"{len(reports)} experiments, {len(CONCEPTS)} concepts" in words
    assert (
        f"of {len(found)} predictions {counts['supported']} are supported, {counts['contradicted']} contradicted, "
        f"{counts['undecided']} undecided" in words
    )
