"""Whole files: nothing of half, nothing through a planted link, nothing left behind."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO

import pytest

from sd_env import files
from sd_env.files import write_whole


def test_bytes_and_writers_replace_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_whole(target, b"old")
    assert target.read_bytes() == b"old"
    write_whole(target, lambda file: file.write(b"new"))
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_failure_leaves_the_old_content_and_no_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_whole(target, b"old")

    def fails(file: BinaryIO) -> None:
        file.write(b"ne")
        raise RuntimeError("amid")

    with pytest.raises(RuntimeError, match="amid"):
        write_whole(target, fails)
    assert target.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "folder"]


def test_links_are_replaced_and_never_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim, target = tmp_path / "victim", tmp_path / "plan.json"
    victim.write_text("mine")
    target.symlink_to(victim)
    for name in (f".plan.{os.getpid()}.json", f".plan.json.{os.getpid()}"):
        (tmp_path / name).symlink_to(victim)
    write_whole(target, b"new")
    assert victim.read_text() == "mine" and target.read_bytes() == b"new" and not target.is_symlink()
    # even if somebody guesses the name
    monkeypatch.setattr(secrets, "token_hex", lambda size: "guessed")
    (tmp_path / f".guessed{files.PART}").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_whole(target, b"newer")
    assert victim.read_text() == "mine" and target.read_bytes() == b"new"
    assert (tmp_path / f".guessed{files.PART}").is_symlink()  # what is not ours stays


def test_file_and_folder_are_brought_to_the_disk_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    sync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        seen.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        sync(handle)

    def replaced(source: Path, target: Path) -> None:
        seen.append("moved")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write_whole(tmp_path / "a", b"x")
    assert seen == ["file", "moved", "folder"]


def test_the_umask_is_kept(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
