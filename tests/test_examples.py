"""The examples run, at smoke size, where their libraries are; what is published of them is what the data say."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

from agents.table.play import play
from examples import say
from examples.flat_actions import FlatActions
from sd_env import RandomPolicy, layout, load_scenario
from tools import compatibility, environments
from tools.compatibility import LIBRARIES, REQUIREMENTS, Library, said
from tools.environments import reason

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
#: Those that need no torch and so take a few seconds.
QUICK = {"nashpy_one_shot", "open_spiel_games", "custom_algorithm", "rliable_intervals"}


def missing(example: str) -> list[str]:
    """Modules that an example imports and that are not installed here."""
    names = set()
    for node in ast.walk(ast.parse((EXAMPLES / f"{example}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return sorted(name for name in names if importlib.util.find_spec(name) is None)


@pytest.mark.parametrize(
    "library",
    [
        pytest.param(each, marks=() if each.example in QUICK else pytest.mark.slow, id=each.example)
        for each in LIBRARIES
    ],
)
def test_an_example_runs_where_its_library_is(library: Library) -> None:
    if absent := missing(library.example):
        pytest.skip(f"{', '.join(absent)} not installed here; make compatibility runs it in an environment of its own")
    ran = subprocess.run(
        [sys.executable, "-m", f"examples.{library.example}", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = said(ran.stdout)
    assert told["works"]
    assert (told["learned"] is None) == (told["random"] is None)


def test_every_example_is_one_of_those_that_are_run() -> None:
    helpers = {"__init__", "say", "flat_actions", "changes", "tutorials", "dyad_regression"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} - helpers == {each.example for each in LIBRARIES}
    for each in LIBRARIES:
        words = ast.get_docstring(ast.parse((EXAMPLES / f"{each.example}.py").read_text(encoding="utf-8"))) or ""
        assert f"python -m examples.{each.example} [--smoke]" in words


def test_the_algorithm_of_80_lines_has_no_more() -> None:
    assert len((EXAMPLES / "custom_algorithm.py").read_text(encoding="utf-8").splitlines()) <= 80


@pytest.mark.parametrize("name", sorted({each.requirements for each in LIBRARIES}))
def test_requirements_pin_every_version_and_no_other_torch(name: str) -> None:
    lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", line) for line in pins)
    names = [line.split("==")[0].lower() for line in pins]
    assert len(set(names)) == len(names)
    assert "torch==2.13.0" in pins and not any(name.startswith("nvidia") for name in names)


def test_every_library_has_a_version_where_it_is_pinned() -> None:
    assert [each.example for each in LIBRARIES if each.distribution and not compatibility.version(each)] == []


def test_the_pages_are_those_of_the_data_and_of_the_examples() -> None:
    for path, text in compatibility.pages().items():
        assert path.read_text(encoding="utf-8") == text, "python -m tools.compatibility --page"


def test_the_data_tell_of_this_machine_what_may_be_told() -> None:
    text = compatibility.DATA.read_text(encoding="utf-8")
    assert str(Path.home()) not in text and str(ROOT) not in text and "/tmp" not in text
    for row in json.loads(text):
        assert row["installs"] or row["failed"]
        assert row["works"] or row["failed"]
        assert all(each["whose"] for each in row["fails"])


def test_what_an_example_says_is_read() -> None:
    told = said(
        "works: a\nfails: b | KeyError: 'c' | theirs\nworks: d\n"
        "12 agent-steps/s, 34 a processor second\nrandom 1.5, learned -2.0\n"
    )
    assert told == {
        "works": ["a", "d"],
        "fails": [{"what": "b", "error": "KeyError: 'c'", "whose": "theirs"}],
        "agent_steps_per_second": 12,
        "agent_steps_per_processor_second": 34,
        "random": 1.5,
        "learned": -2.0,
    }
    assert said("")["works"] == [] and said("")["learned"] is None


def test_what_is_tried_in_vain_is_told_and_so_is_that_it_works_now(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise KeyError("a\nb")

    assert say.refuses("this", "theirs", fails) and not say.refuses("that", "theirs", lambda: None)
    told = said(capsys.readouterr().out)
    assert told["fails"] == [{"what": "this", "error": "KeyError: 'a\\nb'", "whose": "theirs"}]
    assert told["works"] == ["that"]


def test_a_learner_that_earns_no_more_than_chance_fails_at_full_size_alone(capsys: pytest.CaptureFixture[str]) -> None:
    say.earns(2.0, 1.0, full_size=False)
    say.earns(1.0, 2.0, full_size=True)
    with pytest.raises(SystemExit, match="no more than random play"):
        say.earns(2.0, 2.0, full_size=True)
    assert said(capsys.readouterr().out)["random"] == 2.0


def test_random_play_is_that_of_the_random_policy() -> None:
    """By the arrays here and by the game's own way of playing policies: the same mean, but for chance."""
    frame = play(load_scenario(say.SCENARIO), RandomPolicy(), worlds=512, seed=1)
    other = frame[["return_0", "return_1"]].to_numpy()
    assert abs(say.random_return() - other.mean()) < 4 * other.std() / np.sqrt(512)


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("Traceback\n  File\nValueError: no  such\n", "ValueError: no such"),
        ("a.b.OddError: what\nand then\n", "a.b.OddError: what"),
        ("      error: command failed\nnote: it is not pip\n", "error: command failed"),
        ("ERROR: No matching distribution\n\n", "ERROR: No matching distribution"),
        ("", "nothing was said"),
    ],
)
def test_why_something_failed_is_its_last_error(printed: str, sentence: str) -> None:
    assert reason(printed) == sentence


def test_a_library_that_does_not_install_is_a_row_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.txt").write_text("odd==1.0\n")
    monkeypatch.setattr(compatibility, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(compatibility, "ENVIRONMENTS", tmp_path / "environments")

    def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "environments" / "odd"
        folder.mkdir(parents=True, exist_ok=True)
        installs = "install" in words
        assert not installs or "--no-deps" in words
        return subprocess.CompletedProcess(
            words, int(installs), "", "ERROR: no odd for this Python" if installs else ""
        )

    monkeypatch.setattr(environments, "run", run)
    found = compatibility.row(Library("Odd", "sb3_ppo", "odd", "odd"), smoke=True)
    assert (found["installs"], found["version"]) == (False, "1.0")
    assert found["failed"] == "ERROR: no odd for this Python" and found["works"] == []
    told = compatibility.page([found])
    assert "[does not install](#odd)" in told and "`ERROR: no odd for this Python`" in told


def test_a_wrong_command_is_refused_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for words, sentence in (
        (["sb4"], "NAME is 'sb4'; there are sb3_ppo,"),
        (["--smoke"], "--smoke needs --out FOLDER"),
    ):
        with pytest.raises(SystemExit) as ended:
            compatibility.main(words)
        assert ended.value.code == 2 and sentence in capsys.readouterr().err


@pytest.mark.parametrize("dict_observation", [False, True])
def test_flat_actions_are_the_same_game(dict_observation: bool) -> None:
    env = FlatActions("jervis/doubly-safe", dict_observation=dict_observation)
    parallel_api_test(env, num_cycles=40)
    _, infos = env.reset(seed=3)
    for agent in env.agents:
        mask, heads = infos[agent]["action_mask"], env.game.action_space(agent)
        legal = env.game.worlds.masks[0, env.possible_agents.index(agent)]
        starts = np.cumsum([0, *heads.nvec[:-1]])
        for number in range(env.action_space(agent).n):
            choices = np.array(np.unravel_index(number, env.sizes))
            assert mask[number] == legal[starts + choices].all()
    nothing = int(np.ravel_multi_index(tuple(layout.noop(2)), env.sizes))
    _, rewards, *_ = env.step(dict.fromkeys(env.agents, nothing))
    env.game.reset(seed=3)
    _, same, *_ = env.game.step({agent: np.array(layout.noop(2)) for agent in env.possible_agents})
    assert rewards == same
