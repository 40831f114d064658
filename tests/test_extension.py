"""The game can be extended: a parameter more, neutral by default, moves no draw, no transcript and no fingerprint.

A copy of the packages is given one parameter of each kind, each in a first place among its like, where positions would
move all that comes after it. What the copy says and plays is then compared with what is kept and with what plays here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sd_env
from agents.evaluation.challenges import challenges, load_challenge, references
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.scenario_groups import States
from sd_env.scenario_values import PairQuantity, Quantity, StateQuantity
from sd_env.worlds import Worlds
from tests import transcripts
from tests.table import random_actions

ROOT = Path(__file__).parent.parent
#: What is added: in which file, before what, and the text. ``fog`` and ``trade`` are neutral at 0, ``morale`` at 1;
#: ``winter`` is a range of whole numbers and so drawn at every reset.
ADDED = {
    "sd_env/scenario_groups.py": {
        "    mobilization_required: StrictBool": (
            '    fog: Annotated[Number, Quantity(0, 1, "share", DESIGN)] = Field(default=0.0, description="Fog.")\n'
            '    winter: Annotated[WholeNumber, Quantity(0, 99, "turns", DESIGN, whole=True)] = Field(\n'
            '        default=(1, 40), description="When it comes."\n'
            "    )\n"
        ),
        "    homeland: Annotated[StateNumber": (
            '    morale: Annotated[StateNumber, StateQuantity(0, 1, "share", DESIGN)] = Field(\n'
            '        default=1.0, description="How willing its people are."\n'
            "    )\n"
        ),
        "    reach: Annotated[PairNumber": (
            '    trade: Annotated[PairNumber, PairQuantity(0, 1, "share", DESIGN)] = Field(\n'
            '        default=0.0, description="What i sells to j."\n'
            "    )\n"
        ),
    },
    "sd_env/layout_memory.py": {
        '    "horizon",\n': '    "winter",\n    "fog",\n',
        '"horizon", "pledge_turns"': '"winter", ',
        '    "homeland",\n': '    "morale",\n',
        '"reach", "amity"': '"trade", ',
    },
}
NEW = {"params": ("fog", "winter"), "states": ("morale",), "pairs": ("trade",), "worlds": ()}
#: Keys of the new numbers, as ranges: then they are drawn, too.
RANGED = {"war.fog": [0, 1], "states.morale": [0, 1], "geography.trade": [0, 1]}
TURNS = 12
PROGRAM = "import json; from tests import test_extension as t; print(json.dumps(t.facts(t.RANGED)))"


def facts(ranged: dict[str, Any]) -> dict[str, Any]:
    """All that a parameter more must leave as it is, with the new ones ``ranged`` where worlds are played."""
    return {
        "home": sd_env.__file__,
        "new": {name: sorted(new_values(ranged, name)) for names in NEW.values() for name in names} if ranged else {},
        "transcripts": [text for scenario in transcripts.scenarios() for text in changed(scenario)],
        "references": [name for name in challenges() if load_challenge(name).fingerprint() != kept_of(name)],
        "fingerprints": {name: Scenario.load(name).fingerprint() for name in sd_env.scenarios()}
        | {"default": Scenario().fingerprint()}
        | {name: Scenario.load(made).fingerprint() for name, made in transcripts.MADE.items()},
        "played": played(ranged),
    }


def changed(scenario: str) -> list[str]:
    """How a scenario plays otherwise than its transcript says, but for the new number that is always drawn."""
    kept = transcripts.path_of(scenario).read_text(encoding="utf-8").splitlines()
    lines = [line for line in transcripts.transcript(scenario) if not line.startswith("winter: ")]
    return list(filter(None, [transcripts.difference(scenario, kept, lines)]))


def kept_of(challenge: str) -> str:
    return str(references()["challenges"][challenge]["fingerprint"])


def everything(ranged: dict[str, Any]) -> Worlds:
    scenario = Scenario.load(transcripts.EVERYTHING, {"n_states": 4, **ranged})
    return Worlds(scenario, 8, seed=3, autoreset=True)


def new_values(ranged: dict[str, Any], name: str) -> set[float]:
    """What is drawn of a new number in some worlds."""
    worlds = everything(ranged)
    table = next(getattr(worlds, table) for table, names in NEW.items() if name in names)
    return set(np.unique(table[name]).tolist())


def played(ranged: dict[str, Any]) -> list[dict[str, str]]:
    """Turn by turn, a hash of each column that is not new, of all that is seen, and of the rewards."""
    worlds, rng = everything(ranged), np.random.default_rng(3)
    turns = []
    for _ in range(TURNS):
        columns = {
            f"{table} {name}": getattr(worlds, table)[name]
            for table, new in NEW.items()
            for name in getattr(worlds, table).dtype.names
            if name not in new
        }
        columns |= {"observations": worlds.observations, "masks": worlds.masks, "rewards": worlds.rewards}
        turns.append({name: hashlib.sha256(values.tobytes()).hexdigest()[:16] for name, values in columns.items()})
        worlds.step(random_actions(rng, worlds))
    assert worlds.worlds["episode"].max() > 0, "no episode ended: the draws of the second are not compared"
    return turns


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The facts of a copy that has the new parameters, played without compiling."""
    copy = tmp_path_factory.mktemp("extended")
    for package in ("sd_env", "agents", "tests"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "browser"))
    for name, insertions in ADDED.items():
        text = (copy / name).read_text(encoding="utf-8")
        for before, added in insertions.items():
            assert text.count(before) == 1, f"{before!r} is not once in {name}: say anew where this test adds to it"
            text = text.replace(before, added + before)
        (copy / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(copy)}
    command = [sys.executable, "-B", "-c", PROGRAM]
    ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    assert Path(found["home"]).parent.parent == copy
    return found


@pytest.fixture(scope="module")
def present() -> dict[str, Any]:
    return facts({})


@pytest.mark.slow
def test_the_new_numbers_are_drawn(extended: dict[str, Any]) -> None:
    new = extended["new"]
    assert len(new["fog"]) == 8 and len(new["morale"]) == 8 * 4 and len(new["trade"]) == 8 * 4 * 3 + 1  # the diagonal
    assert len(new["winter"]) > 4 and all(1 <= value <= 40 and value == int(value) for value in new["winter"])
    assert min(new["fog"]) > 0 and max(new["fog"]) < 1


@pytest.mark.slow
def test_every_transcript_stays(extended: dict[str, Any], present: dict[str, Any]) -> None:
    assert extended["transcripts"] == present["transcripts"] == []


@pytest.mark.slow
def test_every_fingerprint_stays(extended: dict[str, Any], present: dict[str, Any]) -> None:
    assert extended["fingerprints"] == present["fingerprints"]
    assert extended["references"] == present["references"] == []


@pytest.mark.slow
def test_every_draw_and_observation_stays(extended: dict[str, Any], present: dict[str, Any]) -> None:
    for turn, (mine, theirs) in enumerate(zip(present["played"], extended["played"], strict=True)):
        assert mine == theirs, f"turn {turn}: {', '.join(name for name in mine if mine[name] != theirs.get(name))}"


# --- nothing forgotten ------------------------------------------------------------------------------------------


def forgotten() -> list[str]:
    """What a number of a scenario still lacks, one sentence each."""
    quantities = {key: item for key, item in Scenario.quantities().items() if key != "n_states"}
    known = {
        "PARAMETERS": {key for key, item in quantities.items() if type(item) is Quantity and key not in TYPES},
        "INITIAL_STATE": {key for key, item in quantities.items() if isinstance(item, StateQuantity)} | TYPES,
        "INITIAL_PAIR": {key for key, item in quantities.items() if isinstance(item, PairQuantity)},
    }
    known["WHOLE_PARAMETERS"] = {key for key in known["PARAMETERS"] if quantities[key].whole}
    found = []
    for where, keys in known.items():
        names = {key.rpartition(".")[2]: key for key in keys}
        listed = {name for name in getattr(layout, where) if name not in SWITCHES}
        found += [
            f"{names[name]} is in its group, but sd_env.layout.{where} lacks {name}" for name in names.keys() - listed
        ]
        found += [
            f"sd_env.layout.{where} has {name}, but no group of the scenario does" for name in listed - names.keys()
        ]
    twice = Counter(key.rpartition(".")[2] for key in known["PARAMETERS"] | known["INITIAL_PAIR"])
    found += [
        f"two groups have a number called {name}, which must be one's alone" for name, n in twice.items() if n > 1
    ]
    return found


TYPES = {"motives.greed", "motives.p_greedy"}
#: Parameters that are no numbers of a scenario: switches, choices as bit masks.
SWITCHES = {
    *("mobilization_required", "context_observed", "beliefs", "gamble", "difference"),
    *("hotline", "institutions_shown"),
    *(name for name in layout.PARAMETERS if name.startswith("allowed_")),
}


def test_every_number_of_a_scenario_is_in_the_layout_and_every_one_there_in_a_scenario() -> None:
    assert forgotten() == []


@pytest.mark.parametrize(
    ("where", "name", "sentence"),
    [
        ("PARAMETERS", "conquest", "war.conquest is in its group, but sd_env.layout.PARAMETERS lacks conquest"),
        ("INITIAL_STATE", "growth", "states.growth is in its group, but sd_env.layout.INITIAL_STATE lacks growth"),
        ("INITIAL_PAIR", "reach", "geography.reach is in its group, but sd_env.layout.INITIAL_PAIR lacks reach"),
        ("WHOLE_PARAMETERS", "horizon", "horizon is in its group, but sd_env.layout.WHOLE_PARAMETERS lacks horizon"),
    ],
)
def test_what_is_forgotten_is_said(where: str, name: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = getattr(layout, where)
    monkeypatch.setattr(layout, where, type(names)(each for each in names if each != name))
    assert forgotten() == [sentence]
    monkeypatch.setattr(layout, where, type(names)((*names, "fog")))
    assert forgotten() == [f"sd_env.layout.{where} has fog, but no group of the scenario does"]


def test_all_that_a_state_starts_with_is_in_its_group() -> None:
    assert set(layout.INITIAL_STATE) - set(States.model_fields) == {"p_greedy"}


# --- defaults ---------------------------------------------------------------------------------------------------


def test_a_default_that_changes_is_another_version_of_the_defaults() -> None:
    """Fingerprints leave defaults out, so that without a new version a changed one would pass for the old game."""
    kept = json.loads((ROOT / "tests" / "defaults.json").read_text(encoding="utf-8"))
    now = defaults()
    moved = [key for key, value in kept["values"].items() if now["values"].get(key, "gone") != value]
    message = f"{', '.join(moved)}: raise sd_env.scenario.DEFAULTS, and write the defaults anew with: {COMMAND}"
    assert moved == [] or kept["version"] != now["version"], message
    assert kept["version"] == now["version"], f"write the defaults anew with: {COMMAND}"


def test_the_version_of_the_defaults_enters_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Scenario().fingerprint()
    monkeypatch.setattr("sd_env.scenario.DEFAULTS", 99)
    assert Scenario().fingerprint() != before


COMMAND = ".venv/bin/python -m tests.test_extension"


def defaults() -> dict[str, Any]:
    from sd_env.scenario import DEFAULTS, TEXTS

    values = {key: value for key, value in Scenario().to_dict().items() if key not in TEXTS}
    flat = {
        f"{group}.{key}": item
        for group, value in values.items()
        for key, item in (value.items() if isinstance(value, dict) else [("", value)])
    }
    return {"version": DEFAULTS, "values": {key.rstrip("."): value for key, value in flat.items()}}


if __name__ == "__main__":
    (ROOT / "tests" / "defaults.json").write_text(json.dumps(defaults(), indent=1) + "\n", encoding="utf-8")
