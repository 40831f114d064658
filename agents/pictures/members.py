"""Pictures of a training's rounds: what members earn against each other, by type, and the gap from round to round."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from agents.evaluation.members import TYPES, Members
from agents.pictures.style import GREY, Caption, finish, look, panels, short

#: Names of the files, without their endings; pay-offs have that of the world behind.
GAPS, PAYOFFS = "gaps", "members"
#: Members up to which a cell carries its number.
_NUMBERED: Final = 12


def payoffs(game: Members, picture: Path, title: str, worlds: int) -> None:
    """Draw what a type earns by the row's member against the column's: a panel for each type that it may meet.

    Args:
        game: of one job.
        picture: PNG to write; an SVG is written beside it.
        title: above it.
        worlds: in which each pair met.
    """
    kinds, count = game.occurring, len(game.names)
    side = max(0.42 * count, 2.6)
    figure, axes = panels(len(kinds), len(kinds), size=(side + 1.6, side + 1.0))
    for axis, (own, other) in zip(axes, itertools.product(kinds, repeat=2), strict=True):
        values = game.payoffs[own, :, other]
        image = axis.imshow(values, cmap="viridis")
        axis.set_xticks(range(count), range(1, count + 1))
        axis.set_yticks(range(count), range(1, count + 1))
        axis.tick_params(labelsize=8, length=0)
        axis.set(title=f"{TYPES[own]} against {TYPES[other]}", xlabel="against member", ylabel="member")
        if count <= _NUMBERED:
            middle = values.min() + 0.6 * np.ptp(values)
            for i, j in itertools.product(range(count), repeat=2):
                light = "0" if values[i, j] > middle else "1"
                axis.text(j, i, f"{values[i, j]:.1f}", ha="center", va="center", fontsize=7, color=light)
        figure.colorbar(image, ax=axis, label="return of an episode", shrink=0.8)
    finish(
        figure, title, Caption(worlds, "worlds a pair", "", "means; members in the order in which they joined"), picture
    )


def gaps(found: Mapping[str, Sequence[Mapping[str, Mapping[int, float]]]], picture: Path, title: str) -> None:
    """Draw what was found against each round's policy: a panel a world, a line a type, thin ones the trainings.

    Args:
        found: world -> for each training, a seed from a start, type -> round -> gain as a share of the return; one
            world at least.
        picture: PNG to write; an SVG is written beside it.
        title: above it.
    """
    figure, axes = panels(len(found), size=(3.6, 3.6), sharey=True)
    for axis, (world, trainings) in zip(axes, found.items(), strict=True):
        for k, kind in enumerate(TYPES):
            courses = [each[kind] for each in trainings if kind in each]
            for course in courses:
                axis.plot(list(course), list(course.values()), linewidth=0.7, alpha=0.4, **look(k))
            rounds = sorted({number for course in courses for number in course})
            mean = [np.mean([course[number] for course in courses if number in course]) for number in rounds]
            axis.plot(rounds, mean, linewidth=2.0, marker="os"[k], markersize=4, label=kind, **look(k))
        axis.axhline(0.0, color=GREY, linewidth=0.8)
        axis.set(title=short(world), xlabel="round")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("gain of the best response found,\nas a share of the return")
    axes[0].legend(frameon=False, fontsize=9)
    counts = sorted({len(trainings) for trainings in found.values()})
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    of = f"training{'s' * (n != '1')} a world (starts × seeds)"
    finish(figure, title, Caption(n, of, "", "thick: means of those that did the round; thin: each"), picture)
