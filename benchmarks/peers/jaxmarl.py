"""JaxMARL on the processor: one compiled scan over an episode of many worlds, its fastest way, reset as they end.

Random keys and actions are drawn before the clock starts; the observations of each turn are carried to the next, so
that the compiler cannot leave them out.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

# Before jax is imported: one core is measured, and no accelerator is looked for.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jaxmarl

from benchmarks.peers import EPISODE, Game

# What is compiled takes a minute a game and is kept beside the environment.
jax.config.update("jax_compilation_cache_dir", os.path.join(sys.prefix, "compiled"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def game(name: str, settings: dict[str, Any], worlds: int) -> Game:
    """An episode of ``worlds`` worlds of one of its environments."""
    env = jaxmarl.make(name, **settings)
    keys = jax.random.split(jax.random.PRNGKey(0), (EPISODE, worlds))
    choices = [env.action_space(agent).n for agent in env.agents]
    drawn = [jax.random.randint(jax.random.PRNGKey(k), (EPISODE, worlds), 0, n) for k, n in enumerate(choices)]
    # STORM names its agents by numbers and takes their actions in order
    named = isinstance(env.agents[0], str)
    actions: Any = dict(zip(env.agents, drawn, strict=True)) if named else tuple(drawn)

    def turn(carried: tuple[Any, Any], now: tuple[Any, Any]) -> tuple[tuple[Any, Any], Any]:
        observations, state, rewards, *_ = jax.vmap(env.step)(now[0], carried[1], now[1])
        return (observations, state), rewards

    def episode(keys: Any, actions: Any) -> Any:
        start = jax.vmap(env.reset)(keys[0])
        first = jax.tree.map(lambda each: each[0], (keys, actions))
        # not all of its resets begin with the types that its steps go on with
        becomes = jax.eval_shape(turn, start, first)[0]
        return jax.lax.scan(turn, jax.tree.map(lambda old, new: old.astype(new.dtype), start, becomes), (keys, actions))

    scan = jax.jit(episode)
    seen = jax.eval_shape(env.reset, keys[0, 0])[0]

    def play() -> Any:
        return jax.block_until_ready(scan(keys, actions))

    numbers = sum(leaf.size for leaf in jax.tree.leaves(seen)) // env.num_agents
    return Game(play, EPISODE * worlds, env.num_agents, int(numbers))


GAMES = {
    "coin_game": partial(game, "coin_game", {"num_inner_steps": EPISODE, "num_outer_steps": 1}),
    "storm_2p": partial(game, "storm_2p", {"num_inner_steps": EPISODE, "num_outer_steps": 1}),
    "overcooked": partial(game, "overcooked", {"max_steps": EPISODE}),
    "simple_spread": partial(game, "MPE_simple_spread_v3", {"max_steps": EPISODE}),
}
