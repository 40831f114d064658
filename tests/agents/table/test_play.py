"""Whole episodes: what is counted of whom, who is asked what, and that the batch does not matter."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents.policies.protocol import NeverAttackPolicy, RandomPolicy
from agents.policies.registry import make
from agents.table.metrics import tally_rows
from agents.table.play import play
from sd_env import layout
from sd_env.errors import RefusedError
from sd_env.policies import Cast, PolicyError, name_of, one_thread
from sd_env.record import Collector
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.table import quiet

#: Three states; worlds end at different times.
ENDING = Scenario.load("jervis/doubly-dangerous", {"n_states": 3, "horizon": 12, "continuation": 0.85})


class Scripted:
    """Mobilizes against all for one turn and attacks from then on; notes what it was asked."""

    name, memory = "scripted", 0

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.rows: list[int] = []

    def reset(self, seed: int) -> None:
        self.seeds.append(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        self.rows.append(len(observation))
        actions = np.tile(layout.noop(layout.num_states_of(mask.shape[1])), (len(mask), 1))
        first = observation[:, layout.Own.TURN] == 0
        actions[:, layout.Head.STANCE :] = np.where(first, layout.Stance.MOBILIZE, layout.Stance.ATTACK)[:, None]
        return actions


class Vandal:
    """Passes on what a policy chooses, and ruins all that it was given."""

    def __init__(self, policy: Any) -> None:
        self.policy, self.given, self.memory = policy, [], 1

    def reset(self, seed: int) -> None:
        self.policy.reset(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        chosen = self.policy.act(observation.copy(), mask.copy())
        observation[...], mask[...] = np.nan, 0
        self.given.append((observation, mask))
        return chosen


class Watcher:
    """Keeps what a policy sees."""

    def __init__(self, policy: Any) -> None:
        self.policy, self.seen = policy, []

    def reset(self, seed: int) -> None:
        self.policy.reset(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        self.seen.append(observation)
        return self.policy.act(observation, mask)


def test_what_a_turn_counts_is_counted_of_its_states_by_hand() -> None:
    """Two turns, one attacker: it mobilizes once and attacks once; two states stand on both turns."""
    scenario = quiet(horizon=2, war__mobilization_required=True, motives__p_greedy=0.0)
    [row] = play(scenario, [Scripted(), make("dove")], worlds=1, seed=1).to_dict("records")
    assert (row["turns"], row["terminated"], row["policy_0"], row["policy_1"]) == (2, False, "scripted", "dove")
    assert [row[f"pair_turns_{i}"] for i in (0, 1)] == [2, 2]
    assert [row[f"attacks_{i}"] for i in (0, 1)] == [1, 0]
    assert [row[f"mobilizations_{i}"] for i in (0, 1)] == [1, 0]
    assert [row[f"greed_{i}"] for i in (0, 1)] == [0.0, 0.0]
    # income is 1 a turn; on the second an assault with no arms against a base defence of 1 takes nothing
    assert [row[f"return_{i}"] for i in (0, 1)] == [2.0, 2.0]


def test_states_counts_sum_to_the_worlds_tallies() -> None:
    frame = play(ENDING, RandomPolicy(), worlds=40, seed=3)
    assert list(frame)[:6] == ["scenario", "seed", "world", "episode", "turns", "terminated"]
    assert set(layout.TALLY) <= set(frame) and frame.columns.is_unique

    def total(name: str) -> pd.Series[float]:
        return frame[[f"{name}_{i}" for i in range(3)]].sum(axis=1)

    for name in ("pair_turns", "attacks", "mobilizations"):
        assert (total(name) == frame[name]).all(), name
    np.testing.assert_allclose(total("return"), frame["s_welfare"] + frame["g_welfare"], rtol=1e-12)
    seekers = frame[[f"greed_{i}" for i in range(3)]].eq(0).sum(axis=1)
    assert (seekers == frame["s_states"]).all() and 0 < seekers.sum() < 120
    assert frame["attacks"].sum() > 0 and frame["turns"].nunique() > 3  # worlds did end at different times
    assert frame.loc[frame["turns"] < 12, "terminated"].all() and not frame["terminated"].all()


@pytest.mark.parametrize("names", [("tit-for-tat", "hawk", "grim-trigger"), ("worst-case", "grit", "bluffer")])
def test_a_world_plays_in_a_batch_what_it_plays_alone(names: tuple[str, ...]) -> None:
    batch = play(ENDING, [make(name) for name in names], worlds=12, seed=5, first_world=2, episode=1)
    for b in (2, 7, 13):
        alone = play(ENDING, [make(name) for name in names], worlds=1, seed=5, first_world=b, episode=1)
        pd.testing.assert_frame_equal(alone, batch[batch["world"] == b].reset_index(drop=True))


def test_a_world_counts_until_its_own_end() -> None:
    """The same game by a loop of one world that stops where the world stops."""
    frame = play(ENDING, make("hawk"), worlds=8, seed=2)
    assert frame["turns"].nunique() > 1
    for b in range(8):
        world, hawk = Worlds(ENDING, 1, seed=2, first_world=b), make("hawk")
        hawk.reset(0)
        while True:
            world.step(hawk.act(world.observations[0].copy(), world.masks[0])[None])
            if world.terminations[0] or world.truncations[0]:
                break
        expected = dict(zip(layout.TALLY, tally_rows(world.worlds)[0], strict=True))
        assert {name: frame[name][b] for name in layout.TALLY} == expected
        assert frame["terminated"][b] == world.terminations[0]


def test_an_episode_is_that_of_the_worlds_stream() -> None:
    frames = [play(ENDING, Scripted(), worlds=4, seed=9, episode=e) for e in range(3)]
    world = Worlds(ENDING, 4, seed=9)
    for frame in frames:
        assert (frame[["greed_0", "greed_1", "greed_2"]].to_numpy() == world.states["greed"]).all()
        world.reset()
    assert not frames[0]["return_0"].equals(frames[1]["return_0"])


def test_a_policy_acts_once_a_turn_for_each_seat_by_a_copy_and_each_has_the_seed_of_its_seat() -> None:
    scenario = quiet(3, horizon=4)
    both, one = Scripted(), Scripted()
    play(scenario, [both, one, both], worlds=5, seed=7, first_world=3, episode=2)
    assert both.rows == one.rows == [5] * 4  # the first seat is played by the policy itself
    for policy, seat in ((both, 0), (one, 1)):
        assert policy.seeds == [int(np.random.SeedSequence([7, 2, 3, seat]).generate_state(1)[0])]


class Diary(list[tuple[int, set[float]]]):
    """Who was shown which greeds of its own, in every call; copies of a policy write into the same one."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Diary:
        return self


class Spy(RandomPolicy):
    """Looks for the types of its rivals among the rows that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.diary = Diary()

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        self.diary.append((id(self), set(observation[:, layout.Own.GREED].tolist())))
        return super().act(observation, mask)


def test_a_policy_in_several_seats_never_sees_what_two_states_of_a_world_hide_from_each_other() -> None:
    greeds = {"state_0": 1.0, "state_1": 2.0, "state_2": 3.0}
    scenario = quiet(3, horizon=4, motives__p_greedy=1.0, states__greed=greeds)
    spy = Spy()
    frame = play(scenario, spy, worlds=5, seed=2)
    assert (frame[["greed_0", "greed_1", "greed_2"]] == [1.0, 2.0, 3.0]).all(axis=None)
    shown = [next(iter(greeds)) for _, greeds in spy.diary if len(greeds) == 1]
    assert shown == [1.0, 2.0, 3.0] * 4  # every call is of one seat
    assert len({who for who, _ in spy.diary}) == 3  # and no object ever sees two
    assert len({(who, *greeds) for who, greeds in spy.diary}) == 3


def test_who_cannot_be_copied_for_a_second_seat_is_refused_in_a_sentence() -> None:
    stubborn = Scripted()
    stubborn.lock = threading.Lock()  # type: ignore[attr-defined]
    play(quiet(2, horizon=1), [stubborn, make("dove")], worlds=1, seed=1)
    with pytest.raises(PolicyError, match=r"^policy scripted cannot be copied for another seat \(TypeError\); "):
        play(quiet(2, horizon=1), stubborn, worlds=1, seed=1)


def test_casts_by_order_by_name_and_by_one_policy_are_the_same() -> None:
    agents = ENDING.agents
    by_order = play(ENDING, [make("hawk"), make("dove"), make("hawk")], worlds=4, seed=1)
    by_name = play(ENDING, dict(zip(agents, [make("hawk"), make("dove"), make("hawk")], strict=True)), worlds=4, seed=1)
    pd.testing.assert_frame_equal(by_order, by_name)
    hawk = make("hawk")
    pd.testing.assert_frame_equal(
        play(ENDING, hawk, worlds=4, seed=1), play(ENDING, [hawk, hawk, hawk], worlds=4, seed=1)
    )


def test_same_seed_same_rows_and_another_seed_others() -> None:
    first, again, other = (play(ENDING, RandomPolicy(), worlds=6, seed=seed) for seed in (4, 4, 5))
    pd.testing.assert_frame_equal(first, again)
    assert not first["return_0"].equals(other["return_0"])


def test_policies_get_copies_and_nothing_else() -> None:
    """A policy that writes over what it is given changes nothing, and gets arrays of its own seats alone."""
    vandals = [Vandal(make("tit-for-tat")), Vandal(RandomPolicy()), Vandal(make("hawk"))]
    spoiled = play(ENDING, vandals, worlds=6, seed=8)
    clean = play(ENDING, [make("tit-for-tat"), RandomPolicy(), make("hawk")], worlds=6, seed=8)
    numbers = [name for name in clean if not name.startswith("policy_")]
    pd.testing.assert_frame_equal(spoiled[numbers], clean[numbers])
    size = layout.observation_size(3, ENDING.perception.context_observed)
    for observation, mask in vandals[1].given:
        assert observation.shape == (6, size) and mask.shape == (6, layout.mask_size(3))
        assert observation.dtype == np.float32 and mask.dtype == np.int8
        root = observation if observation.base is None else observation.base
        assert root.size == observation.size, "the array is a window on more than the policy's own rows"


def test_what_a_policy_sees_does_not_depend_on_others_hidden_types() -> None:
    """Worlds that differ only in a rival's greed show a state the same, whatever the rival is, while deeds agree."""
    seen = []
    for greed in (0.0, 3.0):
        watcher = Watcher(make("dove"))
        scenario = quiet(horizon=3, states__greed={"state_0": 0.0, "state_1": greed})
        frame = play(scenario, [watcher, make("dove")], worlds=3, seed=1)
        assert (frame["greed_1"] == greed).all()
        seen.append(np.stack(watcher.seen))
    np.testing.assert_array_equal(seen[0], seen[1])


def test_a_recorder_keeps_what_the_rows_say() -> None:
    collector = Collector([0, 2], policies=["a", "b", "c"])
    frame = play(ENDING, RandomPolicy(), worlds=4, seed=6, recorder=collector)
    pd.testing.assert_frame_equal(frame, play(ENDING, RandomPolicy(), worlds=4, seed=6))
    assert sorted(log.world for log in collector.logs) == [0, 2]
    for log in collector.logs:
        row = frame[frame["world"] == log.world].iloc[0]
        assert len(log.actions) == row["turns"]
        np.testing.assert_allclose(log.rewards.sum(axis=0), [row[f"return_{i}"] for i in range(3)])
        assert log.pairs["attacks"][1:].sum() == row["attacks"]


class Wrong(RandomPolicy):
    """Answers with too few rows, too few heads, no integers, or choices that there are not."""

    name = "wrong"

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        if self.how in ("above", "below"):
            actions[-1, layout.Head.STANCE] = {"above": len(layout.Stance), "below": -1}[self.how]
            return actions
        return {"rows": actions[:-1], "heads": actions[:, :-1], "floats": actions.astype(float)}[self.how]


@pytest.mark.parametrize("how", ["rows", "heads", "floats"])
def test_an_answer_of_another_shape_is_refused(how: str) -> None:
    with pytest.raises(PolicyError, match=r"^policy wrong: act gave .*integers \(2, 5\) are needed\.$"):
        play(ENDING, Wrong(how), worlds=2, seed=1)


@pytest.mark.parametrize("how", ["above", "below"])
def test_a_choice_that_there_is_not_is_refused(how: str) -> None:
    number = {"above": 4, "below": -1}[how]
    with pytest.raises(PolicyError, match=rf"^policy wrong: act gave {number} for stance; 0 to 3 are allowed\.$"):
        play(ENDING, Wrong(how), worlds=2, seed=1)


@pytest.mark.parametrize(
    ("cast", "words"),
    [
        ([RandomPolicy()], "has 1 policies; 3 are needed"),
        ({"state_0": RandomPolicy()}, "names state_0; a policy is needed for each of state_0, state_1, state_2"),
        ([RandomPolicy(), object(), RandomPolicy()], "for state_1; a policy has reset"),
        ("dove", "has 4 policies; 3 are needed"),
    ],
)
def test_a_cast_that_does_not_fit_is_refused(cast: Any, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        Cast(cast, ("state_0", "state_1", "state_2"))


def test_names_of_policies() -> None:
    assert [name_of(policy) for policy in (RandomPolicy(), make("dove"), NeverAttackPolicy())] == [
        "RandomPolicy",
        "dove",
        "NeverAttackPolicy",
    ]


def test_networks_compute_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    class Torch:
        threads = 4

        def get_num_threads(self) -> int:
            return self.threads

        def set_num_threads(self, threads: int) -> None:
            self.threads = threads

    torch = Torch()
    monkeypatch.setitem(sys.modules, "torch", torch)  # type: ignore[arg-type]
    with one_thread():
        assert torch.threads == 1
    assert torch.threads == 4
    monkeypatch.delitem(sys.modules, "torch")
    with one_thread():
        pass


@pytest.mark.parametrize("given", [{"seed": None}, {"seed": "1"}, {"seed": -1}, {"seed": True}, {"seed": 2**64},
                                   {"episodes": 0}, {"episodes": 1.0}, {"episode": -1}])  # fmt: skip
def test_seeds_and_episodes_that_are_none_are_a_sentence(given: dict[str, Any]) -> None:
    [name] = given
    with pytest.raises(RefusedError, match=f"^{name} is .*; a whole number from"):
        play(Scenario.load("games/one-shot"), make("dove"), **{"worlds": 1, "seed": 1, **given})
