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

from sd_env.scenario_values import ScenarioError, nearest, show


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            try:
                twice = key in seen
                seen.add(key)
            except TypeError:
                twice = False  # a list or a mapping as a key: the loader itself refuses it below
            if twice:
                line = key_node.start_mark.line + 1
                raise ScenarioError(
                    f"{show(key)} on line {line} is a key given twice, but a key must be given only once."
                )
        return super().construct_mapping(node, deep)


def parse_yaml(text: bytes) -> Mapping[Any, Any]:
    """The mapping that the YAML text holds; raises ScenarioError in one sentence."""
    try:
        data = yaml.load(text, Loader=_Loader)
    except ScenarioError:
        raise
    except yaml.MarkedYAMLError as error:
        line = f" on line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ScenarioError(f"the file is not YAML, as it must be: {error.problem or error.context}{line}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ScenarioError(f"the file is not YAML, as it must be: {reason}.") from None
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

# YAML 1.1, which PyYAML follows, takes 1e-3 for a text: read it as the number that everybody means, and so quote
# a text that looks like it
_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$")
for _each in (_Loader, _Dumper):
    _each.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))


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
        return path.read_bytes()
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
