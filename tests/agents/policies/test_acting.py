"""Compiled acting chooses what torch chooses, whatever the network, the batch and the mixture."""

from __future__ import annotations

import copy
import pickle
from functools import cache
from typing import Any

import numba
import numpy as np
import pytest
import torch as th

from agents.policies import acting
from agents.policies.acting import BLOCK, Acting
from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.mixture import MixedBundle, mix
from agents.policies.networks import KINDS, NEVER, Activation, Architecture, NetArch, Network
from agents.policies.state import capture, recall
from sd_env import layout
from sd_env.rules.compiled import UNCOMPILED
from tests.learners import SCENARIO, fresh

pytestmark = pytest.mark.skipif(UNCOMPILED, reason="what is not compiled is left to torch")

#: Two choices closer than this may be taken one for the other.
CLOSE = 1e-5


@cache
def _plain(kind: str) -> LearnedBundle:
    return bundle_of(fresh(kind), SCENARIO)


def policy_of(
    kind: str = "types",
    layers: tuple[int, ...] = (12, 7),
    activation: Activation = "tanh",
    extractor: Any = "symlog",
    seed: int = 0,
) -> LearnedBundle:
    """An untrained policy whose logits are spread by some units."""
    manifest = _plain(kind).manifest
    arch = NetArch(pi=list(layers), vf=[4])
    made = Architecture(net_arch=arch, activation=activation, extractor=extractor, lstm=None)
    with th.random.fork_rng(), th.no_grad():
        th.manual_seed(seed)
        network = Network(made, len(manifest.spaces.columns), manifest.spaces.nvec, KINDS[manifest.policy])
        for parameter in network.parameters():
            parameter.copy_(th.randn(parameter.shape) / parameter.shape[-1] ** 0.5)
    return LearnedBundle(manifest.model_copy(update={"architecture": made}), network, SCENARIO)


def by_torch(policy: LearnedBundle) -> LearnedBundle:
    """A copy at the same point of its draws, which torch computes."""
    twin = copy.deepcopy(policy)
    for each in (twin, *getattr(twin, "members", [])):
        each._acting = None
    return twin


def seen(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Made-up rows of both types, the first of an episode."""
    random = np.random.default_rng(seed)
    observation = random.normal(0, 2, (count, len(_plain("heads").spaces.columns))).astype(np.float32)
    observation[:, layout.Own.GREED] = random.integers(0, 2, count)
    observation[:, layout.Own.TURN] = 0
    return observation, np.ones((count, layout.mask_size(2)), np.int8)


def close_calls(policy: LearnedBundle, observation: np.ndarray) -> np.ndarray:
    """Where the two best choices are so close that rounding may decide, bool ``(K, H)``, before it acts."""
    network, generator = policy.network, th.Generator()
    generator.set_state(policy._generator.get_state())
    with th.no_grad():
        logits = network.action_net(network.actor(th.as_tensor(observation), None)[0])
    sizes = policy.spaces.nvec
    keys = th.full((len(observation), len(sizes), max(sizes)), NEVER)
    for head, own in enumerate(th.split(logits, sizes, dim=1)):
        keys[:, head, : sizes[head]] = own
    if not policy.deterministic:
        keys -= th.empty_like(keys).exponential_(generator=generator).log()
    best = keys.topk(2, dim=-1).values
    close: np.ndarray = (best[..., 0] - best[..., 1] < CLOSE).numpy()
    return close


def agree(policy: LearnedBundle, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What both ways choose, which must be the same."""
    assert policy._acting is not None
    twin, close = by_torch(policy), close_calls(policy, observation)
    mine, theirs = policy.act(observation, mask), twin.act(observation, mask)
    assert mine.dtype == np.int64 and mine.shape == theirs.shape
    assert ((mine == theirs) | close).all() and close.sum() <= 4
    assert th.equal(policy._generator.get_state(), twin._generator.get_state())
    return mine


# --- one policy -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extractor", ["raw", "symlog"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("layers", [(), (12,), (12, 7), (16, 9, 3)])
@pytest.mark.parametrize("kind", ["heads", "types"])
def test_it_chooses_as_torch_does(kind: str, layers: tuple[int, ...], activation: Any, extractor: str) -> None:
    policy = policy_of(kind, layers, activation, extractor)
    policy.reset(5)
    for turn, count in enumerate((2000, 1, BLOCK, BLOCK + 1, 0)):
        found = agree(policy, *seen(count, seed=turn))
        if count == 2000:  # and all choices occur
            assert [len(np.unique(head)) for head in found.T] == policy.spaces.nvec
    likeliest = policy.likeliest()
    agree(likeliest, *seen(500))


@pytest.mark.parametrize("greed", [0.0, 1.0])
def test_rows_may_all_be_of_one_type(greed: float) -> None:
    observation, mask = seen(100)
    observation[:, layout.Own.GREED] = greed
    agree(policy_of(), observation, mask)


def test_rows_need_not_lie_together_nor_be_float32() -> None:
    policy = policy_of()
    observation, mask = seen(400)
    for rows, own in ((observation[::2], mask[::2]), (observation[200:].astype(np.float64), mask[200:])):
        policy.reset(2)
        loose = policy.act(rows, own)
        policy.reset(2)
        assert np.array_equal(policy.act(np.ascontiguousarray(rows, np.float32), own.copy()), loose)
    wide = np.asfortranarray(observation)
    agree(policy, wide, mask)


def test_its_most_probable_choices_do_not_depend_on_the_batch() -> None:
    policy = policy_of().likeliest()
    observation, mask = seen(150)
    whole = policy.act(observation, mask)
    for size in (1, 7, BLOCK):
        parts = [policy.act(observation[k : k + size], mask[k : k + size]) for k in range(0, 150, size)]
        assert np.array_equal(np.concatenate(parts), whole)


def test_a_short_head_never_takes_a_choice_that_it_lacks() -> None:
    """Its logits are the least, so that what lies beside them would win."""
    policy = policy_of("heads", ())
    with th.no_grad():
        policy.network.action_net.weight.zero_()
        policy.network.action_net.bias.fill_(-1e9)
    for each in (policy, policy.likeliest()):
        assert (each.act(*seen(3000)).max(axis=0) < policy.spaces.nvec).all()


@pytest.mark.parametrize("changes", ["in place", "loaded", "another tensor", "a step"])
def test_changed_weights_are_packed_anew(changes: str) -> None:
    policy, other = policy_of(seed=0).likeliest(), policy_of(seed=1)
    before = policy.act(*seen(200))
    network = policy.network
    if changes == "in place":
        with th.no_grad():
            for parameter, value in zip(network.parameters(), other.network.parameters(), strict=True):
                parameter.copy_(value)
    elif changes == "a step":
        optimizer = th.optim.Adam(network.parameters(), lr=0.5)
        network.actor(th.as_tensor(seen(50)[0]), None)[0].square().sum().backward()
        (network.action_net.weight.sum() * 1.0).backward()  # type: ignore[operator]
        optimizer.step()
    else:
        network.load_state_dict(other.network.state_dict(), assign=changes == "another tensor")
    after = agree(policy, *seen(200))
    assert not np.array_equal(after, before)


def test_weights_are_packed_once_for_all_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[Network] = []
    stacks = acting._stacks
    monkeypatch.setattr(acting, "_stacks", lambda network: (packed.append(network), stacks(network))[1])
    policy = policy_of()
    for each in (policy, copy.deepcopy(policy), policy.likeliest()):
        each.act(*seen(5))
        each.act(*seen(6))
    assert packed == [policy.network]


def test_what_it_remembers_is_its_draws_and_no_weights() -> None:
    policy, other = policy_of(), policy_of()
    policy.reset(4)
    policy.act(*seen(30))
    memory = capture(policy)
    assert sum(array.nbytes for name, array in memory.items() if name != "tree") < 10_000
    recall(other, memory)
    assert np.array_equal(other.act(*seen(30, seed=1)), policy.act(*seen(30, seed=1)))
    assert other._acting is not policy._acting


def test_what_acts_is_pickled_with_its_networks() -> None:
    policy = policy_of().likeliest()
    assert policy._acting is not None
    again: Acting = pickle.loads(pickle.dumps(policy._acting))
    assert np.array_equal(again(seen(40)[0], None, [None]), policy.act(*seen(40)))
    with th.no_grad():
        again._networks[0].action_net.bias.add_(th.arange(sum(policy.spaces.nvec)))  # type: ignore[arg-type]
    assert not np.array_equal(again(seen(40)[0], None, [None]), policy.act(*seen(40)))


@pytest.mark.parametrize("kind", ["recurrent", "masked", "set", "sb3"])
def test_other_kinds_are_left_to_torch(kind: str) -> None:
    assert _plain(kind)._acting is None


def test_so_are_large_networks_and_other_activations() -> None:
    assert policy_of(layers=(1024, 1024))._acting is None
    assert policy_of(activation="gelu")._acting is None


# --- mixtures -------------------------------------------------------------------------------------------------


def mixture(shares: Any, kind: str = "types") -> MixedBundle:
    members = [policy_of(kind, seed=seed) for seed in range(3)]
    members[1].deterministic = True
    return mix(members, np.array(shares), name="mixed")


EVEN = [[0.4, 0.3, 0.3], [0.2, 0.2, 0.6]]


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("kind", ["heads", "types"])
@pytest.mark.parametrize("shares", [EVEN, [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
def test_a_mixture_chooses_as_torch_does(shares: Any, kind: str, deterministic: bool) -> None:
    policy = mixture(shares, kind)
    policy.deterministic = deterministic
    policy.reset(8)
    twin = by_torch(policy)
    for turn, count in enumerate((700, 700, 40, 2, 0)):
        observation, mask = seen(count, seed=turn)
        mine, theirs = policy.act(observation, mask), twin.act(observation, mask)
        assert (mine != theirs).sum() <= 1  # a close call, of 3,500 draws
        for one, other in zip(policy.members, twin.members, strict=True):
            assert th.equal(one._generator.get_state(), other._generator.get_state())


@pytest.mark.parametrize("member", [0, 1, 2])
def test_all_rows_may_have_drawn_one_member(member: int) -> None:
    policy = mixture(EVEN)
    policy.shares = np.eye(3)[[member, member]]
    policy.reset(8)
    alone = copy.deepcopy(policy.members[member])
    assert np.array_equal(policy.act(*seen(300)), alone.act(*seen(300)))


def test_a_mixture_notices_that_a_member_changed() -> None:
    policy = mixture(EVEN)
    policy.deterministic = True
    policy.reset(8)
    before = policy.act(*seen(300))
    policy.members[2].network.load_state_dict(policy_of(seed=9).network.state_dict())
    policy.reset(8)
    twin = by_torch(policy)
    after = policy.act(*seen(300))
    assert not np.array_equal(after, before)
    assert np.array_equal(after, twin.act(*seen(300)))


# --- functions ------------------------------------------------------------------------------------------------


def _over(function: Any) -> Any:
    @numba.njit
    def each(given: np.ndarray, found: np.ndarray) -> None:
        for i in range(len(given)):
            found[i] = function(given[i])

    return each


def test_tanh_and_the_logarithm_are_as_good_as_float32() -> None:
    random = np.random.default_rng(1)
    given = np.concatenate(
        [np.linspace(-12, 12, 200_001), random.normal(0, 1e-3, 10_000), [0.0, 1e30, -1e30, np.inf, -np.inf]]
    ).astype(np.float32)
    found = np.empty_like(given)
    _over(acting._tanh)(given, found)
    assert np.abs(found - np.tanh(given.astype(np.float64))).max() <= 2e-7
    given = np.exp(np.linspace(-40, 40, 200_001)).astype(np.float32)
    found = np.empty_like(given)
    _over(acting._log)(given, found)
    right = np.log(given.astype(np.float64))
    assert (np.abs(found - right) / np.maximum(np.abs(right), 1)).max() <= 2e-7
