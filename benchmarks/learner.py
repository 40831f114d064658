"""(f) The fast path: agent-steps a second of FastPPO and of stable-baselines3's PPO, and what the products alone cost.

Both learn in the worlds with the same settings and networks, one torch thread, one core, in turn: those of the default
experiment, with one network for both types, with masks, and with memory. What is measured is processor time, which
other work on the machine moves less than the clock.

The products of matrices that a rollout and its update need, of the sizes that they need and nothing else, are the
floor: no learner of these networks that computes them in torch can cost less. How far FastPPO is above it is printed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import torch as th
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.training.config import TrainingConfig, load_training
from agents.training.learner_config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.seats import WorldsVecEnv
from benchmarks.engine import SCENARIO
from benchmarks.harness import Report, alternate, one_core, timed
from sd_env import load_scenario

#: How many times SB3's agent-steps a second are claimed, with the default experiment's networks.
CLAIM: Final = 1.5
_CONFIGS: Final = Path(__file__).parent.parent / "configs"
_MEMORY: Final = {"lstm_hidden_size": 32, "n_lstm_layers": 1, "networks": "shared", "net_arch": [64]}
#: Networks: the learner of SB3 that has them, and what differs from the default experiment's learner.
NETWORKS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "by type": ("PPO", {}),
    "shared": ("PPO", {"networks": "shared"}),
    "masks": ("MaskablePPO", {"networks": "shared", "masks": True}),
    "memory": ("RecurrentPPO", _MEMORY),
}


def settings_of(config: LearnerConfig, networks: str, *, fast: bool) -> LearnerConfig:
    """The experiment's learner with these networks: FastPPO, or SB3's."""
    algorithm, own = NETWORKS[networks]
    found = config.model_dump() | own
    found |= {"algorithm": "FastPPO", "masks": own.get("masks", False)} if fast else {"masks": None}
    return LearnerConfig.model_validate(found if fast else found | {"algorithm": algorithm})


def seated(config: LearnerConfig, worlds: int) -> OnPolicyAlgorithm:
    """A learner in its worlds, with a rollout and an update behind it."""
    env = WorldsVecEnv(load_scenario(SCENARIO), worlds, seed=0, reward_scale=config.reward_scale, horizon_ends=True)
    learner = make_learner(config, env, seed=0)
    return learner.learn(learner.n_steps * env.num_envs)


def training(learner: OnPolicyAlgorithm, rollouts: int) -> Callable[[], float]:
    """Trains for so many rollouts and gives the seconds of processor time of each."""
    steps = rollouts * learner.n_steps * learner.n_envs
    return lambda: timed(partial(learner.learn, steps), clock=time.process_time) / rollouts


class Products:
    """The products of matrices of one rollout and its update, flat networks, on numbers that mean nothing.

    Args:
        learner: whose they are.
        config: its settings.
    """

    def __init__(self, learner: OnPolicyAlgorithm, config: LearnerConfig) -> None:
        assert config.batch_size is not None and config.n_epochs is not None, "PPO has both"
        policy: Any = learner.policy
        self._types = 2 if config.networks == "by_type" else 1
        self._turns, self._slots = learner.n_steps, learner.n_envs
        self._batch, self._epochs = config.batch_size, config.n_epochs
        self._weights = [th.randn(2, b, a) for a, b in pairwise([policy.features_dim, *config.net_arch])]
        outputs = sum(int(size) for size in policy.action_space.nvec), 1
        self._tops = [th.randn(size, self._weights[-1].shape[1]) for size in outputs]

    def flops(self) -> float:
        """Floating-point operations, a multiplication and an addition each counted as one."""
        hidden = [weight[0].numel() for weight in self._weights]
        actor, critic = (sum(hidden) + top.numel() for top in self._tops)
        rows = self._turns * self._slots
        back = 3 * (actor + critic) - 2 * hidden[0]  # by weights and by inputs, but not by what is seen
        return 2.0 * rows * (actor + critic + self._epochs * back) + 2.0 * self._slots * critic

    def __call__(self) -> None:
        """All of them once."""
        rows, slots = self._turns * self._slots, self._slots
        for _ in range(self._turns):
            self._passes(slots, (0,), back=False)
        self._passes(rows + slots, (1,), back=False)
        for _ in range(self._epochs):
            for first in range(0, rows, self._batch):
                self._passes(min(self._batch, rows - first), (0, 1), back=True)

    def _passes(self, rows: int, nets: tuple[int, ...], *, back: bool) -> None:
        """Through the networks of each type with its share of the rows."""
        share = rows // self._types
        seen = th.ones(rows, self._weights[0].shape[2])
        for kind in range(self._types):
            own = seen[kind * share : rows if kind == self._types - 1 else (kind + 1) * share].T
            self._pass(own, nets, back=back)

    def _pass(self, rows: th.Tensor, nets: tuple[int, ...], *, back: bool) -> None:
        first, end = nets[0], nets[-1] + 1
        made = [th.mm(self._weights[0][first:end].flatten(0, 1), rows).view(len(nets), -1, rows.shape[1])]
        for weight in self._weights[1:]:
            made.append(th.bmm(weight[first:end], made[-1]))
        outs = [th.mm(self._tops[net], made[-1][k]) for k, net in enumerate(nets)]
        if not back:
            return
        slope = th.empty_like(made[-1])
        for net, out in enumerate(outs):
            th.mm(out, made[-1][net].T)
            th.mm(self._tops[net].T, out, out=slope[net])
        for k in range(len(made) - 1, 0, -1):
            th.bmm(slope, made[k - 1].transpose(1, 2))
            slope = th.bmm(self._weights[k].transpose(1, 2), slope)
        th.mm(slope.flatten(0, 1), rows.T)


def run(smoke: bool, repeats: int) -> Report:
    """Measure FastPPO against SB3's learners and against the products."""
    th.set_num_threads(1)
    report = Report("learner", "The fast path: FastPPO against stable-baselines3, one core, one torch thread")
    name = "smoke" if smoke else "four_worlds"
    config = load_training(_CONFIGS / f"{name}.yaml")
    with one_core(not smoke):
        for networks in NETWORKS:
            measure(report, config, networks, 1 if smoke else 4, repeats)
    report.settings = {
        "scenario": SCENARIO,
        "config": f"configs/{name}.yaml",
        "worlds": config.worlds,
        "repeats": repeats,
        "clock": "processor time",
        "learner": config.learner.model_dump(mode="json", exclude_none=True),
    }
    return report


def measure(report: Report, config: TrainingConfig, networks: str, rollouts: int, repeats: int) -> None:
    """Add the figures of both learners with some networks, and of the products where the layers are by hand."""
    both = {fast: settings_of(config.learner, networks, fast=fast) for fast in (True, False)}
    learners = {fast: seated(settings, config.worlds) for fast, settings in both.items()}
    works = [training(learner, rollouts) for learner in learners.values()]
    products = None
    if networks != "memory":
        products = Products(learners[True], both[True])
        products()
        works.append(partial(_repeated, products, rollouts))
    found = alternate(repeats, *works)
    steps = learners[True].n_steps * learners[True].n_envs
    algorithm = NETWORKS[networks][0]
    report.rate(f"{networks}: FastPPO", steps, found[0], "agent-steps/s")
    report.rate(f"{networks}: {algorithm} of SB3", steps, found[1], "agent-steps/s")
    note = "median over the repeats of their ratio"
    claim: dict[str, Any] = {"at_least": CLAIM} if networks == "by type" else {}
    report.ratio(f"{networks}: FastPPO against {algorithm}", _ratio(found[1], found[0]), note=note, **claim)
    if products is not None:
        report.rate(f"{networks}: the products alone", steps, found[2], "agent-steps/s")
        report.ratio(f"{networks}: time of FastPPO against the products", _ratio(found[0], found[2]), note=note)
        report.ratio(f"{networks}: time of {algorithm} against the products", _ratio(found[1], found[2]), note=note)
        speed = products.flops() / statistics.median(found[2]) / 1e9
        report.notes.append(f"{networks}: the products alone run at {speed:.0f} thousand million operations a second")


def _repeated(products: Products, rollouts: int) -> float:
    def all_of_them() -> None:
        with th.no_grad():
            for _ in range(rollouts):
                products()

    return timed(all_of_them, clock=time.process_time) / rollouts


def _ratio(one: list[float], other: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, other, strict=True))
