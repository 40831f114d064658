"""A short fuzzing: the kept corpus and some changes of it are taken, or refused in a sentence (``make fuzz``: more)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tools import fuzz

#: Changed inputs of a kind: seconds.
FEW = 60


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_whatever_is_given_is_taken_or_refused_in_a_sentence(target: str, tmp_path: Path) -> None:
    for data in fuzz.corpus(target):
        assert fuzz.wrong(target, data, tmp_path)[1] == "", data[:200]
    counts, found = fuzz.fuzz(target, FEW, seed=0)
    assert counts["tried"] == FEW and 0 < counts["taken"] < FEW
    assert found == []


def test_what_is_answered_wrongly_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reader(data: bytes, place: Path) -> None:
        if data == b"crash":
            raise KeyError("x")
        if data != b"good":
            raise fuzz.Refusal(data.decode())

    monkeypatch.setitem(fuzz.TARGETS, "made-up", reader)
    assert fuzz.wrong("made-up", b"good", tmp_path) == (True, "")
    assert fuzz.wrong("made-up", b"one sentence", tmp_path) == (False, "")
    assert "KeyError" in fuzz.wrong("made-up", b"crash", tmp_path)[1]
    for text in (b"two\nlines", b"\x1b[2J", b"x" * 1001):
        assert "in no fit sentence" in fuzz.wrong("made-up", text, tmp_path)[1]
    monkeypatch.setattr(fuzz, "SLOWEST", -1.0)
    assert "it took" in fuzz.wrong("made-up", b"good", tmp_path)[1]


def test_changes_follow_from_the_seed_and_stay_small() -> None:
    other = fuzz.corpus("overrides")
    first, again = ([fuzz.changed(other[0], random.Random(seed), other) for seed in range(50)] for _ in range(2))
    assert first == again and len(set(first)) > 40
    assert max(map(len, first)) <= 65536
