"""Policies by name: the strategies of this package and those that other people's packages bring.

Another package joins by an entry point of the group ``sd_env.agents``: its name is the strategy's, its value a
:class:`agents.strategies.base.Strategy`, or any callable that returns a policy for keyword parameters
(``examples/my_strategy``). It is imported only when it is asked for, so that a broken one harms nobody else.
Policies of the zoo (:mod:`agents.zoo`) are made and described by their names too; :func:`names` are those of
strategies alone.
"""

from __future__ import annotations

import difflib
import hashlib
import inspect
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from agents import zoo
from agents.policies.traits import Traits
from sd_env.errors import RefusedError
from sd_env.files import read_bounded
from sd_env.policies import PolicyError, is_policy

if TYPE_CHECKING:
    from sd_env.policies import Policy

logger = logging.getLogger(__name__)

GROUP: Final = "sd_env.agents"
BUILT_IN: Final = "sd-env"
#: Our own strategies stand on the floor above and come in by the door of everybody's: a name, loaded when asked for.
_BUILT_INS: Final = EntryPoint("built-in", "agents.strategies:BUILT_INS", GROUP)
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a strategy: its name, its default as text ("" if it must be given) and its meaning."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Description:
    """What the registry knows of a strategy.

    Attributes:
        name: by which :func:`make` finds it.
        summary: first line of its docstring.
        behaviour: the docstring without its citation.
        citation: what the docstring has in brackets at its end; "" if nothing.
        traits: as declared; None if it declares none.
        parameters: what :func:`make` takes beside the name.
        source: the package that it comes from.
    """

    name: str
    summary: str
    behaviour: str
    citation: str
    traits: Traits | None
    parameters: tuple[Parameter, ...]
    source: str


@dataclass
class _Entry:
    name: str
    source: str
    factory: Callable[..., Any] | None = None
    plugs: list[EntryPoint] = field(default_factory=list)
    kind: str = "package"  # of source

    @property
    def where(self) -> str:
        """Where it comes from, for sentences."""
        return f"the {self.kind} {self.source}"

    def load(self) -> Callable[..., Any]:
        """The class or function that makes the policy; PolicyError if its package is broken."""
        if self.factory is not None:
            return self.factory
        if len(self.plugs) > 1:
            both = " and ".join(sorted(_distribution(plug) for plug in self.plugs))
            raise PolicyError(f"The packages {both} both bring a strategy {self.name!r}; remove one of them.")
        try:
            factory = self.plugs[0].load()
        except Exception as error:  # whatever another's module raises when it is imported
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise PolicyError(f"The strategy {self.name!r} of {self.where} cannot be loaded: {why}") from error
        if not callable(factory):
            what = f"{self.plugs[0].value}, which is neither a class nor a function"
            raise PolicyError(f"The strategy {self.name!r} of {self.where} names {what}.")
        self.factory = factory
        return self.factory

    def make(self, parameters: Mapping[str, Any]) -> Policy:
        """The policy, new; PolicyError as for :func:`make`."""
        factory = self.load()
        _check_parameters(self, factory, parameters)
        try:
            policy = factory(**parameters)
        except PolicyError:
            raise
        except Exception as error:  # another's constructor may raise anything
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise PolicyError(f"The strategy {self.name!r} of {self.where} cannot be made: {why}") from error
        if not is_policy(policy):
            raise PolicyError(f"The strategy {self.name!r} of {self.where} makes no policy: reset or act is missing.")
        made: Policy = policy
        return made


_registered: dict[str, _Entry] = {}


def register(factory: Callable[..., Policy], name: str | None = None) -> None:
    """Enter a policy for this process.

    Args:
        factory: a Strategy class, or a callable that returns a policy for keyword parameters.
        name: in kebab-case; default ``factory.name``.

    Raises:
        PolicyError: if the name is taken or is none.
    """
    name = name if name is not None else getattr(factory, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PolicyError(f"{name!r} is no name for a strategy: small letters, digits and single hyphens are.")
    present = _entries().get(name)
    if present is not None and present.factory is not factory:
        raise PolicyError(f"The name {name!r} is taken by a strategy of {present.source}; choose another.")
    _registered[name] = _Entry(name, getattr(factory, "__module__", "this process"), factory)


def make(name: str, **parameters: Any) -> Policy:
    """The policy of that name, new, with its parameters: a strategy's, or one of the zoo's.

    Raises:
        PolicyError: for a name that does not exist, a parameter that it does not have, a value that is not allowed,
            or a package that is broken.
    """
    return _find(name).make(parameters)


def make_from(file: Path, name: str, **parameters: Any) -> Policy:
    """The policy that the class or function ``name`` of a Python file makes. The file is run: ask before you do that.

    Raises:
        PolicyError: for a file that is none or that fails, a name that it does not have, and as for :func:`make`.
    """
    return _Entry(f"{file.name}:{name}", str(file), _defined_in(file, name), kind="file").make(parameters)


def _defined_in(file: Path, name: str) -> Callable[..., Any]:
    """What a Python file calls ``name``."""
    try:
        source = read_bounded(file)
    except (OSError, RefusedError) as error:
        raise PolicyError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    # Known to Python by where and what it is: classes of one file are one class, and an edited file is another.
    module_name = f"file_{hashlib.sha256(os.fsencode(file.resolve()) + source).hexdigest()[:16]}"
    module = sys.modules.get(module_name)
    if module is None:
        module = sys.modules[module_name] = ModuleType(module_name)
        module.__file__ = str(file)
        try:
            exec(compile(source, str(file), "exec"), vars(module))
        except (Exception, SystemExit) as error:  # whatever another's file raises when it is run
            del sys.modules[module_name]
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise PolicyError(f"{file} cannot be run: {why}") from error
    found = getattr(module, name, None)
    if not callable(found):
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module_name]
        near = difflib.get_close_matches(name, own, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(own) or 'none'}."
        raise PolicyError(f"{file} has no class or function {name!r}; {hint}")
    made: Callable[..., Any] = found
    return made


def factory_of(name: str) -> Callable[..., Any]:
    """The class or function that makes the policy of that name; PolicyError as for :func:`make`."""
    return _find(name).load()


def names() -> tuple[str, ...]:
    """All names, in alphabetical order; nothing is imported for it from other people's packages."""
    return tuple(sorted(_entries()))


def working() -> tuple[str, ...]:
    """The names of strategies that can be made as they are, in alphabetical order; what others lack is told."""
    found = []
    for name in names():
        try:
            make(name)
        except PolicyError as error:
            logger.warning("Left out: %s", error)
        else:
            found.append(name)
    return tuple(found)


def search(**traits: bool | int) -> tuple[str, ...]:
    """Names of the strategies whose declared traits are these: ``search(first_strikes=False, memory=0)``.

    Strategies that declare none, and those of broken packages, are left out.

    Raises:
        PolicyError: for a trait that does not exist, or a value of another type.
    """
    known = {trait.name: type(trait.default) for trait in fields(Traits)}
    for trait, value in traits.items():
        if trait not in known:
            raise PolicyError(f"There is no trait {trait!r}; traits are {', '.join(known)}.")
        if type(value) is not known[trait]:
            allowed = "true or false" if known[trait] is bool else "a whole number"
            raise PolicyError(f"The trait {trait} is {allowed}, not {value!r}.")
    found = []
    for name, entry in _entries().items():
        try:
            declared = getattr(entry.load(), "traits", None)
        except PolicyError as error:
            logger.warning("Left out of the search: %s", error)
            continue
        if declared is not None and all(getattr(declared, trait) == value for trait, value in traits.items()):
            found.append(name)
    return tuple(sorted(found))


def describe(name: str) -> Description:
    """What the strategy does, what it declares, where it comes from and what it takes; of the zoo what a card says.

    Raises:
        PolicyError: for a name that does not exist, or a package that is broken.
    """
    entry = _find(name)
    factory = entry.load()
    text = inspect.getdoc(factory) or ""
    cited = re.search(r"\[([^\[\]]+)\]\s*$", text)
    behaviour = text[: cited.start()].strip() if cited else text.strip()
    return Description(
        name=name,
        summary=" ".join(behaviour.split("\n\n")[0].split()),
        behaviour=behaviour,
        citation=" ".join(cited[1].split()) if cited else "",
        traits=getattr(factory, "traits", None),
        parameters=_parameters(factory),
        source=entry.source,
    )


def _find(name: str) -> _Entry:
    if zoo.is_name(name):
        return _Entry(name, BUILT_IN, zoo.maker(name))
    entries = _entries()
    if name not in entries:
        near = difflib.get_close_matches(name, entries, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(entries))}."
        raise PolicyError(f"There is no strategy {name!r}; {hint}")
    return entries[name]


def _entries() -> dict[str, _Entry]:
    """Every strategy by name: built in, of other packages, registered by this process."""
    return {**_discovered(), **_registered}


@cache
def _discovered() -> dict[str, _Entry]:
    """The strategies of this package and, not yet imported, those of others; a name of ours stays ours."""
    entries = {strategy.name: _Entry(strategy.name, BUILT_IN, strategy) for strategy in _BUILT_INS.load()}
    for plug in entry_points(group=GROUP):
        source = _distribution(plug)
        present = entries.get(plug.name)
        if not _NAME.fullmatch(plug.name) or (present is not None and present.factory is not None):
            why = "that name is built in" if present else "a name has small letters, digits and single hyphens"
            warnings.warn(f"The strategy {plug.name!r} of the package {source} is left out: {why}.", stacklevel=2)
        elif present is not None:
            present.plugs.append(plug)
        else:
            entries[plug.name] = _Entry(plug.name, source, plugs=[plug])
    return entries


def _distribution(plug: EntryPoint) -> str:
    return plug.dist.name if plug.dist is not None else "unknown"


def _check_parameters(entry: _Entry, factory: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Refuse what the factory's signature does not take; a Strategy does it itself."""
    if getattr(factory, "model_fields", None) is not None:
        return
    try:
        inspect.signature(factory).bind(**given)
    except TypeError:
        known = ", ".join(parameter.name for parameter in _parameters(factory)) or "none"
        unknown = sorted(set(given) - {parameter.name for parameter in _parameters(factory)})
        what = f"has no parameter {unknown[0]!r}" if unknown else "needs more parameters"
        raise PolicyError(f"{entry.name} {what}; it has {known}.") from None
    except ValueError:  # no signature to look at
        return


def _parameters(factory: Callable[..., Any]) -> tuple[Parameter, ...]:
    declared = getattr(factory, "model_fields", None)
    if declared is not None:
        return tuple(
            Parameter(name, "" if info.is_required() else repr(info.default), info.description or "")
            for name, info in declared.items()
        )
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return ()
    return tuple(
        Parameter(name, "" if parameter.default is parameter.empty else repr(parameter.default), "")
        for name, parameter in signature.parameters.items()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    )
