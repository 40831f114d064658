"""Worlds: B worlds of one scenario in flat arrays, stepped together. The only owner of state.

Everything above (PettingZoo, gymnasium and stable-baselines3 faces) is a view of this; one world is a batch of one.
"""

from __future__ import annotations

import copy
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numba
import numpy as np

from sd_env import layout
from sd_env.choices import Choices
from sd_env.errors import RefusedError, whole_number
from sd_env.rules.compiled import UNCOMPILED, records
from sd_env.rules.turn import (
    GOES_ON,
    TERMINATED,
    TRUNCATED,
    reset_worlds,
    show_worlds,
    step_worlds,
    step_worlds_in_parallel,
)
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SEEDS = 2**64


@cache
def memory() -> int:
    """Bytes of memory that this process may have: those of the machine, or of its container."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # no container, or one without a limit
        found = min(found, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return found


def bytes_of(scenario: Scenario, num_worlds: int) -> int:
    """Bytes of memory that so many worlds of a scenario take."""
    n = scenario.n_states
    d, m = layout.observation_size(n, *scenario.shown), scenario.heads.mask_size
    rows = (layout.PARAMS, layout.WORLDS, layout.WORLDS, *[layout.STATES] * n, *[layout.PAIRS] * n**2)
    return num_worlds * (sum(row.itemsize for row in rows) + n * (8 * d + 2 * m + 8))


#: Numbers of a state that may be changed from outside between two turns, to see what follows (:meth:`Worlds.show`).
CHANGEABLE: Final = ("offense", "defense")


class Worlds:
    """B worlds of N states, reset and stepped together; deterministic in ``(seed, world index, episode)``.

    The arrays below are buffers that the next ``step`` or ``reset`` overwrites: copy what you keep.

    Attributes:
        observations: float32 ``(B, N, D)``, what each state sees; columns by ``layout.observation_names``.
        heads: what each entry of an action and of a mask is: :class:`sd_env.layout.Heads`.
        masks: int8 ``(B, N, M)``, 1 where a choice is legal on the coming turn, heads laid end to end.
        rewards: float64 ``(B, N)``, payoff of the turn, in homeland-incomes.
        params, worlds, states, pairs: the records of ``layout``, with what happened in the last turn.
        final_observations, final_masks, final_tallies: with ``autoreset``, the last of the worlds that ended this step.
    """

    def __init__(
        self,
        scenario: Scenario,
        num_worlds: int = 1,
        *,
        seed: int | None = None,
        first_world: int = 0,
        threads: int = 1,
        autoreset: bool = False,
        track_beliefs: bool = False,
    ) -> None:
        """Lay out ``num_worlds`` worlds of ``scenario`` and reset them.

        Args:
            scenario: the game's parameters.
            num_worlds: B, at least 1.
            seed: of the random streams, 0 .. 2**64 - 1; None draws a fresh one.
            first_world: index of the first world in the run; world b of a batch equals world ``first_world = b`` alone.
            threads: how many threads share the worlds out; the result does not depend on it.
            autoreset: begin the next episode in the same step in which one ends.
            track_beliefs: keep ``pairs["belief"]`` up to date for logs and measures, though nobody observes it; with
                ``perception.beliefs`` it always is. Else beliefs stay what they are at the start, and cost nothing.

        Raises:
            ValueError: for a number outside what is allowed, naming it.
        """
        if not isinstance(scenario, Scenario):
            raise RefusedError(f"scenario is {scenario!r:.80}; a Scenario is needed, as Scenario.load gives it")
        num_worlds, threads = whole_number("num_worlds", num_worlds, 1), whole_number("threads", threads, 1)
        first_world = whole_number("first_world", first_world)
        self.scenario = scenario
        self.num_worlds = num_worlds
        self.num_states = scenario.n_states
        self.heads = scenario.heads
        self.threads = min(threads, int(numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
        self.autoreset = autoreset
        self.context_observed = scenario.perception.context_observed
        self.beliefs_observed = scenario.perception.beliefs
        self.beliefs_tracked = track_beliefs or self.beliefs_observed
        bounds = scenario.bounds()
        self._bounds = (bounds.parameters, bounds.states, bounds.pairs)
        self._identity = np.arange(self.num_states)
        self._first_world = first_world
        self._allocate()
        self.seed = 0
        self.reset(seed if seed is not None else secrets.randbits(63))

    def _allocate(self) -> None:
        b, n = self.num_worlds, self.num_states
        d = layout.observation_size(n, *self.scenario.shown)
        m = self.heads.mask_size
        needed, most = bytes_of(self.scenario, b), memory()
        if needed > most:  # else the system kills the process when they are written to
            raise RefusedError(
                f"num_worlds is {b}, which need {needed / 1e9:,.1f} GB; this machine has {most / 1e9:,.1f}"
            )
        self.params = records(np.zeros(b, layout.PARAMS))
        self.worlds = records(np.zeros(b, layout.WORLDS))
        self.states = records(np.zeros((b, n), layout.STATES))
        self.pairs = records(np.zeros((b, n, n), layout.PAIRS))
        self.observations = np.zeros((b, n, d), np.float32)
        self.masks = np.zeros((b, n, m), np.int8)
        self.rewards = np.zeros((b, n))
        self._ended = np.zeros(b, np.int64)
        self._choices = Choices(b, self.heads, self.scenario.agents)
        self.final_observations = np.zeros_like(self.observations)
        self.final_masks = np.zeros_like(self.masks)
        self.final_tallies = records(np.zeros(b, layout.WORLDS))
        self._lay_views()

    def _lay_views(self) -> None:
        """The same memory under other names: parameters by number, observations by name."""
        self._flat = self.params.view(np.float64, np.ndarray).reshape(self.num_worlds, len(layout.PARAMETERS))
        own, others = layout.observation_blocks(self.observations, self.heads.limits_force)
        self._own, self._others = records(own), records(others)

    @property
    def terminations(self) -> NDArray[np.bool_]:
        """bool ``(B,)``: worlds that ended this step because at most one state stands or continuation failed."""
        ended: NDArray[np.bool_] = self._ended == TERMINATED
        return ended

    @property
    def truncations(self) -> NDArray[np.bool_]:
        """bool ``(B,)``: worlds that ended this step at their horizon."""
        ended: NDArray[np.bool_] = self._ended == TRUNCATED
        return ended

    def reset(self, seed: int | None = None, worlds: ArrayLike | None = None) -> None:
        """Begin an episode: the first of a new stream if ``seed`` is given, else the next of the present one.

        Args:
            seed: of the random streams, 0 .. 2**64 - 1.
            worlds: bool ``(B,)``, the worlds to reset; default all.

        Raises:
            ValueError: for a seed out of range or a mask of the wrong shape.
        """
        chosen = np.ones(self.num_worlds, np.bool_) if worlds is None else np.array(worlds, np.bool_)
        if chosen.shape != (self.num_worlds,):
            raise RefusedError(
                f"worlds has shape {chosen.shape}; a bool for each world, ({self.num_worlds},), is needed"
            )
        if seed is not None:
            self.seed = whole_number("seed", seed, 0, _SEEDS - 1)
            self.worlds["episode"][chosen] = 0
        else:
            self.worlds["episode"][chosen] += 1
        self.worlds["index"] = np.arange(self._first_world, self._first_world + self.num_worlds)
        self._ended[chosen] = GOES_ON
        reset_worlds(
            np.uint64(self.seed), *self._bounds, self._identity, chosen, self._flat, self.params, self.worlds,
            self.states, self.pairs, self.observations, self._own, self._others, self.masks,
        )  # fmt: skip

    def step(self, actions: ArrayLike) -> None:
        """Play one turn in every world; results are in the attributes.

        Args:
            actions: int ``(B, N, H)``, a choice for each head (``heads.kinds``). A choice that is illegal this turn
                becomes its nearest legal one and is counted.

        Raises:
            ValueError: for actions of another shape, that are no integers, or no choices; nothing has changed then.
        """
        chosen = self._choices.of(actions)
        kernel: Any = step_worlds
        if self.threads > 1 and not UNCOMPILED:
            numba.set_num_threads(self.threads)
            kernel = step_worlds_in_parallel
        kernel(
            np.uint64(self.seed), *self._bounds, self._identity, self.autoreset, self.beliefs_tracked, self._flat,
            self.params, self.worlds, self.states, self.pairs, chosen, self.rewards, self._ended,
            self.observations, self._own, self._others, self.masks, self.final_observations, self.final_masks,
            self.final_tallies,
        )  # fmt: skip

    def show(self) -> None:
        """Write observations and masks anew, as they must be once arms (``CHANGEABLE``) were changed from outside.

        Errors of perception are those of the turn, so that what was not changed looks as it did.
        """
        show_worlds(
            self._flat, self.params, self.worlds, self.states, self.pairs, self.observations, self._own, self._others,
            self.masks,
        )  # fmt: skip

    def state(self, b: int = 0) -> NDArray[np.float64]:
        """Global state of world b, true types included: float64 ``(layout.state_size(N),)``, or with ``force``."""
        states, pairs, world = self.states[b], self.pairs[b], self.worlds[b]
        of_pairs = layout.FORCE_PAIR_COLUMNS if self.heads.limits_force else layout.PAIR_COLUMNS
        return np.concatenate(
            [
                *(states[name] for name in layout.STATE_COLUMNS),
                *(pairs[name].ravel() for name in of_pairs),
                [world[name] for name in layout.WORLD_COLUMNS],
            ]
        ).astype(np.float64)

    _SNAPSHOT = ("params", "worlds", "states", "pairs", "observations", "masks", "rewards", "_ended")

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Copies of all that is needed to go on bit for bit: plain arrays, which ``np.savez`` keeps without pickle."""
        arrays = {name.strip("_"): np.array(getattr(self, name)).view(np.ndarray) for name in self._SNAPSHOT}
        return {**arrays, "seed": np.array(self.seed, np.uint64)}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Take up where ``snapshot`` was taken, in worlds of the same scenario and number.

        Raises:
            ValueError: if an array is missing or has another shape or type, naming it; nothing is changed then.
        """
        for name in self._SNAPSHOT:
            mine, theirs = getattr(self, name), snapshot.get(name.strip("_"))
            if theirs is None or theirs.shape != mine.shape or theirs.dtype != np.asarray(mine).view(np.ndarray).dtype:
                raise ValueError(f"snapshot has no {name.strip('_')} of shape {mine.shape}: it is of other worlds")
        for name in self._SNAPSHOT:
            getattr(self, name)[...] = snapshot[name.strip("_")]
        self.seed = int(snapshot["seed"])

    def __deepcopy__(self, memo: dict[int, Any]) -> Worlds:
        """A copy that continues identically (the views must lie over the copied arrays)."""
        twin = Worlds.__new__(Worlds)
        memo[id(self)] = twin
        twin.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return twin

    _VIEWS = ("_flat", "_own", "_others")

    def __getstate__(self) -> dict[str, Any]:
        """All but the views, which ``__setstate__`` lays anew."""
        return {name: value for name, value in self.__dict__.items() if name not in self._VIEWS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Lay the views over the restored arrays."""
        self.__dict__.update(state)
        self._lay_views()

    def close(self) -> None:
        """Nothing to give back; here so that faces can close what they stand on."""
