"""Values of records and events as JSON: every one comes back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sd_env import events as ev
from sd_env.record.columns import decode, decode_event, encode, encode_event


@given(st.floats(allow_nan=False), st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 5e-324]))
def test_every_float_comes_back(number: float, odd: float) -> None:
    array = np.array([[number, odd]])
    data = json.loads(json.dumps(encode(array), allow_nan=False))
    assert decode("x", data, array.dtype, (1, 2)).tobytes() == array.tobytes()
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    data = json.loads(json.dumps(encode(single), allow_nan=False))
    assert decode("x", data, single.dtype, (1, 2)).tobytes() == single.tobytes()


@pytest.mark.parametrize(
    "event",
    [
        ev.IllegalAction(3, "a", "stance toward b", "attack", "mobilize"), ev.Builds(3, "a", 2, 0),
        ev.Reassures(3, "a"), ev.Threatens(3, "a"), ev.AllianceFormed(3, "a", "b"), ev.AllianceEnded(3, "a", "b"),
        ev.Mobilizes(3, "a", "b"), ev.Attacks(3, "a", "b", 0.1), ev.PledgeBroken(3, "a"),
        ev.Conquest(3, "a", ("b", "c"), 0.25, 0.0, 1 / 3), ev.Repelled(3, "a", ("b",), 0.5), ev.Falls(3, "a"),
        ev.CallOpened(3, "a", "b", ("c",)), ev.CallHonoured(3, "a", "b", ("c",)), ev.CallAbandoned(3, "a", "b"),
        ev.CommitmentFailed(3, "a"), ev.Chooses(3, "a", "effort", "half"),
        ev.ChoosesToward(3, "a", "embassy", "open", "b"),
    ],
    ids=lambda event: type(event).__name__,
)  # fmt: skip
def test_every_event_comes_back(event: ev.Event) -> None:
    data = json.loads(json.dumps(encode_event(event)))
    assert data["type"] == type(event).__name__ and "turn" not in data
    assert decode_event(3, data, "abc") == event
    assert ev.KINDS[data["type"]] is type(event)
