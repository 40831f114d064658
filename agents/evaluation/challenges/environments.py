"""A challenge as an environment: what a policy meets there, through the same faces as everywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pettingzoo

from agents.evaluation.challenges import Challenge, Option, load_challenge
from agents.policies.protocol import Policy
from agents.policies.specs import policy_from
from sd_env import layout
from sd_env.events import Event
from sd_env.parallel import ParallelEnv
from sd_env.policies import AnyHeads, Cast, PolicyError, ask, derived_seed
from sd_env.solo import SoloEnv

#: First part of the key of draws of residents, so that they share no stream with anything else.
_DRAW = 0x5EA7


class Mixture(AnyHeads):
    """A resident that has another strategy in each world; what it is shows only in what it does.

    Args:
        options: the strategies that it may have, and their weights.
        rows: strategy of each row by its place in ``options``, int ``(K,)``, as :func:`drawn` gives it; may be set
            later, before it is asked.
    """

    def __init__(self, options: Sequence[Option], rows: np.ndarray | None = None) -> None:
        self.options, self.rows = options, rows
        self.name = "|".join(option.strategy for option in options)
        self.memory = 1
        self._policies = [policy_from(option.strategy) for option in options]

    def reset(self, seed: int) -> None:
        """An episode begins: all draws follow from ``seed``."""
        for kind, policy in enumerate(self._policies):
            policy.reset(derived_seed(seed, kind))

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: layout.Heads) -> np.ndarray:
        """Actions int64 ``(K, H)``, each row's by its own strategy."""
        if self.rows is None:
            raise PolicyError(f"policy {self.name}: its strategies are to be drawn before it plays.")
        actions = np.zeros((len(mask), len(heads.kinds)), np.int64)
        for kind, policy in enumerate(self._policies):
            rows = np.flatnonzero(self.rows == kind)
            if len(rows):
                actions[rows] = ask(policy, observation[rows], mask[rows], heads)
        return actions


def drawn(options: Sequence[Option], *, seat: int, seed: int, worlds: Sequence[int], episode: int = 0) -> np.ndarray:
    """Which option the resident in ``seat`` has in each world, int64 ``(worlds,)``: a draw of the world's own."""
    weights = np.array([option.weight for option in options])
    bounds = np.cumsum(weights / weights.sum())
    keys = [derived_seed(_DRAW, seed, world, episode, seat) for world in worlds]
    uniform = np.array(keys, np.float64) / 2**32
    return np.minimum(np.searchsorted(bounds, uniform, side="right"), len(options) - 1)


def residents(challenge: Challenge) -> dict[int, Policy]:
    """A policy for each resident seat, by index; those of several options still wait for :func:`draw`."""
    return {
        seat: Mixture(options) if len(options) > 1 else policy_from(options[0].strategy)
        for seat, options in challenge.cast.items()
    }


def draw(residents: Mapping[int, Policy], seed: int, worlds: Sequence[int], episode: int = 0) -> dict[int, np.ndarray]:
    """Draw the strategies of residents that have several in each world; the draws by seat, as :func:`drawn`."""
    found: dict[int, np.ndarray] = {}
    for seat, policy in residents.items():
        if isinstance(policy, Mixture):
            policy.rows = found[seat] = drawn(policy.options, seat=seat, seed=seed, worlds=worlds, episode=episode)
    return found


def challenge_env(
    challenge: str | Challenge, *, dict_observation: bool = False, render_mode: str | None = None
) -> SoloChallengeEnv | ChallengeEnv:
    """The challenge as an environment of its focal seats; its residents are inside and see what any policy sees.

    One focal seat: a ``gymnasium.Env`` (:class:`SoloChallengeEnv`). Several: a PettingZoo ``ParallelEnv`` whose agents
    are the focal states (:class:`ChallengeEnv`). ``reset(seed=s)`` begins the stream of s, residents' draws included.

    Raises:
        ChallengeError: if there is no such challenge.
    """
    chosen = challenge if isinstance(challenge, Challenge) else load_challenge(challenge)
    if len(chosen.focal_seats) > 1:
        return ChallengeEnv(chosen, dict_observation=dict_observation, render_mode=render_mode)
    return SoloChallengeEnv(chosen, dict_observation=dict_observation, render_mode=render_mode)


class SoloChallengeEnv(SoloEnv):
    """A challenge with one focal seat: :class:`sd_env.solo.SoloEnv` with its residents inside.

    What it returns lies in memory of its own, so that nothing of other states can be reached through it.
    """

    def __init__(self, challenge: Challenge, *, dict_observation: bool = False, render_mode: str | None = None) -> None:
        self.challenge = challenge
        names = challenge.game.agents
        self._residents = residents(challenge)
        super().__init__(
            challenge.game,
            seat=challenge.focal_seats[0],
            others={names[seat]: policy for seat, policy in self._residents.items()},
            dict_observation=dict_observation,
            render_mode=render_mode,
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; observation and ``{"action_mask"}``. ``options`` are ignored."""
        observation, info = super().reset(seed=seed, options=options)
        worlds = self.game.worlds
        draw(self._residents, worlds.seed, range(1), int(worlds.worlds["episode"][0]))
        return _apart(observation), _apart(info)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play a turn. ``action``: integers ``(3 + N - 1,)``."""
        observation, reward, terminated, truncated, info = super().step(action)
        return _apart(observation), reward, terminated, truncated, _apart(info)


def _apart(value: Any) -> Any:
    """The array, or the arrays of a mapping, in memory of their own."""
    return {key: _apart(item) for key, item in value.items()} if isinstance(value, Mapping) else np.array(value)


class ChallengeEnv(pettingzoo.ParallelEnv[str, Any, Any]):  # type: ignore[misc]
    """A challenge with several focal seats: :class:`sd_env.parallel.ParallelEnv` with its residents inside.

    Spaces, observations, rewards and the end of an episode are those of ``ParallelEnv``, for the focal states alone.
    There is no ``state()``: it would show what focal policies are not to see. ``events`` is for people.
    """

    metadata: ClassVar[dict[str, Any]] = ParallelEnv.metadata | {"name": "sd_env_challenge_v0"}

    def __init__(self, challenge: Challenge, *, dict_observation: bool = False, render_mode: str | None = None) -> None:
        self.challenge = challenge
        self.render_mode = render_mode
        self._dict_observation = dict_observation
        self._game = ParallelEnv(challenge.game, render_mode=render_mode)
        names = self._game.possible_agents
        twin = ParallelEnv(challenge.game, dict_observation=dict_observation)
        self.possible_agents = [names[seat] for seat in challenge.focal_seats]
        self.agents: list[str] = []
        self.observation_spaces = {agent: twin.observation_space(agent) for agent in self.possible_agents}
        self.action_spaces = {agent: twin.action_space(agent) for agent in self.possible_agents}
        self._residents = residents(challenge)
        cast = {names[seat]: policy for seat, policy in self._residents.items()}
        self._cast = Cast(cast, names, [*self._residents], heads=self._game.worlds.heads)

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        """The observation space of ``agent``: the same object at each call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        """The action space of ``agent``: the same object at each call."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode; observations and infos of the focal states. ``options`` are ignored."""
        observations, infos = self._game.reset(seed)
        self.agents = self.possible_agents[:]
        worlds = self._game.worlds
        episode = int(worlds.worlds["episode"][0])
        draw(self._residents, worlds.seed, range(1), episode)
        self._cast.reset(worlds.seed, episode)
        return self._focal(observations, infos)

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Play a turn. ``actions``: integers ``(3 + N - 1,)`` of every focal state.

        Raises:
            ValueError: for what is not an action of a focal state; nothing has changed then.
        """
        if unknown := [agent for agent in actions if agent not in self.possible_agents]:
            raise ValueError(f"actions names {unknown[0]!r}; the agents are {', '.join(self.possible_agents)}")
        if missing := [agent for agent in self.agents if agent not in actions]:
            raise ValueError(f"actions has none for agent {missing[0]!r}: every agent acts every turn")
        everyone = dict(actions)
        if self.agents:  # else the game says that it must be reset
            worlds, names = self._game.worlds, self._game.possible_agents
            chosen = np.zeros((1, len(names), len(worlds.heads.kinds)), np.int64)
            self._cast.act(worlds.observations, worlds.masks, chosen)
            everyone |= {names[seat]: chosen[0, seat] for seat in self._residents}
        observations, rewards, terminations, truncations, infos = self._game.step(everyone)
        self.agents = [agent for agent in self.agents if agent in self._game.agents]
        seen_now, infos_now = self._focal(observations, infos)
        mine = self.possible_agents
        return (
            seen_now,
            {agent: rewards[agent] for agent in mine},
            {agent: terminations[agent] for agent in mine},
            {agent: truncations[agent] for agent in mine},
            infos_now,
        )

    def _focal(
        self, observations: dict[str, np.ndarray], infos: dict[str, dict[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        # in memory of its own: all rows of the game lie in one array
        shown = {agent: _apart(observations[agent]) for agent in self.possible_agents}
        told = {agent: {"action_mask": _apart(infos[agent]["action_mask"])} for agent in self.possible_agents}
        if self._dict_observation:
            return {agent: {"observation": row, **told[agent]} for agent, row in shown.items()}, told
        return dict(shown), told

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened in the last turn: :mod:`sd_env.events`."""
        return self._game.events

    def render(self) -> Any:
        """The world as text (``"ansi"``), or printed (``"human"``)."""
        return self._game.render()

    def close(self) -> None:
        """Give back what the world holds; closing twice is allowed."""
        self._game.close()
