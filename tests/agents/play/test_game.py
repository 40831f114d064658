"""A game of people and policies: the same game as everywhere else, and nothing but legal, timely choices in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agents
from agents.play.game import Game, PlayError, seats_of
from sd_env.errors import RefusedError
from sd_env.layout import Head, Stance
from sd_env.policies import PolicyError
from sd_env.record import record, verify
from sd_env.record.episode import same
from sd_env.scenario import Scenario

SHORT = {"horizon": 6}
QUIET = [0, 0, 0, 1]


def scenario(name: str = "jervis/doubly-dangerous", **keys: Any) -> Scenario:
    return Scenario.load(name, {**SHORT, **keys})


def played(game: Game, seat: int = 0) -> Game:
    while not game.over:
        game.choose(seat, game.turn, game.view(seat)["defaults"])
    return game


def test_without_people_it_is_the_episode_that_record_keeps() -> None:
    world = Scenario.load("history/1914-chain-gang")
    kept = record(world, agents.make("random"), seed=7)
    log = Game(world, 7, [], ["random"]).log()
    assert same(log.states, kept.states) and same(log.pairs, kept.pairs) and log.turns == kept.turns
    assert verify(log)


def test_a_person_who_does_what_a_policy_does_plays_that_policys_game() -> None:
    world = Scenario.load("history/1914-chain-gang")
    kept = record(world, agents.make("bayesian-realist"), seed=5)
    game = Game(world, 5, [2], ["bayesian-realist"])
    for actions in kept.actions:
        game.choose(2, game.turn, actions[2].tolist())
    assert game.over and same(game.log().states, kept.states) and same(game.log().rewards, kept.rewards)
    assert game.labels == ("bayesian-realist", "bayesian-realist", "", *["bayesian-realist"] * 3)


def test_one_policy_each_in_index_order() -> None:
    game = Game(scenario("jervis/multipolar"), 1, [1], ["dove", "hawk", "random"])
    assert game.labels == ("dove", "", "hawk", "random")


@pytest.mark.parametrize(
    ("people", "against", "why"),
    [([0], [], "against has 0 policies"), ([0], ["dove"] * 2, "one for each of 3"), ([9], ["dove"], "a seat is 9"),
     ([0, 1, 2, 3], ["dove"] * 3, "against has 3")],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused(people: list[int], against: list[str], why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        Game(scenario("jervis/multipolar"), 1, people, against)


def test_a_policy_that_there_is_not_is_refused() -> None:
    with pytest.raises(PolicyError, match="tit-for-tat"):
        Game(scenario(), 1, [0], ["tit-for-tatt"])


@pytest.mark.parametrize(
    ("turn", "choices", "why"),
    [
        (2, QUIET, "turn is 2, but turn 1"),
        (0, QUIET, "turn is 0"),
        ("1", QUIET, "turn is '1'"),
        (True, QUIET, "turn is True"),
        (1, [0, 0, 0], "choices are 3; 4 are needed"),
        (1, [0, 0, 0, 4], "stance toward State_1 is 4; 0 to 3"),
        (1, [0, 0, 0, -1], "a choice is -1"),
        (1, [0, 0, 0, 1.0], "a choice is 1.0"),
        (1, [0, 0, 0, None], "a choice is None"),
        (1, [0, 0, False, 1], "a choice is False"),
        (1, "0001", "choices are str"),
        (1, {"0": 1}, "choices are dict"),
        (1, [0, 0, 0, int(Stance.ATTACK)], "this choice is not legal"),
        (1, [0, 0, 0, 10**30], "a choice is 1000"),
    ],
)
def test_what_is_no_choice_of_this_turn_is_refused_and_nothing_moves(turn: Any, choices: Any, why: str) -> None:
    game = Game(scenario(), 1, [0], ["dove"])
    before = game.view(0)
    with pytest.raises(RefusedError, match=why):
        game.choose(0, turn, choices)
    assert game.view(0) == before and game.turn == 1 and not game.actions


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (7, "a list of rows"), ([[1, 0]], "attacker, target, chance"), ([[1, 0, 1.1]], "a chance is 1.1"),
        ([[1, 0, float("nan")]], "a chance is nan"), ([[0, 1, 0.5]], "others' attacks"),
        ([[1, 1, 0.5]], "others' attacks"), ([[1, 2, 0.5]], "a state of a forecast is 2"),
        ([[1, 0, True]], "a chance is True"), ([[1, 0, "x"]], "a chance"),
        ([[1, 0, 0.5]] * 9, "a list of rows"),
    ],
)  # fmt: skip
def test_what_is_no_forecast_is_refused(rows: Any, why: str) -> None:
    game = Game(scenario(), 1, [0], ["dove"])
    with pytest.raises(RefusedError, match=why):
        game.choose(0, 1, QUIET, rows)
    assert not game.actions


def test_a_choice_that_comes_twice_counts_once_and_another_one_is_refused() -> None:
    game = Game(scenario(), 1, [0, 1])
    assert game.choose(0, 1, QUIET) and not game.choose(0, 1, QUIET)
    assert game.turn == 1 and game.waiting == [1]
    with pytest.raises(PlayError, match="the first choice stands"):
        game.choose(0, 1, [1, 0, 0, 1])
    game.choose(1, 1, QUIET)
    assert game.turn == 2 and game.waiting == [0, 1]
    assert not game.choose(0, 1, QUIET), "late, but the same"
    with pytest.raises(PlayError, match="the first choice stands"):
        game.choose(0, 1, [1, 0, 0, 1])
    assert game.turn == 2


def test_a_game_that_is_over_takes_no_more() -> None:
    game = played(Game(scenario(), 1, [0], ["dove"]))
    with pytest.raises(PlayError, match="the game is over"):
        game.choose(0, game.turn, QUIET)
    assert not game.choose(0, game.turn - 1, game.actions[-1][0].tolist())
    assert game.log().turns == 6 and verify(game.log())


def test_nobody_plays_for_a_policy() -> None:
    game = Game(scenario(), 1, [0], ["dove"])
    with pytest.raises(PlayError, match="not played by a person"):
        game.choose(1, 1, QUIET)


def test_who_has_fallen_is_not_waited_for() -> None:
    world = Scenario.load("jervis/multipolar", {"horizon": 40, "war.conquest": 0.9, "states.defense": 0.0})
    game = Game(world, 2, [0, 1], ["hawk"])
    quiet = world.heads.noop
    while not game.over and game.waiting == [0, 1]:
        for seat in (0, 1):
            game.choose(seat, game.turn, quiet)
    fallen = [seat for seat in (0, 1) if seat not in game.waiting]
    assert fallen and not game.view(fallen[0])["standing"]
    if not game.over:
        turn = game.turn
        with pytest.raises(PlayError, match="has fallen"):
            game.choose(fallen[0], turn, quiet)
        while not game.over:
            [last] = game.waiting
            game.choose(last, game.turn, quiet)
    assert verify(game.log())


def test_a_turn_is_played_without_those_who_have_not_chosen() -> None:
    game = Game(scenario(), 1, [0, 1])
    game.choose(1, 1, [2, 0, 0, 1])
    assert game.hurry(1) == [0] and game.turn == 2
    assert game.actions[0].tolist() == [[0, 0, 0, 1], [2, 0, 0, 1]]
    assert game.hurry(1) == [] and game.turn == 2, "twice is once"
    with pytest.raises(PlayError, match="turn is 5"):
        game.hurry(5)


def test_a_game_that_is_played_again_goes_on_as_it_would_have() -> None:
    world = Scenario.load("jervis/multipolar", {"horizon": 8})
    one = Game(world, 4, [0], ["random", "generous-tit-for-tat", "richardson"])
    for _ in range(4):
        one.choose(0, one.turn, one.view(0)["defaults"])
    other = Game(world, 4, [0], ["random", "generous-tit-for-tat", "richardson"])
    for actions in one.actions:
        other.again(actions.tolist())
    assert other.view(0) == one.view(0)
    assert same(played(one).log().states, played(other).log().states)


def test_forecasts_are_scored_by_brier() -> None:
    world = scenario(horizon=4)
    game = Game(world, 1, [0, 1])
    mobilize, attack = [0, 0, 0, 2], [0, 0, 0, 3]
    for theirs, chance in ((mobilize, 0.2), (attack, 0.6), (QUIET, None), (QUIET, 0.0)):
        rows = [] if chance is None else [[1, 0, chance]]
        game.choose(0, game.turn, QUIET, rows)
        game.choose(1, game.turn, theirs)
    score = game.score(0)
    assert score == {"brier": round((0.04 + 0.16 + 0.0) / 3, 4), "count": 3, "share": round(1 / 3, 4),
                     "constant": round(1 / 3 * 2 / 3, 4)}  # fmt: skip
    assert game.score(1) is None
    assert game.reveal()["states"][0]["forecast"] == score


def test_the_view_says_what_each_choice_means_and_which_are_legal() -> None:
    world = Scenario.load("jervis/multipolar", {"arming.levels": 4, "war.force_levels": 2})
    view = Game(world, 1, [0], ["dove"]).view(0)
    heads = view["heads"]
    assert [head["head"] for head in heads[:5]] == ["build_offense", "build_defense", "signal", "stance", "extent"]
    assert [choice["word"] for choice in heads[0]["choices"]] == ["none", "1/4", "half", "3/4", "full"]
    assert len(heads) == 3 + 2 * 3 and len(view["defaults"]) == len(heads)
    for head in heads:
        assert head["asks"].endswith("?") and head["about"]
        assert all(choice["means"] for choice in head["choices"])
    attack = heads[3]["choices"][Stance.ATTACK]
    assert not attack["legal"] and "mobilized" in attack["why"]
    assert "State_1" in heads[3]["asks"]


def test_every_choice_of_every_head_has_words() -> None:
    from agents.play.words import CHOICES, HEADS

    assert set(HEADS) == set(Head)
    assert set(CHOICES) == {(head, int(choice)) for head in Head for choice in head.choices}


def test_news_tell_of_war_as_the_state_saw_it() -> None:
    game = Game(scenario(), 1, [0, 1])
    for mine, theirs in ((QUIET, [0, 0, 1, 2]), (QUIET, [0, 0, 0, 3])):
        game.choose(0, game.turn, mine)
        game.choose(1, game.turn, theirs)
        news = game.view(0)["news"]
        assert news[0] == ("State_1 mobilized against you." if game.turn == 2 else "State_1 attacked you.")
    assert "attacks you" in game.view(0)["others"][0]["ties"]
    assert "You attacked State_0." in game.view(1)["news"]
    lost = 1 - game.view(0)["you"]["homeland"]
    assert (lost > 0) == any(each.startswith("You lost") for each in game.view(0)["news"])


def test_states_are_found_by_name_with_the_nearest() -> None:
    world = Scenario.load("history/1914-chain-gang")
    assert seats_of(world, ["Germany", "austria-hungary", "SERBIA"]) == [0, 1, 5]
    with pytest.raises(PlayError, match="'germanny' is no state of history/1914-chain-gang; did you mean germany?"):
        seats_of(world, ["germanny"])
    with pytest.raises(PlayError, match="states are germany, "):
        seats_of(world, ["zzz"])


def test_after_the_last_turn_everything_is_told() -> None:
    game = played(Game(Scenario.load("history/1914-chain-gang"), 3, [0], ["bayesian-realist"]))
    told = game.view(0)["reveal"]
    log = game.log()
    assert [each["greed"] for each in told["states"]] == log.states["greed"][0].tolist()
    assert told["states"][0]["by"] == "a person" and told["seed"] == "3"
    assert np.allclose([each["return"] for each in told["states"]], log.rewards.sum(axis=0), atol=0.01)
    assert sum(each["attacks"] for each in told["states"]) == int(log.worlds["attacks"][-1])


def test_a_head_without_words_of_its_own_is_told_by_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from agents.play import words

    monkeypatch.delitem(words.HEADS, Head.STANCE)
    monkeypatch.delitem(words.CHOICES, (Head.STANCE, int(Stance.ALIGN)))
    stance = Game(scenario(), 1, [0], ["dove"]).view(0)["heads"][3]
    assert stance["asks"] == "stance toward State_1?" and stance["about"] == Head.STANCE.meaning
    assert stance["choices"][0]["means"] == "align"
