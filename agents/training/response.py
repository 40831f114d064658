"""A best response that is learned: one seat of a table learns, a frozen policy holds the others.

Each type learns for itself where it can (:func:`agents.training.types_drawn.apart`): of the turns of a game with one
greedy state in five, a fifth are a greedy state's, and what it could gain is missed. From the policies of held-back
seed 79 in the intense world a greedy state gains 3.4 to 5.1% by four responses that began with the policy and learned
over 150,000 turns of greedy states; eight that learned over 300,000 of both types found 2.7% at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.protocol import Policy
from agents.policies.sb3 import TypesPolicy
from agents.table.alike import seat_groups
from agents.table.interventions import InterventionsLike
from agents.table.seating import OTHERS, ROTATING, SeatName, seat_name
from agents.training.callbacks import Anneal
from agents.training.learner_config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.table import Seat, Table
from agents.training.types_drawn import apart
from sd_env.policies import one_thread
from sd_env.scenario import Scenario


def learn_response(
    scenario: Scenario,
    policy: Policy | Sequence[Policy],
    seat: int | SeatName,
    *,
    seed: int,
    steps: int,
    worlds: int,
    config: LearnerConfig,
    begin: LearnedBundle | None = None,
    rank: int = 0,
    interventions: InterventionsLike | None = None,
) -> LearnedBundle:
    """What a learner answers to ``policy`` from ``seat`` after ``steps`` turns, rounded up to whole rollouts.

    ``policy`` is one for all other states, or, where ``seat`` is a state, one for each state.

    ``seat`` is the index of a state or a seat's name; ``"rotating"`` learns one answer for all states.
    With ``begin`` it starts with that bundle's weights, whose networks ``config`` must describe, instead of its own;
    where that is a mixture, with those of the members that have the largest share of each type (``rank`` 0), or the
    next. With networks by type, half of the turns are those of a security seeker and half those of a greedy state, if
    that changes nothing for the others.
    """
    if seat == ROTATING and not interventions and len(seat_groups(scenario)) == 1:
        seat = 0  # what one of them answers, all do
    taken: SeatName = scenario.agents[seat] if isinstance(seat, int) else seat
    name = seat_name(taken)
    alone = isinstance(taken, str) and taken in scenario.agents and _types_apart(config)
    games = apart(scenario, name) if alone else [scenario]

    def learner_of(place: Seat) -> OnPolicyAlgorithm:
        learner = make_learner(config, place, seed=seed)
        if begin is not None:
            seeker, greedy = (begin.leading(kind, rank).network for kind in (False, True))
            learner.policy.load_state_dict(seeker.state_dict())
            if greedy is not seeker:
                cast(TypesPolicy, learner.policy).take(greedy, greedy=True)
        return learner

    others: dict[Any, Policy] = (
        {OTHERS: policy}
        if not isinstance(policy, Sequence)
        else {agent: player for agent, player in zip(scenario.agents, policy, strict=True) if agent != taken}
    )
    learners = []
    with one_thread():
        for game in games:
            table = Table(
                game,
                {taken: learner_of, **others},
                num_worlds=worlds,
                seed=seed,
                reward_scale=config.reward_scale,
                interventions=interventions,
                horizon_ends=True,
            )
            table.learn(-(-steps // len(games)), each={name: {"callback": Anneal(config)}})
            learners.append(table.learners[name])
    learner = learners[0]
    if len(learners) > 1:
        cast(TypesPolicy, learner.policy).take(learners[1].policy, greedy=True)
    turns = sum(each.num_timesteps for each in learners)
    return bundle_of(learner, scenario, name="best-response", training={"seed": seed, "steps": turns})


def _types_apart(config: LearnerConfig) -> bool:
    """Whether the learner's networks are such that one can take a type from another (:meth:`TypesPolicy.take`)."""
    plain = config.algorithm in ("PPO", "FastPPO", "A2C") and not config.masks
    return plain and config.network == "flat" and config.networks == "by_type"
