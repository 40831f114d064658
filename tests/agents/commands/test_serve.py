"""``sd-env serve`` as a process: the link that it prints, what it refuses, and the same link after a restart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from agents.cli import main

ROOT = Path(__file__).parents[3]


def test_the_link_answers_and_is_the_same_after_a_restart(tmp_path: Path) -> None:
    links = []
    for port in ("0", None):
        words = [
            "serve",
            "--data",
            "kept.sqlite",
            "--port",
            port or links[0].partition("#")[0].strip("/").split(":")[-1],
        ]
        command = [sys.executable, "-m", "agents.cli", *words]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        links.append(process.stdout.readline().strip())
        assert "kept.sqlite" in process.stdout.readline()
        address, _, key = links[-1].partition("#host=")
        assert address.startswith("http://127.0.0.1:")
        assert "<main" in httpx2.get(address).text
        found = httpx2.get(f"{address}api/menu", headers={"authorization": f"Bearer {key}"}).json()
        assert "tit-for-tat" in found["policies"] and len(found["scenarios"]) > 50
        assert httpx2.get(f"{address}api/menu").status_code == 403
        assert httpx2.get(address, headers={"host": "evil.example"}).status_code == 421
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 130 and error == "sd-env: interrupted.\n"
    assert links[0] == links[1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--host", "0.0.0.0"], "--names must say by which name or address"),
        (["--names", "a:b"], "--names has 'a:b'; a host's name or address without a port"),
        (["--host", "256.0.0.1", "--names", "x"], "nothing can listen there"),
        (["--port", "70000"], "--port is 70000; a number from 0 to 65535"),
        (["--data", "/proc/nope/x"], "--data '/proc/nope/x' cannot be used"),
        (["--policies", "tit-for-tatt"], "did you mean"),
        (["--scenarios", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_sentence(
    words: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", *words]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("sd-env: ") and why in line


def test_a_port_that_is_taken_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert f"--port {port}: nothing can listen there: Address already in use" in capsys.readouterr().err
