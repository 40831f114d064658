"""docs/performance.md from the data that `python -m benchmarks.performance` gathers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from benchmarks.harness import number

Data = Mapping[str, Any]

_HEAD: Final = """# Performance: beside others, beside itself, beside what is possible

Written by `make performance` from `docs/results/performance`, which keeps every sample. Seconds are those on the wall
of one machine that may have done other things beside: each part says under what load it ran, in how many rounds, and of
which commit. What is compared was measured in turn, round after round, in one run; a figure is the median of the
rounds, with the lowest and the highest. **Only ratios within a part mean something on another machine.**

A *world-turn* moves all agents of a world once and makes the observations of all of them; an *agent-step* is one move
of one agent. Play is random, and drawn before the clock starts; sd-env plays `jervis/doubly-dangerous`, masks made too.
"""

#: Load beyond a process on each core up to which a machine counts as idle but for what is measured.
IDLE: Final = 0.5
_BUSY: Final = "**The machine was busy with other work: this shows that it runs, and is no result.**"

#: Parts of the page, in order: what each says before its table.
PARTS: Final[dict[str, str]] = {
    "others": """Each game has a process and an environment of its own, of the versions in
`benchmarks/peers/requirements`, and is played the fastest way that we found in it (`benchmarks/peers`): JaxMARL by one
compiled scan over an episode of many worlds, on the processor; OpenSpiel by its C++ states from Python; the others by
their Python steps. Of sd-env, *ParallelEnv* is one world as a PettingZoo environment, *World* the arrays of one, and
*Worlds* the arrays of many. The last column is how many times as many world-turns a second sd-env plays by the like
face, with as many agents or more, the median of the rounds' ratios: above 1, sd-env is faster. What a turn works out
differs from game to game, from one payoff matrix to a kitchen, so this says what a million turns of each cost, not
whose code is better.""",
    "engine": """`Worlds.step`, one core: what all faces stand on. A turn of N states looks at all N² pairs.""",
    "bare": """The same turns by the engine and by a kernel that knows one scenario and two states, its numbers
compiled in (`benchmarks/bare_kernel.py`), equal to the engine bit for bit in what is seen, may be chosen and is earned.
The ratio is the price of playing every scenario and any number of states, of the account that is kept, and of checked
actions.""",
    "growth": """With worlds, until they no longer fit the cache, with states, and with threads on the cores of this
machine; and what a world takes in memory, everything counted (64 worlds, shared out).""",
    "faces": """The same game by each face. *Time against Worlds* is what a face costs over the arrays below it.""",
    "training": """PPO of stable-baselines3 with the settings of the default experiment, one core, one torch
thread: on the worlds, on an environment that costs nothing (the ceiling), and by SuperSuit's wrappers where it is
installed.""",
    "learner": """Our learner, FastPPO, beside stable-baselines3 at equal settings and networks, by processor time; and
beside the products of matrices that these networks need, which no learner in torch can go below.""",
    "acting": """Trained policies at play, alone and as a mixture of several: compiled code on the processor beside
the same networks as torch's modules, which make the same choices. Searches for what beats a policy ask for 64 rows at a
time, evaluations for thousands.""",
}
_TITLES: Final = {
    "others": "Beside other games",
    "engine": "The engine",
    "bare": "Beside a bare kernel of the same arithmetic",
    "growth": "Growth and memory",
    "faces": "Faces",
    "training": "stable-baselines3 on the worlds",
    "learner": "FastPPO beside stable-baselines3",
    "acting": "Trained policies at play",
}


def page(found: Mapping[str, Data]) -> str:
    """docs/performance.md: a section for each part that was measured."""
    return _HEAD + "".join(section(name, found[name]) for name in PARTS if name in found)


def section(name: str, data: Data) -> str:
    """A part: what it is, how it was measured, its figures and its notes."""
    lines = ["", f"## {_TITLES[name]}", "", PARTS[name], "", made(data), ""]
    lines += games(data) if name == "others" else figures(data["figures"])
    notes = [f"- {note}" for note in data["notes"]]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def made(data: Data) -> str:
    """On what, when and how a part was measured, in a sentence."""
    machine = data["machine"]
    told = (
        f"*`{data['command']}`: {data['settings']['repeats']} rounds; {data['date'][:10]}, commit {data['commit']}, "
        f"{machine['processor']}, {machine['cores']} cores, load {machine['busy']}, {machine['system']}, Python "
        f"{machine['python']}.*"
    )
    return f"{told} {_BUSY}" if (machine["busy"] or 0) > machine["cores"] + IDLE else told


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Lines of a table; all but the first column are numbers."""
    headings = list(headings)
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return [f"| {' | '.join(row)} |" for row in (headings, rule, *rows)]


def spread(figure: Data) -> str:
    """A median with its lowest and highest."""
    low, high = (number(f(figure["samples"])) for f in (min, max))
    return f"{number(figure['value'])} ({low} – {high})"


def games(data: Data) -> list[str]:
    """A row for each game: whose, of what size, how fast, and how many times as fast ours is."""
    against = {figure["name"]: figure for figure in data["figures"] if figure["unit"] == "x"}
    rows = []
    for figure in data["figures"]:
        if figure["unit"] == "x":
            continue
        name, made_of = figure["name"], data["settings"]["games"][figure["name"]]
        ratio = next((each for what, each in against.items() if what.endswith(f" against {name}")), None)
        size = [str(made_of["agents"]), str(made_of["numbers"]), f"{made_of['worlds']:,}"]
        agent_steps = number(figure["value"] * made_of["agents"])
        rows.append([name, *size, spread(figure), agent_steps, "" if ratio is None else judged(ratio)])
    headings = ("game", "agents", "numbers seen by each", "worlds at once", "world-turns/s", "agent-steps/s")
    versions = ", ".join(f"{name} {version}" for name, version in data["settings"]["versions"].items() if version)
    return [*table([*headings, "sd-env against it"], rows), "", f"Versions: {versions}."]


def figures(found: Iterable[Data]) -> list[str]:
    """Two tables: what was measured, and the ratios of it."""
    found = list(found)
    measured = [[each["name"], spread(each), each["unit"]] for each in found if each["unit"] != "x"]
    ratios = [[each["name"], judged(each)] for each in found if each["unit"] == "x"]
    lines = table(("measured", "median (lowest – highest)", "unit"), measured)
    return [*lines, "", *table(("ratio", "times"), ratios)] if ratios else lines


def judged(figure: Data) -> str:
    """A ratio, and what is claimed of it, if anything is."""
    value = number(figure["value"])
    if figure["met"] is None:
        return value
    return f"{value} (claimed: {figure['target']}; {'met' if figure['met'] else 'not met'})"
