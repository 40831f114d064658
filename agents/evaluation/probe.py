"""How legible intentions are: a linear probe for the types of others in what a policy sees, or makes of it.

Whole episodes are played and kept. From a part of them a logistic regression learns to tell, from state i's own inputs
alone, whether each other state is a security seeker; the rest says how well it does. Beside it stands the Bayesian
filter (docs/model.md, section 4.2) on the same rows. The probe looks at one turn, knows no rules and learns how the
policy's society behaves; the filter remembers all turns, knows the rules and takes behaviour from a table.

    found = probe(policy, scenario, worlds=400, seed=1)
    print(found.probe.auc, found.filter.auc)
    misperception(found.logs[0], found.beliefs[0])  # any measure that takes beliefs
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from agents.policies.protocol import RandomPolicy
from agents.table.play import play
from sd_env import layout
from sd_env.errors import RefusedError
from sd_env.policies import Cast, CastLike, is_policy, name_of
from sd_env.record import Collector, EpisodeLog
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

Inputs: TypeAlias = Literal["observation", "latent"]
INPUTS: Final[tuple[Inputs, ...]] = ("observation", "latent")
_MOST_STEPS: Final = 1000  # of the regression's solver; standardised inputs need far fewer


class ProbeError(RefusedError):
    """A probe that cannot be made: one sentence with what was given and what is needed."""


@runtime_checkable
class HasLatents(Protocol):
    """A policy that can be looked into, as ``agents.policies.bundles.LearnedBundle``."""

    def latents(self, observation: np.ndarray) -> np.ndarray:
        """Its last hidden layer before the action's logits, float32 ``(K, units)``, for observations ``(K, D)``.

        Asked for the coming turn, before ``act`` has seen it; remembers nothing of being asked.
        """


@dataclass(frozen=True)
class Scores:
    """How well probabilities that another is a security seeker fit what it is.

    Attributes:
        accuracy: share of rows on the right side of ½.
        balanced_accuracy: mean of that share among security seekers and among the greedy; ½ for a guess.
        brier: mean squared error, 0 to 1 (Brier 1950).
        auc: probability that a seeker is given more than a greedy state, ties half; ½ for a guess.
        base_rate: share of security seekers.
        rows: how many beliefs were judged.

    ``balanced_accuracy`` and ``auc`` are NaN where there is one type only, and all but ``rows`` where there are none.
    """

    accuracy: float
    balanced_accuracy: float
    brier: float
    auc: float
    base_rate: float
    rows: int

    @classmethod
    def of(cls, belief: np.ndarray, seeker: np.ndarray) -> Scores:
        """Scores of beliefs, float ``(rows,)``, against types, bool ``(rows,)``."""
        if not len(belief):
            nothing = math.nan
            return cls(nothing, nothing, nothing, nothing, nothing, 0)
        right = (belief > 0.5) == seeker
        two = bool(seeker.any() and not seeker.all())
        return cls(
            accuracy=float(right.mean()),
            balanced_accuracy=float((right[seeker].mean() + right[~seeker].mean()) / 2) if two else math.nan,
            brier=float(np.mean((belief - seeker) ** 2)),
            auc=float(roc_auc_score(seeker, belief)) if two else math.nan,
            base_rate=float(seeker.mean()),
            rows=len(belief),
        )


@dataclass(frozen=True)
class Readout:
    """A trained probe: one standardised logistic regression for each slot of the list of others."""

    slots: tuple[Any, ...]

    def beliefs(self, inputs: np.ndarray) -> np.ndarray:
        """Beliefs from inputs of every state.

        Args:
            inputs: ``(T, N, D)``: of a log trained on observations, ``log.observations``.

        Returns:
            float64 ``(T, N, N)``: on row t, i's probability that j is a security seeker; 1 on the diagonal.
        """
        turns, n, size = inputs.shape
        held = np.ones((turns, n, n))
        rows = inputs.reshape(turns * n, size).astype(np.float64)
        for slot, model in enumerate(self.slots):
            seekers = model.predict_proba(rows)[:, list(model.classes_).index(True)] if True in model.classes_ else 0.0
            told = np.broadcast_to(seekers, turns * n).reshape(turns, n)
            for i in range(n):
                held[:, i, layout.other_of(i, slot)] = told[:, i]
        return held


@dataclass(frozen=True)
class Probe:
    """What a probe found, all of it on episodes that it was not trained on.

    Attributes:
        policy: who played.
        inputs: what the probe looked at.
        probe: its scores over all rows: each turn before its actions, each ordered pair of standing states.
        filter: scores of the Bayesian filter on the same rows.
        by_turn: one row a turn: ``turn, rows, base_rate``, and ``accuracy, balanced_accuracy, brier, auc`` of either,
            with ``probe_`` and ``filter_`` in front.
        logs: the episodes judged, in the order of their worlds.
        beliefs: the probe's, float64 ``(T + 1, N, N)`` for each of the logs, as measures take them; the filter's own
            are ``log.pairs["belief"]``.
        trained: how many episodes it was trained on.
        readout: the probe itself, for other episodes of the same scenario and policy.
    """

    policy: str
    inputs: Inputs
    probe: Scores
    filter: Scores
    by_turn: pd.DataFrame
    logs: tuple[EpisodeLog, ...]
    beliefs: tuple[np.ndarray, ...]
    trained: int
    readout: Readout


def probe(
    policy: CastLike | None,
    scenario: Scenario,
    worlds: int = 200,
    seed: int = 0,
    inputs: Inputs = "observation",
    *,
    test_share: float = 0.3,
) -> Probe:
    """Play one episode in each of many worlds, and see how well the types of others can be read.

    The episodes are those that :func:`agents.table.play.play` plays with the same cast, worlds and seed. Training
    and test episodes are drawn apart: rows of one episode share their types, so they are never on both sides, and each
    state's view of each other counts once in training however many turns it lasts.

    Args:
        policy: who plays: a policy for all states, or a cast; None plays at random among legal actions.
        scenario: the game.
        worlds: how many episodes are played.
        seed: of the worlds, of the policy's draws and of the split.
        inputs: ``"observation"``: all that a state observes; ``"latent"``: what the policy makes of it, for one policy
            that has ``latents`` (:class:`HasLatents`).
        test_share: share of the episodes that are kept for the scores, above 0 and below 1.

    Raises:
        ProbeError: for arguments out of range, a policy without latents, or too few episodes to hold both types in
            the part that is trained on.
        PolicyError: for a cast that does not fit.
    """
    if inputs not in INPUTS:
        raise ProbeError(f"inputs is {inputs!r}, but allowed are {', '.join(map(repr, INPUTS))}.")
    if not 0.0 < test_share < 1.0:
        raise ProbeError(f"test_share is {test_share!r}, but must be above 0 and below 1.")
    tested = min(max(round(worlds * test_share), 1), worlds - 1)
    if tested < 1:
        raise ProbeError(f"worlds is {worlds}, but at least 2 are needed: one to train on and one to test.")
    player: CastLike = RandomPolicy() if policy is None else policy
    if inputs == "latent" and not isinstance(player, HasLatents):
        raise ProbeError(
            f"policy {_label(player)} has no latents to probe; one policy for all states is needed that has them, "
            "as agents.policies.bundles.bundle_of(learner, scenario) gives."
        )
    seats: list[Any] = list(Cast(player, scenario.agents, heads=scenario.heads).seats.values())
    watch = _Watch(seats if inputs == "latent" else [])
    play(scenario, seats, worlds=worlds, seed=seed, recorder=watch)
    episodes = watch.episodes()
    order = np.random.default_rng(seed).permutation(worlds)
    training = [episodes[b] for b in sorted(order[tested:].tolist())]
    judged = [episodes[b] for b in sorted(order[:tested].tolist())]
    readout = train(training)
    beliefs = tuple(readout.beliefs(episode.inputs) for episode in judged)
    rows = _judge(judged, beliefs)
    return Probe(
        policy=_label(player),
        inputs=inputs,
        probe=Scores.of(rows["probe"], rows["seeker"]),
        filter=Scores.of(rows["filter"], rows["seeker"]),
        by_turn=_by_turn(rows),
        logs=tuple(episode.log for episode in judged),
        beliefs=beliefs,
        trained=len(training),
        readout=readout,
    )


@dataclass(frozen=True)
class Episode:
    """A log and the probe's inputs in it, ``(T + 1, N, D)``."""

    log: EpisodeLog
    inputs: np.ndarray

    def pairs(self) -> np.ndarray:
        """Where there is a belief to judge: bool ``(T, N, N)``, two states that stand when the turn begins."""
        standing = self.log.states["standing"][:-1]
        both: np.ndarray = standing[:, :, None] & standing[:, None, :]
        return both & ~np.eye(standing.shape[1], dtype=np.bool_)

    def seekers(self) -> np.ndarray:
        """Whether each state is a security seeker at the start, bool ``(N,)``."""
        seekers: np.ndarray = self.log.states["greed"][0] == 0.0
        return seekers


class _Watch:
    """Keeps the episodes that are played, and what the policies that are asked for latents make of each turn."""

    def __init__(self, policies: Sequence[HasLatents]) -> None:
        self._policies = policies
        self._collector = Collector(observations=True)
        self._latents: list[np.ndarray] = []

    def start(self, worlds: Worlds) -> None:
        self._collector.start(worlds)
        self._look(worlds)

    def step(self, worlds: Worlds, actions: np.ndarray) -> None:
        self._collector.step(worlds, actions)
        self._look(worlds)

    def changed(self, worlds: Worlds) -> None:
        self._collector.changed(worlds)
        del self._latents[-1:]
        self._look(worlds)

    def _look(self, worlds: Worlds) -> None:
        if self._policies:
            latents = [policy.latents(worlds.observations[:, i].copy()) for i, policy in enumerate(self._policies)]
            self._latents.append(np.stack(latents, axis=1))

    def episodes(self) -> list[Episode]:
        """All that was played, in the order of the worlds."""
        found: list[Episode] = []
        for b, log in enumerate(sorted(self._collector.logs, key=lambda log: log.world)):
            inputs = log.observations
            if self._latents:
                inputs = np.stack([latents[b] for latents in self._latents[: len(log.states)]])
            assert inputs is not None  # the collector keeps observations
            found.append(Episode(log, inputs))
        return found


def train(episodes: Sequence[Episode]) -> Readout:
    """A probe trained on whole episodes.

    Raises:
        ProbeError: if no state in them is greedy, or none a security seeker.
    """
    seekers = np.stack([episode.seekers() for episode in episodes])
    if seekers.all() or not seekers.any():
        only = "security seekers" if seekers.all() else "greedy states"
        raise ProbeError(f"there are only {only} in the {len(episodes)} episodes to train on: both types are needed.")
    n = seekers.shape[1]
    slots: list[Any] = []
    for slot in range(n - 1):
        inputs, kinds, weights = [], [], []
        for episode, kind in zip(episodes, seekers, strict=True):
            pairs = episode.pairs()
            for i in range(n):
                j = layout.other_of(i, slot)
                rows = episode.inputs[:-1, i][pairs[:, i, j]]
                inputs.append(rows)
                kinds.append(np.full(len(rows), kind[j]))
                weights.append(np.full(len(rows), 1.0 / max(len(rows), 1)))
        slots.append(_fit(np.concatenate(inputs), np.concatenate(kinds), np.concatenate(weights)))
    return Readout(tuple(slots))


def _fit(inputs: np.ndarray, seeker: np.ndarray, weights: np.ndarray) -> Any:
    """The classifier of one slot; where that slot has held one type only, the one that says so."""
    if seeker.all() or not seeker.any():
        return DummyClassifier(strategy="prior").fit(inputs, seeker)
    model: Any = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_MOST_STEPS))
    return model.fit(inputs.astype(np.float64), seeker, logisticregression__sample_weight=weights)


def _judge(episodes: Sequence[Episode], beliefs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """One row a turn and ordered pair: ``turn, seeker, probe, filter``."""
    turns, kinds, probed, filtered = [], [], [], []
    for episode, held in zip(episodes, beliefs, strict=True):
        pairs = episode.pairs()
        turn, _, j = np.nonzero(pairs)
        turns.append(turn)
        kinds.append(episode.seekers()[j])
        probed.append(held[:-1][pairs])
        filtered.append(episode.log.pairs["belief"][:-1][pairs])
    columns = (turns, kinds, probed, filtered)
    return {
        name: np.concatenate(column)
        for name, column in zip(("turn", "seeker", "probe", "filter"), columns, strict=True)
    }


def _by_turn(rows: dict[str, np.ndarray]) -> pd.DataFrame:
    table: list[dict[str, float]] = []
    for turn in np.unique(rows["turn"]).tolist():
        now = rows["turn"] == turn
        probed, filtered = (Scores.of(rows[name][now], rows["seeker"][now]) for name in ("probe", "filter"))
        line: dict[str, float] = {"turn": turn, "rows": probed.rows, "base_rate": probed.base_rate}
        for name in ("accuracy", "balanced_accuracy", "brier", "auc"):
            line |= {f"probe_{name}": getattr(probed, name), f"filter_{name}": getattr(filtered, name)}
        table.append(line)
    return pd.DataFrame(table)


def _label(player: Any) -> str:
    """What the players call themselves, each once."""
    if is_policy(player):
        return name_of(player)
    members = list(player.values()) if hasattr(player, "values") else list(player)
    return ", ".join(dict.fromkeys(name_of(member) for member in members))
