"""The strict reader: values that everybody reads alike, the rest refused, and bounds on all that could grow."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
import yaml

from sd_env.errors import LONGEST, RefusedError, printable, said, sentence, whole_number
from sd_env.reading import MOST_BYTES, ReadError, read_json, read_yaml
from sd_env.scenario_files import dump_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("-3", -3), ("+4", 4), ("0", 0), ("1e4", 1e4), ("1e-3", 1e-3), (".5", 0.5), ("2.", 2.0),
        ("-.inf", -math.inf), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("gamble", "gamble"), ("'no'", "no"), ('"010"', "010"), ("1914-07-28", "1914-07-28"), ("1:30", "1:30"),
        ("[1, {a: 2}]", [1, {"a": 2}]), ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}), ("<<: 1", {"<<": 1}), ("y", "y"),
        ("- 1\n- 2", [1, 2]), ("\ufeffa: 1", {"a": 1}),
    ],
)  # fmt: skip
def test_values_are_what_everybody_takes_them_for(text: str, value: Any) -> None:
    found = read_yaml(text.encode())
    assert found == value and type(found) is type(value)


def test_what_was_read_is_the_readers_own() -> None:
    """A text that is read again is not parsed again, and whoever changed what it got before changed nothing else's."""
    text = "a: [1, {b: 2}]"
    read_yaml(text)["a"][1]["b"] = 3
    assert read_yaml(text) == {"a": [1, {"b": 2}]}


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Yes", "NO", "Off", "oN"])
def test_words_that_yaml_1_1_takes_for_booleans_are_refused_and_told_how_to_be_written(word: str) -> None:
    meant = "true" if word.lower() in ("yes", "on") else "false"
    with pytest.raises(ReadError, match=rf"{word} on line 2 .* write {meant}, or quote it \('{word}'\)"):
        read_yaml(f"- 1\n- {word}")


@pytest.mark.parametrize("number", ["010", "-07", "00", "0x10", "0o17", "0b11", "1_000", "1_0.5"])
def test_numbers_that_not_all_read_alike_are_refused(number: str) -> None:
    with pytest.raises(ReadError, match=f"{number} on line 1 .* plain decimal digits"):
        read_yaml(f"a: {number}")


@pytest.mark.parametrize(
    "tagged", ["!!bool foo", "!!int ''", "!!float ''", "!!timestamp x", "!!binary x", "!!str 2", "!!set {a}", "!own 1",
               "!!python/object/apply:os.getcwd []", "! 1", "[!!int 1]", "{a: !!null x}"],
)  # fmt: skip
def test_tags_are_refused_whatever_they_are(tagged: str) -> None:
    with pytest.raises(ReadError, match="written without tags"):
        read_yaml(f"a: {tagged}")


@pytest.mark.parametrize("text", ["a: 1\na: 2", "{a: 1, 'a': 2}", "b: {1: 2, 1: 3}"])
def test_a_key_given_twice_is_refused(text: str) -> None:
    with pytest.raises(ReadError, match="given twice"):
        read_yaml(text)
    with pytest.raises(ReadError, match="'a' is a key given twice"):
        read_json('{"a": 1, "b": {"a": 1, "a": 2}}')


BOMB = "a: [&a0 [x, x, x, x, x, x, x, x, x]" + "".join(
    f", &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 12)
) + "]"  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "[" * 3000, "name: " + "[" * 3000, "{a: " * 3000, "- " * 3000, "x" * (MOST_BYTES + 1), "9" * 5000, BOMB,
        "&a [*a]", "&a {b: *a}", "[" + "1," * 100_000, '"\\ud800"', "'\udfff'", "a: \x00", "a\n--- b",
        "%YAML 9.9\n---\n",
    ],
    ids=range(15),
)  # fmt: skip
def test_what_grows_or_breaks_is_refused_at_once_in_a_short_line(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ReadError) as refused:
        read_yaml(text)
    assert time.process_time() - started < 2.0
    assert len(str(refused.value)) < 300 and str(refused.value).isprintable()


@pytest.mark.parametrize("data", [b"\xff\xfea\x00", b"\x80", "a: ü".encode("latin-1")])
def test_files_are_utf_8(data: bytes) -> None:
    for read, kind in ((read_yaml, "YAML"), (read_json, "JSON")):
        with pytest.raises(ReadError, match=f"the file is not {kind}, as it must be: it is no UTF-8 text"):
            read(data)


@pytest.mark.parametrize(
    "text",
    ["[" * 255 + "]" * 255, '{"a":' * 5000, "NaN", "-Infinity", '"\\ud800"', '{"\\udfff": 1}', "", "{", "9" * 5000],
)
def test_json_is_as_strict(text: str) -> None:
    with pytest.raises(ReadError, match="is not JSON, as it must be"):
        read_json(text)


@pytest.mark.parametrize(
    "text",
    ["no", "010", "0o17", "0x1f", "1_000", "1e3", ".5", "1.e5", "null", "~", "", "true", "1:30", "2020-01-01", "<<"],
)
def test_what_is_written_is_read_back(text: str) -> None:
    data = {"a": text, text or "bb": [1, 1e-5, 1e300, True, None]}
    assert read_yaml(dump_yaml(data)) == data
    assert yaml.safe_load(dump_yaml(data))["a"] == text  # by others, too


def test_a_refusal_is_one_short_printable_line_whoever_raises_it() -> None:
    class OwnError(RefusedError):
        """An error."""

    error = OwnError("\x1b]0;owned\x07\nFAKE: " + "x" * 10_000 + "\u202e the end")
    assert str(error).isprintable() and len(str(error)) <= LONGEST and str(error).endswith("the end")
    assert sentence("a\nb") == "a b" and printable("\x1b[2J") == "?[2J" and printable("für ∑") == "für ∑"
    assert said(OSError(28, "No space left on device", "a\x1bb")) == "a?b: No space left on device"
    assert said(MemoryError()) == "MemoryError"


@pytest.mark.parametrize("value", ["4", 4.0, True, None, 0, -1, [4], 2**63, 2.5])
def test_whole_numbers_are_whole(value: Any) -> None:
    with pytest.raises(RefusedError, match="num_worlds is .* a whole number from 1 to "):
        whole_number("num_worlds", value, 1)


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    import numpy as np

    assert whole_number("n", np.int16(3)) == 3 and type(whole_number("n", np.uint64(3))) is int
    assert whole_number("n", np.array(3)) == 3
    with pytest.raises(RefusedError):
        whole_number("n", np.array([3, 4]))
    with pytest.raises(RefusedError):
        whole_number("n", np.True_)
