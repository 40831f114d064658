"""Work on a Ray cluster: what is said where there is none, and one of several nodes of which one is killed."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import pickle
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.cli import main, parser_of
from agents.work import Done, Progressed, Unit, WorkError, done_at, identity_of, progress, run_units
from agents.work.cluster import Needs, connected, connection, driver
from agents.work.cluster.worker import _differs, work_of

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: pip install 'sd-env[ray]'")
ROOT = Path(__file__).parents[2]
WORDS = "tournament dove hawk tit-for-tat --scenario jervis/intense --overrides horizon=3 --worlds 2 --seeds 1 2 --json"
TOURNAMENT = WORDS.split()


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence with which a command line is refused."""
    assert main(words) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


def test_a_place_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for odd in ("dask", "ray:", "ray://", "ray://host", "ray://a b:1", "ray://u@host:1", "ray://host:123456", "Ray"):
        assert "is not allowed; ray or ray://HOST:PORT is" in refused([*TOURNAMENT, "--on", odd], capsys)
    for odd in ("0", "-1", "1.5", "1e3", "nan", "٣", "1_0"):
        assert "is not allowed" in refused([*TOURNAMENT, "--on", "ray", f"--unit-cpus={odd}"], capsys)
    assert "--unit-gpus is for units on a cluster" in refused([*TOURNAMENT, "--unit-gpus", "0.5"], capsys)


def test_without_ray_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    line = refused([*TOURNAMENT, "--on", "ray"], capsys)
    assert line == "sd-env: Ray is not installed: pip install 'sd-env[ray]'."


def test_ray_is_imported_only_where_it_is_asked_for() -> None:
    code = "import sys, agents.cli, agents.work, agents.work.cluster; assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_nobody_at_the_address_is_told_at_once() -> None:
    """Before Ray is asked, which tries for many minutes."""
    port, began = free_port(), time.monotonic()
    for address, said in (
        (f"ray://127.0.0.1:{port}", rf"^no Ray cluster answers at ray://127\.0\.0\.1:{port}: .*refused\.$"),
        (f"127.0.0.1:{port}", rf"^no Ray cluster answers at 127\.0\.0\.1:{port}: "),
        ("ray://no-such-host.invalid:10001", r"^no Ray cluster answers at ray://no-such-host\.invalid:10001: "),
        ("somewhere", r"^the address of the Ray cluster is 'somewhere'; HOST:PORT is needed\.$"),
        ("ray://host:99999", r"HOST:PORT is needed\.$"),
    ):
        with pytest.raises(WorkError, match=said):
            connection._reach(address)
    assert time.monotonic() - began < 60


def test_needs_say_how_many_units_fit_on_a_node() -> None:
    assert Needs().fit({"CPU": 4.0, "memory": 8e9}) == 4
    assert Needs(cpus=2, memory=3).fit({"CPU": 8.0, "memory": 8e9}) == 2
    assert Needs(cpus=0.5, gpus=0.5).fit({"CPU": 8.0, "GPU": 1.0}) == 2
    assert Needs(gpus=1).fit({"CPU": 8.0}) == 0
    assert Needs(cpus=2).options() == {"num_cpus": 2, "num_gpus": 0.0}
    assert str(Needs(cpus=2, memory=1.5)) == "cpus 2, memory 1.5"


def test_a_worker_of_other_sources_is_found_before_it_gives_a_number() -> None:
    task = partial(_whatever, play)
    made = identity_of(work_of(task), {})
    assert work_of(task) is play and _differs(pickle.dumps(task), pickle.dumps(made)) == ""
    made["sources"] |= {"sd_env/rules/war.py": "another"}
    made["versions"] |= {"numpy": "1.0"}
    said = _differs(pickle.dumps(task), pickle.dumps(made))
    assert "another version of the rules (sd_env/rules/war.py)" in said and "numpy 1.0 where this is" in said


# --- the page -------------------------------------------------------------------------------------------------


def block(language: str) -> str:
    """A job file of docs/clusters.md."""
    page = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    [text] = re.findall(rf"```{language}\n(.*?)```", page, re.S)
    return str(text)


def test_the_job_file_for_slurm_is_a_script_whose_command_is_one() -> None:
    text = block("sh")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    [command] = [line for line in text.splitlines() if line.startswith("sd-env ")]
    name, *words = shlex.split(command)[1:]
    assert parser_of(name).parse_args(words).on == ""


def test_the_job_file_for_kubernetes_mounts_one_folder_everywhere_and_its_command_is_one() -> None:
    job = yaml.safe_load(block("yaml"))["spec"]
    name, *words = shlex.split(job["entrypoint"])[1:]
    given = parser_of(name).parse_args(words)
    cluster = job["rayClusterSpec"]
    pods = [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]
    for pod in pods:
        [container], [volume] = pod["containers"], pod["volumes"]
        [mount] = container["volumeMounts"]
        assert mount["name"] == volume["name"] and given.out.is_relative_to(mount["mountPath"])
    version = cluster["rayVersion"]
    assert f"rayproject/ray:{version}-py311" in block("dockerfile")


# --- a real cluster -------------------------------------------------------------------------------------------


def play(number: int, folder: str = "", steps: int = 0) -> list[dict[str, Any]]:
    """A unit that leaves a mark at each beginning and end, and lasts until it may end."""
    mark = Path(folder) / str(number) if folder else None
    if mark:
        with mark.open("a", encoding="utf-8") as marks:
            marks.write(f"begun by {os.getpid()}\n")
    until = time.monotonic() + 600
    while mark and steps and not (mark.parent / "go").exists() and time.monotonic() < until:
        time.sleep(0.05)
    if mark:
        with mark.open("a", encoding="utf-8") as marks:
            marks.write("done\n")
    return [{"number": number, "third": number / 3, "even": number % 2 == 0}]


def _whatever(work: Any, unit: Unit) -> Any:
    return work(**unit.arguments)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and two more nodes, of one core each: real processes of Ray, on this machine."""
    if not HAS_RAY:
        pytest.skip("Ray is not installed: pip install 'sd-env[ray]'")
    # of this machine alone; and a machine may be busy
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_agent_register_timeout_ms": "300000"}
    from ray._private import services
    from ray.cluster_utils import Cluster

    at_once = services.get_node

    def patiently(*asked: Any) -> Any:
        """Ray gives a node 30 seconds to begin, which is little on a busy machine."""
        until = time.monotonic() + 300
        while True:
            try:
                return at_once(*asked)
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(services, "get_node", patiently)
    sizes = {"object_store_memory": 80 * 2**20}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, **sizes})
    try:
        for _ in range(2):
            made.add_node(num_cpus=1, **sizes)
        yield made
    finally:
        monkeypatch.undo()
        made.shutdown()


@pytest.fixture
def on_ray(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    monkeypatch.chdir(ROOT)  # from where workers import this module
    return cluster


#: An experiment that trains in two cells.
TINY = {
    "name": "tiny", "title": "Tiny", "rows": ["Anarchy"], "description": "For a test.", "sources": ["Nobody (2026)."],
    "scenario": "jervis/intense", "overrides": {"horizon": 4}, "grid": {"war.first_strike": [0.0, 0.5]}, "seeds": [1],
    "predictions": [
        {"claim": "It rises.", "measure": "outcome/ss_attacks", "along": "war.first_strike", "expect": "rises"}
    ],
    "picture": {"x": "war.first_strike", "measures": ["outcome/ss_attacks"]},
}  # fmt: skip


def marks(folder: Path) -> dict[int, list[str]]:
    return {int(path.name): path.read_text().splitlines() for path in folder.glob("[0-9]*")}


@pytest.mark.slow
@needs_ray
def test_a_tournament_on_a_cluster_is_that_of_this_machine(
    on_ray: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TOURNAMENT, "--workers", "1", "--out", str(tmp_path / "here")]) == 0
    here = json.loads(capsys.readouterr().out)
    assert main([*TOURNAMENT, "--on", "ray", "--out", str(tmp_path / "there")]) == 0
    assert json.loads(capsys.readouterr().out) == here
    one, other = ((tmp_path / where / "episodes.csv").read_bytes() for where in ("here", "there"))
    assert one == other


@pytest.mark.slow
@needs_ray
def test_an_experiment_that_trains_is_that_of_this_machine(on_ray: Any, tmp_path: Path) -> None:
    """Its policies are left by the workers in its folder, which all nodes see."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    words = ["experiment", str(path), "--smoke", "--seeds", "1"]
    for where, more in (("here", ["--workers", "1"]), ("there", ["--on", "ray"])):
        assert main([*words, *more, "--out", str(tmp_path / where)]) == 0
    one, other = ((tmp_path / where / "cells.csv").read_bytes() for where in ("here", "there"))
    assert one == other
    assert not list((tmp_path / "there").rglob(".seen-*"))


@pytest.mark.slow
@needs_ray
def test_a_node_killed_in_the_midst_of_a_unit_loses_and_repeats_nothing_that_was_finished(
    on_ray: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, out = tmp_path / "marks", tmp_path / "out"
    folder.mkdir()
    # two that end at once, and three that last until a node is gone
    asked = [Unit(f"unit {k}", {"number": k, "folder": str(folder), "steps": int(k > 1)}) for k in range(8)]
    lost: list[int] = []

    def kill() -> None:
        until = time.monotonic() + 300
        while time.monotonic() < until:
            at_work = {k: lines for k, lines in marks(folder).items() if k > 1 and lines}
            if len(list(out.glob("units/*.json"))) >= 2 and len(at_work) >= 3:
                break
            time.sleep(0.1)
        nodes = {k: node for k in at_work for node in on_ray.worker_nodes if _is_of(worker_of(at_work[k]), node)}
        number, node = next(iter(nodes.items()))
        lost.append(number)
        on_ray.remove_node(node, allow_graceful=False)  # kill -9 of the node's processes
        while _runs(worker_of(at_work[number])) and time.monotonic() < until:
            time.sleep(0.1)  # which ends when it misses its node
        (folder / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    with connected() as ray_cluster, done_at(ray_cluster, "Ray"):
        frame = run_units(play, asked, out)
    killer.join()
    assert frame["number"].tolist() == list(range(8))
    assert any("lost its worker" in message for message in caplog.messages)
    found = marks(folder)
    begun = {k: sum(line.startswith("begun") for line in lines) for k, lines in found.items()}
    assert begun == {k: 2 if k in lost else 1 for k in range(8)}, "what was lost is done twice, and all else once"
    assert all(lines.count("done") == 1 for lines in found.values())
    again = run_units(play, asked, out)  # on this machine: all is there
    assert again.equals(frame) and marks(folder) == found
    on_ray.add_node(num_cpus=1, object_store_memory=80 * 2**20)


def worker_of(lines: list[str]) -> int:
    """The process that began a unit last."""
    return int(lines[-1].split()[-1])


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _is_of(pid: int, node: Any) -> bool:
    """Whether a worker process is of this node: its parent is the node's raylet."""
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    raylets = [info.process.pid for info in node.all_processes["raylet"]]
    return parent in raylets


def telling(unit: Unit) -> int:
    """Tells of its progress, and speaks, while it lasts."""
    logging.getLogger("agents.somewhere").warning("%s speaks", unit.key)
    for part in range(1, 9):
        progress(part)
        time.sleep(1.0)
    return int(unit.arguments["number"])


@pytest.mark.slow
@needs_ray
def test_what_a_unit_says_and_how_far_it_is_is_heard_here(on_ray: Any, caplog: pytest.LogCaptureFixture) -> None:
    with connected() as ray_cluster:
        events = list(ray_cluster(telling, [Unit(f"unit {k}", {"number": k}) for k in range(2)], 0))
    assert sorted((event.key, event.result) for event in events if isinstance(event, Done)) == [
        ("unit 0", 0), ("unit 1", 1),
    ]  # fmt: skip
    parts = [event.part for event in events if isinstance(event, Progressed)]
    assert parts and set(parts) <= set(range(1, 9))
    assert sorted(caplog.messages) == ["unit 0 speaks", "unit 1 speaks"]


@pytest.mark.slow
@needs_ray
def test_a_unit_that_kills_every_worker_ends_in_a_sentence(on_ray: Any, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, connected() as ray_cluster, done_at(ray_cluster, "Ray"):
        patch.setattr(driver, "RETRIES", 1)
        with pytest.raises(WorkError, match=r"^unit 0 lost its worker 2 times \(.*\); what was finished is kept\.$"):
            run_units(suicidal, [Unit("unit 0", {"number": 0})], tmp_path / "out")


def suicidal(number: int) -> list[dict[str, Any]]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


@pytest.mark.slow
@needs_ray
def test_a_port_behind_which_is_no_ray_is_told_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "JOINS", 5.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(WorkError, match=rf"^no connection to the Ray cluster {address}: .*\.$"), connected():
            pass
    assert time.monotonic() - began < 120
