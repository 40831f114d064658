"""What a job's population is worth at the end: it plays in fresh worlds, and so do those it is compared with."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from agents.evaluation.evaluate import evaluate
from agents.policies.protocol import NeverAttackPolicy, Policy, RandomPolicy
from agents.table.interventions import Interventions
from agents.table.metrics import rates
from agents.table.play import play_out
from agents.table.seeds import derived_seed
from agents.training.config import Experiment
from agents.training.learners import LearnedPolicy
from agents.training.players import LEARNER, Players, Rotated
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Names of the evaluations: the trained population by itself, and one learner among its opponents.
LEARNED: Final = "learned"
POPULATION: Final = "population"

Measured = dict[str, dict[str, Any]]


def measure(experiment: Experiment, players: Players, scenario: Scenario, seed: int) -> dict[str, Measured]:
    """Metrics of the worlds, and mean returns of the learners where there are several parties.

    Args:
        experiment: its evaluation says how many worlds.
        players: the trained learners.
        scenario: the game.
        seed: of the job; each seed's policies meet worlds of their own, so that the interval over seeds holds the
            worlds' luck too.

    Returns:
        ``evaluation``: ``learned`` (each learner in its states; the one of a league in all), ``random``,
        ``never_attack``, and in modes league and versus ``population``: the learner in one state of each world, its
        opponents in the others. ``returns``: the same names -> learner (or ``opponents``) -> return of a state.
    """
    settings = experiment.evaluation
    play: dict[str, Any] = {"worlds": settings.worlds, "episodes": settings.episodes, "seed": settings.seed + seed}
    play["interventions"] = Interventions(experiment.population.interventions or {}, scenario.agents)
    policies = {name: LearnedPolicy(learner) for name, learner in players.learners.items()}
    evaluation: Measured = {}
    returns: Measured = {}
    if experiment.population.mode in ("shared", "league", "versus"):
        [policy] = policies.values()
        evaluation[LEARNED] = evaluate(scenario, policy, **play)
    else:
        seats: list[tuple[Policy, list[int]]] = [
            (policy, list(players.states[name])) for name, policy in policies.items()
        ]
        evaluation[LEARNED], gained = _play(scenario, seats, **play)
        returns[LEARNED] = {name: float(gained[:, players.states[name]].mean()) for name in policies}
    evaluation["random"] = evaluate(scenario, RandomPolicy(), **play)
    evaluation["never_attack"] = evaluate(scenario, NeverAttackPolicy(), **play)
    if players.pool is not None:
        mixed = Rotated(policies[LEARNER], players.pool, scenario.n_states)
        evaluation[POPULATION], gained = _play(scenario, [(mixed, list(range(scenario.n_states)))], **play)
        mine = np.tile(mixed.mine(settings.worlds * scenario.n_states), settings.episodes)
        flat = gained.reshape(-1)
        returns[POPULATION] = {LEARNER: float(flat[mine].mean()), "opponents": float(flat[~mine].mean())}
    return {"evaluation": evaluation, "returns": returns}


def _play(
    scenario: Scenario,
    seats: list[tuple[Policy, list[int]]],
    *,
    worlds: int,
    episodes: int,
    seed: int,
    interventions: Interventions,
) -> tuple[dict[str, Any], np.ndarray]:
    """Metrics of the worlds, and the return of each state of each world and episode, ``(episodes * worlds, N)``."""
    table = Worlds(scenario, worlds, seed=seed)
    totals, gained = np.zeros(len(layout.TALLY)), []
    for episode in range(episodes):
        if episode:
            table.reset()
        for k, (policy, _) in enumerate(seats):
            policy.reset(derived_seed(seed, episode, k))
        outcome = play_out(table, seats, interventions=interventions)
        totals += outcome.tallies.sum(axis=0)
        gained.append(outcome.returns)
    table.close()
    return rates(totals, worlds * episodes), np.concatenate(gained)
