"""Double oracle rounds: what answers a trained policy better joins it, and the policy becomes a mixture.

Where early play punishes all attacks, exploration dies, and a policy may end in doing nothing although a state of one
type would gain by doing something. And where only a mixture is an equilibrium, a learner that answers its own play goes
round in a circle. So after a training the policy is the first member of a population. Each round finds shares of the
members at which hardly any of them earns a type more (:mod:`agents.training.meta_game`), searches for what earns more
against that mixture, and all that does joins (McMahan, Gordon & Blum 2003; Lanctot et al. 2017): with the best for each
type alone, the next mixture withstands that one and falls to its neighbour. A search that finds nothing may have missed
it: as many in a row as ``rounds.quiet`` end the rounds. The policy is the mixture against which least was found, by its
own searches and by those of all other rounds. Members are held against each other in pairs, so there are rounds among
two states only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from agents.files import write_text
from agents.policies.bundles import LearnedBundle
from agents.policies.mixture import MixedBundle, mix
from agents.strategies.deviators import battery
from agents.table.alike import seat_groups
from agents.table.deviation import deviate
from agents.table.metrics import RATES, rates_of
from agents.table.play import play
from agents.table.seating import ROTATING
from agents.training.config import RoundsConfig, TrainingConfig
from agents.training.learner_config import LearnerConfig
from agents.training.live import ROUNDS
from agents.training.meta_game import STATES, MetaGame
from agents.training.response import learn_response
from agents.training.searcher import SEARCH_WORLDS, scratch, warm
from agents.training.teaching import taught
from agents.training.types_drawn import apart
from sd_env.policies import derived_seed
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from agents.policies.protocol import Policy

#: Keys under which a job's seed gives those of the responses (and which of them), of lessons, of the worlds in which
#: responses are measured, and of those in which members meet.
_LEARNING, _MEASURING, _TEACHING, _MEETING = range(21, 25)
#: Of the worlds in which a response is measured, those in which each script is tried, and how many those are at most:
#: scripts are tried only to choose whom to learn from, and there are twenty of them.
_TRIAL_SHARE, _TRIAL_MOST = 0.25, 2048
#: Worlds in which a network watches the script that it learns from.
_LESSONS: Final = 1024
SCRATCH, WARM, TAUGHT, LIKELIEST = "from scratch", "from the policy", "taught", "its likeliest choices"
#: What the first member is called.
TRAINED: Final = "as trained"


@dataclass(frozen=True)
class Answer:
    """The best that was found against a round's policy, for one type of state.

    Attributes:
        round: the first is 1.
        greedy: which type.
        own: return of a state of it under the policy.
        gain: how much more the response earns in its place.
        error: standard error of the gain.
        response: which response.
        taken: whether it joined the policy.
    """

    round: int
    greedy: bool
    own: float
    gain: float
    error: float
    response: str
    taken: bool

    @property
    def share(self) -> float:
        """The gain as a share of the return."""
        return _share(self.gain, self.own)


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
        game: the game among the members, as plain data (:func:`agents.evaluation.members.read` reads it).
    """

    policy: MixedBundle
    answers: list[Answer]
    moved: dict[str, float] | None
    game: dict[str, Any]

    def plain(self) -> list[dict[str, Any]]:
        """The answers as plain data."""
        return [asdict(answer) for answer in self.answers]


def improve(
    config: TrainingConfig,
    first: LearnedBundle,
    scenario: Scenario,
    seed: int,
    told: Callable[[Sequence[Answer]], None] = lambda answers: None,
) -> Improved:
    """Do the rounds of ``config.rounds``: the most, or until so many in a row that find nothing which gains enough.

    Args:
        config: of the training; its rounds must be given.
        first: the trained policy, with networks by type.
        scenario: the game, of two states.
        seed: of the job.
        told: called after each round with the best answers of all rounds so far.
    """
    rounds = config.rounds
    assert rounds is not None, "rounds are to be done"
    game = MetaGame(scenario, rounds.worlds, derived_seed(seed, _MEETING))
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
        measuring = derived_seed(seed, _MEASURING, number)
        metrics.append(rates_of(play(scenario, [policy] * STATES, worlds=rounds.worlds, seed=measuring)))
        own = _own(scenario, policy, rounds.worlds, measuring)
        best, joining = _Search(config, scenario, policy, first, own, number, seed).answers()
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
    moved = None
    if len(metrics) > 1:
        moved = dict.fromkeys(RATES, 0.0)
        if not quiet:
            moved = {name: metrics[-1][name] - metrics[-2][name] for name in RATES}
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
    return Improved(found[taken][2], answers, moved, record)


@dataclass(frozen=True)
class _Own:
    """Rows of :func:`agents.table.play.play` with a policy in all seats, to hold against a deviator in a seat.

    Attributes:
        game: the scenario, or the one in which the seat's state is of a type.
        seat: whose returns are held against one another.
        rows: one a world.
    """

    game: Scenario
    seat: int
    rows: pd.DataFrame


def _own(scenario: Scenario, policy: Policy, worlds: int, seed: int) -> list[_Own]:
    """The policy from each seat that differs and with each type apart where that can be: ``2 * worlds`` in all."""
    games = [(game, seat) for seat in seat_groups(scenario) for game in apart(scenario, scenario.agents[seat])]
    share = -(-STATES * worlds // len(games))
    return [_Own(game, seat, play(game, [policy] * STATES, worlds=share, seed=seed)) for game, seat in games]


@dataclass(frozen=True)
class _Gains:
    """What a response earns a type: its return under the policy, how much more it is, the standard error of that."""

    own: float
    gain: float
    error: float

    @property
    def share(self) -> float:
        """The gain as a share of the return."""
        return _share(self.gain, self.own)


@dataclass(frozen=True)
class _Start:
    """Where a response starts to learn.

    Attributes:
        key: of the seed that it learns by.
        name: in words.
        config: its learner.
        bundle: whose weights it begins with, if any.
        rank: of a mixture, those of the member that has the largest share of a type (0), the second (1), ...
    """

    key: int
    name: str
    config: LearnerConfig
    bundle: LearnedBundle | None = None
    rank: int = 0


@dataclass(frozen=True)
class _Search:
    """The search for what earns more than one round's policy.

    Attributes:
        config: of the training.
        scenario: the game.
        policy: the round's.
        first: the trained policy, whose shape responses have.
        own: the policy in all seats.
        number: of the round.
        seed: of the job.
    """

    config: TrainingConfig
    scenario: Scenario
    policy: MixedBundle
    first: LearnedBundle
    own: list[_Own]
    number: int
    seed: int

    @property
    def rounds(self) -> RoundsConfig:
        """How they are done."""
        assert self.config.rounds is not None, "rounds are to be done"
        return self.config.rounds

    def answers(self) -> tuple[list[Answer], dict[str, LearnedBundle]]:
        """The best that was found against the policy for each type that occurs, and all that gain enough to join.

        The latter by what they are called; all have names of their own.
        """
        tried = {name: (response, gains) for name, response, gains in self._responses()}
        best = []
        for greedy in (False, True):
            if any(greedy in gains for _, gains in tried.values()):
                name = max(tried, key=lambda each: tried[each][1][greedy].gain)
                gains = tried[name][1][greedy]
                best.append(Answer(self.number, greedy, gains.own, gains.gain, gains.error, name, self._enough(gains)))
        return best, {
            name: response for name, (response, gains) in tried.items() if any(map(self._enough, gains.values()))
        }

    def _enough(self, gains: _Gains) -> bool:
        """Whether a response gains enough to join, whatever its sampling error."""
        return gains.gain - gains.error > self.rounds.gap * abs(gains.own)

    def _responses(self) -> Iterator[tuple[str, LearnedBundle, dict[bool, _Gains]]]:
        """What was learned from scratch, from the policy, and from a script, if any gains enough; what they gain."""
        starts = list(self._starts())
        for start in starts:
            if start.name == TAUGHT and start.bundle is not None:
                yield TAUGHT, start.bundle, self._gains(start.bundle, self.own)
        for start in starts:
            learned = learn_response(
                self.scenario,
                self.policy,
                ROTATING,
                seed=derived_seed(self.seed, _LEARNING, self.number, start.key) >> 1,
                steps=self.rounds.response_steps,
                worlds=SEARCH_WORLDS,
                config=start.config,
                begin=start.bundle,
                rank=start.rank,
            )
            found = {f"learned {start.name}": learned, f"learned {start.name}, {LIKELIEST}": learned.likeliest()}
            gains = {name: self._gains(response, self.own) for name, response in found.items()}
            better = max(gains, key=lambda name: max(each.share for each in gains[name].values()))
            yield better, found[better], gains[better]

    def _starts(self) -> Iterator[_Start]:
        """Where responses start to learn.

        Against policies at rest those that begin with the policy find more and oftener, those from scratch little and
        seldom: of 48 of these in the certificates of seeds 77 to 79 one gained 1%. But what is far from the policy they
        alone find: after rounds that left them out where nothing had been found, one gained a greedy state 7% of
        held-back seed 82 in the not intense world (docs/results/held_back.txt). So each round has one.
        """
        config = warm(self.first, self.rounds.searcher)
        shape = {name: getattr(self.config.learner, name) for name in ("net_arch", "activation", "observations")}
        yield _Start(0, SCRATCH, scratch(self.rounds.searcher).model_copy(update=shape))
        if config is None:
            return
        yield _Start(1, WARM, config, self.policy)
        scripts, gain = self._best_scripts()
        if gain > self.rounds.gap:
            key = derived_seed(self.seed, _TEACHING, self.number) >> 1  # torch and SB3 take seeds below 2**31
            pupil = taught(self.scenario, scripts, self.policy, self.first, worlds=_LESSONS, seed=key)
            yield _Start(2, TAUGHT, config, pupil)
        for rank in range(1, self.rounds.warm):
            yield _Start(2 + rank, f"{WARM}'s number {rank + 1}", config, self.policy, rank)

    def _best_scripts(self) -> tuple[dict[bool, Policy], float]:
        """The scripted deviator that does best for each type, and the most that one gains, as a share of the return."""
        most = max(2, min(_TRIAL_MOST, round(_TRIAL_SHARE * self.rounds.worlds)))
        few = [_Own(each.game, each.seat, each.rows.iloc[:most]) for each in self.own]
        scripts = dict(battery(self.policy))
        gains = {name: self._gains(script, few) for name, script in scripts.items()}
        kinds = next(iter(gains.values()))
        best = {kind: max(gains, key=lambda name: gains[name][kind].gain) for kind in kinds}
        shares = [gains[name][kind].share for kind, name in best.items()]
        return {kind: scripts[name] for kind, name in best.items()}, max(shares, default=0.0)

    def _gains(self, response: Policy, own: Sequence[_Own]) -> dict[bool, _Gains]:
        """What the response gains each type that occurs, from one seat at a time in the worlds of ``own``."""
        parts = [deviate(each.game, self.policy, response, each.seat, each.rows) for each in own]
        found = {}
        for kind in (False, True):
            had, gained = (np.concatenate(each) for each in zip(*(part[kind] for part in parts), strict=True))
            if len(gained) > 1:
                error = float(gained.std(ddof=1) / np.sqrt(len(gained)))
                found[kind] = _Gains(float(had.mean()), float(gained.mean()), error)
        return found


def _padded(shares: np.ndarray, size: int) -> np.ndarray:
    """The shares of a population that has grown to ``size`` members since."""
    return np.pad(shares, ((0, 0), (0, size - shares.shape[1])))


def _share(gain: float, own: float) -> float:
    """A gain as a share of the return, which may be nothing."""
    return gain / max(abs(own), 1e-9)
