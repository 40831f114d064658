"""The rules as plain Python (`NUMBA_DISABLE_JIT=1`) give the same bytes as the compiled ones."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np

from sd_env.rules.compiled import UNCOMPILED
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.table import random_actions
from tests.transcripts import GUNS_AND_BUTTER

ROOT = Path(__file__).parents[2]
SEED = 7
TURNS = 60
#: What must agree after every turn: all that is seen, all that is true, and the last of the worlds that ended.
ARRAYS = (
    *("params", "worlds", "states", "pairs", "observations", "masks", "rewards", "terminations", "truncations"),
    *("final_observations", "final_masks", "final_tallies"),
)
#: The other side of each switch: drifting technology that all see, no ladder, shares for a gamble, no context, the
#: contest of differences, armies to be called up.
SWITCHES: dict[str, Any] = {
    "technology.perceived_offense_advantage": None,
    "technology.dual_use": None,
    "war.mobilization_required": False,
    "war.outcome": "share",
    "war.contest": "difference",
    "war.peacetime_readiness": [0.2, 0.9],
    "perception.context_observed": False,
    "perception.beliefs": False,
    "actions.signal": ["silence", "threaten"],
}


#: Heads that are not the standard ones.
FINE: dict[str, Any] = {"arming.levels": 4, "war.force_levels": 3, "war.peacetime_readiness": [0.2, 0.9]}


def play() -> dict[str, list[dict[str, str]]]:
    """Per scenario and turn, a hash of each array: 2 and 5 states, any actions, with and without autoreset."""
    played = {}
    for n_states, num_worlds in ((2, 3), (5, 2)):
        for switches in ({}, SWITCHES, FINE):
            scenario = Scenario.load(GUNS_AND_BUTTER, {"n_states": n_states, "motives.turnover": 0.2, **switches})
            worlds = Worlds(scenario, num_worlds, seed=SEED, autoreset=not switches)
            rng = np.random.default_rng(SEED)
            turns = [hashes(worlds)]
            for _ in range(TURNS):
                worlds.step(random_actions(rng, worlds))
                turns.append(hashes(worlds))
                ended = worlds.terminations | worlds.truncations
                if switches and ended.any():
                    worlds.reset(worlds=ended)
            assert worlds.worlds["episode"].min() >= 2, "too few episodes to compare resets"
            played[f"{n_states} states, {', '.join(switches) or 'everything'}"] = turns
    return played


def hashes(worlds: Worlds) -> dict[str, str]:
    """The first half of each array's SHA-256; the records are packed, so that every byte means something."""
    return {name: hashlib.sha256(getattr(worlds, name).tobytes()).hexdigest()[:32] for name in ARRAYS}


def test_uncompiled_rules_play_the_same_bytes() -> None:
    assert not UNCOMPILED, "this process must run the compiled rules: unset NUMBA_DISABLE_JIT"
    program = (
        "import json; from tests.sd_env import test_uncompiled as t; assert t.UNCOMPILED; print(json.dumps(t.play()))"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", program]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    uncompiled, compiled = json.loads(ran.stdout), play()
    assert numba.config.DISABLE_JIT == 0  # type: ignore[attr-defined]
    assert list(uncompiled) == list(compiled)
    for scenario, turns in compiled.items():
        assert len({turn["observations"] for turn in turns}) > TURNS / 2
        for turn, (mine, theirs) in enumerate(zip(turns, uncompiled[scenario], strict=True)):
            different = [name for name in ARRAYS if mine[name] != theirs[name]]
            assert not different, f"{scenario}, turn {turn}: {', '.join(different)}"
