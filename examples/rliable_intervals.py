"""rliable: interquartile means with stratified bootstrap intervals, beside our own.

python -m examples.rliable_intervals [--smoke]
"""

from __future__ import annotations

import numpy as np
from rliable import library, metrics

import agents
import sd_env
from agents.evaluation.statistics import interquartile_mean
from agents.table.play import play
from examples import say

WORLDS = ("jervis/doubly-safe", "jervis/intense", "jervis/doubly-dangerous")


def main() -> None:
    """Play, estimate by both, compare."""
    smoke = say.smoke(__doc__)
    seeds, resamples = (5, 500) if smoke else (20, 20_000)
    scores = {
        name: np.array(
            [
                [
                    play(sd_env.load_scenario(world), agents.make(name), worlds=16, seed=seed)["return_0"].mean()
                    for world in WORLDS
                ]
                for seed in range(seeds)
            ]
        )
        for name in ("dove", "tit-for-tat", "hawk")
    }
    points, intervals = library.get_interval_estimates(
        scores, lambda runs: np.array([metrics.aggregate_iqm(runs)]), reps=resamples
    )
    for name, runs in scores.items():
        ours = interquartile_mean(dict(zip(WORLDS, runs.T.tolist(), strict=True)), seed=1)
        low, high = intervals[name].ravel()
        theirs = f"{points[name][0]:.3f} [{low:.3f}, {high:.3f}]"
        print(f"{name}: rliable {theirs}, ours {ours.value:.3f} [{ours.low:.3f}, {ours.high:.3f}]")
        assert abs(points[name][0] - ours.value) < 1e-9, "the two interquartile means differ"
        width = ours.high - ours.low
        near = 0.25 * width + 1e-9  # of one who always earns the same there is no width
        assert smoke or (abs(low - ours.low) < near and abs(high - ours.high) < near), "the intervals differ"
    say.works("interquartile means with stratified bootstrap intervals; ours is the same to 1e-9, its interval alike")


if __name__ == "__main__":
    main()
