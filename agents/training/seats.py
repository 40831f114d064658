"""Seats at the worlds: the stable-baselines3 face of :class:`sd_env.worlds.Worlds`.

Every state of every world is a *slot*: slot ``world * N + state``. A seat is a set of slots that one learner plays, as
one vectorised environment: :class:`WorldsVecEnv` is all slots for one learner, and a
:class:`agents.training.table.Table` seats several learners at the same worlds. All slots of a world end on the same
step.
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

from agents.table.metrics import tally_rows
from sd_env import layout
from sd_env.choices import whole_choices
from sd_env.errors import whole_number
from sd_env.scenario import Scenario
from sd_env.spaces import observation_box
from sd_env.worlds import Worlds


class Totals:
    """Tallies summed over finished episodes, world by world and never slot by slot."""

    def __init__(self) -> None:
        self._sums = np.zeros(len(layout.TALLY))
        self._episodes = 0

    def add(self, ended: np.ndarray) -> None:
        """Count the episodes of ``ended``, records of ``layout.WORLDS``."""
        self._sums += tally_rows(ended).sum(axis=0)
        self._episodes += len(ended)

    def take(self) -> tuple[np.ndarray, int]:
        """The sums since the last call (order of ``layout.TALLY``), and how many episodes they are of."""
        sums, episodes = self._sums.copy(), self._episodes
        self._sums[:] = 0.0
        self._episodes = 0
        return sums, episodes

    def snapshot(self) -> dict[str, np.ndarray]:
        """Copies of both numbers."""
        return {"totals": self._sums.copy(), "episodes": np.array(self._episodes, dtype=np.int64)}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Take up what :meth:`snapshot` gave."""
        self._sums[:] = snapshot["totals"]
        self._episodes = int(snapshot["episodes"])


class SlotsVecEnv(VecEnv):
    """Some slots of some worlds as one SB3 ``VecEnv``; who steps the worlds is for subclasses to say.

    Observations are float32 ``(slots, D)``, rewards float32 ``(slots,)``, actions int ``(slots, 3 + N - 1)``, as
    ``layout`` names them. A world that ends is reset within the same step. Its slots then have ``done`` set and an
    info with SB3's keys: ``terminal_observation`` (what the state saw at the end, not the next episode's start),
    ``TimeLimit.truncated`` (the horizon, not the game, ended it: SB3 then bootstraps) and ``episode`` (``r`` return,
    ``l`` length, ``t`` seconds since construction, as ``VecMonitor`` gives them). Infos of other slots are empty.

    Args:
        worlds: must reset themselves (``autoreset``).
        slots: ascending slots, int ``(K,)``; None stands for all.
        reward_scale: what rewards are multiplied by; ``episode`` returns keep the game's own units.
        horizon_ends: whether the horizon is the end of the game, as the scenario has it and scores and thresholds
            count it. Then no slot is ``TimeLimit.truncated``, and a learner values nothing beyond it.
    """

    def __init__(
        self,
        worlds: Worlds,
        slots: np.ndarray | None = None,
        *,
        reward_scale: float = 1.0,
        horizon_ends: bool = False,
    ) -> None:
        self.horizon_ends = horizon_ends
        self.worlds = worlds
        self.scenario = worlds.scenario
        self.num_worlds = worlds.num_worlds
        self.num_states = worlds.num_states
        self.reward_scale = reward_scale
        total = self.num_worlds * self.num_states
        self.slots = np.arange(total) if slots is None else np.asarray(slots, dtype=np.int64)
        self._all = len(self.slots) == total
        self._world_of = self.slots // self.num_states
        super().__init__(
            len(self.slots),
            observation_box(worlds.heads, worlds.observations.shape[-1]),
            spaces.MultiDiscrete(worlds.heads.sizes),
        )
        self._infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_worlds, dtype=np.int64)
        self._started = time.time()

    def rows(self, array: np.ndarray) -> np.ndarray:
        """This seat's rows of an array over worlds and states, ``(B, N, ...)`` -> ``(slots, ...)``; maybe a view."""
        flat = array.reshape(self.num_worlds * self.num_states, *array.shape[2:])
        return flat if self._all else flat[self.slots]

    def observe(self) -> np.ndarray:
        """What the slots see now, float32 ``(slots, D)``: a copy, which the next step does not overwrite."""
        rows = self.rows(self.worlds.observations)
        return rows.copy() if self._all else rows

    def begin(self) -> None:
        """All worlds have begun new episodes."""
        self._returns[:] = 0.0
        self._lengths[:] = 0

    def turn(self) -> None:
        """See to it that the turn is played, with the actions that :meth:`step_async` was given."""
        raise NotImplementedError

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Play the turn and tell what came of it."""
        self.turn()
        return self.results()

    def results(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """What ``step_wait`` returns for the turn just played; Python touches slots only where an episode ended."""
        worlds = self.worlds
        rewards = self.rows(worlds.rewards)
        self._returns += rewards
        self._lengths += 1
        terminated, truncated = worlds.terminations, worlds.truncations
        ended = terminated | truncated
        infos = self._finish(ended, truncated & ~terminated & (not self.horizon_ends)) if ended.any() else self._infos
        scaled = (rewards * self.reward_scale).astype(np.float32)
        return self.observe(), scaled, ended[self._world_of], infos

    def _finish(self, ended: np.ndarray, cut: np.ndarray) -> list[dict[str, Any]]:
        """Infos of a step in which some worlds ended."""
        which = np.flatnonzero(ended[self._world_of])
        last = self.rows(self.worlds.final_observations)[which]
        infos = self._infos.copy()
        seconds = round(time.time() - self._started, 6)
        for k, slot in enumerate(which.tolist()):
            world = int(self._world_of[slot])
            infos[slot] = {
                "TimeLimit.truncated": bool(cut[world]),
                "terminal_observation": last[k],
                "episode": {"r": float(self._returns[slot]), "l": int(self._lengths[world]), "t": seconds},
            }
        self._returns[which] = 0.0
        self._lengths[ended] = 0
        return infos

    # --- what SB3 asks of environments ------------------------------------------------------------------------

    def action_masks(self) -> np.ndarray:
        """Legal choices of the coming turn, bool ``(slots, sum(nvec))``."""
        return self.rows(self.worlds.masks).astype(bool)

    def has_attr(self, attr_name: str) -> bool:
        """Whether :meth:`get_attr` knows the name (sb3-contrib asks for ``action_masks``)."""
        return attr_name == "render_mode" or hasattr(self, attr_name)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The attribute as each chosen slot has it: all slots share this object, only their masks are their own."""
        slots = self._chosen(indices)
        if attr_name == "render_mode":
            return [None] * len(slots)
        if attr_name == "action_masks":
            return [partial(self._mask_of, slot) for slot in slots]
        return [getattr(self, attr_name)] * len(slots)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the seat, which all slots share."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method as each chosen slot; ``action_masks`` gives each slot's own mask, others the shared answer."""
        slots = self._chosen(indices)
        if method_name == "action_masks":
            masks = self.action_masks()
            return [masks[slot] for slot in slots]
        return [getattr(self, method_name)(*args, **kwargs)] * len(slots)

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """No slot is wrapped in a gymnasium wrapper."""
        return [False] * len(self._chosen(indices))

    def get_images(self) -> Sequence[np.ndarray | None]:
        """No pictures: worlds are drawn from their logs."""
        return [None] * self.num_envs

    def _chosen(self, indices: int | Iterable[int] | None) -> list[int]:
        return [int(i) for i in self._get_indices(indices)]

    def _mask_of(self, slot: int) -> np.ndarray:
        mask: np.ndarray = self.action_masks()[slot]
        return mask

    # --- checkpoints ------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, np.ndarray]:
        """Copies of the accumulators of the episodes that are on."""
        return {"returns": self._returns.copy(), "lengths": self._lengths.copy()}

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


class WorldsVecEnv(SlotsVecEnv):
    """Many worlds as one SB3 ``VecEnv`` of ``num_worlds * N`` slots: one policy learns from all states.

    The tallies of finished episodes are summed world by world, never slot by slot: see :meth:`take_totals`.

    Args:
        scenario: a :class:`Scenario`, or a catalogue name or path that ``Scenario.load`` understands.
        num_worlds: how many worlds are stepped together.
        seed: seed of the worlds' random streams; world ``b`` draws from the stream keyed (seed, b, episode).
        threads: threads that step the worlds.
        reward_scale: what rewards are multiplied by; ``episode`` returns and tallies keep the game's own units.
        horizon_ends: whether the horizon is the end of the game, as it is in trainings (:class:`SlotsVecEnv`).
    """

    def __init__(
        self,
        scenario: Scenario | str | Path,
        num_worlds: int,
        *,
        seed: int | None = None,
        threads: int = 1,
        reward_scale: float = 1.0,
        horizon_ends: bool = False,
    ) -> None:
        worlds = make_worlds(scenario, num_worlds, seed, threads)
        super().__init__(worlds, reward_scale=reward_scale, horizon_ends=horizon_ends)
        heads = len(worlds.heads.kinds)
        self._shape = (num_worlds, self.num_states, heads)
        self._actions = np.zeros(self._shape, dtype=np.int64)
        self._totals = Totals()
        self._fresh = True  # never reset: the first reset must be the seed's first episode
        self._pending_seed: int | None = None

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
        self.begin()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        self._reset_options()
        return self.observe()

    def step_async(self, actions: np.ndarray) -> None:
        """Hold ``actions`` (int, ``(slots, heads)``) for the next :meth:`step_wait`, which refuses what is no choice.

        Raises:
            ValueError: for another shape, or for what are no integers.
        """
        self._actions = whole_choices(actions, (self.num_envs, self._shape[-1])).reshape(self._shape)

    def turn(self) -> None:
        """Play one turn of all worlds."""
        worlds = self.worlds
        worlds.step(self._actions)
        ended = worlds.terminations | worlds.truncations
        if ended.any():
            self._totals.add(worlds.final_tallies[ended])

    def close(self) -> None:
        """Release the worlds."""
        self.worlds.close()

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the worlds at the next :meth:`reset`: one seed for all, since each world has its own stream of it."""
        drawn = np.random.randint(0, 2**31 - 1) if seed is None else seed
        self._pending_seed = whole_number("seed", drawn, 0, 2**64 - 1)
        return [self._pending_seed] * self.num_envs

    def take_totals(self) -> tuple[np.ndarray, int]:
        """Tallies summed over the episodes that ended since the last call (order of ``layout.TALLY``), and how many."""
        return self._totals.take()

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that is needed to continue bit for bit: the worlds' arrays and this environment's accumulators."""
        own = super().snapshot() | self._totals.snapshot() | {"fresh": np.array(self._fresh)}
        return own | {f"worlds.{key}": value for key, value in self.worlds.snapshot().items()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Continue from what :meth:`snapshot` gave.

        Raises:
            ValueError: if the snapshot is of another number of worlds or states.
        """
        super().restore(snapshot)
        self._totals.restore(snapshot)
        self._fresh = bool(snapshot["fresh"])
        prefix = "worlds."
        self.worlds.restore({k.removeprefix(prefix): v for k, v in snapshot.items() if k.startswith(prefix)})


def make_worlds(scenario: Scenario | str | Path, num_worlds: int, seed: int | None, threads: int) -> Worlds:
    """Worlds that reset themselves, of a scenario or of what ``Scenario.load`` understands."""
    loaded = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
    return Worlds(loaded, num_worlds, seed=seed, threads=threads, autoreset=True)
