"""Pictures of logged episodes: who was allied with whom, what each believed, and how arms answered arms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy import stats

from agents.pictures.style import GREY, Caption, finish, look, panels
from sd_env import measures
from sd_env.errors import RefusedError
from sd_env.measures.episode import arms, security_seekers
from sd_env.record import EpisodeLog
from sd_env.show.story import Story

#: Pairs of states that a picture of alliances shows at most: those that were allied or fought longest.
_PAIRS: Final = 28
#: Turns with which a reaction can be told from none: three coefficients, and one to spare.
_LEAST: Final = 5


class PictureError(RefusedError):
    """What cannot be drawn: one sentence."""


def spells(held: np.ndarray) -> list[tuple[int, int]]:
    """First turn and length of each unbroken time in which a truth ``(T + 1,)`` holds."""
    edges = np.diff(np.concatenate([[False], held.astype(bool), [False]]).astype(int))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(start), int(end - start)) for start, end in zip(starts, ends, strict=True)]


def alliances(log: EpisodeLog, path: Path) -> None:
    """Draw which pairs were allied when, and on which turns they fought.

    Args:
        log: an episode.
        path: PNG to write; an SVG is written beside it.

    Raises:
        PictureError: if no two states were ever allied or fought.
    """
    names = list(Story(log).names.values())
    allied, fought = log.pairs["allied"] != 0, log.pairs["attacks"] != 0
    times = {
        (i, j): (allied[:, i, j], fought[:, i, j] | fought[:, j, i])
        for i, j in itertools.combinations(range(len(names)), 2)
    }
    eventful = {pair: each for pair, each in times.items() if each[0].any() or each[1].any()}
    if not eventful:
        raise PictureError("no two states of this episode were ever allied or fought.")
    longest = sorted(eventful, key=lambda pair: -int(sum(each.sum() for each in eventful[pair])))
    shown = sorted(longest[:_PAIRS])
    figure, [axis] = panels(1, size=(9.0, 1.6 + 0.34 * len(shown)))
    for k, pair in enumerate(shown):
        together, war = eventful[pair]
        axis.broken_barh(
            [(start - 0.5, long) for start, long in spells(together)], (k - 0.36, 0.72), facecolors="#009E73"
        )
        axis.broken_barh([(start - 0.5, long) for start, long in spells(war)], (k - 0.2, 0.4), facecolors="#D55E00")
    axis.set_yticks(range(len(shown)), [f"{names[i]} – {names[j]}" for i, j in shown], fontsize=9)
    axis.set(xlabel="turn", xlim=(0, log.turns + 1), ylim=(len(shown) - 0.4, -0.6))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(axis="x", alpha=0.3)
    for colour, words in (("#009E73", "allied"), ("#D55E00", "one attacks the other")):
        axis.plot([], [], color=colour, linewidth=7, label=words)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.0 + 0.9 / (1.6 + 0.34 * len(shown))), ncol=2, frameon=False)
    more = len(eventful) - len(shown)
    finish(
        figure,
        f"{_title(log)}: alliances and wars",
        _one(log, f"{more} pairs with less are left out" if more else ""),
        path,
    )


def beliefs(log: EpisodeLog, path: Path) -> None:
    """Draw how likely each state could hold each other one to be a security seeker, by what it had seen.

    Beliefs are those of the filter of :func:`sd_env.measures.filter_beliefs`; at the right edge stands the truth.

    Args:
        log: an episode.
        path: as of :func:`alliances`.
    """
    names, held = list(Story(log).names.values()), measures.filter_beliefs(log)
    truth = security_seekers(log)[-1]
    count = len(names)
    across = min(count, 4)
    figure, axes = panels(across, -(-count // across), size=(3.6, 3.2))
    for i, axis in enumerate(axes):
        if i >= count:
            axis.set_axis_off()
            continue
        for j in range(count):
            if j != i:
                axis.plot(held[:, i, j], label=names[j], linewidth=1.8, **look(j))
                axis.plot(log.turns, float(truth[j]), marker="D", color=look(j)["color"], markersize=6, clip_on=False)
        axis.set(title=f"{names[i]} believes", xlabel="turn", ylim=(-0.03, 1.03), xlim=(0, log.turns))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, framealpha=0.7, edgecolor="none")
    axes[0].set_ylabel("that it is a security seeker")
    finish(figure, f"{_title(log)}: beliefs", _one(log, "a diamond is the truth at the end"), path)


@dataclass(frozen=True)
class Reaction:
    """Richardson's (1960) equation of one state, by least squares: dx = grievance + k y - fatigue x, a turn.

    Attributes:
        grievance: what it adds whatever anybody has.
        k: what it adds for each arm of the other.
        fatigue: what it loses of each arm of its own.
        half: half of the 95% t interval of ``k``.
        turns: on how many it rests.
    """

    grievance: float
    k: float
    fatigue: float
    half: float
    turns: int

    def rests_at(self, theirs: np.ndarray) -> np.ndarray:
        """Arms at which it neither adds nor loses, given the other's; NaN where it has no fatigue."""
        if self.fatigue <= 0.0:
            return np.full(len(theirs), np.nan)
        return (self.grievance + self.k * theirs) / self.fatigue


def reaction(logs: Sequence[EpisodeLog], mine: int, theirs: int) -> Reaction:
    """The equation of a state, over the turns after which both stand.

    Raises:
        PictureError: for fewer turns than tell it, or stocks that do not vary apart.
    """
    rows, changes = [], []
    for log in logs:
        stocks, standing = arms(log), log.states["standing"]
        both = standing[1:, mine] & standing[1:, theirs]
        rows.append(np.stack([np.ones(log.turns), stocks[:-1, theirs], -stocks[:-1, mine]], axis=1)[both])
        changes.append((stocks[1:, mine] - stocks[:-1, mine])[both])
    x, y = np.concatenate(rows), np.concatenate(changes)
    if len(y) < _LEAST or np.linalg.matrix_rank(x) < 3:
        raise PictureError(
            f"no reaction can be told from {len(y)} turns in which the stocks of the two states do not vary apart; "
            "more episodes may do."
        )
    found, *_ = np.linalg.lstsq(x, y, rcond=None)
    left = y - x @ found
    spread = math.sqrt(float(left @ left) / (len(y) - 3) * float(np.linalg.inv(x.T @ x)[1, 1]))
    half = float(stats.t.ppf(0.975, len(y) - 3)) * spread
    return Reaction(float(found[0]), float(found[1]), float(found[2]), half, len(y))


def phase_plane(logs: Sequence[EpisodeLog], path: Path, pair: tuple[int, int] = (0, 1)) -> None:
    """Draw the arms of two states against one another, with the lines on which each neither adds nor loses.

    Args:
        logs: episodes of one scenario.
        path: as of :func:`alliances`.
        pair: which two, by index.

    Raises:
        PictureError: for logs of several scenarios, and as :func:`reaction`.
    """
    first = logs[0]
    if any(log.scenario != first.scenario for log in logs):
        raise PictureError("the logs are of several scenarios; arms of one are drawn.")
    one, two = pair
    names = list(Story(first).names.values())
    answers = reaction(logs, one, two), reaction(logs, two, one)
    figure, [axis] = panels(1, size=(6.4, 5.8))
    top = max(float(np.nanmax(arms(log)[:, [one, two]])) for log in logs) * 1.1 or 1.0
    for log in logs:
        x, y = arms(log)[:, one], arms(log)[:, two]
        axis.plot(x, y, color=GREY, linewidth=0.9, alpha=max(0.15, 1.0 / len(logs)))
        axis.plot(x[-1], y[-1], marker="o", color=GREY, markersize=3.5, alpha=0.6)
    grid = np.linspace(0.0, top, 50)
    for k, (of, found) in enumerate(zip(pair, answers, strict=True)):
        rests = found.rests_at(grid)
        line = (rests, grid) if k == 0 else (grid, rests)
        words = f"{names[of]}: k = {found.k:+.3f} ± {found.half:.3f}"
        axis.plot(*line, label=words if np.isfinite(rests).any() else f"{words}, no rest", linewidth=2.2, **look(k))
    axis.set(xlabel=f"arms of {names[one]}", ylabel=f"arms of {names[two]}", xlim=(0, top), ylim=(0, top))
    axis.grid(alpha=0.3)
    axis.legend(title="where it neither adds nor loses", fontsize=9, title_fontsize=9, framealpha=0.85)
    caption = Caption(
        answers[0].turns,
        f"turns of {len(logs)} episode{'s' * (len(logs) != 1)}",
        "k, arms added for each of the other's: 95% t interval over turns",
        "it is biased upward where stocks drift, and so is no evidence of a reaction",
    )
    finish(figure, f"{_title(first)}: arms against arms", caption, path)


def _title(log: EpisodeLog) -> str:
    return log.scenario.title or log.scenario.name


def _one(log: EpisodeLog, more: str) -> Caption:
    return Caption(1, f"episode (seed {log.seed}, world {log.world}, episode {log.episode})", "", more)
