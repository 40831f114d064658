"""docs/compatibility.md and docs/examples from the data that `python -m tools.compatibility` gathers."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

EXAMPLES: Final = Path(__file__).parents[1] / "examples"

_HEAD: Final = """# Compatibility: what was tried, and what came of it

Written by `make compatibility` from [results/compatibility.json](results/compatibility.json): each library, in an
environment of its own, of the versions in `examples/requirements`, runs its [example](examples/README.md). What is said
to work was done in that run, and what is said to fail was tried in it and failed with these words. How to plug in what
is not here: [faces](faces.md).

Learners play `jervis/doubly-safe`, two states and 32 turns. *Agent-steps* are turns times states, over learning alone,
on one thread of torch; *by the processor* counts the seconds in which the process computed, since the machine may have
done other things beside. *Earns* is the mean return of a state in an episode, random play → as learned: it says that
the library learns here, not how well it could. A row of *smoke* size shows that it runs, for seconds, and has none of
these figures.

| library | version | works | size | agent-steps/s | by the processor | earns |
|---|---|---|---|---|---|---|
"""

_INDEX: Final = """# Examples

One short script for each library and for each thing of one's own; each page has all of it. With `--smoke` a script
takes seconds, which is how the tests run it; without, it ends with an error unless it reaches the result that it
states. They speak through [say.py](../../examples/say.py). What came of them is in
[compatibility](../compatibility.md), which `make compatibility` writes.

| example | what it does |
|---|---|
"""


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """docs/compatibility.md: a table with a row for each library, then what each did and where it failed."""
    return _HEAD + "".join(map(_line, rows)) + "".join(map(_section, rows))


def index(names: Sequence[str]) -> str:
    """docs/examples/README.md: a row for each example."""
    return _INDEX + "".join(f"| [{name}]({name}.md) | {_words(name)[0]} |\n" for name in names)


def example(name: str) -> str:
    """docs/examples/NAME.md: what it does, how it is run, and all of it."""
    what, *rest = _words(name)
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    code = text.split('"""', 2)[2].lstrip("\n")
    more = "".join(f"{part}\n\n" for part in rest if not part.startswith("python -m"))
    return (
        f"# {what.rstrip('.')}\n\n{more}"
        f"Run it with `python -m examples.{name}`, or `python -m examples.{name} --smoke` for seconds; "
        f"what came of it: [compatibility](../compatibility.md). The file: [{name}.py](../../examples/{name}.py).\n\n"
        f"```py\n{code}```\n"
    )


def _words(name: str) -> list[str]:
    """Paragraphs of an example's docstring, each on one line."""
    tree = ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
    return [" ".join(part.split()) for part in (ast.get_docstring(tree) or "").split("\n\n")]


def verdict(row: Mapping[str, Any]) -> str:
    """`yes`, `yes, but` if something of it failed, `no`, or `does not install`: a link to why."""
    anchor = "".join(c for c in row["library"].lower() if c.isalnum() or c in "- ").replace(" ", "-")
    if not row["installs"]:
        word = "does not install"
    elif row["failed"]:
        word = "no"
    else:
        word = "yes, but" if row["fails"] else "yes"
    return f"[{word}](#{anchor})"


def _line(row: Mapping[str, Any]) -> str:
    numbers = ["", "", ""]
    if row["size"] == "full":
        rates = [row["agent_steps_per_second"], row["agent_steps_per_processor_second"]]
        earns = "" if row["learned"] is None else f"{row['random']:.1f} → {row['learned']:.1f}"
        numbers = [*("" if rate is None else f"{rate:,}" for rate in rates), earns]
    return "| " + " | ".join([row["library"], row["version"], verdict(row), row["size"], *numbers]) + " |\n"


def _section(row: Mapping[str, Any]) -> str:
    name, requirements, machine = row["example"], row["requirements"], row["machine"]
    lines = [
        f"\n## {row['library']}\n",
        f"[The example](examples/{name}.md), with "
        f"[examples/requirements/{requirements}.txt](../examples/requirements/{requirements}.txt); {row['size']} size, "
        f"{row['date'][:10]}, commit {row['commit']}, {machine['processor']}, {machine['cores']} cores, "
        f"Python {machine['python']}.\n",
    ]
    lines += [f"- Works: {each}." for each in row["works"]]
    lines += [f"- Fails: {each['what']}. Whose fault: {each['whose']}.\n  `{each['error']}`" for each in row["fails"]]
    if row["failed"]:
        lines.append(f"- {'It ended with' if row['installs'] else 'It does not install'}: `{row['failed']}`")
    return "\n".join(lines) + "\n"
