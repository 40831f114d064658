"""Ids under which the faces are found in gymnasium's and PettingZoo's own registries.

``import sd_env`` is enough: ``gymnasium.make("sd_env/Solo-v0", scenario=...)``,
``gymnasium.make_vec("sd_env/Vector-v0", scenario=..., num_worlds=...)`` (all default to the doubly dangerous world),
``pettingzoo.make("parallel", "sd_env/World-v0", scenario=...)`` and ``pettingzoo.make("aec", ...)`` likewise.
The entry points are strings, so that nothing heavy is imported before it is made.
"""

from __future__ import annotations

from typing import Final

SOLO: Final = "sd_env/Solo-v0"
VECTOR: Final = "sd_env/Vector-v0"
WORLD: Final = "sd_env/World-v0"
#: What is played where an id is given without a scenario, as by ``PPO("MlpPolicy", "sd_env/Solo-v0")``.
_DEFAULTS: Final = {"scenario": "jervis/doubly-dangerous"}


def register() -> None:
    """Enter the ids in both registries; again is harmless."""
    import gymnasium

    if SOLO not in gymnasium.registry:
        gymnasium.register(SOLO, entry_point="sd_env.solo:SoloEnv", kwargs=dict(_DEFAULTS))
    if VECTOR not in gymnasium.registry:
        gymnasium.register(VECTOR, vector_entry_point="sd_env.vector:make_vector", kwargs=dict(_DEFAULTS))
    try:
        import pettingzoo
    except FileNotFoundError:  # as it is imported it asks for the working folder, which has been deleted
        return
    if WORLD not in pettingzoo.parallel_registry:
        pettingzoo.register("parallel", WORLD, entry_point="sd_env.parallel:parallel_env", kwargs=dict(_DEFAULTS))
    if WORLD not in pettingzoo.aec_registry:
        pettingzoo.register("aec", WORLD, entry_point="sd_env.parallel:env", kwargs=dict(_DEFAULTS))
