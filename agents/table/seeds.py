"""Seeds that follow from seeds."""

from __future__ import annotations

import numpy as np


def derived_seed(*key: int) -> int:
    """A seed, 0 to 2**32 - 1, that follows from whole numbers of any size: other numbers, other seed."""
    return int(np.random.SeedSequence(list(key)).generate_state(1)[0])
