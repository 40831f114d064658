"""The page of predictions: every row of the theory, the scenarios that try it, and what was found.

Rows are in ``book/theory.yaml``. What was found is read from ``docs/results/experiments/index.json``, a list of
experiments; where there is none yet, the page says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.evaluation.predictions import CONTRADICTED, Prediction
from book.concepts import concepts, page_of
from book.markdown import escape, link, table
from book.results import Result, counted, published, results, shown, told
from book.uses import Use

PAGE = "results/predictions.md"
EXPERIMENTS = "docs/results/experiments"
#: Where the rows are.
THEORY = Path(__file__).parent / "theory.yaml"


@dataclass(frozen=True)
class Row:
    """A row of the theory: concept, the game's term, prediction, source, scenarios that try it.

    ``runs``: texts of docs/results, by name, that judge it besides the experiments. ``keys``: of scenarios, that turn
    it. ``oracles``: tests that hold it to closed forms. ``gap``: what the game cannot say of it, or does not yet.
    """

    concept: str
    term: str
    prediction: str
    source: str
    scenarios: tuple[str, ...]
    runs: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    oracles: tuple[str, ...] = ()
    gap: str = ""


class Experiment(BaseModel):
    """An entry of index.json (:func:`agents.publish.experiments.write_index`).

    ``rows``: the concepts whose rows it tries. ``scenarios``: those it is run in. ``picture``, ``text``: files in
    the folder of the experiments.
    """

    model_config = ConfigDict(extra="ignore")

    name: str
    title: str
    rows: list[str] = []
    scenarios: list[str] = []
    predictions: list[Prediction] = []
    picture: str | None = None
    text: str | None = None

    @property
    def page(self) -> str | None:
        """Where its page is in the book: that of its text, if it has one."""
        return f"results/experiments/{Path(self.text).stem}.md" if self.text else None

    @property
    def linked(self) -> str:
        """Its title, linked to its page, on the page of predictions."""
        return link(PAGE, self.page, escape(self.title)) if self.page else escape(self.title)


def theory() -> list[Row]:
    """The rows of the theory."""
    rows: list[dict[str, Any]] = yaml.safe_load(THEORY.read_text(encoding="utf-8"))
    lists = ("scenarios", "runs", "keys", "oracles")
    return [Row(**{**row, **{key: tuple(row.get(key, ())) for key in lists}}) for row in rows]


def experiments(root: Path) -> list[Experiment]:
    """What index.json holds; none if there is no such file.

    Raises:
        ValueError: the file is not what it must be, in one sentence.
    """
    path = root / EXPERIMENTS / "index.json"
    if not path.exists():
        return []
    try:
        found = [Experiment.model_validate(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{EXPERIMENTS}/index.json must be a JSON list of experiments: {error}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{EXPERIMENTS}/index.json: {key} is {first['input']!r}: {first['msg']}.") from None
    for each in found:
        for file in (each.picture, each.text):
            if file and not (path.parent / Path(file).name).exists():
                raise ValueError(
                    f"{EXPERIMENTS}/index.json: {each.name} names {file}, but there is no such file there."
                )
    return found


def experiment_uses(found: list[Experiment]) -> dict[str, list[Use]]:
    """Published experiments as uses of the scenarios that they are run in, by scenario."""
    by_scenario: dict[str, list[Use]] = {}
    for experiment in found:
        for name in experiment.scenarios if experiment.page else ():
            by_scenario.setdefault(name, []).append(Use("result", str(experiment.page), experiment.title))
    return by_scenario


def predictions_page(root: Path) -> str:
    """The Markdown of the page of predictions."""
    found = experiments(root)
    rows, before = theory(), [each for each in results(root) if not each.path.startswith(EXPERIMENTS)]
    known = {row.concept for row in rows}
    tried: dict[str, list[Experiment]] = {}
    for experiment in found:
        for concept in experiment.rows:
            tried.setdefault(concept, []).append(experiment)
    lines = [
        "---\nhide:\n  - toc\n---\n# Predictions",
        "Every concept of the field, what its theory predicts in the game, where that is tried, and what was found. A "
        "verdict is **supported** where the 95% interval of the effect over seeds lies on the predicted side, "
        "**contradicted** where it lies on the other, **undecided** where it holds the boundary.",
        _state(found),
        *_contradicted(found),
        '<div class="sd-wide" markdown>\n',
        table(
            ("concept", "prediction", "scenarios", "found"),
            ((*_told(row), _found(tried.get(row.concept, []), _runs(row, before))) for row in rows),
        ),
        "</div>",
    ]
    others = [each for each in found if known.isdisjoint(each.rows)]
    if others:
        lines += ["## Other experiments", _experiment_table(others)]
    lines += [
        "## Published runs",
        "The runs before the experiments judge predictions as well; each page has its own in full.",
        published(before, PAGE),
    ]
    return "\n\n".join(lines) + "\n"


def _state(found: list[Experiment]) -> str:
    """How many experiments and verdicts there are, in a sentence."""
    if not found:
        return "No experiment has been published yet: the last column has the published runs alone."
    every = [each for experiment in found for each in experiment.predictions]
    return f"{len(found)} experiments with {len(every)} predictions have been published: {counted(every)}."


def _contradicted(found: list[Experiment]) -> list[str]:
    """A box of every prediction that was contradicted, before all else; none without one."""
    lines = [
        f"    - {told(each)}: {experiment.linked}"
        for experiment in found
        for each in experiment.predictions
        if each.word == CONTRADICTED
    ]
    return ["\n".join(['!!! failure "Contradicted"', "", *lines])] if lines else []


def _told(row: Row) -> tuple[str, str, str]:
    names = "<br>".join(link(PAGE, page_of(name), f"`{name}`") for name in row.scenarios if name in concepts())
    concept = f"**{escape(row.concept)}**<br>{escape(row.term)}"
    return concept, f"{escape(row.prediction)} ({escape(row.source)})", names


def _found(tried: list[Experiment], runs: list[Result]) -> str:
    """The verdicts of a row: those of experiments each in full, those of other runs counted."""
    parts = [f"{each.linked}<br>{_predictions(each)}" for each in tried]
    parts += [f"{link(PAGE, each.page, escape(each.title))}: {counted(each.predictions)}" for each in runs]
    return "<br>".join(parts) or "no experiment yet"


def _runs(row: Row, before: list[Result]) -> list[Result]:
    return [result for result in before if result.path in {f"docs/results/{name}.txt" for name in row.runs}]


def _predictions(experiment: Experiment) -> str:
    return "<br>".join(map(shown, experiment.predictions))


def _experiment_table(listed: list[Experiment]) -> str:
    rows = [(each.linked, _predictions(each)) for each in listed]
    return table(("experiment", "found"), rows)
