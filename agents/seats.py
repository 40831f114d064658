"""A table of worlds where one learner takes every seat: the stable-baselines3 face of :class:`sd_env.worlds.Worlds`.

Every state of every world is a *slot* of one vectorised environment: slot ``world * N + state``. One policy
therefore learns from all states, and all slots of a world end on the same step.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from agents.metrics import tally_rows
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.spaces import observation_box
from sd_env.worlds import Worlds


class WorldsVecEnv(VecEnv):
    """Many worlds as one SB3 ``VecEnv`` of ``num_worlds * N`` slots.

    Observations are float32 ``(slots, D)``, rewards float32 ``(slots,)``, actions int ``(slots, 3 + N - 1)``, as
    ``layout`` names them. A world that ends is reset within the same step. Its slots then have ``done`` set and an
    info with SB3's keys: ``terminal_observation`` (what the state saw at the end, not the next episode's start),
    ``TimeLimit.truncated`` (the horizon, not the game, ended it: SB3 then bootstraps) and ``episode`` (``r`` return,
    ``l`` length, ``t`` seconds since construction, as ``VecMonitor`` gives them). Infos of other slots are empty.

    The tallies of finished episodes are summed world by world, never slot by slot: see :meth:`take_totals`.

    Args:
        scenario: a :class:`Scenario`, or a catalogue name or path that ``Scenario.load`` understands.
        num_worlds: how many worlds are stepped together.
        seed: seed of the worlds' random streams; world ``b`` draws from the stream keyed (seed, b, episode).
        threads: threads that step the worlds.
        reward_scale: what rewards are multiplied by; ``episode`` returns and tallies keep the game's own units.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path,
        num_worlds: int,
        *,
        seed: int | None = None,
        threads: int = 1,
        reward_scale: float = 1.0,
    ) -> None:
        if num_worlds < 1:
            raise ValueError(f"num_worlds must be at least 1, got {num_worlds}.")
        self.scenario = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
        self.worlds = Worlds(self.scenario, num_worlds, seed=seed, threads=threads, autoreset=True)
        self.num_worlds = num_worlds
        self.reward_scale = reward_scale
        self.num_states = self.worlds.num_states
        observation_space = observation_box(self.num_states, self.worlds.observations.shape[-1])
        super().__init__(
            num_worlds * self.num_states,
            observation_space,
            spaces.MultiDiscrete(layout.action_sizes(self.num_states)),
        )
        self._shape = (num_worlds, self.num_states, len(layout.action_sizes(self.num_states)))
        self._actions = np.zeros(self._shape, dtype=np.int64)
        self._infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(num_worlds, dtype=np.int64)
        self._totals = np.zeros(len(layout.TALLY))
        self._episodes = 0
        self._fresh = True  # never reset: the first reset must be the seed's first episode
        self._pending_seed: int | None = None
        self._started = time.time()

    # --- SB3's loop -------------------------------------------------------------------------------------------

    def reset(self) -> np.ndarray:
        """Start new episodes in all worlds and return their first observations, float32 ``(slots, D)``."""
        if self._pending_seed is not None:
            self.worlds.reset(seed=self._pending_seed)
            self._pending_seed = None
        elif self._fresh:
            self.worlds.reset(seed=self.worlds.seed)
        else:
            self.worlds.reset()
        self._fresh = False
        self._returns[:] = 0.0
        self._lengths[:] = 0
        self.reset_infos = [{} for _ in range(self.num_envs)]
        self._reset_options()
        return self._observations()

    def step_async(self, actions: np.ndarray) -> None:
        """Hold ``actions`` (int, ``(slots, heads)``) for the next :meth:`step_wait`."""
        self._actions = np.asarray(actions).reshape(self._shape)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Play one turn of all worlds; Python touches single slots only where an episode ended."""
        worlds = self.worlds
        worlds.step(self._actions)
        rewards = worlds.rewards.reshape(-1)
        self._returns += rewards
        self._lengths += 1
        terminated, truncated = worlds.terminations, worlds.truncations
        ended = terminated | truncated
        infos = self._finish(ended, truncated & ~terminated) if ended.any() else self._infos
        scaled = (rewards * self.reward_scale).astype(np.float32)
        return self._observations(), scaled, np.repeat(ended, self.num_states), infos

    def _observations(self) -> np.ndarray:
        # The buffer is overwritten by the next step, and SB3 keeps what it is given.
        return self.worlds.observations.reshape(self.num_envs, -1).copy()

    def _finish(self, ended: np.ndarray, cut: np.ndarray) -> list[dict[str, Any]]:
        """Infos of a step in which some worlds ended; adds their tallies to the totals."""
        worlds, n = self.worlds, self.num_states
        which = np.flatnonzero(ended)
        last = worlds.final_observations[which].copy()
        self._totals += tally_rows(worlds.final_tallies[which]).sum(axis=0)
        self._episodes += len(which)
        infos = self._infos.copy()
        seconds = round(time.time() - self._started, 6)
        for k, b in enumerate(which.tolist()):
            length, truncated = int(self._lengths[b]), bool(cut[b])
            for i in range(n):
                slot = b * n + i
                infos[slot] = {
                    "TimeLimit.truncated": truncated,
                    "terminal_observation": last[k, i],
                    "episode": {"r": float(self._returns[slot]), "l": length, "t": seconds},
                }
        self._returns.reshape(-1, n)[which] = 0.0
        self._lengths[which] = 0
        return infos

    def close(self) -> None:
        """Release the worlds."""
        self.worlds.close()

    # --- what SB3 asks of environments ------------------------------------------------------------------------

    def action_masks(self) -> np.ndarray:
        """Legal choices of the coming turn, bool ``(slots, sum(nvec))``."""
        return self.worlds.masks.reshape(self.num_envs, -1).astype(bool)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the worlds at the next :meth:`reset`: one seed for all, since each world has its own stream of it."""
        self._pending_seed = int(np.random.randint(0, 2**31 - 1)) if seed is None else int(seed)
        return [self._pending_seed] * self.num_envs

    def has_attr(self, attr_name: str) -> bool:
        """Whether :meth:`get_attr` knows the name (sb3-contrib asks for ``action_masks``)."""
        return attr_name == "render_mode" or hasattr(self, attr_name)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The attribute as each chosen slot has it: all slots share this object, only their masks are their own."""
        slots = self._slots(indices)
        if attr_name == "render_mode":
            return [None] * len(slots)
        if attr_name == "action_masks":
            return [partial(self._mask_of, slot) for slot in slots]
        return [getattr(self, attr_name)] * len(slots)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the table, which all slots share."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method as each chosen slot; ``action_masks`` gives each slot's own mask, others the shared answer."""
        slots = self._slots(indices)
        if method_name == "action_masks":
            masks = self.action_masks()
            return [masks[slot] for slot in slots]
        return [getattr(self, method_name)(*args, **kwargs)] * len(slots)

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """No slot is wrapped in a gymnasium wrapper."""
        return [False] * len(self._slots(indices))

    def get_images(self) -> Sequence[np.ndarray | None]:
        """No pictures: worlds are drawn from their logs."""
        return [None] * self.num_envs

    def _slots(self, indices: int | Iterable[int] | None) -> list[int]:
        return [int(i) for i in self._get_indices(indices)]

    def _mask_of(self, slot: int) -> np.ndarray:
        mask: np.ndarray = self.worlds.masks.reshape(self.num_envs, -1)[slot].astype(bool)
        return mask

    # --- what training asks -----------------------------------------------------------------------------------

    def take_totals(self) -> tuple[np.ndarray, int]:
        """Tallies summed over the episodes that ended since the last call (order of ``layout.TALLY``), and how many."""
        totals, episodes = self._totals.copy(), self._episodes
        self._totals[:] = 0.0
        self._episodes = 0
        return totals, episodes

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that is needed to continue bit for bit: the worlds' arrays and this table's accumulators."""
        own = {
            "returns": self._returns.copy(),
            "lengths": self._lengths.copy(),
            "totals": self._totals.copy(),
            "episodes": np.array(self._episodes, dtype=np.int64),
            "fresh": np.array(self._fresh),
        }
        return own | {f"worlds.{key}": value for key, value in self.worlds.snapshot().items()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Continue from what :meth:`snapshot` gave.

        Raises:
            ValueError: if the snapshot is of another number of worlds or states.
        """
        if snapshot["returns"].shape != self._returns.shape or snapshot["lengths"].shape != self._lengths.shape:
            raise ValueError(
                f"The snapshot holds {snapshot['lengths'].size} worlds with {snapshot['returns'].size} states in all, "
                f"this environment {self.num_worlds} with {self.num_envs}: they must be equal."
            )
        self._returns[:] = snapshot["returns"]
        self._lengths[:] = snapshot["lengths"]
        self._totals[:] = snapshot["totals"]
        self._episodes = int(snapshot["episodes"])
        self._fresh = bool(snapshot["fresh"])
        prefix = "worlds."
        self.worlds.restore({k.removeprefix(prefix): v for k, v in snapshot.items() if k.startswith(prefix)})
