"""A network taught to play as a script does: where to begin, for a learner that would not have come there by itself.

Early play that punishes all attacks lets exploration die before a plan of many turns has paid once. A scripted plan
that gains is then imitated (behaviour cloning: Pomerleau 1989), and the learner goes on from there.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import torch as th

from agents.policies.bundles import LearnedBundle
from agents.policies.networks import Heads, Network
from agents.table.deviation import cast_of
from agents.table.play import play
from sd_env import layout
from sd_env.policies import AnyHeads, answer, one_thread
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from agents.policies.protocol import Policy
    from agents.table.interventions import InterventionsLike

#: Passes over what was seen, rows a step, step size.
_EPOCHS: Final = 30
_BATCH: Final = 512
_RATE: Final = 0.003


class _Watched(AnyHeads):
    """A policy, and what it saw and did."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.seen: list[np.ndarray] = []
        self.done: list[np.ndarray] = []

    def reset(self, seed: int) -> None:
        """As the policy."""
        self._policy.reset(seed)

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: layout.Heads) -> np.ndarray:
        """The policy's actions, int64 ``(K, H)``."""
        actions = np.array(answer(self._policy, observation, mask, heads))
        self.seen.append(observation.copy())
        self.done.append(actions)
        return actions


def taught(
    scenario: Scenario,
    scripts: Mapping[bool, Policy],
    frozen: Policy | Sequence[Policy],
    pupil: LearnedBundle,
    *,
    seat: int = 0,
    worlds: int,
    seed: int,
    interventions: InterventionsLike | None = None,
) -> LearnedBundle:
    """A policy of the shape of ``pupil`` that plays as the scripts do, each type by its own.

    Its networks begin anew: logits of a policy that is sure of itself would take long to turn.

    Args:
        scenario: the game.
        scripts: whether greedy -> whom a state of the type imitates.
        frozen: who plays all other seats while the scripts are watched: a policy, or one for each state.
        pupil: a policy without memory.
        seat: index of the state in which the scripts are watched.
        worlds: in which the scripts are watched, one episode each.
        seed: 0 to 2**31 - 1, of the worlds, of the first weights and of the order of lessons.
        interventions: what states are bound to.
    """
    seen, done = [], []
    for greedy, script in scripts.items():
        watched = _Watched(script)
        cast = cast_of(scenario, seat, watched, frozen)
        play(scenario, cast, worlds=worlds, seed=seed, interventions=interventions)
        observations, actions = np.concatenate(watched.seen), np.concatenate(watched.done)
        own = (observations[:, layout.Own.GREED] > 0) == greedy
        seen.append(observations[own])
        done.append(actions[own])
    observation, action = th.as_tensor(np.concatenate(seen)), th.as_tensor(np.concatenate(done))
    network = _anew(pupil, seed)
    heads = Heads(pupil.spaces.nvec)
    order = th.Generator().manual_seed(seed)
    optimizer = th.optim.Adam([*network.mlp_extractor["policy_net"].parameters(), *network.action_net.parameters()],
                              lr=_RATE)  # fmt: skip
    with one_thread(), th.enable_grad():
        for _ in range(_EPOCHS):
            for rows in th.split(th.randperm(len(observation), generator=order), _BATCH):
                log_probs = heads.log_probs(network.action_net(network.actor(observation[rows], None)[0]))
                loss = -log_probs.gather(-1, action[rows].unsqueeze(-1)).squeeze(-1).sum(dim=1).mean()
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    return LearnedBundle(pupil.manifest, network.requires_grad_(False).eval(), pupil.scenario)


def _anew(pupil: LearnedBundle, seed: int) -> Network:
    """Its networks with fresh weights."""
    network = copy.deepcopy(pupil.network).cpu().requires_grad_(True)
    with th.random.fork_rng([]):
        th.manual_seed(seed)
        for layer in network.modules():
            if isinstance(layer, th.nn.Linear):
                layer.reset_parameters()
    return network
