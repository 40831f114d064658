"""Games small enough to be solved: pay-off matrices and best responses by enumeration, no learning.

Exact means that nothing is left to chance but the states' types, over which expectations are taken: outcomes are
shared (``war.outcome: share``), nothing is drawn from a range, and what is seen has no noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.policies.protocol import Policy
from agents.table.play import play
from sd_env import layout
from sd_env.errors import RefusedError
from sd_env.policies import Cast
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Most action sequences times type combinations that are enumerated, e.g. 16 turns of two choices with known types.
LIMIT: Final = 2**16
#: Draws by which the choice frequencies of a policy that draws its actions are estimated in games of one turn.
DRAWS: Final = 4096

Floats = NDArray[np.float64]


class ExactError(RefusedError):
    """A game that cannot be solved by enumeration; the message is one sentence with key, value and what is allowed."""


@dataclass(frozen=True)
class Gap:
    """What a best response gains against a policy in all other seats, in homeland-incomes of one episode.

    Attributes:
        seat: index of the state that would respond.
        own: expected return of that seat if the policy itself plays it.
        best: expected return of the seat's best response.
        sampled: the policy draws its actions, so its choice frequencies are estimates from :data:`DRAWS` draws.
    """

    seat: int
    own: float
    best: float
    sampled: bool = False

    @property
    def gap(self) -> float:
        """The seat's part of exploitability: 0 where the policy is a best response to itself."""
        return self.best - self.own


@dataclass(frozen=True)
class TurnGame:
    """One turn of two states as a Bayesian game.

    Attributes:
        actions: for each state its legal actions, int64 ``(A_i, H)``.
        types: for each state the greeds that it may have, ``(T_i,)``.
        priors: for each state the probabilities of its types, ``(T_i,)``.
        payoffs: float64 ``(2, T_0, T_1, A_0, A_1)``, payoff of each state.
    """

    actions: tuple[NDArray[np.int64], NDArray[np.int64]]
    types: tuple[Floats, Floats]
    priors: tuple[Floats, Floats]
    payoffs: Floats

    def strategies(self, seat: int) -> list[tuple[int, ...]]:
        """Pure strategies of a state: an action (its row in ``actions``) for each of its types."""
        return list(itertools.product(range(len(self.actions[seat])), repeat=len(self.types[seat])))

    def normal_form(self) -> tuple[Floats, Floats]:
        """Expected payoffs of both states before types are drawn, each ``(S_0, S_1)`` in the order of ``strategies``.

        The agent-normal form of Harsanyi (1967): its Nash equilibria are the Bayesian equilibria of the game.
        """
        matrices = np.zeros((2, len(self.strategies(0)), len(self.strategies(1))))
        for row, mine in enumerate(self.strategies(0)):
            for column, theirs in enumerate(self.strategies(1)):
                for (s, p), (t, q) in itertools.product(enumerate(self.priors[0]), enumerate(self.priors[1])):
                    matrices[:, row, column] += p * q * self.payoffs[:, s, t, mine[s], theirs[t]]
        return matrices[0], matrices[1]

    def gap(self, behaviour: Sequence[Floats], seat: int, *, sampled: bool = False) -> Gap:
        """What a best response of ``seat`` gains if both states choose as ``behaviour`` says.

        Args:
            behaviour: for each state the probabilities of its actions by type, ``(T_i, A_i)``.
            seat: who responds, 0 or 1.
            sampled: whether the behaviour is an estimate; only handed on.
        """
        payoffs = self.payoffs[seat]
        if seat == 1:
            payoffs = payoffs.transpose(1, 0, 3, 2)
        values = np.einsum("stab,t,tb->sa", payoffs, self.priors[1 - seat], behaviour[1 - seat])
        own = float(self.priors[seat] @ (behaviour[seat] * values).sum(axis=1))
        return Gap(seat, own, float(self.priors[seat] @ values.max(axis=1)), sampled)


def turn_game(scenario: Scenario) -> TurnGame:
    """The first turn of ``scenario`` as a game: the whole game of one turn, the stage game of a repeated one.

    Raises:
        ExactError: unless the scenario has two states and leaves nothing to chance but their types.
    """
    require_certain(scenario)
    if scenario.n_states != 2:
        raise ExactError(f"n_states is {scenario.n_states}, but payoff matrices are made for 2 states.")
    start = Worlds(scenario, 1, seed=0)
    mine, theirs = (legal_actions(start.masks[0, i], start.heads) for i in range(2))
    if len(mine) * len(theirs) > LIMIT:
        raise ExactError(
            f"actions allow {len(mine)} choices a state, but at most {LIMIT} pairs of them are enumerated."
        )
    types = [state_types(scenario, i) for i in range(2)]
    payoffs = np.zeros((2, len(types[0][0]), len(types[1][0]), len(mine), len(theirs)))
    pairs = np.stack([mine.repeat(len(theirs), axis=0), np.tile(theirs, (len(mine), 1))], axis=1)
    for s, t in np.ndindex(payoffs.shape[1:3]):
        worlds = Worlds(with_types(scenario, [float(types[0][0][s]), float(types[1][0][t])]), len(pairs), seed=0)
        worlds.step(pairs)
        payoffs[:, s, t] = worlds.rewards.T.reshape(2, len(mine), len(theirs))
    return TurnGame((mine, theirs), (types[0][0], types[1][0]), (types[0][1], types[1][1]), payoffs)


def behaviour_of(policy: Policy, scenario: Scenario, game: TurnGame, draws: int = DRAWS) -> list[Floats]:
    """How often ``policy`` chooses each action on the first turn, for each state ``(T_i, A_i)``, from ``draws`` draws.

    Rows of a policy that does not draw hold a single 1.
    """
    found = []
    for seat in range(2):
        rows = np.zeros((len(game.types[seat]), len(game.actions[seat])))
        for t, greed in enumerate(game.types[seat]):
            greeds = [float(game.types[0][0]), float(game.types[1][0])]
            greeds[seat] = float(greed)
            worlds = Worlds(with_types(scenario, greeds), draws, seed=0)
            cast = Cast(policy, scenario.agents, [seat], heads=scenario.heads)
            cast.reset(t)
            chosen = np.zeros((draws, 2, game.actions[seat].shape[1]), np.int64)
            cast.act(worlds.observations, worlds.masks, chosen)
            worlds.step(chosen)  # the rules replace what is illegal
            carried_out = worlds.heads.carried_out(worlds.states, worlds.pairs)[:, seat]
            match = (carried_out[:, None, :] == game.actions[seat][None]).all(axis=2)
            rows[t] = match.mean(axis=0)
        found.append(rows)
    return found


def exact_gap(policy: Policy, scenario: Scenario, seat: int) -> Gap:
    """Exact gain of a best response from ``seat`` against ``policy`` in all other seats.

    Against a policy that does not draw, every sequence of the seat's actions is played against every combination of
    types, and the best plan that tells types apart only by what the seat has seen is found from the last turn back.
    If it draws, games of one turn between two states are solved against its choice frequencies (``sampled``).

    Raises:
        ExactError: for a game that is too large or leaves more than types to chance, or for a policy that draws its
            actions in a game of more than one turn or two states.
    """
    require_certain(scenario)
    start = Worlds(scenario, 1, seed=0)
    actions = allowed_actions(scenario)
    turns = int(start.params["horizon"][0])
    combinations = list(type_combinations(scenario))
    sequences = len(actions) ** turns
    if sequences * len(combinations) > LIMIT:
        raise ExactError(
            f"horizon is {turns}, which gives {len(actions)}^{turns} action sequences for each of {len(combinations)} "
            f"combinations of types, but at most {LIMIT} in all are enumerated."
        )
    plans = np.array(list(itertools.product(range(len(actions)), repeat=turns)))
    weights = np.array([probability for _, probability in combinations])
    games = [with_types(scenario, greeds) for greeds, _ in combinations]
    outcomes = [_play_out(policy, game, seat, actions[plans]) for game in games]
    if any(outcome is None for outcome in outcomes):
        if turns == 1 and scenario.n_states == 2:
            small = turn_game(scenario)
            return small.gap(behaviour_of(policy, scenario, small), seat, sampled=True)
        raise ExactError(
            f"the policy draws its actions; exact figures over {turns} turns of {scenario.n_states} states need one "
            "that does not draw."
        )
    found = [outcome for outcome in outcomes if outcome is not None]
    rewards, sights = np.stack([each[0] for each in found]), np.stack([each[1] for each in found])
    alone = (play(game, policy, worlds=1, seed=0)[f"return_{seat}"].item() for game in games)
    own = sum(weight * value for weight, value in zip(weights, alone, strict=True))
    return Gap(seat, float(own), _best_plan(rewards, sights, weights, len(actions)))


def _play_out(
    policy: Policy, scenario: Scenario, seat: int, plans: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.float32]] | None:
    """Rewards ``(turns, plans)`` and sights ``(turns, plans, D)`` of the seat; None if the policy draws its actions."""
    count, turns = len(plans), plans.shape[1]
    others = [i for i in range(scenario.n_states) if i != seat]
    cast = Cast(policy, scenario.agents, others, heads=scenario.heads)
    runs = []
    for attempt in range(2):
        worlds = Worlds(scenario, count, seed=0)
        cast.reset(attempt)
        going = np.ones(count, bool)
        rewards, sights = np.zeros((turns, count)), []
        answers = np.zeros((turns, count, len(others), plans.shape[2]), np.int64)
        for turn in range(turns):
            sights.append(worlds.observations[:, seat].copy())
            everyone = np.zeros((count, scenario.n_states, plans.shape[2]), np.int64)
            everyone[:, seat] = plans[:, turn]
            cast.act(worlds.observations, worlds.masks, everyone)
            answers[turn] = everyone[:, others]
            worlds.step(everyone)
            rewards[turn] = worlds.rewards[:, seat] * going
            going &= ~(worlds.terminations | worlds.truncations)
        runs.append((rewards, np.stack(sights), answers))
    if not np.array_equal(runs[0][2], runs[1][2]):
        return None
    return runs[0][0], runs[0][1]


def _best_plan(rewards: Floats, sights: NDArray[np.float32], weights: Floats, choices: int) -> float:
    """Value of the best plan of a seat that knows only what it sees.

    Args:
        rewards: ``(types, turns, plans)`` of every sequence of actions against every combination of types.
        sights: ``(types, turns, plans, D)``, what the seat saw before each turn.
        weights: ``(types,)`` probabilities of the combinations.
        choices: actions a turn; plans are in the order of ``itertools.product``, the first turn changing last.
    """
    kinds, turns, plans = rewards.shape
    # leaders[turn][k, prefix]: the first combination that looks the same as k after that prefix of actions
    alike = np.ones((kinds, kinds, 1), bool)
    leaders = []
    for turn in range(turns):
        prefixes = sights[:, turn, :: plans // choices**turn]
        alike = alike.repeat(prefixes.shape[1] // alike.shape[2], axis=2)
        alike = alike & (prefixes[:, None] == prefixes[None]).all(axis=-1)
        leaders.append(alike.argmax(axis=1))
    values = np.zeros((kinds, plans))
    for turn in reversed(range(turns)):
        reached = rewards[:, turn, :: plans // choices ** (turn + 1)] + values
        reached = reached.reshape(kinds, -1, choices)
        of_group = leaders[turn]
        best = np.zeros((kinds, reached.shape[1]), np.int64)
        for leader in range(kinds):
            members = (of_group == leader)[:, :, None] * weights[:, None, None]
            best[leader] = (members * reached).sum(axis=0).argmax(axis=1)
        chosen = np.take_along_axis(best, of_group, axis=0)
        values = np.take_along_axis(reached, chosen[:, :, None], axis=2)[:, :, 0]
    return float(weights @ values[:, 0])


def require_certain(scenario: Scenario) -> None:
    """Refuse a scenario that leaves more than the states' types to chance.

    Raises:
        ExactError: one sentence with the key, its value and what is allowed.
    """
    bounds = scenario.bounds()
    low, high = bounds.parameters
    for name, a, b in zip(layout.PARAMETERS, low, high, strict=True):
        if a < b:
            raise ExactError(f"{name} is drawn from [{a:g}, {b:g}], but exact figures need a plain number.")
    for names, (a, b) in ((layout.INITIAL_STATE, bounds.states), (layout.INITIAL_PAIR, bounds.pairs)):
        drawn = [name for k, name in enumerate(names) if (a[..., k] < b[..., k]).any()]
        if drawn:
            raise ExactError(f"{drawn[0]} is drawn from a range, but exact figures need plain numbers.")
    value = dict(zip(layout.PARAMETERS, low, strict=True))
    if value["gamble"]:
        raise ExactError("war.outcome is gamble, but exact figures need share.")
    none = ("noise", "signal_noise", "drift", "turnover", "treaty_error", "mediation")
    needed = {**dict.fromkeys(none, 0.0), "continuation": 1.0}
    for name, certain in needed.items():
        if value[name] != certain:
            raise ExactError(f"{name} is {value[name]:g}, but exact figures need {certain:g}.")


def state_types(scenario: Scenario, state: int) -> tuple[Floats, Floats]:
    """The greeds that a state may have and their probabilities, each ``(T,)``."""
    row = dict(zip(layout.INITIAL_STATE, scenario.bounds().states[0, state], strict=True))
    greed, chance = float(row["greed"]), float(row["p_greedy"])
    if greed == 0.0 or chance == 0.0:
        return np.zeros(1), np.ones(1)
    if chance == 1.0:
        return np.array([greed]), np.ones(1)
    return np.array([0.0, greed]), np.array([1.0 - chance, chance])


def type_combinations(scenario: Scenario) -> Iterator[tuple[tuple[float, ...], float]]:
    """Every combination of the states' greeds, with its probability."""
    each = [list(zip(*state_types(scenario, i), strict=True)) for i in range(scenario.n_states)]
    for combination in itertools.product(*each):
        greeds = tuple(float(greed) for greed, _ in combination)
        yield greeds, float(np.prod([probability for _, probability in combination]))


def with_types(scenario: Scenario, greeds: Sequence[float]) -> Scenario:
    """The scenario with every state's greed fixed."""
    return scenario.with_overrides({"states.greed": dict(zip(scenario.agents, map(float, greeds), strict=True))})


def legal_actions(mask: NDArray[np.int8], heads: layout.Heads) -> NDArray[np.int64]:
    """All actions that a flat mask ``(M,)`` allows, int64 ``(A, H)``."""
    starts = np.cumsum([0, *heads.sizes])
    choices = [np.flatnonzero(mask[a:b]) for a, b in itertools.pairwise(starts)]
    return np.array(list(itertools.product(*choices)), np.int64)


def allowed_actions(scenario: Scenario) -> NDArray[np.int64]:
    """All actions that the scenario ever allows, whatever the turn, int64 ``(A, H)``."""
    heads = scenario.heads
    bits = {head: heads.allowed(head, getattr(scenario.actions, head.label)) for head in heads.all}
    allowed = [[choice for choice in range(heads.size(head)) if bits[head] >> choice & 1] for head in heads.kinds]
    return np.array(list(itertools.product(*allowed)), np.int64)
