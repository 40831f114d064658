"""Ids and their versions: docs/faces.md says what changes one, and here is what the present one stands for."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import gymnasium
import pettingzoo
import pytest

import sd_env
from sd_env import layout, registry
from sd_env.scenario import TEXTS, Scenario
from tests import transcripts

ROOT = Path(__file__).parents[2]
IDS = {registry.SOLO, registry.VECTOR, registry.WORLD}
#: Of the interface that the ids stand for, by part. Before 0.1.0 is released a change is written here; after it, the
#: ids get the next version, all three, with a line in CHANGELOG.md.
KEPT = {
    "observation": "5aefef1135593c6e",
    "state": "d41abac0e2bc74e9",
    "actions": "3e7c24d4ebd44320",
    "infos": "f975872c1c43c99f",
    "default": "26362dd49123a2e0",
    "play": "3d447494231e64cb",
}


def interface() -> dict[str, Any]:
    """What an id promises, by part: names and sizes, the default game, and how that plays."""
    env = sd_env.parallel_env("jervis/multipolar")
    _, infos = env.reset(seed=0)
    [first, *_] = env.possible_agents
    played = transcripts.path_of("jervis/doubly-dangerous").read_text(encoding="utf-8")
    return {
        "observation": [layout.observation_names(n, context) for n in (2, 4) for context in (False, True)],
        "state": list(env.state().shape),
        "actions": [env.action_space(first).nvec.tolist(), infos[first]["action_mask"].shape, list(layout.noop(4))],
        "infos": sorted(infos[first]),
        "default": [registry._DEFAULTS["scenario"], Scenario.load(registry._DEFAULTS["scenario"]).fingerprint()],
        "play": played,
    }


def digests() -> dict[str, str]:
    return {part: hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16] for part, value in interface().items()}


def test_the_ids_stand_for_what_they_stood_for() -> None:
    changed = {part: digest for part, digest in digests().items() if KEPT[part] != digest}
    assert changed == {}, "the interface has changed: docs/faces.md, Versions, says whether the ids must"


def test_the_ids_are_registered_move_together_and_are_the_only_ones_told_of() -> None:
    assert {name.rpartition("-")[2] for name in IDS} == {"v0"}
    ours = {name for name in gymnasium.registry if name.startswith("sd_env/")}
    ours |= {name for name in pettingzoo.parallel_registry if name.startswith("sd_env/")}
    ours |= {name for name in pettingzoo.aec_registry if name.startswith("sd_env/")}
    assert ours == IDS
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    told = {name for page in pages for name in re.findall(r"sd_env/[A-Z]\w+-v\d+", page.read_text(encoding="utf-8"))}
    assert told == IDS


def test_an_older_id_is_refused_with_the_name_of_the_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))
    later = gymnasium.envs.registration.registry
    later["sd_env/Solo-v1"] = gymnasium.envs.registration.EnvSpec(
        "sd_env/Solo-v1", entry_point=later.pop(registry.SOLO).entry_point
    )
    with pytest.raises(gymnasium.error.DeprecatedEnv, match="sd_env/Solo-v1"):
        gymnasium.make(registry.SOLO)


@pytest.mark.parametrize("name", sd_env.scenarios())
def test_texts_move_no_name_and_values_do(name: str) -> None:
    scenario = Scenario.load(name)
    texts = {
        text: ["a"] if text in ("sources", "tags") else "other words" for text in ("title", "description", "prediction")
    }
    assert set(texts) <= set(TEXTS)
    assert Scenario.load(name, texts).fingerprint() == scenario.fingerprint()
    assert Scenario.load(name, {"war.attacker_cost": 0.123456}).fingerprint() != scenario.fingerprint()


def test_options_add_columns_only_where_they_are_asked_for() -> None:
    plain, beliefs = (
        sd_env.parallel_env("jervis/intense", overrides={"perception.beliefs": wanted}) for wanted in (False, True)
    )
    agent = plain.possible_agents[0]
    assert plain.observation_space(agent).shape < beliefs.observation_space(agent).shape
    limited = sd_env.parallel_env("jervis/intense", overrides={"war.force_levels": 2})
    assert len(limited.action_space(agent).nvec) > len(plain.action_space(agent).nvec)


def test_a_scenario_of_a_later_version_has_taken_the_place_of_the_earlier() -> None:
    names = set(sd_env.scenarios())
    later = {name: re.fullmatch(r"(.+)-v(\d+)", name) for name in names}
    versions = {name: found for name, found in later.items() if found}
    assert "history/cold-war-arms-race-v2" in versions
    for name, found in versions.items():
        assert int(found[2]) >= 2, name
        assert found[1] not in names and f"{found[1]}-v{int(found[2]) - 1}" not in names, name
