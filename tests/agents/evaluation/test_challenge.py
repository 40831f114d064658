"""Scores in the challenges, their residents, what stands for 0 and 1, and the command."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sd_env
from agents.cli import main
from agents.evaluation.challenges import Option, challenges, load_challenge, references
from agents.evaluation.challenges.environments import Mixture, drawn
from agents.evaluation.challenges.suite import (
    SEEDS,
    SELECTION_SEEDS,
    built_in,
    challenge,
    make_references,
    overall,
    play_challenge,
    score_table,
)
from agents.policies.registry import make
from agents.policies.specs import policy_from
from sd_env.policies import PolicyError

#: Two seats, a mixture and several focal states between them.
SOME = ["reassured-in-danger", "mixed-society", "appeasement"]


def played(policy: Any, name: str, seed: int = 1, worlds: int = 4) -> pd.DataFrame:
    return play_challenge(
        label="mine", training_seed=math.nan, policy=policy, name=name, seed=seed, worlds=worlds, trust=False
    )


# --- scores -----------------------------------------------------------------------------------------------------


def scale(zero: float, one: float) -> dict[str, Any]:
    return {"challenges": {"c": {"random": {"mean": zero}, "best": {"mean": one, "policy": "dove"}}}}


def rows(values: dict[int, list[float]], training_seed: float = math.nan) -> pd.DataFrame:
    """Episodes of one policy in challenge c, by seed of the worlds."""
    count = {"ss_attacks": 1.0, "ss_pair_turns": 10.0, "tragic_wars": 0.5}
    return pd.DataFrame(
        {"policy": "p", "challenge": "c", "seed": seed, "training_seed": training_seed, "value": value, **count}
        for seed, each in values.items()
        for value in each
    )


def test_a_score_is_the_share_of_the_way_from_random_to_the_best_known() -> None:
    # means by seed 2, 6, 10 are scores 0, 1, 2; t(.975, 2) = 4.3027 and the standard error is 1 / sqrt(3)
    table = score_table(rows({1: [1.0, 3.0], 2: [6.0, 6.0], 3: [9.0, 11.0]}), scale(2.0, 6.0))
    [row] = table.to_dict("records")
    assert row["score"] == pytest.approx(1.0)
    assert row["high"] - row["score"] == pytest.approx(4.302653 / math.sqrt(3), abs=1e-5)
    assert (row["value"], row["random"], row["best"], row["best_policy"]) == (6.0, 2.0, 6.0, "dove")
    assert row["ss_attacks"] == pytest.approx(0.1) and row["tragic_wars"] == pytest.approx(0.5)
    assert (row["unit"], row["count"], row["episodes"]) == ("seeds", 3, 6)


def test_scores_above_one_and_below_zero_are_kept() -> None:
    for value, expected in ((10.0, 2.0), (-2.0, -1.0)):
        table = score_table(rows({1: [value]}), scale(2.0, 6.0))
        assert table["score"][0] == pytest.approx(expected)
        assert math.isnan(table["low"][0])  # one seed tells nothing of luck


def test_training_seeds_are_the_unit_where_there_are_several() -> None:
    episodes = pd.concat(
        [rows({1: [2.0], 2: [6.0]}, training_seed=7.0), rows({1: [6.0], 2: [10.0]}, training_seed=8.0)]
    )
    [row] = score_table(episodes, scale(2.0, 6.0)).to_dict("records")
    assert (row["unit"], row["count"]) == ("training seeds", 2)
    assert row["score"] == pytest.approx(1.0)
    assert row["high"] - row["score"] == pytest.approx(12.7062 * 0.5, abs=1e-3)  # scores 0.5 and 1.5, t(.975, 1)


def test_over_all_challenges_the_middle_half_counts() -> None:
    scores = {"a": -9.0, "b": 0.2, "c": 0.4, "d": 0.9}
    table = pd.DataFrame([{"policy": "p", "challenge": name, "score": score} for name, score in scores.items()])
    [row] = overall(table).to_dict("records")
    assert row["iqm"] == pytest.approx(0.3) and row["mean"] == pytest.approx(-1.875)
    assert (row["least"], row["least_in"], row["challenges"]) == (-9.0, "a", 4)


def test_random_scores_0_and_the_best_known_1_on_the_seeds_of_the_references() -> None:
    best = references()["challenges"]["one-deceiver"]["best"]["policy"]
    table = challenge(["random", best], names=["one-deceiver"])
    assert table["score"].to_list() == pytest.approx([0.0, 1.0], abs=1e-9)
    assert (table["low"] < table["score"]).all()


def test_policies_are_ranked_as_theory_says() -> None:
    """Where all but one are peaceful, a hawk does worse than random play; among hawks a dove's shield does better."""
    table = challenge(["dove", "hawk"], names=["visitor-among-doves", "visitor-among-hawks"], seeds=[1, 2], worlds=8)
    score = table.set_index(["policy", "challenge"])["score"]
    assert score["dove", "visitor-among-doves"] > 0.5 > 0 > score["hawk", "visitor-among-doves"]
    assert score["dove", "visitor-among-hawks"] > score["hawk", "visitor-among-hawks"]


@pytest.mark.parametrize("name", SOME)
def test_one_seed_one_result_whatever_the_batch(name: str) -> None:
    """Of policies that do not draw: each world is what it is alone, residents' draws included."""
    many, few = played("tit-for-tat", name, worlds=5), played("tit-for-tat", name, worlds=3)
    pd.testing.assert_frame_equal(many.head(3), few)
    assert not many["value"].equals(played("tit-for-tat", name, seed=2, worlds=5)["value"])


def test_a_policy_with_several_focal_seats_is_scored_by_the_worse_off() -> None:
    frame = played("dove", "appeasement")
    assert frame["value"].to_list() == frame[["return_0", "return_1"]].min(axis=1).to_list()


class TwoStatesOnly:
    """A policy that says what it sees: a world of two states."""

    name = "two-states-only"
    memory = 0

    def __init__(self) -> None:
        self.observation_space = sd_env.solo_env("jervis/intense").observation_space
        self._policy = make("dove")

    def reset(self, seed: int | None = None) -> None:
        self._policy.reset(seed or 0)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return self._policy.act(observation, mask)


def test_a_policy_plays_the_challenges_that_it_fits_and_is_refused_the_others_by_name() -> None:
    table = challenge([TwoStatesOnly()], seeds=[1], worlds=1)
    fitting = [name for name in challenges() if load_challenge(name).game.n_states == 2]
    assert table["challenge"].to_list() == fitting
    with pytest.raises(PolicyError, match="two-states-only does not fit"):
        challenge([TwoStatesOnly()], names=["mixed-society"], seeds=[1], worlds=1)


# --- residents --------------------------------------------------------------------------------------------------

OPTIONS = (Option(strategy="dove", weight=3), Option(strategy="hawk", weight=1))


def test_residents_are_drawn_by_weight_and_key() -> None:
    kinds = drawn(OPTIONS, seat=2, seed=5, worlds=range(4000))
    assert kinds.mean() == pytest.approx(0.25, abs=0.025)  # 3.6 standard errors
    assert np.array_equal(drawn(OPTIONS, seat=2, seed=5, worlds=[17, 3]), kinds[[17, 3]])
    for other in (
        drawn(OPTIONS, seat=1, seed=5, worlds=range(4000)),
        drawn(OPTIONS, seat=2, seed=6, worlds=range(4000)),
    ):
        assert np.mean(other == kinds) == pytest.approx(0.75**2 + 0.25**2, abs=0.03)  # as if independent


def test_a_mixture_plays_each_row_by_its_own_strategy() -> None:
    worlds = sd_env.Worlds(sd_env.load_scenario("jervis/intense"), 6, seed=0)
    seen, mask = worlds.observations[:, 0].copy(), worlds.masks[:, 0].copy()
    kinds = np.array([0, 1, 1, 0, 0, 1])
    mixture = Mixture(OPTIONS, kinds)
    mixture.reset(3)
    chosen = mixture.act(seen, mask)
    dove, hawk = (policy_from(name) for name in ("dove", "hawk"))
    dove.reset(0), hawk.reset(0)
    expected = np.where(kinds[:, None] == 0, dove.act(seen, mask), hawk.act(seen, mask))
    assert np.array_equal(chosen, expected)


def test_the_rows_say_who_was_drawn() -> None:
    frame, chosen = played("dove", "mixed-society", worlds=40), load_challenge("mixed-society")
    names = [option.strategy for option in chosen.cast[1]]
    kinds = drawn(chosen.cast[1], seat=1, seed=1, worlds=range(40))
    assert frame["policy_1"].to_list() == [names[kind] for kind in kinds]
    assert frame["policy_1"].nunique() > 3 and set(frame["policy_0"]) == {"mine"}
    hawks = frame[frame["policy_1"] == "hawk"]
    assert (hawks["attacks_1"] > 0).all() and (frame[frame["policy_1"] == "dove"]["attacks_1"] == 0).all()


# --- references -------------------------------------------------------------------------------------------------


def test_references_are_made_by_one_call_and_the_best_is_chosen_on_other_seeds(tmp_path: Path) -> None:
    path = tmp_path / "references.json"
    made = make_references(names=["reassured-in-danger"], path=path, seeds=[1, 2], selection_seeds=[3], worlds=2)
    assert references(path) == json.loads(json.dumps(made))
    known = made["challenges"]["reassured-in-danger"]
    assert set(known["tried"]) == set(built_in())
    best = known["best"]["policy"]
    assert known["best"]["by_seed"] == pytest.approx(
        [played(best, "reassured-in-danger", seed=seed, worlds=2)["value"].mean() for seed in (1, 2)]
    )
    assert known["tried"][best] == pytest.approx(played(best, "reassured-in-danger", seed=3, worlds=2)["value"].mean())
    assert not set(SEEDS) & set(SELECTION_SEEDS)
    # another challenge joins, and the first stays
    make_references(names=["a-bluffer"], path=path, seeds=[1, 2], selection_seeds=[3], worlds=8)
    assert set(references(path)["challenges"]) == {"reassured-in-danger", "a-bluffer"}


def test_given_policies_compete_for_the_best_known(tmp_path: Path) -> None:
    candidates = ["dove:armour=0"]  # an unarmed dove pays for nothing
    made = make_references(
        candidates, names=["visitor-among-doves"], path=tmp_path / "r.json", seeds=[1], selection_seeds=[3], worlds=2
    )
    assert "dove:armour=0" in made["challenges"]["visitor-among-doves"]["tried"]


# --- command line -----------------------------------------------------------------------------------------------


def test_the_command_scores_keeps_everything_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["challenge", "dove", "hawk", "--only", "noisy-grim-triggers", "--seeds", "1", "2", "--worlds", "2"]
    words += ["--workers", "1", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "noisy-grim-triggers" in shown and "0 is what random play earns" in shown
    episodes = pd.read_csv(tmp_path / "out" / "episodes.csv")
    assert len(episodes) == 2 * 2 * 2 and set(episodes["policy"]) == {"dove", "hawk"}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [row["policy"] for row in report["overall"]] == ["dove", "hawk"]
    before = (tmp_path / "out" / "episodes.csv").read_bytes()
    assert main(words) == 0
    assert "4 of 4 units were finished before" in capsys.readouterr().err
    assert (tmp_path / "out" / "episodes.csv").read_bytes() == before
    other = ["3" if before == "--worlds" else word for before, word in zip(["", *words], words, strict=False)]
    assert main(other) == 2  # other work in the same folder
    assert "holds other work" in capsys.readouterr().err


def test_the_command_lists_the_challenges(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["challenge", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(challenges())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["challenge"], "no policy is given"),
        (["challenge", "dove", "--only", "one-deciever"], "the nearest is one-deceiver"),
        (["challenge", "davo"], "no strategy 'davo'"),
        (["challenge", "dove", "dove"], "dove is given twice"),
        (["challenge", "dove", "--references", "nowhere.json"], "nowhere.json cannot be read"),
        (["challenge", "dove", "--worlds", "0"], "at least 1"),
        (["challenge", "--reference", "--references", "nowhere/r.json"], "nowhere/r.json cannot be written"),
    ],
)
def test_bad_words_are_refused_in_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert sentence in capsys.readouterr().err
