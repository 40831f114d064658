"""What a new head or a new choice takes: a row in the table. All the rest follows.

In a copy of the packages the table gets a choice (``signal: concede``), an own head (``invest``) and a head toward
others (``thrust``); then whoever knows actions is asked about them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = (
    ("    THREATEN = 2\n", "    THREATEN = 2\n    CONCEDE = 3\n"),
    (
        "class Head(IntEnum):\n",
        "class Invest(IntEnum):\n    NOTHING = 0\n    MUCH = 1\n\n\n"
        "class Thrust(IntEnum):\n    LIMITED = 0\n    FULL = 1\n    TOTAL = 2\n\n\nclass Head(IntEnum):\n",
    ),
    (
        '    SIGNAL = Signal, Signal.SILENCE, "What may be said."\n',
        '    SIGNAL = Signal, Signal.SILENCE, "What may be said."\n'
        '    INVEST = Invest, Invest.NOTHING, "What may go into growth.", False, None, (Invest.NOTHING,)\n',
    ),
    (
        "{Stance.ATTACK: Stance.MOBILIZE}\n",
        "{Stance.ATTACK: Stance.MOBILIZE}\n"
        '    THRUST = Thrust, Thrust.FULL, "With what thrust.", True, {Thrust.TOTAL: Thrust.LIMITED}\n',
    ),
)

FACES = """
import numpy as np
import sd_env
from sd_env import layout, load_scenario
from sd_env.record import read_log, record, write_log
from sd_env.show.story import Story
from sd_env.spaces import check_action
from sd_env.worlds import Worlds

own, toward = [3, 3, 4, 2], [4, 3]
for n in (2, 3, 16):
    assert layout.action_sizes(n) == own + toward * (n - 1)
    assert layout.mask_size(n) == 12 + 7 * (n - 1) and layout.num_states_of(12 + 7 * (n - 1)) == n
    assert layout.noop(n) == [0, 0, 0, 0] + [1, 1] * (n - 1)
names = ["build_offense", "build_defense", "signal", "invest"]
toward_a, toward_c = ["stance toward a", "thrust toward a"], ["stance toward c", "thrust toward c"]
assert layout.Heads(3).names(1, "abc") == [*names, *toward_a, *toward_c]

plain = load_scenario("jervis/doubly-dangerous", {"n_states": 3})
assert plain.actions.invest == ("nothing",) and plain.actions.thrust == ("limited", "full", "total")
keys = plain.json_schema()["$defs"]["Actions"]["properties"]
assert keys["invest"]["items"]["enum"] == ["nothing", "much"] and keys["signal"]["items"]["enum"][3] == "concede"
try:
    load_scenario(plain, {"actions.invest": ["much"]})
except ValueError as error:
    assert "choices among nothing, much, with nothing (the no-op)" in str(error), error
else:
    raise AssertionError

rich = load_scenario(plain, {"actions.invest": ["nothing", "much"]})
for scenario, invests in ((plain, 0), (rich, 1)):
    mask = Worlds(scenario, seed=0).masks[0, 0].tolist()
    assert mask[6:12] == [1, 1, 1, 1, 1, invests] and mask[12:19] == [1, 1, 1, 0, 1, 1, 0]
env = sd_env.parallel_env(rich)
assert env.action_space("state_1").nvec.tolist() == own + toward * 2
try:
    check_action("state_1", 1, env.possible_agents, [0, 0, 0, 2, 1, 1, 1, 1])
except ValueError as error:
    assert "head invest: 2 is not among the whole numbers 0 (nothing), 1 (much)" in str(error), error
else:
    raise AssertionError

class Script:
    name = "script"
    def reset(self, seed):
        self.turn = 0
    def act(self, observation, mask):
        self.turn += 1
        return np.tile([0, 0, 3, 1, 2, 2, 1, 1], (len(mask), 1))

for scenario, invests in ((plain, 0), (rich, 1)):
    log = record(scenario, Script(), seed=1)
    assert log.states["invest"][1:].tolist() == [[invests] * 3] * log.turns
    assert (log.states["signal"][1:] == 3).all()
    # total thrust takes mobilization on the turn before: the first turn has the rung below
    assert log.pairs["thrust"][1, 0].tolist() == [1, 0, 1] and log.pairs["thrust"][2, 0].tolist() == [1, 2, 1]
    assert log.states["illegal"][1].tolist() == [1 + (1 - invests)] * 3
    told = Story(log).sentences(1)
    assert "State_0 chooses concede as signal" in told, told
    assert ("State_0 chooses much as invest" in told) == bool(invests)
    assert ("State_0 may not choose much as invest: nothing instead" in told) != bool(invests)
    assert "State_0 may not choose total as thrust toward State_1: limited instead" in told
    assert "State_0 chooses limited as thrust toward State_1" in told
    assert "State_0 chooses total as thrust toward State_1" in Story(log).sentences(2)
    again = read_log(write_log("kept.jsonl", log))
    assert again.events == log.events and np.array_equal(again.actions, log.actions)
    assert (again.states["invest"] == log.states["invest"]).all()
"""

PLAYERS = """
import numpy as np
import torch as th
from agents.evaluation.exact import allowed_actions
from agents.policies.protocol import NeverAttackPolicy
from agents.policies.set_network import SetHeads
from agents.strategies.plan import Plan
from agents.table.interventions import InterventionError, Interventions
from sd_env import layout, load_scenario
from sd_env.worlds import Worlds

rich = load_scenario("jervis/doubly-dangerous", {"n_states": 3, "actions.invest": ["nothing", "much"]})
worlds = Worlds(rich, seed=0)
plan = Plan(3, 2)
assert plan.legal(worlds.masks[0]).tolist() == [layout.noop(3)] * 3
plan.invest[1] = 1
plan.thrust[:, 1] = 2
plan.stance[2, 0] = 3
wanted = [[0, 0, 0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 2, 1, 1, 0]]
assert plan.legal(worlds.masks[0]).tolist() == wanted
worlds.step([wanted])
assert worlds.heads.carried_out(worlds.states, worlds.pairs)[0].tolist() == wanted
assert not worlds.states["illegal"].any()

actions = np.array([[layout.noop(3)] * 3])
Interventions({"all": {"invest": "much"}, "state_2": {"thrust.state_0": "limited"}}, rich.agents).apply(actions)
assert actions[0].tolist() == [[0, 0, 0, 1, 1, 1, 1, 1]] * 2 + [[0, 0, 0, 1, 1, 0, 1, 1]]
try:
    Interventions({"all": {"shout": "loud"}}, rich.agents)
except InterventionError as error:
    allowed = "build_offense, build_defense, signal, invest, stance, thrust and stance.NAME, thrust.NAME"
    assert f"allowed are {allowed} of another state" in str(error), error
else:
    raise AssertionError

drawn = NeverAttackPolicy(0).act(worlds.observations[0].repeat(200, 0), np.ones((600, 26), np.int8))
assert drawn.shape == (600, 8) and drawn.max(axis=0).tolist() == [2, 2, 3, 1, 2, 2, 2, 2]
assert len(allowed_actions(rich)) == 3 * 3 * 4 * 2 * (4 * 3) ** 2
heads = SetHeads(5)
before = heads(th.zeros(1, 15)).detach()
heads.favour((layout.Stance.ATTACK,), 2.0)
raised = (heads(th.zeros(1, 15)).detach() - before)[0]
assert raised.shape == (26,) and raised.nonzero().flatten().tolist() == [12 + 3, 12 + 7 + 3]
"""

COMPILED = """
import numpy as np
from sd_env import layout, load_scenario
from sd_env.rules.actions import carry_out, write_masks
from sd_env.rules.compiled import UNCOMPILED

assert not UNCOMPILED
scenario = load_scenario("jervis/doubly-dangerous", {"n_states": 3})
p = np.zeros(1, layout.PARAMS)
p.view(np.float64)[:] = scenario.bounds().parameters[0]
s, r = np.zeros(3, layout.STATES), np.zeros((3, 3), layout.PAIRS)
s["standing"] = [True, True, False]
s["mobilized"][1] = 0b001
masks = np.zeros((3, layout.mask_size(3)), np.int8)
write_masks(p[0], s, r, masks)
nothing = [0, 1, 0, 0, 0, 1, 0]
assert masks.tolist() == [
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0] + [1, 1, 1, 0, 1, 1, 0] + nothing,
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0] + [1, 1, 1, 1, 1, 1, 1] + nothing,
    [1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0] + nothing * 2,
]
carry_out(p[0], s, r, np.array([[2, 2, 3, 1, 3, 2, 3, 2]] * 3))
assert layout.Heads(3).carried_out(s, r).tolist() == [
    [2, 2, 3, 0, 2, 0, 1, 1],
    [2, 2, 3, 0, 3, 2, 1, 1],
    [0, 0, 0, 0, 1, 1, 1, 1],
]
assert s["illegal"].tolist() == [5, 3, 8]
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages whose table has the new rows."""
    copy = tmp_path_factory.mktemp("extended")
    for package in ("sd_env", "agents"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "sd_env" / "layout_actions.py"
    text = table.read_text(encoding="utf-8")
    for old, new in ROWS:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    table.write_text(text, encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("asked", "compiled"),
    [(FACES, False), (PLAYERS, False), pytest.param(COMPILED, True, marks=pytest.mark.slow)],
    ids=["faces", "players", "compiled"],
)
def test_all_follows_from_the_rows_of_the_table(extended: Path, asked: str, compiled: bool) -> None:
    settings = {"PYTHONPATH": str(extended), "NUMBA_DISABLE_JIT": "" if compiled else "1"}
    code = f"import sd_env\nassert sd_env.__file__.startswith({str(extended)!r})\n{asked}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=extended,
        env={**os.environ, **settings, "NUMBA_CACHE_DIR": str(extended / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
