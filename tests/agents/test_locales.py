"""Foreign locales: numbers keep their point, files are UTF-8, and what the terminal's letters lack is no traceback.

The system's own library is told the locale, too (``setlocale``), as a program around this one may do. More of it in
``make test-container``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agents.cli import main

ROOT = Path(__file__).parents[2]
#: Commas in numbers; a dotless i, and letters of one byte; letters of several bytes that are not UTF-8.
LOCALES = (("de_DE", "UTF-8"), ("tr_TR", "ISO-8859-9"), pytest.param("ja_JP", "EUC-JP", marks=pytest.mark.slow))
WORDS = (
    *("evaluate", "tit-for-tat", "hawk", "--scenario", "made-up.yaml", "--overrides", "war.conquest=0.25"),
    *("--worlds", "1", "--seeds", "1", "--workers", "1", "--out", "out"),
)
#: A title with letters that none of the old encodings has all of, and an i that Turkish writes otherwise.
SCENARIO = "name: INFINITI\ntitle: İstanbul ıß 日本 – 1,5 ≠ 1.5\nhorizon: 2\n"
PROGRAM = """
import locale, sys
locale.setlocale(locale.LC_ALL, "")
assert locale.setlocale(locale.LC_NUMERIC).startswith(sys.argv[1]), locale.setlocale(locale.LC_NUMERIC)
from agents.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(shutil.which("localedef") is None, reason="no localedef")
@pytest.mark.parametrize(("name", "letters"), LOCALES)
def test_a_foreign_locale_changes_no_number_and_no_file(
    name: str, letters: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = subprocess.run(
        ["localedef", "-c", "-i", name, "-f", letters, str(tmp_path / f"{name}.{letters}")], capture_output=True
    )
    if not (tmp_path / f"{name}.{letters}").is_dir():
        pytest.skip(f"this system cannot build {name}: {built.stderr.decode(errors='replace')[-200:]}")
    here, there = tmp_path / "here", tmp_path / "there"
    for place in (here, there):
        place.mkdir()
        (place / "made-up.yaml").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.chdir(here)
    assert main([*WORDS]) == 0
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0", "LOCPATH": str(tmp_path)}
    environment |= {"LC_ALL": f"{name}.{letters}", "LANG": f"{name}.{letters}"}
    ran = subprocess.run([sys.executable, "-c", PROGRAM, name, *WORDS], cwd=there, env=environment, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    assert b"1,5" in ran.stdout and b"Traceback" not in ran.stderr
    for each in ("episodes.csv", "table.txt", "report.json", "report.html"):
        assert (there / "out" / each).read_bytes() == (here / "out" / each).read_bytes(), each
    assert "İstanbul" in (there / "out" / "table.txt").read_text(encoding="utf-8")
