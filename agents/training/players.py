"""The learners of a job at their table: who they are, where they sit, and the league that one of them meets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch as th
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.protocol import Policy
from agents.policies.specs import check_fits, label_of, policy_from
from agents.table.population import Pool
from agents.table.seating import ALL, OTHERS, ROTATING, SeatName, seat_name, slots_of_seats
from agents.training.config import PopulationConfig, TrainingConfig
from agents.training.learners import make_learner
from agents.training.table import Table
from sd_env.layout import Heads
from sd_env.policies import AnyHeads, another, answer, derived_seed
from sd_env.scenario import Scenario

#: What the one learner of modes league and versus is called.
LEARNER: Final = "learner"
#: Names of past selves, by the rollout before which they were taken.
_PAST: Final = "past-"


def seats_of(population: PopulationConfig, agents: Sequence[str]) -> dict[str, SeatName]:
    """Name of each learner -> its seat at the table.

    Args:
        population: the config.
        agents: names of the states, in index order.

    Raises:
        ValueError: one sentence for roles, or a cast, that do not fit the states.
    """
    cast = population.cast or {}
    if unknown := [state for state in cast if state not in agents]:
        raise ValueError(f"cast: {unknown[0]!r} is no state; states are {', '.join(agents)}.")
    if len(cast) == len(agents):
        raise ValueError(f"cast has a strategy for each of {', '.join(agents)}; one at least must learn.")
    if population.mode == "shared":
        return {ALL: ALL}
    if population.mode == "independent":
        return {agent: agent for agent in agents if agent not in cast}
    if population.mode != "roles":
        return {LEARNER: ROTATING}
    roles = population.roles or {}
    taken = [state for states in roles.values() for state in states]
    if both := [state for state in taken if state in cast]:
        raise ValueError(f"roles: {both[0]} has a role and is in the cast, whose states do not learn.")
    if unknown := [state for state in taken if state not in agents]:
        raise ValueError(f"roles: {unknown[0]!r} is no state; states are {', '.join(agents)}.")
    if double := next((state for state in taken if taken.count(state) > 1), None):
        raise ValueError(f"roles: {double} is there twice; each state has one role.")
    if missing := [agent for agent in agents if agent not in taken and agent not in cast]:
        raise ValueError(f"roles: {missing[0]} has no role; each state needs one, or a strategy in the cast.")
    if empty := [role for role, states in roles.items() if not states]:
        raise ValueError(f"roles: {empty[0]} has no state; each role needs one.")
    return {role: tuple(states) for role, states in roles.items()}


def one_policy(population: PopulationConfig, agents: Sequence[str]) -> bool:
    """Whether one policy is learned, and plays all states or all that a cast leaves; arguments as :func:`seats_of`."""
    return population.mode not in ("league", "versus") and len(seats_of(population, agents)) == 1


def opponents_of(population: PopulationConfig, scenario: Scenario) -> dict[str, Policy]:
    """The given opponents by their specifications, new.

    Raises:
        PolicyError: one sentence for one that does not exist or does not fit the scenario.
    """
    return {spec: _fitting(spec, scenario) for spec in population.opponents or {}}


def cast_of(population: PopulationConfig, scenario: Scenario) -> dict[int, Policy]:
    """Index of each state that does not learn -> who plays it, new.

    Raises:
        PolicyError: one sentence for one that does not exist or does not fit the scenario.
    """
    return {scenario.agents.index(state): _fitting(spec, scenario) for state, spec in (population.cast or {}).items()}


def _fitting(spec: str, scenario: Scenario) -> Policy:
    policy = policy_from(spec)
    check_fits(policy, scenario, label_of(spec))
    return policy


def smallest_rollout(config: TrainingConfig, scenario: Scenario) -> int:
    """Agent-steps in a rollout of the learner with the fewest states.

    Raises:
        ValueError: if the population does not fit the scenario.
    """
    population = config.population
    seats = seats_of(population, scenario.agents)
    others = [OTHERS] if population.mode in ("league", "versus") else list(population.cast or {})
    slots = slots_of_seats([*seats.values(), *others], scenario.agents, 1)
    states = min(len(slots[seat_name(seat)]) for seat in seats.values())
    return config.worlds * states * config.learner.n_steps


@dataclass
class Players:
    """The learners of a job at their table.

    Attributes:
        table: where they sit.
        seats: name of each learner -> name of its seat at the table, in the order in which they play.
        learners: name of each learner -> the learner.
        states: name of each learner -> indices of its states; none if it rotates.
        cast: index of each state that does not learn -> who plays it.
        league: whom the learner meets in mode league.
        pool: the opponents in modes league and versus.
    """

    table: Table
    seats: dict[str, str]
    learners: dict[str, OnPolicyAlgorithm]
    states: dict[str, tuple[int, ...]]
    cast: dict[int, Policy]
    league: League | None
    pool: Pool | None

    @property
    def steps(self) -> int:
        """Agent-steps that all learners have done."""
        return sum(learner.num_timesteps for learner in self.learners.values())

    def steps_of(self, name: str, total: int) -> int:
        """The share of ``total`` agent-steps of one learner, by its number of slots, rounded up."""
        slots = sum(learner.n_envs for learner in self.learners.values())
        return math.ceil(total * self.learners[name].n_envs / slots)


def seat_players(config: TrainingConfig, scenario: Scenario, seed: int) -> Players:
    """Untrained learners at fresh worlds. The first has the seed itself, each other one that follows from it."""
    population, agents = config.population, scenario.agents
    seats = seats_of(population, agents)
    pool = None
    order = sorted(seats, key=lambda name: _first_state(seats[name], agents))
    taken: dict[SeatName, Any] = {}
    for k, name in enumerate(order):
        own = seed if k == 0 else derived_seed(seed, k) >> 1  # SB3 takes seeds below 2**31
        taken[seats[name]] = partial(_make, config, seed=own)
    cast = cast_of(population, scenario)
    taken |= {agents[state]: policy for state, policy in cast.items()}
    if population.mode in ("league", "versus"):
        pool = Pool({}, {})
        opponents = opponents_of(population, scenario)
        if population.mode == "versus":
            pool.update(opponents, population.opponents or {})
        taken[OTHERS] = pool
    table = Table(
        scenario,
        taken,
        num_worlds=config.worlds,
        seed=seed,
        threads=config.world_threads,
        reward_scale=config.learner.reward_scale,
        horizon_ends=True,
        interventions=population.interventions,
    )
    league = None
    if population.mode == "league" and pool is not None:
        league = League(population, scenario, pool, opponents, seed)
    return Players(
        table=table,
        seats={name: seat_name(seats[name]) for name in order},
        learners={name: table.learners[seat_name(seats[name])] for name in order},
        states={name: _states(seats[name], agents) for name in order},
        cast=cast,
        league=league,
        pool=pool,
    )


def _make(config: TrainingConfig, seat: Any, *, seed: int) -> OnPolicyAlgorithm:
    return make_learner(config.learner, seat, seed=seed, device=config.device)


def _states(seat: SeatName, agents: Sequence[str]) -> tuple[int, ...]:
    if seat in (ALL, ROTATING):
        return tuple(range(len(agents))) if seat == ALL else ()
    return tuple(sorted(list(agents).index(name) for name in (seat if isinstance(seat, tuple) else (seat,))))


def _first_state(seat: SeatName, agents: Sequence[str]) -> int:
    return min(_states(seat, agents), default=0)


class League:
    """The opponents of a learner that meets its own past: strategies as given, and snapshots of itself.

    Args:
        population: weights, how often a snapshot is taken and how many are kept.
        scenario: where they play.
        pool: the opponents' seats at the table.
        opponents: those that are no past selves, by the names of ``population.opponents``.
        seed: of the snapshots' draws.
    """

    def __init__(
        self,
        population: PopulationConfig,
        scenario: Scenario,
        pool: Pool,
        opponents: Mapping[str, Policy],
        seed: int,
    ) -> None:
        self._population, self._scenario, self._pool, self._seed = population, scenario, pool, seed
        self._opponents = dict(opponents)
        self._kept: list[str] = []  # oldest first

    def begin_rollout(self, learner: OnPolicyAlgorithm) -> None:
        """Take a snapshot of the learner, which stands between rollouts, if one is due; the first is the untrained."""
        rollout = learner.num_timesteps // (learner.n_steps * learner.n_envs)
        every, keep = self._population.snapshot_rollouts, self._population.keep_snapshots
        assert every is not None and keep is not None
        name = f"{_PAST}{rollout}"
        if rollout % every or name in self._kept:
            return
        self._kept = [*self._kept, name][-keep:]
        self._fill({name: self._self(learner, name)})

    def _self(self, learner: OnPolicyAlgorithm, name: str) -> LearnedBundle:
        past = bundle_of(learner, self._scenario, name=name)
        past.reset(derived_seed(self._seed, int(name.removeprefix(_PAST)), 5))
        return past

    def _fill(self, fresh: Mapping[str, Policy]) -> None:
        members = self._pool.members | dict(fresh)
        active = {name: policy for name, policy in members.items() if name in self._kept}
        self._pool.update(self._opponents | active, self.weights())

    def weights(self) -> dict[str, float]:
        """Weight of each opponent and of each past self that is kept; with one past self it has both weights."""
        latest, past = self._population.latest_weight or 0.0, self._population.past_weight or 0.0
        older = self._kept[:-1]
        weights = dict(self._population.opponents or {})
        weights |= {name: past / len(older) for name in older}
        return weights | dict.fromkeys(self._kept[-1:], latest + (0.0 if older else past))

    def snapshot(self) -> dict[str, th.Tensor]:
        """Weights of all past selves that play: ``name/parameter`` -> tensor; those that are kept first, in order."""
        members = self._pool.members
        order = [*self._kept, *(name for name in members if name.startswith(_PAST) and name not in self._kept)]
        tensors = {"kept": th.tensor(len(self._kept))}
        for name in order:
            past = members[name]
            assert isinstance(past, LearnedBundle)
            tensors |= {f"{name}/{key}": tensor.clone() for key, tensor in past.network.state_dict().items()}
        return tensors

    def restore(self, tensors: Mapping[str, th.Tensor], learner: OnPolicyAlgorithm) -> None:
        """Put the pool's members where :meth:`snapshot` found them; what they remember is the table's to give back."""
        names = list(dict.fromkeys(key.partition("/")[0] for key in tensors if "/" in key))
        self._kept = names[: int(tensors["kept"])]
        past: dict[str, Policy] = {}
        for name in names:
            bundle = self._self(learner, name)
            start = f"{name}/"
            own = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
            bundle.network.load_state_dict(own)
            past[name] = bundle
        if names:
            self._pool.update(self._opponents | past, self.weights())


class Rotated(AnyHeads):
    """Who plays one seat where a policy takes one state of each world in rotation: itself there, a pool elsewhere.

    Args:
        policy: plays state b mod N of world b.
        pool: plays the others.
        seat: index of the state.
        num_states: N.
    """

    def __init__(self, policy: Policy, pool: Pool, seat: int, num_states: int) -> None:
        self._policy, self._pool = another(policy), another(pool)  # each seat remembers by itself
        self._seat, self._n = seat, num_states

    def reset(self, seed: int) -> None:
        """Reset both with seeds that follow from ``seed``."""
        self._policy.reset(derived_seed(seed, 1))
        self._pool.reset(derived_seed(seed, 2))

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        """Actions int64 ``(B, H)`` of the seat in worlds 0 to B - 1."""
        worlds = np.arange(len(observation))
        mine = worlds % self._n == self._seat
        theirs = worlds[~mine]
        others = self._pool.act(
            observation[~mine], mask[~mine], theirs, np.zeros_like(theirs), np.full_like(theirs, self._seat), heads
        )
        actions = np.empty((len(observation), others.shape[1]), dtype=np.int64)
        actions[mine], actions[~mine] = answer(self._policy, observation[mine], mask[mine], heads), others
        return actions
