"""Every catalogue scenario, and those that have all the rest, plays as its golden transcript says, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import transcripts


@pytest.mark.parametrize("scenario", transcripts.scenarios())
def test_the_scenario_plays_as_it_did(scenario: str) -> None:
    path = transcripts.path_of(scenario)
    assert path.exists(), f"{scenario} has no transcript yet; write it with: {transcripts.COMMAND}"
    kept = path.read_text(encoding="utf-8").splitlines()
    changed = transcripts.difference(scenario, kept, list(transcripts.transcript(scenario)))
    if changed:
        pytest.fail(changed, pytrace=False)


def test_each_transcript_is_of_a_scenario_and_small() -> None:
    assert set(transcripts.FOLDER.iterdir()) == {transcripts.path_of(scenario) for scenario in transcripts.scenarios()}
    assert all(path.stat().st_size < 100_000 for path in transcripts.FOLDER.iterdir())


def test_together_they_show_what_can_happen() -> None:
    """A rule that no transcript reaches could change unseen."""
    lines = [line for path in transcripts.FOLDER.iterdir() for line in path.read_text(encoding="utf-8").splitlines()]
    told = "\n".join(line for line in lines if line.startswith("- "))
    for words in (
        *("builds offence", "builds defence", "pledges not", "threatens", "form an alliance", "no longer allied"),
        *("mobilizes", "attacks", "breaks its pledge", "conquers", "repels", "calls", "honours", "abandons"),
        *("does not carry out its threat", "falls"),
    ):
        assert words in told, words


def test_the_first_difference_is_told_with_its_turn_and_the_remedy() -> None:
    kept = list(transcripts.transcript("jervis/intense"))
    assert transcripts.difference("jervis/intense", kept, kept) == ""
    line = next(i for i, text in enumerate(kept) if text == "== turn 3") + 1
    changed = [*kept]
    changed[line] = "state_0 chooses: something else"
    changed[-1] = "a later difference"
    assert transcripts.difference("jervis/intense", kept, changed) == (
        f"jervis/intense plays otherwise than jervis_intense.txt says, first in line {line + 1}, turn 3:\n"
        f"  kept: {kept[line]}\n  now:  state_0 chooses: something else\n"
        "If the change is meant, write the transcripts anew with: .venv/bin/python -m tests.transcripts --write"
    )
    shorter = transcripts.difference("jervis/intense", kept, kept[:-1])
    assert "tallies" in shorter and "now:  (nothing: it ends before)" in shorter


def test_writing_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {path.name: path.read_bytes() for path in transcripts.FOLDER.iterdir()}
    monkeypatch.setattr(transcripts, "FOLDER", tmp_path)
    (tmp_path / "gone_scenario.txt").touch()
    transcripts.write()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept
    assert transcripts.check() == []
    path = transcripts.path_of("jervis/intense")
    path.write_text(path.read_text(encoding="utf-8").replace("build_rate: 0.08", "build_rate: 0.3"), encoding="utf-8")
    path.with_name("jervis_multipolar.txt").unlink()
    assert [text.split()[0] for text in transcripts.check()] == ["jervis/intense", "jervis/multipolar"]
