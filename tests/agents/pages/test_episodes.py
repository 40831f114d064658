"""Telling episodes are among those that were counted, and the ones whose numbers say so."""

from __future__ import annotations

import numpy as np
import pytest

from agents import make
from agents.experiments.backfire import answers, backfired
from agents.pages.episodes import Game, chosen
from agents.table.play import returns_of
from sd_env.measures import first_shows, strikes_after
from sd_env.policies import RandomPolicy
from sd_env.scenario import Scenario

GAME = Scenario.load("jervis/doubly-dangerous")


def game(name: str, worlds: int = 24) -> Game:
    policy = RandomPolicy() if name == "random" else make(name)
    return Game(name, GAME, [policy] * 2, (name,) * 2, worlds, 3, specs=(name,))


def test_the_war_is_the_most_tragic_and_the_log_is_that_episode() -> None:
    played = game("random")
    frame = played.frame().assign(game="random")
    found = {each.kind: each for each in chosen(frame, lambda _: played)}
    war = found["most tragic war"].log
    row = frame[frame["world"] == war.world].iloc[0]
    assert row["tragic_wars"] == frame["tragic_wars"].max() > 0
    last = war.worlds[-1]
    assert (last["tragic_wars"], last["attacks"]) == (row["tragic_wars"], row["attacks"])
    assert np.allclose(war.rewards.sum(axis=0), returns_of(frame)[frame["world"] == war.world][0])


def test_the_best_cooperation_is_the_peace_that_is_worth_most() -> None:
    played = game("dove")
    frame = played.frame().assign(game="dove")
    [best] = chosen(frame, lambda _: played)
    assert best.kind == "best cooperation" and best.log.worlds["attacks"][-1] == 0
    assert best.log.rewards.sum() == pytest.approx(returns_of(frame).sum(axis=1).max())


def test_a_show_of_force_that_backfired_is_one_without_which_there_is_no_attack() -> None:
    played = Game("nervous", GAME, [RandomPolicy(), make("preemptor")], ("random", "preemptor"), 24, 3)
    logs = list(played.logs(range(played.worlds)).values())
    where = {"seed": played.seed, "worlds": played.worlds}
    found = backfired(GAME, played.cast, {}, logs, **where)
    shares = answers(GAME, played.cast, {}, logs, **where)
    shows = [(log, show) for log in logs for show in first_shows(log)]
    seekers = [int(log.states["greed"][0, show.challenger] == 0) for log, show in shows]
    provoked = [int(log.states["greed"][0, show.challenger] == 0) for log, show in found]
    assert found and all(strikes_after(log, show) for log, show in found)
    assert shares["provoked/security"] == sum(provoked) / sum(seekers)
    frame = played.frame().assign(game="nervous")
    [backfire] = [each for each in chosen(frame, lambda _: played) if each.kind == "show of force that backfired"]
    assert backfire.log.world in [log.world for log, _ in found]
    assert "shows its force; had it neither mobilized nor built" in backfire.notes[0].text


def test_what_has_no_policies_that_can_be_had_is_shown_without_futures() -> None:
    played = game("random")
    nameless = Game("x", GAME, played.cast, ("somebody", "somebody"), 8, 3)
    frame = nameless.frame().assign(game="x")
    assert next(each.kind for each in chosen(frame, lambda _: nameless)) == "most tragic war"
