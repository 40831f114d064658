"""Who is evaluated: policies by specification, several training seeds as one player, hands that tremble."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from agents.language import LanguagePolicy
from agents.language.plan import Planned, check_budgets
from agents.language.transcript import write_transcript
from agents.policies.protocol import Policy, RandomPolicy
from agents.policies.specs import is_language
from agents.table.play import play
from agents.work import Unit, WorkError, policy_inputs, run_units
from sd_env.layout import Heads
from sd_env.policies import AnyHeads, answer, check_policy, derived_seed, is_speaker, name_of
from sd_env.record import Collector, write_log
from sd_env.scenario import Scenario

#: What names a policy: a registry name, a bundle's path, or the policy itself.
Spec: TypeAlias = "str | Path | Policy"
#: Who sits in a seat: a label and a specification.
Chair: TypeAlias = "tuple[str, Spec]"


@dataclass(frozen=True)
class Player:
    """One row of a table: a policy, or the policies that the same training made from different seeds.

    Attributes:
        label: its name in tables, different from all others'.
        members: specification of each policy.
        seeds: training seed of each, NaN where there is none.
    """

    label: str
    members: tuple[Spec, ...]
    seeds: tuple[float, ...]

    def member(self, k: int) -> Spec:
        """Who plays with the k-th seed of an evaluation: members take turns."""
        return self.members[k % len(self.members)]


def players_of(specs: Sequence[Spec], scenario: Scenario, *, trust: bool = False) -> list[Player]:
    """The players that ``specs`` name, in the order of their first mention.

    Bundles of the same name, scenario and algorithm, but for their training seeds, are one player.

    Args:
        specs: what to load, at least one.
        scenario: which they must fit.
        trust: whether what can run code may be loaded: zip files of stable-baselines3, Python files.

    Raises:
        PolicyError: one sentence for a policy that is unknown, broken or does not fit.
        WorkError: if there is none, or the same one twice.
    """
    from agents.policies.specs import check_fits, label_of

    if not specs:
        raise WorkError("no policy is given; at least one is needed.")
    groups: dict[tuple[Any, ...], list[tuple[str, Spec, float]]] = {}
    for spec in specs:
        spec = str(spec) if isinstance(spec, Path) else spec
        label, policy = label_of(spec), load(spec, trust)
        check_fits(policy, scenario, label)
        seed, key = _training(policy)
        groups.setdefault(key or (label, id(spec) if not isinstance(spec, str) else spec), []).append(
            (label, spec, seed)
        )
    players: list[Player] = []
    for group in groups.values():
        labels, members, seeds = zip(*group, strict=True)
        if len(set(seeds)) < len(seeds):
            raise WorkError(f"{labels[0]} is given twice; each policy is needed once.")
        label = _unseeded(labels[0]) if len(group) > 1 else labels[0]
        taken = {player.label for player in players}
        again = next(k for k in range(1, len(players) + 2) if (label if k == 1 else f"{label} ({k})") not in taken)
        players.append(Player(label if again == 1 else f"{label} ({again})", members, seeds))
    return players


def _training(policy: Policy) -> tuple[float, tuple[Any, ...] | None]:
    """Training seed of a learned policy, and what it shares with those of other seeds; NaN and None of others."""
    info = getattr(policy, "info", None)
    seed = info.get("training", {}).get("seed") if isinstance(info, Mapping) else None
    if not isinstance(info, Mapping) or isinstance(seed, bool) or not isinstance(seed, int):
        return np.nan, None
    scenario = getattr(policy, "scenario", None)
    world = scenario.fingerprint() if isinstance(scenario, Scenario) else ""
    return float(seed), (_unseeded(name_of(policy)), world, info.get("algorithm"))


def _unseeded(label: str) -> str:
    """A label without the training seed that jobs and the zoo put at its end: ``intense__seed3``."""
    return re.sub(r"[-_./ ]*seed[-_ ]?\d+$", "", label) or label


@lru_cache(maxsize=256)
def _loaded(spec: str, trust: bool, stamp: tuple[object, ...]) -> Policy:
    from agents.policies.specs import policy_from

    policy: Policy = policy_from(spec, trust=trust)
    return policy


def load(spec: Spec, trust: bool = False) -> Policy:
    """The policy of a specification, loaded once a process, or once an edit: ``play`` resets it before it plays.

    Raises:
        PolicyError: for a name, file or object that is no policy.
    """
    if isinstance(spec, (str, Path)):
        from agents.policies.specs import stamp_of

        return _loaded(str(spec), trust, stamp_of(str(spec)))
    check_policy(spec, f"{spec!r} is no policy and no text that names one")
    return spec


def digests(players: Sequence[Player]) -> dict[str, str]:
    """Digests of what makes the players' policies: what a resumed run must find unchanged."""
    specs = [spec for player in players for spec in player.members]
    found: dict[str, str] = {}
    for spec in specs:
        if isinstance(spec, str) and is_language(spec) and isinstance(policy := load(spec), LanguagePolicy):
            found[f"the config {spec}"] = policy.identity
    return found | policy_inputs(spec for spec in specs if f"the config {spec}" not in found)


def play_units(
    units: Sequence[Unit],
    out: Path | None,
    *,
    players: Sequence[Player],
    title: str,
    workers: int,
    parquet: bool,
    fresh: bool,
) -> pd.DataFrame:
    """Do units of :func:`play_casts`, as :func:`agents.work.run_units` does.

    Raises:
        WorkError, PolicyError: as that does, and before anything is asked for more of a language model than its budget.
    """
    check_budgets(_planned(units))
    inputs = digests(players)
    return run_units(play_casts, units, out, workers=workers, title=title, parquet=parquet, inputs=inputs, fresh=fresh)


def _planned(units: Sequence[Unit]) -> Iterator[Planned]:
    """What the language models in units are to play."""
    for unit in units:
        asked = unit.arguments
        for seat, (_, spec) in (chair for each in asked["casts"] for chair in enumerate(each["cast"])):
            if isinstance(policy := load(spec, asked.get("trust", False)), LanguagePolicy):
                game = _scenario(json.dumps(asked["scenario"]))
                yield Planned(policy, game, asked["worlds"], derived_seed(asked["seed"], asked["episode"], 0, seat))


@lru_cache(maxsize=64)
def _scenario(text: str) -> Scenario:
    return Scenario.load(json.loads(text))


def play_casts(
    *,
    scenario: dict[str, Any],
    casts: Sequence[Mapping[str, Any]],
    worlds: int,
    seed: int,
    episode: int,
    tremble: float = 0.0,
    trust: bool = False,
    logs: tuple[str, int] | None = None,
) -> pd.DataFrame:
    """The unit of work of every evaluation: one episode in each of ``worlds`` worlds, with each cast in turn.

    Args:
        scenario: the game, as ``Scenario.to_dict`` gives it.
        casts: each has ``cast``, a :data:`Chair` for each state, and ``columns``, further columns that are put in
            front.
        worlds: how many worlds.
        seed: of the worlds and of the policies' draws.
        episode: which episode of the worlds' streams.
        tremble: probability that an entry of an action is replaced by a random legal one.
        trust: as in :func:`players_of`.
        logs: folder, and of how many worlds the first cast's episode logs are written there, each with the transcript
            of the language models that played.

    Returns:
        The rows of ``agents.table.play.play`` with labels for the names of policies.
    """
    game = _scenario(json.dumps(scenario))
    frames: list[pd.DataFrame] = []
    for each in casts:
        seats, labels = seated(each["cast"], tremble, trust), [chair[0] for chair in each["cast"]]
        recorder = Collector(range(logs[1]), policies=labels) if logs and not frames else None
        frame = play(game, seats, worlds=worlds, seed=seed, episode=episode, recorder=recorder)
        if logs and recorder is not None:
            Path(logs[0]).mkdir(parents=True, exist_ok=True)
            for log in recorder.logs:
                write_log(Path(logs[0]) / f"world{log.world}.jsonl", log)
                write_transcript(
                    Path(logs[0]) / f"world{log.world}.transcript.json", list(map(_bare, seats)), log.world
                )
        for i, label in enumerate(labels):
            frame[f"policy_{i}"] = label
        for k, (name, value) in enumerate(each["columns"].items()):
            frame.insert(k, name, value)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _bare(policy: Policy) -> Policy:
    """Whose hand it is that trembles."""
    return policy.policy if isinstance(policy, Trembling) else policy


def seated(cast: Sequence[Chair], tremble: float, trust: bool) -> list[Policy]:
    """The policy of each seat; seats of the same policy get the same object, of which each plays a copy."""
    policies = {id(policy): policy for policy in (load(spec, trust) for _, spec in cast)}
    if tremble:
        policies = {key: Trembling(policy, tremble) for key, policy in policies.items()}
    return [policies[id(load(spec, trust))] for _, spec in cast]


class Trembling(AnyHeads):
    """A policy whose hand trembles: each entry of its actions is replaced by a random legal one with a probability.

    The noise of Axelrod's later tournaments (Wu & Axelrod 1995, *How to cope with noise in the iterated prisoner's
    dilemma*, Journal of Conflict Resolution 39): what is done is not what was meant, and nobody sees which it was.

    Args:
        policy: whose hand.
        probability: of a slip, 0 to 1, for every entry.
    """

    def __init__(self, policy: Policy, probability: float) -> None:
        self.policy, self.probability = policy, probability
        self.name = name_of(policy)
        self.memory = int(getattr(policy, "memory", 1))
        if is_speaker(policy):  # it hears, speaks and foresees as without
            self.sit, self.foresees, self.counts = policy.sit, policy.foresees, policy.counts
        self._slips = RandomPolicy()
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Reset the policy with ``seed``; slips follow from it too, by streams of their own."""
        self.policy.reset(seed)
        self._random, slips = (np.random.default_rng([seed, k]) for k in (1, 2))
        self._slips.reset(int(slips.integers(2**32)))

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        """What the policy chooses, int64 ``(K, H)``, with slips."""
        meant = np.asarray(answer(self.policy, observation.copy(), mask.copy(), heads))
        slips = self._random.random(meant.shape) < self.probability
        return np.where(slips, self._slips.act_with(observation, mask, heads), meant)
