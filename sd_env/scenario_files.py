"""Where scenarios come from and go to: the catalogue, files, and YAML."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from sd_env.files import read_bounded
from sd_env.reading import BASES, MOST_BYTES, NUMBER, ReadError, read_yaml
from sd_env.scenario_values import ScenarioError, nearest, show


def parse_yaml(text: bytes) -> Mapping[Any, Any]:
    """The mapping that the YAML text holds; raises ScenarioError in one sentence."""
    try:
        data = read_yaml(text)
    except ReadError as error:
        raise ScenarioError(f"{error}.") from None
    if not isinstance(data, Mapping):
        raise ScenarioError(f"the file holds {show(data)}, but must hold a mapping of scenario keys to values.")
    return data


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Texts with odd characters escaped: PyYAML would fold a next-line character into a space."""
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)

# A text that the reader would take for a number, or refuse as one, is quoted: YAML 1.1 knows of no 1e-3
for _pattern in (NUMBER, BASES):
    _number = re.compile(f"({_pattern.pattern})$")
    _Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _number, list("-+.0123456789"))


def dump_yaml(data: Mapping[str, Any]) -> str:
    """The mapping as YAML: keys in their order, lists of numbers on one line."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)


def catalogue() -> dict[str, Traversable]:
    """The files of the catalogue by scenario name, sorted."""
    found: dict[str, Traversable] = {}
    folders = [("", resources.files("sd_env") / "catalogue")]
    while folders:
        prefix, folder = folders.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                folders.append((f"{prefix}{entry.name}/", entry))
            elif entry.name.endswith(".yaml"):
                found[prefix + entry.name.removesuffix(".yaml")] = entry
    return dict(sorted(found.items()))


def read_bytes(source: str | os.PathLike[str]) -> bytes:
    """The bytes of a catalogue entry or of a file; raises ScenarioError in one sentence."""
    where = os.fspath(source)
    entries = catalogue()
    if isinstance(source, str) and source in entries:
        return entries[source].read_bytes()
    path = Path(where)
    try:
        if path.is_dir():
            raise ScenarioError(
                f"scenario {where!r} is a directory, but must be a catalogue name or the path of a YAML file."
            )
        return read_bounded(path, MOST_BYTES)
    except ScenarioError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        close = nearest(where, list(entries))
        raise ScenarioError(
            f"scenario {where!r} is neither a file nor in the catalogue, where the nearest is {close}."
        ) from None
    except (OSError, ValueError) as error:
        raise ScenarioError(
            f"scenario {where!r} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from None
