"""Scripted, learned and language policies in one tournament, within a budget that is held before anything is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from agents import cli
from agents.evaluation.evaluate import evaluate_policies
from agents.evaluation.speakers import speakers
from agents.evaluation.tournament import ranking, tournament
from agents.language.ledger import BudgetError
from sd_env.record import read_log, verify
from sd_env.scenario import Scenario
from tests.stand_in import Out, config_of, plays, stand_in

SCENARIO = "jervis/intense"
SMALL = {"horizon": 2}
KEY = "sk-verysecret-0123456789"


def test_scripted_learned_and_language_policies_are_ranked_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command, with a key, and once more without the endpoint: the same ranking, and the key is in no file."""
    from agents.policies.bundles import bundle_of  # torch, which the other tests here do without
    from tests.learners import trained

    bundle_of(trained("heads"), Scenario.load(SCENARIO), name="learned").save(tmp_path / "learned.sd")
    monkeypatch.setenv("SD_ENV_KEY_127_0_0_1", KEY)
    with stand_in(plays(chance=0.1)) as server:
        path = config_of(server, tmp_path)
        words = ["tournament", "hawk", str(tmp_path / "learned.sd"), f"llm:{path}", "--scenario", SCENARIO]
        words += ["--overrides", "horizon=2", "--worlds", "1", "--seeds", "1", "--workers", "1", "--json"]
        assert cli.main([*words, "--out", str(tmp_path / "out")]) == 0
        first = json.loads(capsys.readouterr().out)
        asked = len(server.bodies)
        turns = 2 * (2 + 2 + 2)  # two opponents in either seat, and self-play
        assert 2 * 2 <= asked <= turns, "the first turn is the same whoever sits opposite, and asked once"
        assert all(headers["authorization"] == f"Bearer {KEY}" for headers in server.headers)
    assert {row["policy"] for row in first["ranking"]} == {"hawk", "learned", "llm:duel"}
    [row] = first["language"]
    assert (row["policy"], row["chosen"], row["fell_back"], row["tokens"]) == ("llm:duel", turns, 0, 120 * turns)
    assert 0 <= row["brier"] <= 1 and row["forecasts"] == turns
    monkeypatch.delenv("SD_ENV_KEY_127_0_0_1")
    words[3] += ":offline=true"
    assert cli.main(words[:-1]) == 0
    assert "Language models" in capsys.readouterr().out
    assert cli.main(words) == 0
    again = json.loads(capsys.readouterr().out)
    assert [row["payoff"] for row in again["ranking"]] == [row["payoff"] for row in first["ranking"]]
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file


def test_what_would_exceed_the_budget_is_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stand_in(plays()) as server:
        path = config_of(server, tmp_path, budget={"requests": 100})
        words = ["tournament", "hawk", f"llm:{path}", "--scenario", SCENARIO, "--overrides", "horizon=4"]
        assert cli.main([*words, "--worlds", "10", "--seeds", "1", "--workers", "1"]) == 2
        [line] = capsys.readouterr().err.splitlines()
        assert (
            line.startswith("sd-env: llm:duel may be asked on 160 turns") and "160 requests, and 100 are left" in line
        )
        assert "Nothing was asked; fewer worlds" in line
        assert cli.main(["evaluate", *words[1:], "--worlds", "13", "--seeds", "1", "--workers", "1"]) == 2
        assert "may be asked on 104 turns" in capsys.readouterr().err
        words[-1] = "horizon=[2, 4]"  # drawn: the longest counts
        assert cli.main(["evaluate", *words[1:], "--worlds", "13", "--seeds", "1", "--workers", "1"]) == 2
        assert "may be asked on 104 turns" in capsys.readouterr().err
        assert server.bodies == []
        assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("budget", "left"),
    [({"requests": 999, "tokens": 5_000}, "about [0-9]+ tokens, and 5000 are left of budget.tokens, 5000"),
     ({"requests": 999, "money": 0.001}, r"about 0\.[0-9]+ money, and 0\.001 are left of budget\.money")],
)  # fmt: skip
def test_tokens_and_money_are_estimated_before(budget: dict[str, Any], left: str, tmp_path: Path) -> None:
    with stand_in(plays()) as server:
        path = config_of(server, tmp_path, budget=budget, prices={"input": 0.5, "output": 1})
        with pytest.raises(BudgetError, match=left):
            evaluate_policies([f"llm:{path}"], SCENARIO, overrides=SMALL, worlds=2, seeds=(1,))
        assert server.bodies == []


def test_what_was_answered_counts_no_more(tmp_path: Path) -> None:
    """The same work again fits into a budget that is used up, other work does not."""
    arguments: dict[str, Any] = {"overrides": SMALL, "worlds": 2, "seeds": (1,)}
    with stand_in(plays()) as server:
        spec = f"llm:{config_of(server, tmp_path, budget={'requests': 8})}"
        first = evaluate_policies([spec], SCENARIO, **arguments)
        assert len(server.bodies) == 8
        pd.testing.assert_frame_equal(evaluate_policies([spec], SCENARIO, **arguments), first)
        with pytest.raises(BudgetError, match="of which 0 are kept: 8 requests, and 0 are left"):
            evaluate_policies([spec], SCENARIO, **{**arguments, "seeds": (2,)})
        assert len(server.bodies) == 8


def test_work_that_is_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    """The endpoint fails in the midst; afterwards, with another budget, only the rest is asked."""
    arguments: dict[str, Any] = {"overrides": SMALL, "worlds": 2, "seeds": (1, 2), "out": tmp_path / "out"}
    with stand_in(lambda body, before: Out(status=400) if before == 11 else plays()(body, before)) as server:
        path = config_of(server, tmp_path)
        with pytest.raises(Exception, match="answers with status 400"):
            evaluate_policies([f"llm:{path}"], SCENARIO, **arguments)
        config_of(server, tmp_path, budget={"requests": 17})
        frame = evaluate_policies([f"llm:{path}"], SCENARIO, **arguments)
        assert len(server.bodies) == 17, "sixteen turns, and one that failed"
    assert frame["chosen_0"].tolist() == [2.0] * 4


def test_transcripts_are_beside_the_logs(tmp_path: Path) -> None:
    with stand_in(plays(words="hello")) as server:
        spec = f"llm:{config_of(server, tmp_path)}"
        out = tmp_path / "out"
        evaluate_policies([spec], SCENARIO, against="dove", overrides=SMALL, worlds=2, seeds=(1,), out=out, log=2)
    logs = sorted(out.glob("logs/*/*.jsonl"))
    assert [log.name for log in logs] == ["world0.jsonl", "world1.jsonl"]
    for k, log in enumerate(logs):
        assert verify(log) and read_log(log).policies == ("llm:duel", "dove")
        found = json.loads(log.with_suffix(".transcript.json").read_text(encoding="utf-8"))
        assert found["format"] == "sd-env transcript"
        assert [(each["turn"], each["seat"], each["row"]) for each in found["exchanges"]] == [(0, 0, k), (1, 0, k)]
        assert "You are State_0." in found["exchanges"][0]["request"]["messages"][1]["content"]
        assert json.loads(found["exchanges"][0]["reply"]["text"])["words"] == "hello"


def test_hands_that_tremble_hear_speak_and_foresee(tmp_path: Path) -> None:
    with stand_in(plays(words="hello")) as server:
        spec = f"llm:{config_of(server, tmp_path)}"
        frame = tournament([spec, "dove"], SCENARIO, overrides=SMALL, seeds=(1,), worlds=1, noise={"tremble": 0.5})
        assert any("in its own words" in body["messages"][1]["content"] for body in server.bodies)
    found = speakers(frame).set_index("policy")
    assert found.loc["llm:duel", "forecasts"] == found.loc["llm:duel", "chosen"] > 0
    assert list(ranking(frame)["policy"]) and "dove" not in found.index


def test_without_language_models_nothing_is_told_of_them() -> None:
    frame = tournament(["dove", "hawk"], SCENARIO, overrides=SMALL, seeds=(1,), worlds=1)
    assert speakers(frame).empty and not [name for name in frame if "chosen" in name]
