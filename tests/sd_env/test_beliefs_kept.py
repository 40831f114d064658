"""Beliefs beside the game: of deeds alone, off unless asked for, kept by copies and logs, in a column of their own."""

from __future__ import annotations

import copy
import pickle
from itertools import product
from typing import Any

import numpy as np
import pytest

from sd_env import layout
from sd_env.record import EpisodeLog, Recorder, verify
from sd_env.worlds import Worlds
from tests.beliefs import BASE, belief
from tests.table import column, play, quiet, random_actions

#: Rules that are off by default and through which deeds could tell more than deeds.
NEWER_RULES: dict[str, Any] = {
    "arming__arms_cost": 0.1, "arming__convexity": 0.5, "arming__investment_return": 0.05,
    "arming__depreciation": 0.1, "perception__buildup_evidence": 0.05,
}  # fmt: skip


# --- what beliefs must not do -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [{}, NEWER_RULES], ids=["default", "newer rules"])
@pytest.mark.parametrize("seed", range(3))
def test_beliefs_follow_from_deeds_never_from_types(seed: int, rules: dict[str, Any]) -> None:
    """The same worlds with another type of state_1, the same actions: others see and believe the same, bit for bit."""
    scenario = quiet(
        3, **BASE, perception__beliefs=True, perception__noise=0.4, perception__signal_noise=0.3, war__outcome="gamble",
        technology__distinguishability=0.7, **rules,
    )  # fmt: skip
    pair = [Worlds(scenario, 8, seed=seed) for _ in range(2)]
    for w, greed in zip(pair, (0.0, 3.0), strict=True):
        w.states["greed"][:, 1] = greed
    rng = np.random.default_rng(seed)
    for _ in range(40):
        actions = random_actions(rng, pair[0])
        for w in pair:
            w.step(actions)
        a, b = pair
        assert a.pairs["belief"].tobytes() == b.pairs["belief"].tobytes()
        assert (a.observations[:, [0, 2]] == b.observations[:, [0, 2]]).all()
    assert len(np.unique(a.pairs["belief"])) > 20


def test_tracking_changes_nothing_that_anybody_sees_and_is_off_unless_asked_for() -> None:
    scenario = quiet(3, **BASE, perception__noise=0.3)
    plain, told = Worlds(scenario, 4, seed=2), Worlds(scenario, 4, seed=2, track_beliefs=True)
    rng = np.random.default_rng(2)
    for _ in range(20):
        actions = random_actions(rng, plain)
        plain.step(actions)
        told.step(actions)
        for name in ("worlds", "observations", "masks", "rewards"):
            assert getattr(plain, name).tobytes() == getattr(told, name).tobytes()
    off_diagonal = ~np.eye(3, dtype=bool)
    assert (plain.pairs["belief"][:, off_diagonal] == 0.75).all()
    assert (told.pairs["belief"][:, off_diagonal] != 0.75).all()
    assert not plain.states["effort_offense"].any()


def test_logs_hold_beliefs_though_the_worlds_do_not_track_them() -> None:
    scenario = quiet(3, **BASE, horizon=5)
    plain, told = Worlds(scenario, seed=2), Worlds(scenario, seed=2, track_beliefs=True)
    recorder = Recorder(plain)
    rng = np.random.default_rng(0)
    logs: tuple[EpisodeLog, ...] = ()
    while not logs:
        actions = random_actions(rng, plain)
        plain.step(actions)
        told.step(actions)
        logs = recorder.turn(actions)
    assert (logs[0].pairs["belief"][0] == np.where(np.eye(3), 1.0, 0.75)).all()
    assert (logs[0].pairs["belief"][-1] == told.pairs["belief"][0]).all()
    assert verify(logs[0])


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "snapshot"])
def test_a_copy_goes_on_believing(how: str) -> None:
    def fresh(seed: int) -> Worlds:
        return Worlds(quiet(3, **BASE), 3, seed=seed, autoreset=True, track_beliefs=True)

    w, twin = fresh(4), fresh(5)
    rng = np.random.default_rng(1)
    for _ in range(7):
        w.step(random_actions(rng, w))
    if how == "snapshot":
        twin.restore(w.snapshot())
    else:
        twin = copy.deepcopy(w) if how == "deepcopy" else pickle.loads(pickle.dumps(w))
    for _ in range(60):
        actions = random_actions(rng, w)
        w.step(actions)
        twin.step(actions)
        assert w.pairs.tobytes() == twin.pairs.tobytes() and w.states.tobytes() == twin.states.tobytes()


def test_a_new_episode_begins_with_trust() -> None:
    w = Worlds(quiet(2, **BASE, horizon=3), 2, seed=0, autoreset=True, track_beliefs=True)
    for turn in range(1, 4):
        play(w, s1={"stance": {0: "mobilize"}, "offense": "full"})
        assert (belief(w, 0, 1) == 0.75) == (turn == 3)
    assert w.states["effort_offense"].tolist() == [[0, 0], [0, 0]]


# --- the column -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [True, False])
@pytest.mark.parametrize("n", [2, 4])
def test_the_column_shows_the_belief_and_moves_nothing_else(n: int, context: bool) -> None:
    def of(beliefs: bool) -> Worlds:
        settings = {"perception__noise": 0.2, "perception__beliefs": beliefs, "perception__context_observed": context}
        return Worlds(quiet(n, **BASE, **settings, horizon=4), 3, seed=6, autoreset=True)

    shown, hidden = of(True), of(False)
    names = layout.observation_names(n, context, beliefs=True)
    wanted = [name for name in names if name.endswith(".belief")]
    assert wanted == [f"other{slot}.belief" for slot in range(n - 1)]
    rest = [k for k, name in enumerate(names) if name not in wanted]
    assert [names[k] for k in rest] == layout.observation_names(n, context)
    rng = np.random.default_rng(0)
    for _ in range(9):
        actions = random_actions(rng, shown)
        shown.step(actions)
        hidden.step(actions)
        for kind in ("observations", "final_observations"):
            assert (getattr(shown, kind)[..., rest] == getattr(hidden, kind)).all()
        held = np.array(
            [[shown.pairs["belief"][b, i, [j for j in range(n) if j != i]] for i in range(n)] for b in range(3)]
        )
        assert (layout.observed_beliefs(shown.observations, n) == held.astype(np.float32)).all()
        assert column(shown, 1, "belief", 0) == pytest.approx(belief(shown, 1, 0), rel=1e-6)


def test_the_size_of_an_observation_says_what_it_holds() -> None:
    for n in range(layout.MIN_STATES, layout.MAX_STATES + 1):
        for shown in product((True, False), repeat=3):
            parts = layout.Parts(*shown[:2], institutions=shown[2])
            size = layout.observation_size(n, *parts)
            assert layout.observation_parts(size, n) == parts
            assert len(layout.observation_low(n, *parts)) == len(layout.observation_names(n, *parts)) == size
    with pytest.raises(
        ValueError, match=r"observation of 50 columns is none of 2 states: they have 47, 48, 52, 53, 86, 87, 91, 92\."
    ):
        layout.observation_parts(50, 2)
    with pytest.raises(ValueError, match="47 columns hold no beliefs"):
        layout.observed_beliefs(np.zeros((3, 47)), 2)
