"""The zoo: every policy replays its card's figures, its names work by every door, and what is damaged is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import agents
from agents import cli, zoo
from agents.evaluation.certify import ALLOWED, GREEDY, SEEKERS
from agents.evaluation.deeds import Deeds, returns_of_types
from agents.evaluation.players import digests, players_of
from agents.evaluation.verdict import uncertified
from agents.files import without_nan
from agents.policies.bundles import LearnedBundle
from agents.policies.mixture import MixedBundle
from agents.policies.specs import label_of, made_from, policy_from, stamp_of
from agents.publish.zoo_words import sentences
from agents.table.play import play
from agents.training.config import TrainingConfig
from agents.training.players import opponents_of
from agents.zoo.cards import Card
from sd_env.policies import PolicyError
from sd_env.scenario import Scenario, scenarios
from sd_env.worlds import Worlds
from tests.agents.zoo.conftest import ALSO, NAME, WORLD, Made, tiny

ROOT = Path(__file__).parents[3]
#: Stands for the policy that a tiny run gave: so there is always one to try.
TINY = "of a tiny run"


@pytest.fixture(params=[TINY, *zoo.names()])
def name(request: pytest.FixtureRequest, made: Made, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each policy of the package, and the first of the tiny run."""
    if request.param != TINY:
        return str(request.param)
    monkeypatch.setattr(zoo, "HOME", made.home)
    return NAME


# --- what the cards say ---------------------------------------------------------------------------------------


def test_a_policy_replays_the_figures_of_its_card(name: str) -> None:
    played, deeds = zoo.card(name).played, Deeds()
    scenario = Scenario.load(zoo.card(name).scenario)
    frame = play(scenario, agents.make(name), worlds=played.worlds, seed=played.seed, recorder=deeds)
    found = without_nan(returns_of_types(frame))
    greed = Worlds(scenario, 256, seed=1).states["greed"]
    occur = {kind for kind, there in ((SEEKERS, greed == 0), (GREEDY, greed > 0)) if there.any()}
    assert found.keys() == played.returns.keys() == occur
    for kind, figures in played.returns.items():
        assert found[kind] == pytest.approx(figures.model_dump(), rel=1e-6)
    rates = without_nan(deeds.rates())
    for kind, known in played.rates.items():
        assert rates[kind].keys() == known.keys()
        for rate, value in known.items():  # null where nobody could have done it
            assert rates[kind][rate] == (None if value is None else pytest.approx(value, rel=1e-6)), rate
    assert sentences(rates) == zoo.card(name).words


def test_a_card_is_certified_if_its_gaps_are_and_only_then(name: str) -> None:
    card = zoo.card(name)
    rows = [gap.model_dump() for gap in card.certificate.gaps]
    assert card.certified == (uncertified(rows) == "") and card.certificate.allowed == ALLOWED
    assert {gap.type for gap in card.certificate.gaps} == card.played.returns.keys()
    assert all(gap.gain <= gap.high <= ALLOWED for gap in card.certificate.gaps)


def test_a_policy_is_of_the_catalogues_world_and_small(name: str) -> None:
    card, policy = zoo.card(name), agents.make(name)
    assert isinstance(policy, LearnedBundle) and policy.scenario is not None
    assert zoo.name_of(card.scenario, card.training.seed) == name == card.name == policy.name
    world = Scenario.load(card.scenario).fingerprint()
    assert world == card.fingerprint == policy.scenario.fingerprint(), "a world that changes is another version"
    files = list((zoo.folder(name) / zoo.BUNDLE).iterdir())
    assert sum(file.stat().st_size for file in files) == card.bundle.bytes < 8_000_000
    shares = policy.shares.T.tolist() if isinstance(policy, MixedBundle) else []
    assert [[member.seekers, member.greedy] for member in card.training.members] == shares
    assert all(max(pair) > 0 for pair in shares)
    assert policy.info["training"]["seed"] == card.training.seed


def test_all_in_the_package_are_certified() -> None:
    assert all(zoo.card(name).certified for name in zoo.names())


# --- names ----------------------------------------------------------------------------------------------------


def test_every_world_of_the_catalogue_has_a_name_of_its_own() -> None:
    names = [zoo.name_of(scenario, 3) for scenario in scenarios()]
    assert len(set(names)) == len(names) and all(zoo.ENTRY.fullmatch(each.removeprefix("zoo/")) for each in names)
    assert zoo.name_of("jervis/doubly-dangerous", 80) == "zoo/doubly-dangerous-v1/seed80"
    assert zoo.name_of("history/cold-war-arms-race-v2", 1) == "zoo/cold-war-arms-race-v2/seed1"


def test_names_are_listed_by_seed_and_without_what_has_no_card(copied: Made) -> None:
    assert zoo.names() == (NAME, f"{WORLD}/seed{ALSO}")
    (copied.home / "doubly-dangerous-v1" / "seed7").rename(copied.home / "doubly-dangerous-v1" / "seed40")
    assert zoo.names() == (NAME, f"{WORLD}/seed40")
    (copied.home / "doubly-dangerous-v1" / "seed5" / "card.json").unlink()
    assert zoo.names() == (f"{WORLD}/seed40",) and not zoo.has(NAME)
    assert not set(zoo.names()) & set(agents.names()), "names() are strategies"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (f"{WORLD}/seed6", f"There is no policy '{WORLD}/seed6' in the zoo; did you mean {WORLD}/seed"),
        (WORLD, f"There is no policy '{WORLD}' in the zoo; did you mean {WORLD}/seed"),
        ("zoo/xyzzy", f"There is no policy 'zoo/xyzzy' in the zoo; there are {NAME}, {WORLD}/seed7."),
        ("zoo/../agents/x", "there are"),
        ("zoo/\0", "there are"),
        ("zoo/" + "x" * 5000 + "-v1/seed1", "there are"),
    ],
)
def test_an_unknown_name_is_told_by_every_door_with_those_that_are_there(given: str, said: str) -> None:
    for ask in (agents.make, agents.describe, policy_from, made_from, zoo.card, zoo.bundle):
        with pytest.raises(PolicyError) as caught:
            ask(given)  # type: ignore[operator]
        assert said in str(caught.value) and str(caught.value).isprintable()
    assert stamp_of(given) == ()


def test_an_empty_zoo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "HOME", tmp_path)
    assert zoo.names() == ()
    with pytest.raises(PolicyError, match="in the zoo; there are none yet"):
        agents.make(NAME)


@pytest.mark.usefixtures("here")
def test_a_name_means_the_policy_wherever_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).mkdir(parents=True)  # a folder of that name is in nobody's way
    (tmp_path / "zoo" / "mine.sd").mkdir()
    monkeypatch.chdir(tmp_path)
    for policy in (agents.make(NAME), policy_from(NAME), policy_from(f"{NAME}:deterministic=false,device=cpu")):
        assert isinstance(policy, LearnedBundle) and policy.name == NAME and not policy.deterministic
    for policy in (agents.make(NAME, deterministic=True), policy_from(f"{NAME}:deterministic=true")):
        assert isinstance(policy, LearnedBundle) and policy.deterministic
    assert agents.make(NAME) is not agents.make(NAME)
    assert label_of(NAME) == NAME and label_of(f"{NAME}:deterministic=true") == f"{NAME}:deterministic=true"
    with pytest.raises(PolicyError, match=r"mine\.sd"):  # a path of one's own is one still
        policy_from("zoo/mine.sd")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"fear": 1}, f"{NAME} has no parameter 'fear'; it has deterministic, device."),
        ({"deterministic": "perhaps"}, f"Policy '{NAME}': deterministic is 'perhaps', but must be true or false."),
        ({"device": "abacus"}, "device 'abacus' cannot be used here"),
    ],
)
def test_it_takes_the_parameters_of_a_bundle_and_no_others(parameters: dict[str, Any], said: str) -> None:
    text = ",".join(f"{key}={value}" for key, value in parameters.items())
    for ask in (lambda: agents.make(NAME, **parameters), lambda: policy_from(f"{NAME}:{text}")):
        with pytest.raises(PolicyError) as caught:
            ask()
        assert said in str(caught.value)


@pytest.mark.usefixtures("here")
def test_what_is_known_of_it_is_described() -> None:
    described, card = agents.describe(NAME), zoo.card(NAME)
    assert described.name == NAME and described.source == "sd-env" and described.traits is None
    assert described.summary == card.made() and described.behaviour.endswith(card.words[-1])
    assert [parameter.name for parameter in described.parameters] == ["deterministic", "device"]


def test_seeds_of_one_world_are_one_player_and_kept_work_knows_the_bundle(here: Made) -> None:
    scenario = Scenario.load("jervis/doubly-dangerous")
    [player] = players_of([NAME, f"{WORLD}/seed7"], scenario)
    assert player.label == WORLD and player.seeds == (5.0, 7.0)
    assert set(digests([player])) == {f"the bundle {NAME}", f"the bundle {WORLD}/seed7"}
    assert made_from(f"{NAME}:deterministic=true") == here.home / "doubly-dangerous-v1" / "seed5" / "policy.sd"
    assert len(stamp_of(NAME)) == 2


@pytest.mark.usefixtures("here")
def test_it_is_an_opponent_in_training() -> None:
    data = tiny().model_dump() | {"rounds": None, "certificate": None}
    data["population"] |= {"mode": "versus", "opponents": {f"{NAME}:deterministic=true": 1.0}}
    population = TrainingConfig.model_validate(data).population
    [(spec, policy)] = opponents_of(population, Scenario.load("jervis/doubly-dangerous")).items()
    assert spec == f"{NAME}:deterministic=true" and isinstance(policy, LearnedBundle) and policy.deterministic
    with pytest.raises(PolicyError, match="does not fit scenario 'jervis/multipolar'"):
        opponents_of(population, Scenario.load("jervis/multipolar"))


# --- what is damaged ------------------------------------------------------------------------------------------


def _changed(card: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    *path, last = key.split(".")
    inner = card
    for part in path:
        inner = inner[int(part)] if isinstance(inner, list) else inner[part]  # type: ignore[index]
    inner[last] = value
    return card


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("name", f"{WORLD}/seed9", f"it is of '{WORLD}/seed9'"),
        ("seed", 3, "seed is not allowed"),
        ("version", 2, "version is not allowed"),
        ("played.worlds", "many", "played.worlds is not allowed"),
        ("certified", False, "certified is False, which does not follow from its gaps"),
        ("certificate.gaps.0.high", 0.5, "certified is True, which does not follow from its gaps"),
        ("certificate.gaps.0.verdict", "beaten", "certified is True, which does not follow"),
        ("certificate.gaps", [], "certificate.gaps is not allowed"),
        ("bundle.sha256", "0" * 64, "its bundle is not the one that its card is of"),
    ],
)
def test_a_card_that_was_changed_is_refused_in_a_sentence(key: str, value: Any, said: str, copied: Made) -> None:
    path = copied.home / "doubly-dangerous-v1" / "seed5" / "card.json"
    path.write_text(json.dumps(_changed(json.loads(path.read_text()), key, value)))
    with pytest.raises(PolicyError) as caught:
        agents.make(NAME)
    assert said in str(caught.value) and NAME in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b"x" * 300_000])
def test_a_card_that_is_none_is_refused_in_a_sentence(data: bytes, copied: Made) -> None:
    (copied.home / "doubly-dangerous-v1" / "seed5" / "card.json").write_bytes(data)
    for ask in (agents.make, agents.describe, zoo.card):
        with pytest.raises(PolicyError, match=f"The card of {NAME} cannot be used: "):
            ask(NAME)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("policy.safetensors", "policy.safetensors was altered or cut off"),
        ("bundle.json", f"{NAME} cannot be used: its bundle is not the one"),
    ],
)
def test_a_bundle_that_was_changed_is_refused_in_a_sentence(file: str, said: str, copied: Made) -> None:
    path = copied.home / "doubly-dangerous-v1" / "seed5" / "policy.sd" / file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PolicyError, match=said):
        policy_from(NAME)
    path.unlink()
    with pytest.raises(PolicyError, match=r"(?i)no such file"):
        policy_from(NAME)


# --- what it needs --------------------------------------------------------------------------------------------


def test_to_list_is_light_and_to_make_one_needs_the_training_packages(made: Made) -> None:
    code = f"""
import sys
from pathlib import Path
from tests.bare_install import Absent
import agents
agents.zoo.HOME = Path({str(made.home)!r})
assert {NAME!r} in agents.zoo.names()
heavy = {{"torch", "numba", "pydantic", "pandas"}} & set(sys.modules)
assert not heavy, heavy
sys.meta_path.insert(0, Absent(["torch", "safetensors", "stable_baselines3", "pandas"]))
assert agents.zoo.card({NAME!r}).certified and "hold" in agents.describe({NAME!r}).behaviour
from agents import cli
assert cli.main(["zoo"]) == 0 and cli.main(["zoo", {NAME!r}]) == 0
sys.exit(cli.main(["play", "jervis/doubly-dangerous", "--against", {NAME!r}]))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (
        2,
        f"sd-env: {NAME} was trained, and needs the training packages: pip install 'sd-env[train]'\n",
    )


# --- sd-env ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_the_command_lists_all_with_returns_and_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["zoo"]) == 0
    told = capsys.readouterr().out
    entries = told.split("\n\n")
    assert [entry.split()[0] for entry in entries] == list(zoo.names())
    card = zoo.card(NAME)
    for kind in (SEEKERS, GREEDY):
        assert f"return {card.returned(kind)}" in entries[0] and f"gap {card.gap(kind)}" in entries[0]
    assert card.gap(SEEKERS) == "1.0% (1.2%)"
    assert card.words[0] in " ".join(entries[0].split()) and max(map(len, told.splitlines())) <= 100


@pytest.mark.usefixtures("here")
def test_the_command_shows_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["zoo", NAME]) == 0
    told, card = " ".join(capsys.readouterr().out.split()), zoo.card(NAME)
    for text in (
        " ".join(card.words), f"over 1024 worlds of seed {card.played.seed}", "state_0, security seekers: 1.00% [0.80%",
        "learned responses, 1 from scratch and 1 from the policy", "trained sd-env train --config tiny, seed 5",
        f"{card.bundle.bytes:,} bytes", card.training.members[0].name,
    ):  # fmt: skip
        assert text in told


@pytest.mark.usefixtures("here")
def test_the_command_prints_cards_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["zoo", "--json"]) == 0
    cards = [Card.model_validate(each) for each in json.loads(capsys.readouterr().out)]
    assert cards == [zoo.card(name) for name in zoo.names()]
    assert cli.main(["zoo", NAME, "--json"]) == 0
    assert Card.model_validate_json(capsys.readouterr().out) == cards[0]


@pytest.mark.usefixtures("here")
def test_the_command_refuses_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["zoo", "doubly-dangerous"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("sd-env: There is no policy 'doubly-dangerous' in the zoo; ")


def test_the_command_says_that_nothing_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(zoo, "HOME", tmp_path)
    assert cli.main(["zoo"]) == 0 and capsys.readouterr().out == "No policy is in the zoo yet.\n"
    assert cli.main(["zoo", "--json"]) == 0 and json.loads(capsys.readouterr().out) == []


@pytest.mark.usefixtures("here")
def test_it_is_evaluated_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    words = f"evaluate {NAME} {WORLD}/seed7 dove --scenario jervis/doubly-dangerous --worlds 2 --seeds 1 --workers 1"
    assert cli.main([*words.split(), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["policy"] for row in report["metrics"]} == {WORLD, "dove"}
    assert cli.main(["tournament", NAME, "dove", *words.split()[4:]]) == 0
