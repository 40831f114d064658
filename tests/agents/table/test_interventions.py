"""Interventions: entries of actions that are not the states' to choose."""

from __future__ import annotations

import numpy as np
import pytest

from agents.policies.registry import make
from agents.table.interventions import InterventionError, Interventions
from agents.table.play import play
from agents.training.table import Table
from sd_env.layout import Head, Signal, Stance
from sd_env.scenario import Scenario

AGENTS = ("a", "b", "c")


def applied(interventions: dict[str, dict[str, str]]) -> np.ndarray:
    actions = np.zeros((2, 3, 5), np.int64)
    Interventions(interventions, AGENTS).apply(actions)
    return actions


def test_one_part_of_one_state_is_replaced_in_all_worlds() -> None:
    actions = applied({"b": {"signal": "threaten"}})
    assert (actions[:, 1, Head.SIGNAL] == Signal.THREATEN).all()
    actions[:, 1, Head.SIGNAL] = 0
    assert not actions.any()


def test_stances_go_by_the_other_states_index() -> None:
    # heads of b: build, build, signal, toward a, toward c
    assert applied({"b": {"stance.c": "attack"}})[0, 1].tolist() == [0, 0, 0, 0, Stance.ATTACK]
    assert applied({"b": {"stance.a": "attack"}})[0, 1].tolist() == [0, 0, 0, Stance.ATTACK, 0]
    assert applied({"a": {"stance": "mobilize"}})[0, 0].tolist() == [0, 0, 0, Stance.MOBILIZE, Stance.MOBILIZE]


def test_the_special_wins_over_the_general_in_any_order() -> None:
    for interventions in (
        {"all": {"signal": "silence"}, "c": {"signal": "reassure"}},
        {"c": {"signal": "reassure"}, "all": {"signal": "silence"}},
    ):
        assert applied(interventions)[0, :, Head.SIGNAL].tolist() == [0, 0, Signal.REASSURE]
    both = applied({"a": {"stance.b": "attack", "stance": "neutral"}})
    assert both[0, 0, Head.STANCE :].tolist() == [Stance.ATTACK, Stance.NEUTRAL]


@pytest.mark.parametrize(
    ("interventions", "words"),
    [
        ({"d": {"signal": "threaten"}}, "'d'.*all, a, b, c"),
        ({"a": {"shout": "loud"}}, "'shout'.*build_offense, build_defense, signal, stance"),
        ({"a": {"signal": "shout"}}, "interventions.a.signal is 'shout'; allowed are silence, reassure, threaten"),
        ({"a": {"stance.a": "attack"}}, "stance.a"),
        ({"a": {"signal.b": "threaten"}}, "signal.b"),
    ],
)
def test_bad_interventions_get_a_sentence(interventions: dict[str, dict[str, str]], words: str) -> None:
    with pytest.raises(InterventionError, match=words):
        Interventions(interventions, AGENTS)


def test_they_hold_in_play_whatever_the_policy() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous")
    dove = make("dove")
    free = play(scenario, dove, worlds=8, seed=1)
    bound = play(scenario, dove, worlds=8, seed=1, interventions={"state_0": {"stance": "attack"}})
    assert free["attacks"].sum() == 0
    # on every turn but the first, on which the order to attack counts as mobilization
    assert (bound["attacks_0"] == bound["turns"] - 1).all() and bound["attacks_1"].sum() == 0


class Watcher:
    """Learns nothing and keeps what the worlds were sent."""

    def __init__(self, seat: object) -> None:
        self.seat = seat

    def learn(self, total_timesteps: int, **_: object) -> None:
        seat = self.seat
        seat.reset()
        for _ in range(total_timesteps // seat.num_envs):
            seat.step_async(np.zeros((seat.num_envs, 4), np.int64))
            seat.step_wait()


def test_they_hold_at_the_table_where_learners_learn() -> None:
    table = Table(
        "jervis/doubly-dangerous",
        {"all": Watcher},
        num_worlds=4,
        seed=1,
        interventions={"state_1": {"signal": "threaten"}},
    )
    table.learn(16)
    assert (table.worlds.states["signal"][:, 1] == Signal.THREATEN).all()
    assert (table.worlds.states["signal"][:, 0] == Signal.SILENCE).all()
    table.close()
