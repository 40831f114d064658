"""The k-th write, fsync, rename, open or fork fails: a part of what ``make faults`` tries, spread over each command."""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from sd_env.files import write_whole
from tools import faults


@pytest.mark.parametrize("command", faults.COMMANDS)
def test_what_the_system_refuses_loses_nothing_and_is_a_sentence(command: str) -> None:
    kinds = [kind for kind in faults.KINDS if kind != "fork"]
    found = faults.sweep([command], kinds, 2)
    assert {fault.kind for fault in found} == ({"open"} if command == "verify" else set(kinds))
    assert [fault for fault in found if fault.wrong] == []
    assert any(fault.code == 2 for fault in found)


@pytest.mark.slow
def test_a_process_that_cannot_be_had_is_a_sentence() -> None:
    [fault] = faults.sweep(["evaluate"], ["fork"], 1)
    assert (fault.code, fault.wrong) == (2, ())
    assert "Resource temporarily unavailable" in fault.said


@pytest.mark.parametrize("kind", ["write", "fsync", "rename", "open"])
def test_the_harness_makes_the_kth_fail_and_no_other(kind: str, tmp_path: Path) -> None:
    before = tmp_path / "before" / "out"
    before.mkdir(parents=True)
    with faults.Faults(before.parent, kind, 2) as injected:
        write_whole(before / "a", b"a")
        with pytest.raises(OSError, match="b'$") if kind in ("write", "rename") else nullcontext() as refused:
            write_whole(before / "b", b"b")  # the second fsync and open are those of the folder: it can do without
        assert refused is None or refused.value.errno == faults.KINDS[kind]
        write_whole(before / "c", b"c")
        (tmp_path / "beside").write_text("is not counted")
    assert injected.counts[kind] >= 3
    assert {path.name for path in before.iterdir()} == {"a", "c"} | ({"b"} if refused is None else set())


def test_the_harness_finds_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that writes in place, tells of a full disk by a traceback and does not go on where it ended."""

    def careless(workers: int) -> int:
        with open("numbers.json", "a", encoding="utf-8") as file:
            for text in ("[1", ", 2"):
                file.write(text)
                file.flush()
        return 0

    monkeypatch.setitem(faults.COMMANDS, "careless", careless)
    [first, second] = faults.sweep(["careless"], ["write"], 9)
    assert (first.code, second.code) == (-1, -1)
    told = " / ".join(second.wrong)
    assert "a traceback: Traceback: OSError" in told and os.strerror(errno.ENOSPC) in told
    assert "it ended with -1" in told and "numbers.json is not as finished work is" in told
    assert "differ from the unbroken run: numbers.json" in told
