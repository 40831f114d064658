"""What the six dependencies of the game are enough for: run with nothing else installed, or all else blocked.

    python -m tests.bare_install [MODULE ...]

The modules named are treated as not installed. ``make test-bare`` runs this in an environment that has only the six;
``tests/test_packaging.py`` in one that has everything, with the rest blocked.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

SCENARIO = "jervis/doubly-dangerous"
SEED = 7
HORIZON = 32
#: Of two states: arm not, say nothing, hold out a hand. So they live to the last turn.
QUIET = [0, 0, 0, 0]


class Absent(MetaPathFinder):
    """Says of some modules that they are not installed."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def play_every_face() -> None:
    """One whole episode through each face, by our own functions and by the registries."""
    import gymnasium
    import numpy as np
    import pettingzoo

    import agents
    import sd_env

    for parallel in (
        sd_env.parallel_env(SCENARIO, render_mode="ansi"),
        pettingzoo.make("parallel", "sd_env/World-v0", scenario=SCENARIO, render_mode="ansi", dict_observation=True),
    ):
        parallel.reset(seed=SEED)
        turns = 0
        while parallel.agents:
            parallel.step(dict.fromkeys(parallel.agents, QUIET))
            turns += 1
        assert turns == HORIZON and f"turn {HORIZON} of {HORIZON}" in parallel.render()

    aec = sd_env.env(SCENARIO)
    aec.reset(seed=SEED)
    moves = 0
    while aec.agents:
        _, _, terminated, truncated, _ = aec.last()
        aec.step(None if terminated or truncated else QUIET)
        moves += 1
    assert moves == 2 * (HORIZON + 1)

    for solo in (
        sd_env.solo_env(SCENARIO, others=agents.make("tit-for-tat")),
        gymnasium.make("sd_env/Solo-v0", scenario=SCENARIO),
    ):
        solo.reset(seed=SEED)
        turns, over = 0, False
        while not over:
            _, _, terminated, truncated, _ = solo.step(QUIET)
            turns, over = turns + 1, terminated or truncated
        assert 1 < turns <= HORIZON

    for vector in (
        sd_env.vector_env(SCENARIO, 3),
        gymnasium.make_vec("sd_env/Vector-v0", scenario=SCENARIO, num_worlds=3),
    ):
        vector.reset(seed=SEED)
        for turn in range(1, HORIZON + 1):
            _, rewards, _, truncated, _ = vector.step(np.tile(QUIET, (6, 1)))
            assert rewards.shape == (6,) and np.all(truncated == (turn == HORIZON))


def read_the_catalogue() -> None:
    """Every scenario can be read and begun."""
    import sd_env

    names = sd_env.scenarios()
    assert len(names) > 30
    for name in names:
        sd_env.parallel_env(name).reset(seed=SEED)


def keep_and_tell() -> None:
    """Strategies play, and the episode is kept, checked and told by the commands that need no more."""
    from agents import cli, make
    from sd_env.record import record, write_log

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as told:
        log = record(SCENARIO, [make("tit-for-tat"), make("dove")], SEED)
        path = str(write_log(Path(folder) / "episode.jsonl", log))
        assert cli.main(["verify", path]) == 0
        assert cli.main(["replay", path]) == 0
        assert cli.main(["strategies", "tit-for-tat"]) == 0
        sys.stdin = io.StringIO("=\n" * HORIZON)
        assert cli.main(["play", SCENARIO, "--seed", str(SEED), "-o", path]) == 0 and cli.main(["verify", path]) == 0
        assert cli.main(["--help"]) == 0
    assert f"turn {HORIZON} of {HORIZON}" in told.getvalue()


def ask_for_more() -> None:
    """What needs the training packages, or those of the server, says so in one sentence."""
    from agents import cli

    there = f"--scenario {SCENARIO}"
    for line in (
        f"evaluate dove {there}", f"tournament dove hawk {there}", f"crossplay dove hawk {there}",
        f"ablate dove {there} --parameter war.conquest --values 0.2", f"exploit dove {there}", "challenge dove",
        "experiment anarchy --smoke", "measure nowhere.jsonl", "train --config smoke",
    ):  # fmt: skip
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = cli.main(line.split())
        command = line.split()[0]
        assert said.getvalue() == f"sd-env: {command} needs the training packages: pip install 'sd-env[train]'\n", line
        assert code == 2
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        assert cli.main(["serve"]) == 2
    assert said.getvalue() == "sd-env: serve needs the packages of the server: pip install 'sd-env[serve]'\n"


def main(absent: Sequence[str]) -> None:
    """Try it all with these modules absent."""
    sys.meta_path.insert(0, Absent(absent))
    for step in (play_every_face, read_the_catalogue, keep_and_tell, ask_for_more):
        step()
    print(f"The game plays with Python {sys.version.split()[0]} and its six dependencies.")


if __name__ == "__main__":
    main(sys.argv[1:])
