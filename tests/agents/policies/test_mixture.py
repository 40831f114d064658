"""Mixtures of policies: a state draws a member for each episode by the shares of its type, and files keep it all."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.evaluation.players import players_of
from agents.policies.bundles import BundleError, LearnedBundle, bundle_of, load_bundle
from agents.policies.export import to_torch
from agents.policies.manifest import Mixture
from agents.policies.mixture import MixedBundle, mix
from agents.policies.state import capture, recall
from agents.table.play import play
from sd_env import layout
from tests.learners import SCENARIO, fresh

ROWS = 4000


def always(stance: layout.Stance, likeliest: bool = False) -> LearnedBundle:
    """A policy that takes one stance and builds nothing."""
    learner = fresh("types")
    heads = SCENARIO.heads
    policy: Any = learner.policy
    policy.action_net.weight.data.zero_()
    policy.action_net.bias.data.zero_()
    policy.value_net.weight.data.zero_()
    policy.value_net.bias.data.fill_(float(stance))
    for head in heads.all:
        policy.action_net.bias.data[heads.mask_entries(head, head.noop)] = 20.0
    policy.action_net.bias.data[heads.mask_entries(layout.Head.STANCE, stance)] = 40.0
    bundle = bundle_of(learner, SCENARIO, name=stance.name.lower())
    bundle.deterministic = likeliest
    return bundle


@cache
def _made() -> MixedBundle:
    neutral, mobilizing = always(layout.Stance.NEUTRAL), always(layout.Stance.MOBILIZE)
    members = [neutral, always(layout.Stance.ALIGN, likeliest=True), mobilizing]
    return mix(members, np.array([[0.75, 0.25, 0.0], [0.0, 0.5, 0.5]]), name="mixed")


def mixture() -> MixedBundle:
    """Seekers are neutral or align, three to one; the greedy mobilize or align, one to one."""
    return copy.deepcopy(_made())


def seen(turn: int, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Half the rows seekers, half greedy."""
    observation = np.zeros((rows, len(mixture().spaces.columns)), np.float32)
    observation[:, layout.Own.TURN] = turn
    observation[1::2, layout.Own.GREED] = 1.0
    return observation, np.ones((rows, layout.mask_size(2)), np.int8)


def stances(actions: np.ndarray) -> np.ndarray:
    return actions[:, SCENARIO.heads.entries(layout.Head.STANCE)][:, 0]


def test_members_are_drawn_by_the_shares_of_the_type() -> None:
    policy = mixture()
    policy.reset(3)
    found = stances(policy.act(*seen(0)))
    seekers, greedy = found[::2], found[1::2]
    # 2,000 rows of each: four standard errors are .04
    assert (seekers == layout.Stance.NEUTRAL).mean() == pytest.approx(0.75, abs=0.04)
    assert (greedy == layout.Stance.MOBILIZE).mean() == pytest.approx(0.5, abs=0.045)
    assert set(seekers) == {layout.Stance.NEUTRAL, layout.Stance.ALIGN}
    assert set(greedy) == {layout.Stance.MOBILIZE, layout.Stance.ALIGN}


def test_a_row_keeps_its_member_to_the_end_of_its_episode_and_draws_anew_at_the_next() -> None:
    policy = mixture()
    policy.reset(3)
    first = stances(policy.act(*seen(0)))
    assert np.array_equal(stances(policy.act(*seen(1))), first)
    observation, mask = seen(2)
    observation[: ROWS // 2, layout.Own.TURN] = 0  # these begin again
    again = stances(policy.act(observation, mask))
    assert np.array_equal(again[ROWS // 2 :], first[ROWS // 2 :])
    assert not np.array_equal(again[: ROWS // 2], first[: ROWS // 2])


def test_a_leader_of_the_other_type_plays_the_member_that_was_drawn_for_that_type() -> None:
    policy = mixture()
    policy.reset(3)
    policy.act(*seen(0))
    observation, mask = seen(1)
    observation[:, layout.Own.GREED] = 1.0
    found = stances(policy.act(observation, mask))
    assert set(found) == {layout.Stance.MOBILIZE, layout.Stance.ALIGN}
    assert np.array_equal(stances(policy.act(observation, mask)), found)


def test_one_seed_one_play_and_a_copy_draws_for_itself() -> None:
    one, other = mixture(), mixture()
    for policy in (one, other):
        policy.reset(5)
    twin = copy.deepcopy(one)
    drawn = one.act(*seen(0))
    assert np.array_equal(other.act(*seen(0)), drawn)
    twin.reset(6)
    assert not np.array_equal(twin.act(*seen(0)), drawn)
    assert np.array_equal(one.act(*seen(1)), drawn)  # the copy's draws are none of its business
    frames = [play(SCENARIO, [mixture(), mixture()], worlds=8, seed=2) for _ in range(2)]
    assert frames[0].equals(frames[1])


def test_what_may_be_drawn_and_what_was_is_seen_in_the_probabilities_and_values() -> None:
    policy = mixture()
    policy.reset(3)
    before = policy.probabilities(*seen(0))[layout.Head.STANCE]
    np.testing.assert_allclose(before[0, [layout.Stance.NEUTRAL, layout.Stance.ALIGN]], [0.75, 0.25], atol=1e-5)
    np.testing.assert_allclose(before[1, [layout.Stance.MOBILIZE, layout.Stance.ALIGN]], [0.5, 0.5], atol=1e-5)
    values = policy.value(seen(0)[0])
    mobilize, align, neutral = (float(stance) for stance in (layout.Stance.MOBILIZE, layout.Stance.ALIGN, 1))
    assert neutral == layout.Stance.NEUTRAL
    assert values[:2] == pytest.approx([0.75 * neutral + 0.25 * align, 0.5 * mobilize + 0.5 * align])
    drawn = stances(policy.act(*seen(0)))
    after = policy.probabilities(*seen(1))[layout.Head.STANCE]
    assert np.array_equal(after.argmax(axis=1), drawn) and after.max(axis=1).min() > 0.999
    np.testing.assert_allclose(policy.value(seen(1)[0]), drawn.astype(float), atol=1e-5)


def test_members_lead_a_type_in_the_order_of_their_shares() -> None:
    policy = mixture()
    order = [[policy.members.index(policy.leading(greedy, rank)) for rank in range(3)] for greedy in (False, True)]
    for greedy, found in enumerate(order):
        shares = policy.shares[greedy]
        assert list(shares[found[: np.count_nonzero(shares)]]) == sorted(shares[shares > 0], reverse=True)
        assert found[2] == found[1], "only two members have a share of either type"
    assert policy.members[0].leading(True, 5) is policy.members[0]


def test_a_bundle_of_a_mixture_comes_back_as_it_was(tmp_path: Path) -> None:
    policy = mixture()
    policy.save(tmp_path / "mixed.sd")
    back = load_bundle(tmp_path / "mixed.sd")
    assert isinstance(back, MixedBundle) and back.name == "mixed"
    assert np.array_equal(back.shares, policy.shares) and len(back.members) == 3
    for each in (policy, back):
        each.reset(9)
    assert np.array_equal(policy.act(*seen(0)), back.act(*seen(0)))
    assert back.leading(False).probabilities(*seen(0))[layout.Head.STANCE][0, layout.Stance.NEUTRAL] > 0.99
    back.save(tmp_path / "again.sd")
    for name in ("policy.safetensors", "bundle.json"):
        assert (tmp_path / "again.sd" / name).read_bytes() == (tmp_path / "mixed.sd" / name).read_bytes()
    titled = back.titled("other", "PPO", {"seed": 4})
    assert titled.name == "other" and titled.info["training"] == {"seed": 4}


def test_mixtures_of_one_training_are_one_player_whoever_learned_their_members(tmp_path: Path) -> None:
    """The policy that was trained may have no share, and what beat it was learned by another learner."""
    for seed in (1, 2):
        found = mixture()
        found.manifest = found.manifest.model_copy(update={"algorithm": ("FastPPO", "PPO")[seed - 1]})
        found.titled(f"intense__seed{seed}", "PPO", {"seed": seed}).save(tmp_path / f"{seed}.sd")
    [player] = players_of([str(tmp_path / f"{seed}.sd") for seed in (1, 2)], SCENARIO)
    assert player.seeds == (1.0, 2.0)


def test_a_plain_bundle_has_no_word_of_mixtures(tmp_path: Path) -> None:
    always(layout.Stance.NEUTRAL).save(tmp_path / "plain.sd")
    manifest = json.loads((tmp_path / "plain.sd" / "bundle.json").read_text())
    assert "mixture" not in manifest and manifest["version"] == 1


def test_members_without_a_share_are_left_out_and_others_keep_how_they_choose() -> None:
    members = [always(layout.Stance.NEUTRAL), always(layout.Stance.ATTACK), always(layout.Stance.ALIGN, likeliest=True)]
    policy = mix(members, np.array([[0.5, 0.0, 0.5], [1.0, 0.0, 0.0]]), name="two")
    assert [member.deterministic for member in policy.members] == [False, True]
    assert policy.manifest.mixture == Mixture(seekers=[0.5, 0.5], greedy=[1.0, 0.0], likeliest=[False, True])


def test_its_memory_of_whom_it_drew_is_kept_in_checkpoints() -> None:
    policy, other = mixture(), mixture()
    policy.reset(3)
    drawn = policy.act(*seen(0))
    recall(other, capture(policy))
    assert np.array_equal(other.act(*seen(1)), drawn)
    assert np.array_equal(other.act(*seen(0)), policy.act(*seen(0)))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda policy: policy.latents(seen(0)[0]), "share no hidden layer"),
        (lambda policy: to_torch(policy), "is no single network"),
        (lambda policy: policy.act(*seen(1, rows=3)), "asked for 3 rows amid an episode of 4000"),
        (lambda policy: policy.act(seen(0)[0][:, 1:], seen(0)[1]), "takes observations of shape"),
    ],
)
def test_what_a_mixture_cannot_do_is_said(call: Any, sentence: str) -> None:
    policy = mixture()
    policy.reset(1)
    policy.act(*seen(0))
    with pytest.raises(BundleError, match=sentence):
        call(policy)


@pytest.mark.parametrize(
    ("mixture_of", "sentence"),
    [
        ({"seekers": [0.5, 0.4], "greedy": [1.0, 0.0], "likeliest": [False, False]}, "add up to 1"),
        ({"seekers": [0.5, 0.5], "greedy": [1.0], "likeliest": [False, False]}, "add up to 1"),
        ({"seekers": [1.5, -0.5], "greedy": [1.0, 0.0], "likeliest": [False, False]}, "seekers"),
        ({"seekers": [1.0], "greedy": [1.0], "likeliest": [False]}, "policy.safetensors|tensor"),
    ],
)
def test_a_bundle_whose_shares_are_none_is_refused(mixture_of: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    from agents.policies.bundle_files import _seal

    members = [always(layout.Stance.NEUTRAL), always(layout.Stance.ALIGN)]
    mix(members, np.full((2, 2), 0.5), name="mixed").save(tmp_path / "mixed.sd")
    path = tmp_path / "mixed.sd" / "bundle.json"
    data = json.loads(path.read_text()) | {"mixture": mixture_of}
    data.pop("sha256")
    body = json.dumps(data, indent=1).encode()[: -len("\n}")]
    path.write_bytes(body + _seal(body))
    with pytest.raises(BundleError, match=sentence) as refused:
        load_bundle(tmp_path / "mixed.sd")
    assert "\n" not in str(refused.value)
