"""Golden transcripts: turns of every catalogue scenario and of three more in plain text, as OpenSpiel's playthroughs.

`python -m tests.transcripts --write` writes them anew into tests/golden/, one file a scenario. Do so only when a rule,
a scenario or a stream is meant to change, and read the difference: it shows what players will notice.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import sd_env
from sd_env import layout

FOLDER = Path(__file__).parent / "golden"
COMMAND = ".venv/bin/python -m tests.transcripts --write"
FORMAT = 2
#: Every rule and every source of chance at work, most numbers drawn anew in each of many short episodes.
EVERYTHING: dict[str, Any] = {
    "name": "tests/everything",
    "n_states": 3,
    "horizon": [4, 12],
    "continuation": 0.95,
    "states": {
        **{"homeland": [0.5, 1], "holdings": [0, 0.5], "economy": [0.5, 2], "growth": [-0.05, 0.1]},
        **{"offense": [0, 2], "defense": [0, 2], "reliability": [0.3, 1]},
    },
    "geography": {"reach": [0.3, 1]},
    "technology": {
        **{"offense_advantage": [0.6, 3], "perceived_offense_advantage": [0.6, 3], "distinguishability": [0, 1]},
        **{"dual_use": [0, 1], "drift": 0.2},
    },
    "arming": {"arms_cost": [0, 0.2], "build_rate": [0.1, 1], "depreciation": [0, 0.3], "capacity_cap": [0.5, 3]},
    "signals": {"pledge_turns": [1, 4], "commitment_turns": [1, 4], "audience_cost": [0.1, 0.5]},
    "alliances": {"alliance_commitment": [0.1, 1], "call_turns": [1, 3], "rupture_turns": [0, 3]},
    "war": {
        **{"first_strike": [0, 1], "decisiveness": [0.5, 5], "conquest": [0.2, 0.9], "spoils": [0.3, 1]},
        **{"restoration": [0, 0.5], "collapse": 0.4, "outcome": "gamble"},
    },
    "anarchy": {"enforcement": 0.2},
    "motives": {
        **{"greed": [0.5, 3], "p_greedy": 0.5, "power_motive": [0.1, 1], "routine": 0.05},
        **{"identification": [0.2, 1], "amity_rate": [0.1, 0.5]},
    },
    "perception": {
        **{"noise": [0.1, 0.5], "threat_inflation": [-0.2, 1], "worst_case": [0, 1], "signal_noise": 0.3},
        **{"beliefs": True},
    },
}
#: The rules of arming and of beliefs that EVERYTHING, whose transcript is older, leaves at their defaults.
GUNS_AND_BUTTER: dict[str, Any] = {
    **EVERYTHING,
    "name": "tests/guns-and-butter",
    "arming": {**EVERYTHING["arming"], "convexity": [0, 1], "investment_return": [0, 0.2]},
    "perception": {**EVERYTHING["perception"], "buildup_evidence": [0.5, 2]},
}
#: Heads of other sizes than the standard ones: finer arming, graded mobilization, limited force.
LEVELS: dict[str, Any] = {
    **GUNS_AND_BUTTER,
    "name": "tests/levels",
    "arming": {**GUNS_AND_BUTTER["arming"], "levels": 4},
    "war": {**EVERYTHING["war"], "force_levels": 4, "peacetime_readiness": [0.2, 0.9]},
}
#: Scenarios of tests, which have all that the catalogue lacks.
MADE = {made["name"]: made for made in (EVERYTHING, GUNS_AND_BUTTER, LEVELS)}
#: Seeds whose first turns show most of what can happen there (kinds of events, both types); every other scenario has 1.
SEEDS = {
    **dict.fromkeys(("jervis/doubly-dangerous", "jervis/doubly-safe", "jervis/intense", "jervis/not-intense"), 2),
    "jervis/multipolar": 2,
    "tests/everything": 11,
    "tests/guns-and-butter": 2,
    "tests/levels": 2,
}
#: Turns in all: of one episode, and of the ones after it where it ends earlier; in any other scenario 12.
TURNS = {"tests/everything": 28, "tests/guns-and-butter": 10, "tests/levels": 10}
#: Folders whose many scenarios play by rules that longer transcripts show: enough turns to attack and be called.
SHORT, SHORT_TURNS = ("theories/", "history/"), 3

_STATE = (
    *("homeland", "holdings", "economy", "growth", "greed", "offense", "defense", "reliability", "pledge"),
    *("commitment", "owed", "force_against", "defence_for", "success", "gained", "cost", "material"),
)
_PAIR = ("amity", "force", "allied", "mobilized", "rupture", "call")
_OTHER = ("heard_reassure", "heard_threaten", "offense_estimate", "defense_estimate", "their_success", "our_success")


def scenarios() -> list[str]:
    """Names of the scenarios that have a transcript: the catalogue, and those that have all that it lacks."""
    return [*sd_env.scenarios(), *MADE]


def transcript(scenario: str) -> Iterator[str]:
    """The lines of a scenario's transcript, without line ends."""
    yield f"sd-env golden transcript, format {FORMAT}; to write it anew: {COMMAND}"
    seed = SEEDS.get(scenario, 1)
    turns = TURNS.get(scenario, SHORT_TURNS if scenario.startswith(SHORT) else 12)
    yield f"scenario {scenario}, seed {seed}, {turns} turns of random legal actions; 0 and defaults are left out"
    env = sd_env.parallel_env(MADE.get(scenario, scenario))
    # The standard library promises the same numbers in every version; numpy's generators do not.
    dice = random.Random(seed)
    shown = at_default()
    for turn in range(turns):
        if not env.agents:
            env.reset(seed=None if turn else seed)
            yield ""
            yield f"== a new episode, {'' if turn else 'parameters and '}start"
            now = {name: number(env.worlds.params[name][0]) for name in layout.PARAMETERS}
            yield from (f"{name}: {value}" for name, value in now.items() if shown[name] != value)
            shown = now
            yield from world_lines(env)
            yield from observation_lines(env)
        yield ""
        yield f"== turn {env.worlds.worlds['turn'][0] + 1}"
        actions = {
            agent: legal_action(dice, env.worlds.masks[0, i], env.worlds.heads) for i, agent in enumerate(env.agents)
        }
        for i, (agent, action) in enumerate(actions.items()):
            names, heads = env.worlds.heads.names(i, env.possible_agents), env.worlds.heads
            choices = [heads.labels(head)[choice] for head, choice in zip(heads.kinds, action.tolist(), strict=True)]
            yield f"{agent} chooses: " + ", ".join(f"{n} {c}" for n, c in zip(names, choices, strict=True))
        _, rewards, terminations, truncations, _ = env.step(actions)
        yield from (f"- {event.sentence}" for event in env.events)
        yield "rewards: " + ", ".join(number(reward) for reward in rewards.values())
        yield from world_lines(env)
        yield from observation_lines(env)
        if any(terminations.values()) or any(truncations.values()):
            yield f"ends: terminated {terminations}, truncated {truncations}"
    yield ""
    yield "== tallies"
    yield from (f"{name}: {number(env.worlds.worlds[name][0])}" for name in layout.TALLY)


def at_default() -> dict[str, str]:
    """Each parameter at its default: one that the game gains changes no transcript until a scenario uses it."""
    worlds = sd_env.Worlds(sd_env.load_scenario({}), seed=0)
    return {name: number(worlds.params[name][0]) for name in layout.PARAMETERS}


def number(value: float) -> str:
    """Twelve digits: more than any rule may change unseen, fewer than where machines differ."""
    return f"{value:.12g}"


def legal_action(dice: random.Random, mask: np.ndarray, heads: layout.Heads) -> np.ndarray:
    """One legal choice a head, int64 (H,), uniformly from its flat mask."""
    action, start = [], 0
    for width in heads.sizes:
        legal = np.flatnonzero(mask[start : start + width]).tolist()
        action.append(legal[int(dice.random() * len(legal))])
        start += width
    return np.array(action, dtype=np.int64)


def world_lines(env: sd_env.ParallelEnv) -> Iterator[str]:
    """What is true of the world, of each state and of each ordered pair; numbers that are 0 are left out."""
    worlds, agents = env.worlds, env.possible_agents
    world, states, pairs = worlds.worlds[0], worlds.states[0], worlds.pairs[0]
    yield f"world: turn {world['turn']}, offense_advantage {number(world['offense_advantage'])}"
    for i, agent in enumerate(agents):
        fields = ", ".join(f"{name} {number(states[name][i])}" for name in _STATE if states[name][i])
        yield f"{agent}: {'' if states['standing'][i] else 'fallen, '}{fields}"
    for i, agent in enumerate(agents):
        for j, other in enumerate(agents):
            fields = ", ".join(f"{name} {number(pairs[name][i, j])}" for name in _PAIR if pairs[name][i, j])
            if i != j and fields:
                yield f"{agent} -> {other}: {fields}"


def observation_lines(env: sd_env.ParallelEnv) -> Iterator[str]:
    """What each state sees: how it reads the others, a hash of the whole observation, and what it may choose next."""
    worlds, agents = env.worlds, env.possible_agents
    width = layout.other_size(worlds.beliefs_observed, worlds.heads.limits_force)
    for i, agent in enumerate(agents):
        row = worlds.observations[0, i]
        for slot in range(len(agents) - 1):
            start = layout.OWN_SIZE + slot * width
            values = {name: row[start + layout.Other[name.upper()]] for name in _OTHER}
            if worlds.beliefs_observed:
                values["belief"] = row[start + layout.BELIEF]
            if worlds.heads.limits_force:
                last = start + width - len(layout.Force)
                values |= {column.name.lower(): row[last + column] for column in layout.Force}
            read = ", ".join(f"{name} {value:.8g}" for name, value in values.items() if value)
            yield f"{agent} sees of {agents[layout.other_of(i, slot)]}: {read}"
        bits = "".join(map(str, worlds.masks[0, i].tolist()))
        cuts = np.cumsum([0, *worlds.heads.sizes]).tolist()
        heads = " ".join(bits[a:b] for a, b in pairwise(cuts))
        digest = hashlib.sha256(row.astype("<f4").tobytes()).hexdigest()[:16]
        yield f"{agent} observes {digest}, may choose {heads}"


def path_of(scenario: str) -> Path:
    """Where the scenario's transcript is kept."""
    return FOLDER / f"{scenario.replace('/', '_')}.txt"


def difference(scenario: str, kept: list[str], now: list[str]) -> str:
    """In words, where two transcripts first differ; empty if they do not."""
    turn = "the header"
    for line in range(max(len(kept), len(now))):
        was, is_ = (lines[line] if line < len(lines) else "(nothing: it ends before)" for lines in (kept, now))
        if was != is_:
            return (
                f"{scenario} plays otherwise than {path_of(scenario).name} says, first in line {line + 1}, {turn}:\n"
                f"  kept: {was}\n  now:  {is_}\n"
                f"If the change is meant, write the transcripts anew with: {COMMAND}"
            )
        turn = was.removeprefix("== ") if was.startswith("== ") else turn
    return ""


def write() -> list[Path]:
    """Write all transcripts, each whole, and remove those of scenarios that are no more."""
    FOLDER.mkdir(exist_ok=True)
    paths = []
    for scenario in scenarios():
        paths.append(path_of(scenario))
        temporary = paths[-1].with_suffix(".tmp")
        temporary.write_text("\n".join(transcript(scenario)) + "\n", encoding="utf-8", newline="\n")
        os.replace(temporary, paths[-1])
    for stale in set(FOLDER.glob("*.txt")) - set(paths):
        stale.unlink()
    return paths


def check() -> list[str]:
    """What differs, one text for each scenario that plays otherwise than its kept transcript."""
    found = []
    for scenario in scenarios():
        path = path_of(scenario)
        kept = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found += filter(None, [difference(scenario, kept, list(transcript(scenario)))])
    return found


def main() -> None:
    """Command line: write the transcripts anew, or say what differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.transcripts", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the transcripts anew instead of checking them")
    if parser.parse_args().write:
        print(*write(), sep="\n")
    elif found := check():
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
