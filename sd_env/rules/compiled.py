"""How rules are compiled: numba without fast-math, so that compiled and plain Python agree bit for bit."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import FunctionCache, NullCache

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Rule = TypeVar("Rule", bound=Callable[..., Any])

#: True when ``NUMBA_DISABLE_JIT=1``: rules run as plain Python, for debugging and for the test of equality.
UNCOMPILED = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]

if UNCOMPILED:
    # The random streams wrap around in 64 bits on purpose; numpy would warn of each wrap.
    np.seterr(over="ignore")


@cache
def rules_fingerprint() -> str:
    """Hash of every file that the compiled code is made of: the rules and the layout."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *here.parent.glob("layout*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def rule(function: Rule) -> Rule:
    """Compile a rule; it is inlined into the entry points, which alone are cached on disk."""
    return _compiled(function, forceinline=True)


def called_rule(function: Rule) -> Rule:
    """Compile a rule that is used in many places, and seldom in a turn: the compiler need not inline each use."""
    return _compiled(function, forceinline=False)


def _compiled(function: Rule, *, forceinline: bool) -> Rule:
    # numba's own annotations leave the option _nrt out
    options: Any = {"nogil": True, "_nrt": False, "error_model": "numpy", "forceinline": forceinline}
    return cast(Rule, numba.njit(**options)(function))


def entry_point(function: Rule | None = None, *, parallel: bool = False) -> Any:
    """Compile a function that the rest of the package calls, cached on disk across processes where there is a place.

    numba's cache looks at the entry point's own file alone, so a change in a rule that it calls would go unnoticed.
    Here the cached code carries the fingerprint of all rules, and any change recompiles.
    """

    def compile_it(python_function: Rule) -> Rule:
        dispatcher: Any = numba.njit(nogil=True, parallel=parallel, error_model="numpy")(python_function)
        if not UNCOMPILED:
            dispatcher._cache = _cache_of(python_function)
        return cast(Rule, dispatcher)

    return compile_it if function is None else compile_it(function)


class _Cache(FunctionCache):
    """numba's cache of one function, tied to all rules: what cannot be read or kept is compiled anew, no more."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file._source_stamp = (self._cache_file._source_stamp, rules_fingerprint())

    def load_overload(self, signature: Any, target: Any) -> Any:
        """What was compiled before, None if there is nothing or it is damaged."""
        try:
            return super().load_overload(signature, target)
        except Exception as error:  # a damaged pickle raises what it likes
            _say(f"a file in {self.cache_path} is damaged ({type(error).__name__})")
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled, if the disk takes it."""
        try:
            super().save_overload(signature, compiled)
        except OSError as error:
            _say(f"{self.cache_path} cannot be written ({error.strerror or error})")


class _NoCache(NullCache):
    """Where no folder can be written, which is said when something is compiled and not at the import."""

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep nothing."""
        _say("no folder for it can be written")


def _cache_of(function: Callable[..., Any]) -> _Cache | _NoCache:
    try:
        return _Cache(function)
    except (RuntimeError, OSError):  # numba finds no folder
        return _NoCache()


@cache
def _say(why: str) -> None:
    """Once a process, and never by its workers, which all have the same folders."""
    if multiprocessing.parent_process() is None:
        logger.warning(
            "Compiled code is not kept on disk: %s. Every process compiles the rules anew, which takes up to a minute; "
            "the environment variable NUMBA_CACHE_DIR may name a folder for it.",
            why,
        )


def records(array: NDArray[Any]) -> NDArray[Any]:
    """The array as rules need it: plain Python reads fields as attributes only through a recarray view."""
    return array.view(np.recarray) if UNCOMPILED else array
