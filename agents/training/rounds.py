"""Rounds: what answers a trained policy better joins it.

Where early play punishes all attacks, exploration dies, and a policy may end in doing nothing although a state of one
type would gain by doing something. And where only a mixture is an equilibrium, a learner that answers its own play goes
round in a circle. So after a training the policy is the first member of a population. Each round finds shares of the
members at which hardly any of them earns a type more (:mod:`agents.training.meta_game`), searches for what earns more
against that mixture (:mod:`agents.training.oracle`), and all that does joins: a double oracle (McMahan, Gordon & Blum
2003; Lanctot et al. 2017). With the best for each type alone, the next mixture withstands that one and falls to its
neighbour. A search that finds nothing may have missed it: as many in a row as ``rounds.quiet`` end the rounds. The
policy is the mixture against which least was found, by its own searches and by those of all other rounds. Members are
held against each other in pairs, so there are such rounds among two states only.

Where one state learns and all others do not, nothing answers back: each type plays the best answer that was found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.files import write_text
from agents.policies.bundles import LearnedBundle
from agents.policies.mixture import MixedBundle, mix
from agents.table.metrics import RATES, rates_of
from agents.training.config import TrainingConfig
from agents.training.live import ROUNDS
from agents.training.meta_game import MetaGame
from agents.training.oracle import LIKELIEST, Answer, Arena, Search
from sd_env.policies import derived_seed

#: Key under which a job's seed gives that of the worlds in which members meet.
_MEETING: Final = 24
#: What the first member is called.
TRAINED: Final = "as trained"
#: Told of the best answers of all rounds so far.
Told = Callable[[Sequence[Answer]], None]


def write_rounds(folder: Path, answers: Sequence[Answer]) -> None:
    """Write what the rounds of a job have found so far into its folder, as a table: a row a round and type."""
    frame = pd.DataFrame([{**asdict(answer), "share": answer.share} for answer in answers])
    write_text(folder / ROUNDS, frame.to_csv(index=False))


@dataclass(frozen=True)
class Improved:
    """What came of the rounds.

    Attributes:
        policy: the mixture.
        answers: the best against each round's policy, by type.
        moved: how far each metric moved between the policies of the last two rounds, 0 if the rounds ended since
            nothing gained enough; None if there was one such round alone, so that the training says it.
        game: the game among the members, as plain data (:func:`agents.evaluation.members.read` reads it); None where
            one state alone learns, so that there is no such game.
    """

    policy: MixedBundle
    answers: list[Answer]
    moved: dict[str, float] | None
    game: dict[str, Any] | None = None

    def plain(self) -> list[dict[str, Any]]:
        """The answers as plain data."""
        return [asdict(answer) for answer in self.answers]


def improve(
    config: TrainingConfig, first: LearnedBundle, arena: Arena, seed: int, told: Told = lambda answers: None
) -> Improved:
    """Do the rounds of ``config.rounds``: the most, or until so many in a row that find nothing which gains enough.

    Args:
        config: of the training; its rounds must be given.
        first: the trained policy, with networks by type.
        arena: a game of two states that the policy plays both, or of any number of which it plays one.
        seed: of the job.
        told: called after each round with the best answers of all rounds so far.
    """
    return (_answered if arena.others else _mixed)(config, first, arena, seed, told)


def _mixed(config: TrainingConfig, first: LearnedBundle, arena: Arena, seed: int, told: Told) -> Improved:
    rounds = config.rounds
    assert rounds is not None, "rounds are to be done"
    game = MetaGame(arena.scenario, rounds.worlds, derived_seed(seed, _MEETING), arena.interventions)
    members = {TRAINED: first, f"{TRAINED}, {LIKELIEST}": first.likeliest()}
    for member in members.values():
        game.add(member)
    shares = np.array([[0.0, 1.0]] * 2)  # without the noise that is left of exploring, if that holds
    answers: list[Answer] = []
    found: list[tuple[float, np.ndarray, MixedBundle]] = []
    first_played: list[int] = []  # the round in which each of these was searched for the first time
    metrics: list[dict[str, float]] = []
    quiet = 0  # rounds in a row in which nothing joined
    for number in range(1, rounds.most + 1):
        if not quiet:
            shares = game.settle(_padded(shares, len(members)))
            found.append((-np.inf, shares, mix([*members.values()], shares, name=first.name)))
            first_played.append(number)
        most, _, policy = found[-1]
        search = Search(config, arena, policy, first, number, seed)
        metrics.append(rates_of(arena.play(policy, rounds.worlds, search.measuring)))
        best, joining = search.answers()
        answers += best
        found[-1] = max(most, *(answer.share for answer in best)), shares, policy
        for name, member in joining.items():
            members[f"round {number}: {name}"] = member
            game.add(member)
        quiet = 0 if joining else quiet + 1
        told(answers)
        if quiet == rounds.quiet:
            break
    # one search misses what another finds: what joined in any round is held against all mixtures
    worst = [max(most, game.regrets(_padded(shares, len(members))).max()) for most, shares, _ in found]
    taken = int(np.argmin(worst))
    mixtures = [
        {"round": number, "shares": _padded(shares, len(members)).tolist(), "found": float(most)}
        for number, (_, shares, _), most in zip(first_played, found, worst, strict=True)
    ]
    record = {
        "members": list(members),
        "payoffs": game.payoffs().tolist(),
        "meetings": game.meetings.tolist(),
        "mixtures": mixtures,
        "taken": taken,
    }
    return Improved(found[taken][2], answers, _moved(metrics, quiet), record)


def _answered(config: TrainingConfig, first: LearnedBundle, arena: Arena, seed: int, told: Told) -> Improved:
    rounds = config.rounds
    assert rounds is not None, "rounds are to be done"
    playing = [first.likeliest()] * 2  # by type
    answers: list[Answer] = []
    metrics: list[dict[str, float]] = []
    quiet = 0
    for number in range(1, rounds.most + 1):
        search = Search(config, arena, _by_type(playing, first.name), first, number, seed)
        metrics.append(rates_of(arena.play(search.policy, rounds.worlds, search.measuring)))
        best, joining = search.answers()
        answers += best
        for answer in best:
            if answer.taken:
                playing[answer.greedy] = joining[answer.response]
        quiet = 0 if joining else quiet + 1
        told(answers)
        if quiet == rounds.quiet:
            break
    return Improved(_by_type(playing, first.name), answers, _moved(metrics, quiet))


def _by_type(playing: Sequence[LearnedBundle], name: str) -> MixedBundle:
    """The policy of which a security seeker plays the first, a greedy state the second."""
    members = list(dict.fromkeys(playing))
    return mix(members, np.array([[float(member is each) for member in members] for each in playing]), name=name)


def _moved(metrics: Sequence[dict[str, float]], quiet: int) -> dict[str, float] | None:
    """How far each metric moved between the policies of the last two rounds."""
    if len(metrics) < 2:
        return None
    if quiet:
        return dict.fromkeys(RATES, 0.0)
    return {name: metrics[-1][name] - metrics[-2][name] for name in RATES}


def _padded(shares: np.ndarray, size: int) -> np.ndarray:
    """The shares of a population that has grown to ``size`` members since."""
    return np.pad(shares, ((0, 0), (0, size - shares.shape[1])))
