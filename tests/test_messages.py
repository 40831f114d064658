"""The library says what it has to say by logging and prints nothing by itself; the commands show it, plainly."""

from __future__ import annotations

import ast
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from agents import messages

ROOT = Path(__file__).parent.parent
#: Where printing is the work, and why.
MAY_PRINT = {
    "agents/cli.py": "the front door",
    "agents/commands/": "the commands",
    "agents/publish/": "the command lines behind docs/results",
    "agents/messages.py": "shows the messages where a command asks for it",
    "agents/evaluation/trained.py": "the table of a training run, for two command lines",
    "agents/evaluation/report.py": "rich prints into a text",
    "sd_env/parallel.py": 'render_mode="human"',
}


def prints(tree: ast.AST) -> Iterator[int]:
    """Lines that print: a call of print, or of something's method of that name, or a standard stream in any use."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in ("print", "pprint"):
                yield node.lineno
        elif isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr", "__stdout__", "__stderr__"):
            yield node.lineno


def test_what_prints_is_found() -> None:
    lines = ["print(1)", "console.print(1)", "x.print", "sys.stderr.write('')", "logger.info('print')", "pprint(1)"]
    assert list(prints(ast.parse("\n".join(lines)))) == [1, 2, 6, 4]


def test_the_library_prints_nowhere_else() -> None:
    found = {}
    for path in sorted([*(ROOT / "sd_env").rglob("*.py"), *(ROOT / "agents").rglob("*.py")]):
        if lines := list(prints(ast.parse(path.read_text(encoding="utf-8")))):
            found[path.relative_to(ROOT).as_posix()] = lines
    allowed = {place: [path for path in found if path.startswith(place)] for place in MAY_PRINT}
    assert {path: lines for path, lines in found.items() if not path.startswith(tuple(MAY_PRINT))} == {}
    assert [place for place, paths in allowed.items() if not paths] == [], "these no longer need to be in the list"


QUIET = """
import numpy as np
import agents, sd_env
from agents.evaluation.evaluate import evaluate_policies
from sd_env.measures import summary
from sd_env.record import read_log, record, verify, write_log

scenario = sd_env.load_scenario("jervis/intense", {"horizon": 3})
env = sd_env.parallel_env(scenario, render_mode="ansi")
observations, infos = env.reset(seed=1)
env.step({agent: np.zeros(env.action_space(agent).shape, dtype=np.int64) for agent in env.agents})
env.render()
log = record(scenario, [agents.make("dove"), agents.make("hawk")], seed=1)
path = write_log("episode.jsonl", log)
assert verify(path) and summary(read_log(path))
evaluate_policies(["dove"], scenario, seeds=[1], worlds=2, workers=1)
agents.search(memory=0)
"""


def test_using_the_library_prints_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUIET], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_message_reaches_nobody_until_somebody_asks(capsys: pytest.CaptureFixture[str]) -> None:
    for name in messages.LOGGERS:
        handlers = logging.getLogger(name).handlers
        assert [type(handler) for handler in handlers] == [logging.NullHandler]
        logging.getLogger(f"{name}.somewhere").warning("unheard")
    assert capsys.readouterr() == ("", "")


def test_the_commands_show_messages_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    before = [logging.getLogger(name).level for name in messages.LOGGERS]
    with messages.shown():
        logging.getLogger("agents.work").info("%d of %d [bold]jobs[/bold]", 2, 4)
        logging.getLogger("sd_env.rules").warning("two\nlines, and \x1b[31mred")
        logging.getLogger("agents.work").debug("a detail")
        logging.getLogger("matplotlib").info("somebody else's")
    logging.getLogger("agents.work").warning("too late")
    assert capsys.readouterr() == ("", "2 of 4 [bold]jobs[/bold]\ntwo\nlines, and ?[31mred\n")
    assert [logging.getLogger(name).level for name in messages.LOGGERS] == before


def test_a_message_stands_above_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """While rich shows a bar, standard error is rich's: the message is a line of its own and the bar is drawn anew."""
    console = Console(stderr=True, force_terminal=True, width=60)
    with messages.shown(), Progress(console=console) as bars:
        bars.add_task("work", total=2)
        logging.getLogger("agents.work").info("half of it is done")
    written = capsys.readouterr().err
    assert "half of it is done\n" in written and written.rindex("work") > written.index("half of it is done")
