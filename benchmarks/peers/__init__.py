"""Games of others and our own, each adapter a short file, played by :mod:`benchmarks.peers.worker`.

What is here runs with the Python of the peer's environment, so it imports neither sd_env nor what sd_env needs; only
:mod:`benchmarks.peers.sd_env` does, in sd-env's own environment. An adapter has ``GAMES``, which names its games, each
a function that makes a :class:`Game` of so many worlds. Its versions are pinned in ``requirements/NAME.txt``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Turns of an episode, in every game that lets one say so.
EPISODE: Final = 32


@dataclass(frozen=True)
class Game:
    """Random play that was drawn beforehand, ready to be played again and again.

    Attributes:
        play: plays it from the start; observations of all agents are made on every turn.
        turns: world-turns of it; a turn moves all agents of a world.
        agents: of a world.
        numbers: in the observation of an agent.
        before: what must be done before each play, and is not timed.
    """

    play: Callable[[], object]
    turns: int
    agents: int
    numbers: int
    before: Callable[[], object] = lambda: None

    def seconds(self, times: int) -> float:
        """Seconds of so many plays."""
        total = 0.0
        for _ in range(times):
            self.before()
            began = time.perf_counter()
            self.play()
            total += time.perf_counter() - began
        return total


#: Makes a game of so many worlds.
Maker = Callable[[int], Game]
