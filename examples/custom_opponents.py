"""A pool of opponents of your own: past selves and strategies, met the more often the less is earned against them.

python -m examples.custom_opponents [--smoke]
"""

from __future__ import annotations

from functools import partial

from stable_baselines3 import PPO

import agents
import sd_env
from agents.policies.bundles import bundle_of
from agents.policies.protocol import Policy
from agents.policies.sb3 import HeadsPolicy
from agents.table.play import play
from agents.table.population import Pool
from agents.training.table import Table
from examples import say


def main() -> None:
    """Learn against the pool, which grows, and say who was met how often."""
    smoke = say.smoke(__doc__)
    scenario = sd_env.load_scenario(say.SCENARIO)
    members: dict[str, Policy] = {name: agents.make(name) for name in ("dove", "hawk", "tit-for-tat")}
    pool = Pool(members, dict.fromkeys(members, 1.0))
    learner = partial(PPO, HeadsPolicy, n_steps=32, batch_size=256, n_epochs=4, device="cpu")
    table = Table(scenario, {"rotating": learner, "others": pool}, num_worlds=8 if smoke else 32, seed=1)
    rounds, steps, clock = 2 if smoke else 8, 256 if smoke else 6400, say.Clock()
    for number in range(rounds):
        table.learn(steps, each={"rotating": {"reset_num_timesteps": False}})
        now = bundle_of(table.learners["rotating"], scenario, name=f"past-{number}")
        members[now.name] = now
        against = {
            name: float(play(scenario, [now, member], worlds=64, seed=number)["return_0"].mean())
            for name, member in members.items()
        }
        best = max(against.values())
        pool.update(members, {name: 0.1 + best - value for name, value in against.items()})
    clock.rate(rounds * steps)
    print({name: round(weight, 2) for name, weight in pool.weights.items()})
    chance = [
        play(scenario, [sd_env.RandomPolicy(), member], worlds=64, seed=1)["return_0"].mean()
        for member in members.values()
    ]
    say.earns(sum(chance) / len(chance), sum(against.values()) / len(against), full_size=not smoke)
    hardest = min(against, key=lambda name: against[name])
    say.works(f"PPO among past selves and strategies drawn by weight; least was earned against {hardest}")


if __name__ == "__main__":
    main()
