"""Plays the games of one adapter for whoever asks, a line of JSON each: ``python -m benchmarks.peers.worker NAME``.

``{"game": NAME, "worlds": B}`` makes a game and answers with what it is; ``{"play": K, "times": R}`` plays the K-th
that was made R times and answers with the seconds. What fails answers ``{"failed": WHY}``, and the worker goes on.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

from benchmarks.peers import Game, Maker


def answer(asked: dict[str, Any], makers: dict[str, Maker], games: list[Game]) -> dict[str, Any]:
    """Do what a line asks for."""
    if "game" in asked:
        made = makers[asked["game"]](asked["worlds"])
        made.seconds(1)  # whatever is compiled or cached on the first turns
        games.append(made)
        return {"turns": made.turns, "agents": made.agents, "numbers": made.numbers, "seconds": made.seconds(1)}
    return {"seconds": games[asked["play"]].seconds(asked["times"])}


def main(name: str) -> None:
    """Answer until there is nothing more to read; whatever else is printed goes to where errors go."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    makers: dict[str, Maker] | None = None
    games: list[Game] = []
    for line in sys.stdin:
        try:
            if makers is None:
                makers = importlib.import_module(f"benchmarks.peers.{name}").GAMES
            found = answer(json.loads(line), makers, games)
        except Exception as error:  # a peer may raise what it likes: it is a row that says so
            found = {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
