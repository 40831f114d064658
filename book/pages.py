"""The pages of the concepts: one a scenario, one a family, one for all of them, one by tag."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from agents.publish.thresholds import published
from book.concepts import FAMILIES, Change, Concept, concepts, page_of, variation
from book.history import data_section
from book.links import source_page
from book.markdown import block, escape, link, one_line, slug, table
from book.threshold import threshold_of
from book.uses import Use, uses
from sd_env.scenario import Scenario

INDEX, TAGS = "concepts/README.md", "concepts/tags.md"
_PARAMETERS = "model.md#10-all-parameters"
_USED_BY = {
    "challenge": "Challenges",
    "config": "Configs of training",
    "experiment": "Experiments",
    "page": "Named in",
    "result": "Results",
}


def concept_pages(root: Path, results: Mapping[str, list[Use]] | None = None) -> Iterator[tuple[str, str]]:
    """Place and Markdown of every page of the concepts.

    Args:
        root: the repository: where challenges, configs, experiments and pages are looked for.
        results: published results by scenario; ``path`` is then the result's place in the book.
    """
    used = uses(root)
    for name, concept in concepts().items():
        yield concept.page, page(concept, [*used.get(name, []), *(results or {}).get(name, [])], root)
    yield INDEX, index()
    yield TAGS, by_tag()
    for family in FAMILIES:
        yield f"concepts/{family}/README.md", family_index(family)


def page(concept: Concept, used: Iterable[Use], root: Path) -> str:
    """The page of one scenario."""
    scenario, here = concept.scenario, concept.page
    tags = " ".join(link(here, f"{TAGS}#{slug(tag)}", tag) + "{ .sd-tag }" for tag in scenario.tags)
    sections = [
        f"# {escape(scenario.title)}",
        f"`{scenario.name}` {tags}",
        prose(scenario.description, here),
        f'!!! abstract "What the theory predicts"\n\n    {prose(scenario.prediction, here)}',
        "## Fear and trust",
        _threshold(concept),
        "## What differs from the defaults",
        *(prose(note, here) for note in concept.notes),
        _changes(concept),
        *data_section(concept, root),
        "## Use it",
        _use(concept),
        *_used(list(used), here),
        "## Sources",
        "\n".join(f"- {escape(one_line(source))}" for source in scenario.sources),
        "## The file { data-search-exclude }",
        block(concept.text, "yaml", f"sd_env/catalogue/{scenario.name}.yaml"),
    ]
    return "\n\n".join(sections) + "\n"


def prose(text: str, here: str) -> str:
    """A text of a scenario: its keys in code font, the scenarios that it names as links, all else as it stands."""
    keys, known = set(Scenario.dotted_keys()), concepts()
    parts = []
    for word in re.split(r"([a-z_]+(?:[./][a-z0-9_-]+)+)", one_line(text)):
        if word in known and page_of(word) != here:
            parts.append(link(here, page_of(word), f"`{word}`"))
        else:
            parts.append(f"`{word}`" if word in keys or word in known else escape(word))
    return "".join(parts)


def _threshold(concept: Concept) -> str:
    """m and t, or why there is no m."""
    where = link(concept.page, "calibration.md#the-threshold-of-trust", "threshold of trust")
    found = threshold_of(concept)
    if isinstance(found, str):
        return f"The {where} m is not given by the formula: {found}.\n\n{_played(concept)}"
    stocks = f"{found.offense:g} offensive and {found.defense:g} defensive arms each"
    lost = "one turn" if found.turns == 1 else f"{found.turns:.3g} turns"
    lines = [f"The {where} at the start, with {stocks}, where land lost is lost for {lost}:", ""]
    lines += [f"- {_value(label, m)}." for label, m in found.values.items()]
    lines.append(f"- {_trust(found.trust)}")
    text = "\n".join(lines)
    if concept.scenario.n_states > 2:
        text += "\n\nm is that of two equal states; with more it gives the order of magnitude and the side."
    if found.left_out:
        text += f"\n\nThe formula leaves out {_and([f'`{key}`' for key in found.left_out])}, which this world sets."
    return f"{text}\n\n{_played(concept)}"


def _played(concept: Concept) -> str:
    """All thresholds, as the rules themselves give them, ranges at their middles."""
    told = dict(published()[concept.scenario.name])
    who = told.pop("who")
    where = link(concept.page, "calibration.md#thresholds-of-a-scenario", "By the rules")
    rows = ["| " + " | ".join(told) + " |", "|---" * len(told) + "|", "| " + " | ".join(told.values()) + " |"]
    return f"{where}, before any training{f' ({who})' if who else ''}:\n\n" + "\n".join(rows)


def _value(label: str, m: float) -> str:
    value = f"m = {m:.2f}" if m > 0 else "m is at or below 0: peace is dominant"
    return f"{label}: {value}" if label else value


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _trust(trust: tuple[float, float] | None) -> str:
    if trust is None:
        return "Types are given state by state, so there is no one prior trust t."
    low, high = trust
    return f"Prior trust t = {low:.2g}." if low == high else f"Prior trust t from {low:.2g} to {high:.2g}."


def _changes(concept: Concept) -> str:
    """The table of parameters that differ from the defaults, and below it the matrices."""
    if not concept.changes:
        return "Nothing: all parameters are at their defaults."
    rows = [
        (f"`{each.key}`", _shown(each.value), _shown(each.default), prose(each.reason, concept.page))
        for each in concept.changes
    ]
    every = link(concept.page, _PARAMETERS, "All parameters")
    parts = [table(("parameter", "here", "default", "why"), rows), f"{every}, with meaning, unit and range."]
    return "\n\n".join([*parts, *(_matrix(each, concept) for each in concept.changes if _is_matrix(each.value))])


def _is_matrix(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


def _shown(value: Any) -> str:
    """A value as the file would have it, on one line; a matrix is shown below the table."""
    if _is_matrix(value):
        return "matrix, below"
    if isinstance(value, dict):
        return "<br>".join(f"{name} `{json.dumps(item)}`" for name, item in value.items())
    if isinstance(value, list) and value and isinstance(value[0], str):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{json.dumps(value)}`"


def _matrix(change: Change, concept: Concept) -> str:
    names = concept.scenario.agents
    rows = [
        (name, *("–" if i == j else json.dumps(item) for j, item in enumerate(row)))
        for i, (name, row) in enumerate(zip(names, change.value, strict=True))
    ]
    return f"`{change.key}`, row toward column:\n\n" + table(("", *names), rows)


def _use(concept: Concept) -> str:
    name = concept.name
    varied = ", ".join(f'"{key}": {value!r}' for key, value in variation(concept).items())
    code = (
        "import sd_env\n\n"
        f'env = sd_env.parallel_env("{name}")\n'
        f'other = sd_env.parallel_env("{name}", overrides={{{varied}}})\n'
    )
    here = concept.page
    ways = f"{link(here, 'faces.md', 'Faces')} has the other interfaces, {link(here, 'training.md', 'Training')} and "
    ways += f"{link(here, 'evaluation.md', 'Evaluation')} what else can be done with it."
    return "\n\n".join([block(code, "python"), block(f"sd-env evaluate tit-for-tat --scenario {name}", "bash"), ways])


def _used(used: list[Use], here: str) -> list[str]:
    """The section of uses, if there are any."""
    if not used:
        return []
    lines = ["## Where it is used"]
    order = list(_USED_BY)
    for kind, group in groupby(sorted(used, key=lambda use: order.index(use.kind)), key=lambda use: use.kind):
        links = [link(here, _place(use), escape(use.title)) for use in group]
        lines.append(f"- {_USED_BY[kind]}: {', '.join(links)}")
    return [lines[0], "\n".join(lines[1:])]


def _place(use: Use) -> str:
    if use.kind == "page":
        return use.path.removeprefix("docs/")
    return use.path if use.kind == "result" else source_page(use.path)


def index() -> str:
    """The first page of the concepts: every scenario by family, with its prediction."""
    lines = [
        "# Concepts",
        f"Every concept of the field that the game holds is a scenario of the catalogue: {len(concepts())} files of "
        "data. Each page is made from its file: what the theory predicts, what differs from the defaults and why, "
        f"the sources, and where it is used. {link(INDEX, 'catalogue.md', 'The catalogue')} says what these files "
        f"can and cannot say, {link(INDEX, 'results/predictions.md', 'Predictions')} what was found. All of them "
        f"{link(INDEX, TAGS, 'by tag')}.",
    ]
    for family, (title, about) in FAMILIES.items():
        lines += [f"## {title}", about, _listing(_of(family), INDEX)]
    return "\n\n".join(lines) + "\n"


def family_index(family: str) -> str:
    """The page of one family: its scenarios with their predictions."""
    title, about = FAMILIES[family]
    return f"# {title}\n\n{about}\n\n{_listing(_of(family), f'concepts/{family}/README.md')}"


def by_tag() -> str:
    """The scenarios of each tag."""
    tags: dict[str, list[Concept]] = {}
    for concept in concepts().values():
        for tag in concept.scenario.tags:
            tags.setdefault(tag, []).append(concept)
    lines = ["---\nhide:\n  - toc\n---\n# By tag"]
    for tag, tagged in sorted(tags.items()):
        listed = ", ".join(link(TAGS, each.page, f"{each.scenario.title}") for each in tagged)
        lines += [f"## {tag}", listed]
    return "\n\n".join(lines) + "\n"


def _of(family: str) -> list[Concept]:
    return [concept for concept in concepts().values() if concept.family == family]


def _listing(listed: Iterable[Concept], here: str) -> str:
    rows = []
    for each in listed:
        titled = link(here, each.page, escape(each.scenario.title))
        rows.append((f"{titled}<br>`{each.name}`", prose(each.scenario.prediction, here)))
    return table(("scenario", "what the theory predicts"), rows)
