"""The tables of beliefs: the manual's own numbers, probabilities, and true where states behave as they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sd_env.layout import Signal, Stance
from sd_env.rules import beliefs as filter_
from tests.beliefs import as_the_tables_say, tracked

MODEL = Path(__file__).parents[2] / "docs" / "model.md"


def test_the_manual_has_the_numbers_of_the_rules() -> None:
    text = MODEL.read_text(encoding="utf-8")
    cells = {
        cell[0].strip("` "): [float(x) for x in cell[1:]] for cell in map(row_of, text.splitlines()) if len(cell) > 2
    }
    for stance in Stance:
        wanted = filter_.STANCES[:, :, stance].T.ravel()  # unprovoked seeker and greedy, then provoked
        assert cells[stance.name.lower()] == wanted.tolist()
    for signal in Signal:
        assert cells[signal.name.lower()] == filter_.SIGNALS[:, signal].tolist()
    assert f"a seeker {filter_.RESTRAINT[0]}, a greedy state {filter_.RESTRAINT[1]}" in " ".join(text.split())


def row_of(line: str) -> list[str]:
    """The cells of a row of numbers, else nothing."""
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    try:
        [float(cell) for cell in cells[1:]]
    except ValueError:
        return []
    return cells


def test_the_tables_are_probabilities() -> None:
    for table in (filter_.STANCES, filter_.SIGNALS):
        assert (table > 0).all() and table.sum(axis=-1) == pytest.approx(1.0, abs=1e-12)
    assert ((filter_.RESTRAINT > 0) & (filter_.RESTRAINT < 1)).all()


@pytest.mark.parametrize("ladder", [True, False])
def test_beliefs_are_true_on_average_and_at_every_level(ladder: bool) -> None:
    """Where states do as the tables say: share of seekers = mean belief, in all and among those believed alike.

    Each of 4000 x 3 states is judged by one observer, whose posterior is exact: errors of two states of a world are
    uncorrelated, so that the standard error of the mean error is the root of the mean of b (1 - b), over root n.
    """
    q = 0.5
    w = tracked(
        3, num_worlds=4000, seed=11, motives__p_greedy=0.4, technology__distinguishability=q, war__conquest=0.3,
        perception__signal_noise=0.2, war__mobilization_required=ladder, signals__pledge_turns=2,
        states__offense=1.0,
    )  # fmt: skip
    rng = np.random.default_rng(5)
    seeker = w.states["greed"] == 0
    swords = rng.random(seeker.shape) < np.where(seeker, (1 - q) / 2, (1 + q) / 2)
    observer, judged = [1, 2, 0], [0, 1, 2]
    spread = []
    for _ in range(6):
        w.step(as_the_tables_say(w, rng, swords))
        believed = w.pairs["belief"][:, observer, judged]
        for low, high in ((0, 1), (0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1)):
            alike = (believed >= low) & (believed < high)
            b = believed[alike]
            if len(b) >= 100:
                error = np.sqrt((b * (1 - b)).mean() / len(b))
                assert abs(b.mean() - seeker[alike].mean()) < 4 * error, (low, high)
        spread.append(np.mean((believed - seeker) ** 2))
    assert spread[-1] < 0.6 * 0.24  # they do learn: .24 is the error of trust alone
    assert w.states["illegal"].any() == ladder
