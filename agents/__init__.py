"""Those who play the game of :mod:`sd_env`: policies, the seats that learners take, training and evaluation.

``sd_env`` never imports this package; torch and stable-baselines3 are used only here, and only by the modules that
need them: ``import agents`` is light. The registry's functions are here too, imported when they are first used:
``agents.make("tit-for-tat")``, ``agents.names()``, ``agents.search(first_strikes=False)``, ``agents.describe(name)``;
and ``agents.zoo``, the trained policies that come with the package: ``agents.zoo.names()``.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents import zoo
    from agents.policies.registry import describe, make, names, register, search
    from sd_env.policies import PolicyError

__all__ = ["PolicyError", "describe", "make", "names", "register", "search", "zoo"]

# Whoever uses the library decides whether its messages are shown; the commands do (agents.messages).
logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name == "zoo":
        return importlib.import_module("agents.zoo")
    if name in __all__:
        from agents.policies import registry

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
