"""Certificates: does anything that was tried beat a policy, by type of state?

A verdict about the game must not be one about the learner. So each type's return under the policy is set against the
best of several learned responses and of a battery of scripted deviators (:mod:`agents.strategies.deviators`), while all
other seats keep to the policy. What is found is a lower bound of the true gap: a certificate says that a search of this
size found no more than :data:`ALLOWED` of the type's return, and a search that did not come up to the policy's own
return (by more than :data:`NEAR` of it) counts as failed and certifies nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np
import pandas as pd

from agents.evaluation import exploit
from agents.evaluation.evaluate import check_most, check_sizes
from agents.evaluation.players import Spec, digests, load, players_of
from agents.evaluation.statistics import estimate
from agents.strategies.deviators import battery
from agents.table.alike import seats_beside
from agents.table.deviation import WIDTH, deviate
from agents.table.play import play
from agents.training.learner_config import Searcher
from agents.training.searcher import SEARCH_WORLDS, scratch, warm
from agents.training.types_drawn import apart
from agents.work import Unit, WorkError, run_units
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from agents.policies.protocol import Policy
    from agents.table.interventions import InterventionsLike

#: Gain of a deviator, as a share of the type's own return, up to which a policy counts as certified.
ALLOWED: Final = 0.02
#: How far below the policy's own return, as a share of it, a search may end and still count: a learner that draws its
#: choices ends a little below what it has found.
NEAR: Final = ALLOWED / 4
SEEKERS, GREEDY = "security seekers", "greedy states"
BATTERY, SCRATCH, WARM = "battery", "from scratch", "from the policy"
CERTIFIED, BEATEN, OPEN, FAILED = "certified", "beaten", "undecided", "every search failed"
#: Learned searches of each policy and seat: (where they start, how many).
SEARCHES: Final = ((SCRATCH, 2), (WARM, 1))
STEPS: Final = 1_000_000
WORLDS: Final = 4096
#: Added to a seed for the worlds that choose among deviators, and for those that measure the chosen one.
_CHOOSING, MEASURING = 5_000_000, 6_000_000
_CHOICE: Final = 0.25


def certify(
    policy: Spec | Sequence[Spec],
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    searches: Sequence[tuple[str, int]] = SEARCHES,
    steps: int = STEPS,
    worlds: int = WORLDS,
    seed: int = 1,
    searcher: Searcher = "PPO",
    cast: Mapping[str, Spec] | None = None,
    interventions: InterventionsLike | None = None,
    out: Path | None = None,
    workers: int = 1,
    parquet: bool = False,
    fresh: bool = False,
    trust: bool = False,
) -> pd.DataFrame:
    """Search for what beats a policy, from each seat that differs, and say by type of state what was found.

    Args:
        policy: registry name, path of a bundle, or a policy (only with one worker and without ``out``); several bundles
            must differ in their training seeds alone.
        scenario: catalogue name, path, Scenario or mapping.
        overrides: dotted keys of the scenario and their values.
        searches: where learned searches start and how many; those from the policy need a bundle of PPO or A2C.
        steps: turns that each response is learned over, rounded up to whole rollouts.
        worlds: in which the chosen response is measured, beside the policy itself in the same worlds.
        seed: of learners and worlds.
        searcher: who learns the responses: SB3's PPO, or FastPPO.
        cast: state -> who plays it, where others than the policy do; deviators sit in the policy's seats.
        interventions: what states are bound to, the deviator too.
        out: folder in which finished work is kept; the same call resumes it.
        workers: processes, 0 for one a core.
        parquet: write ``episodes.parquet`` too.
        fresh: set aside what is in ``out``, and begin anew.
        trust: whether what can run code may be loaded: zip files of stable-baselines3, Python files.

    Returns:
        The table of :func:`certificates`.

    Raises:
        ScenarioError, PolicyError, WorkError: one sentence, before anything is written.
    """
    game = Scenario.load(scenario, overrides)
    given = [policy] if isinstance(policy, (str, Path)) or not isinstance(policy, Sequence) else list(policy)
    sizes: dict[str, Any] = {"searches": searches, "steps": steps, "worlds": worlds, "seed": seed, "searcher": searcher}
    beside: dict[str, Any] = {"cast": cast, "interventions": interventions}
    kept: dict[str, Any] = {"out": out, "workers": workers, "parquet": parquet, "fresh": fresh}
    return certify_all({"": (given, game)}, **sizes, **beside, **kept, trust=trust)[""]


def certify_all(
    groups: Mapping[str, tuple[Sequence[Spec], Scenario]],
    *,
    searches: Sequence[tuple[str, int]] = SEARCHES,
    steps: int = STEPS,
    worlds: int = WORLDS,
    seed: int = 1,
    searcher: Searcher = "PPO",
    cast: Mapping[str, Spec] | None = None,
    interventions: InterventionsLike | None = None,
    out: Path | None = None,
    workers: int = 1,
    parquet: bool = False,
    fresh: bool = False,
    trust: bool = False,
) -> dict[str, pd.DataFrame]:
    """The same for several policies, each in its scenario, as one piece of work: name -> table."""
    check_sizes(seeds=[seed], worlds=worlds)
    exploit.check_steps(steps)
    check_searches(searches, searcher)
    units, inputs = list[Unit](), dict[str, str]()
    for group, (given, game) in groups.items():
        players = players_of(given, game, trust=trust)
        if len(players) > 1:
            raise WorkError(f"{players[0].label} and {players[1].label} are two policies; one at a time is certified.")
        others = _others(cast or {}, game)
        for k, member in enumerate(players[0].members):
            seated = [others.get(seat, member) for seat in range(game.n_states)]
            units += units_against(
                seated, game, others=others, group=group, name=players[0].label, member=k, searches=searches,
                steps=steps, worlds=worlds, seed=seed, searcher=searcher, interventions=interventions, trust=trust,
            )  # fmt: skip
        inputs |= digests(players)
        for spec in others.values():
            inputs |= digests(players_of([spec], game, trust=trust))
    rows = run_units(search, units, out, workers=workers, title="certify", parquet=parquet, inputs=inputs, fresh=fresh)
    return {name: certificates(rows_of(rows, name), game) for name, (_, game) in groups.items()}


def _others(cast: Mapping[str, Spec], game: Scenario) -> dict[int, Spec]:
    """Index of each state of a cast -> who plays it.

    Raises:
        WorkError: for a state that is none, or where no seat is left for the policy.
    """
    if unknown := [state for state in cast if state not in game.agents]:
        raise WorkError(f"cast has {unknown[0]!r:.80}; states are {', '.join(game.agents)}.")
    if len(cast) == game.n_states:
        raise WorkError(f"cast has all of {', '.join(game.agents)}; the policy needs one of them.")
    return {game.agents.index(state): spec for state, spec in cast.items()}


def check_searches(searches: Sequence[tuple[str, int]], searcher: str) -> None:
    """Refuse learned searches that are none.

    Raises:
        WorkError: naming what is given and what is allowed.
    """
    given: Any = searches  # of a caller without types
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise WorkError(f"searches is {given!r:.80}; a list of where they start and how many is needed.")
    for each in given:
        if not isinstance(each, (tuple, list)) or len(each) != 2 or each[0] not in (SCRATCH, WARM):
            raise WorkError(f"searches has {each!r:.80}; they start {SCRATCH!r} or {WARM!r}, with how many.")
        if type(each[1]) is not int or each[1] < 0:
            raise WorkError(f"searches has {each!r:.80}; how many is a whole number of at least 0.")
        check_most(searches=each[1])
    if searcher not in get_args(Searcher):
        raise WorkError(f"searcher is {searcher!r:.80}; {' or '.join(get_args(Searcher))} is needed.")


def units_against(
    cast: Sequence[Spec],
    game: Scenario,
    *,
    others: Collection[int] = (),
    group: str,
    name: str,
    member: int = 0,
    searches: Sequence[tuple[str, int]] = SEARCHES,
    steps: int = STEPS,
    worlds: int = WORLDS,
    seed: int = 1,
    searcher: Searcher = "PPO",
    interventions: InterventionsLike | None = None,
    trust: bool = False,
) -> Iterator[Unit]:
    """The searches against those who play a game, from each seat in question, as units of :func:`search`.

    Args:
        cast: specification of who plays each state.
        game: the scenario.
        others: indices of states whose players are not certified.
        group: what is certified together.
        name: of those who play, for the units.
        member: which of several policies that differ in their training seeds alone.
        interventions: what states are bound to, the deviator too.
        searches: where learned searches start and how many, as of :func:`certify`.
        steps: turns that each response is learned over.
        worlds: in which the chosen response is measured.
        seed: of learners and worlds.
        searcher: who learns the responses.
        trust: whether what can run code may be loaded.
    """
    for seat in _seats(cast, game, bool(interventions), others):
        learned = [(start, again) for start, count in searches for again in range(count)]
        if warm(load(cast[seat], trust)) is None:
            learned = [(SCRATCH, again) for again in range(len(learned))]
        for start, again in [(BATTERY, 0), *learned]:
            arguments = {
                "group": group, "cast": list(cast), "member": member, "scenario": game.to_dict(), "seat": seat,
                "start": start, "rank": again, "seed": seed + again, "steps": steps, "worlds": worlds,
                "searcher": searcher, "interventions": interventions, "trust": trust,
            }  # fmt: skip
            yield Unit(f"{group} {name} {member} seat {seat} {start} {again}".strip(), arguments)


def _seats(cast: Sequence[Spec], game: Scenario, bound: bool, others: Collection[int]) -> list[int]:
    """One seat of each group whose members could change places: that differ in nothing, and play by the same policy.

    Beside others, each seat that they do not hold.
    """
    alike = all(spec is cast[0] or spec == cast[0] for spec in cast) and not bound  # to what tells them apart, too
    return seats_beside(game, others) if alike or others else list(range(game.n_states))


def search(
    *, group: str, cast: Sequence[Spec], member: int, scenario: dict[str, Any], seat: int, start: str, rank: int,
    seed: int, steps: int, worlds: int, searcher: Searcher, interventions: InterventionsLike | None, trust: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """The unit of work: one search of one seat; a row for each type that the seat may have.

    The deviator that does best in some worlds is measured in others, so that luck in the choice is no gain. Where a
    type can be given to the seat's state, it has either in half of the worlds, so that what the rarer one gains is
    known as well. Of the searches that begin with a mixture each begins with another member.
    """
    game = Scenario.load(scenario)
    frozen = [load(spec, trust) for spec in cast]
    games = apart(game, game.agents[seat])

    def own(worlds: int, seed: int) -> list[pd.DataFrame]:
        share = -(-worlds // len(games))
        return [play(each, frozen, worlds=share, seed=seed, interventions=interventions) for each in games]

    def gains(deviator: Policy, own: Sequence[pd.DataFrame]) -> dict[str, dict[str, float]]:
        found = dict[str, dict[str, float]]()
        for each, rows in zip(games, own, strict=True):
            found |= _by_type(deviate(each, frozen, deviator, seat, rows, interventions))
        return found

    if start == BATTERY:
        candidates = dict(battery(frozen[seat]))
    else:
        candidates = _learned(game, frozen, seat, start, rank, seed, steps, searcher, interventions)
    few = max(1, round(_CHOICE * worlds))
    played = own(few, _CHOOSING + seed)  # once, however many are held against it
    tried = {name: gains(deviator, played) for name, deviator in candidates.items()}
    best = {kind: max(tried, key=lambda name: tried[name][kind]["gain"]) for kind in next(iter(tried.values()))}
    played = own(worlds, MEASURING + seed)
    measured = {name: gains(candidates[name], played) for name in dict.fromkeys(best.values())}
    return [
        {
            "group": group, "member": member, "seat": seat, "type": kind, "start": start, "seed": seed,
            "response": name,
            "chosen": tried[name][kind]["gain"], "chosen_error": tried[name][kind]["error"], **measured[name][kind],
        }
        for kind, name in best.items()
        if kind in measured[name]
    ]  # fmt: skip


def _learned(
    game: Scenario,
    frozen: Sequence[Policy],
    seat: int,
    start: str,
    rank: int,
    seed: int,
    steps: int,
    searcher: Searcher,
    interventions: InterventionsLike | None,
) -> dict[str, Policy]:
    from agents.policies.bundles import LearnedBundle
    from agents.training.response import learn_response

    own = frozen[seat]
    config = warm(own, searcher) if start == WARM else scratch(searcher)
    if config is None:
        raise WorkError("a search from the policy needs a bundle of PPO or A2C.")
    drawn = learn_response(
        game,
        frozen,
        seat,
        seed=seed,
        steps=steps,
        worlds=SEARCH_WORLDS,
        config=config,
        begin=own if isinstance(own, LearnedBundle) and start == WARM else None,
        rank=rank,
        interventions=interventions,
    )
    return {f"learned {start}": drawn, f"learned {start}, its likeliest choices": drawn.likeliest()}


def _by_type(deviation: Mapping[bool, tuple[np.ndarray, np.ndarray]]) -> dict[str, dict[str, float]]:
    """What a deviator gains each type that its seat has."""
    found = {}
    for greedy, (before, gained) in deviation.items():
        if len(gained) > 1:
            found[GREEDY if greedy else SEEKERS] = {
                "own": float(before.mean()), "gain": float(gained.mean()),
                "error": float(gained.std(ddof=1) / np.sqrt(len(gained))), "worlds": len(gained),
            }  # fmt: skip
    return found


def rows_of(rows: pd.DataFrame, group: str) -> pd.DataFrame:
    """The rows of one group.

    Raises:
        WorkError: if there is none, as in one world, in which no interval is.
    """
    found = rows[rows["group"] == group] if "group" in rows else rows
    if found.empty:
        raise WorkError("worlds are too few for a certificate: no type of a state was seen in two of them; take more.")
    return found


def certificates(rows: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """What the searches found, by seat and type.

    Args:
        rows: of :func:`search`.
        scenario: for the names of the seats.

    Returns:
        A row for each seat and type: ``state, type, own`` (return of the policy itself, homeland-incomes an episode),
        ``gain, low, high`` (of the best deviator as a share of it; 95% interval over the policies of several training
        seeds, of one over worlds; 0 where nothing gained), ``response`` (the deviator), ``searches`` and ``failed``
        (learned ones, of all policies), ``verdict``: :data:`CERTIFIED` if the interval lies at or below
        :data:`ALLOWED`, :data:`BEATEN` above, :data:`OPEN` across it; :data:`FAILED` if no learned search came up to
        the policy's own return, however little was found.
    """
    found = []
    for (seat, kind), group in rows.groupby(["seat", "type"], sort=False):
        learned = group[group["start"] != BATTERY]
        failed = learned["chosen"] + WIDTH * learned["chosen_error"] < -NEAR * learned["own"].abs()
        best = group.loc[group.groupby("member")["chosen"].idxmax()]
        gains = (best["gain"] / best["own"].abs()).where(best["chosen"] > 0, 0.0)
        if len(best) > 1:
            interval = estimate(list(gains))
            value, low, high = interval.value, interval.low, interval.high
        else:
            half = WIDTH * float((best["error"] / best["own"].abs()).where(best["chosen"] > 0, 0.0).iloc[0])
            value = float(gains.iloc[0])
            low, high = value - half, value + half
        verdict = CERTIFIED if high <= ALLOWED else BEATEN if low > ALLOWED else OPEN
        if verdict == CERTIFIED:  # which rests on searches that came at least as far as the policy itself
            searched = set(learned["member"][~failed])
            verdict = CERTIFIED if searched == set(best["member"]) else FAILED if len(learned) else OPEN
        found.append(
            {
                "state": scenario.agents[int(seat)], "type": kind, "own": float(best["own"].mean()), "gain": value,
                "low": low, "high": high, "response": str(best["response"].mode().iloc[0]) if value > 0 else "",
                "searches": len(learned), "failed": int(failed.sum()), "verdict": verdict,
            }
        )  # fmt: skip
    return pd.DataFrame(found)
