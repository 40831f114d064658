"""Interventions of one turn: seen at once, told to recorders, and written as people write them."""

from __future__ import annotations

import numpy as np
import pytest

from agents.policies.registry import make
from agents.table.interventions import Intervention, InterventionError
from agents.table.play import play
from agents.table.replays import NOBODY, Arms, Believing, Deed, Held, parse_do
from sd_env import layout
from sd_env.layout import Head, Other, Own, Signal, Stance
from sd_env.policies import CastLike
from sd_env.record import Collector, EpisodeLog
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

INTENSE = Scenario.load("jervis/intense", {"horizon": 6})


class Spy:
    """Does nothing and keeps what it sees."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def reset(self, seed: int) -> None:
        self.seen = []

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        self.seen.append(observation)
        return np.tile(layout.noop(2), (len(observation), 1))


def kept(scenario: Scenario, cast: CastLike, *interventions: Intervention, worlds: int = 1) -> list[EpisodeLog]:
    collector = Collector(observations=True)
    play(scenario, cast, worlds=worlds, seed=3, recorder=collector, interventions=interventions)
    return sorted(collector.logs, key=lambda log: log.world)


def test_given_arms_are_seen_on_their_turn_with_the_same_error_by_the_states_that_have_them_and_by_the_rest() -> None:
    one, two = Spy(), Spy()
    play(INTENSE, [one, two], worlds=2, seed=3)
    bare = np.stack([one.seen, two.seen])  # (seat, turn, world, column)
    play(INTENSE, [one, two], worlds=2, seed=3, interventions=[Arms("defense", [1, NOBODY], 3, add=0.5)])
    done = np.stack([one.seen, two.seen])
    assert (done[:, :2] == bare[:, :2]).all() and (done[:, :, 1] == bare[:, :, 1]).all()
    assert done[1, 2, 0, Own.DEFENSE] - bare[1, 2, 0, Own.DEFENSE] == pytest.approx(0.5, abs=1e-6)
    estimates = [layout.OWN_SIZE + Other.OFFENSE_ESTIMATE, layout.OWN_SIZE + Other.DEFENSE_ESTIMATE]
    arms = bare[1, 2, 0, [Own.OFFENSE, Own.DEFENSE]].sum()
    seen, before = done[0, 2, 0, estimates].sum(), bare[0, 2, 0, estimates].sum()
    # an error is a factor: what is seen grows by the share by which arms grow, whatever the error was
    assert seen / before == pytest.approx((arms + 0.5) / arms, rel=1e-5) and before != pytest.approx(arms, rel=1e-3)


@pytest.mark.parametrize("turn", [1, 4])
def test_recorders_follow_arms_that_are_given(turn: int) -> None:
    """The last row before the turn has them, and what the rules make of them is that of the worlds, to the bit."""
    bare, [log] = kept(INTENSE, make("dove"))[0], kept(INTENSE, make("dove"), Arms("offense", [0], turn, to=2.0))
    assert log.states["offense"][turn - 1, 0] == 2.0
    # doves build nothing: from then on age alone works, .04 a turn here
    assert log.states["offense"][turn, 0] == pytest.approx(2.0 * (1 - INTENSE.arming.depreciation), rel=1e-12)
    assert (log.states["offense"][: turn - 1] == bare.states["offense"][: turn - 1]).all()
    assert (log.states["offense"][:, 1] == bare.states["offense"][:, 1]).all()
    worlds = Worlds(INTENSE, 1, seed=3)
    for row in range(log.turns + 1):
        if row == turn - 1:
            worlds.states["offense"][0, 0] = 2.0
        assert worlds.states["offense"][0].tobytes() == log.states["offense"][row].tobytes()
        if row < log.turns:
            worlds.step(log.actions[row][None])


def test_no_stock_falls_below_nothing() -> None:
    [log] = kept(INTENSE, make("dove"), Arms("defense", [1], 2, add=-100.0))
    assert log.states["defense"][1, 1] == 0.0 and log.states["defense"][1, 0] > 0.0


def test_a_deed_is_done_on_its_turn_alone_in_the_worlds_that_have_somebody_for_it() -> None:
    deed = Deed([Head.SIGNAL, Head.STANCE, Head.SIGNAL], Signal.THREATEN, [0, 1, NOBODY], 2)
    logs = kept(INTENSE, make("dove"), deed, worlds=3)
    bare = kept(INTENSE, make("dove"), worlds=3)
    changed = [np.argwhere(one.actions != other.actions).tolist() for one, other in zip(logs, bare, strict=True)]
    assert changed == [[[1, 0, Head.SIGNAL]], [[1, 1, Head.STANCE]], []]
    assert logs[1].actions[1, 1, Head.STANCE] == Signal.THREATEN == Stance.MOBILIZE


def test_held_actions_are_played_until_their_end_and_the_policies_draw_on() -> None:
    bare = kept(INTENSE, make("random"), worlds=2)
    actions = np.stack([log.actions for log in bare], axis=1)
    held = np.array([[True, False], [False, False]])
    again = kept(INTENSE, make("random"), Held(actions, held), worlds=2)
    assert again == bare  # who is free plays what it played, since all draws are as they were
    others = (actions + 1) % np.array(layout.action_sizes(2))
    until = kept(INTENSE, make("random"), Held(others[:3], held, until=2), worlds=2)[0]
    assert (until.actions[:2, 0] == others[:2, 0, 0]).all()
    assert (until.actions[2:, 0] == bare[0].actions[2:, 0]).all()
    beyond = kept(INTENSE, make("random"), Held(others[:3], held), worlds=2)[0]
    assert (beyond.actions[3:, 0] == layout.noop(2)).all()


def test_beliefs_are_shown_as_they_are_set_to_whom_and_from_when() -> None:
    scenario = Scenario.load("jervis/intense", {"horizon": 6, "perception.beliefs": True})
    bare, one, two = Spy(), Spy(), Spy()
    play(scenario, [bare, Spy()], worlds=2, seed=3)
    beliefs = np.full((2, 2, 2), np.nan)
    beliefs[0, 0, 1], beliefs[1, 0, 1] = 1.0, 0.25
    play(scenario, [one, two], worlds=2, seed=3, interventions=Believing(beliefs, since=3))
    before, first, second = (layout.observed_beliefs(np.stack(spy.seen), 2) for spy in (bare, one, two))
    assert (first[:2] == before[:2]).all()
    assert (first[2:, 0] == 1.0).all() and (first[2:, 1] == 0.25).all() and not np.isin(second, (0.25, 1.0)).any()


AGENTS = ("state_0", "state_1", "u.s")


def test_people_write_what_is_done() -> None:
    actions = np.full((1, 3, 5), -1)
    for text in (
        "state_1.mobilize=u.s@4", "state_0.signal=reassure@4", "u.s.stance=attack@4", "state_1.stance.state_0=align@4",
        "u.s.build_offense=full@4",
    ):  # fmt: skip
        do = parse_do(text, AGENTS)
        assert (do.text, do.turn) == (text, 4)
        before = actions.copy()
        do.intervention.bind(actions, 3)
        assert (actions == before).all()
        do.intervention.bind(actions, 4)
    # heads: build, build, signal, then stances toward the others in index order
    assert actions[0].tolist() == [[-1, -1, 1, -1, -1], [-1, -1, -1, 0, 2], [2, -1, -1, 3, 3]]


@pytest.mark.parametrize(("text", "arms"), [("+=0.5", 1.5), ("-=0.25", 0.75), ("=3", 3.0), ("-=7", 0.0)])
def test_people_write_arms(text: str, arms: float) -> None:
    scenario = Scenario.load("jervis/intense", {"states.defense": 1.0})
    worlds = Worlds(scenario, 1, seed=1)
    do = parse_do(f"state_1.defense{text}@5", scenario.agents)
    assert not do.intervention.change(worlds, 4) and do.intervention.change(worlds, 5)
    assert worlds.states["defense"][0].tolist() == [1.0, arms]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (3, "3 is no intervention; STATE.WHAT=VALUE@TURN is"),
        ("state_1.defense", "'state_1.defense' is no intervention; STATE.WHAT=VALUE@TURN is"),
        ("state_1.defense+=0.5", "is no intervention"),
        ("state_1.defense+=0.5@x", "is no intervention"),
        ("state_1.defense+=0.5@0", "is on turn 0; turns count from 1"),
        ("state_7.defense+=0.5@5", "names no state of this world; its states are state_0, state_1, u.s"),
        ("state_1.defense+=much@5", "gives much arms; a number from 0 to 1e\\+06 is allowed"),
        ("state_1.defense+=-1@5", "gives -1 arms"),
        ("state_1.defense=nan@5", "gives nan arms"),
        ("state_1.greed=1@5", "'greed'.*build_offense, build_defense, signal, stance.*offense, defense and align"),
        ("state_1.signal=shout@5", "'shout'; allowed are silence, reassure, threaten"),
        ("state_1.signal+=threaten@5", "has \\+= for signal"),
        ("state_1.mobilize=state_1@5", "is toward 'state_1'; allowed are state_0, u.s"),
        ("state_1.mobilize=nobody@5", "is toward 'nobody'"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(text: str, words: str) -> None:
    with pytest.raises(InterventionError, match=words):
        parse_do(text, AGENTS)
