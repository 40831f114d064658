"""A regression on dyad-years whose cause is known: what it should find, what it finds, and what an observer would.

    python -m examples.dyad_regression

Two states mobilize by lot, with odds that are written down here: greed raises them, and so does the success that an
attack would have; what the other wants does not. A logit of who begins disputes on the true columns has to give these
numbers back. One on what an observer has, shares of capability, cannot: greed is in no data set, and shares of land,
income and arms are not the odds of an attack. docs/codebook.md says what each column is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import sd_env
from agents.table.play import play
from sd_env.layout import OWN_SIZE, Head, Other, Own, Stance
from sd_env.measures import dyad_years
from sd_env.record import Collector

#: Log-odds that a state mobilizes on a turn: of itself, by being greedy, and by the success that an attack would have.
CAUSES = {"constant": -4.0, "revstate1": 1.5, "success1": 3.0, "revstate2": 0.0}
OBSERVED = ("cinc1", "peaceyrs")
GAME = {
    "motives.p_greedy": 0.5, "perception.noise": 0.0, "horizon": 16, "motives.turnover": 0.0,
    "states.offense": [0.0, 2.0], "states.defense": [0.0, 2.0], "perception.threat_inflation": 0.0,
}  # fmt: skip


class Mobilizer:
    """Builds and mobilizes by lot, with the odds of ``CAUSES``; for two states."""

    def reset(self, seed: int) -> None:
        """All chance follows from the seed."""
        self.chance = np.random.default_rng(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Actions, int64 ``(K, 4)``."""
        greedy = observation[:, Own.GREED] > 0.0
        success = observation[:, OWN_SIZE + Other.OUR_SUCCESS]
        odds = CAUSES["constant"] + CAUSES["revstate1"] * greedy + CAUSES["success1"] * success
        mobilizes = self.chance.random(len(mask)) < 1.0 / (1.0 + np.exp(-odds))
        actions = np.zeros((len(mask), 4), np.int64)
        actions[:, Head.BUILD_OFFENSE] = self.chance.integers(0, 3, len(mask))
        actions[:, Head.STANCE] = np.where(mobilizes, Stance.MOBILIZE, Stance.NEUTRAL)
        return actions


def table(worlds: int, seed: int) -> pd.DataFrame:
    """The dyad-years of so many worlds."""
    kept = Collector(policies=("mobilizer", "mobilizer"))
    scenario = sd_env.load_scenario("jervis/doubly-dangerous", GAME)
    play(scenario, [Mobilizer(), Mobilizer()], worlds=worlds, seed=seed, recorder=kept)
    return pd.concat([pd.DataFrame(dyad_years(log, k)) for k, log in enumerate(kept.logs, 1)], ignore_index=True)


def at_risk(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in which a dispute can begin: there was none on the turn before.

    To drop the turns on which one goes on, and to keep that on which it has ended, would choose rows by their outcome:
    such a turn is kept only if nobody begins anew, and all coefficients are drawn to zero.
    """
    return frame[(frame["peaceyrs"] > 0) | (frame["year"] == 1)]


def logit(frame: pd.DataFrame, outcome: str, causes: tuple[str, ...]) -> pd.DataFrame:
    """Coefficients with 95% intervals, by Newton's method; errors are clustered by log."""
    x = np.column_stack([np.ones(len(frame)), frame[list(causes)].to_numpy(float)])
    y = frame[outcome].to_numpy(float)
    beta = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1.0 / (1.0 + np.exp(-x @ beta))
        bread = np.linalg.inv(x.T @ (x * (p * (1.0 - p))[:, None]))
        step = bread @ x.T @ (y - p)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    else:  # the coefficients grow for ever
        raise ArithmeticError(f"{', '.join(causes)} tell {outcome} for certain.")
    scores = pd.DataFrame(x * (y - p)[:, None]).groupby(frame["log"].to_numpy()).sum().to_numpy()
    error = np.sqrt(np.diag(bread @ scores.T @ scores @ bread))
    found = pd.DataFrame({"value": beta, "low": beta - 1.96 * error, "high": beta + 1.96 * error})
    return found.set_axis(["constant", *causes])


def main() -> None:
    """Print what both regressions find."""
    frame = at_risk(table(worlds=256, seed=1))
    true = logit(frame, "init1", tuple(name for name in CAUSES if name != "constant"))
    true.insert(0, "cause", pd.Series(CAUSES))
    print(f"{len(frame)} dyad-years at peace, in {frame['init1'].sum()} of them state 1 begins a dispute")
    print(f"\nby the true causes\n{true.round(2)}")
    print(f"\nby what an observer has\n{logit(frame, 'init1', OBSERVED).round(2)}")


if __name__ == "__main__":
    main()
