"""Setup at its borders: what a reset begins anew, and what it leaves alone; found wanting by ``make mutants``."""

from __future__ import annotations

import numpy as np

from sd_env.rules.chance import named, slot_of, uniform
from tests.table import attack, play, worlds


def test_only_the_chosen_worlds_begin_anew() -> None:
    w = worlds(num_worlds=3, states__offense=[0.0, 2.0])
    play(w, s0=attack(1))
    before = w.states.copy()
    w.reset(worlds=[False, True, False])
    assert w.worlds["turn"].tolist() == [1, 0, 1] and w.worlds["episode"].tolist() == [0, 1, 0]
    kept = [0, 2]
    assert np.array_equal(w.states[kept], before[kept]) and not np.array_equal(w.states[1], before[1])


def test_whole_numbers_are_drawn_from_both_ends_of_their_range() -> None:
    w = worlds(num_worlds=40, horizon=[2, 4], war__conquest=[0.1, 0.3])
    assert sorted(set(w.params["horizon"].tolist())) == [2.0, 3.0, 4.0]
    assert ((w.params["conquest"] >= 0.1) & (w.params["conquest"] < 0.3)).all()
    assert len(set(w.params["conquest"].tolist())) == 40


def test_each_pair_has_the_reach_and_amity_of_its_own_range() -> None:
    low, high = [[0, 0.2, 0.3], [0.4, 0, 0.5], [0.6, 0.7, 0]], [[0, 0.25, 0.35], [0.45, 0, 0.55], [0.65, 0.75, 0]]
    ranges = [
        [list(pair) if pair[0] else 0 for pair in zip(*rows, strict=True)] for rows in zip(low, high, strict=True)
    ]
    w = worlds(3, num_worlds=8, geography__reach=ranges, alliances__amity=ranges)
    for name in ("reach", "amity"):
        drawn = w.pairs[name]
        assert ((drawn >= np.array(low)) & (drawn <= np.array(high))).all()
        assert len(np.unique(drawn[:, 0, 1])) == 8
    assert not np.array_equal(w.pairs["reach"], w.pairs["amity"])


def test_a_start_is_drawn_by_the_names_of_what_is_drawn() -> None:
    """Each number from the slot of its own name, and of the states it concerns; the type from a draw of its own."""
    w = worlds(
        3, num_worlds=20, motives__p_greedy=[0.2, 0.8], motives__greed=[1.0, 2.0], states__economy=[0.5, 1.5],
        geography__reach=[0.2, 0.6], alliances__amity=[-0.5, 0.5], war__spoils=[0.5, 1.0],
    )  # fmt: skip

    def drawn(b: int, name: str, low: float, high: float, first: int = 0, second: int = 0) -> float:
        key, slot = np.uint64(w.worlds["key"][b]), np.uint64(slot_of(named(name), 0, first, second))
        return low + (high - low) * float(uniform(key, slot))

    greedy = 0
    for b in range(20):
        assert w.params["spoils"][b] == drawn(b, "parameter:spoils", 0.5, 1.0)
        for i in range(3):
            assert w.states["economy"][b, i] == drawn(b, "state:economy", 0.5, 1.5, i)
            chance = drawn(b, "state:p_greedy", 0.2, 0.8, i)
            is_greedy = drawn(b, "type:greedy", 0.0, 1.0, i) < chance
            assert w.states["greed"][b, i] == (drawn(b, "state:greed", 1.0, 2.0, i) if is_greedy else 0.0)
            greedy += is_greedy
            for j in range(3):
                if i != j:
                    assert w.pairs["reach"][b, i, j] == drawn(b, "pair:reach", 0.2, 0.6, i, j)
                    assert w.pairs["amity"][b, i, j] == drawn(b, "pair:amity", -0.5, 0.5, i, j)
    assert 15 < greedy < 45
