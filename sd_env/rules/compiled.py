"""How rules are compiled: numba without fast-math, so that compiled and plain Python agree bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    """Compile a function that the rest of the package calls, cached on disk across processes.

    numba's cache looks at the date of the entry point's own file alone, so a change in a rule that it calls would go
    unnoticed. Here the cached code carries the fingerprint of all rules, and any change recompiles.
    """

    def compile_it(python_function: Rule) -> Rule:
        dispatcher = numba.njit(nogil=True, cache=True, parallel=parallel, error_model="numpy")(python_function)
        cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if cache_file is not None:
            cache_file._source_stamp = (cache_file._source_stamp, rules_fingerprint())
        return cast(Rule, dispatcher)

    return compile_it if function is None else compile_it(function)


def records(array: NDArray[Any]) -> NDArray[Any]:
    """The array as rules need it: plain Python reads fields as attributes only through a recarray view."""
    return array.view(np.recarray) if UNCOMPILED else array
