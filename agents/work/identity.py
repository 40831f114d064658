"""What decides a number that is kept: what was asked, and the sources and versions of what answered.

It is kept part by part, so that work which was made otherwise can be refused with the name of what has changed. Of a
module counts what is run: its syntax tree without docstrings, so that comments, layout and documentation void nothing.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any, Final, TypeAlias

from agents.policies.specs import made_from
from sd_env.policies import PolicyError

#: Parts of an identity: ``work``, ``asked``, ``inputs``, ``sources``, ``versions``; plain data.
Identity: TypeAlias = dict[str, Any]

FORMAT: Final = 2
#: The packages whose versions decide numbers.
PACKAGES: Final = ("numpy", "numba", "torch", "stable-baselines3", "sb3-contrib", "gymnasium", "pettingzoo", "pydantic")
#: What is found by an entry point, which no import names.
_ALWAYS: Final = ("agents.strategies",)
#: What no number depends on.
_BESIDE: Final = ("agents.work", "agents.files", "agents.machine", "sd_env.files", "sd_env.show")
_DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_OURS: Final = ("agents", "sd_env")
_PYTHON: Final = "Python"
#: How many names of one kind a refusal gives.
_NAMED: Final = 3


def identity_of(
    work: Callable[..., Any], asked: Mapping[str, Any], inputs: Mapping[str, str] | None = None
) -> Identity:
    """The identity of work that is about to be done or taken up.

    Args:
        work: the function that does it: all modules of this package that it reaches by imports count.
        asked: what it is to do, as plain data by name; a difference is told by name.
        inputs: digests of what else it reads, by what it is called: ``the bundle x.sd``.

    Raises:
        TypeError: if ``asked`` holds what is no plain data.
    """
    while isinstance(work, partial):
        work = work.func
    return {
        "format": FORMAT,
        "work": f"{work.__module__}.{work.__qualname__}",
        "asked": json.loads(json.dumps(dict(asked))),
        "inputs": dict(inputs or {}),
        "sources": _reached((work.__module__, *_ALWAYS), {work.__module__.partition(".")[0], *_OURS}.__contains__),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of what numbers depend on, and the kind of machine."""
    found = {_PYTHON: ".".join(platform.python_version_tuple()[:2]), "machine": platform.machine()}
    return found | {package: version_of(package) for package in PACKAGES}


def version_of(package: str) -> str:
    """Version of an installed package, or that it is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"


def changes(found: Any, now: Identity) -> list[str]:
    """In words, what differs between the identity of kept work and that of the work in hand; empty if nothing.

    Args:
        found: what was kept, as read from a file: it may be of another version of this package, or anything.
        now: of the work in hand.
    """
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return ["it was made by another version of this program, which did not note what decides its numbers"]
    if found.get("work") != now["work"]:
        return ["another command"]
    parts = ("asked", "inputs", "sources", "versions")
    old = {part: found[part] if isinstance(found.get(part), dict) else {} for part in parts}
    differ = {part: _keys(old[part], now[part]) for part in parts}
    words = [_asked(key, old["asked"].get(key), now["asked"].get(key)) for key in differ["asked"]]
    common = [key for key in differ["inputs"] if not words or (key in old["inputs"] and key in now["inputs"])]
    words += [f"another version of {_listed(common)}"] if common else []
    if _PYTHON not in differ["versions"]:  # of which the syntax trees are
        rules = [name for name in differ["sources"] if name.startswith("sd_env/rules/")]
        rest = [name for name in differ["sources"] if name not in rules]
        words += [f"another version of the rules ({_listed(rules)})"] if rules else []
        words += [f"another version of the program ({_listed(rest)})"] if rest else []
    return words + [
        f"{key} {old['versions'].get(key, 'unknown')} where this is {now['versions'].get(key, 'unknown')}"
        for key in differ["versions"]
    ]


def _keys(old: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [key for key in dict.fromkeys((*old, *now)) if old.get(key) != now.get(key) or (key in old) != (key in now)]


def _asked(key: str, old: Any, now: Any) -> str:
    if key == UNITS:
        return "another command, policy, scenario or number"
    return f"{key} was {json.dumps(old)} and is {json.dumps(now)}"


#: Of what was asked, the units.
UNITS: Final = "units"


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


# --- policies -------------------------------------------------------------------------------------------------


def policy_inputs(specs: Iterable[Any]) -> dict[str, str]:
    """Digests of what makes these policies: files of bundles and zips, sources of strategies that are not ours.

    Of a strategy counts its module and what that imports of the same package or of no package; of other packages the
    version. This package's own strategies are among the sources of all work. Policies given as objects have none.

    Raises:
        PolicyError: for a specification that means nothing, or a strategy without a file of source.
    """
    found: dict[str, str] = {}
    for spec in dict.fromkeys(spec for spec in specs if isinstance(spec, (str, Path))):
        made = made_from(spec)
        if isinstance(made, Path) and made.suffix == ".py":
            sources, packages = _written(made)
            found |= {f"the file {made.name} ({file})": digest for file, digest in sources.items()}
            found |= {f"the package {package} of the file {made.name}": each for package, each in packages.items()}
            continue
        if isinstance(made, Path):
            file = made / "bundle.json" if made.is_dir() else made  # which holds the digest of the weights
            found[f"the bundle {spec}"] = _digest(file.read_bytes())
            continue
        while isinstance(made, partial):
            made = made.func
        module = str(getattr(made, "__module__", "") or type(made).__module__)
        if module.partition(".")[0] in _OURS:
            continue
        sources, packages = _plugged(module, of=module.partition(".")[0])
        if not sources:
            raise PolicyError(f"The strategy {spec!r} has no file of source, so that nothing it plays can be kept.")
        name = str(spec).partition(":")[0]
        found |= {f"the strategy {name} ({file})": digest for file, digest in sources.items()}
        found |= {f"the package {package} of the strategy {name}": number for package, number in packages.items()}
    return found


# --- sources --------------------------------------------------------------------------------------------------


def _written(file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """As :func:`_plugged`, of a file of Python that is no module of any package."""
    stamp = file.stat()
    digest, imports = _read(file, stamp.st_mtime_ns, stamp.st_size)
    sources, packages = _plugged(*(module for level, module in imports if not level))
    return {file.name: digest} | sources, packages


def _plugged(*modules: str, of: str = "") -> tuple[dict[str, str], dict[str, str]]:
    """Digests of modules of no package, or of the package ``of``, by file, and the versions of the packages beside."""
    holders = packages_distributions()
    own = set(holders.get(of, ()))
    packages: dict[str, str] = {}

    def follow(top: str) -> bool:
        if top in _OURS or top in sys.stdlib_module_names:
            return False
        others = set(holders.get(top, ()))
        if not others or others & own:  # of no package, or of the same
            return True
        packages.update({name: version(name) for name in others})
        return False

    return _reached(modules, follow), packages


def _reached(roots: Iterable[str], follow: Callable[[str], bool]) -> dict[str, str]:
    """Digest of each module that ``roots`` reach by imports, by its file as an import names it.

    Args:
        roots: names of modules.
        follow: whether the modules of a package count, by its name.
    """
    waiting = [each for root in roots for each in _with_packages(root.split("."))]
    seen, found = set[str](), dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name in seen or any(name == each or name.startswith(f"{each}.") for each in _BESIDE):
            continue
        seen.add(name)
        file = _file_of(name) if follow(name.partition(".")[0]) else None
        if file is None:  # another's, or a class or function of a module
            continue
        stamp = file.stat()
        digest, imports = _read(file, stamp.st_mtime_ns, stamp.st_size)
        whole = file.name == "__init__.py"
        found[name.replace(".", "/") + ("/__init__.py" if whole else file.suffix)] = digest
        package = name.split(".") if whole else name.split(".")[:-1]
        for level, module in imports:
            parts = [*package[: len(package) - level + 1], *module.split(".")] if level else module.split(".")
            waiting += _with_packages(parts)
    return dict(sorted(found.items()))


def _with_packages(parts: Sequence[str]) -> list[str]:
    """A module and the packages that it is in, which are imported before it."""
    return [".".join(parts[:k]) for k in range(1, len(parts) + 1)]


def _file_of(name: str) -> Path | None:
    """The file of a module, without importing it; None if there is no such module, or it has no file."""
    top, *rest = name.split(".")
    running = sys.modules.get(top)
    if top in ("__main__", "__mp_main__"):
        own = getattr(running, "__file__", None)
        return Path(own) if own and not rest else None
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None or (rest and not spec.submodule_search_locations):
        return None
    places = [Path(place).joinpath(*rest) for place in spec.submodule_search_locations or ()]
    if not places:
        return Path(spec.origin) if spec.has_location and spec.origin else None
    files = [file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))]
    return next((file for file in files if file.is_file()), None)


@lru_cache(maxsize=1024)
def _read(file: Path, changed: int, size: int) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Digest of what a module runs, and its imports: how many packages up (0: none), and what might be a module.

    Args:
        file: of the module.
        changed: when, so that a changed file is read again.
        size: likewise.
    """
    data = file.read_bytes()
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):  # compiled, or of another language
        return _digest(data), ()
    imports: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(0, each.name) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports += [(node.level, ".".join(filter(None, (node.module, each.name)))) for each in node.names]
        elif isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return _digest(ast.dump(tree).encode()), tuple(imports)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
