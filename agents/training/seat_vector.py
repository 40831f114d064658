"""The gymnasium face of a seat, for algorithms of one's own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from agents.training.seats import SlotsVecEnv
from sd_env.spaces import ActionSpace


class SeatVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """A seat as a ``gymnasium.vector.VectorEnv``, as :class:`sd_env.vector.WorldsVectorEnv` is for whole worlds.

    Observations are float32 ``(slots, D)``, actions integers ``(slots, 3 + N - 1)``, rewards float64 ``(slots,)``.
    ``infos["action_mask"]`` is int8 ``(slots, M)``. A world that ends begins anew in the same step
    (``AutoresetMode.SAME_STEP``): what was seen last is in ``infos["final_obs"]`` (None where nothing ended), its masks
    in ``infos["final_info"]["action_mask"]``. ``reset`` is that of the seat; its ``seed`` is not followed.
    """

    metadata: ClassVar[dict[str, Any]] = {"autoreset_mode": AutoresetMode.SAME_STEP}  # type: ignore[misc]

    def __init__(self, seat: SlotsVecEnv) -> None:
        self.seat = seat
        self.scenario = seat.scenario
        self.num_envs = seat.num_envs
        self.single_observation_space: spaces.Space[Any] = seat.observation_space
        self.single_action_space = ActionSpace(seat.worlds.heads)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """First observations of new episodes, or present ones if others play on; ``options`` are ignored."""
        seen = self.seat.reset()
        assert isinstance(seen, np.ndarray)
        return seen, self._infos()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Wait until everyone has chosen and the turn is played.

        Returns observations, rewards, terminations, truncations, infos.

        Raises:
            ValueError: for what is no action.
        """
        seat, worlds = self.seat, self.seat.worlds
        seat.step_async(actions)
        seat.turn()
        of = seat.slots // seat.num_states
        terminations, truncations = worlds.terminations[of], worlds.truncations[of]
        infos = self._infos()
        ended = terminations | truncations
        if ended.any():
            rows, masks = seat.rows(worlds.final_observations), seat.rows(worlds.final_masks)
            final = np.full(self.num_envs, None, dtype=object)
            for slot in np.flatnonzero(ended):
                final[slot] = rows[slot].copy()
            infos["final_obs"], infos["_final_obs"] = final, ended
            last = np.where(ended[:, None], masks, np.int8(0))
            infos["final_info"] = {"action_mask": last, "_action_mask": ended.copy()}
            infos["_final_info"] = ended.copy()
        return seat.observe(), seat.rows(worlds.rewards) * seat.reward_scale, terminations, truncations, infos

    def _infos(self) -> dict[str, Any]:
        masks = self.seat.rows(self.seat.worlds.masks).copy()
        return {"action_mask": masks, "_action_mask": np.ones(self.num_envs, dtype=np.bool_)}
