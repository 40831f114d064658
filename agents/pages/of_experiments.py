"""The page of an experiment."""

from __future__ import annotations

from agents.evaluation.predictions import counted, predictions_of
from agents.evaluation.statistics import interval_from
from agents.experiments.run import PICTURE
from agents.pages.common import again, cards, episodes, short
from agents.pages.elements import Html, page, picture, section, small, table, verdicts, words
from agents.pages.folders import Finished


def experiment_page(of: Finished) -> str:
    """The page of an experiment, from its ``report.json`` and its picture."""
    found = predictions_of(of.report, str(of.folder))
    file = of.folder / PICTURE
    seeds = of.report["seeds"]
    says = f"{of.title}. Means over {len(seeds)} seeds with {of.report['interval']}."
    return page(
        of.title,
        f"Experiment {of.report['name']}: {', '.join(of.report['rows'])}",
        [
            section(
                "Verdict",
                words(f"Of what theory predicts: {counted(found)}."),
                verdicts(cards(found)),
                small(
                    "A verdict is by the 95% interval of the effect alone. No certificate: nothing was tried against "
                    "the policies (sd-env certify does)."
                ),
            ),
            section("Picture", *([picture(file, says)] if file.is_file() else [])),
            section("Every measure in every cell", _cells(of), small(f"± {of.report['interval']}.")),
            episodes(of),
            again(of),
        ],
    )


def _cells(of: Finished) -> Html:
    cells = of.report["cells"]
    beside = ("policies", "given", "measure", "estimate")
    axes = [name for name in (cells[0] if cells else {}) if name not in beside]
    measures = list(dict.fromkeys((row["given"], row["measure"]) for row in cells))
    values: dict[tuple[str, ...], dict[tuple[str, str], str]] = {}
    for row in cells:
        key = (*(str(row[axis]) for axis in axes), str(row["policies"]))
        values.setdefault(key, {})[row["given"], row["measure"]] = short(interval_from(row["estimate"]), 4)
    heads = (
        " × ".join(axes),
        "policies",
        *(f"{measure}\n{f'({given})' if given else ''}" for given, measure in measures),
    )
    rows = [
        (", ".join(key[:-1]), key[-1], *(found.get(each, "–") for each in measures)) for key, found in values.items()
    ]
    return table("Cells", heads, rows)
