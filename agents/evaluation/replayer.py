"""The episode of a log, played again by the policies that played it: the same chance, whatever is done besides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np

from agents.policies.specs import check_fits, policy_from
from agents.strategies import Strategy
from agents.table.interventions import Intervention
from agents.table.play import Recorder, play
from agents.table.replays import Forked, Held
from sd_env import layout
from sd_env.layout import Heads
from sd_env.policies import Policy, PolicyError, RandomPolicy, answer
from sd_env.record import Collector, EpisodeLog, LogError, verify
from sd_env.scenario import Scenario

_SHOWN: Final = "perception.beliefs"


class Replayer:
    """Plays the episode of a log again.

    Policies are those of the log's labels; states whose label is empty act as logged, whatever the others do.

    Attributes:
        log: the episode.
        held: bool ``(N,)``, states that act as logged to the end.

    Args:
        log: the episode.
        policies: who plays instead of those whom the log names: one for all states, or one a state in index order.
        trust: whether ``policies`` may be files that run code when they are loaded. What a log names never may.

    Raises:
        PolicyError: for policies that cannot be found or do not fit.
        LogError: for a log of another game than that which is played here.
    """

    def __init__(self, log: EpisodeLog, *, policies: Sequence[str] = (), trust: bool = False) -> None:
        found = verify(log)
        if not found:
            raise LogError(f"The log is not of the game that is played here: {found.message}.")
        self.log = log
        self._labels = _labels(log, policies)
        self.held = np.array([not label for label in self._labels])
        self._cast = [
            _policy(log, agent, label, bool(policies), trust)
            for agent, label in zip(log.agents, self._labels, strict=True)
        ]

    def again(
        self,
        first: int,
        *interventions: Intervention,
        informed: Collection[int] = (),
        overrides: Mapping[str, Any] | None = None,
    ) -> EpisodeLog:
        """Play it: before turn ``first`` all act as logged, from then on the policies choose.

        Args:
            first: the first turn on which they do.
            interventions: what is done besides.
            informed: states whose policies see beliefs even where the scenario shows none (:meth:`can_be_informed`).
            overrides: dotted keys of the scenario and their values, where the game was another throughout.
        """
        log, heads = self.log, self.log.scenario.heads
        logged = log.actions[:, None]
        as_logged = [Held(logged, np.ones((1, len(log.agents)), np.bool_), first - 1, heads)]
        if self.held.any():
            as_logged.append(Held(logged, self.held[None], heads=heads))
        scenario, cast = Scenario.load(log.scenario, overrides), self._cast
        if informed and not scenario.perception.beliefs:
            scenario = Scenario.load(scenario, {_SHOWN: True})
            cast = [policy if i in informed else _Unaware(policy) for i, policy in enumerate(cast)]
        collector = Collector(policies=self._labels)
        play(
            scenario,
            cast,
            worlds=1,
            seed=log.seed,
            first_world=log.world,
            episode=log.episode,
            recorder=collector,
            interventions=[*as_logged, *interventions],
        )
        return collector.logs[0]

    def futures(self, since: int, count: int, recorder: Recorder, *interventions: Intervention) -> None:
        """Play what else could have come of a turn: before it all act as logged, then chance is new and all choose.

        Args:
            since: the first turn of which chance is new.
            count: how many futures: one a world of the batch. The same number draws the same chance.
            recorder: told of all of them.
            interventions: what is done besides, in a batch of ``count`` worlds.
        """
        log, heads = self.log, self.log.scenario.heads
        logged = np.repeat(log.actions[:, None], count, axis=1)
        everybody = np.ones((count, len(log.agents)), np.bool_)
        as_logged = [Held(logged, everybody, since - 1, heads)]
        if self.held.any():
            as_logged.append(Held(logged, everybody & self.held, heads=heads))
        play(
            log.scenario,
            self._cast,
            worlds=count,
            seed=log.seed,
            first_world=log.world,
            episode=log.episode,
            recorder=recorder,
            interventions=[Forked(since), *as_logged, *interventions],
        )

    def can_be_informed(self, state: int) -> bool:
        """Whether the policy of a state sees beliefs, or would if there were any to see.

        Strategies find columns by their names and take beliefs that they are shown for their own; of what else plays in
        a scenario without beliefs, nobody knows where it would look for them.
        """
        return not self.held[state] and (
            self.log.scenario.perception.beliefs or isinstance(self._cast[state], Strategy)
        )


class _Unaware:
    """A policy in a world that shows beliefs, shown what a world without them would show."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def reset(self, seed: int) -> None:
        self._policy.reset(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return self._policy.act(_without_beliefs(observation, layout.num_states_of(mask.shape[1])), mask)

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        plain = _without_beliefs(observation, heads.num_states, heads.limits_force)
        return answer(self._policy, plain, mask, heads)


def _without_beliefs(observation: np.ndarray, num_states: int, force: bool = False) -> np.ndarray:
    parts = layout.observation_parts(observation.shape[-1], num_states, force)
    kept = [not name.endswith(".belief") for name in layout.observation_names(num_states, *parts)]
    return observation[..., kept]


def _labels(log: EpisodeLog, policies: Sequence[str]) -> list[str]:
    """Who plays each state; empty where nobody is known, so that actions are held as logged."""
    n = len(log.agents)
    if len(policies) not in (0, 1, n):
        raise PolicyError(f"policies are {len(policies)}; 1 for all states or {n}, one a state, are needed.")
    return [*policies] * (n if len(policies) == 1 else 1) if policies else list(log.policies)


def _policy(log: EpisodeLog, agent: str, label: str, given: bool, trust: bool) -> Policy:
    """The policy of a label; where there is none, one whose choices will be overruled."""
    if not label:
        return RandomPolicy()
    try:
        policy = policy_from(label, trust=trust and given)
    except PolicyError as error:
        if given:
            raise
        raise PolicyError(
            f"The log says that {label!r} played {agent}, which is not found here: --policies names who is to play "
            f"({str(error).removesuffix('.')})."
        ) from None
    check_fits(policy, log.scenario, label)
    return policy
