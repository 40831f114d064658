"""Leaders who fall (model.md sections 3.6 and 4.2): who, when, what others see and believe, and what is kept of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents import make
from sd_env import layout, measures
from sd_env.layout import Own
from sd_env.record import EpisodeLog, read_log, record, verify, write_log
from sd_env.rules import chance
from sd_env.worlds import Worlds
from tests.beliefs import ARMS_ONLY, BASE, as_the_tables_say, belief, posterior, tracked
from tests.table import attack, column, play, quiet, random_actions, worlds

WORLDS = 4000


def noop(w: Worlds) -> np.ndarray:
    return np.broadcast_to(np.array([layout.noop(w.num_states)] * w.num_states), (w.num_worlds, w.num_states, 4))


# --- the draw ---------------------------------------------------------------------------------------------------


def test_a_leader_falls_with_the_probability_given_and_the_next_is_drawn_as_the_first() -> None:
    """Of seekers .3 * .4 turn greedy in a turn, of the greedy .3 * .6 turn seekers; four standard errors."""
    w = worlds(num_worlds=WORLDS, motives__p_greedy=0.4, motives__turnover=0.3)
    before = w.states["greed"] > 0
    w.step(noop(w))
    after = w.states["greed"] > 0
    for kind, share in ((~before, 0.12), (before, 0.18)):
        error = np.sqrt(share * (1 - share) / kind.sum())
        assert (after != before)[kind].mean() == pytest.approx(share, abs=4 * error)


def test_a_new_leader_has_a_greed_of_its_own_from_the_range() -> None:
    w = worlds(num_worlds=200, motives__greed=[1.0, 2.0], motives__p_greedy=0.9, motives__turnover=1.0)
    before = w.states["greed"].copy()
    w.step(noop(w))
    both = (before > 0) & (w.states["greed"] > 0)
    new = w.states["greed"][both]
    assert (new != before[both]).all() and 1.0 <= new.min() < 1.1 and 1.9 < new.max() <= 2.0


def test_falls_and_the_greed_that_follows_belong_to_names_turn_and_state() -> None:
    """The fall is the draw of its name, the type and the greed are the start's names at a later turn."""
    w = worlds(3, num_worlds=20, seed=6, motives__greed=[1.0, 2.0], motives__p_greedy=0.5, motives__turnover=0.4)
    expected = w.states["greed"].copy()
    names = chance.TURNOVER, chance.named("type:greedy"), chance.named("state:greed")
    for turn in range(1, 6):
        for b, i in np.ndindex(expected.shape):
            fall, kind, value = (
                chance.uniform(w.worlds["key"][b], np.uint64(chance.slot_of(name, turn, i, 0))) for name in names
            )
            if fall < 0.4:
                expected[b, i] = 1.0 + value if kind < 0.5 else 0.0
        play(w)
        assert w.states["greed"] == pytest.approx(expected)


def test_certain_types_stay() -> None:
    """Fixed, or drawn with certainty; a state that the scenario does not name is drawn and may change."""
    fixed = {"states__greed": {"state_0": [1.0, 2.0], "state_1": 0.0}, "motives__p_greedy": 0.5}
    for settings, changes in (
        (fixed, [False, False, True]),
        ({"motives__p_greedy": 1.0, "motives__greed": [1.0, 2.0]}, [False] * 3),
        ({"motives__p_greedy": 0.0}, [False] * 3),
        ({"motives__p_greedy": 0.5}, [True] * 3),
        ({"motives__p_greedy": [0.2, 1.0]}, [True] * 3),  # a range is no certainty, whatever its end
        ({**fixed, "states__trust": {"default": 0.4}}, [False, False, True]),  # whatever they are held to be
        ({"motives__p_greedy": 0.5, "states__trust": 0.0}, [True] * 3),
    ):
        w = worlds(3, num_worlds=50, motives__turnover=1.0, **settings)
        before = w.states["greed"].copy()
        play(w)
        assert (w.states["greed"] != before).any(axis=0).tolist() == changes


def test_the_fallen_have_no_leaders_to_lose() -> None:
    w = worlds(
        3, num_worlds=50, war__conquest=1.0, war__base_defense=0.0, states__offense={"state_0": 9.0, "default": 0.0},
        technology__distinguishability=1.0, motives__p_greedy=0.5, motives__turnover=1.0,
    )  # fmt: skip
    before = w.states["greed"].copy()
    play(w, s0=attack(1))
    assert not w.states["standing"][:, 1].any()
    assert (w.states["greed"] != before).any(axis=0).tolist() == [True, False, True]


def test_no_leader_falls_when_the_world_has_ended() -> None:
    w = worlds(num_worlds=50, horizon=2, motives__p_greedy=0.5, motives__turnover=1.0)
    first = w.states["greed"].copy()
    play(w)
    second = w.states["greed"].copy()
    assert (second != first).any()
    play(w)
    assert w.truncations.all() and (w.states["greed"] == second).all()
    assert w.worlds["s_states"] == pytest.approx((second == 0).sum(axis=1))


def test_a_turn_pays_the_leader_who_played_it() -> None:
    """Holdings of one half at a greed of 2: 1 + 2 * .5 under the greedy, 1 under a seeker; tallies go by the turn."""
    w = worlds(num_worlds=50, states__holdings=0.5, motives__greed=2.0, motives__p_greedy=0.5, motives__turnover=1.0)
    seekers = np.zeros(50)
    for _ in range(3):
        ruled = w.states["greed"].copy()
        seekers += (ruled == 0).sum(axis=1)
        w.step(noop(w))
        assert w.rewards == pytest.approx(1.0 + ruled * 0.5)
    assert w.worlds["s_state_turns"] == pytest.approx(seekers)


# --- what is seen -----------------------------------------------------------------------------------------------


def test_nothing_else_moves_and_nobody_else_sees() -> None:
    """Worlds with and without turnover, same seed and actions: the same but for greed, where it is not rewarded."""
    loud: dict[str, Any] = {
        "perception__noise": 0.4, "perception__signal_noise": 0.3, "war__outcome": "gamble", "technology__drift": 0.1,
        "motives__p_greedy": 0.5, "states__offense": 2.0, "continuation": 0.95, "war__spoils": 0.0,
    }  # fmt: skip
    still, restless = (
        Worlds(quiet(3, **loud, motives__turnover=turnover), 20, seed=4, autoreset=True) for turnover in (0.0, 0.3)
    )
    rng = np.random.default_rng(1)
    changed = 0
    for _ in range(60):
        actions = random_actions(rng, still)
        still.step(actions)
        restless.step(actions)
        changed += int((still.states["greed"] != restless.states["greed"]).sum())
        for name in layout.STATES.names:
            if name != "greed":
                assert (still.states[name] == restless.states[name]).all(), name
        assert still.pairs.tobytes() == restless.pairs.tobytes()
        assert (still.rewards == restless.rewards).all()
        seen = (still.observations != restless.observations).any(axis=(0, 1))
        assert not np.delete(seen, Own.GREED).any()
    assert changed > 100


@pytest.mark.parametrize("seed", range(3))
def test_the_greed_of_others_never_shows_though_it_changes(seed: int) -> None:
    """Two worlds that differ in state_1's first greed: the others see the same before its leader fell and after."""
    loud: dict[str, Any] = {
        "perception__noise": 0.4, "perception__signal_noise": 0.3, "perception__beliefs": True,
        "war__outcome": "gamble", "motives__p_greedy": 0.5, "motives__turnover": 0.1, "states__offense": 2.0,
        "technology__distinguishability": 0.6, "signals__audience_cost": 0.2,
    }  # fmt: skip
    pair = [Worlds(quiet(3, **loud), 8, seed=seed) for _ in range(2)]
    for w, greed in zip(pair, (0.0, 3.0), strict=True):
        w.states["greed"][:, 1] = greed
    rng = np.random.default_rng(seed)
    other = []
    for _ in range(49):
        actions = random_actions(rng, pair[0])
        for w in pair:
            w.step(actions)
        for kind in ("observations", "masks"):
            a, b = (getattr(w, kind) for w in pair)
            assert (a[:, [0, 2]] == b[:, [0, 2]]).all()
        one, two = (w.observations[:, 1, Own.GREED] for w in pair)
        other.append((one != two).mean())
    assert other[0] > 0.5 > 0.25 > other[-1]  # of 8 leaders .9 ** 49 of one is left


# --- what is believed -------------------------------------------------------------------------------------------


def test_beliefs_fade_toward_trust_between_turns() -> None:
    """Trust .75, a fall in five turns: after each turn but the last b <- .8 b + .2 * .75."""
    w = tracked(motives__turnover=0.2, horizon=3)
    b = 0.75
    deeds = ("mobilize", (0.08 + 0.02) / (0.18 + 0.10)), ("attack", 0.02 / 0.10), ("neutral", 0.60 / 0.52)
    for turn, (deed, worth) in enumerate(deeds):
        play(w, s1={"stance": {0: deed}})
        b = posterior(worth, b)
        if turn < 2:
            b = 0.8 * b + 0.2 * 0.75
        assert belief(w, 0, 1) == pytest.approx(b, rel=1e-12)
    assert w.truncations.all()


def test_beliefs_fade_toward_the_trust_that_the_scenario_gives_even_about_a_type_that_stays() -> None:
    w = tracked(motives__turnover=0.2, horizon=3, states__greed={"state_1": 2.0}, states__trust={"state_1": 0.4})
    play(w, s1={"stance": {0: "mobilize"}})
    b = posterior((0.08 + 0.02) / (0.18 + 0.10), 0.4)
    assert belief(w, 0, 1) == pytest.approx(0.8 * b + 0.2 * 0.4, rel=1e-12)


def test_with_leaders_who_fall_every_turn_nothing_is_learnt() -> None:
    w = tracked(motives__turnover=1.0, technology__distinguishability=0.8)
    for _ in range(3):
        play(w, s1={"stance": {0: "mobilize"}, "offense": "full"})
        assert belief(w, 0, 1) == pytest.approx(0.75, abs=1e-12)


def test_with_leaders_who_hardly_ever_fall_beliefs_are_those_of_types_that_last() -> None:
    settings: dict[str, Any] = {"technology__distinguishability": 0.6, "arming__depreciation": 0.3}
    last, change = tracked(3, **settings), tracked(3, **settings, motives__turnover=1e-9)
    rng = np.random.default_rng(3)
    for _ in range(6):
        actions = random_actions(rng, last)
        last.step(actions)
        change.step(actions)
        assert change.pairs["belief"] == pytest.approx(last.pairs["belief"], abs=1e-5)
    assert (last.states["posture"] == 1.0).all()  # of types that last the evidence holds no posture, as before
    assert (change.states["posture"] != 1.0).any()


def test_a_posture_that_stands_is_forgotten_and_only_its_change_is_news() -> None:
    """q = .6: the first shield is worth 1.6 / .4 = 4, a second is the same posture; as many swords take it all back."""
    w = tracked(technology__distinguishability=0.6, motives__turnover=0.2, **ARMS_ONLY)
    b = 0.75
    shield, swords = {"defense": "half"}, {"offense": "full"}
    for order, news in ((shield, 4.0), (shield, 1.0), ({}, 1.0), (swords, 1 / 4)):
        play(w, s1=order)
        b = 0.8 * posterior(news, b) + 0.2 * 0.75
        assert belief(w, 0, 1) == pytest.approx(b, rel=1e-12)


def test_even_a_posture_read_for_certain_is_forgotten() -> None:
    """All offence where arms cannot be mistaken: odds of 1e-4, and then nothing new, turn after turn."""
    w = tracked(technology__distinguishability=1.0, motives__turnover=0.2, **ARMS_ONLY)
    b = 0.75
    for news in (1e-4, 1.0, 1.0, 1.0):
        play(w, s1={"offense": "half"})
        b = 0.8 * posterior(news, b) + 0.2 * 0.75
        assert belief(w, 0, 1) == pytest.approx(b, rel=1e-9)


def test_beliefs_are_true_where_types_change() -> None:
    """As in test_beliefs_tables, with leaders who fall in one turn of seven: share of seekers = belief, among alike."""
    w = tracked(
        3, num_worlds=WORLDS, seed=11, motives__p_greedy=0.4, motives__turnover=0.15, perception__signal_noise=0.2,
        war__mobilization_required=False, signals__pledge_turns=2, states__offense=1.0,
    )  # fmt: skip
    rng = np.random.default_rng(5)
    swords = np.zeros((WORLDS, 3), np.bool_)
    observer, judged = [1, 2, 0], [0, 1, 2]
    for _ in range(10):
        w.step(as_the_tables_say(w, rng, swords))
        believed, seeker = w.pairs["belief"][:, observer, judged], w.states["greed"] == 0
        for low, high in ((0.0, 1.0), (0.0, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 1.0)):
            alike = (believed >= low) & (believed <= high)
            error = np.sqrt((believed * (1 - believed))[alike].mean() / alike.sum())
            assert alike.sum() > 300
            assert (seeker - believed)[alike].mean() == pytest.approx(0.0, abs=4 * error)


# --- what is kept -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def log() -> EpisodeLog:
    scenario = quiet(3, **BASE, motives__turnover=0.3, motives__greed=[1.0, 2.0], horizon=30)
    return record(scenario, [make("random") for _ in range(3)], seed=2)


def test_a_log_has_the_greed_of_every_turn_and_is_verified(log: EpisodeLog, tmp_path: Any) -> None:
    again = read_log(write_log(tmp_path / "log.jsonl", log))
    assert again == log and verify(again)
    assert len(np.unique(log.states["greed"][:, 0])) > 2


def test_logs_tell_each_leader_who_wants_something_else(log: EpisodeLog) -> None:
    told = {
        (event.turn, event.agent): event.greed
        for turn in log.events
        for event in turn
        if type(event).__name__ == "LeaderFalls"
    }
    changes = {
        (turn, log.agents[i]): log.states["greed"][turn, i]
        for turn in range(1, log.turns + 1)
        for i in range(3)
        if log.states["greed"][turn, i] != log.states["greed"][turn - 1, i]
    }
    assert told == changes and len(changes) > 5
    assert not any(turn == log.turns for turn, _ in told)


def test_measures_go_by_who_led_on_the_turn(log: EpisodeLog) -> None:
    """The beliefs of one who knows every leader have no error; of one who knows the first alone they have."""
    known = np.broadcast_to((log.states["greed"] == 0)[:, None, :], log.pairs.shape).astype(float)
    first = np.broadcast_to(known[:1], log.pairs.shape)
    assert measures.misperception(log, known) == measures.mistrust_bias(log, known) == 0.0
    assert measures.misperception(log, first) > 0.1
    assert sum(war.tragic for war in measures.wars(log)) == log.worlds["tragic_wars"][-1]


def test_the_event_reads_as_a_sentence(log: EpisodeLog) -> None:
    told = {str(event) for turn in log.events for event in turn if type(event).__name__ == "LeaderFalls"}
    assert any(text.endswith("falls, and the next seeks security") for text in told)
    assert any("falls, and the next is greedy (1." in text for text in told)


def test_the_state_itself_sees_its_new_leader() -> None:
    w = worlds(num_worlds=1, seed=1, motives__greed=[1.0, 2.0], motives__p_greedy=0.9, motives__turnover=1.0)
    before = column(w, 0, "greed")
    play(w)
    assert column(w, 0, "greed") == pytest.approx(float(w.states["greed"][0, 0])) != before
