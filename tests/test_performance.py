"""docs/performance.md is what its data say, its bare kernel is the engine, and peers are played as they promise."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import others, performance
from benchmarks.bare import Bare, episode
from benchmarks.engine import SCENARIO
from benchmarks.harness import Report
from benchmarks.others import OURS, PEERS, REQUIREMENTS, Peer, PeerError, python_of
from benchmarks.peers.pettingzoo_loop import size
from benchmarks.performance_page import PARTS, made, page
from sd_env import Worlds, layout, load_scenario
from tools.environments import reason

ROOT = Path(__file__).parent.parent
ADAPTERS = ROOT / "benchmarks" / "peers"


def test_the_bare_kernel_plays_the_game_of_the_worlds_bit_for_bit() -> None:
    worlds = Worlds(load_scenario(SCENARIO), 256, seed=3)
    hunt = np.tile([[2, 0, 0, 3], [0, 0, 2, 1]], (256, 1, 1))  # its first attack is illegal, and a mobilization
    start, wars, falls, broken = worlds.snapshot(), 0, 0, 0
    for pool in (episode(worlds, 32), [hunt] * 32):
        worlds.restore(start)
        bare = Bare(worlds)
        for actions in pool:
            worlds.step(actions)
            bare.step(actions)
            for name in ("observations", "masks", "rewards"):
                np.testing.assert_array_equal(getattr(bare, name), getattr(worlds, name), err_msg=name)
            wars += int(worlds.pairs["attacks"].sum())
            falls += int((~worlds.states["standing"]).sum())
            broken += int(worlds.states["pledge_broken"].sum() + worlds.states["commitment_failed"].sum())
    assert wars and falls and broken, "all that the kernel writes out has happened"


def test_the_bare_kernel_begins_anew_where_it_began() -> None:
    worlds = Worlds(load_scenario(SCENARIO), 8, seed=1)
    bare, pool = Bare(worlds), episode(worlds, 4)
    seen = []
    for _ in range(2):
        bare.begin()
        for actions in pool:
            bare.step(actions)
        seen.append(bare.observations.copy())
    np.testing.assert_array_equal(*seen)


def test_the_page_is_that_of_the_data() -> None:
    text = page(performance.read(performance.DATA))
    assert performance.PAGE.read_text(encoding="utf-8") == text, "python -m benchmarks.performance --page"
    assert str(Path.home()) not in text and "/tmp" not in text


def test_the_smoke_run_measures_every_part_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those parts that the tests of the benchmarks do not run already; without making environments."""
    monkeypatch.setattr(performance, "PAGE", tmp_path / "page.md")
    parts = ["bare", "growth"]
    assert performance.main([*parts, "--smoke", "--repeats", "2", "--out", str(tmp_path)]) == 0
    found = performance.read(tmp_path)
    assert list(found) == parts and not (tmp_path / "page.md").exists()
    text = page(found)
    assert "time of the engine against the bare kernel" in text and "memory of a world of 4 states | " in text
    assert "2 rounds" in text and found["bare"]["commit"] in text and "--smoke" in text


def test_every_peer_has_pinned_requirements_and_an_adapter_of_its_games() -> None:
    assert {path.stem for path in REQUIREMENTS.glob("*.txt")} == {peer.adapter for peer in PEERS}
    for peer in PEERS:
        lines = (REQUIREMENTS / f"{peer.adapter}.txt").read_text(encoding="utf-8").splitlines()
        pins = [line for line in lines if not line.startswith("#")]
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+|[\w.-]+ @ git\+\S+@[0-9a-f]{40}", line) for line in pins)
        assert len({re.split("==| @ ", line)[0].lower() for line in pins}) == len(pins)
        adapter = ADAPTERS / f"{peer.adapter}.py"
        assert adapter.is_file() == bool(peer.games)
        assert all(f'"{game}"' in adapter.read_text(encoding="utf-8") for game in peer.games)


def test_adapters_of_others_need_nothing_of_sd_env() -> None:
    """They run where neither sd-env nor what it needs is installed."""
    shared = {ADAPTERS / "__init__.py", ADAPTERS / "worker.py", ADAPTERS / "pettingzoo_loop.py"}
    for path in shared | {ADAPTERS / f"{peer.adapter}.py" for peer in PEERS if peer.games}:
        imported = re.findall(r"^ *(?:from|import) ([\w.]+)", path.read_text(encoding="utf-8"), re.M)
        ours = {name for name in imported if name.split(".")[0] in {"sd_env", "agents", "tools", "benchmarks"}}
        assert ours <= {"benchmarks.peers", "benchmarks.peers.pettingzoo_loop"}


@pytest.mark.parametrize(
    "peer",
    [
        pytest.param(peer, id=peer.adapter, marks=pytest.mark.slow if peer.adapter == "jaxmarl" else ())
        for peer in PEERS
        if peer.games
    ],
)
def test_a_peer_plays_where_its_environment_is(peer: Peer) -> None:
    try:
        python = python_of(peer, making=False)
    except PeerError:
        pytest.skip("its environment is made by make performance")
    with others.process(python, peer.adapter) as worker:
        for place, (game, worlds) in enumerate(peer.games.items()):
            number, made = worker.make(game, min(worlds, 4))
            assert number == place and made["turns"] > 0 and made["agents"] > 1 and made["numbers"] > 0
            assert worker.ask(play=number, times=2)["seconds"] > 0


def test_ours_is_played_as_its_peers_are() -> None:
    made = {}
    with others.process(Path(sys.executable), OURS.adapter) as worker:
        for game, worlds in OURS.games.items():
            _, made[game] = worker.make(game, min(worlds, 4))
        with pytest.raises(PeerError, match="KeyError: 'no such game'"):
            worker.make("no such game", 1)
        assert worker.ask(play=0, times=1)["seconds"] > 0, "what failed ends nothing"
    assert made["ParallelEnv, 2 states"]["numbers"] == layout.observation_size(2, True)
    assert made["Worlds, 3 states"] | {"seconds": 0} == {"turns": 128, "agents": 3, "numbers": 118, "seconds": 0}


def test_a_worker_that_ends_is_said_to_have_ended() -> None:
    with others.process(Path(sys.executable), "sd_env") as worker:
        worker._process.kill()
        with pytest.raises(PeerError, match="its process ended with -9"):
            worker.make("World, 2 states", 1)


def test_a_peer_that_does_not_install_is_a_note_that_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr("tools.environments.run", _refused)
    report = Report("others", "")
    with others.ExitStack() as stack:
        assert others.games_of(PEERS[0], False, report, stack) == []
    assert report.notes == ["MPE2: it does not install: fatal: unable to access it."]


def _refused(words: list[str], **_: str) -> subprocess.CompletedProcess[str]:
    if "venv" in words:
        Path(words[-1]).mkdir()
        return subprocess.CompletedProcess(words, 0, "", "")
    return subprocess.CompletedProcess(
        words, 1, "fatal: unable to access it\n", "error: subprocess-exited-with-error\n"
    )


def test_why_git_failed_is_what_git_said() -> None:
    assert reason("  fatal: no such thing\nerror: subprocess-exited-with-error\n") == "fatal: no such thing"


def test_ratios_are_of_the_like_face_with_as_many_agents_or_more() -> None:
    def played(peer: Peer, name: str, agents: int, turns: int) -> others.Played:
        worker = importlib.util.find_spec("json")  # never asked
        return others.Played(peer, name, worker, 0, 1, {"agents": agents, "turns": turns}, 1)  # type: ignore[arg-type]

    games = [
        played(OURS, "sd-env ParallelEnv, 2 states", 2, 10),
        played(OURS, "sd-env ParallelEnv, 3 states", 3, 10),
        played(OURS, "sd-env Worlds, 3 states", 3, 10),
        played(PEERS[0], "MPE2 simple_spread", 3, 20),
    ]
    report = Report("others", "")
    others.compare(report, games, {game.name: [k + 1.0] for k, game in enumerate(games)})
    [ratio] = report.figures
    assert ratio.name == "sd-env ParallelEnv, 3 states against MPE2 simple_spread"
    assert ratio.value == (4.0 / 20) / (2.0 / 10) and ratio.at_least == others.CLAIMS["MPE2 simple_spread"]


def test_numbers_of_an_observation_of_parts_are_counted() -> None:
    assert size({"a": np.zeros((2, 3)), "b": (np.zeros(2), 1)}) == 9


def test_every_part_of_the_page_is_a_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert all((ROOT / "benchmarks" / f"{name}.py").is_file() for name in PARTS)
    for words, sentence in (
        (["engin"], "NAME is 'engin'; there are others, engine"),
        (["--smoke"], "--smoke needs --out FOLDER"),
        (["--repeats", "0"], "--repeats is 0; it must be at least 1"),
    ):
        with pytest.raises(SystemExit) as ended:
            performance.main(words)
        assert ended.value.code == 2 and sentence in capsys.readouterr().err


def test_a_part_that_was_measured_on_a_busy_machine_says_so() -> None:
    machine = {"processor": "p", "cores": 2, "system": "s", "python": "3"}
    data = {"command": "c", "settings": {"repeats": 5}, "date": "2026-11-30T00:00:00", "commit": "abc"}
    told = [made(data | {"machine": machine | {"busy": busy}}) for busy in (None, 1.3, 2.4, 3.0)]
    assert ["busy" in each for each in told] == [False, False, False, True]
    assert told[1] == "*`c`: 5 rounds; 2026-11-30, commit abc, p, 2 cores, load 1.3, s, Python 3.*"


def test_the_data_keep_every_sample() -> None:
    for path in performance.DATA.glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        assert all(
            len(each["samples"]) == data["settings"]["repeats"] for each in data["figures"] if each["unit"] != "x"
        )
