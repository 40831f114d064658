"""The pages of cross-play, ablations and escalation: what differs between plays, with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from agents.evaluation.ablate import BASE
from agents.evaluation.evaluate import PAYOFF
from agents.evaluation.outcome import ARMS, ATTACKS
from agents.evaluation.outputs import PAYOFFS
from agents.evaluation.statistics import Interval, interval_from
from agents.evaluation.tables import ESCALATION_ROWS
from agents.pages.common import again, episodes, short
from agents.pages.drawn import ABLATED, RESPONSES
from agents.pages.elements import OPEN, Html, Verdict, page, picture, section, small, table, verdicts, words
from agents.pages.folders import Finished
from agents.pages.numbers import SHOWN, named, of_escalation

#: Cards that a page has at most; the table has all.
_CARDS: Final = 8
#: What a card tells of, and with how many decimals.
_TOLD: Final = ((PAYOFF, "pay-off", 2), (ATTACKS, "attacks between security seekers", 4), (ARMS, "arms", 2))


def crossplay_page(of: Finished) -> str:
    """The page of cross-play, from its ``report.json`` and its heat map."""
    gaps = {str(row["metric"]): row for row in of.report["gaps"]}
    count = max((int(row["count"]) for row in gaps.values()), default=0)
    cards = [
        Verdict(
            metric.capitalize(),
            _way(named(gaps[key], "gap"), "more in self-play", "less in self-play"),
            OPEN,
            [f"Self-play less cross-play: {short(named(gaps[key], 'gap'), places)}"],
        )
        for key, metric, places in _TOLD
        if key in gaps
    ]
    rows = [
        (name, *(_plain(gaps[key][each], places) for each in ("self_play", "cross_play")),
         short(named(gaps[key], "gap"), places))
        for key, name, places in SHOWN
        if key in gaps
    ]  # fmt: skip
    interval = f"95% jackknife interval over {count} policies" if count > 2 else "no interval: it needs three policies"
    return page(
        f"{of.title}: cross-play",
        f"Cross-play of {count} policies: each with itself, and with each other one",
        [
            section("Verdict", words("Do policies get along with others as each does with itself?"), verdicts(cards)),
            section("Picture", *_pictures(of, f"{PAYOFFS}.png", "Return of the row's policy against the column's.")),
            section(
                "Every measure",
                table("Means, and gaps with half their intervals", ("", "self-play", "cross-play", "gap"), rows),
                small(f"Gap: self-play less cross-play; {interval}."),
            ),
            episodes(of),
            again(of),
        ],
    )


def ablation_page(of: Finished) -> str:
    """The page of an ablation, from its ``report.json`` and its picture."""
    rows: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in of.report["differences"]:
        rows.setdefault((str(row["policy"]), str(row["value"])), {})[str(row["metric"])] = row
    parameter = str(of.report["parameter"])
    cards = []
    for (policy, value), metrics in rows.items():
        if value != BASE:
            found = {key: named(metrics[key], "difference") for key, _, _ in _TOLD}
            moved = [f"{'more' if found[key].value > 0 else 'less'} {name}" for key, name, _ in _TOLD
                     if _apart(found[key])]  # fmt: skip
            lines = [f"{name.capitalize()}: {_signed(found[key], places)}" for key, name, places in _TOLD]
            cards.append(Verdict(f"{policy}, {value}", ", ".join(moved) or "no difference is found", OPEN, lines))
    cells = [
        (
            policy,
            "as it is" if value == BASE else value,
            *(_ablated(metrics[key], places) for key, _, places in SHOWN),
        )
        for (policy, value), metrics in rows.items()
    ]
    return page(
        f"{of.title}: {parameter}",
        f"Ablation of {parameter}: the same policies in the same worlds, with other values of it",
        [
            section("Verdict", words("What each value changes, against the scenario as it is."), _cards(cards)),
            section(
                "Picture",
                *_pictures(of, f"{ABLATED}.png", "Means by value; bars: 95% interval of the difference to the base."),
            ),
            section(
                "Every measure",
                table(
                    "First means, then what each value changes, with half its interval",
                    ("policy", parameter, *(name for _, name, _ in SHOWN)),
                    cells,
                ),
                small(f"Intervals: 95%, over {over(row for each in rows.values() for row in each.values())}."),
            ),
            episodes(of),
            again(of),
        ],
    )


def escalation_page(of: Finished) -> str:
    """The page of an escalation, from its ``report.json`` and its picture of responses."""
    rows = of_escalation(of.report)
    policies = list(dict.fromkeys(policy for policy, _, _ in rows))
    window = max((int(row["h"]) for row in of.report["escalation"]), default=0)
    cells = []
    for policy, (do, measure, said) in ((policy, each) for policy in policies for each in ESCALATION_ROWS):
        row = rows[policy, do, measure]
        nulls = (_bounded({key: row[f"{null}{end}"] for key, end in _ENDS.items()}) for null in _NULLS)
        cells.append((policy, said, _bounded(row), *nulls, str(row["pairs"]), str(row["why"] or "")))
    return page(
        f"{of.title}: escalation",
        "What a state's arms and deeds do to another, by the same worlds played with and without",
        [
            section(
                "Verdict",
                _cards([_answer(policy, rows) for policy in policies]),
                small("A verdict is by the 95% interval of the rival's response alone."),
            ),
            section(
                "Picture",
                *_pictures(
                    of, f"{RESPONSES}.png", "What arms that are given come to, turn by turn, with the nulls beside."
                ),
            ),
            section(
                "Every effect",
                table(
                    f"Effects on the {window} turns after, with 95% intervals over worlds",
                    ("policy", "what", "effect", "rivals swapped", "never-attack", "pairs", "why there is none"),
                    cells,
                    prose=True,
                ),
                small(
                    "Of arms the sum over those turns, by arms given; of war P(war by then), less without. Rivals "
                    "swapped: the rival is one of a world in which nothing was done, so that it cannot respond; "
                    "never-attack cannot either. There effects are 0, and a multiplier is 1."
                ),
            ),
            episodes(of),
            again(of),
        ],
    )


_NULLS: Final = ("swapped", "never_attack")
_ENDS: Final = {"value": "", "low": "_low", "high": "_high"}


def _answer(policy: str, rows: Mapping[tuple[str, str, str], Mapping[str, Any]]) -> Verdict:
    """Whether a policy answers arms, in a card."""
    found = {do: interval_from(rows[policy, do, "total response"]) for do in ("offense", "defense")}
    ways = {do: _way(each, "with arms", "with fewer arms", "not that is found") for do, each in found.items()}
    lines = [f"To swords: {ways['offense']}, {_bounded(rows[policy, 'offense', 'total response'])}.",
             f"To shields: {ways['defense']}, {_bounded(rows[policy, 'defense', 'total response'])}."]  # fmt: skip
    for do, measure, said in ESCALATION_ROWS:
        wanted = measure in ("multiplier", "fear fraction") or (do, measure) == ("offense", "war elasticity")
        if wanted and (told := _bounded(rows[policy, do, measure])) != "–":
            lines.append(f"{said}: {told}")
    some = [do for do, each in found.items() if _apart(each)]
    word = "answers arms" if some else "no answer to arms is found"
    return Verdict(policy, word, OPEN, lines)


def _cards(found: Sequence[Verdict]) -> Html:
    more = f"{len(found) - _CARDS} more are in the table." if len(found) > _CARDS else ""
    return Html(verdicts(found[:_CARDS]) + (small(more) if more else ""))


def _pictures(of: Finished, name: str, says: str) -> Iterator[Html]:
    if (file := of.folder / name).is_file():
        yield picture(file, says)


def over(rows: Iterable[Mapping[str, Any]]) -> str:
    """What intervals are over: so many of what."""
    units = {(int(row["count"]), str(row["unit"])) for row in rows if row["low"] is not None}
    return "; ".join(f"{count} {unit}" for count, unit in sorted(units)) or "one seed: none"


def _apart(found: Interval) -> bool:
    """Whether an interval has no 0 in it."""
    return found.known and (found.low > 0.0 or found.high < 0.0)


def _way(found: Interval, more: str, less: str, neither: str = "no difference is found") -> str:
    if not found.known:
        return "no interval"
    return (more if found.value > 0 else less) if _apart(found) else neither


def _ablated(row: Mapping[str, Any], places: int) -> str:
    return short(named(row, "mean"), places) if row["value"] == BASE else _signed(named(row, "difference"), places)


def _signed(found: Interval, places: int) -> str:
    text = short(found, places)
    return text if math.isnan(found.value) or found.value < 0 else f"+{text}"


def _plain(value: float | None, places: int) -> str:
    return "–" if value is None else f"{value:.{places}f}"


def _bounded(row: Mapping[str, Any]) -> str:
    """A number with the ends of its interval, which need not be as far from it."""
    found = interval_from({key: row[key] for key in _ENDS})
    if math.isnan(found.value):
        return "–"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]" if found.known else f"{found.value:.3f}"
