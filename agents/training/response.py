"""A best response that is learned: one seat of a table learns, a frozen policy holds the others."""

from __future__ import annotations

from typing import Final

from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.protocol import Policy
from agents.table.seating import OTHERS, SeatName, seat_name
from agents.training.callbacks import Anneal
from agents.training.config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.table import Seat, Table
from sd_env.policies import one_thread
from sd_env.scenario import Scenario

#: The learner of searches from scratch: the exploration by which the four worlds are learned, on small rollouts, with
#: the whole of what followed as the measure of a choice. Rollouts of 256 worlds and a trace decay of .95 find a third
#: of what a greedy state gains from a policy at rest in the not intense world in as many turns.
SEARCHER: Final = LearnerConfig(
    algorithm="PPO",
    learning_rate=0.003,
    learning_rate_end=0.0001,
    n_steps=32,
    gamma=1.0,
    gae_lambda=1.0,
    normalize_advantage=True,
    ent_coef=0.3,
    ent_coef_end=0.0001,
    vf_coef=0.5,
    max_grad_norm=0.5,
    reward_scale=0.1,
    batch_size=512,
    n_epochs=4,
    clip_range=0.2,
    network="flat",
    networks="by_type",
    net_arch=[64, 64],
    activation="tanh",
    observations="symlog",
    culture="uniform",
    culture_strength=0.0,
)
#: Worlds in which it learns.
SEARCH_WORLDS: Final = 64


def learn_response(
    scenario: Scenario,
    policy: Policy,
    seat: int | SeatName,
    *,
    seed: int,
    steps: int,
    worlds: int,
    config: LearnerConfig,
    begin: LearnedBundle | None = None,
) -> LearnedBundle:
    """What a learner answers to ``policy`` from ``seat`` after ``steps`` turns, rounded up to whole rollouts.

    ``seat`` is the index of a state or a seat's name; ``"rotating"`` learns one answer for all states.
    With ``begin`` it starts with that bundle's weights, whose networks ``config`` must describe, instead of its own.
    """

    def learner_of(place: Seat) -> OnPolicyAlgorithm:
        learner = make_learner(config, place, seed=seed)
        if begin is not None:
            learner.policy.load_state_dict(begin.network.state_dict())
        return learner

    taken: SeatName = scenario.agents[seat] if isinstance(seat, int) else seat
    name = seat_name(taken)
    with one_thread():
        table = Table(
            scenario,
            {taken: learner_of, OTHERS: policy},
            num_worlds=worlds,
            seed=seed,
            reward_scale=config.reward_scale,
            horizon_ends=True,
        )
        table.learn(steps, each={name: {"callback": Anneal(config)}})
    learner = table.learners[name]
    return bundle_of(learner, scenario, name="best-response", training={"seed": seed, "steps": learner.num_timesteps})
