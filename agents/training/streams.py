"""Random streams of several players that share one process's generators.

Learners draw from the global generators of python, numpy and torch. Where several play in one process, each is given a
stream of its own, put in place of the global state while it runs: what one draws then does not move another.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch as th

_OUTSIDE: Final = ""
#: numpy's type stubs lack set_bit_generator and get_bit_generator.
_numpy: Any = np.random
#: Its functions have no types.
_cuda: Any = th.cuda


@dataclass
class _State:
    """Where one stream stands while it is not in use."""

    python: tuple[Any, ...]
    bits: np.random.BitGenerator  # numpy's: the generator itself changes hands, which costs a hundredth of its state
    torch: th.Tensor
    numpy: dict[str, Any] | None = None  # numpy's whole state, with the spare number of the legacy normal draws
    cuda: list[th.Tensor] = field(default_factory=list)


class Streams:
    """Named streams, of which one at a time is what python, numpy and torch draw from.

    A switch costs about 10 µs. It forgets the spare number that numpy's legacy ``randn`` keeps for its next call.
    """

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}
        self._seeds: dict[str, int] = {}  # where a stream begins on a GPU that comes into use later
        self._live = _OUTSIDE

    def open(self, name: str, seed: int) -> None:
        """Begin the stream of ``name`` at ``seed`` (0 to 2**32 - 1)."""
        self._states[name] = _State(
            random.Random(seed).getstate(), np.random.MT19937(seed), th.Generator().manual_seed(seed).get_state()
        )
        self._seeds[name] = seed

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Draw from the stream of ``name``, and afterwards again from where the caller drew."""
        before = self._live
        self.switch(name, whole=True)
        try:
            yield
        finally:
            self.switch(before, whole=True)

    def switch(self, name: str, *, whole: bool = False) -> None:
        """From here on draw from the stream of ``name``; ``whole`` keeps numpy's spare normal number too."""
        if name == self._live:
            return
        self._states[self._live] = _now(whole)
        state = self._states[name]
        random.setstate(state.python)
        _numpy.set_bit_generator(state.bits)
        if state.numpy is not None:
            np.random.set_state(state.numpy)
        th.set_rng_state(state.torch)
        if state.cuda:
            th.cuda.set_rng_state_all(state.cuda)
        elif name in self._seeds and _cuda.is_initialized():
            th.cuda.manual_seed_all(self._seeds[name])
        self._live = name

    def snapshot(self, name: str) -> dict[str, np.ndarray]:
        """Where the stream of ``name`` stands, as plain arrays."""
        state = _now(True) if name == self._live else self._states[name]
        numpy = state.numpy or {"state": state.bits.state["state"], "has_gauss": 0, "gauss": 0.0}
        version, numbers, spare = state.python
        return {
            "python": np.array([version, *numbers], dtype=np.uint64),
            "python_spare": np.array(np.nan if spare is None else spare),
            "numpy": np.array([*numpy["state"]["key"], numpy["state"]["pos"], numpy["has_gauss"]], dtype=np.uint64),
            "numpy_spare": np.array(numpy["gauss"]),
            "torch": state.torch.numpy().copy(),
            "cuda": np.array([tensor.numpy() for tensor in state.cuda]),
        }

    def restore(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Put the stream of ``name``, which must not be in use, where :meth:`snapshot` found it."""
        version, *numbers = (int(x) for x in arrays["python"])
        *key, position, has_spare = (int(x) for x in arrays["numpy"])
        spare = float(arrays["python_spare"])
        numpy = {
            "bit_generator": "MT19937",
            "state": {"key": np.array(key, dtype=np.uint32), "pos": position},
            "has_gauss": has_spare,
            "gauss": float(arrays["numpy_spare"]),
        }
        python = (version, tuple(numbers), None if np.isnan(spare) else spare)
        # the key must not stay shared with the snapshot's memory: torch would go on to write in it
        torch, cuda = th.from_numpy(arrays["torch"].copy()), [th.from_numpy(row.copy()) for row in arrays["cuda"]]
        self._states[name] = _State(python, np.random.MT19937(0), torch, numpy, cuda)


def _now(whole: bool) -> _State:
    """Where the global generators stand."""
    return _State(
        random.getstate(),
        _numpy.get_bit_generator(),
        th.get_rng_state(),
        dict(np.random.get_state(legacy=False)) if whole else None,
        list(_cuda.get_rng_state_all()) if _cuda.is_initialized() else [],
    )
