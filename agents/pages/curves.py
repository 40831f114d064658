"""Curves with their intervals, drawn as SVG: small, sharp at every size, light or dark with the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from agents.pages.elements import Html, text

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 340, 216, 46, 10, 26, 36
_COLOURS: Final = 7
_DASHES: Final = 4
#: Points that a curve has at most: more are not seen.
_POINTS: Final = 160


@dataclass(frozen=True)
class Curve:
    """A quantity over training.

    Attributes:
        x: float ``(T,)``.
        mean: float ``(T,)``.
        low, high: float ``(T,)``, its interval; NaN where there is none.
    """

    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def panels(panels: Mapping[str, Mapping[str, Curve]], x: str, y: str, bound: tuple[float, str] | None = None) -> Html:
    """Panels side by side with one scale, a line for each name in each of them, and a key.

    Args:
        panels: title -> name of a line -> its curve.
        x: what is across.
        y: what is up.
        bound: a height at which a line is drawn, if it is within the scale, and what it says.
    """
    curves = [curve for each in panels.values() for curve in each.values()]
    right = max((_most(each.x) for each in curves), default=0.0)
    least = min((-_most(-each.mean) for each in curves), default=0.0)
    most = max((_most(each.mean) for each in curves), default=0.0)
    widest = max((_most(each.high) for each in curves), default=0.0)
    scale = (0.0, right or 1.0), (min(least, 0.0), min(max(widest, most), 2.0 * most) if most > 0.0 else 1.0)
    names = list(dict.fromkeys(name for each in panels.values() for name in each))
    drawn = "".join(_panel(title, each, names, scale, (x, y), bound) for title, each in panels.items())
    return Html(f'<div class="panels">{drawn}</div>{_key(names) if len(names) > 1 else ""}')


def _most(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 0.0


def _panel(
    title: str,
    curves: Mapping[str, Curve],
    names: Sequence[str],
    scale: tuple[tuple[float, float], tuple[float, float]],
    axes: tuple[str, str],
    bound: tuple[float, str] | None,
) -> str:
    ticks = _ticks(*scale[0]), _ticks(*scale[1])
    left, right = ticks[0][0], ticks[0][-1]
    bottom, top = ticks[1][0], ticks[1][-1]

    def across(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (value - left) / (right - left)

    def up(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (min(max(value, bottom), top) - bottom) / (top - bottom)

    what = f"{title}: {axes[1]} against {axes[0]}"
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(what)}">',
             f'<text x="{_LEFT}" y="15">{text(title)}</text>']  # fmt: skip
    for tick in ticks[1]:
        y = up(tick)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="faint" x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in ticks[0]:
        x = across(tick)
        anchor = "middle" if x < _WIDTH - 30 else "end"
        parts.append(f'<text class="faint" x="{x:.1f}" y="{_HEIGHT - 20}" text-anchor="{anchor}">{tick:g}</text>')
    parts.append(
        f'<text class="faint" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 5}" text-anchor="end">{text(axes[0])}</text>'
    )
    if bound is not None and bound[0] <= top:
        y = up(bound[0])
        parts.append(f'<path class="bound" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="faint" x="{_WIDTH - _RIGHT}" y="{y - 3:.1f}" text-anchor="end">{text(bound[1])}</text>'
        )
    for name, curve in curves.items():
        k = names.index(name)
        chosen = np.unique(np.linspace(0, len(curve.x) - 1, min(_POINTS, len(curve.x))).round().astype(int))
        x, mean, low, high = (each[chosen] for each in (curve.x, curve.mean, curve.low, curve.high))
        known = np.isfinite(low) & np.isfinite(high)
        if known.sum() > 1:
            edge = [(across(a), up(b)) for a, b in zip(x[known], high[known], strict=True)]
            edge += [(across(a), up(b)) for a, b in zip(x[known][::-1], low[known][::-1], strict=True)]
            parts.append(f'<path class="band c{k % _COLOURS}" d="M{_points(edge)}Z"/>')
        line = [(across(a), up(b)) for a, b in zip(x, mean, strict=True) if math.isfinite(b)]
        if line:
            style = f"line c{k % _COLOURS} dash{k % _DASHES}"
            parts.append(f'<path class="{style}" d="M{_points(line)}"><title>{text(name or title)}</title></path>')
    return "".join([*parts, "</svg>"])


def _points(found: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in found)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from one end of an axis, or a little short of it, to the other or a little beyond."""
    rough = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(each * size for each in (1.0, 2.0, 2.5, 5.0, 10.0) if each * size >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{k * step:.6g}") for k in range(first, last + 1)]


def _key(names: Sequence[str]) -> str:
    """Which line is whose."""
    lines = (
        f'<li><svg viewBox="0 0 32 10" aria-hidden="true"><path class="line c{k % _COLOURS} dash{k % _DASHES}" '
        f'd="M0 5H32"/></svg>{text(name)}</li>'
        for k, name in enumerate(names)
    )
    return '<ul class="key">' + "".join(lines) + "</ul>"
