"""The pages of certificates, best responses and challenges: how a policy does against what was not its school."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from agents.evaluation.certify import ALLOWED, BEATEN, CERTIFIED
from agents.pages.common import again, episodes, short
from agents.pages.drawn import GAINS, SCORES
from agents.pages.elements import BAD, GOOD, OPEN, Html, Verdict, page, picture, section, small, table, verdicts, words
from agents.pages.folders import Finished
from agents.pages.numbers import named
from agents.pages.of_differences import over

_TONES = {CERTIFIED: GOOD, BEATEN: BAD}


def certificate_page(of: Finished) -> str:
    """The page of a certificate, from its ``report.json``."""
    rows: Sequence[Mapping[str, Any]] = of.report["certificates"]
    stand = sum(row["verdict"] == CERTIFIED for row in rows)
    cards = [
        Verdict(f"{row['state']}, {row['type']}", str(row["verdict"]), _TONES.get(row["verdict"], OPEN), [_gain(row)])
        for row in rows
    ]
    return page(
        f"{of.title}: certificate",
        f"What beats {', '.join(map(str, of.report['policies']))}",
        [
            section(
                "Verdict",
                words(
                    f"Certified: {stand} of {len(rows)} seats and types. That is where nothing that was tried gains "
                    f"more than {ALLOWED:.0%} of the return."
                ),
                verdicts(cards),
            ),
            section("Picture", *_picture(of, GAINS, "Gain of the best deviator found, as a share of the own return.")),
            section(
                "What was found",
                certificates([("", row) for row in rows], "seat"),
                small(
                    f"A lower bound of the true gap: learned searches took {int(of.report['steps']):,} steps each, and "
                    "those that failed ended below the policy's own return and prove nothing. Intervals: 95%, over "
                    "worlds of one policy, over policies of several training seeds."
                ),
            ),
            episodes(of),
            again(of),
        ],
    )


def certificates(rows: Sequence[tuple[str, Mapping[str, Any]]], first: str) -> Html:
    """The table of certificates.

    Args:
        rows: whose ("" where all are one policy's), and a row of :func:`agents.evaluation.certify.certificates`.
        first: heading of the first column.
    """
    whose = any(name for name, _ in rows)
    cells = [
        (
            *([name] if whose else []), row["state"], row["type"], f"{row['own']:.2f}", f"{row['gain']:+.1%}",
            _percent(row), row["response"] or "nothing gained", row["verdict"], f"{row['failed']} of {row['searches']}",
        )
        for name, row in rows
    ]  # fmt: skip
    heads = (*([first, "seat"] if whose else [first]), "type", "own return", "gain", "95% interval",
             "best deviator found", "verdict", "failed searches")  # fmt: skip
    return table("Certificates, by seat and type", heads, cells) if rows else Html("")


def exploitation_page(of: Finished) -> str:
    """The page of a best response, from its ``report.json``."""
    rows: Sequence[Mapping[str, Any]] = of.report["seats"]
    cards = []
    for row in rows:
        gap = named(row, "gap")
        lines = [f"Gap, at least: {short(gap, 3)}, of an own return of {row['own']:.3f}"]
        if (exact := row["exact_gap"]) is not None:
            lines.append(f"Exact gap: {exact:.4f}")
        found = gap.low > 0.0 or (exact is not None and exact > _NOTHING)
        settled = exact is not None and exact <= _NOTHING
        word = "a response gains" if found else "nothing gains" if settled else "no gain is found"
        cards.append(Verdict(_seat(row), word, BAD if found else GOOD if settled else OPEN, lines))
    cells = [
        (row["state"], str(row["seats"]), short(named(row, "gap"), 3), f"{row['own']:.3f}", f"{row['best']:.3f}",
         *(_exact(row[key]) for key in ("exact_gap", "exact_own", "exact_best")))
        for row in rows
    ]  # fmt: skip
    notes = dict.fromkeys(f"Exact: {row['exact_note']}." for row in rows if row["exact_note"])
    count = max((int(row["count"]) for row in rows), default=0)
    interval = f"95% t interval over {count} seeds" if count > 1 else "one seed: no interval"
    return page(
        f"{of.title}: best response",
        f"What a best response gains against {', '.join(map(str, of.report['policies']))}",
        [
            section("Verdict", verdicts(cards)),
            section("Picture", *_picture(of, GAINS, "What the best response found gains over the policy itself.")),
            section(
                "What was found",
                table(
                    "Gaps with half their intervals, homeland-incomes an episode",
                    ("seat", "such seats", "gap, at least", "own return", "response's", "exact gap", "exact own",
                     "exact best"),
                    cells,
                ),
                small(
                    f"Learned in {int(of.report['steps']):,} steps; {interval}. A lower bound: a learner may miss a "
                    "better response. Below 0 it found none, and the policy's own answer, with a gap of 0, is the "
                    "best known."
                ),
                *map(small, notes),
            ),
            episodes(of),
            again(of),
        ],
    )  # fmt: skip


#: An exact gap up to which nothing is gained: the slips of floating point.
_NOTHING = 1e-9


def challenges_page(of: Finished) -> str:
    """The page of scores in challenges, from its ``report.json``."""
    scores: Sequence[Mapping[str, Any]] = of.report["challenges"]
    cards = [
        Verdict(
            str(row["policy"]),
            f"{row['iqm']:.2f}",
            OPEN,
            [
                f"Mean of the middle half of {row['challenges']} challenges; mean of all {row['mean']:.2f}.",
                f"Least: {row['least']:.2f}, in {row['least_in']}.",
            ],
        )
        for row in of.report["overall"]
    ]
    rows = [
        (
            row["challenge"], row["policy"], short(named(row, "score"), 2), f"{row['value']:.2f}",
            _exact(row["ss_attacks"]), _exact(row["tragic_wars"], 3), f"{row['random']:.2f}",
            f"{row['best']:.2f}", row["best_policy"],
        )
        for row in sorted(scores, key=lambda row: str(row["challenge"]))
    ]  # fmt: skip
    return page(
        f"{of.title}: scores",
        "How policies do among residents that they did not train with",
        [
            section(
                "Verdict",
                words("0 is what random play earns, 1 what the best known earns; above 1 a policy beats all others."),
                verdicts(cards),
            ),
            section("Picture", *_picture(of, SCORES, "Scores in each challenge.")),
            section(
                "Every challenge",
                table(
                    "Scores with half their 95% intervals",
                    ("challenge", "policy", "score", "return", "attacks between security seekers, a pair-turn",
                     "tragic wars, an episode", "0: random", "1: best known", "whose"),
                    rows,
                ),
                small(f"Intervals: 95% t interval over {over(scores)}."),
            ),
            episodes(of),
            again(of),
        ],
    )  # fmt: skip


def _seat(row: Mapping[str, Any]) -> str:
    return str(row["state"]) if row["seats"] == 1 else f"{row['state']}, and {row['seats'] - 1} like it"


def _gain(row: Mapping[str, Any]) -> str:
    failed = f"{row['failed']} of {row['searches']} learned searches failed"
    what = f"the best found {row['response']}" if row["response"] else "nothing gained"
    return f"{row['gain']:+.1%} ({_percent(row)}) of {row['own']:.2f}: {what}. {failed}."


def _percent(row: Mapping[str, Any]) -> str:
    return "–" if row["low"] is None or row["high"] is None else f"{row['low']:+.1%} to {row['high']:+.1%}"


def _exact(value: float | None, places: int = 4) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{places}f}"


def _picture(of: Finished, name: str, says: str) -> list[Html]:
    file = of.folder / f"{name}.png"
    return [picture(file, says)] if file.is_file() else []
