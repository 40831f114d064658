"""Double oracle rounds: what answers a trained policy better takes a type's place in it, and the policy learns on.

Where early play punishes all attacks, exploration dies, and a policy may end in doing nothing although a state of one
type would gain by doing something. A learner that starts anew against that policy, frozen, finds what it gains. So
after a training each round learns such a response, measures what it gains by type, and where that is more than a little
puts its networks in the place of the policy's own of that type, so that it is seated among the opponents too (McMahan,
Gordon & Blum 2003; Lanctot et al. 2017, with the latest response alone for the mixture); then all learn on with little
noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import LinearSchedule

from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.sb3 import TypesPolicy
from agents.table.deviation import WIDTH, deviate
from agents.table.play import play
from agents.table.seating import ROTATING
from agents.training.callbacks import Anneal
from agents.training.config import LearnerConfig, RoundsConfig, TrainingConfig
from agents.training.players import Players
from agents.training.response import learn_response
from agents.training.searcher import SEARCH_WORLDS, SEARCHER
from sd_env.policies import derived_seed
from sd_env.scenario import Scenario

#: Keys under which a job's seed gives those of the responses, and of the worlds in which they are measured.
_LEARNING, _MEASURING = 21, 22


@dataclass(frozen=True)
class Answer:
    """What a response gained over a policy, of one type of state.

    Attributes:
        round: the first is 1.
        greedy: which type.
        own: return of a state of it under the policy.
        gain: how much more the response earns in its place.
        error: standard error of the gain.
        taken: whether the response took the type's place.
    """

    round: int
    greedy: bool
    own: float
    gain: float
    error: float
    taken: bool


def improve(
    config: TrainingConfig,
    players: Players,
    scenario: Scenario,
    seed: int,
    learn_on: Callable[[OnPolicyAlgorithm, int, list[BaseCallback]], None],
) -> list[dict[str, Any]]:
    """Do the rounds of ``config.rounds``: as many as there are, or until no response gains more than a little.

    Args:
        config: of the training; its rounds must be given, and one policy with networks by type plays all states.
        players: the one learner, trained.
        scenario: the game.
        seed: of the job.
        learn_on: lets the learner do so many agent-steps more, with these callbacks.

    Returns:
        :class:`Answer` of each round and type that occurs, as plain data.
    """
    rounds, found = config.rounds, list[Answer]()
    assert rounds is not None
    [learner] = players.learners.values()
    for number in range(1, rounds.most + 1):
        frozen = bundle_of(learner, scenario, name="policy")
        response = learn_response(
            scenario,
            frozen,
            ROTATING,
            seed=derived_seed(seed, _LEARNING, number) >> 1,  # SB3 takes seeds below 2**31
            steps=rounds.response_steps,
            worlds=SEARCH_WORLDS,
            config=_searcher(config.learner),
        )
        answers = _answers(scenario, frozen, response, number, rounds, derived_seed(seed, _MEASURING, number))
        found += answers
        if not any(answer.taken for answer in answers):
            break
        policy = cast(TypesPolicy, learner.policy)
        for answer in answers:
            if answer.taken:
                policy.take(response.network, answer.greedy)
        policy.optimizer.state.clear()  # momentum of other weights
        _quiet(learner, config.learner, rounds)
        quiet = config.learner.model_copy(update={"ent_coef": rounds.ent_coef})
        learn_on(learner, rounds.steps, [Anneal(quiet, begin=learner.num_timesteps)])
    return [asdict(answer) for answer in found]


def _searcher(config: LearnerConfig) -> LearnerConfig:
    """The learner of searches, with networks of the shape of the policy's own."""
    shape = ("net_arch", "activation", "observations")
    return SEARCHER.model_copy(update={name: getattr(config, name) for name in shape})


def _quiet(learner: OnPolicyAlgorithm, config: LearnerConfig, rounds: RoundsConfig) -> None:
    """Have the step size fall from the rounds' own, over the agent-steps that come."""
    begin, total = learner.num_timesteps, learner.num_timesteps + rounds.steps
    falls = LinearSchedule(rounds.learning_rate, config.learning_rate_end, 1.0)
    # SB3 gives what is left of all steps, of which those before the round are gone
    learner.lr_schedule = lambda left: falls(left * total / (total - begin))


def _answers(
    scenario: Scenario, frozen: LearnedBundle, response: LearnedBundle, number: int, rounds: RoundsConfig, seed: int
) -> list[Answer]:
    """What the response gains over the policy in one seat at a time, all seats together, by type."""
    seats = range(scenario.n_states)
    before = play(scenario, [frozen] * len(seats), worlds=rounds.worlds, seed=seed)
    by_seat = [deviate(scenario, frozen, response, seat, before) for seat in seats]
    found = []
    for kind in (False, True):
        had, gained = (np.concatenate(parts) for parts in zip(*(each[kind] for each in by_seat), strict=True))
        if len(gained) > 1:
            gain, error = float(gained.mean()), float(gained.std(ddof=1) / np.sqrt(len(gained)))
            taken = gain - WIDTH * error > rounds.gap * abs(float(had.mean()))
            found.append(Answer(number, kind, float(had.mean()), gain, error, taken))
    return found
