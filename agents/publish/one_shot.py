"""PPO against the threshold m: one learning security seeker among the rivals of model.md section 5.

Section 5 gives the rival a fixed play: a security seeker waits, a greedy state attacks. Then the best answer is unique:
attack iff t < m. In self-play both peace and war are equilibria where 0 < m < 1, and the start decides.
"""

from __future__ import annotations

import multiprocessing as mp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch as th
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from agents.files import write_json, write_text
from agents.machine import cores
from agents.policies.protocol import Policy
from agents.training.config import Experiment
from agents.training.learners import LearnedPolicy, make_learner
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds


class FocalSeat(VecEnvWrapper):
    """The slots of one seat of every world; a given policy, which does not learn, plays the other seats.

    Args:
        worlds: all slots.
        seat: index of the state that learns.
        others: who plays the other states, told each episode nothing but what they see.
    """

    def __init__(self, worlds: WorldsVecEnv, seat: int, others: Policy) -> None:
        super().__init__(worlds)
        self._worlds, self._others = worlds.worlds, others
        self._mine = np.arange(worlds.num_envs) % worlds.num_states == seat
        self.num_envs = worlds.num_worlds

    def reset(self) -> np.ndarray:
        """First observations of the seat, float32 ``(worlds, D)``."""
        observations = self.venv.reset()
        assert isinstance(observations, np.ndarray)
        mine: np.ndarray = observations[self._mine]
        return mine

    def step_async(self, actions: np.ndarray) -> None:
        """Take the seat's actions ``(worlds, heads)`` and ask the others for theirs."""
        rows = len(self._mine)
        everyone = self._others.act(self._worlds.observations.reshape(rows, -1), self._worlds.masks.reshape(rows, -1))
        everyone[self._mine] = actions
        self.venv.step_async(everyone)

    def step_wait(self) -> VecEnvStepReturn:
        """What the seat sees and gets."""
        observations, rewards, dones, infos = self.venv.step_wait()
        assert isinstance(observations, np.ndarray)
        mine = np.flatnonzero(self._mine)
        return observations[mine], rewards[mine], dones[mine], [infos[i] for i in mine]


class WaitUnlessGreedy:
    """The rivals of section 5: security seekers wait, greedy states attack for sure."""

    def reset(self, seed: int | None = None) -> None:
        """There is nothing to forget."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """No-ops, with attack on everyone where the actor's own greed is above 0."""
        actions = np.tile(layout.noop(layout.num_states_of(mask.shape[1])), (len(mask), 1))
        actions[observation[:, layout.Own.GREED] > 0, layout.Head.STANCE.entries] = layout.Stance.ATTACK
        return actions


def share_of_attacks(experiment: Experiment, name: str, seed: int) -> float:
    """Train a security seeker in the scenario called ``name`` and return how often it then attacks, 0 to 1."""
    th.set_num_threads(experiment.torch_threads)
    [choice] = [choice for choice in experiment.scenarios if choice.name == name]
    others = {**experiment.overrides, **choice.overrides}
    scenario = Scenario.load(choice.scenario, {**others, "states.greed": {"state_0": 0.0}})
    env = WorldsVecEnv(scenario, experiment.worlds, seed=seed, reward_scale=experiment.learner.reward_scale)
    seat = FocalSeat(env, 0, WaitUnlessGreedy())
    learner = make_learner(experiment.learner, seat, seed=seed)  # type: ignore[arg-type]
    learner.learn(experiment.total_steps)
    fresh = Worlds(scenario, experiment.evaluation.worlds, seed=experiment.evaluation.seed + seed)
    policy = LearnedPolicy(learner)
    policy.reset(seed)
    actions = policy.act(fresh.observations[:, 0].copy(), fresh.masks[:, 0])
    return float((actions[:, layout.Head.STANCE] == layout.Stance.ATTACK).mean())


def _job(arguments: tuple[Experiment, str, int]) -> float:
    return share_of_attacks(*arguments)


def run(experiment: Experiment, out: Path, heading: str) -> int:
    """Train every scenario and seed of ``experiment``, and write ``one_shot.txt`` and ``.json`` into ``out``.

    Args:
        experiment: its scenarios' labels end in ``below`` (t < m: attack) or ``above`` (t > m: wait).
        out: folder of the results.
        heading: what made them.
    """
    jobs = [(experiment, choice.name, seed) for choice in experiment.scenarios for seed in experiment.seeds]
    with mp.get_context("spawn").Pool(experiment.workers or cores()) as pool:
        shares = pool.map(_job, jobs, chunksize=1)
    found: dict[str, list[float]] = {}
    for (_, name, _), share in zip(jobs, shares, strict=True):
        found.setdefault(name, []).append(share)
    lines = judge(found)
    out.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, Any] = {"seeds": list(experiment.seeds), "share of attacks of the learner": found}
    write_json(out / "one_shot.json", numbers)
    write_text(out / "one_shot.txt", heading + "\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


def judge(found: Mapping[str, list[float]]) -> list[str]:
    """Did every seed land on the side of m that the best answer is on? More than half of its turns decide."""
    lines = []
    for name, shares in found.items():
        right = [(share > 0.5) == name.endswith("below") for share in shares]
        by_seed = ", ".join(f"{share:.3f}" for share in shares)
        lines.append(
            f"{'supported' if all(right) else 'contradicted':<13}{name}: {sum(right)} of {len(right)} seeds on the "
            f"predicted side; share of attacks by seed: {by_seed}"
        )
    return lines
