"""Scenarios that are a pair differ in what the pair is about, and in nothing else."""

from __future__ import annotations

import pytest

from sd_env.scenario import TEXTS, load_scenario

FEAR = "perception.threat_inflation"


def differences(first: str, second: str) -> set[str]:
    one, other = load_scenario(first).to_dict(), load_scenario(second).to_dict()
    flat = [
        {
            f"{group}.{key}": v
            for group, item in data.items()
            if isinstance(item, dict) and group not in TEXTS
            for key, v in item.items()
        }
        | {key: v for key, v in data.items() if not isinstance(v, dict) and key not in TEXTS}
        for data in (one, other)
    ]
    return {key for key in flat[0] if flat[0][key] != flat[1][key]}


@pytest.mark.parametrize(
    ("first", "second", "keys"),
    [
        ("theories/herz-anarchy", "theories/herz-leviathan", {"anarchy.enforcement"}),
        (
            "theories/fearon-tying-hands",
            "theories/fearon-sinking-costs",
            {"signals.signal_cost", "signals.audience_cost"},
        ),
        ("theories/jervis-spiral", "theories/jervis-deterrence", {"states.greed", "motives.greed", "motives.p_greedy"}),
        ("history/malign-state-1939", "history/security-seeking-twin-1939", {"motives.p_greedy"}),
        ("theories/butterfield-fear", "jervis/intense", {FEAR, "motives.p_greedy"}),
        ("theories/herz-anarchy", "jervis/doubly-dangerous", {"motives.p_greedy"}),
        ("theories/schelling-limited-force", "jervis/doubly-dangerous", {"arming.levels", "war.force_levels"}),
    ],
)
def test_a_pair_differs_in_what_it_is_about_alone(first: str, second: str, keys: set[str]) -> None:
    assert differences(first, second) == keys
