"""BenchMARL: MAPPO as one of its experiments, on combinations of choices, since it knows one Discrete action alone.

python -m examples.benchmarl_mappo [--smoke]
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from typing import Any

from benchmarl.algorithms import MappoConfig
from benchmarl.environments.common import TaskClass
from benchmarl.experiment import Experiment, ExperimentConfig
from benchmarl.models.mlp import MlpConfig
from torchrl.data import Composite
from torchrl.envs import DoubleToFloat, EnvBase, PettingZooWrapper, Transform

import sd_env
from examples import say
from examples.flat_actions import FlatActions

warnings.filterwarnings("ignore", module="torchrl")  # it warns of every PettingZoo but 1.24.3


class SecurityDilemma(TaskClass):
    """The world as BenchMARL wants it: what it may ask of a task, answered from the environment's specs."""

    flat = True

    def get_env_fun(
        self, num_envs: int, continuous_actions: bool, seed: int | None, device: Any
    ) -> Callable[[], EnvBase]:
        """Makes one world."""

        def make() -> EnvBase:
            env = FlatActions(say.SCENARIO) if self.flat else sd_env.parallel_env(say.SCENARIO)
            groups = {"agents": list(env.possible_agents)}  # `state`, its own choice, is the global state's key
            return PettingZooWrapper(env, return_state=True, group_map=groups, seed=seed, device=device)

        return make

    def supports_continuous_actions(self) -> bool:
        """They are choices."""
        return False

    def supports_discrete_actions(self) -> bool:
        """They are choices."""
        return True

    def has_render(self, env: EnvBase) -> bool:
        """No pictures."""
        return False

    def max_steps(self, env: EnvBase) -> int:
        """Turns of an episode."""
        return 32

    def group_map(self, env: EnvBase) -> dict[str, list[str]]:
        """All states in one group."""
        groups: dict[str, list[str]] = env.group_map
        return groups

    def state_spec(self, env: EnvBase) -> Composite | None:
        """The global state."""
        return Composite({"state": env.observation_spec["state"].clone()})

    def observation_spec(self, env: EnvBase) -> Composite:
        """What states see."""
        return self._only(env, "observation")

    def action_mask_spec(self, env: EnvBase) -> Composite | None:
        """What is legal."""
        return self._only(env, "action_mask")

    def info_spec(self, env: EnvBase) -> Composite | None:
        """Nothing else is told."""
        return None

    def get_env_transforms(self, env: EnvBase) -> list[Transform]:
        """Its networks take single precision alone, and the global state is double."""
        return [DoubleToFloat(in_keys=["state"])]

    def action_spec(self, env: EnvBase) -> Composite:
        """What states choose."""
        return env.full_action_spec

    def _only(self, env: EnvBase, key: str) -> Composite:
        spec = env.observation_spec["agents"].clone()
        for other in [name for name in spec.keys() if name != key]:  # noqa: SIM118 - a spec is no mapping
            del spec[other]
        return Composite({"agents": spec})

    @staticmethod
    def env_name() -> str:
        """What its folders are called."""
        return "sd_env"


def experiment(folder: str, turns: int, rounds: int, flat: bool = True) -> Experiment:
    """MAPPO with BenchMARL's own settings, but for sizes."""
    config = ExperimentConfig.get_from_yaml()
    config.sampling_device = config.train_device = config.buffer_device = "cpu"
    config.max_n_iters, config.max_n_frames = rounds, None
    config.on_policy_collected_frames_per_batch, config.on_policy_n_envs_per_worker = turns, 1
    config.on_policy_n_minibatch_iters, config.on_policy_minibatch_size = 4, min(turns, 256)
    config.lr, config.loggers, config.evaluation, config.render = 1e-3, [], False, False
    config.save_folder, config.create_json, config.checkpoint_interval = folder, False, 0
    task = SecurityDilemma(name="doubly_safe", config={})
    task.flat = flat
    model = MlpConfig.get_from_yaml()
    return Experiment(
        task=task,
        algorithm_config=MappoConfig.get_from_yaml(),
        model_config=model,
        critic_model_config=model,
        seed=1,
        config=config,
    )


def main() -> None:
    """Run the experiment, and measure."""
    smoke = say.smoke(__doc__)
    turns, rounds = (64, 1) if smoke else (1024, 16)
    with tempfile.TemporaryDirectory() as folder:
        run = experiment(folder, turns, rounds)
        clock = say.Clock()
        run.run()
        clock.rate(turns * rounds * 2)
        say.learned(float(run.mean_return), full_size=not smoke)
        say.works(
            "MAPPO, critic of state(), masks, 108 combinations of choices as one action (examples/flat_actions.py)"
        )
        say.refuses(
            "several choices at once (MultiDiscrete)",
            "BenchMARL's: it tells one Discrete action from continuous ones, and knows no others",
            lambda: experiment(folder, 64, 1, flat=False).run(),
        )


if __name__ == "__main__":
    main()
