"""The reaction slope is biased: a policy that cannot react has one, and every page that names the measure says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents import make
from agents.evaluation.statistics import Estimate, estimate
from agents.experiments.language import experiments, load_experiment
from agents.experiments.quantities import slope
from agents.publish import results
from agents.table.play import play
from sd_env import measures
from sd_env.record import Collector, EpisodeLog
from sd_env.scenario import load_scenario

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "docs" / "results"
#: Who cannot react: it draws each build by lot.
NULL = "never-attack"


def by_seed(world: str, seeds: range, worlds: int) -> list[list[EpisodeLog]]:
    found = []
    for seed in seeds:
        kept = Collector(policies=(NULL, NULL))
        play(load_scenario(world), [make(NULL), make(NULL)], worlds=worlds, seed=seed, recorder=kept)
        found.append(kept.logs)
    return found


def null_slope(world: str) -> tuple[Estimate, list[list[EpisodeLog]]]:
    logs = by_seed(world, range(1, 9), 8)
    return estimate([slope(each) for each in logs]), logs


@pytest.mark.parametrize(("world", "published"), [("jervis/intense", 0.1049), ("history/naval-race-1906-1913", 0.3156)])
def test_a_policy_that_cannot_react_has_the_slope_that_was_published_as_a_reaction(
    world: str, published: float
) -> None:
    """Whoever takes the slope for a reaction again has to explain this one first."""
    found, logs = null_slope(world)
    assert found.low > 0.05, "the slope is no longer biased: docs/measures.md and the withdrawn marks say that it is"
    assert found.high > published, "what was published is within or below what no reaction gives"
    flagged = np.mean([measures.spiral_index(log) > 0 for each in logs for log in each])
    assert flagged > 0.6


def test_no_experiment_rests_on_the_slope_and_what_was_published_of_it_says_why() -> None:
    """A new prediction of slopes needs the null beside it, or a measure that has none."""
    biased = ("arms/reaction_slope", "measure/spiral_index", "measure/has_spiral")
    assert not [name for name in experiments() for each in load_experiment(name).predictions if each.measure in biased]
    published = [
        each["status"]
        for name in experiments()
        for each in results.read(PUBLISHED / "experiments", name)["predictions"]
        if each["measure"] in biased
    ]
    assert len(published) == 3
    assert all(status.startswith("rederived: a policy that cannot react has") for status in published)


@pytest.mark.parametrize("page", ["docs/measures.md", "docs/experiments.md", "docs/results/README.md"])
def test_where_the_slope_is_explained_the_slope_of_nobody_reacting_stands_beside_it(page: str) -> None:
    """The figures are those of the code in docs/measures.md: seeds 1 to 8, 24 worlds each."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert NULL in text and ".11" in text and ".46" in text
    assert any(words in text for words in ("evidence", "cannot react"))


def test_the_figures_of_the_null_are_those_that_it_has() -> None:
    text = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    for world in ("jervis/intense", "history/naval-race-1906-1913"):
        found = estimate([slope(each) for each in by_seed(world, range(1, 9), 24)])
        shown = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]".replace("0.", ".")
        assert shown in text


def test_what_was_learned_in_jerviss_worlds_is_withdrawn_until_it_is_learned_anew_and_tried() -> None:
    """As long as ``science``, the verdict on the four worlds, is withdrawn, so is what rests on policies like its own.

    What was learned since, in the game that is scored, has certificates, by which it is judged.
    """
    if not results.read(PUBLISHED, "science")["status"].startswith("withdrawn: "):
        pytest.skip("the verdict on the four worlds stands again")
    learned = [each for each in map(load_experiment, experiments()) if each.cast is None]
    resting = [each.name for each in learned if each.scenario.startswith("jervis/")]
    folders = {"four_states": PUBLISHED, "four_rivals": PUBLISHED, **dict.fromkeys(resting, PUBLISHED / "experiments")}
    reports = {name: results.read(folder, name) for name, folder in folders.items()}
    open_ = {name: each for name, each in reports.items() if not each["status"].startswith("withdrawn: ")}
    assert [name for name, report in open_.items() if not report.get("certificates")] == []
