"""One script of actions, played through each face: what the tests of the faces share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import sd_env
from sd_env import layout

#: Every part of the rules at work, with ranges to draw, noise, drift and episodes of uneven length.
LIVELY: dict[str, Any] = {
    "name": "lively",
    "title": "A lively world",
    "n_states": 3,
    "horizon": [8, 14],
    "continuation": 0.93,
    "technology": {"offense_advantage": [0.8, 3.0], "distinguishability": [0, 1], "drift": 0.1},
    "states": {"offense": [0, 0.4], "growth": [-0.02, 0.05]},
    "geography": {"reach": [0.5, 1.0]},
    "perception": {"signal_noise": 0.2, "noise": 0.3},
    "motives": {"p_greedy": 0.5, "power_motive": 0.1, "identification": 0.1, "routine": 0.01},
    "war": {"mobilization_required": True, "conquest": 0.5},
}

#: The same, but it always lasts 14 turns or until one state is left.
STEADY: dict[str, Any] = {**LIVELY, "horizon": 14, "continuation": 1}


def of_size(n: int, **overrides: Any) -> dict[str, Any]:
    """The lively world with so many states."""
    return {**LIVELY, "n_states": n, **overrides}


def script(episode: int, turn: int, agent: int, num_states: int, heads: layout.Heads | None = None) -> np.ndarray:
    """The action of a state, the same whoever asks: any whole numbers in range, legal or not, int64 (H,).

    The heads are the standard ones of so many states, unless others are given.
    """
    sizes = heads.sizes if heads else layout.action_sizes(num_states)
    return np.random.default_rng([episode, turn, agent]).integers(0, sizes)


def actions_of(env: Any, episode: int, turn: int) -> dict[str, np.ndarray]:
    """The script's actions of every agent of a PettingZoo face."""
    n = len(env.possible_agents)
    heads = env.unwrapped.scenario.heads
    return {agent: script(episode, turn, i, n, heads) for i, agent in enumerate(env.possible_agents)}


@dataclass
class Played:
    """Two episodes as one seat or all seats saw them; ``rows`` are comparable between faces."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, *values: Any) -> None:
        self.rows.append(tuple(np.array(value) for value in values))

    def same_as(self, other: Played) -> None:
        assert len(self.rows) == len(other.rows)
        for mine, theirs in zip(self.rows, other.rows, strict=True):
            assert len(mine) == len(theirs)
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(a, b)

    def seat(self, seat: int) -> Played:
        """Only what one seat sees of rows of all seats."""
        return Played([tuple(value[seat] if value.ndim else value for value in row) for row in self.rows])


def play_worlds(scenario: Any, seed: int, episodes: int = 2) -> Played:
    """Straight from ``Worlds``."""
    played, loaded = Played(), sd_env.load_scenario(scenario)
    worlds = sd_env.Worlds(loaded, 1)
    n = loaded.n_states
    for episode in range(episodes):
        worlds.reset(seed if episode == 0 else None)
        played.add(worlds.observations[0], worlds.masks[0])
        for turn in range(1000):
            worlds.step(np.stack([script(episode, turn, i, n) for i in range(n)])[None])
            terminated, truncated = bool(worlds.terminations[0]), bool(worlds.truncations[0])
            played.add(worlds.observations[0], worlds.masks[0], worlds.rewards[0], terminated, truncated)
            if terminated or truncated:
                break
    return played


def play_parallel(scenario: Any, seed: int, episodes: int = 2) -> Played:
    """Through the ParallelEnv."""
    played, env = Played(), sd_env.parallel_env(scenario)
    names = env.possible_agents
    for episode in range(episodes):
        obs, infos = env.reset(seed=seed) if episode == 0 else env.reset()
        played.add([obs[a] for a in names], [infos[a]["action_mask"] for a in names])
        turn = 0
        while env.agents:
            actions = {a: script(episode, turn, i, len(names)) for i, a in enumerate(names)}
            obs, rewards, terminations, truncations, infos = env.step(actions)
            assert len(set(terminations.values())) == len(set(truncations.values())) == 1
            played.add(
                [obs[a] for a in names],
                [infos[a]["action_mask"] for a in names],
                [rewards[a] for a in names],
                terminations[names[0]],
                truncations[names[0]],
            )
            turn += 1
    return played


def play_aec(scenario: Any, seed: int, episodes: int = 2) -> Played:
    """Through the AECEnv, agent by agent."""
    played, env = Played(), sd_env.env(scenario)
    names = env.possible_agents
    for episode in range(episodes):
        env.reset(seed=seed) if episode == 0 else env.reset()
        turn = -1
        while env.agents:
            rows = [env.observe(a) for a in names]
            masks = [env.infos[a]["action_mask"] for a in names]
            rewards = [env.rewards[a] for a in names]
            flags = env.terminations[names[0]], env.truncations[names[0]]
            played.add(rows, masks) if turn < 0 else played.add(rows, masks, rewards, *flags)
            turn += 1
            for i, agent in enumerate(names):
                assert env.agent_selection == agent
                env.step(None if any(flags) else script(episode, turn, i, len(names)))
    return played


def play_vector(scenario: Any, seed: int, num_worlds: int, world: int = 0, episodes: int = 2) -> Played:
    """One world of the VectorEnv; each of its episodes follows the script of that episode."""
    played, env = Played(), sd_env.vector_env(scenario, num_worlds)
    n = len(env.agents)
    mine = slice(world * n, world * n + n)
    obs, infos = env.reset(seed=seed)
    played.add(obs[mine], infos["action_mask"][mine])
    episode = turn = 0
    while episode < episodes:
        actions = np.concatenate([[script(episode, turn, i, n) for i in range(n)]] * num_worlds)
        obs, rewards, terminations, truncations, infos = env.step(actions)
        turn += 1
        if terminations[mine].any() or truncations[mine].any():
            last = np.stack(list(infos["final_obs"][mine]))
            masks = infos["final_info"]["action_mask"][mine]
            played.add(last, masks, rewards[mine], terminations[mine][0], truncations[mine][0])
            episode, turn = episode + 1, 0
            if episode < episodes:
                played.add(obs[mine], infos["action_mask"][mine])
        else:
            played.add(obs[mine], infos["action_mask"][mine], rewards[mine], False, False)
    return played


class ScriptedPolicy:
    """Plays the script for the seats it is told, whatever it sees."""

    def __init__(self, seats: list[int], num_states: int) -> None:
        self.seats, self.num_states = seats, num_states
        self.episode, self.turn = -1, 0
        self.seeds: list[int] = []

    def reset(self, seed: int) -> None:
        self.seeds.append(seed)
        self.episode, self.turn = self.episode + 1, 0

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        assert observation.shape[0] == mask.shape[0] == len(self.seats)
        self.turn += 1
        return np.stack([script(self.episode, self.turn - 1, seat, self.num_states) for seat in self.seats])


def play_solo(scenario: Any, seed: int, seat: int, episodes: int = 2) -> Played:
    """One seat of the solo env, the others scripted."""
    n = sd_env.load_scenario(scenario).n_states
    names = sd_env.load_scenario(scenario).agents
    others = {name: ScriptedPolicy([i], n) for i, name in enumerate(names) if i != seat}
    played, env = Played(), sd_env.solo_env(scenario, seat=seat, others=others)
    for episode in range(episodes):
        obs, info = env.reset(seed=seed) if episode == 0 else env.reset()
        played.add(obs, info["action_mask"])
        ended, turn = False, 0
        while not ended:
            obs, reward, terminated, truncated, info = env.step(script(episode, turn, seat, n))
            played.add(obs, info["action_mask"], reward, terminated, truncated)
            ended, turn = terminated or truncated, turn + 1
    return played
