"""The checks of a policy: one that is bad in each way is found by that check and no other, and good ones pass."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from agents import cli, make
from agents.evaluation import policy_checks
from agents.evaluation.policy_checks import Finding, examine
from agents.policies.bundles import bundle_of
from sd_env import layout
from sd_env.layout import Build, Head, Own, Signal, Stance
from sd_env.scenario import Scenario
from tests import learners
from tests.agents.policies.test_registry import plug_in

SCENARIO = Scenario.load("jervis/doubly-dangerous", {"horizon": 6})
CHECKS = ["answers", "legality", "chance", "reset", "seats", "rows", "batch", "speed"]


class Quiet:
    """Does nothing, and nothing is wrong with it."""

    def reset(self, seed: int) -> None:
        self.seed = seed

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.tile(layout.noop(layout.num_states_of(mask.shape[1])), (len(mask), 1))


class Spelled(Quiet):
    """Answers with words."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.full((len(mask), 4), "attack")


class Raises(Quiet):
    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("of what?")


class Attacks(Quiet):
    """Attacks although it is not mobilized."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        actions[:, Head.STANCE] = Stance.ATTACK
        return actions


class GlobalChance(Quiet):
    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        actions[:, Head.SIGNAL] = np.random.random(len(mask)) < 0.5  # legal always
        return actions


class Hoards(Quiet):
    """Counts its turns, and forgets to begin anew."""

    def __init__(self) -> None:
        self.turns = 0

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        self.turns += 1
        actions[:, Head.BUILD_DEFENSE] = Build.HALF if self.turns > 16 else Build.NONE
        return actions


class Spy(Quiet):
    """Its copies tell one another whether they are greedy."""

    board: ClassVar[dict[str, float]] = {}

    def reset(self, seed: int) -> None:
        self.board.clear()

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        greed = float(observation[:, Own.GREED].sum())
        actions[:, Head.SIGNAL] = Signal.REASSURE if self.board.get("greed", greed) == greed else Signal.SILENCE
        self.board["greed"] = greed
        return actions


class Peeks(Quiet):
    """Does in every world what the first world calls for."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        actions[:, Head.BUILD_DEFENSE] = Build.HALF if observation[1, Own.GREED] > 0 else Build.NONE
        return actions


class CountsRows(Quiet):
    """Builds if it is asked about many worlds at once."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        actions[:, Head.BUILD_DEFENSE] = Build.HALF if len(mask) > 1 else Build.NONE
        return actions


class Locked(Quiet):
    """Cannot be copied for another seat."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def faults(make: Callable[[], Any], worlds: int = 8) -> dict[str, str]:
    return {each.check: each.sentence for each in examine(make, SCENARIO, worlds=worlds) if each.fault}


@pytest.mark.parametrize(
    ("bad", "check", "said"),
    [
        (Spelled, "answers", "act gave <U6 (8, 4); integers (8, 4) are needed"),
        (Raises, "answers", "ZeroDivisionError: of what?"),
        (object, "answers", "it is no policy; a policy has reset(seed) and act(observation, mask)."),
        (Attacks, "legality", "illegal when they were made (first: stance"),
        (GlobalChance, "chance", "with one seed it acts in two ways, first on turn 1"),
        (Hoards, "reset", "after reset it acts otherwise than a new one, first on turn 1"),
        (Spy, "seats", "what its copy in another seat sees changes what it does, first on turn 1"),
        (Locked, "seats", "policy Locked cannot be copied for another seat"),
        (Peeks, "rows", "what it sees in one world changes what it does in another"),
        (CountsRows, "batch", "it plays a world in a batch otherwise than alone, first on turn 1"),
    ],
)
def test_a_bad_policy_for_every_check(bad: Callable[[], Any], check: str, said: str) -> None:
    found = faults(bad)
    assert said in found[check]
    beside = {GlobalChance: {"reset", "seats", "rows", "batch"}, Peeks: {"batch"}}  # without a seed nothing repeats
    assert set(found) - {check} <= beside.get(bad, set())


def test_a_slow_one_is_called_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_checks, "SLOW", 1e12)
    found = faults(Quiet)
    assert set(found) == {"speed"} and "fewer than 1,000,000,000,000 is slow" in found["speed"]


def test_who_plays_by_the_rules_is_told_so_check_by_check() -> None:
    told = {name: examine(partial(make, name), SCENARIO) for name in ("grim-trigger", "dove", "random")}
    for found in told.values():
        assert [each.check for each in found] == CHECKS and not any(each.fault for each in found), found
    assert "acts on what it remembers" in told["grim-trigger"][3].sentence
    assert "acts on the present alone" in told["dove"][3].sentence
    assert "it draws lots" in told["random"][2].sentence and "not tried" in told["random"][6].sentence


def test_any_scenario_will_do_and_one_world_will_not() -> None:
    limited = Scenario.load("jervis/doubly-dangerous", {"n_states": 3, "war.force_levels": 3, "horizon": 4})
    assert not any(each.fault for each in examine(lambda: make("tit-for-tat"), limited, worlds=4))
    with pytest.raises(ValueError, match="worlds is 1; at least 2 are needed"):
        examine(Quiet, SCENARIO, worlds=1)


@pytest.mark.parametrize("worlds", [1, 0, -1, "4", 2.0, None])
def test_worlds_in_which_nothing_can_be_told_are_refused(worlds: Any) -> None:
    with pytest.raises(ValueError, match="^worlds is "):
        examine(partial(make, "dove"), Scenario.load("games/one-shot"), worlds=worlds)


def test_who_was_trained_without_masks_is_not_blamed_for_it() -> None:
    class Trained(Attacks):
        ignores_masks = True

    [_, legality, *_] = examine(Trained, SCENARIO, worlds=4)
    assert not legality.fault and "trained without masks" in legality.sentence
    assert isinstance(legality, Finding)


@pytest.mark.parametrize("kind", ["heads", "recurrent"])
def test_trained_policies_pass(kind: str) -> None:
    def trained_one() -> Any:
        return bundle_of(learners.trained(kind), learners.SCENARIO)

    found = examine(trained_one, learners.SCENARIO, worlds=4)
    assert not any(each.fault for each in found), found
    assert trained_one().ignores_masks


def test_the_command_says_what_it_found_and_ends_accordingly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    plug_in(tmp_path, "hasty", {"hasty": "hasty:Hasty"}, HASTY)
    from agents.policies import registry

    registry._discovered.cache_clear()
    small = ["--overrides", "horizon=4", "--worlds", "4"]
    try:
        assert cli.main(["check-policy", "tit-for-tat", *small]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[:2] for line in lines if not line.startswith(" ")] == [["fine", each] for each in CHECKS]
        assert cli.main(["check-policy", "hasty", *small, "--json"]) == 1
        found = json.loads(capsys.readouterr().out)
        assert [each["check"] for each in found if each["fault"]] == ["legality"]
    finally:
        registry._discovered.cache_clear()
    for words, said in (
        (["nobody"], "There is no strategy 'nobody'"),
        (["dove", "--worlds", "1"], "--worlds 1 is not allowed; at least 2 are needed."),
    ):
        assert cli.main(["check-policy", *words]) == 2
        assert said in capsys.readouterr().err


HASTY = """
import numpy as np
from sd_env import layout


class Hasty:
    name = "hasty"

    def reset(self, seed):
        pass

    def act(self, observation, mask):
        actions = np.tile(layout.noop(layout.num_states_of(mask.shape[1])), (len(mask), 1))
        actions[:, layout.Head.STANCE] = layout.Stance.ATTACK
        return actions
"""
