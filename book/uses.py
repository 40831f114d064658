"""Where a scenario is used: challenges, configs, experiments, and the pages and results that name it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sd_env.scenario_files import catalogue

#: Folders of YAML files that name scenarios, by what their files are; a folder that is not there holds none.
FOLDERS = {"challenge": "agents/evaluation/challenges", "config": "configs", "experiment": "agents/experiments"}
#: A page that names more scenarios than this is a list of them, and no use.
_LIST = 20


@dataclass(frozen=True)
class Use:
    """A file that uses a scenario: what kind it is, its path in the repository, and its title."""

    kind: str
    path: str
    title: str


def uses(root: Path) -> dict[str, list[Use]]:
    """The uses of every scenario that is named in a file under ``root``, by scenario."""
    known = catalogue()
    found: dict[str, list[Use]] = {}
    for kind, folder in FOLDERS.items():
        for path in sorted((root / folder).glob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            data = yaml.safe_load(text)
            use = Use(kind, path.relative_to(root).as_posix(), _title(data, text, path.stem))
            for name in dict.fromkeys(_texts(data)):
                found.setdefault(name, []).append(use)
    for path in sorted((root / "docs").rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        heading = re.search(r"^# (.*)$", text, re.M)
        use = Use("page", path.relative_to(root).as_posix(), heading[1] if heading else path.stem)
        named = {name for name in re.findall(r"\b([a-z]+/[a-z0-9-]+)\b", text) if name in known}
        if len(named) <= _LIST:
            for name in sorted(named):
                found.setdefault(name, []).append(use)
    return found


def _texts(value: Any) -> Iterator[str]:
    """Every text of a tree of mappings and lists, keys aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _title(data: Any, text: str, stem: str) -> str:
    """The file's own title, else its first comment up to a colon or a full stop, else its name."""
    if isinstance(data, dict) and isinstance(data.get("title"), str):
        return str(data["title"])
    comment = re.match(r"#\s*([^:.\n]+)", text)
    return comment[1].strip() if comment else stem
