"""docs/compatibility.md from the data that `python -m tools.compatibility` gathers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_HEAD: Final = """# Compatibility: what was tried, and what came of it

Written by `make compatibility` from [results/compatibility.json](results/compatibility.json): each library in an environment
of its own, of the versions in `examples/requirements`, runs its example in `examples`. What is said to work was done in that run, and
what is said to fail was tried in it and failed with these words. How to plug in what is not here: [faces](faces.md).

Learners play `jervis/doubly-safe`, two states and 32 turns. *Agent-steps* are turns times states, over learning alone, with one thread of
torch. Figures a second were taken while the machine may have done other things: *by the processor* counts the seconds that the
process itself computed. *Earns* is the mean return of a state in an episode, by random play → as learned; it says
that the library learns here, not how well it could.

| library | version | works | agent-steps/s | by the processor | earns |
|---|---|---|---|---|---|
"""


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The page: a table with a row for each library, then what each did and where it failed."""
    table = "".join(_line(row) for row in rows)
    return _HEAD + table + "".join(_section(row) for row in rows)


def verdict(row: Mapping[str, Any]) -> str:
    """`yes`, `yes, but` for what failed of it, or `no`, with links to why."""
    anchor = f"#{_anchor(row['library'])}"
    if not row["installs"]:
        return f"[does not install]({anchor})"
    if row["failed"]:
        return f"[no]({anchor})"
    return f"[yes, but]({anchor})" if row["fails"] else f"[yes]({anchor})"


def _line(row: Mapping[str, Any]) -> str:
    earns = "" if row["learned"] is None else f"{row['random']:.1f} → {row['learned']:.1f}"
    rates = [row["agent_steps_per_second"], row["agent_steps_per_processor_second"]]
    cells = [row["library"], row["version"], verdict(row), *("" if rate is None else f"{rate:,}" for rate in rates)]
    return "| " + " | ".join([*cells, earns]) + " |\n"


def _section(row: Mapping[str, Any]) -> str:
    example, requirements = row["example"], row["requirements"]
    lines = [
        f"\n## {row['library']}\n",
        f"[examples/{example}.py](../examples/{example}.py), with "
        f"[examples/requirements/{requirements}.txt](../examples/requirements/{requirements}.txt); "
        f"{row['size']} size, {row['date'][:10]}, {row['machine']['processor']}, {row['machine']['cores']} cores, "
        f"Python {row['machine']['python']}, commit {row['commit']}.\n",
    ]
    lines += [f"- Works: {each}." for each in row["works"]]
    lines += [f"- Fails: {each['what']}. Whose fault: {each['whose']}.\n  `{each['error']}`" for each in row["fails"]]
    if row["failed"]:
        lines.append(f"- {'It ended with' if row['installs'] else 'It does not install'}: `{row['failed']}`")
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    return "".join(c for c in title.lower() if c.isalnum() or c in "- ").replace(" ", "-")
