"""Evaluating policies: who meets whom, what the unit is, intervals by hand, outcomes beside theory."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from agents.evaluation.evaluate import (
    METRICS,
    PAYOFF,
    evaluate,
    evaluate_policies,
    payoffs_of,
    summarise,
)
from agents.evaluation.outcome import ARMS, ATTACKS, all_hold, conditions
from agents.evaluation.players import Player, Trembling, digests, play_casts, players_of
from agents.evaluation.report import as_text
from agents.evaluation.statistics import EPISODES, SEEDS, TRAINING_SEEDS, Estimate
from agents.evaluation.tables import evaluation_table, judged, outcomes, theory_of
from agents.policies.protocol import RandomPolicy
from agents.policies.registry import make
from agents.table.metrics import RATES, rates, tally_rows
from agents.work import WorkError
from sd_env import layout
from sd_env.policies import PolicyError
from sd_env.record import read_log, verify
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

SMALL = {"horizon": 5}


class Learned(RandomPolicy):
    """A stand-in for a bundle: it says which training made it, and plays at random or not at all."""

    def __init__(self, name: str, seed: int, algorithm: str = "PPO", training: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.name = name
        self.info = {"name": name, "algorithm": algorithm, "training": {"seed": seed, **(training or {})}}
        self.scenario = Scenario.load("jervis/intense")


def evaluated_by_hand(scenario: Scenario, policy: Any, worlds: int, episodes: int, seed: int) -> dict[str, float]:
    """``evaluate`` written out: a copy of the policy for each seat, reset with the seed of its seat and episode."""
    table = Worlds(scenario, worlds, seed=seed)
    seats = [copy.deepcopy(policy) for _ in range(table.num_states)]
    tallies = []
    for episode in range(episodes):
        if episode:
            table.reset()
        for seat, each in enumerate(seats):
            each.reset(int(np.random.SeedSequence([seed, episode, 0, seat]).generate_state(1)[0]))
        ended = np.zeros(worlds, dtype=bool)
        while not ended.all():
            rows = [(table.observations[:, seat].copy(), table.masks[:, seat].copy()) for seat in range(len(seats))]
            table.step(np.stack([each.act(*row) for each, row in zip(seats, rows, strict=True)], axis=1))
            ended |= table.terminations | table.truncations
        tallies.append(tally_rows(table.worlds).copy())
    return rates(np.concatenate(tallies).sum(axis=0), worlds * episodes)


def test_numbers_are_those_of_playing_by_hand() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous", {"n_states": 3})
    for policy in (RandomPolicy(), make("tit-for-tat")):
        mine = evaluate(scenario, policy, worlds=6, episodes=2, seed=4)
        # to the last digit but one: sums over the same rows may be taken in another order
        assert mine == pytest.approx(evaluated_by_hand(scenario, policy, 6, 2, 4), rel=1e-14, nan_ok=True)
    # where worlds end at different times the old loop went on counting after a world's end
    scenario = Scenario.load("jervis/intense", {"continuation": 0.8})
    lengths = evaluate(scenario, RandomPolicy(), worlds=200, episodes=1, seed=1)["outcome/episode_length"]
    assert lengths == pytest.approx(5.0, abs=1.0)  # 1 / (1 - 0.8) turns, less the rare cut at 32


def test_self_play_has_a_row_an_episode_and_the_same_worlds_for_everyone() -> None:
    frame = evaluate_policies(["dove", "hawk"], "jervis/intense", overrides=SMALL, seeds=(1, 2), worlds=3, episodes=2)
    assert list(frame)[:5] == ["policy", "training_seed", "against", "seat", "scenario"]
    assert len(frame) == 2 * 2 * 3 * 2
    assert set(frame["seat"]) == {-1} and set(frame["against"]) == {""} and frame["training_seed"].isna().all()
    by = frame.set_index(["policy", "seed", "world", "episode"])
    assert by.loc["dove", "greed_0"].equals(by.loc["hawk", "greed_0"])
    assert (frame["policy_0"] == frame["policy"]).all() and (frame["policy_1"] == frame["policy"]).all()
    assert frame.loc[frame["policy"] == "dove", "attacks"].sum() == 0
    assert frame.loc[frame["policy"] == "hawk", "attacks"].sum() > 0


def test_against_another_the_policy_takes_each_seat_in_turn() -> None:
    frame = evaluate_policies(
        ["dove"], "jervis/intense", overrides={**SMALL, "n_states": 3}, against="hawk", seeds=(1,), worlds=2
    )
    assert frame["seat"].tolist() == [0, 0, 1, 1, 2, 2] and set(frame["against"]) == {"hawk"}
    for row in frame.to_dict("records"):
        held = [row[f"policy_{i}"] for i in range(3)]
        assert held == ["dove" if i == row["seat"] else "hawk" for i in range(3)]
    assert payoffs_of(frame).tolist() == [row[f"return_{row['seat']}"] for row in frame.to_dict("records")]
    same = evaluate_policies(["dove"], "jervis/intense", overrides=SMALL, against="dove", seeds=(1,), worlds=2)
    assert set(same["against"]) == {"dove"} and (same["policy_0"] == "dove").all()


def test_training_seeds_of_one_training_are_one_policy_and_the_unit() -> None:
    scenario = Scenario.load("jervis/intense", SMALL)
    specs = [Learned("intense__seed1", 1), Learned("intense__seed2", 2), Learned("other__seed1", 1), RandomPolicy()]
    players = players_of([*specs, Learned("intense__seed3", 3, "A2C")], scenario)
    assert [player.label for player in players] == ["intense", "other__seed1", "random", "intense__seed3"]
    assert players[0].members == (specs[0], specs[1]) and players[0].seeds == (1.0, 2.0)
    assert math.isnan(players[2].seeds[0]) and [players[0].member(k) for k in range(3)] == [*specs[:2], specs[0]]
    frame = evaluate_policies(specs, scenario, seeds=(7, 8, 9), worlds=2)
    assert frame.groupby("policy", sort=False).size().tolist() == [12, 6, 6]
    summary = summarise(frame)
    units = summary.drop_duplicates("policy").set_index("policy")
    assert units["unit"].tolist() == [TRAINING_SEEDS, SEEDS, SEEDS] and units["count"].tolist() == [2, 3, 3]


def test_the_same_policy_twice_is_refused() -> None:
    scenario = Scenario.load("jervis/intense")
    twice = [Learned("a__seed1", 1), Learned("a__seed1", 1)]
    for specs in (["dove", "dove"], twice, [twice[0], twice[0]]):
        with pytest.raises(WorkError, match="is given twice; each policy is needed once"):
            players_of(specs, scenario)
    with pytest.raises(WorkError, match="no policy is given"):
        players_of([], scenario)
    alike = players_of([Learned("x", 1), Learned("x", 1, "A2C")], scenario)
    assert [player.label for player in alike] == ["x", "x (2)"]


def test_policies_that_do_not_fit_are_refused() -> None:
    class Narrow(RandomPolicy):
        name = "narrow"

        class observation_space:
            shape = (7,)

    with pytest.raises(PolicyError, match="narrow does not fit"):
        players_of([Narrow()], Scenario.load("jervis/intense"))


def test_digests_are_of_learned_policies_alone(tmp_path: Path) -> None:
    specs = [str(tmp_path / name) for name in ("a.sd", "b.sd", "c.sd")]
    for spec, manifest in zip(specs, ("1", "1", "2"), strict=True):
        Path(spec).mkdir()
        (Path(spec) / "bundle.json").write_text(manifest)
    players = [Player(spec, (spec,), (1.0,)) for spec in specs]
    found = digests([*players, *players_of(["dove"], Scenario.load("jervis/intense"))])
    assert list(found) == [f"the bundle {spec}" for spec in specs]
    one, other, third = found.values()
    assert one == other != third


# --- numbers --------------------------------------------------------------------------------------------------


def made_up(values: dict[tuple[str, float, int], list[float]]) -> pd.DataFrame:
    """Rows with given returns of one state's world; one attack in ten pair-turns by each unit of return."""
    rows = []
    for (policy, training, seed), returns in values.items():
        for world, value in enumerate(returns):
            tallies = dict.fromkeys(layout.TALLY, 0.0)
            tallies |= {"ss_attacks": value, "ss_pair_turns": 10.0, "s_state_turns": 10.0, "s_offense": 5.0}
            row = {"policy": policy, "training_seed": training, "against": "", "seat": -1}
            rows.append(
                {**row, "seed": seed, "world": world, "episode": 0, "return_0": value, "return_1": value, **tallies}
            )
    return pd.DataFrame(rows)


def test_intervals_are_over_seeds_by_hand() -> None:
    nan = math.nan
    frame = made_up({("p", nan, 1): [1, 3], ("p", nan, 2): [4, 4], ("p", nan, 3): [6, 6]})
    summary = summarise(frame).set_index("metric")
    payoff = summary.loc[PAYOFF]
    # seeds' means are 2, 4, 6: mean 4, deviation 2, t(.975, 2) = 4.302653
    assert payoff["value"] == 4.0 and payoff["count"] == 3 and payoff["unit"] == SEEDS
    assert payoff["high"] - 4.0 == pytest.approx(4.302653 * 2 / math.sqrt(3), rel=1e-6)
    assert summary.loc[ATTACKS, "value"] == pytest.approx(0.4)
    assert summary.loc[ARMS, "value"] == 0.5 and summary.loc[ARMS, "high"] == 0.5
    assert math.isnan(summary.loc["outcome/s_welfare", "value"])  # nobody was counted
    assert list(summary.index) == list(METRICS)


def test_training_seeds_come_before_seeds() -> None:
    frame = made_up({("p", 1.0, 1): [0, 2], ("p", 1.0, 2): [1, 1], ("p", 2.0, 1): [3, 3], ("p", 2.0, 2): [5, 1]})
    payoff = summarise(frame).set_index("metric").loc[PAYOFF]
    # the two trainings' means are 1 and 3: mean 2, deviation sqrt 2, t(.975, 1) = 12.7062
    assert (payoff["value"], payoff["count"], payoff["unit"]) == (2.0, 2, TRAINING_SEEDS)
    assert payoff["high"] - 2.0 == pytest.approx(12.7062 * math.sqrt(2) / math.sqrt(2), rel=1e-4)


def test_one_seed_gives_a_bootstrap_over_its_episodes() -> None:
    values = list(np.random.default_rng(3).normal(2.0, 1.0, size=200))
    summary = summarise(made_up({("p", math.nan, 1): values})).set_index("metric")
    payoff = summary.loc[PAYOFF]
    assert payoff["unit"] == EPISODES and payoff["count"] == 200
    expected = stats.norm.ppf(0.975) * np.std(values) / math.sqrt(200)  # the bootstrap's limit for a mean
    assert payoff["high"] - payoff["low"] == pytest.approx(2 * expected, rel=0.08)
    assert payoff["value"] == pytest.approx(np.mean(values))
    assert summary.loc[ATTACKS, "high"] - summary.loc[ATTACKS, "low"] == pytest.approx(0.2 * expected, rel=0.08)
    again = summarise(made_up({("p", math.nan, 1): values}))
    pd.testing.assert_frame_equal(again, summary.reset_index()[list(again)])
    alone = summarise(made_up({("p", math.nan, 1): [2.0]})).set_index("metric").loc[PAYOFF]
    assert alone["value"] == 2.0 and math.isnan(alone["low"])


def between(attacks: tuple[float, float], arms: tuple[float, float]) -> dict[str, Estimate]:
    return {metric: Estimate(sum(bounds) / 2, *bounds, ()) for metric, bounds in ((ATTACKS, attacks), (ARMS, arms))}


@pytest.mark.parametrize(
    ("attacks", "arms", "predicted", "verdict"),
    [
        ((0.02, 0.03), (0.0, 3.0), "spiral", "supported"),
        ((0.005, 0.03), (0.0, 1.0), "spiral", "undecided"),  # it may be cooperation
        ((0.005, 0.03), (0.0, 1.0), "arms race without war", "contradicted"),
        ((0.0, 0.005), (1.6, 2.0), "arms race without war", "supported"),
        ((0.0, 0.005), (1.4, 2.0), "arms race without war", "undecided"),
        ((0.0, 0.005), (1.6, 2.0), "cooperation", "contradicted"),
        ((0.0, 0.005), (math.nan, math.nan), "cooperation", "undecided"),
        ((math.nan, math.nan), (0.0, 1.0), "cooperation", "undecided"),  # nobody to judge
    ],
)
def test_an_outcome_is_compared_with_theory_by_its_intervals(
    attacks: tuple[float, float], arms: tuple[float, float], predicted: str, verdict: str
) -> None:
    assert all_hold(conditions(between(attacks, arms), predicted, count=3)) == verdict
    assert all_hold(conditions(between(attacks, arms), predicted, count=2)) == "undecided"


def test_theory_speaks_of_the_scenario_as_it_is_and_of_self_play() -> None:
    plain, changed = Scenario.load("jervis/intense"), Scenario.load("jervis/intense", {"war.conquest": 0.1})
    assert theory_of(plain) == ("arms race without war", True)
    assert theory_of(changed) == ("arms race without war", False)
    peaceful = made_up({("p", math.nan, seed): [0, 0] for seed in (1, 2, 3)})  # no attack, arms of 0.5
    summary = summarise(peaceful)
    assert outcomes(summary) == {"p": "cooperation"}
    [attacks, arms] = judged(summary, plain)["p"]
    assert attacks.claim == "p: arms race without war, S-S attacks below 0.01" and attacks.verdict == "supported"
    assert arms.claim == "p: arms race without war, arms above 1.5" and arms.verdict == "contradicted"
    assert judged(summary, changed) == judged(summary, plain, "hawk") == {}
    assert judged(summarise(peaceful), Scenario.load("games/one-shot")) == {}  # theory predicts no outcome there
    nobody = peaceful.assign(ss_pair_turns=0.0, ss_attacks=0.0)
    assert judged(summarise(nobody), plain) == {} and outcomes(summarise(nobody)) == {"p": ""}
    text = as_text(evaluation_table("title", summary, plain))
    assert "contradicted" in text and "Theory predicts: arms race without war" in text
    text = as_text(evaluation_table("title", summary, changed))
    assert "contradicted" not in text and "of the scenario without overrides: arms race" in text


def test_two_episodes_of_one_seed_decide_nothing() -> None:
    few, enough = ({("p", math.nan, 1): [0.0] * count} for count in (2, 30))
    plain = Scenario.load("jervis/intense")
    for prediction in judged(summarise(made_up(few)), plain)["p"]:
        assert (prediction.verdict, prediction.reason) == ("undecided", "2 episodes, where at least 30 decide")
    assert "undecided" in as_text(evaluation_table("title", summarise(made_up(few)), plain))
    assert [each.verdict for each in judged(summarise(made_up(enough)), plain)["p"]] == ["supported", "contradicted"]


def test_every_policy_of_the_registry_fits_into_the_table() -> None:
    from agents.policies.registry import names

    frame = evaluate_policies(names(), "jervis/intense", overrides=SMALL, seeds=(1,), worlds=2)
    text = as_text(evaluation_table("title", summarise(frame), Scenario.load("jervis/intense")))
    assert "…" not in text and all(f" {name} " in text for name in names())


def test_logs_are_of_the_first_seeds_worlds_and_verify(tmp_path: Path) -> None:
    out = tmp_path / "out"
    evaluate_policies(["random", "dove"], "jervis/intense", overrides=SMALL, seeds=(3, 4), worlds=3, log=2, out=out)
    logs = sorted(path.relative_to(out / "logs").as_posix() for path in (out / "logs").rglob("*.jsonl"))
    assert logs == ["dove/world0.jsonl", "dove/world1.jsonl", "random/world0.jsonl", "random/world1.jsonl"]
    log = read_log(out / "logs" / "random" / "world1.jsonl")
    assert (log.seed, log.world, log.episode, log.policies) == (3, 1, 0, ("random", "random"))
    assert verify(log).ok
    with pytest.raises(WorkError, match="logs need an output folder"):
        evaluate_policies(["dove"], "jervis/intense", log=1)


# --- trembling ------------------------------------------------------------------------------------------------


def test_a_trembling_hand_slips_as_often_as_it_should_and_legally() -> None:
    mask = np.ones((20000, layout.mask_size(3)), np.int8)
    mask[:, 1] = 0  # half offence is illegal
    still, seen = make("dove"), np.zeros((20000, layout.observation_size(3, True)), np.float32)
    still.reset(5)
    meant = still.act(seen, mask)
    hand = Trembling(make("dove"), 0.3)
    hand.reset(5)
    done = hand.act(seen, mask)
    changed = (done != meant).mean(axis=0)
    # a slip among k legal choices is another choice in k - 1 of k cases
    np.testing.assert_allclose(changed, 0.3 * np.array([1 / 2, 2 / 3, 2 / 3, 3 / 4, 3 / 4]), atol=0.012)
    assert not (done[:, 0] == 1).any()
    hand.reset(5)
    np.testing.assert_array_equal(done, hand.act(seen, mask))
    hand.reset(6)
    assert not np.array_equal(done, hand.act(seen, mask))
    assert (hand.name, hand.memory) == ("dove", still.memory)
    steady = Trembling(make("dove"), 0.0)
    steady.reset(5)
    np.testing.assert_array_equal(meant, steady.act(seen, mask))


def test_the_unit_of_work_gives_labels_and_columns() -> None:
    scenario = Scenario.load("jervis/intense", SMALL).to_dict()
    casts = [
        {"cast": [("one", "dove"), ("two", "dove")], "columns": {"game": 1}},
        {"cast": [("one", "hawk"), ("one", "hawk")], "columns": {"game": 2}},
    ]
    frame = play_casts(scenario=scenario, casts=casts, worlds=2, seed=1, episode=0)
    assert frame["game"].tolist() == [1, 1, 2, 2] and next(iter(frame)) == "game"
    assert frame["policy_1"].tolist() == ["two", "two", "one", "one"]


def test_metrics_are_those_of_the_report() -> None:
    assert (PAYOFF, *RATES) == METRICS
