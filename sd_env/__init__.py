"""sd-env: the security dilemma as a multi-agent environment.

``parallel_env``, ``env`` (AEC), ``vector_env`` and ``solo_env`` make the faces of a world; ``scenarios`` lists the
catalogue and ``load_scenario`` reads one. What is heavy (numba, pydantic) is imported when first used.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sd_env.registry import register
from sd_env.version import __version__

if TYPE_CHECKING:
    from sd_env.parallel import ParallelEnv, env, parallel_env
    from sd_env.policies import RandomPolicy
    from sd_env.scenario import Scenario, ScenarioError, load_scenario, scenarios
    from sd_env.solo import SoloEnv, solo_env
    from sd_env.vector import WorldsVectorEnv, vector_env
    from sd_env.worlds import Worlds

__all__ = [
    "ParallelEnv",
    "RandomPolicy",
    "Scenario",
    "ScenarioError",
    "SoloEnv",
    "Worlds",
    "WorldsVectorEnv",
    "__version__",
    "env",
    "load_scenario",
    "parallel_env",
    "scenarios",
    "solo_env",
    "vector_env",
]

_HOMES = {
    "sd_env.parallel": ("ParallelEnv", "env", "parallel_env"),
    "sd_env.policies": ("RandomPolicy",),
    "sd_env.scenario": ("Scenario", "ScenarioError", "load_scenario", "scenarios"),
    "sd_env.solo": ("SoloEnv", "solo_env"),
    "sd_env.vector": ("WorldsVectorEnv", "vector_env"),
    "sd_env.worlds": ("Worlds",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'sd_env' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# Whoever uses the library decides whether its messages are shown.
logging.getLogger(__name__).addHandler(logging.NullHandler())
register()
