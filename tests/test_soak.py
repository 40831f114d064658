"""A short soak, and its arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from tools import soak


def test_growth_is_that_of_the_second_half() -> None:
    assert soak.growth([(1, 10), (2, 50), (3, 100), (4, 100)]) == 0.0
    assert soak.growth([(1, 10), (2, 50), (3, 100), (4, 103)]) == pytest.approx(0.03)


def test_a_short_soak_measures_memory_and_finds_what_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "WORLDS", 4)
    measured, _ = soak.soak(3000)
    assert measured[-1][0] >= 3000 and all(held > 2**20 for _, held in measured)
    step = soak.Worlds.step

    def spoiled(self: soak.Worlds, actions: object) -> None:
        step(self, actions)  # type: ignore[arg-type]
        self.rewards[1] = np.nan

    monkeypatch.setattr(soak.Worlds, "step", spoiled)
    with pytest.raises(ArithmeticError, match="games/assured-stag-hunt, seed 0: a number that is none after 8 steps"):
        soak.round_of(0)
