"""Every command and every option of it, taken from the parsers, with what strangers might give: one sentence, exit 2.

A command that is new is walked too: until it has its words here, the first test fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import cli, make
from agents.cli import COMMANDS, main, parser_of
from agents.commands.options import Mapped
from agents.commands.parser import Once
from sd_env.errors import LONGEST
from sd_env.record import record, write_log
from sd_env.scenario import Scenario

ROOT = Path(__file__).parents[3]
TINY = "--scenario jervis/intense --overrides horizon=2 --worlds 1 --seeds 1 --workers 1"
#: Words with which each command ends at once: those whose work takes seconds name something that there is not.
WORDS = {
    "train": "--config smoke --overrides horizon=0",
    "evaluate": f"dove {TINY}",
    "tournament": f"dove hawk {TINY}",
    "crossplay": f"dove hawk {TINY}",
    "challenge": "nobody --worlds 1 --seeds 1 --workers 1",
    "exploit": "nobody --scenario jervis/intense --steps 1 --worlds 1 --seeds 1",
    "certify": "nobody --scenario jervis/intense --steps 1 --worlds 1",
    "escalation": "nobody --scenario jervis/intense --worlds 1 --seeds 1",
    "ablate": f"dove {TINY} --parameter war.conquest --values 0.1",
    "thresholds": "jervis/intense --no-lag",
    "verify": "LOG",
    "replay": "LOG --quiet",
    "explain": "LOG",
    "measure": "LOG",
    "dyads": "LOG",
    "strategies": "",
    "zoo": "",
    "check-policy": "dove",
    "export": "nobody --bundle x.sd",
    "experiment": "nobody",
    "play": "jervis/intense --as nobody",
    "serve": "--port 99999",
    "compare": "nobody nothing",
    "draw": "alliances LOG -o x.png",
    "tour": "-o nothing",
}
#: What is given in the place of every value.
ODD = {
    "codes of a terminal": "\x1b]0;owned\x07\x1b[2J\nsd-env: all is well",
    "brackets": "[" * 3000,
    "a tag": "!!bool foo",
    "a tag in a key": "war.conquest=!!int ''",
    "long": "x" * 5000,
    "digits": "9" * 5000,
    "nothing": "",
    "a zero byte": "a\0b",
    "half a letter": "\udcff",
    "no folder": "/proc/nope/x",
    "a device": "/dev/null/x",
    "markup and formulas": "[/b] $x_{ =cmd|'/C calc'!A0",
    "minus": "-1",
    "a huge number": "1e400",
    "aliases": "{a: &a [1], b: *b}",
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    scenario = Scenario.load("jervis/intense", {"horizon": 2})
    return str(write_log(tmp_path_factory.mktemp("logs") / "a.jsonl", record(scenario, make("dove"), 1)))


def words_of(name: str, log: str) -> list[str]:
    return [log if word == "LOG" else word for word in WORDS[name].split()]


def changed(words: list[str], action: argparse.Action, odd: str) -> list[str] | None:
    """The words with ``odd`` as the value of an option, or in the place of the positionals; None for a mere flag."""
    if action.nargs == 0 or isinstance(action, argparse._HelpAction):
        return None
    if not action.option_strings:
        first = next((k for k, word in enumerate(words) if word.startswith("--")), len(words))
        return [odd, *words[first:]]
    option, found = action.option_strings[0], list(words)
    if option in found:
        at = found.index(option)
        end = next((k for k in range(at + 1, len(found)) if found[k].startswith("--")), len(found))
        del found[at:end]
    return [*found, f"{option}={odd}"]


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error."""
    [line] = capsys.readouterr().err.splitlines()
    assert line.isprintable() and len(line) <= LONGEST and line.startswith("sd-env"), line
    return line


def test_every_command_is_walked() -> None:
    assert set(WORDS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_odd_values_of_every_option_are_refused_in_one_line(
    name: str, log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = 0
    for action in parser_of(name)._actions:
        odds = ODD if "." not in action.dest else {"a tag": ODD["a tag"], "codes": ODD["codes of a terminal"]}
        for odd in odds.values():
            words = changed(words_of(name, log), action, odd)
            if words is None:
                continue
            code = main([name, *words])
            if code == 2:
                complaint(capsys)
                refused += 1
            else:  # some are a fine name of a folder, or an empty list of policies
                assert code in (0, 1)
                said = capsys.readouterr()
                assert "Traceback" not in said.err + said.out and "\x1b" not in said.err + said.out
    assert refused > 0 or name == "strategies"


@pytest.mark.parametrize("name", COMMANDS)
def test_misspelt_and_repeated_options_are_named(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = parser_of(name)
    for action in parser._actions:
        if not action.option_strings or isinstance(action, argparse._HelpAction):
            continue
        option = action.option_strings[-1]
        if len(option) < 6 or "." in option:
            continue
        assert main([name, option + "x"]) == 2
        assert f"there is no option {option}x; did you mean {option}?" in complaint(capsys)
        if isinstance(action, Once) and (action.type is None or option == "--worlds"):
            given = "a=1" if isinstance(action, Mapped) else "1"
            assert main([name, f"{option}={given}", f"{option}={given}"]) == 2
            assert f"{option} is given twice" in complaint(capsys)


def test_misspelt_commands_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for word, meant in (("trian", "train"), ("evalute", "evaluate"), ("tournement", "tournament")):
        assert main([word, "x", "--y"]) == 2
        assert complaint(capsys) == f"sd-env: there is no command '{word}'; did you mean {meant}?"
    assert main(["\x1b[2J" * 1000]) == 2
    assert "there are train, evaluate" in complaint(capsys)


#: A YAML file that is wrong -> what is said of it.
FILES = {
    "deep": ("name: " + "[" * 3000, "nested more than 32 deep"),
    "a tag": ("n_states: !!bool foo", "has the tag !!bool"),
    "empty int": ("n_states: !!int ''", "has the tag !!int"),
    "a time": ("n_states: !!timestamp x", "has the tag !!timestamp"),
    "twice": ("name: a\nname: b", "given twice"),
    "no": ("name: no", "write false, or quote it"),
    "octal": ("worlds: 010", "plain decimal digits"),
    "half a letter": ('title: "\\ud800"', "half of a letter"),
    "long": ("title: " + "x" * 2_000_000, "bytes"),
    "aliases": ("a: [&a [x,x,x,x,x,x,x,x,x], " + "".join(
        f"&{chr(98 + k)} [{','.join(['*' + chr(97 + k)] * 9)}]," for k in range(8)) + "]", "that aliases repeat"),
    "a key with codes": ('"\\e]0;owned\\a\\e[2J\\nsd-env: fine": 1', "?]0;owned??[2J"),
    "a list": ("- 1", "must hold a mapping"),
    "no text": ("\x00", "not YAML"),
}  # fmt: skip
#: How a command is given a file.
TAKES = {
    "train": "--config FILE",
    "evaluate": "dove --scenario FILE",
    "tournament": "dove hawk --scenario FILE",
    "crossplay": "dove hawk --scenario FILE",
    "challenge": "dove --only FILE",
    "exploit": "dove --scenario FILE",
    "certify": "dove --scenario FILE",
    "escalation": "dove --scenario FILE",
    "ablate": "dove --scenario FILE --parameter war.conquest --values 0.1",
    "thresholds": "FILE",
    "experiment": "FILE",
}


@pytest.mark.parametrize("what", FILES)
def test_a_bad_file_is_refused_in_one_line_by_all_who_read_one(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, sentence = FILES[what]
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    for name, words in TAKES.items():
        assert main([name, *(str(file) if word == "FILE" else word for word in words.split())]) == 2, name
        assert sentence in complaint(capsys), name


# --- the system refuses ---------------------------------------------------------------------------------------


def process(words: str, code: str = "", **environment: str) -> subprocess.Popen[str]:
    """A command in a process of its own, with some code before it."""
    run = f"import sys\n{code}\nfrom agents.cli import main\nsys.exit(main({words.split()!r}))"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", run], cwd=ROOT, env={**os.environ, **environment}, text=True, **pipes
    )


@pytest.mark.parametrize("words", ["strategies", "--help", "thresholds jervis/intense --no-lag"])
def test_a_full_disk_behind_the_output_is_a_sentence(words: str) -> None:
    ran = process(words, "sys.stdout = open('/dev/full', 'w')")
    _, errors = ran.communicate(timeout=60)
    assert (ran.returncode, errors) == (2, "sd-env: the output cannot be written: No space left on device.\n")


def test_letters_that_the_terminal_lacks_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("title: Für ∑ und 安全\nhorizon: 4\n", encoding="utf-8")
    ran = process(f"thresholds {path} --no-lag", PYTHONIOENCODING="ascii")
    printed, errors = ran.communicate(timeout=60)
    assert ran.returncode == 0 and errors == "" and "F?r ? und ??" in printed


def test_no_space_no_memory_and_interrupts_are_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import types

    raised: list[BaseException] = []

    def run(args: object) -> int:
        raise raised[-1]

    module = types.SimpleNamespace(HELP="for a test", add_arguments=lambda parser: None, run=run)
    monkeypatch.setattr(cli, "_module", lambda name: module)
    for error, code, said in (
        (
            OSError(28, "No space left on device", "out/\x1b[2J.json"),
            2,
            "sd-env: out/?[2J.json: No space left on device.",
        ),
        (PermissionError(13, "Permission denied", "/x"), 2, "sd-env: /x: Permission denied."),
        (MemoryError("Unable to allocate 1 TiB"), 2, "sd-env: not enough memory for it (Unable to allocate 1 TiB)."),
        (KeyboardInterrupt(), 130, "sd-env: interrupted."),
    ):
        raised.append(error)
        assert main(["verify"]) == code
        assert complaint(capsys) == said


def files_of_run(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_output_that_cannot_be_written_is_told_by_all_who_have_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file where a folder is needed; and nothing else is touched."""
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for name in ("evaluate", "tournament", "crossplay", "ablate"):
        words = WORDS[name].split()
        for out in (taken, taken / "below", Path("/proc/nope")):
            assert main([name, *words, "--out", str(out)]) == 2
            complaint(capsys)
    assert main(["train", "--config", "smoke", "--runs", str(taken)]) == 2
    assert complaint(capsys) == f"sd-env: {taken}: File exists."
    assert taken.read_text() == "mine" and list(files_of_run(tmp_path)) == [taken]
