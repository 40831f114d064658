"""(c) Training: agent-steps a second of PPO from stable-baselines3, and where the time goes.

The same learner with the same settings (those of the default experiment, one torch thread, one core) trains on:

- the worlds, through :class:`agents.training.seats.WorldsVecEnv`, as ``train.py`` trains on them: with the callback
  that bootstraps all truncated slots of a step at once (:class:`agents.training.callbacks.OnStep`);
- a ``VecEnv`` of the same spaces that costs nothing: it hands out observations that were made beforehand. No
  environment can be faster, so this is the ceiling;
- the same game through SuperSuit's wrappers over PettingZoo's ParallelEnv, the usual path.

The ceiling is measured with SB3's own ``MlpPolicy`` too, which is what a user who brings the algorithm would have; and
stepping alone, without learning, on the worlds and on SuperSuit's path.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from agents.training.callbacks import OnStep
from agents.training.config import TrainingConfig, load_training
from agents.training.learners import make_learner
from agents.training.seats import WorldsVecEnv
from benchmarks.engine import SCENARIO
from benchmarks.harness import Report, alternate, one_core, timed
from sd_env import load_scenario, parallel_env

CEILING_CLAIM: Final = 0.90
SUPERSUIT_CLAIM: Final = 5.0
_CONFIGS: Final = Path(__file__).parent.parent / "configs"

StepResult = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]


class ZeroCostVecEnv(VecEnv):
    """A ``VecEnv`` without a game: each step hands out the next of a few observations that were made beforehand.

    Args:
        slots: number of environments that it stands for.
        observation_space: a Box; observations are standard normal, clipped to it.
        action_space: any space; actions are not looked at.
    """

    def __init__(self, slots: int, observation_space: spaces.Box, action_space: spaces.Space[Any]) -> None:
        self.render_mode = None  # SB3 asks for it
        super().__init__(slots, observation_space, action_space)
        rng = np.random.default_rng(0)
        low, high = observation_space.low, observation_space.high
        shape = (slots, *observation_space.shape)
        self._observations = [np.clip(rng.standard_normal(shape), low, high).astype(np.float32) for _ in range(8)]
        self._rewards = rng.standard_normal(slots).astype(np.float32)
        self._dones = np.zeros(slots, dtype=np.bool_)
        self._infos: list[dict[str, Any]] = [{} for _ in range(slots)]
        self._next = 0

    def reset(self) -> NDArray[np.float32]:
        """The first observations."""
        return self._observations[0]

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take no notice of the actions."""

    def step_wait(self) -> StepResult:
        """Hand out the next observations; no episode ever ends."""
        self._next = (self._next + 1) % len(self._observations)
        return self._observations[self._next], self._rewards, self._dones, self._infos

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The same attribute for every slot."""
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set it for every slot."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """The same answer for every slot."""
        return [getattr(self, method_name)(*args, **kwargs)] * self.num_envs

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """No slot is wrapped."""
        return [False] * self.num_envs


def supersuit_vec_env(game: Any, copies: int, report: Report) -> Any | None:
    """SuperSuit's path to SB3 on copies of a ParallelEnv, in this process; None with a note where it is absent."""
    try:
        supersuit = import_module("supersuit")
    except ImportError as error:
        report.notes.append(
            f"Not compared with SuperSuit: it does not import here ({error}); `make bench` installs it, or pip install "
            "'sd-env[bench]'."
        )
        return None
    one = supersuit.pettingzoo_env_to_vec_env_v1(game)
    return supersuit.concat_vec_envs_v1(one, copies, num_cpus=0, base_class="stable_baselines3")


def stock_learner(config: TrainingConfig, env: VecEnv) -> PPO:
    """SB3's PPO with its own ``MlpPolicy`` and the experiment's settings."""
    learner = config.learner
    layers = list(learner.net_arch)
    settings = {name: getattr(learner, name) for name in ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda")}
    network = {"net_arch": {"pi": layers, "vf": layers}}
    return PPO("MlpPolicy", env, learning_rate=learner.learning_rate, policy_kwargs=network, device="cpu", **settings)


def prepare(learner: OnPolicyAlgorithm, env: VecEnv, rollouts: int) -> Callable[[], float]:
    """Seat a learner in ``env`` and warm it up; the result trains for some rollouts and gives the seconds of each."""
    learner.set_env(env)
    steps = learner.n_steps * env.num_envs
    # our own way of bootstrapping only on our own worlds: others are measured as their users have them
    callback = OnStep() if isinstance(env, WorldsVecEnv) else None
    learner.learn(steps, callback=callback)
    return lambda: timed(partial(learner.learn, rollouts * steps, callback=callback)) / rollouts


def prepare_stepping(env: VecEnv, steps: int) -> Callable[[], float]:
    """Make random actions for an environment; the result steps it and gives the seconds of each step."""
    rng = np.random.default_rng(0)
    assert isinstance(env.action_space, spaces.MultiDiscrete)
    pool = [rng.integers(env.action_space.nvec, size=(env.num_envs, len(env.action_space.nvec))) for _ in range(8)]
    env.reset()

    def play() -> None:
        for turn in range(steps):
            env.step(pool[turn % len(pool)])

    return lambda: timed(play) / steps


def shares(learner: OnPolicyAlgorithm, env: VecEnv, rollouts: int) -> dict[str, float]:
    """Where training's time goes: shares of the whole, summing to 1."""
    spent: dict[str, float] = {}

    def watch(owner: object, method: str, what: str) -> None:
        plain = getattr(owner, method)
        spent[what] = 0.0

        def watched(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            result = plain(*args, **kwargs)
            spent[what] += time.perf_counter() - start
            return result

        setattr(owner, method, watched)

    watch(learner, "train", "gradient updates")
    watch(env, "step", "the worlds")
    watch(learner.policy, "predict_values", "values at the horizon")
    total = timed(partial(learner.learn, rollouts * learner.n_steps * env.num_envs, callback=OnStep()))
    found = {what: seconds / total for what, seconds in spent.items()}
    return found | {"policy forward passes, buffer and the rest of SB3": 1 - sum(found.values())}


def run(smoke: bool, repeats: int) -> Report:
    """Measure training on the worlds against the ceiling and against SuperSuit's path."""
    torch.set_num_threads(1)
    report = Report("training", "Training: PPO of stable-baselines3, one core, one torch thread")
    name = "smoke" if smoke else "four_worlds"
    config = load_training(_CONFIGS / f"{name}.yaml")
    rollouts = 1 if smoke else 2
    with one_core(not smoke):
        measure(report, config, rollouts, repeats)
    report.settings = {
        "scenario": SCENARIO,
        "config": f"configs/{name}.yaml",
        "worlds": config.worlds,
        "rollouts": rollouts,
        "repeats": repeats,
        "learner": config.learner.model_dump(mode="json", exclude_none=True),
    }
    return report


def measure(report: Report, config: TrainingConfig, rollouts: int, repeats: int) -> None:
    """Add the figures of one experiment's learner."""
    scenario = load_scenario(SCENARIO)
    table = partial(WorldsVecEnv, scenario, config.worlds, seed=0)
    envs: dict[str, VecEnv] = {"the worlds": table()}
    slots, seen, done = envs["the worlds"].num_envs, envs["the worlds"].observation_space, table().action_space
    assert isinstance(seen, spaces.Box)
    envs["zero-cost VecEnv"] = ZeroCostVecEnv(slots, seen, done)
    wrapped = supersuit_vec_env(parallel_env(scenario), config.worlds, report)
    if wrapped is not None:
        envs["SuperSuit"] = wrapped
    # Each learner is made for the worlds and then seated: PPO's own seeding fails on SuperSuit's wrapper.
    works = {
        name: prepare(make_learner(config.learner, table(), seed=0), env, 1 if name == "SuperSuit" else rollouts)
        for name, env in envs.items()
    }
    stock = ZeroCostVecEnv(slots, seen, done)
    works["zero-cost VecEnv, SB3's MlpPolicy"] = prepare(stock_learner(config, stock), stock, rollouts)
    seconds = dict(zip(works, alternate(repeats, *works.values()), strict=True))
    steps = config.learner.n_steps * slots
    for name, samples in seconds.items():
        report.rate(f"training on {name}", steps, samples, "agent-steps/s")
    compare(report, seconds)
    names = [name for name in envs if name != "zero-cost VecEnv"]
    counts = {"the worlds": 64 * rollouts, "SuperSuit": 8 * rollouts}
    stepping = alternate(repeats, *(prepare_stepping(envs[name], counts[name]) for name in names))
    for name, samples in zip(names, stepping, strict=True):
        report.rate(f"stepping {name}, no learning", slots, samples, "agent-steps/s")
    if wrapped is not None:
        ratio = statistics.median(stepping[1]) / statistics.median(stepping[0])
        report.ratio("stepping: the worlds against SuperSuit", ratio)
    learner = make_learner(config.learner, table(), seed=0)
    env = learner.get_env()
    assert env is not None
    learner.learn(steps)
    found = shares(learner, env, rollouts)
    report.notes.append("Where the time goes: " + ", ".join(f"{what} {share:.0%}" for what, share in found.items()))


def compare(report: Report, seconds: dict[str, list[float]]) -> None:
    """Add the ratios of training on the worlds to the ceiling, to the stock ceiling, and to SuperSuit's path."""
    median = {name: statistics.median(samples) for name, samples in seconds.items()}
    ceiling, stock, wrapped = "zero-cost VecEnv", "zero-cost VecEnv, SB3's MlpPolicy", "SuperSuit"
    ours = median["the worlds"]
    report.ratio(f"training: the worlds against {ceiling}", median[ceiling] / ours, at_least=CEILING_CLAIM)
    report.ratio(f"training: the worlds against {stock}", median[stock] / ours)
    if wrapped in median:
        bound = f"an environment that costs nothing would reach {median[wrapped] / median[ceiling]:.1f}"
        report.ratio(
            f"training: the worlds against {wrapped}", median[wrapped] / ours, at_least=SUPERSUIT_CLAIM, note=bound
        )
