"""What is installed is what was meant: hashes for every pin, the bill of materials, licences."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tools import lock, sbom
from tools.lock import LOCKS, LockError, read, written

ROOT = Path(__file__).parent.parent
A, B, C = "a" * 64, "b" * 64, "c" * 64


# --- lock files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_the_file_names_no_place(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    head, pins = read(ROOT / name)
    assert pins and all(pins.values())
    assert written(head, pins) == text  # as the tool writes it
    assert not re.search(r"https?:|file:|index-url|find-links|trusted-host", text)


def test_files_of_several_platforms_are_known() -> None:
    """A compiled package has a file for each platform and Python; of torch known is the build for the CPU alone."""
    _, pins = read(ROOT / "requirements.lock")
    many = {name: len(hashes) for (name, _), hashes in pins.items()}
    assert many["numpy"] > 20 and many["pandas"] > 20 and many["torch"] >= 1


def test_whatever_make_installs_from_a_lock_file_is_checked() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if re.search(r"-r \S*requirements\S*\.lock", line)]
    assert len(installs) == 5 and all("--require-hashes -r" in line for line in installs)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("numpy\n", "has 'numpy', which is no pin"),
        ("numpy>=2\n", "which is no pin"),
        (f"numpy==2.0 \\\n    --hash=md5:{A}\n", "which is no pin"),
        ("--index-url somewhere\n", "which is no pin"),
        ("numpy==2.0\nNumPy==2.1\n", "pins numpy twice"),
    ],
)
def test_what_is_no_pin_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.lock").write_text(f"# head\n{text}")
    with pytest.raises(LockError, match=words):
        read(tmp_path / "x.lock")


def test_hashes_are_added_to_those_that_a_version_had(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_text(f"# head\nPyYAML==6.0 \\\n    --hash=sha256:{B}\nsix==1.0\n")
    head, pins = read(path)
    assert (head, pins) == ("# head\n", {("PyYAML", "6.0"): {B}, ("six", "1.0"): set()})
    found = {("pyyaml", "6.0"): {A, B}, ("pyyaml", "5.0"): {C}}
    assert written(head, pins, [found]) == (
        f"# head\nPyYAML==6.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\nsix==1.0\n"
    )


def test_the_tool_asks_for_all_but_torch_and_takes_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.lock").write_text("# head\nsix==1.0\ntorch==2.0\n")
    wheel = tmp_path / "torch-2.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
    wheel.write_bytes(b"")
    asked: list[str] = []

    def uv(command: list[str], *, input: str, **options: object) -> subprocess.CompletedProcess[str]:
        asked.extend(input.splitlines())
        assert "--generate-hashes" in command
        return subprocess.CompletedProcess(command, 0, f"six==1.0 \\\n    --hash=sha256:{A}\n", "")

    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(lock, "LOCKS", ("x.lock",))
    monkeypatch.setattr(lock.subprocess, "run", uv)
    assert lock.main(["--wheel", str(wheel)]) == 0
    assert asked == ["six==1.0"]
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing
    assert read(tmp_path / "x.lock")[1] == {("six", "1.0"): {A}, ("torch", "2.0"): {empty}}
    before = (tmp_path / "x.lock").read_bytes()
    assert lock.main(["--wheel", str(tmp_path / "torch.whl")]) == 2
    monkeypatch.setattr(
        lock.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", "no\nsuch thing")
    )
    assert lock.main([]) == 2 and capsys.readouterr().err.splitlines()[-1] == "lock: uv says: no such thing"
    assert (tmp_path / "x.lock").read_bytes() == before


# --- bill of materials and licences ------------------------------------------------------------------------------


def test_the_page_has_the_licence_of_every_pin() -> None:
    text = sbom.PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) \| ([0-9]\S*) \| (.+) \|$", text, re.M)
    _, pins = read(ROOT / "requirements.lock")
    assert [(name, version) for name, version, _ in rows] == list(pins), "make sbom ARGS=--write"
    found = {canonicalize_name(name): (version, licence) for name, version, licence in rows}
    assert sbom.page(found) == text
    # nothing that would bind whoever passes sd-env on: each lets its user choose the licence of what is made with it
    assert not re.search(r"\bA?GPL", text)
    assert [name for name, _, licence in rows if licence == sbom.UNDECLARED] == ["protobuf", "pysocks"]


def test_licences_are_told_in_spdx_words_if_they_can_be() -> None:
    old = {"license": {"name": "License :: OSI Approved :: BSD License"}}
    components = [
        {"name": "One_Two", "version": "1", "licenses": [{"license": {"id": "MIT"}}, old]},
        {"name": "three", "version": "2", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
        {"name": "four", "version": "3", "licenses": [old, old]},
        {"name": "five", "version": "4"},
    ]
    assert sbom.licences({"components": components}) == {
        "one-two": ("1", "MIT"),
        "three": ("2", "MIT OR Apache-2.0"),
        "four": ("3", "BSD License"),
        "five": ("4", "not declared"),
    }


def test_the_bill_of_a_small_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    [site] = (tmp_path / "env").glob("lib/python*/site-packages")
    (site / "nut-1.5.dist-info").mkdir()
    metadata = "Metadata-Version: 2.4\nName: nut\nVersion: 1.5\nLicense-Expression: MIT\nRequires-Dist: bolt\n"
    (site / "nut-1.5.dist-info" / "METADATA").write_text(metadata)
    (site / "bolt-2.0.dist-info").mkdir()
    (site / "bolt-2.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.4\nName: bolt\nVersion: 2.0\n")
    out = tmp_path / "sbom.json"
    assert sbom.main(["--environment", str(tmp_path / "env"), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 2 packages, 1 without a declared licence\n"
    bill = json.loads(out.read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["name"] == "sd-env"
    assert {each["purl"] for each in bill["components"]} == {"pkg:pypi/nut@1.5", "pkg:pypi/bolt@2.0"}
    needs = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    assert needs["nut==1.5"] == ["bolt==2.0"]
    assert str(ROOT) not in out.read_text(encoding="utf-8")


def test_no_bill_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "no such\nenvironment")
    monkeypatch.setattr(sbom.subprocess, "run", lambda *_, **__: failed)
    assert sbom.main(["--out", str(tmp_path / "no.json")]) == 2
    assert capsys.readouterr().err == "sbom: no such environment\n" and not (tmp_path / "no.json").exists()
