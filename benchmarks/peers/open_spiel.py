"""OpenSpiel from Python: games in which all move at once, a turn at a time, each state's observation as a tensor.

Actions and the outcomes of chance are drawn before the clock starts. Legal actions are not asked for while it runs.
"""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pyspiel
from open_spiel.python.observation import make_observation

from benchmarks.peers import EPISODE, Game

_EPISODES = 16


def game(made: pyspiel.Game, worlds: int) -> Game:
    """Episodes of one world at a time, until they end or have ``EPISODE`` turns; it has no way of many."""
    assert worlds == 1
    seen = make_observation(made)
    rng, players = random.Random(0), range(made.num_players())
    pool: list[list[Any]] = []
    turns = 0
    for _ in range(_EPISODES):
        state, episode, left = made.new_initial_state(), list[Any](), EPISODE
        while left and not state.is_terminal():
            if state.is_chance_node():
                outcomes, chances = zip(*state.chance_outcomes(), strict=True)
                episode.append(rng.choices(outcomes, chances)[0])
                state.apply_action(episode[-1])
            else:
                episode.append([rng.choice(state.legal_actions(player)) for player in players])
                state.apply_actions(episode[-1])
                left -= 1
        turns += EPISODE - left
        pool.append(episode)

    def play() -> None:
        for episode in pool:
            state = made.new_initial_state()
            for entry in episode:
                if isinstance(entry, list):
                    state.apply_actions(entry)
                    for player in players:
                        seen.set_from(state, player)
                else:
                    state.apply_action(entry)

    return Game(play, turns, len(players), len(seen.tensor))


def repeated(worlds: int) -> Game:
    """The prisoner's dilemma of two, repeated."""
    stage = pyspiel.load_game("matrix_pd")
    return game(pyspiel.create_repeated_game(stage, {"num_repetitions": EPISODE}), worlds)


def loaded(name: str, worlds: int) -> Game:
    """A game by its name in OpenSpiel."""
    return game(pyspiel.load_game(name), worlds)


GAMES = {
    "repeated matrix_pd": repeated,
    "coop_box_pushing": partial(loaded, "coop_box_pushing(horizon=32)"),
    "laser_tag": partial(loaded, "laser_tag(horizon=32,fully_obs=true)"),
}
