"""Events: each kind arises from the deeds that the rules say, and is told in a sentence."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import sd_env
from sd_env import events as ev
from sd_env.layout import Build, Signal, Stance
from tests.face_play import LIVELY, script

ALIGN, NEUTRAL, MOBILIZE, ATTACK = Stance
A, B, C = "state_0", "state_1", "state_2"


def world(**overrides: Any) -> sd_env.ParallelEnv:
    """Three states with swords, sure outcomes in shares, calls to answer by the next turn."""
    base = {
        "n_states": 3,
        "war.outcome": "share",
        "states.offense": 1.0,
        "states.defense": 0.0,
        "technology.distinguishability": 1.0,
        "alliances.call_turns": 1,
    }
    env = sd_env.parallel_env({}, overrides={**base, **overrides})
    env.reset(seed=0)
    return env


def do(*stances: Stance, offense: int = Build.NONE, defense: int = Build.NONE, signal: int = Signal.SILENCE) -> Any:
    return np.array([offense, defense, signal, *stances])


PEACE = do(NEUTRAL, NEUTRAL)


def turn(env: sd_env.ParallelEnv, a: Any = PEACE, b: Any = PEACE, c: Any = PEACE) -> tuple[ev.Event, ...]:
    env.step({A: a, B: b, C: c})
    return env.events


def test_nothing_happens_in_peace() -> None:
    env = world()
    assert env.events == ()
    assert turn(env) == ()


def test_building_and_signals() -> None:
    env = world()
    told = turn(
        env,
        do(NEUTRAL, NEUTRAL, offense=Build.HALF, signal=Signal.REASSURE),
        do(NEUTRAL, NEUTRAL, offense=Build.FULL, defense=Build.HALF, signal=Signal.THREATEN),
    )
    assert told == (ev.Builds(1, A, 1, 0), ev.Builds(1, B, 2, 1), ev.Reassures(1, A), ev.Threatens(1, B))
    assert [str(event) for event in told] == [
        "state_0 builds offence at half capacity",
        "state_1 builds offence at full capacity and defence at half capacity",
        "state_0 pledges not to attack",
        "state_1 threatens whoever attacks it or its allies",
    ]


def test_alliances_form_and_end() -> None:
    env = world()
    assert turn(env, do(ALIGN, NEUTRAL), do(ALIGN, NEUTRAL)) == (ev.AllianceFormed(1, A, B),)
    assert turn(env, do(ALIGN, NEUTRAL), do(ALIGN, NEUTRAL)) == ()
    assert turn(env, do(ALIGN, NEUTRAL)) == (ev.AllianceEnded(3, A, B),)
    assert ev.AllianceFormed(1, A, B).sentence == "state_0 and state_1 form an alliance"
    assert ev.AllianceEnded(1, A, B).sentence == "state_0 and state_1 are no longer allied"


def test_mobilization_is_told_once_and_an_early_attack_is_replaced() -> None:
    env = world()
    head = "stance toward state_1"
    assert turn(env, do(ATTACK, NEUTRAL)) == (
        ev.IllegalAction(1, A, head, "attack", "mobilize"),
        ev.Mobilizes(1, A, B),
    )
    assert turn(env, do(MOBILIZE, NEUTRAL)) == ()
    assert (
        ev.IllegalAction(1, A, head, "attack", "mobilize").sentence
        == "state_0 may not choose attack as stance toward state_1: mobilize instead"
    )
    assert ev.Mobilizes(1, A, B).sentence == "state_0 mobilizes against state_1"


def test_a_broken_pledge_a_conquest_and_an_abandoned_ally() -> None:
    env = world()
    turn(env, do(ALIGN, NEUTRAL), do(ALIGN, NEUTRAL), do(MOBILIZE, NEUTRAL, signal=Signal.REASSURE))
    told = turn(env, do(ALIGN, NEUTRAL), do(ALIGN, NEUTRAL), do(ATTACK, NEUTRAL))
    states = env.worlds.states[0]
    attack, broken, conquest, call = told
    assert attack == ev.Attacks(2, C, A, float(env.worlds.pairs["force"][0, 2, 0])) and attack.force > 0
    assert broken == ev.PledgeBroken(2, C)
    assert isinstance(conquest, ev.Conquest) and conquest.agent == A and conquest.attackers == (C,)
    assert conquest.homeland == pytest.approx(1 - states["homeland"][0]) and 0 < conquest.homeland < 0.25
    assert conquest.holdings == 0 and conquest.probability == states["success"][0]
    assert call == ev.CallOpened(2, B, A, (C,))
    told = turn(env, do(ALIGN, NEUTRAL), do(ALIGN, NEUTRAL))
    assert told == (ev.CallAbandoned(3, B, A),)
    assert turn(env, do(ALIGN, NEUTRAL), do(ALIGN, NEUTRAL)) == (ev.AllianceEnded(4, A, B),)  # ruptured
    assert broken.sentence == "state_2 breaks its pledge not to attack"
    assert attack.sentence == f"state_2 attacks state_0 with force {attack.force:.2f}"
    assert conquest.sentence == (
        f"state_2 conquers land of state_0: {conquest.homeland:.2f} of its homeland and 0.00 of its holdings"
    )
    assert call.sentence == "state_0 calls state_1 against state_2"
    assert ev.CallAbandoned(3, B, A).sentence == "state_1 abandons state_0"


def test_a_call_honoured_at_once() -> None:
    env = world()
    turn(env, do(ALIGN, NEUTRAL), do(ALIGN, MOBILIZE), do(MOBILIZE, NEUTRAL))
    told = turn(env, do(ALIGN, NEUTRAL), do(ALIGN, ATTACK), do(ATTACK, NEUTRAL))
    assert told[-2:] == (ev.CallOpened(2, B, A, (C,)), ev.CallHonoured(2, B, A, (C,)))
    assert [event.agent for event in told if isinstance(event, ev.Conquest)] == [A, C]
    assert told[-1].sentence == "state_1 honours the call of state_0"


def test_a_threat_that_is_not_carried_out() -> None:
    env = world()
    turn(env, do(NEUTRAL, NEUTRAL, signal=Signal.THREATEN), c=do(MOBILIZE, NEUTRAL))
    turn(env, c=do(ATTACK, NEUTRAL))
    assert turn(env) == (ev.CommitmentFailed(3, A),)
    assert ev.CommitmentFailed(3, A).sentence == "state_0 does not carry out its threat"


def test_a_repelled_assault_by_two() -> None:
    env = world(**{"states.offense": 0.0})
    turn(env, b=do(MOBILIZE, NEUTRAL), c=do(MOBILIZE, NEUTRAL))
    told = turn(env, b=do(ATTACK, NEUTRAL), c=do(ATTACK, NEUTRAL))
    assert told[-1] == ev.Repelled(2, A, (B, C), 0.0)
    assert told[-1].sentence == "state_0 repels the assault of state_1 and state_2"


def test_a_fall_after_a_joint_conquest() -> None:
    env = world(
        **{"war.conquest": 1.0, "war.collapse": 0.5, "states.offense": 100.0, "war.mobilization_required": False}
    )
    told = turn(env, b=do(ATTACK, NEUTRAL), c=do(ATTACK, NEUTRAL))
    conquest, fall = told[-2:]
    assert isinstance(conquest, ev.Conquest)
    assert conquest.sentence.startswith("state_1 and state_2 conquer land of state_0")
    assert fall == ev.Falls(1, A) and fall.sentence == "state_0 falls"
    assert turn(env, do(ATTACK, NEUTRAL)) == (ev.IllegalAction(2, A, "stance toward state_1", "attack", "neutral"),)


def test_events_are_frozen_told_lazily_and_kept_out_of_infos() -> None:
    env = world()
    _, _, _, _, infos = env.step({A: do(ALIGN, NEUTRAL), B: do(ALIGN, NEUTRAL), C: PEACE})
    assert all(isinstance(value, np.ndarray) for info in infos.values() for value in info.values())
    assert env._events is None
    assert env.events is env.events
    with pytest.raises(dataclasses.FrozenInstanceError):
        env.events[0].agent = C  # type: ignore[misc]
    env.reset()
    assert env.events == ()


def test_every_face_of_one_world_tells_them() -> None:
    aec = sd_env.env({})
    aec.reset(seed=0)
    aec.step(np.array([1, 0, 0, 1]))
    aec.step(np.array([0, 0, 0, 1]))
    assert aec.unwrapped.events == (ev.Builds(1, A, 1, 0),)
    solo = sd_env.solo_env({}, overrides={"actions.stance": ["neutral"], "actions.signal": ["silence"]})
    solo.reset(seed=0)
    solo.step([2, 2, 0, 1])
    assert solo.events[0] == ev.Builds(1, A, 2, 2)


def test_events_agree_with_the_tallies() -> None:
    """Over many turns of a lively world, what is told adds up to what the engine counts on its own."""
    counted = {ev.Attacks: "attacks", ev.PledgeBroken: "pledges_broken", ev.CommitmentFailed: "commitments_failed"}
    counted |= {ev.CallHonoured: "calls_honoured", ev.CallAbandoned: "calls_abandoned", ev.Falls: "fallen"}
    counted |= {ev.IllegalAction: "illegal"}
    env = sd_env.parallel_env({**LIVELY, "n_states": 4, "horizon": 40, "continuation": 1})
    totals = dict.fromkeys(counted, 0)
    for episode in range(12):
        env.reset(seed=episode)
        told = dict.fromkeys(counted, 0)
        for number in range(40):
            if not env.agents:
                break
            env.step({agent: script(episode, number, i, 4) for i, agent in enumerate(env.possible_agents)})
            assert all(event.turn == number + 1 and event.sentence for event in env.events)
            for event in env.events:
                if type(event) in told:
                    told[type(event)] += 1
        for kind, name in counted.items():
            assert told[kind] == env.worlds.worlds[name][0], name
            totals[kind] += told[kind]
    assert min(totals.values()) > 0, totals
