"""The table of action heads: everybody who knows an action agrees with it, whatever the number of states."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import sd_env
from sd_env import layout, load_scenario
from sd_env.layout import Build, Head, Signal, Stance
from sd_env.policies import RandomPolicy
from sd_env.spaces import check_action
from sd_env.worlds import Worlds
from tests.table import random_actions

ROOT = Path(__file__).parents[2]
NUMBERS = (2, 3, 16)


def worlds_of(num_states: int, **overrides: object) -> Worlds:
    return Worlds(load_scenario("jervis/doubly-dangerous", {"n_states": num_states, **overrides}), 2, seed=3)


@pytest.mark.parametrize("n", NUMBERS)
def test_sizes_masks_and_names_agree(n: int) -> None:
    heads, sizes = layout.Heads(n).kinds, layout.action_sizes(n)
    assert heads == [Head.BUILD_OFFENSE, Head.BUILD_DEFENSE, Head.SIGNAL] + [Head.STANCE] * (n - 1)
    assert sizes == [3, 3, 3] + [4] * (n - 1) == [len(head.labels) for head in heads]
    assert layout.mask_size(n) == sum(sizes) and layout.num_states_of(sum(sizes)) == n
    assert layout.noop(n) == [Build.NONE, Build.NONE, Signal.SILENCE] + [Stance.NEUTRAL] * (n - 1)
    worlds = worlds_of(n)
    assert worlds.masks.shape[-1] == sum(sizes)
    env = sd_env.parallel_env(worlds.scenario)
    assert env.action_space("state_0").nvec.tolist() == sizes
    names = layout.Heads(n).names(1, worlds.scenario.agents)
    assert names[:4] == ["build_offense", "build_defense", "signal", "stance toward state_0"]
    assert len(names) == len(sizes) and ("stance toward state_1" not in names)
    for entry, head in enumerate(heads):
        action = layout.noop(n)
        action[entry] = len(head.labels)
        with pytest.raises(ValueError, match=f"head {names[entry]}: {len(head.labels)} is not .*{head.labels[-1]}"):
            check_action("state_1", 1, worlds.scenario.agents, action, worlds.heads)


@pytest.mark.parametrize("n", NUMBERS)
def test_entries_are_where_the_heads_lie(n: int) -> None:
    entries, masks = np.arange(len(layout.noop(n))), np.arange(layout.mask_size(n))
    starts = np.cumsum([0, *layout.action_sizes(n)])
    here = layout.Heads(n)
    for head in here.all:
        mine = [entry for entry, other in enumerate(layout.Heads(n).kinds) if other is head]
        assert entries[here.entries(head)].tolist() == mine
        for choice in range(len(head.choices)):
            assert masks[here.mask_entries(head, choice)].tolist() == [starts[entry] + choice for entry in mine]
        if head.toward_others:
            assert [here.toward(head, slot) for slot in range(n - 1)] == mine


@pytest.mark.parametrize("n", NUMBERS)
def test_what_is_carried_out_is_what_was_sent_where_it_was_legal(n: int) -> None:
    worlds, policy = worlds_of(n), RandomPolicy(5)
    for _ in range(6):
        masks = worlds.masks.reshape(2 * n, -1)
        sent = policy.act(worlds.observations.reshape(2 * n, -1), masks).reshape(2, n, -1)
        worlds.step(sent)
        assert np.array_equal(worlds.heads.carried_out(worlds.states, worlds.pairs), sent)
        assert not worlds.states["illegal"].any()


@pytest.mark.parametrize("n", NUMBERS)
def test_what_is_illegal_goes_down_the_ladder_to_the_first_legal_choice(n: int) -> None:
    allowed = {"actions.build_offense": ["none", "full"], "actions.signal": ["silence"]}
    worlds, rng = worlds_of(n, **allowed), np.random.default_rng(1)
    start, heads = np.cumsum([0, *layout.action_sizes(n)]), layout.Heads(n).kinds
    replaced = 0
    for _ in range(8):
        masks, sent = worlds.masks.copy(), random_actions(rng, worlds)
        worlds.step(sent)
        done = worlds.heads.carried_out(worlds.states, worlds.pairs)
        for b, i, entry in np.ndindex(sent.shape):
            choice = int(sent[b, i, entry])
            while not masks[b, i, start[entry] + choice]:
                choice = heads[entry].replacements[choice]
            assert done[b, i, entry] == choice
        assert np.array_equal(worlds.states["illegal"], (done != sent).sum(axis=2))
        replaced += int((done != sent).sum())
    assert replaced


def test_every_head_has_its_parameter_its_field_and_its_scenario_key() -> None:
    scenario = load_scenario("jervis/doubly-dangerous")
    keys = scenario.json_schema()["$defs"]["Actions"]["properties"]
    assert list(keys) == [head.label for head in Head]
    for head in Head:
        record = layout.PAIRS if head.toward_others else layout.STATES
        assert record[head.label] == np.int64
        bits = scenario.bounds().parameters[0, layout.PARAMETERS.index(f"allowed_{head.label}")]
        assert bits == 2 ** scenario.heads.size(head) - 1
        assert keys[head.label]["items"]["enum"] == head.labels
        assert keys[head.label]["contains"] == {"const": head.labels[head.noop]}
        assert keys[head.label]["description"] == head.meaning


def test_the_ladder_is_asked_of_scenarios() -> None:
    with pytest.raises(ValueError, match="actions.stance is .*a list with mobilize where it has attack"):
        load_scenario("jervis/doubly-dangerous", {"actions.stance": ["neutral", "attack"]})


def test_the_docstring_of_the_environment_has_the_heads_and_choices_of_the_table() -> None:
    text = sd_env.parallel.ParallelEnv.__doc__ or ""
    table = [row.split(" | ") for row in re.findall(r"\| (\w+ \| \d.*?) \|\n", text)]
    listed = [", ".join(f"{number} {label}" for number, label in enumerate(head.labels)) for head in Head]
    assert [row[:2] for row in table] == [[head.label, choices] for head, choices in zip(Head, listed, strict=True)]


def test_texts_give_the_action_space_of_the_table() -> None:
    space = f"{layout.Heads(2).own_sizes} + {layout.Heads(2).other_sizes} * (N - 1)"
    texts = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "sd_env").rglob("*.py")]
    given = [found for path in texts for found in re.findall(r"\[3,[^\n`]*\(N - 1\)", path.read_text("utf-8"))]
    assert len(given) >= 4 and set(given) == {space}
