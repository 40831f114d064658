"""Intervals, outcomes, theory's signs, the table and the picture."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from agents.evaluation.evaluate import evaluate
from agents.evaluation.outcome import ARMS, ARMS_RACE, ATTACKS, SPIRAL, outcome, signs
from agents.evaluation.predictions import predictions_of
from agents.evaluation.report import as_text, gather, judge, report_of, shown, write_report
from agents.evaluation.statistics import estimate
from agents.pictures.curves import draw, read_curve
from agents.policies.protocol import NeverAttackPolicy, RandomPolicy
from agents.table.metrics import RATES
from sd_env import layout
from sd_env.scenario import Scenario

FOUR = ("doubly-dangerous", "intense", "not-intense", "doubly-safe")


def result(world: str, seed: int, **numbers: float) -> dict[str, Any]:
    learned = dict.fromkeys(RATES, 0.0) | {k.replace("__", "/"): v for k, v in numbers.items()}
    other = dict.fromkeys(RATES, 1.0)
    evaluation = {"learned": learned, "random": other, "never_attack": other}
    still = dict.fromkeys(RATES, 0.0)  # nothing moved in the last fifth of the training
    return {
        "world": world, "scenario": f"jervis/{world}", "seed": seed, "evaluation": evaluation, "path": "",
        "moved": still, "errors": still,
    }  # fmt: skip


def as_theory_says() -> list[dict[str, Any]]:
    numbers = dict(zip(FOUR, [(0.04, 1.7), (0.0, 2.1), (0.0, 0.7), (0.0, 0.9)], strict=True))
    return [
        result(world, seed, **{"outcome__ss_attacks": attacks * (1 + seed / 100), "arms__s_total": arms + seed / 100})
        for world, (attacks, arms) in numbers.items()
        for seed in (1, 2, 3)
    ]


def test_the_interval_is_students_over_seeds() -> None:
    value = estimate([1.0, 2.0, 3.0])
    assert value.value == 2.0
    assert value.high - value.value == pytest.approx(4.302653 / math.sqrt(3))  # t(.975, 2) = 4.3027, deviation 1
    assert value.low == pytest.approx(4.0 - value.high)
    one = estimate([5.0])
    assert one.value == 5.0 and not one.known
    assert estimate([1.0, math.nan, 3.0]).values == (1.0, 3.0)
    assert math.isnan(estimate([math.nan]).value)


def test_the_interval_covers() -> None:
    rng = np.random.default_rng(0)
    inside = [e.low <= 0 <= e.high for e in (estimate(list(rng.normal(size=3))) for _ in range(2000))]
    assert 0.935 < np.mean(inside) < 0.965


def test_outcomes_change_at_their_thresholds() -> None:
    assert outcome(SPIRAL, 0.0) == "spiral"
    assert outcome(SPIRAL - 1e-9, ARMS_RACE) == "arms race without war"
    assert outcome(0.0, ARMS_RACE - 1e-9) == "cooperation"
    assert outcome(math.nan, 5.0) == ""  # nobody who seeks security


def test_signs_that_theory_predicts_are_supported() -> None:
    judged = signs({world: policies["learned"] for world, policies in gather(as_theory_says()).items()})
    assert len(judged) == 7
    assert {sign.verdict for sign in judged} == {"supported"}


@pytest.mark.parametrize(
    ("attacks", "arms", "verdicts"),
    [
        # middles of attacks and arms by world, whose three seeds lie .001 or .1 to either side (a difference's interval
        # is then .0023 or .23 to either side); verdicts of W1>W3, W1>W2, W3>=W4, W2~0, W4~0, arms W2>W4, W2>W3
        ((0.005, 0.15, 0.15, 0.35), (1.0, 1.5, 3.5, 2.25), "ccccccc"),
        ((0.2, 0.2, 0.3, 0.309), (1.0, 1.5, 0.25, 1.4), "c??cc?s"),
        ((0.2, 0.005, 0.005, 0.005), (1.0, 1.5, 0.5, 0.5), "sssssss"),
        ((0.2, 0.0085, 0.198, 0.2), (1.0, 1.5, 1.6, 0.5), "?ss?cs?"),
    ],
)
def test_signs_follow_the_intervals(attacks: Any, arms: Any, verdicts: str) -> None:
    worlds = {
        world: {
            ATTACKS: estimate([attacks[k] + 0.001 * step for step in (-1, 0, 1)]),
            ARMS: estimate([arms[k] + 0.1 * step for step in (-1, 0, 1)]),
        }
        for k, world in enumerate(FOUR)
    }
    words = {"s": "supported", "c": "contradicted", "?": "undecided"}
    assert [sign.verdict for sign in signs(worlds)] == [words[letter] for letter in verdicts]


def test_signs_compare_worlds_of_equal_overrides() -> None:
    plain = as_theory_says()
    more = [r | {"world": r["world"] + "-4", "overrides": {"n_states": 4}} for r in as_theory_says()]
    judged = judge(report_of("title", plain + more, {}, "", {}))
    assert len(judged) == 14 and {sign.verdict for sign in judged} == {"supported"}
    assert sum(sign.claim.endswith(" with n_states = 4") for sign in judged) == 7


def test_one_seed_or_two_decide_nothing() -> None:
    for seeds in ({1}, {1, 2}):
        some = [r for r in as_theory_says() if r["seed"] in seeds]
        judged = signs({world: policies["learned"] for world, policies in gather(some).items()})
        assert {sign.verdict for sign in judged} == {"undecided"}
        assert {sign.reason for sign in judged} == {f"{len(seeds)} seeds, where at least 3 decide"}


def test_the_report_holds_everything_and_the_table_is_legible(tmp_path: Path) -> None:
    extra = [result("elsewhere", seed) | {"scenario": "games/elsewhere"} for seed in (1, 2)]
    write_report(tmp_path, "title", as_theory_says() + extra, {"elsewhere": "Nothing at all."}, "python train.py")
    report = json.loads((tmp_path / "report.json").read_text())
    assert {w: v["outcome"] for w, v in report["worlds"].items()} == {
        "doubly-dangerous": "spiral",
        "intense": "arms race without war",
        "not-intense": "cooperation",
        "doubly-safe": "cooperation",
        "elsewhere": "cooperation",
    }
    assert all(report["worlds"][w]["theory"] == report["worlds"][w]["outcome"] for w in FOUR)
    assert report["worlds"]["intense"]["learned"][ARMS]["values"] == pytest.approx([2.11, 2.12, 2.13])
    text = (tmp_path / "table.txt").read_text()
    assert "…" not in text and max(map(len, text.splitlines())) <= 132
    for words in (*FOUR, "never attacks", "0.0408", "±", "supported", "Nothing at all.", "95% t interval over 3 seeds"):
        assert words in text
    judged = predictions_of(report, "report.json")
    assert len(judged) == 7 and all(each.claim in text for each in judged)
    assert as_text(shown(report)) == text  # the table is a function of the data
    assert judge(report) == judged


def test_a_world_of_which_theory_says_nothing_is_told_so_by_a_dash(tmp_path: Path) -> None:
    extra = [result(name, seed) | {"scenario": f"games/{name}"} for name in ("silent", "told") for seed in (1, 2)]
    write_report(tmp_path, "title", extra, {"silent": "", "told": "Nothing at all."}, "python train.py")
    lines = (tmp_path / "table.txt").read_text().splitlines()
    assert [line for line in lines if "theory predicts:" in line] == ["told: theory predicts: Nothing at all."]
    rows = [line.split() for line in lines if line.strip().startswith(("silent ", "told ")) and "±" not in line]
    assert [(row[0], row[-1]) for row in rows if "0.0000" in row] == [("silent", "-"), ("told", "below")]


def certificate(verdict: str, gain: float) -> list[dict[str, object]]:
    row = {"state": "state_0", "type": "greedy states", "own": 30.0, "gain": gain, "low": gain, "high": gain}
    return [row | {"response": "strikes first", "searches": 2, "failed": 0, "verdict": verdict}]


def test_no_sign_is_supported_of_a_world_that_is_not_certified(tmp_path: Path) -> None:
    """A verdict is about the game: policies that something beats, or that nothing was tried against, carry none."""
    sound = {world: {"": certificate("certified", 0.01)} for world in FOUR}
    write_report(tmp_path, "title", as_theory_says(), {}, "", sound)
    report = json.loads((tmp_path / "report.json").read_text())
    assert {sign.word for sign in predictions_of(report, "")} == {"supported"}
    text = (tmp_path / "table.txt").read_text()
    assert "uncertified" not in text and text.count("strikes first") == 4
    assert text.count("not certified") == 0
    beaten = sound | {"intense": {"": certificate("beaten", 0.55)}}
    write_report(tmp_path, "title", as_theory_says(), {}, "", beaten)
    report = json.loads((tmp_path / "report.json").read_text())
    marked = [sign for sign in predictions_of(report, "") if sign.word == "uncertified"]
    # "intense" is not "not-intense"
    assert len(marked) == 4 and all("intense" in sign.claim.replace("not-intense", "") for sign in marked)
    assert "uncertified: intense: greedy states beaten, +55.0%" in marked[0].status
    assert (tmp_path / "table.txt").read_text().count("not certified") == 2  # its verdict, and its mark
    write_report(tmp_path, "title", as_theory_says(), {}, "")
    report = json.loads((tmp_path / "report.json").read_text())
    assert {sign.word for sign in predictions_of(report, "")} == {"uncertified"}


def test_nothing_to_count_is_null_and_a_dash(tmp_path: Path) -> None:
    results = [result("intense", 1, outcome__s_welfare=math.nan)]
    write_report(tmp_path, "title", json.loads(json.dumps(results).replace("NaN", "null")), {}, "")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["worlds"]["intense"]["learned"]["outcome/s_welfare"]["value"] is None
    assert " - " in (tmp_path / "table.txt").read_text()


def write_curve(path: Path, arms: float) -> Path:
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["time/total_timesteps", ARMS, ATTACKS])
        writer.writerows([[1000.0, "", ""], [2000.0, arms, 0.02], [3000.0, arms + 1, 0.03]])
    return path


def test_the_picture_is_drawn_from_the_curves(tmp_path: Path) -> None:
    curves = {w: [write_curve(tmp_path / f"{w}{s}.csv", k + s / 10) for s in (1, 2)] for k, w in enumerate(FOUR)}
    steps, values = read_curve(curves["intense"][0], ARMS)
    assert steps.tolist() == [2000.0, 3000.0] and values.tolist() == [1.1, 2.1]
    draw(curves, tmp_path / "four.png", "four worlds")
    draw({"intense": [write_curve(tmp_path / "other.csv", 0.0)]}, tmp_path / "one.png", "one world")
    four, one = image.imread(tmp_path / "four.png"), image.imread(tmp_path / "one.png")
    assert four.shape[0] > 500 and four.shape[1] > 1200 and four.shape == one.shape
    colours = {tuple(np.round(pixel, 2)) for pixel in four[::3, ::3, :3].reshape(-1, 3)}
    assert len(colours) > 50 and not np.array_equal(four, one)


def test_policies_obey_masks() -> None:
    mask = np.ones((400, layout.mask_size(3)), dtype=np.int8)
    mask[:, 1] = 0  # half offence is illegal
    mask[:200, -1] = 0  # so is attack on the last rival, for some
    for policy in (RandomPolicy(), NeverAttackPolicy()):
        policy.reset(0)
        actions = policy.act(np.zeros((400, 1)), mask)
        assert actions.shape == (400, 5)
        assert set(actions[:, 0]) == {0, 2} and set(actions[:, 1]) == {0, 1, 2}
        assert layout.Stance.ATTACK not in actions[:200, 4]
        attacks = layout.Stance.ATTACK in actions[200:, 3:]
        assert attacks == (type(policy) is RandomPolicy)
        policy.reset(0)
        np.testing.assert_array_equal(actions, policy.act(np.zeros((400, 1)), mask))
    assert layout.num_states_of(layout.mask_size(16)) == 16
    with pytest.raises(ValueError, match="fits no number of states"):
        layout.num_states_of(15)


def test_evaluation_counts_whole_episodes_of_the_same_worlds() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous", {"horizon": 5})
    first = evaluate(scenario, RandomPolicy(), worlds=8, episodes=2, seed=1)
    assert first == evaluate(scenario, RandomPolicy(), worlds=8, episodes=2, seed=1)
    assert first != evaluate(scenario, RandomPolicy(), worlds=8, episodes=2, seed=2)
    assert first["outcome/episode_length"] == 5
    assert first["outcome/attacks"] > 0
    calm = evaluate(scenario, NeverAttackPolicy(), worlds=8, episodes=1, seed=1)
    assert calm["outcome/attacks"] == 0 and calm["arms/s_total"] > 0


def test_a_learner_among_opponents_has_a_row_and_its_returns(tmp_path: Path) -> None:
    results = as_theory_says()
    for each in results:
        each["evaluation"]["population"] = dict.fromkeys(RATES, 0.5)
        each["returns"] = {"population": {"learner": 2.0 + each["seed"], "opponents": 1.0}}
    write_report(tmp_path, "title", results, {}, "command")
    text = (tmp_path / "table.txt").read_text()
    assert text.count("among opponents") == 8
    assert "intense, among opponents: mean return of a state: learner 4.00 ±2.48, opponents 1.00 ±0.00" in text
    world = json.loads((tmp_path / "report.json").read_text())["worlds"]["intense"]
    assert world["population"]["outcome/wars"]["value"] == 0.5
    assert world["returns"]["population"]["learner"]["values"] == [3.0, 4.0, 5.0]
