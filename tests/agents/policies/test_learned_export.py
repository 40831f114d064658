"""Exports give the logits of the policy they were made of; the command writes them and turns zips into bundles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch as th

from agents import make
from agents.cli import main
from agents.policies import export
from agents.policies.bundles import BundleError, LearnedBundle, bundle_of, load_bundle
from agents.policies.export import INPUTS, OUTPUTS, RecurrentActor, save_torch, to_onnx, to_torch
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from tests.learners import KINDS, SCENARIO, rows, trained


def made(kind: str) -> LearnedBundle:
    return bundle_of(trained(kind), SCENARIO, name=kind)


def logits_of(kind: str, observations: np.ndarray, memory: list[np.ndarray]) -> list[np.ndarray]:
    """Logits and memory as SB3's policy computes them."""
    policy: Any = trained(kind).policy
    seen = th.as_tensor(observations)
    with th.no_grad():
        features = policy.extract_features(seen, policy.pi_features_extractor)
        if not memory:
            return [policy.action_net(policy.mlp_extractor.forward_actor(features)).numpy()]
        state = tuple(th.as_tensor(part) for part in memory)
        hidden, after = policy._process_sequence(features, state, th.zeros(len(seen)), policy.lstm_actor)
        logits = policy.action_net(policy.mlp_extractor.forward_actor(hidden))
        return [part.numpy() for part in (logits, *after)]


def compare(kind: str, call: Any, tolerance: float) -> None:
    """Several turns in batches of one and of several rows, memory carried on."""
    layers = KINDS[kind][2].get("n_lstm_layers", 1)
    for count in (1, 6):
        memory = [np.zeros((layers, count, 8), np.float32)] * 2 if "lstm_hidden_size" in KINDS[kind][2] else []
        for seed in range(3):
            observations, _ = rows(seed, count)
            found = call(observations, *memory)
            expected = logits_of(kind, observations, memory)
            assert len(found) == len(expected)
            for mine, theirs in zip(found, expected, strict=True):
                np.testing.assert_allclose(mine, theirs, atol=tolerance, rtol=0)
            memory = expected[1:]


def run_torch(module: Any) -> Any:
    def call(*arrays: np.ndarray) -> list[np.ndarray]:
        with th.no_grad():
            found = module(*(th.as_tensor(array) for array in arrays))
        return [part.numpy() for part in (found if isinstance(found, tuple) else (found,))]

    return call


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_module_gives_the_policys_logits(kind: str) -> None:
    module = to_torch(made(kind))
    assert isinstance(module, RecurrentActor) == bool(module.network.architecture.lstm)
    assert not any("value" in name or "critic" in name for name in module.state_dict())
    compare(kind, run_torch(module), 0.0)


def test_the_module_is_a_copy() -> None:
    bundle = made("heads")
    observations, masks = rows()
    before = bundle.probabilities(observations, masks)
    module = to_torch(bundle)
    with th.no_grad():
        module.network.action_net.weight.zero_()
    assert all(map(np.array_equal, bundle.probabilities(observations, masks), before))
    assert bundle.value(observations).shape == (6,)


@pytest.mark.parametrize("kind", ["heads", "types", "set", "sb3-lstm"])
def test_the_torch_file_gives_the_policys_logits(kind: str, tmp_path: Path) -> None:
    path = save_torch(made(kind), tmp_path / "deep" / "policy.pt2")
    extra = {"bundle.json": ""}
    compare(kind, run_torch(th.export.load(path, extra_files=extra).module()), 1e-5)
    assert json.loads(extra["bundle.json"])["nvec"] == [3, 3, 3, 4]


@pytest.mark.parametrize("kind", ["types", "masked", "masked-set", "sb3", "sb3-lstm"])
def test_onnx_gives_the_policys_logits(kind: str, tmp_path: Path) -> None:
    path = to_onnx(made(kind), tmp_path / "policy.onnx")
    assert list(tmp_path.iterdir()) == [path]  # weights inside
    session = onnxruntime.InferenceSession(path)
    names = [entry.name for entry in session.get_inputs()]
    assert names == list(INPUTS[: len(names)])
    assert [entry.name for entry in session.get_outputs()] == list(OUTPUTS[: len(names)])
    compare(kind, lambda *arrays: session.run(None, dict(zip(names, arrays, strict=True))), 1e-5)
    about = {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}
    assert about["columns"] == layout.observation_names(2, True) and about["nvec"] == [3, 3, 3, 4]
    assert about["name"] == kind


def test_onnx_plays_a_memory_as_the_bundle_does(tmp_path: Path) -> None:
    """A whole episode of the most probable choices, memory zeroed where an episode begins."""
    bundle = made("recurrent")
    bundle.deterministic = True
    session = onnxruntime.InferenceSession(to_onnx(bundle, tmp_path / "policy.onnx"))
    env = WorldsVecEnv(SCENARIO, 3, seed=8)
    observations = env.reset()
    h = c = np.zeros((1, 6, 8), np.float32)
    for _ in range(10):
        begins = observations[:, layout.Own.TURN] == 0
        h, c = (np.where(begins[None, :, None], np.float32(0), part) for part in (h, c))
        logits, h, c = session.run(None, {"observation": observations, "h": h, "c": c})
        parts = np.split(logits, np.cumsum(layout.action_sizes(2))[:-1], axis=1)
        actions = bundle.act(observations, env.action_masks().astype(np.int8))
        assert np.array_equal(np.stack([part.argmax(axis=1) for part in parts], axis=1), actions)
        env.step_async(actions)
        observations, *_ = env.step_wait()


def test_bad_targets_and_missing_packages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = made("heads")
    with pytest.raises(BundleError, match=r"a\.bin is no name for this export: it must end in \.onnx\.$"):
        to_onnx(bundle, tmp_path / "a.bin")
    with pytest.raises(BundleError, match=r"a is no name for this export: it must end in \.pt2\.$"):
        save_torch(bundle, tmp_path / "a")
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match=r"a\.pt2 cannot be written: [^\n]*\.$"):
        save_torch(bundle, tmp_path / "file" / "a.pt2")
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(
        BundleError, match=r"^Export to ONNX needs onnx and onnxscript: pip install 'sd-env\[onnx\]'\.$"
    ):
        to_onnx(bundle, tmp_path / "a.onnx")


# --- the command ---------------------------------------------------------------------------------------------


def test_the_command_exports_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = made("heads").save(tmp_path / "heads.sd")
    files = [str(tmp_path / name) for name in ("a.onnx", "a.pt2", "a.sd")]
    assert main(["export", str(bundle), "--onnx", files[0], "--torch", files[1], "--bundle", files[2]]) == 0
    out = capsys.readouterr()
    assert out.out.splitlines() == files and out.err == ""
    assert onnxruntime.InferenceSession(files[0]) and th.export.load(files[1]) and load_bundle(files[2])


def test_the_command_turns_a_trusted_zip_into_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, target = str(tmp_path / "heads.zip"), tmp_path / "mine.sd"
    trained("heads").save(archive)
    scenario = tmp_path / "scenario.yaml"
    SCENARIO.save(scenario)
    words = ["export", archive, "--bundle", str(target)]
    assert main([*words, "--scenario", str(scenario)]) == 2
    assert "holds pickled code" in capsys.readouterr().err and not target.exists()
    assert main([*words, "--trust"]) == 2
    assert "name the one of the training with --scenario" in capsys.readouterr().err
    changed = ["--trust", "--scenario", str(scenario), "--overrides", "war.conquest=0.3"]
    assert main([*words, *changed]) == 0
    loaded = load_bundle(target)
    assert loaded.name == "mine" and loaded.scenario == SCENARIO.with_overrides({"war.conquest": 0.3})
    assert loaded.info["training"] == {"imported from": "heads.zip", "steps": 96}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["dove"], "nothing to write: give --onnx FILE.onnx, --torch FILE.pt2 or --bundle DIR.sd."),
        (["dove", "--onnx", "a.onnx"], "dove is a strategy, but only a trained policy can be exported."),
        (["no.sd", "--onnx", "a.onnx"], "Policy 'no.sd': there is no such bundle, run folder or zip."),
        (["a.sd", "--onnx", "a.onnx", "--trust"],
         "--scenario and --trust go with a zip: a bundle has its scenario and runs no code."),
        (["a.zip", "--onnx", "a.onnx", "--overrides", "horizon=3"],
         "--overrides goes with --scenario, whose values it replaces."),
    ],
)  # fmt: skip
def test_bad_commands_get_one_sentence(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *words]) == 2
    assert capsys.readouterr().err == f"sd-env: {says}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("write", "name"), [(save_torch, "x.pt2"), (to_onnx, "x.onnx")])
def test_what_is_no_trained_policy_is_refused(write: Any, name: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no trained policy, but only one can be exported"):
        write(make("dove"), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
