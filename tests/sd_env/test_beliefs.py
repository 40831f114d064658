"""Beliefs about types: docs/model.md section 4.2, by hand, and whether they are true where states behave as it says."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sd_env import layout
from sd_env.layout import Head, Signal, Stance
from sd_env.record import EpisodeLog, Recorder, verify
from sd_env.rules import beliefs as filter_
from sd_env.worlds import Worlds
from tests.table import attack, column, play, quiet, random_actions

MODEL = Path(__file__).parents[2] / "docs" / "model.md"
#: Trust .75, and signals that bind: the scenario of the sequences by hand. Seekers hold their land, so nobody falls.
BASE: dict[str, Any] = {
    "motives__p_greedy": 0.25, "signals__audience_cost": 0.3, "war__mobilization_required": True, "war__conquest": 0.0,
    "signals__pledge_turns": 3,
}  # fmt: skip
#: Rules that are off by default and through which deeds could tell more than deeds.
NEWER_RULES: dict[str, Any] = {
    "arming__arms_cost": 0.1, "arming__convexity": 0.5, "arming__investment_return": 0.05,
    "arming__depreciation": 0.1, "perception__buildup_evidence": 0.05,
}  # fmt: skip
#: Nothing to be seen but arms.
ARMS_ONLY: dict[str, Any] = {"actions__stance": ["neutral"], "actions__signal": ["silence"]}


def tracked(n_states: int = 2, *, num_worlds: int = 1, seed: int = 0, **overrides: Any) -> Worlds:
    return Worlds(quiet(n_states, **{**BASE, **overrides}), num_worlds, seed=seed, track_beliefs=True)


def posterior(odds: float, trust: float = 0.75) -> float:
    """What a likelihood ratio makes of trust."""
    odds *= trust / (1 - trust)
    return odds / (1 + odds)


def belief(w: Worlds, i: int, j: int) -> float:
    return float(w.pairs["belief"][0, i, j])


# --- trust ------------------------------------------------------------------------------------------------------


def test_beliefs_begin_at_the_scenarios_trust() -> None:
    w = Worlds(quiet(3, motives__p_greedy=0.3))
    assert w.pairs["belief"][0] == pytest.approx(np.where(np.eye(3), 1.0, 0.7))


@pytest.mark.parametrize(("mistrust", "seen"), [(0.0, 0.75), (0.5, 0.6), (0.75, 3 / 7), (1.0, 0.0)])
def test_mistrust_takes_its_share_of_the_odds_that_are_seen_and_leaves_the_belief(mistrust: float, seen: float) -> None:
    """Odds of 3 become 1.5, .75 and 0; what Bayes' rule makes of deeds is kept as it is."""
    w = tracked(perception__beliefs=True, perception__mistrust=mistrust)
    assert layout.observed_beliefs(w.observations, 2)[0, 0, 0] == pytest.approx(seen)
    assert belief(w, 0, 1) == 0.75
    sure = tracked(perception__beliefs=True, perception__mistrust=mistrust, states__greed=0.0)
    shown = layout.observed_beliefs(sure.observations, 2)[0, 0, 0]
    assert shown == (
        1.0 if mistrust < 1.0 else 0.0
    )  # what is known for sure moves by no odds but those of the worst case


def test_trust_is_the_middle_of_a_range_whatever_was_drawn() -> None:
    w = Worlds(quiet(2, motives__p_greedy=[0.2, 0.6]), 200, seed=3)
    assert len(np.unique(w.states["greed"] > 0)) == 2
    assert w.pairs["belief"][:, 0, 1] == pytest.approx(0.6)


@pytest.mark.parametrize("deed", ["align", "attack"])
def test_a_greed_that_is_fixed_is_known_and_deeds_do_not_move_it(deed: str) -> None:
    w = tracked(3, states__greed={"state_0": 0.0, "state_1": 2.0}, war__mobilization_required=False)
    for _ in range(3):
        play(w, **{f"s{i}": {"stance": {j: deed for j in range(3) if j != i}} for i in range(3)})
    assert [belief(w, 1, 0), belief(w, 2, 0), belief(w, 0, 1), belief(w, 2, 1)] == [1.0, 1.0, 0.0, 0.0]
    assert belief(w, 0, 2) not in (0.75, 0.0, 1.0)


@pytest.mark.parametrize(("p_greedy", "greed", "trust"), [(1.0, 1.5, 0.0), (0.0, 1.5, 1.0), (0.5, 0.0, 1.0)])
def test_certainty_at_the_start_is_for_good(p_greedy: float, greed: float, trust: float) -> None:
    """A greed of 0 makes a security seeker, however likely it is."""
    w = tracked(motives__p_greedy=p_greedy, motives__greed=greed)
    for _ in range(4):
        play(w, s1={"stance": {0: "mobilize"}, "offense": "full", "signal": "threaten"})
    assert belief(w, 0, 1) == trust


# --- deeds by hand ----------------------------------------------------------------------------------------------


def test_a_war_deed_by_deed() -> None:
    """The tables of model.md, in odds; silence says nothing, and q = 0 hides what is built."""
    w = tracked()
    first = second = 1.0
    turns: list[tuple[str, float, str, float]] = [
        # of state_0, of state_1: its stance and what it is worth
        ("neutral", 0.60 / 0.52, "mobilize", (0.08 + 0.02) / (0.18 + 0.10)),  # an attack is not open yet
        ("neutral", 0.35 / 0.27, "attack", 0.02 / 0.10),  # the one provoked, the other not
        ("mobilize", (0.40 + 0.15) / (0.40 + 0.25), "attack", 0.02 / 0.10),
        ("attack", 0.15 / 0.25, "align", 0.10 / 0.08),
        ("align", 0.30 / 0.20, "mobilize", (0.40 + 0.15) / (0.40 + 0.25)),  # who aligned last gave no cause
    ]
    for mine, worth, yours, costs in turns:
        play(w, s0={"stance": {1: mine}, "offense": "half"}, s1={"stance": {0: yours}, "offense": "full"})
        assert (w.pairs["stance"][0, 0, 1], w.pairs["stance"][0, 1, 0]) == (Stance[mine.upper()], Stance[yours.upper()])
        first, second = first * worth, second * costs
        assert belief(w, 1, 0) == pytest.approx(posterior(first), rel=1e-12)
        assert belief(w, 0, 1) == pytest.approx(posterior(second), rel=1e-12)
    assert belief(w, 0, 0) == belief(w, 1, 1) == 1.0


def test_deeds_toward_third_states_count_alike_and_for_all_observers() -> None:
    w = tracked(4)
    play(w, s1={"stance": {0: "align", 2: "mobilize", 3: "neutral"}})
    odds = 0.30 / 0.20 * 0.10 / 0.28 * 0.60 / 0.52
    assert [belief(w, i, 1) for i in (0, 2, 3)] == pytest.approx([posterior(odds)] * 3, rel=1e-12)
    play(w, s2={"stance": {1: "mobilize"}}, s1={"stance": {2: "attack"}})
    assert belief(w, 0, 1) == pytest.approx(posterior(odds * 0.02 / 0.10 * (0.60 / 0.52) ** 2), rel=1e-12)
    third = (0.60 / 0.52) ** 3  # of the first turn; on the second state_2 mobilizes against one that gave it cause
    assert belief(w, 3, 2) == pytest.approx(posterior(third * 0.55 / 0.65 * (0.60 / 0.52) ** 2), rel=1e-12)


def test_a_call_that_is_open_is_a_cause() -> None:
    w = tracked(3, war__mobilization_required=False)
    play(w, s0={"stance": {1: "align"}}, s1={"stance": {0: "align"}}, s2=attack(1))
    before = float(w.pairs["evidence"][0, 1, 0])
    play(w, s0=attack(2))
    assert w.pairs["call_honoured"][0, 0, 1]
    now = float(w.pairs["evidence"][0, 1, 0])
    assert now / before == pytest.approx(0.15 / 0.25 * 0.60 / 0.52, rel=1e-12)


def test_reassurance_reassures_and_broken_it_betrays() -> None:
    w = tracked()
    play(w, s1={"signal": "reassure", "stance": {0: "mobilize"}})
    # the attack that is not open yet is held back, too: of 0.02 a fifth is left, of 0.10 seven tenths
    odds = 0.30 / 0.20 * (0.08 + 0.02 * 0.2) / (0.18 + 0.10 * 0.7)
    assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)
    play(w)
    odds *= (0.60 + 0.02 * 0.8) / (0.52 + 0.10 * 0.3)
    assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)
    play(w, s1={"signal": "reassure", "stance": {0: "mobilize"}})
    odds *= 0.30 / 0.20 * (0.08 + 0.02 * 0.2) / (0.18 + 0.10 * 0.7)
    play(w, s1=attack(0))
    odds *= 0.02 * 0.2 / (0.10 * 0.7)
    assert w.states["pledge_broken"][0, 1]
    assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)
    play(w, s1=attack(0))  # the pledge is gone
    odds *= 0.02 / 0.10
    assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)


def test_a_pledge_restrains_on_each_of_its_turns_and_no_longer() -> None:
    w = tracked()  # pledges of 3 turns
    held, free = (0.60 + 0.02 * 0.8) / (0.52 + 0.10 * 0.3), 0.60 / 0.52
    odds = 0.30 / 0.20
    for signal, stance in (("reassure", held), ("silence", held), ("silence", held), ("silence", free)):
        play(w, s1={"signal": signal})
        odds *= stance
        assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)


def test_talk_that_costs_nothing_to_break_says_nothing() -> None:
    w = tracked(signals__audience_cost=0.0, war__mobilization_required=False)
    play(w, s0={"signal": "threaten"}, s1={"signal": "reassure", **attack(0)})
    assert belief(w, 1, 0) == pytest.approx(posterior(0.60 / 0.52), rel=1e-12)
    assert belief(w, 0, 1) == pytest.approx(posterior(0.02 / 0.10), rel=1e-12)


def test_signals_count_as_they_were_heard() -> None:
    """Noise 1/4: a seeker is heard to reassure with .75 .3 + .25 .1, a greedy state with .75 .2 + .25 .2."""
    w = tracked(num_worlds=400, perception__signal_noise=0.25, perception__beliefs=True)
    play(w, s1={"signal": "reassure"})
    heard = w.observations[:, 0, layout.OWN_SIZE + layout.Other.HEARD_REASSURE] == 1
    assert 0.6 < heard.mean() < 0.9
    stance = (0.60 + 0.02 * 0.8) / (0.52 + 0.10 * 0.3)
    evidence = w.pairs["evidence"][:, 0, 1]
    assert evidence[heard] == pytest.approx(0.25 / 0.20 * stance, rel=1e-12)
    assert evidence[~heard] == pytest.approx(0.15 / 0.20 * stance, rel=1e-12)


def test_what_the_scenario_rules_out_shows_as_what_stands_in_for_it() -> None:
    w = tracked(actions__signal=["silence", "threaten"], actions__stance=["neutral", "mobilize"])
    play(w, s0={"stance": {1: "mobilize"}})
    # reassurance is silence, alignment neutral, and attack always mobilization
    assert float(w.pairs["evidence"][0, 1, 0]) == pytest.approx(0.90 / 0.80 * 0.10 / 0.28, rel=1e-12)
    assert float(w.pairs["evidence"][0, 0, 1]) == pytest.approx(0.90 / 0.80 * 0.90 / 0.72, rel=1e-12)
    w = tracked(actions__signal=["silence"], actions__stance=["neutral", "attack"], war__mobilization_required=False)
    play(w, s0=attack(1))
    assert float(w.pairs["evidence"][0, 1, 0]) == pytest.approx(0.02 / 0.10, rel=1e-12)
    assert float(w.pairs["evidence"][0, 0, 1]) == pytest.approx(0.98 / 0.90, rel=1e-12)


def test_evidence_has_bounds_from_which_deeds_can_move_it() -> None:
    w = tracked(horizon=100, war__mobilization_required=False)
    for _ in range(40):
        play(w, s0=attack(1), s1={"stance": {0: "align"}})
    assert belief(w, 1, 0) == pytest.approx(posterior(1e-4), rel=1e-9)
    play(w, s1={"stance": {0: "align"}})
    assert belief(w, 1, 0) == pytest.approx(posterior(1e-4 * 0.60 / 0.52), rel=1e-9)
    w = tracked(horizon=300)
    for _ in range(200):
        play(w)
    assert belief(w, 1, 0) == pytest.approx(posterior(1e4), rel=1e-9) and belief(w, 1, 0) < 1


def test_beliefs_about_the_fallen_stay() -> None:
    w = tracked(3, war__mobilization_required=False, war__conquest=1.0, states__offense=50.0, war__decisiveness=8.0)
    play(w, s0=attack(1), s2=attack(1))
    assert not w.states["standing"][0, 1]
    about, held = belief(w, 0, 1), belief(w, 1, 0)
    assert about == pytest.approx(posterior((0.60 / 0.52) ** 2), rel=1e-12)  # it stood when the turn began
    play(w, s0={"stance": {2: "mobilize"}})
    assert belief(w, 0, 1) == about
    # the fallen look on; toward them nobody can do anything that tells
    assert belief(w, 1, 0) == pytest.approx(posterior(held / (1 - held) / 3 * (0.08 / 0.18)), rel=1e-9)


# --- posture ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.0, 0.3, 0.8, 0.999])
@pytest.mark.parametrize("trust", [0.1, 0.75])
def test_one_reading_of_a_posture_is_section_sevens(q: float, trust: float) -> None:
    w = tracked(technology__distinguishability=q, motives__p_greedy=1 - trust, **ARMS_ONLY)
    assert belief(w, 0, 1) == pytest.approx(trust)
    for level in ("half", "full", "none", "half"):  # a stock that stands is read once, however long it stands
        play(w, s0={"offense": level}, s1={"defense": level})
        assert belief(w, 0, 1) == pytest.approx(trust * (1 + q) / (1 + q * (2 * trust - 1)), abs=1e-12)
        assert belief(w, 1, 0) == pytest.approx(trust * (1 - q) / (1 - q * (2 * trust - 1)), abs=1e-12)


def test_a_posture_read_for_certain_says_as_much_as_can_be_said() -> None:
    """All defence where arms cannot be mistaken, from one that mobilized unprovoked; and all offence."""
    w = tracked(technology__distinguishability=1.0)
    play(w, s0={"offense": "half"}, s1={"defense": "half", "stance": {0: "mobilize"}})
    assert belief(w, 0, 1) == pytest.approx(posterior((0.08 + 0.02) / (0.18 + 0.10) * 1e4), rel=1e-9)
    assert belief(w, 1, 0) == pytest.approx(posterior(1e-4), rel=1e-9)


def test_arms_that_were_given_or_are_of_both_kinds_alike_say_nothing() -> None:
    w = tracked(technology__distinguishability=1.0, states__offense=5.0, **ARMS_ONLY)
    play(w, s1={"offense": "half", "defense": "half"})
    assert belief(w, 1, 0) == belief(w, 0, 1) == pytest.approx(0.75, abs=1e-12)


def test_a_posture_changes_as_the_stock_does() -> None:
    """Two levels of offence, then one of defence, of arms of which half wear out: 1 : 1, then ½ : 2½."""
    w = tracked(technology__distinguishability=0.6, arming__depreciation=0.5, **ARMS_ONLY)
    for order, share in (({"offense": "full"}, 1), ({"defense": "half"}, 1 / 2), ({"defense": "full"}, 1 / 6)):
        play(w, s1=order)
        looks = 0.6 * share + 0.4 / 2
        assert belief(w, 0, 1) == pytest.approx(posterior((1 - looks) / looks), rel=1e-12)


# --- calibration ------------------------------------------------------------------------------------------------


def as_the_tables_say(w: Worlds, rng: np.random.Generator, swords: np.ndarray) -> np.ndarray:
    """Actions of states that behave as model.md says of their types; ``swords``: bool (B, N), who arms for attack."""
    b, n = swords.shape
    greedy = (w.states["greed"] > 0).astype(int)
    actions = np.zeros((b, n, Head.STANCE + n - 1), int)
    actions[..., Head.BUILD_OFFENSE] = np.where(swords, 1, 0)
    actions[..., Head.BUILD_DEFENSE] = np.where(swords, 0, 1)
    said = drawn(filter_.SIGNALS[greedy], rng)
    actions[..., Head.SIGNAL] = said
    pledged = (said == Signal.REASSURE) | (w.states["pledge"] > 1)
    for j in range(n):
        for k in range(n):
            if k == j:
                continue
            called = (w.states["named"][:, j] >> k) & 1 == 1
            provoked = (w.pairs["stance"][:, k, j] >= Stance.MOBILIZE) | called
            wanted = drawn(filter_.STANCES[greedy[:, j], provoked.astype(int)], rng)
            restrained = pledged[:, j] & (rng.random(b) < filter_.RESTRAINT[greedy[:, j]])
            wanted[(wanted == Stance.ATTACK) & restrained] = Stance.NEUTRAL
            actions[:, j, Head.STANCE + k - (k > j)] = wanted
    return actions


def drawn(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw from each row of probabilities (..., K)."""
    return (rng.random(chances.shape[:-1])[..., None] > chances.cumsum(axis=-1)).sum(axis=-1)


@pytest.mark.parametrize("ladder", [True, False])
def test_beliefs_are_true_on_average_and_at_every_level(ladder: bool) -> None:
    """Where states do as the tables say: share of seekers = mean belief, in all and among those believed alike.

    Each of 4000 x 3 states is judged by one observer, whose posterior is exact: errors of two states of a world are
    uncorrelated, so that the standard error of the mean error is the root of the mean of b (1 - b), over root n.
    """
    q = 0.5
    w = tracked(
        3, num_worlds=4000, seed=11, motives__p_greedy=0.4, technology__distinguishability=q, war__conquest=0.3,
        perception__signal_noise=0.2, war__mobilization_required=ladder, signals__pledge_turns=2,
        states__offense=1.0,
    )  # fmt: skip
    rng = np.random.default_rng(5)
    seeker = w.states["greed"] == 0
    swords = rng.random(seeker.shape) < np.where(seeker, (1 - q) / 2, (1 + q) / 2)
    observer, judged = [1, 2, 0], [0, 1, 2]
    spread = []
    for _ in range(6):
        w.step(as_the_tables_say(w, rng, swords))
        believed = w.pairs["belief"][:, observer, judged]
        for low, high in ((0, 1), (0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1)):
            alike = (believed >= low) & (believed < high)
            b = believed[alike]
            if len(b) >= 100:
                error = np.sqrt((b * (1 - b)).mean() / len(b))
                assert abs(b.mean() - seeker[alike].mean()) < 4 * error, (low, high)
        spread.append(np.mean((believed - seeker) ** 2))
    assert spread[-1] < 0.6 * 0.24  # they do learn: .24 is the error of trust alone
    assert w.states["illegal"].any() == ladder


# --- what beliefs must not do -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [{}, NEWER_RULES], ids=["default", "newer rules"])
@pytest.mark.parametrize("seed", range(3))
def test_beliefs_follow_from_deeds_never_from_types(seed: int, rules: dict[str, Any]) -> None:
    """The same worlds with another type of state_1, the same actions: others see and believe the same, bit for bit."""
    scenario = quiet(
        3, **BASE, perception__beliefs=True, perception__noise=0.4, perception__signal_noise=0.3, war__outcome="gamble",
        technology__distinguishability=0.7, **rules,
    )  # fmt: skip
    pair = [Worlds(scenario, 8, seed=seed) for _ in range(2)]
    for w, greed in zip(pair, (0.0, 3.0), strict=True):
        w.states["greed"][:, 1] = greed
    rng = np.random.default_rng(seed)
    for _ in range(40):
        actions = random_actions(rng, pair[0])
        for w in pair:
            w.step(actions)
        a, b = pair
        assert a.pairs["belief"].tobytes() == b.pairs["belief"].tobytes()
        assert (a.observations[:, [0, 2]] == b.observations[:, [0, 2]]).all()
    assert len(np.unique(a.pairs["belief"])) > 20


def test_tracking_changes_nothing_that_anybody_sees_and_is_off_unless_asked_for() -> None:
    scenario = quiet(3, **BASE, perception__noise=0.3)
    plain, told = Worlds(scenario, 4, seed=2), Worlds(scenario, 4, seed=2, track_beliefs=True)
    rng = np.random.default_rng(2)
    for _ in range(20):
        actions = random_actions(rng, plain)
        plain.step(actions)
        told.step(actions)
        for name in ("worlds", "observations", "masks", "rewards"):
            assert getattr(plain, name).tobytes() == getattr(told, name).tobytes()
    off_diagonal = ~np.eye(3, dtype=bool)
    assert (plain.pairs["belief"][:, off_diagonal] == 0.75).all()
    assert (told.pairs["belief"][:, off_diagonal] != 0.75).all()
    assert not plain.states["effort_offense"].any()


def test_logs_hold_beliefs_though_the_worlds_do_not_track_them() -> None:
    scenario = quiet(3, **BASE, horizon=5)
    plain, told = Worlds(scenario, seed=2), Worlds(scenario, seed=2, track_beliefs=True)
    recorder = Recorder(plain)
    rng = np.random.default_rng(0)
    logs: tuple[EpisodeLog, ...] = ()
    while not logs:
        actions = random_actions(rng, plain)
        plain.step(actions)
        told.step(actions)
        logs = recorder.turn(actions)
    assert (logs[0].pairs["belief"][0] == np.where(np.eye(3), 1.0, 0.75)).all()
    assert (logs[0].pairs["belief"][-1] == told.pairs["belief"][0]).all()
    assert verify(logs[0])


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "snapshot"])
def test_a_copy_goes_on_believing(how: str) -> None:
    def fresh(seed: int) -> Worlds:
        return Worlds(quiet(3, **BASE), 3, seed=seed, autoreset=True, track_beliefs=True)

    w, twin = fresh(4), fresh(5)
    rng = np.random.default_rng(1)
    for _ in range(7):
        w.step(random_actions(rng, w))
    if how == "snapshot":
        twin.restore(w.snapshot())
    else:
        twin = copy.deepcopy(w) if how == "deepcopy" else pickle.loads(pickle.dumps(w))
    for _ in range(60):
        actions = random_actions(rng, w)
        w.step(actions)
        twin.step(actions)
        assert w.pairs.tobytes() == twin.pairs.tobytes() and w.states.tobytes() == twin.states.tobytes()


def test_a_new_episode_begins_with_trust() -> None:
    w = Worlds(quiet(2, **BASE, horizon=3), 2, seed=0, autoreset=True, track_beliefs=True)
    for turn in range(1, 4):
        play(w, s1={"stance": {0: "mobilize"}, "offense": "full"})
        assert (belief(w, 0, 1) == 0.75) == (turn == 3)
    assert w.states["effort_offense"].tolist() == [[0, 0], [0, 0]]


# --- the column -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [True, False])
@pytest.mark.parametrize("n", [2, 4])
def test_the_column_shows_the_belief_and_moves_nothing_else(n: int, context: bool) -> None:
    def of(beliefs: bool) -> Worlds:
        settings = {"perception__noise": 0.2, "perception__beliefs": beliefs, "perception__context_observed": context}
        return Worlds(quiet(n, **BASE, **settings, horizon=4), 3, seed=6, autoreset=True)

    shown, hidden = of(True), of(False)
    names = layout.observation_names(n, context, beliefs=True)
    wanted = [name for name in names if name.endswith(".belief")]
    assert wanted == [f"other{slot}.belief" for slot in range(n - 1)]
    rest = [k for k, name in enumerate(names) if name not in wanted]
    assert [names[k] for k in rest] == layout.observation_names(n, context)
    rng = np.random.default_rng(0)
    for _ in range(9):
        actions = random_actions(rng, shown)
        shown.step(actions)
        hidden.step(actions)
        for kind in ("observations", "final_observations"):
            assert (getattr(shown, kind)[..., rest] == getattr(hidden, kind)).all()
        held = np.array(
            [[shown.pairs["belief"][b, i, [j for j in range(n) if j != i]] for i in range(n)] for b in range(3)]
        )
        assert (layout.observed_beliefs(shown.observations, n) == held.astype(np.float32)).all()
        assert column(shown, 1, "belief", 0) == pytest.approx(belief(shown, 1, 0), rel=1e-6)


def test_the_size_of_an_observation_says_what_it_holds() -> None:
    for n in range(layout.MIN_STATES, layout.MAX_STATES + 1):
        for parts in [(True, True), (True, False), (False, True), (False, False)]:
            size = layout.observation_size(n, *parts)
            assert layout.observation_parts(size, n)[:2] == parts
            assert len(layout.observation_low(n, *parts)) == len(layout.observation_names(n, *parts)) == size
    with pytest.raises(ValueError, match=r"observation of 50 columns is none of 2 states: they have 47, 48, 86, 87\."):
        layout.observation_parts(50, 2)
    with pytest.raises(ValueError, match="47 columns hold no beliefs"):
        layout.observed_beliefs(np.zeros((3, 47)), 2)


# --- the tables -------------------------------------------------------------------------------------------------


def test_the_manual_has_the_numbers_of_the_rules() -> None:
    text = MODEL.read_text(encoding="utf-8")
    cells = {
        cell[0].strip("` "): [float(x) for x in cell[1:]] for cell in map(row_of, text.splitlines()) if len(cell) > 2
    }
    for stance in Stance:
        wanted = filter_.STANCES[:, :, stance].T.ravel()  # unprovoked seeker and greedy, then provoked
        assert cells[stance.name.lower()] == wanted.tolist()
    for signal in Signal:
        assert cells[signal.name.lower()] == filter_.SIGNALS[:, signal].tolist()
    assert f"a seeker {filter_.RESTRAINT[0]}, a greedy state {filter_.RESTRAINT[1]}" in " ".join(text.split())


def row_of(line: str) -> list[str]:
    """The cells of a row of numbers, else nothing."""
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    try:
        [float(cell) for cell in cells[1:]]
    except ValueError:
        return []
    return cells


def test_the_tables_are_probabilities() -> None:
    for table in (filter_.STANCES, filter_.SIGNALS):
        assert (table > 0).all() and table.sum(axis=-1) == pytest.approx(1.0, abs=1e-12)
    assert ((filter_.RESTRAINT > 0) & (filter_.RESTRAINT < 1)).all()
