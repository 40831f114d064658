"""(b) The PettingZoo face: turns a second of one world as a ParallelEnv, beside other environments.

Every environment is driven by the same loop: step with actions that were drawn at random before the clock started,
reset when the episode is over, with episodes of the same length. Where the infos carry an action mask the draw keeps
to it; the others have no illegal actions.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from benchmarks import peers
from benchmarks.engine import SCENARIO
from benchmarks.harness import Report, alternate, one_core, timed
from sd_env import layout, load_scenario, parallel_env

EPISODE: Final = 32
#: simple_spread as it comes: fewer agents than our four states, so that the comparison is not in our favour.
_SPREAD: Final = "mpe2 simple_spread, 3 agents (its default)"
SPREAD_CLAIM: Final = 12.0
GATHERING_CLAIM: Final = 1.0


def draw(env: Any, agent: str, info: dict[str, Any]) -> Any:
    """A random action of an agent, legal where its info carries a flat mask of a MultiDiscrete."""
    space = env.action_space(agent)
    if "action_mask" not in info:
        return space.sample()
    mask, parts, begin = info["action_mask"], [], 0
    for size in space.nvec:
        parts.append(mask[begin : begin + size])
        begin += size
    return space.sample(mask=tuple(parts))


def prepare(make: Callable[[], Any], turns: int) -> Callable[[], float]:
    """Make an environment and its random actions; the result plays them once and gives the seconds."""
    env = make()
    _, infos = env.reset(seed=0)
    for place, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(place)
    pool: list[dict[str, Any]] = []
    for _ in range(turns):
        pool.append({agent: draw(env, agent, infos.get(agent, {})) for agent in env.agents})
        *_, infos = env.step(pool[-1])
        if not env.agents:
            _, infos = env.reset()

    def play() -> None:
        for actions in pool:
            env.step(actions)
            if not env.agents:
                env.reset()

    return partial(timed, play, partial(env.reset, seed=0))


def run(smoke: bool, repeats: int) -> Report:
    """Measure turns a second of our ParallelEnv at 2 and 4 states, and of the peers that are installed."""
    turns = 2 * EPISODE if smoke else 200 * EPISODE
    report = Report("faces", "PettingZoo ParallelEnv: one world, random actions")
    report.settings = {"scenario": SCENARIO, "turns": turns, "episode": EPISODE, "repeats": repeats}
    makers: dict[str, Callable[[], Any] | None] = {}
    for n in (2, 4):
        scenario = load_scenario(SCENARIO, {"n_states": n, "horizon": EPISODE})
        makers[f"sd-env, {n} states"] = partial(parallel_env, scenario)
    makers[_SPREAD] = peers.simple_spread(3, EPISODE, report)
    makers["mpe2 simple_spread, 4 agents"] = peers.simple_spread(4, EPISODE, report) if makers[_SPREAD] else None
    makers["MOMAland item_gathering, 2 agents"] = peers.item_gathering(EPISODE, report)
    with one_core(not smoke):
        names = [name for name, make in makers.items() if make is not None]
        works = [prepare(make, turns) for make in makers.values() if make is not None]
        seconds = dict(zip(names, alternate(repeats, *works), strict=True))
    for name, samples in seconds.items():
        report.rate(name, turns, samples, "turns/s")
    median = {name: statistics.median(samples) for name, samples in seconds.items()}
    for ours, theirs, claim in (
        ("sd-env, 4 states", _SPREAD, SPREAD_CLAIM),
        ("sd-env, 4 states", "mpe2 simple_spread, 4 agents", None),
        ("sd-env, 2 states", "MOMAland item_gathering, 2 agents", GATHERING_CLAIM),
    ):
        if theirs in median:
            report.ratio(f"{ours} against {theirs}", median[theirs] / median[ours], at_least=claim)
    report.notes.append(
        f"Episodes of {EPISODE} turns everywhere. A turn of sd-env moves every state; observations have "
        f"{layout.observation_size(2, True)} numbers at 2 states and {layout.observation_size(4, True)} at 4."
    )
    return report
