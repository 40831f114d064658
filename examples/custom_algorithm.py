"""An algorithm of your own in 80 lines: cross-entropy search over linear policies, on the bare arrays of Worlds.

python -m examples.custom_algorithm [--smoke]
"""

from __future__ import annotations

import numpy as np

import sd_env
from examples import say


class Linear:
    """Prefers choices by a linear function of what is seen: one policy, or one for each row."""

    def __init__(self, weights: np.ndarray, sizes: np.ndarray) -> None:
        self.weights, self.ends = weights, np.cumsum(sizes)[:-1]

    def reset(self, seed: int | None = None) -> None:
        """Nothing to forget: what is seen decides."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Actions int64 `(K, heads)`: of each head the legal choice that is preferred."""
        seen = np.sign(observation) * np.log1p(np.abs(observation))
        seen = np.concatenate([seen, np.ones((len(seen), 1), np.float32)], axis=1)
        wanted = np.where(
            mask == 1,
            np.einsum("kd,...dm->km" if self.weights.ndim == 2 else "kd,kdm->km", seen, self.weights),
            -np.inf,
        )
        return np.stack([head.argmax(axis=1) for head in np.split(wanted, self.ends, axis=1)], axis=1)


def returns_of(worlds: sd_env.Worlds, policy: Linear) -> np.ndarray:
    """Returns `(B, N)` of an episode in each world."""
    shape, returns, going = worlds.masks.shape, np.zeros(worlds.rewards.shape), np.ones((worlds.num_worlds, 1), bool)
    while going.any():
        rows = policy.act(
            worlds.observations.reshape(-1, worlds.observations.shape[2]), worlds.masks.reshape(-1, shape[2])
        )
        worlds.step(rows.reshape(*shape[:2], -1))
        returns += worlds.rewards * going
        going &= ~(worlds.terminations | worlds.truncations)[:, None]
    return returns


def main() -> None:
    """Search, measure, and play the result like any other policy."""
    smoke = say.smoke(__doc__)
    rng = np.random.default_rng(1)
    scenario = sd_env.load_scenario(say.SCENARIO)
    tried, games, generations = (8, 4, 2) if smoke else (64, 16, 60)
    worlds = sd_env.Worlds(scenario, tried * games, seed=1)
    sizes = np.array(worlds.heads.sizes)
    shape = (worlds.observations.shape[2] + 1, int(sizes.sum()))
    mean, spread = np.zeros(shape), np.ones(shape)
    steps, clock = 0, say.Clock()
    for _ in range(generations):
        candidates = mean + spread * rng.standard_normal((tried, *shape))
        rows = candidates.repeat(games * worlds.num_states, axis=0)  # a candidate plays both states of its worlds
        worlds.reset()
        scores = returns_of(worlds, Linear(rows, sizes)).reshape(tried, -1).mean(axis=1)
        best = candidates[scores.argsort()[-tried // 4 :]]
        mean, spread = best.mean(axis=0), best.std(axis=0) + 0.02
        steps += worlds.num_worlds * worlds.num_states * int(worlds.worlds["turn"].max())
    clock.rate(steps)
    found = Linear(mean, sizes)
    say.learned(float(returns_of(sd_env.Worlds(scenario, 512, seed=7), found).mean()), full_size=not smoke)
    env = sd_env.solo_env(scenario, others=found)  # it plays wherever a policy plays
    env.reset(seed=1)
    env.step(env.action_space.sample(env.action_masks().astype(np.int8)))
    say.works("cross-entropy search in 80 lines on Worlds; its policy plays in solo_env")


if __name__ == "__main__":
    main()
