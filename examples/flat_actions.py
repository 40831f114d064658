"""One Discrete action in the place of several choices at once, for libraries that know nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pettingzoo
from gymnasium import spaces

import sd_env
from sd_env.scenario import ScenarioLike


class FlatActions(pettingzoo.ParallelEnv[str, Any, int]):  # type: ignore[misc]
    """The world with every combination of choices as one number: 3 · 3 · 3 · 4 = 108 for two states, 432 for three.

    Numbers count the last head first, as `numpy.unravel_index` does. A combination is legal if all its choices are;
    masks, int8 `(108,)`, are in the infos and, with `dict_observation`, in the observation.
    """

    def __init__(self, scenario: ScenarioLike, *, dict_observation: bool = False) -> None:
        self.game = sd_env.parallel_env(scenario)
        self.metadata, self.render_mode = self.game.metadata, None
        self.possible_agents, self.agents = self.game.possible_agents, self.game.agents
        self.dict_observation = dict_observation
        self.sizes = tuple(self.game.action_space(self.possible_agents[0]).nvec.tolist())
        count = int(np.prod(self.sizes))
        self.action_spaces = {agent: spaces.Discrete(count) for agent in self.possible_agents}
        mask = spaces.Box(0, 1, (count,), np.int8)
        self.observation_spaces: dict[str, spaces.Space[Any]] = {
            agent: spaces.Dict({"observation": box, "action_mask": mask}) if dict_observation else box
            for agent, box in self.game.observation_spaces.items()
        }
        self.state_space = self.game.state_space

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Of an agent; the same object at each call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Of an agent; the same object at each call."""
        return self.action_spaces[agent]

    def state(self) -> np.ndarray:
        """The global state."""
        return self.game.state()

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """As the game's."""
        return self._shown(*self.game.reset(seed, options))

    def step(self, actions: dict[str, int]) -> tuple[Any, ...]:
        """As the game's, with a number for each agent."""
        heads = {agent: np.array(np.unravel_index(int(number), self.sizes)) for agent, number in actions.items()}
        observations, rewards, terminations, truncations, infos = self.game.step(heads)
        observations, infos = self._shown(observations, infos)
        return observations, rewards, terminations, truncations, infos

    def _shown(self, observations: dict[str, Any], infos: dict[str, Any]) -> tuple[Any, Any]:
        self.agents = self.game.agents
        for agent, info in infos.items():
            flat = np.ones(1, np.int8)
            for head in np.split(info["action_mask"], np.cumsum(self.sizes)[:-1]):
                flat = np.outer(flat, head).ravel()
            info["action_mask"] = flat
            if self.dict_observation:
                observations[agent] = {"observation": observations[agent], "action_mask": flat}
        return observations, infos

    def render(self) -> None:
        """Nothing to show: see the game's own faces."""

    def close(self) -> None:
        """As the game's."""
        self.game.close()
