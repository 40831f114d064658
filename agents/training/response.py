"""A best response that is learned: one seat of a table learns, a frozen policy holds the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.protocol import Policy
from agents.policies.sb3 import TypesPolicy
from agents.table.interventions import InterventionsLike
from agents.table.seating import OTHERS, SeatName, seat_name
from agents.training.callbacks import Anneal
from agents.training.learner_config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.table import Seat, Table
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
    next.
    """

    def learner_of(place: Seat) -> OnPolicyAlgorithm:
        learner = make_learner(config, place, seed=seed)
        if begin is not None:
            seeker, greedy = (begin.leading(kind, rank).network for kind in (False, True))
            learner.policy.load_state_dict(seeker.state_dict())
            if greedy is not seeker:
                cast(TypesPolicy, learner.policy).take(greedy, greedy=True)
        return learner

    taken: SeatName = scenario.agents[seat] if isinstance(seat, int) else seat
    name = seat_name(taken)
    others: dict[Any, Policy] = (
        {OTHERS: policy}
        if not isinstance(policy, Sequence)
        else {agent: player for agent, player in zip(scenario.agents, policy, strict=True) if agent != taken}
    )
    with one_thread():
        table = Table(
            scenario,
            {taken: learner_of, **others},
            num_worlds=worlds,
            seed=seed,
            reward_scale=config.reward_scale,
            interventions=interventions,
            horizon_ends=True,
        )
        table.learn(steps, each={name: {"callback": Anneal(config)}})
    learner = table.learners[name]
    return bundle_of(learner, scenario, name="best-response", training={"seed": seed, "steps": learner.num_timesteps})
