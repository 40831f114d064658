"""The pages of an evaluation and of a tournament."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agents.evaluation.evaluate import PAYOFF
from agents.evaluation.outputs import ECOLOGY
from agents.evaluation.predictions import predictions_of
from agents.evaluation.report import COLUMNS
from agents.evaluation.statistics import Interval, interval_from
from agents.pages.common import TONES, again, episodes, heading, predicted, short
from agents.pages.elements import OPEN, Html, Verdict, page, picture, section, small, table, verdicts, words
from agents.pages.folders import Finished

#: Cards that a page has at most; the table has all.
_CARDS: Final = 8
_UNCERTIFIED: Final = (
    "No certificate: what was played is measured, and nothing was tried against these policies (sd-env certify does)."
)


def evaluation_page(of: Finished) -> str:
    """The page of an evaluation, from its ``report.json``."""
    found: dict[str, dict[str, Interval]] = {}
    units = {(str(row["unit"]), int(row["count"])) for row in of.report["metrics"]}
    for row in of.report["metrics"]:
        found.setdefault(str(row["policy"]), {})[str(row["metric"])] = interval_from(row)
    predictions = predictions_of(of.report, str(of.folder))
    theory = of.report["theory"]
    against = of.report.get("against")
    cards = []
    for policy, outcome in list(of.report["outcomes"].items())[:_CARDS]:
        words_of = list(dict.fromkeys(each.word for each in predictions if each.claim.startswith(f"{policy}:")))
        tone = TONES.get(words_of[0], OPEN) if len(words_of) == 1 else OPEN
        lines = [f"Pay-off {short(found[policy][PAYOFF], 2)}"] if PAYOFF in found[policy] else []
        lines += [f"What theory predicts is {word}" for word in words_of]
        cards.append(Verdict(policy, outcome or "no security seeker", tone, lines))
    columns = ((PAYOFF, "pay-off", 2), *COLUMNS)
    rows = [
        (
            policy,
            of.report["outcomes"][policy] or "–",
            *(short(metrics[metric], places) for metric, _, places in columns),
        )
        for policy, metrics in found.items()
    ]
    interval = "; ".join(f"{count} {unit}" for unit, count in sorted(units))
    said = "Theory predicts" if theory["of_this_very_scenario"] else "Without overrides theory predicts"
    heads = ("policy", "outcome", *(heading(each) for _, each, _ in columns))
    policies = f"{len(found)} polic{'y' if len(found) == 1 else 'ies'}"
    return page(
        f"{of.title}: evaluation",
        f"Evaluation of {policies}{f' against {against}' if against else ''}",
        [
            section(
                "Verdict",
                words(f"{said}: {theory['predicts']}" if theory["predicts"] else ""),
                verdicts(cards),
                small(_UNCERTIFIED),
            ),
            section(
                "What was played",
                table("Means with half their 95% intervals", heads, rows),
                small(f"Intervals are over {interval}."),
            ),
            predicted(predictions, "What theory predicts"),
            episodes(of),
            again(of),
        ],
    )  # fmt: skip


def tournament_page(of: Finished) -> str:
    """The page of a tournament, from its ``report.json`` and its picture of shares."""
    ranked: Sequence[Mapping[str, Any]] = of.report["ranking"]
    cards = [
        Verdict(f"{row['rank']}. {row['policy']}", f"{row['payoff']:.2f} a game", OPEN, [_interval(row)])
        for row in ranked[:3]
    ]
    final = "final_share" in ranked[0] if ranked else False
    heads = (
        "policy",
        "rank",
        "pay-off",
        "95% interval",
        "attacks a pair-turn",
        "cooperation",
        *(["final share"] * final),
    )
    rows = [
        (
            row["policy"], row["rank"], f"{row['payoff']:.2f}", _bounds(row), _plain(row["attacks"], 4),
            _plain(row["cooperation"], 3), *([f"{row['final_share']:.3f}"] if final else []),
        )
        for row in ranked
    ]  # fmt: skip
    units = " or ".join(sorted({f"{row['count']} {row['unit']}" for row in ranked}))
    return page(
        f"{of.title}: tournament",
        f"Tournament of {len(ranked)} policies",
        [
            section(
                "Verdict",
                words("Who earns most, against each of the others and itself alike."),
                verdicts(cards),
                small(_UNCERTIFIED),
            ),
            section("Ranking", table("Best first", heads, rows), small(f"Intervals are over {units}.")),
            section("Who earns what against whom", _payoffs(of, [str(row["policy"]) for row in ranked])),
            section("Who spreads", *_shares(of)),
            episodes(of),
            again(of),
        ],
    )  # fmt: skip


def _payoffs(of: Finished, order: Sequence[str]) -> Html:
    """The pay-off matrix as a table that is shaded by its numbers."""
    matrix = of.report["payoffs"]
    names = [name for name in order if name in matrix]
    values = [[matrix[one].get(other) for other in names] for one in names]
    finite = [value for row in values for value in row if value is not None and math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    shades = [[-1 if v is None else int(9 * (v - low) / ((high - low) or 1.0)) for v in row] for row in values]
    rows = [(name, *("" if v is None else f"{v:.2f}" for v in row)) for name, row in zip(names, values, strict=True)]
    return table(
        "Mean return of the row's policy against the column's; the stronger the colour, the more",
        ("", *names),
        rows,
        shades,
    )


def _shares(of: Finished) -> Iterator[Html]:
    if (file := of.folder / f"{ECOLOGY}.png").is_file():
        yield picture(file, "Shares of the policies over generations, when pay-off is offspring, from equal shares.")


def _interval(row: Mapping[str, Any]) -> str:
    return f"95% interval {_bounds(row)} over {row['count']} {row['unit']}"


def _bounds(row: Mapping[str, Any]) -> str:
    return "–" if row["low"] is None or row["high"] is None else f"{row['low']:.2f} to {row['high']:.2f}"


def _plain(value: float | None, places: int) -> str:
    return "–" if value is None else f"{value:.{places}f}"
