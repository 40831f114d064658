"""The floors of the house, read from the imports: what may stand on what, and a picture of what does.

``python -m tools.floors`` draws docs/assets/floors.svg and names each import that goes up; ``--check`` draws nothing.
A room is a package, or some modules that belong together. It may import rooms below it, and nothing above.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PICTURE: Final = ROOT / "docs" / "assets" / "floors.svg"


@dataclass(frozen=True)
class Room:
    """Modules that stand on one floor.

    Attributes:
        name: in the picture.
        holds: modules and packages of the room, by their dotted names.
        what: what is done there, a few words.
    """

    name: str
    holds: tuple[str, ...]
    what: str


#: From the ground up. A room may import those before it.
FLOORS: Final = (
    Room(
        "layout",
        (
            "sd_env.layout",
            "sd_env.layout_actions",
            "sd_env.layout_memory",
            "sd_env.files",
            "sd_env.errors",
            "sd_env.reading",
            "sd_env.version",
        ),
        "names and columns",
    ),
    Room("rules", ("sd_env.rules",), "the turn, one module a rule"),
    Room(
        "scenario",
        (
            "sd_env.scenario",
            "sd_env.scenario_bounds",
            "sd_env.scenario_files",
            "sd_env.scenario_groups",
            "sd_env.scenario_institutions",
            "sd_env.scenario_texts",
            "sd_env.scenario_values",
        ),
        "the game's parameters, read and checked",
    ),
    Room("worlds", ("sd_env.worlds", "sd_env.choices"), "B worlds in flat arrays"),
    Room("events", ("sd_env.events", "sd_env.turn_events"), "what happened on a turn"),
    Room("protocol", ("sd_env.policies",), "what a policy is to the game"),
    Room("record", ("sd_env.record",), "logs of episodes"),
    Room("measures", ("sd_env.measures",), "pure functions of logs"),
    Room("show", ("sd_env.show",), "text, stories and pages"),
    Room(
        "faces",
        ("sd_env", "sd_env.spaces", "sd_env.parallel", "sd_env.solo", "sd_env.vector", "sd_env.registry"),
        "PettingZoo and gymnasium",
    ),
    Room(
        "files",
        ("agents.files", "agents.machine", "agents.entries", "agents.messages", "agents.escape"),
        "whole files, YAML entries, messages",
    ),
    Room("policies", ("agents.policies", "agents.zoo", "agents"), "what a policy is, names, bundles, networks"),
    Room("strategies", ("agents.strategies",), "scripted policies, declared traits"),
    Room("work", ("agents.work", "agents.place"), "units of work, here or on a cluster, kept and resumed"),
    Room("table", ("agents.table",), "who sits where, playing policies in worlds"),
    Room("play", ("agents.play",), "people at the game: terminal, page"),
    Room("language", ("agents.language",), "language models in seats, what they cost"),
    Room("training", ("agents.training",), "learners and their seats"),
    Room("evaluation", ("agents.evaluation",), "evaluate, tournament, exploit, statistics"),
    Room("pictures", ("agents.pictures",), "all pictures: one look, one caption"),
    Room("experiments", ("agents.experiments",), "predictions as data, and their runs"),
    Room("pages", ("agents.pages",), "folders of results as pages, side by side"),
    Room("tour", ("agents.tour",), "the guided half hour"),
    Room("publish", ("agents.publish",), "what makes docs/results"),
    Room("commands", ("agents.commands", "agents.cli"), "sd-env"),
)


@dataclass(frozen=True)
class Import:
    """One module of ours that imports another, at a line."""

    importer: str
    imported: str
    line: int


def imports(root: Path = ROOT, packages: Iterable[str] = ("sd_env", "agents")) -> list[Import]:
    """All imports among our own modules, those within functions and those for types among them."""
    files = {
        _dotted(path.relative_to(root)): path for package in packages for path in sorted((root / package).rglob("*.py"))
    }
    found = []
    for module, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for line, name in _named(tree, module if path.name == "__init__.py" else module.rpartition(".")[0]):
            target = name if name in files else name.rpartition(".")[0]
            if target in files and target != module:
                found.append(Import(module, target, line))
    return found


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _named(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """Lines and dotted names of all that a module imports: a name from a package may be a module of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            stem = ".".join(part for part in (base, node.module) if part)
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def room_of(module: str) -> Room | None:
    """The room that a module stands in: the one that names most of its dotted name; None if there is none.

    The bare names ``sd_env`` and ``agents`` stand for their ``__init__`` alone: what is in them is named one by one.
    """
    held = [
        (len(name), room)
        for room in FLOORS
        for name in room.holds
        if module == name or ("." in name and module.startswith(f"{name}."))
    ]
    return max(held, key=lambda pair: pair[0])[1] if held else None


def upward(found: Iterable[Import]) -> list[Import]:
    """Those imports that lead from a room to one above it."""
    order = {room: k for k, room in enumerate(FLOORS)}
    wrong = []
    for each in found:
        here, there = room_of(each.importer), room_of(each.imported)
        if here is not None and there is not None and order[there] > order[here]:
            wrong.append(each)
    return wrong


def homeless(found: Iterable[Import]) -> list[str]:
    """Modules that stand in no room."""
    return sorted({m for each in found for m in (each.importer, each.imported) if room_of(m) is None})


def stands_on(found: Iterable[Import]) -> dict[str, set[str]]:
    """Room -> the rooms that it imports, by name."""
    rooms: dict[str, set[str]] = {room.name: set() for room in FLOORS}
    for each in found:
        here, there = room_of(each.importer), room_of(each.imported)
        if here is not None and there is not None and here != there:
            rooms[here.name].add(there.name)
    return rooms


def reduced(rooms: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Without what follows: a room that is reached through another is left out, so that the picture stays readable.

    Args:
        rooms: room -> what it stands on, of which nothing leads up.
    """
    below: dict[str, set[str]] = {}
    for room in FLOORS:  # from the ground: what a room stands on is known before it
        on = rooms[room.name]
        below[room.name] = on.union(*(below[each] for each in on))
    return {name: {each for each in on if not any(each in below[o] for o in on)} for name, on in rooms.items()}


_WIDTH, _LEFT, _BOX, _HEIGHT, _GAP, _LANE = 640, 16, 420, 34, 12, 16


def drawn(rooms: Mapping[str, set[str]]) -> str:
    """The picture, SVG: the ground at the bottom, and on the right an arrow to each room that one stands on."""
    top = {room.name: 16 + (len(FLOORS) - 1 - k) * (_HEIGHT + _GAP) for k, room in enumerate(FLOORS)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {32 + len(FLOORS) * (_HEIGHT + _GAP)}" '
        'role="img" aria-label="The floors of sd-env, from the imports">',
        "<style>text{font:13px sans-serif;fill:#222}.name{font-weight:600}rect{fill:#eef2f6;stroke:#8899aa}"
        "rect.game{fill:#f6efe6;stroke:#b09a78}path{fill:none;stroke:#667788}"
        "@media(prefers-color-scheme:dark){text{fill:#eee}rect{fill:#26303a}rect.game{fill:#3a3226}path{stroke:#99aabb}}"
        "</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8" /></marker></defs>',
    ]
    lanes: list[tuple[int, int, int]] = []
    for room in FLOORS:
        y = top[room.name]
        game = ' class="game"' if room.holds[0].startswith("sd_env") else ""
        lines.append(f'<rect{game} x="{_LEFT}" y="{y}" width="{_BOX}" height="{_HEIGHT}" rx="4"/>')
        lines.append(
            f'<text x="{_LEFT + 12}" y="{y + 22}"><tspan class="name">{escape(room.name)}</tspan>'
            f'<tspan x="{_LEFT + 110}">{escape(room.what)}</tspan></text>'
        )
    arrows = [(top[name], top[each]) for name, on in rooms.items() for each in on]
    for start, end in sorted(arrows, key=lambda pair: (pair[1] - pair[0], pair)):
        lane = next(k for k in range(99) if not any(k == taken and start < e and s < end for taken, s, e in lanes))
        lanes.append((lane, start, end))
        x, y, z = _LEFT + _BOX, start + _HEIGHT // 2 + 6, end + _HEIGHT // 2 - 6
        out = x + 14 + lane * _LANE
        lines.append(f'<path marker-end="url(#tip)" d="M{x} {y}H{out}V{z}H{x + 2}"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 1 if an import goes up."""
    parser = argparse.ArgumentParser(prog="python -m tools.floors", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="draw nothing")
    arguments = parser.parse_args(argv)
    found = imports()
    wrong = upward(found)
    for each in wrong:
        print(f"{each.importer}:{each.line} imports {each.imported}, which stands above it", file=sys.stderr)
    for module in homeless(found):
        print(f"{module} stands in no room", file=sys.stderr)
    if not (arguments.check or wrong):
        PICTURE.write_text(drawn(reduced(stands_on(found))), encoding="utf-8")
    return 1 if wrong or homeless(found) else 0


if __name__ == "__main__":
    sys.exit(main())
