"""gymnasium face of many worlds: a ``VectorEnv`` with one slot for each state of each world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from sd_env.errors import RefusedError, whole_number
from sd_env.scenario import Scenario, ScenarioLike
from sd_env.spaces import ActionSpace, check_action, check_seed, observation_space
from sd_env.worlds import Worlds


def vector_env(
    scenario: ScenarioLike,
    num_worlds: int,
    *,
    overrides: Mapping[str, Any] | None = None,
    threads: int = 1,
    dict_observation: bool = False,
    mask_in_info: bool = True,
    copy: bool = True,
) -> WorldsVectorEnv:
    """A ``gymnasium.vector.VectorEnv`` of many worlds; see :class:`WorldsVectorEnv`."""
    return WorldsVectorEnv(
        scenario,
        num_worlds,
        overrides=overrides,
        threads=threads,
        dict_observation=dict_observation,
        mask_in_info=mask_in_info,
        copy=copy,
    )


def make_vector(
    scenario: ScenarioLike, num_envs: int = 1, num_worlds: int | None = None, **arguments: Any
) -> WorldsVectorEnv:
    """What ``gymnasium.make_vec("sd_env/Vector-v0", ...)`` calls: size in slots, or in worlds.

    ``num_envs`` counts slots and must be a multiple of the number of states; ``num_worlds`` counts worlds and, when
    given, settles the size (then leave ``num_envs`` out).
    """
    scenario = Scenario.load(scenario, arguments.pop("overrides", None))
    num_envs = whole_number("num_envs", num_envs, 1)
    if num_worlds is None:
        if num_envs % scenario.n_states:
            raise ValueError(
                f"num_envs: {num_envs} is not allowed; slots are worlds x states, so allowed are multiples of "
                f"{scenario.n_states} (or give num_worlds instead)"
            )
        num_worlds = num_envs // scenario.n_states
    elif num_envs not in (1, whole_number("num_worlds", num_worlds, 1) * scenario.n_states):
        raise ValueError(f"num_envs: {num_envs} is not num_worlds {num_worlds} x {scenario.n_states} states; give one")
    return WorldsVectorEnv(scenario, num_worlds, **arguments)


class WorldsVectorEnv(VectorEnv[Any, np.ndarray, np.ndarray]):
    """B worlds of N states, shown as ``num_envs = B * N`` slots, as a learner with one shared policy wants them.

    ## Description
    The game of :class:`sd_env.parallel.ParallelEnv`, many worlds at once. Slot ``b * N + i`` is state i of world b, so
    ``observations.reshape(B, N, -1)`` gives the worlds back. World 0 plays the very episodes of a ParallelEnv with the
    same seed, and every world its own, whatever B and ``threads``.

    ## Action space
    ``single_action_space`` is ParallelEnv's; actions are integers ``(B * N, 3 + N - 1)``. ``infos["action_mask"]`` is
    int8 ``(B * N, sum(nvec))``.

    ## Observation space
    ``single_observation_space`` is ParallelEnv's; observations are float32 ``(B * N, D)``, or with ``dict_observation``
    ``{"observation": ..., "action_mask": ...}``.

    ## Rewards
    float64 ``(B * N,)``: each slot its own state's payoff.

    ## Starting state
    As ParallelEnv. ``reset(seed=s)`` takes one seed for all worlds: each world has its own stream, keyed by its index.

    ## Episode end
    All slots of a world end together, and its next episode begins in the same step (``AutoresetMode.SAME_STEP``): the
    observations are then the new episode's first, the last of the ended one are in ``infos["final_obs"]`` (an object
    array, None where nothing ended; ``infos["_final_obs"]`` says where) and its masks in
    ``infos["final_info"]["action_mask"]``.

    ## Arguments
    - ``scenario``, ``overrides``, ``dict_observation``, ``mask_in_info``: as ParallelEnv
    - ``num_worlds``: B
    - ``threads``: how many threads step the worlds; results do not depend on it
    - ``copy``: False hands out the worlds' own arrays, which the next step overwrites: faster, for who copies anyway

    ## Version history
    - v0: first version
    """

    metadata: ClassVar[dict[str, Any]] = {"autoreset_mode": AutoresetMode.SAME_STEP}  # type: ignore[misc]

    def __init__(
        self,
        scenario: ScenarioLike,
        num_worlds: int,
        *,
        overrides: Mapping[str, Any] | None = None,
        threads: int = 1,
        dict_observation: bool = False,
        mask_in_info: bool = True,
        copy: bool = True,
    ) -> None:
        self.scenario = Scenario.load(scenario, overrides)
        self.worlds = Worlds(self.scenario, num_worlds, threads=threads, autoreset=True)
        self.agents = tuple(self.scenario.agents)
        self.num_worlds = self.worlds.num_worlds
        self.num_envs = self.num_worlds * len(self.agents)
        self.dict_observation, self.mask_in_info = dict_observation, mask_in_info
        self.copy = copy
        heads, size = self.worlds.heads, self.worlds.observations.shape[-1]
        self.single_observation_space: spaces.Space[Any] = observation_space(heads, size, dict_observation)
        self.single_action_space = ActionSpace(heads)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._shape = (self.num_envs, len(heads.kinds))
        self._started = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every world: the first of the stream of ``seed``, or the next of the present stream.

        Returns observations and infos. ``options`` are ignored, but ``reset_mask`` is refused: worlds reset themselves.
        ValueError for a seed that is none (one for each environment is not taken: worlds have their own streams).
        """
        if options is not None and "reset_mask" in options:
            raise ValueError("options: reset_mask is not allowed; worlds begin anew by themselves in the step they end")
        seed = check_seed(seed)
        super().reset(seed=seed)
        self.worlds.reset(seed)
        self._started = True
        return self._observe()

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play a turn in every world. ``actions``: integers ``(B * N, 3 + N - 1)``.

        Returns observations, rewards, terminations, truncations, infos. ValueError, and nothing has changed, for what
        is not an action; ``gymnasium.error.ResetNeeded`` before the first reset.
        """
        if not self._started:
            raise gymnasium.error.ResetNeeded("no episode has begun: call reset() before step()")
        worlds, n = self.worlds, len(self.agents)
        try:
            worlds.step(self._as_array(actions).reshape(self.num_worlds, n, -1))
        except RefusedError:
            self._explain(actions)  # in the words of this face
            raise
        terminations, truncations = worlds.terminations.repeat(n), worlds.truncations.repeat(n)
        observations, infos = self._observe()
        ended = terminations | truncations
        if ended.any():
            self._add_final(infos, ended)
        rewards = worlds.rewards.reshape(-1)
        return observations, rewards.copy() if self.copy else rewards, terminations, truncations, infos

    def _observe(self) -> tuple[Any, dict[str, Any]]:
        rows = self.worlds.observations.reshape(self.num_envs, -1)
        masks = self.worlds.masks.reshape(self.num_envs, -1)
        if self.copy:
            rows, masks = rows.copy(), masks.copy()
        infos: dict[str, Any] = {}
        if self.mask_in_info:
            infos = {"action_mask": masks, "_action_mask": np.ones(self.num_envs, dtype=np.bool_)}
        return ({"observation": rows, "action_mask": masks} if self.dict_observation else rows), infos

    def _add_final(self, infos: dict[str, Any], ended: np.ndarray) -> None:
        """Add what gymnasium's SAME_STEP mode tells of the slots that ended: ``final_obs`` and ``final_info``."""
        rows = self.worlds.final_observations.reshape(self.num_envs, -1)
        masks = np.where(ended[:, None], self.worlds.final_masks.reshape(self.num_envs, -1), np.int8(0))
        final = np.full(self.num_envs, None, dtype=object)
        for slot in np.flatnonzero(ended):
            row = rows[slot].copy()
            final[slot] = {"observation": row, "action_mask": masks[slot]} if self.dict_observation else row
        infos["final_obs"], infos["_final_obs"] = final, ended
        infos["final_info"] = {"action_mask": masks, "_action_mask": ended.copy()} if self.mask_in_info else {}
        infos["_final_info"] = ended.copy()

    def _as_array(self, actions: Any) -> np.ndarray:
        try:
            array = np.asarray(actions)
        except ValueError:  # ragged
            array = np.empty(0)
        if array.shape != self._shape:
            allowed = f"{self._shape}: one row a slot, one column a head"
            raise ValueError(f"actions have shape {array.shape}, but allowed is {allowed}")
        return array

    def _explain(self, array: Any) -> None:
        """Say what is no action."""
        n = len(self.agents)
        for slot, action in enumerate(array):
            agent = slot % n
            who = f"slot {slot} (world {slot // n}, {self.agents[agent]})"
            check_action(who, agent, self.agents, action, self.worlds.heads)

    def close_extras(self, **kwargs: Any) -> None:
        """Give back what the worlds hold."""
        if hasattr(self, "worlds"):  # else it was refused before there were any
            self.worlds.close()
