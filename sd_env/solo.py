"""gymnasium face of one state: a single learner among given policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded

from sd_env.events import Event
from sd_env.parallel import ParallelEnv
from sd_env.policies import Cast, CastLike, RandomPolicy
from sd_env.scenario import ScenarioLike
from sd_env.spaces import ActionSpace, check_action, check_seed
from sd_env.spaces import observation_space as make_observation_space

if TYPE_CHECKING:
    from sd_env.record import EpisodeLog


def solo_env(
    scenario: ScenarioLike,
    *,
    overrides: Mapping[str, Any] | None = None,
    seat: int | str = 0,
    others: CastLike | None = None,
    dict_observation: bool = False,
    mask_in_info: bool = True,
    render_mode: str | None = None,
) -> SoloEnv:
    """A ``gymnasium.Env`` of one state among given policies; see :class:`SoloEnv`."""
    return SoloEnv(
        scenario,
        overrides=overrides,
        seat=seat,
        others=others,
        dict_observation=dict_observation,
        mask_in_info=mask_in_info,
        render_mode=render_mode,
    )


class SoloEnv(gymnasium.Env[Any, np.ndarray]):
    """One learning state in a world whose other states are played by given policies.

    ## Description
    The game of :class:`sd_env.parallel.ParallelEnv`, seen from one seat. Same seed, same actions of all: same episode.

    ## Action space
    As ParallelEnv: ``MultiDiscrete([3, 3, 3] + [4] * (N - 1))``; ``info["action_mask"]`` is int8 ``(sum(nvec),)``.

    ## Observation space
    As ParallelEnv: float32 ``Box(D)``, or with ``dict_observation`` ``{"observation", "action_mask"}``.

    ## Rewards
    The payoff of the seat's state, a float.

    ## Starting state
    As ParallelEnv. ``reset(seed=s)`` begins the stream of s, ``reset()`` its next episode; the other policies are reset
    as :class:`sd_env.policies.Cast` does it. ``options`` are ignored.

    ## Episode end
    As ParallelEnv: truncation at the horizon, termination when at most one state stands or continuation ends the world.
    The episode goes on when the seat's own state has fallen.

    ## Arguments
    - ``scenario``, ``overrides``, ``dict_observation``, ``mask_in_info``, ``render_mode``: as ParallelEnv
    - ``seat``: index or name of the learner's state
    - ``others``: one policy for all other states, or one for each of them, in index order or by name (each state plays
      by itself: :class:`sd_env.policies.Cast`); default :class:`RandomPolicy`, uniform over legal actions

    ## Version history
    - v0: first version
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "human", "rgb_array"], "render_fps": 4}  # type: ignore[misc]

    def __init__(
        self,
        scenario: ScenarioLike,
        *,
        overrides: Mapping[str, Any] | None = None,
        seat: int | str = 0,
        others: CastLike | None = None,
        dict_observation: bool = False,
        mask_in_info: bool = True,
        render_mode: str | None = None,
    ) -> None:
        # One implementation of a turn: this is the ParallelEnv with all seats but one taken.
        self.game = ParallelEnv(scenario, overrides=overrides, render_mode=render_mode)
        self.render_mode = render_mode
        self.scenario = self.game.scenario
        self.dict_observation, self.mask_in_info = dict_observation, mask_in_info
        self.agents = self.game.possible_agents
        self.seat = _seat(seat, self.agents)
        self._agent = self.agents[self.seat]
        heads = self.game.worlds.heads
        seats = [i for i in range(len(self.agents)) if i != self.seat]
        self._cast = Cast(RandomPolicy() if others is None else others, self.agents, seats, heads=heads)
        self.action_space = ActionSpace(heads)
        self.observation_space = make_observation_space(
            heads, self.game.worlds.observations.shape[-1], dict_observation
        )
        self._observations: dict[str, np.ndarray] = {}
        self._infos: dict[str, dict[str, Any]] = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode: the first of the stream of ``seed``, or the next of the present stream.

        Returns the observation and ``{"action_mask"}``. ``options`` are ignored. ValueError for a seed that is none.
        """
        seed = check_seed(seed)
        super().reset(seed=seed)
        self._observations, self._infos = self.game.reset(seed)
        worlds = self.game.worlds
        self._cast.reset(worlds.seed, int(worlds.worlds["episode"][0]))
        return self._own()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play a turn. ``action``: integers ``(3 + N - 1,)``.

        Returns observation, reward, terminated, truncated and info. ValueError, and nothing has changed, for what is
        not an action; ``gymnasium.error.ResetNeeded`` when no episode is on.
        """
        names = self.agents
        if not self.game.agents:
            over = "the episode is over" if self._observations else "no episode has begun"
            raise ResetNeeded(f"{over}: call reset() before step()")
        actions: dict[str, Any] = {
            self._agent: check_action(self._agent, self.seat, names, action, self.game.worlds.heads)
        }
        worlds = self.game.worlds
        chosen = np.zeros((1, len(names), len(actions[self._agent])), np.int64)
        self._cast.act(worlds.observations, worlds.masks, chosen)
        actions.update({names[seat]: chosen[0, seat] for seat in self._cast.seats})
        self._observations, rewards, terminations, truncations, self._infos = self.game.step(actions)
        observation, info = self._own()
        return observation, rewards[self._agent], terminations[self._agent], truncations[self._agent], info

    def _own(self) -> tuple[Any, dict[str, Any]]:
        row, info = self._observations[self._agent], self._infos[self._agent]
        return ({"observation": row, **info} if self.dict_observation else row), info if self.mask_in_info else {}

    def action_masks(self) -> np.ndarray:
        """Legal choices of the coming turn, bool ``(sum(nvec),)``: sb3-contrib asks for it under this name."""
        legal: np.ndarray = self.game.worlds.masks[0, self.seat].astype(np.bool_)
        return legal

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened in the last turn: :mod:`sd_env.events`."""
        return self.game.events

    def log(self) -> EpisodeLog:
        """The episode so far: :meth:`sd_env.parallel.ParallelEnv.log`."""
        return self.game.log()

    def replay(self) -> str:
        """The episode so far as one offline page for a browser, HTML."""
        return self.game.replay()

    def render(self) -> str | np.ndarray | None:
        """The world as text (``"ansi"``), or printed (``"human"``)."""
        return self.game.render()

    def close(self) -> None:
        """Give back what the world holds; closing twice is allowed."""
        self.game.close()


def _seat(seat: int | str, agents: list[str]) -> int:
    if isinstance(seat, str) and seat in agents:
        return agents.index(seat)
    if isinstance(seat, (int, np.integer)) and not isinstance(seat, bool) and 0 <= seat < len(agents):
        return int(seat)
    raise ValueError(f"seat: {seat!r} is not allowed; allowed are 0 to {len(agents) - 1} and {', '.join(agents)}")
