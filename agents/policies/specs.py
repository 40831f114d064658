"""Policies by specification: what the command line and configs call a policy.

A specification is

* the name of a strategy, with parameters if there are any: ``tit-for-tat``, ``richardson:reaction=0.3``;
* the name of a policy of the zoo, ``zoo/doubly-dangerous-v1/seed80``, a bundle that comes with the package;
* the path of a bundle, ``runs/.../policy.sd``, or of the folder of a job or run that has exactly one;
* where that is trusted, the path of a zip of stable-baselines3;
* likewise, a class or function of a Python file, ``my_file.py:Porcupine``, with parameters if there are any:
  ``my_file.py:Porcupine:armour=2``;
* the config of a language policy, ``llm:my_model.yaml``, or ``llm:my_model.yaml:offline=true``, which asks nobody;
* a policy itself.

A bundle, one of the zoo too, takes the parameters ``deterministic`` and ``device``:
``runs/.../policy.sd:deterministic=true``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agents import zoo
from agents.policies import registry
from sd_env.policies import PolicyError, check_policy
from sd_env.reading import ReadError, read_yaml
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from agents.policies.bundles import LearnedBundle
    from agents.policies.protocol import Policy

__all__ = ["PolicyError", "Spec", "bundle_from", "check_fits", "label_of", "made_from", "policy_from", "stamp_of"]

Spec: TypeAlias = "str | os.PathLike[str] | Policy"

_MANIFEST = "bundle.json"
#: Where a folder keeps its policies: a job's with one learner, with several, and a run's with such jobs.
_PLACES = ("*.sd", "learners/*/*.sd", "jobs/*/*.sd", "jobs/*/learners/*/*.sd")
_BUNDLE_PARAMETERS = ("deterministic", "device")
#: A class or function of a Python file, perhaps before parameters.
_IN_FILE = re.compile(r"(?P<file>[^:]*\.py):(?P<name>[A-Za-z_]\w*)(?=:|$)")
#: A language policy, perhaps before parameters.
_LANGUAGE = re.compile(r"llm:(?P<file>[^:]*\.ya?ml)(?=:|$)")
#: They stand on a floor above, and come in by everybody's door, as strategies do (:mod:`agents.policies.registry`).
_OF_LANGUAGE = EntryPoint("llm", "agents.language.policy:of_file", registry.GROUP)


def policy_from(spec: Spec, *, trust: bool = False) -> Policy:
    """The policy that ``spec`` means, new for every call; a policy means itself.

    Args:
        spec: see the module.
        trust: whether what runs code when it is loaded may be: zips of stable-baselines3, and Python files.

    Raises:
        PolicyError: one sentence for a name, parameter or file that does not exist or is not allowed.
    """
    if not isinstance(spec, (str, os.PathLike)):
        check_policy(spec, f"{spec!r} is no policy and no text that names one")
        return spec
    name, parameters = _split(os.fspath(spec))
    if language := _LANGUAGE.fullmatch(name):
        made: Policy = _OF_LANGUAGE.load()(language["file"], **parameters)
        return made
    if not _is_path(name):
        return registry.make(name, **parameters)
    if in_file := _IN_FILE.fullmatch(name):
        if not trust:
            raise PolicyError(
                f"Policy {name!r} is of a Python file, which runs when it is loaded: it is read only with trust=True "
                "(--trust), which you give if you know who made it."
            )
        return registry.make_from(Path(in_file["file"]), in_file["name"], **parameters)
    path = Path(name)
    if path.is_dir():
        return bundle_from(_resolve(path), parameters, str(path))
    if path.suffix == ".zip" and path.exists():
        from agents.policies.bundles import import_zip

        if parameters:
            raise PolicyError(f"Policy {name!r}: a zip takes no parameters, got {', '.join(parameters)}.")
        return import_zip(path, trust=trust)
    if path.exists():
        raise PolicyError(f"Policy {name!r} is neither a bundle (a folder with {_MANIFEST}) nor a zip.")
    raise PolicyError(f"Policy {name!r}: there is no such bundle, run folder or zip.")


def made_from(spec: str | os.PathLike[str]) -> Path | Callable[..., Any]:
    """What the policy of a specification is made from, without making it: a bundle's folder or a file, or the strategy.

    Raises:
        PolicyError: one sentence for a name or file that does not exist.
    """
    name, _ = _split(os.fspath(spec))
    if not _is_path(name):
        return zoo.bundle(name) if zoo.is_name(name) else registry.factory_of(name)
    in_file = _IN_FILE.fullmatch(name) or _LANGUAGE.fullmatch(name)
    path = Path(in_file["file"] if in_file else name)
    path = _resolve(path) if path.is_dir() else path
    if not (path / _MANIFEST).is_file() and not path.is_file():
        raise PolicyError(f"Policy {name!r}: there is no such bundle, run folder or zip.")
    return path


def stamp_of(spec: str) -> tuple[object, ...]:
    """What is another once what a specification names was edited, or where it names something else.

    Of a strategy its class or function, of all else the place, time and size of its files; nothing where there is none.
    """
    try:
        made = made_from(spec)
        if not isinstance(made, Path):
            return (id(made),)
        stats = [(str(file.absolute()), file.stat()) for file in (sorted(made.iterdir()) if made.is_dir() else [made])]
    except (PolicyError, OSError):
        return ()
    return tuple((path, stat.st_ino, stat.st_mtime_ns, stat.st_size) for path, stat in stats)


def is_language(spec: str) -> bool:
    """Whether a specification is one of a language policy."""
    return _LANGUAGE.match(spec) is not None


def label_of(spec: Spec) -> str:
    """A short name for tables, known without loading anything.

    A strategy as it was written, one of a file without the file's folder. A bundle's folder without ``.sd``; of a
    job's ``policy.sd`` the job, of one of its several learners ``learner.job``. The ``name`` of a policy, or its class
    without ``Policy``, with hyphens.
    """
    if not isinstance(spec, (str, os.PathLike)):
        name = getattr(spec, "name", None)
        if isinstance(name, str) and name:
            return name
        words = type(spec).__name__.removesuffix("Policy") or "policy"
        return "".join(f"-{c.lower()}" if c.isupper() and k else c.lower() for k, c in enumerate(words))
    text = os.fspath(spec)
    name, _ = _split(text)
    if language := _LANGUAGE.fullmatch(name):
        return f"llm:{Path(language['file']).stem}{text[len(name) :]}"
    if not _is_path(name):
        return text
    if in_file := _IN_FILE.fullmatch(name):
        return Path(in_file["file"]).name + text[len(in_file["file"]) :]
    path = Path(name)
    if path.is_dir() and not (path / _MANIFEST).exists():
        found = _bundles(path)
        path = found[0] if len(found) == 1 else path
    return _stem(path) + text[len(name) :]


def _stem(path: Path) -> str:
    if path.name != "policy.sd":
        return path.stem if path.suffix in (".sd", ".zip") else path.name
    folder = path.absolute().parent
    return f"{folder.name}.{folder.parents[1].name}" if folder.parent.name == "learners" else folder.name


def check_fits(policy: Policy, scenario: Scenario, label: str) -> None:
    """Refuse a learned policy that sees or does something else than a state of ``scenario``.

    Strategies fit every scenario, and so does whatever does not say what it sees. A bundle over sets fits scenarios of
    any number of states whose observations have the same kind of blocks.

    Raises:
        PolicyError: naming both sizes and the first column that differs.
    """
    spaces = getattr(policy, "spaces", None)
    space = getattr(policy, "observation_space", None)
    if spaces is None and space is None:
        return
    from agents.policies.manifest import Spaces, difference, spaces_of

    needed = spaces_of(scenario)
    odd: str | None = None
    if isinstance(spaces, Spaces):
        resize = getattr(policy, "spaces_for", None)
        mine = spaces if resize is None else resize(scenario.n_states)
        odd = difference(mine, needed, f"scenario {scenario.name!r}")
    elif (shape := getattr(space, "shape", None)) and shape != (len(needed.columns),):
        odd = f"it sees {shape[0]} columns and scenario {scenario.name!r} shows {len(needed.columns)}"
    if odd:
        raise PolicyError(f"{label} does not fit scenario {scenario.name!r}: {odd}.")


def _split(text: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters: what stands after a colon and has an equals sign, the values as YAML."""
    if _exists(text):
        return text, {}
    in_file = _IN_FILE.match(text) or _LANGUAGE.match(text)
    end = in_file.end() if in_file else text.find(":")
    name, rest = text[:end], text[end + 1 :]
    if end in (-1, len(text)):
        return text, {}
    parameters: dict[str, Any] = {}
    for pair in _pairs(rest):
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals or not key.isidentifier():
            raise PolicyError(
                f"Policy {text!r}: {pair!r} is no parameter; parameters are given as key=value,key=value."
            )
        if key in parameters:
            raise PolicyError(f"Policy {text!r} gives {key} twice.")
        try:
            parameters[key] = read_yaml(value, "it")
        except ReadError as error:
            why = str(error).replace(" on line 1", "")
            raise PolicyError(f"Policy {text!r:.200}: the value of {key}, {value!r:.80}, is refused: {why}.") from None
    return name, parameters


def _pairs(text: str) -> list[str]:
    """The text at its commas, but for those inside of brackets: ``a=1,b=[2, 3]`` is two pairs."""
    pairs, depth, start = [], 0, 0
    for k, c in enumerate(text):
        depth += (c in "[{") - (c in "]}")
        if c == "," and depth == 0:
            pairs.append(text[start:k])
            start = k + 1
    return [*pairs, text[start:]]


def _is_path(name: str) -> bool:
    """Whether a name means a file: it is there, or it looks like one. A policy's own name always means that policy."""
    if name in registry.names() or zoo.has(name):
        return False
    if _LANGUAGE.fullmatch(name) or _IN_FILE.fullmatch(name) or _exists(name) or name.endswith((".sd", ".zip")):
        return True
    return not zoo.is_name(name) and ("/" in name or os.sep in name)


def _exists(name: str) -> bool:
    try:
        return os.path.exists(name)
    except ValueError:  # a name that no system has
        return False


def _resolve(path: Path) -> Path:
    """The one bundle that a folder stands for."""
    if (path / _MANIFEST).exists() or path.suffix == ".sd":
        return path
    found = _bundles(path)
    if len(found) == 1:
        return found[0]
    if not found:
        raise PolicyError(f"Policy '{path}': the folder holds no bundle (*.sd), nor do jobs in it.")
    shown = ", ".join(str(bundle) for bundle in found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
    raise PolicyError(f"Policy '{path}': the folder holds {len(found)} bundles, name one of {shown}.")


def _bundles(path: Path) -> list[Path]:
    return [bundle for place in _PLACES for bundle in sorted(path.glob(place)) if bundle.is_dir()]


def bundle_from(path: Path, parameters: dict[str, Any], called: str) -> LearnedBundle:
    """The policy of a bundle, with the parameters of a specification.

    Args:
        path: the bundle.
        parameters: ``deterministic`` and ``device``, neither of which must be given.
        called: how the policy is named, for errors.

    Raises:
        PolicyError: for another parameter, a value that is not allowed, or a bundle that cannot be used.
    """
    from agents.policies.bundles import load_bundle

    if unknown := sorted(set(parameters) - set(_BUNDLE_PARAMETERS)):
        known = " and ".join(_BUNDLE_PARAMETERS)
        raise PolicyError(f"Policy '{called}': a bundle has no parameter {unknown[0]!r}; it has {known}.")
    deterministic, device = parameters.get("deterministic", False), parameters.get("device", "cpu")
    if not isinstance(deterministic, bool):
        raise PolicyError(f"Policy '{called}': deterministic is {deterministic!r}, but must be true or false.")
    if not isinstance(device, str):
        raise PolicyError(f"Policy '{called}': device is {device!r}, but must be a text such as cpu, cuda or auto.")
    return load_bundle(path, device=device, deterministic=deterministic)
