"""Who plays a row: draws that depend on their key alone, and pools that draw by weight for whole episodes."""

from __future__ import annotations

import numpy as np
import pytest

from agents.table.population import Pool, keyed_uniforms
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.table import Says

N = 3


def test_keyed_uniforms_depend_on_their_key_alone_and_are_uniform() -> None:
    worlds, episodes, states = (grid.ravel() for grid in np.meshgrid(range(40), range(20), range(5)))
    drawn = keyed_uniforms(7, worlds, episodes, states)
    order = np.random.default_rng(0).permutation(len(drawn))
    np.testing.assert_array_equal(keyed_uniforms(7, worlds[order], episodes[order], states[order]), drawn[order])
    for k in (0, 1234, 3999):
        row = slice(k, k + 1)
        assert keyed_uniforms(7, worlds[row], episodes[row], states[row])[0] == drawn[k]
    assert len(np.unique(drawn)) == 4000 and not np.isin(keyed_uniforms(8, worlds, episodes, states), drawn).any()
    assert drawn.min() >= 0 and drawn.max() < 1
    # chi squared of ten cells, 9 degrees of freedom: below 27.9 with probability .999
    assert (((np.histogram(drawn, 10, (0, 1))[0] - 400) ** 2) / 400).sum() < 27.9


def ask(pool: Pool, turns: np.ndarray, episode: int = 0) -> list[int]:
    """The signals of the pool for rows whose worlds stand at ``turns``."""
    worlds = Worlds(Scenario.load("jervis/intense", {"n_states": N}), 1, seed=0)
    seen = np.repeat(worlds.observations[0, :1], len(turns), axis=0)
    seen[:, layout.Own.TURN] = turns
    where = np.arange(len(turns))
    masks = np.ones((len(turns), layout.mask_size(N)), np.int8)
    found: list[int] = pool.act(seen, masks, where, where * 0 + episode, where * 0)[:, layout.Head.SIGNAL].tolist()
    return found


def test_a_pool_draws_by_weight_and_lets_episodes_end_as_they_began() -> None:
    pool = Pool({"a": Says(0), "b": Says(1)}, {"a": 1, "b": 3})
    pool.reset(4)
    rows = 4000
    first = ask(pool, np.zeros(rows))
    assert np.mean(first) == pytest.approx(0.75, abs=4 * np.sqrt(0.1875 / rows))
    assert ask(pool, np.ones(rows)) == first
    pool.update({"c": Says(2)}, {"c": 1.0})
    assert ask(pool, np.full(rows, 2)) == first and set(pool.members) == {"a", "b", "c"}
    half = np.where(np.arange(rows) % 2, 3, 0)
    then = ask(pool, half, episode=1)
    assert set(then[::2]) == {2} and then[1::2] == first[1::2]
    assert set(ask(pool, np.zeros(rows), episode=2)) == {2}
    pool.update({"c": Says(2)}, {"c": 1.0})
    assert set(pool.members) == {"c"}


def test_who_plays_a_row_does_not_depend_on_the_batch() -> None:
    big, small = (Pool({"a": Says(0), "b": Says(1)}, {"a": 1, "b": 1}) for _ in range(2))
    big.reset(4), small.reset(4)
    assert ask(big, np.zeros(50), episode=3)[:7] == ask(small, np.zeros(7), episode=3)


def test_a_weight_of_zero_never_plays_and_bad_weights_are_refused() -> None:
    pool = Pool({"a": Says(0), "b": Says(1), "c": Says(2)}, {"a": 0, "b": 1, "c": 0})
    assert set(ask(pool, np.zeros(1000))) == {1}
    for weights, sentence in (
        ({"a": -1.0}, "-1.0 of a is not allowed"),
        ({"a": float("nan")}, "nan of a is not allowed"),
        ({"a": 0.0}, "at least one must be above 0"),
        ({"z": 1.0}, "'z' is no member; members are a"),
    ):
        with pytest.raises(ValueError, match=sentence):
            Pool({"a": Says(0)}, weights)
    with pytest.raises(ValueError, match="The pool is empty"):
        ask(Pool({}, {}), np.zeros(3))
