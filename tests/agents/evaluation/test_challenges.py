"""The catalogue of challenges: every entry is whole, used in all its parts, held out, and described in the docs."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.evaluation.challenges import Challenge, ChallengeError, challenges, load_challenge, references
from agents.evaluation.challenges.suite import play_challenge, scale_of
from agents.policies import registry
from agents.policies.specs import policy_from
from agents.policies.traits import Traits
from agents.training.config import TrainingConfig, load_training
from sd_env.scenario import TEXTS, Scenario

ROOT = Path(__file__).parents[3]


def text_of(name: str) -> str:
    return (resources.files("agents.evaluation.challenges") / f"{name}.yaml").read_text(encoding="utf-8")


def specs_of(challenge: Challenge) -> Iterator[str]:
    for options in challenge.cast.values():
        yield from (option.strategy for option in options)


def physics(scenario: Scenario) -> str:
    return repr({key: value for key, value in scenario.to_dict().items() if key not in TEXTS})


def test_the_catalogue_has_what_the_project_promises() -> None:
    assert len(challenges()) >= 16
    loaded = [load_challenge(name) for name in challenges()]
    assert {each.game.n_states for each in loaded} >= {2, 4}
    assert any(len(each.focal_seats) > 1 for each in loaded)
    assert any(len(options) > 1 for each in loaded for options in each.cast.values())
    assert {each.score for each in loaded} == {"mean_return", "least_return"}
    residents = {spec.partition(":")[0] for each in loaded for spec in specs_of(each)}
    assert len(residents) >= 23


@pytest.mark.parametrize("trait", [field.name for field in dataclasses.fields(Traits)])
def test_every_way_of_acting_is_somebodys_neighbour(trait: str) -> None:
    """Some residents have each trait and some have it not. A strategy as such needs no challenge: its traits do."""
    residents = {spec.partition(":")[0] for name in challenges() for spec in specs_of(load_challenge(name))}
    declared = [registry.describe(name).traits for name in residents]
    assert {bool(getattr(traits, trait)) for traits in declared} == {False, True}


@pytest.mark.parametrize("name", challenges())
def test_entry_is_whole(name: str) -> None:
    challenge = load_challenge(name)
    assert challenge.name == name
    assert len(challenge.description) > 100
    assert len(challenge.prediction) > 30
    assert all(re.search(r"\((18|19|20)\d\d\)", source) for source in challenge.sources), "a source has its year"
    assert len(set(challenge.tags)) == len(challenge.tags)
    assert challenge.tags[0].partition("-")[2] == "states"
    number = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}[challenge.tags[0].partition("-")[0]]
    assert challenge.game.n_states == number


@pytest.mark.parametrize("name", challenges())
def test_every_override_matters_and_says_why(name: str) -> None:
    challenge = load_challenge(name)
    for key in challenge.overrides:
        line = next(line for line in text_of(name).splitlines() if line.startswith(f"  {key}:"))
        assert re.search(r" # \S.{5,}", line), f"{key} without a reason"
        rest = {other: value for other, value in challenge.overrides.items() if other != key}
        try:
            without = Scenario.load(challenge.scenario, rest)
        except ValueError:
            continue  # the others need it
        assert physics(without) != physics(challenge.game), f"{key} changes nothing"


def unused_parameters(spec: str) -> list[str]:
    """Parameters of a strategy that are given but equal to its defaults."""
    name, _, given = spec.partition(":")
    defaults = {parameter.name: parameter.default for parameter in registry.describe(name).parameters}
    values = [pair.partition("=") for pair in given.split(",") if pair]
    return [key for key, _, value in values if repr(yaml.safe_load(value)) == defaults[key]]


@pytest.mark.parametrize("name", challenges())
def test_residents_are_strategies_without_unused_parameters(name: str) -> None:
    for spec in specs_of(load_challenge(name)):
        assert registry.describe(spec.partition(":")[0]).source == registry.BUILT_IN
        policy_from(spec)  # refuses a parameter that is none
        assert unused_parameters(spec) == []


def test_an_unused_parameter_would_be_found() -> None:
    assert unused_parameters("deceiver:patience=5") == ["patience"]
    assert unused_parameters("deceiver:patience=6") == []


def test_no_two_entries_are_the_same() -> None:
    seen: dict[str, str] = {}
    for name in challenges():
        print_ = load_challenge(name).fingerprint()
        assert seen.setdefault(print_, name) == name


@pytest.mark.parametrize("name", challenges())
def test_every_entry_runs(name: str) -> None:
    challenge = load_challenge(name)
    frame = play_challenge(
        label="dove", training_seed=math.nan, policy="dove", name=name, seed=1, worlds=2, trust=False
    )
    returns = frame[[f"return_{seat}" for seat in challenge.focal_seats]].to_numpy()
    expected = returns.mean(axis=1) if challenge.score == "mean_return" else returns.min(axis=1)
    assert frame["value"].to_list() == pytest.approx(expected.tolist())
    for seat, options in challenge.cast.items():
        kinds = {option.strategy for option in options}
        assert set(frame[f"policy_{seat}"]) <= kinds | {kind.partition(":")[0] for kind in kinds}


# --- held out -------------------------------------------------------------------------------------------------


def leaks(config: TrainingConfig, challenge: Challenge) -> set[str]:
    """Residents of a challenge against which an experiment trains in the same scenario, among as many states."""
    opponents = {spec.partition(":")[0] for spec in config.population.opponents or {}}
    residents = {spec.partition(":")[0] for spec in specs_of(challenge)}
    same = any(
        choice.scenario == challenge.scenario
        and Scenario.load(choice.scenario, {**config.overrides, **choice.overrides}).n_states == challenge.game.n_states
        for choice in config.scenarios
    )
    return opponents & residents if same else set()


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_experiment_trains_against_the_residents_of_a_challenge_in_its_scenario(path: Path) -> None:
    config = load_training(path)
    found = {name: leaks(config, load_challenge(name)) for name in challenges()}
    assert {name: residents for name, residents in found.items() if residents} == {}


def test_such_an_experiment_would_be_found() -> None:
    data = load_training(ROOT / "configs" / "smoke.yaml").model_dump(mode="json")
    data["scenarios"] = [{"scenario": "jervis/doubly-dangerous"}]
    data["overrides"] = {}
    data["population"] = {"mode": "versus", "opponents": {"grim-trigger": 1.0, "dove": 1.0}}
    config = TrainingConfig.model_validate(data)
    assert leaks(config, load_challenge("noisy-grim-triggers")) == {"grim-trigger"}
    assert leaks(config, load_challenge("visitor-among-doves")) == set()  # of other states


# --- what stands for 0 and 1 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", challenges())
def test_references_are_of_the_challenge_as_it_is(name: str) -> None:
    known = scale_of(load_challenge(name), references())
    assert known["best"]["mean"] > known["random"]["mean"]
    assert known["best"]["policy"] in known["tried"]
    assert max(known["tried"], key=known["tried"].__getitem__) == known["best"]["policy"]
    for each in (known["random"], known["best"]):
        assert len(each["by_seed"]) == len(references()["made"]["seeds"])
        assert each["mean"] == pytest.approx(sum(each["by_seed"]) / len(each["by_seed"]))
        deviations = sum((value - each["mean"]) ** 2 for value in each["by_seed"])
        count = len(each["by_seed"])
        assert each["standard_error"] == pytest.approx(math.sqrt(deviations / (count - 1) / count), abs=1e-12)


@pytest.mark.parametrize("name", ["passed-bucks", "mixed-society", "reassured-in-danger"])
def test_references_are_what_play_gives(name: str) -> None:
    """Each of the three is a sample: another rule or strategy, and sd-env challenge --reference must be run again."""
    made, known = references()["made"], references()["challenges"][name]
    for policy, each in (("random", known["random"]), (known["best"]["policy"], known["best"])):
        frame = play_challenge(
            label=policy, training_seed=math.nan, policy=policy, name=name, seed=made["seeds"][0],
            worlds=made["worlds"], trust=False,
        )  # fmt: skip
        assert frame["value"].mean() == pytest.approx(each["by_seed"][0], abs=1e-9)


# --- the page ---------------------------------------------------------------------------------------------------


def test_the_page_lists_every_challenge_with_its_states_residents_and_best() -> None:
    page = (ROOT / "docs" / "challenges.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines() if line.startswith("| `")
    ]
    expected = []
    for name in challenges():
        each, known = load_challenge(name), references()["challenges"][name]
        residents = ", ".join(dict.fromkeys(spec.partition(":")[0] for spec in specs_of(each)))
        states = f"{len(each.focal_seats)} of {each.game.n_states}"
        zero, one = f"{known['random']['mean']:.2f}", f"{known['best']['mean']:.2f} {known['best']['policy']}"
        expected.append([f"`{name}`", each.title, states, residents, zero, one])
    assert rows == expected, "the table should be\n" + "\n".join(f"| {' | '.join(row)} |" for row in expected)


# --- bad entries ------------------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "name": "mine",
    "title": "Mine",
    "description": "A dove next door.",
    "sources": ["Someone (2000). Something."],
    "tags": ["two-states"],
    "prediction": "Peace.",
    "scenario": "jervis/intense",
    "focal": ["state_0"],
    "residents": {"state_1": "dove"},
}


def written(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "mine.yaml"
    data = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_a_challenge_of_ones_own_is_loaded_by_its_path(tmp_path: Path) -> None:
    by_name = load_challenge(written(tmp_path))
    assert by_name.focal_seats == (0,)
    assert load_challenge(written(tmp_path, focal=[1], residents={"default": "dove"})).focal_seats == (1,)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"colour": "red"}, r"colour is not a key of a challenge; allowed are name, title"),
        ({"title": None}, r"title is missing\."),
        ({"name": "Two Words"}, r"name is 'Two Words', but string should match"),
        ({"scenario": "jervis/nowhere"}, r"scenario jervis/nowhere .*nearest is"),
        ({"overrides": {"war.conqest": 0.1}}, r"war\.conqest \(given 0\.1\) is not a key of a scenario"),
        ({"focal": ["germany"]}, r"focal is 'germany', but must be among state_0, state_1 or 0 to 1"),
        ({"focal": []}, r"focal is"),
        ({"focal": ["state_0", 0]}, r"must name each state once"),
        (
            {"residents": {"state_0": "dove"}},
            r"residents has 'state_0', but residents must be given for each of state_1",
        ),
        ({"residents": {"state_1": "dove", "default": "hawk"}}, r"residents\.default stands for no state"),
        ({"residents": {"state_1": []}}, r"residents\.state_1 is an empty list"),
        ({"residents": {"state_1": [{"strategy": "dove", "weight": 0}]}}, r"residents\.state_1\.0\.weight is 0, but"),
        ({"overrides": {"n_states": 3}}, r"residents leaves out state_2"),
        ({"score": "glory"}, r"score is 'glory', but"),
        ({"title": 1}, r"title is 1, but"),
        ({"sources": [True]}, r"sources\.0 is true, but"),
        ({"tags": "two-states"}, r"tags is 'two-states', but"),
        ({"focal": [True]}, r"focal\.0 is true, but"),
        ({"scoer": "mean_return"}, r"scoer is not a key of a challenge; did you mean score\?"),
        ({"residents": {"state_1": True}}, r"residents\.state_1 is true, but"),
        (
            {"residents": {"state_1": [{"strategy": "dove", "weight": "1"}]}},
            r"residents\.state_1\.0\.weight is '1', but",
        ),
        ({"residents": {"state_1": [{"strategy": "dove", "weight": True}]}}, r"\.0\.weight is true, but"),
        ({"residents": {"state_1": [{"strategy": "dove", "weight": 1e300}]}}, r"\.0\.weight is 1e\+300, but"),
        ({"residents": {"state_1": [{"strategy": "dove", "wieght": 1}]}}, r"\.0\.wieght is not a key .*mean weight\?"),
    ],
)
def test_a_bad_challenge_is_refused_in_one_sentence(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ChallengeError, match=sentence) as refusal:
        load_challenge(written(tmp_path, **changes))
    assert "\n" not in str(refusal.value) and str(refusal.value).endswith((".", "?"))


def test_a_missing_challenge_is_refused_with_the_nearest() -> None:
    with pytest.raises(ChallengeError, match="the nearest is one-deceiver"):
        load_challenge("one-deciever")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("{}", "has no 'made'"),
        (None, "cannot be read"),
        ('{"made": {}, "challenges": []}', r"challenges is \[\]"),
        ('{"made": {}, "challenges": {"a": {"fingerprint": 1}}}', r"challenges\.a\.fingerprint is 1\."),
        ('{"made": {}, "challenges": {"a": {"fingerprint": "x", "random": {"mean": "1"}}}}', r"random\.mean is '1'\."),
        ('{"made": {}, "challenges": {"a": {"random": {"mean": true}, "fingerprint": ""}}}', r"random\.mean is true\."),
    ],
)
def test_bad_references_are_refused_in_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "references.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ChallengeError, match=sentence):
        references(path)


def test_stale_and_missing_references_are_refused() -> None:
    challenge = load_challenge("one-deceiver")
    data = json.loads(json.dumps(references()))
    data["challenges"]["one-deceiver"]["fingerprint"] = "0" * 64
    with pytest.raises(ChallengeError, match="has changed since its values for 0 and 1 were made"):
        scale_of(challenge, data)
    del data["challenges"]["one-deceiver"]
    with pytest.raises(ChallengeError, match="has no values for 0 and 1 yet"):
        scale_of(challenge, data)
