"""The files of a bundle: written whole, and refused in one sentence unless they are exactly as they were written."""

from __future__ import annotations

import base64
import copy
import errno
import hashlib
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch as th

from agents.policies import bundle_files
from agents.policies.bundle_files import MANIFEST, WEIGHTS
from agents.policies.bundles import BundleError, LearnedBundle, bundle_of, import_zip, load_bundle, save_bundle
from sd_env.scenario import Scenario
from tests.learners import KINDS, SCENARIO, fresh, rows, trained

ZIPPED = ["heads", "masked", "recurrent", "sb3"]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bundle(tmp_path_factory.mktemp("good") / "good.sd", trained("heads"), SCENARIO, training={"steps": 96})


@pytest.fixture
def bundle(good: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(good, tmp_path / "bundle.sd"))


def refused(path: Path) -> str:
    """The sentence with which a bundle is refused: any other exception than BundleError fails the test."""
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".") and str(path)[:20] in text
    return text


def sealed(manifest: dict[str, Any]) -> bytes:
    """A manifest with a right digest, whatever it says."""
    body = json.dumps(manifest, indent=1).encode()[:-2]
    return body + f',\n "sha256": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()


def content(bundle: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((bundle / MANIFEST).read_bytes())
    del manifest["sha256"]
    return manifest


def forge(bundle: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    manifest = content(bundle)
    change(manifest)
    (bundle / MANIFEST).write_bytes(sealed(manifest))


def forge_weights(bundle: Path, data: bytes) -> None:
    (bundle / WEIGHTS).write_bytes(data)
    digest = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    forge(bundle, lambda manifest: manifest.update(weights=digest))


# --- damage --------------------------------------------------------------------------------------------------


def test_every_flipped_byte_of_the_manifest_is_found(bundle: Path) -> None:
    path, rng = bundle / MANIFEST, np.random.default_rng(0)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << int(rng.integers(8)))]) + whole[at + 1 :])
        refused(bundle)


def test_flipped_bytes_of_the_weights_are_found(bundle: Path) -> None:
    path, rng = bundle / WEIGHTS, np.random.default_rng(1)
    whole = path.read_bytes()
    for at in [*range(16), *rng.integers(len(whole), size=200).tolist(), len(whole) - 1]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << int(rng.integers(8)))]) + whole[at + 1 :])
        assert "policy.safetensors was altered or cut off" in refused(bundle)


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
def test_files_cut_off_or_grown_are_found(name: str, bundle: Path) -> None:
    path, rng = bundle / name, np.random.default_rng(2)
    whole = path.read_bytes()
    for length in [0, 1, *rng.integers(len(whole), size=60).tolist(), len(whole) - 1]:
        path.write_bytes(whole[:length])
        refused(bundle)
    for more in (b"\n", b"\x00", whole):
        path.write_bytes(whole + more)
        refused(bundle)


def test_manifest_and_weights_of_different_bundles_do_not_mix(bundle: Path, tmp_path: Path) -> None:
    other = save_bundle(tmp_path / "other.sd", fresh("heads"), SCENARIO)
    shutil.copy(other / WEIGHTS, bundle / WEIGHTS)
    assert "policy.safetensors was altered or cut off" in refused(bundle)


# --- forgery: right digests, wrong content -------------------------------------------------------------------

STRANGE = [None, True, -1, 10**30, 1e308, "", "../../etc/passwd", [], [[]], {}, {"x": [None]}]


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values, of long lists only the first and the last."""
    yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list):
        for k in sorted({0, len(node) - 1}) if node else ():
            yield from leaves(node[k], (*path, k))


def test_forged_values_are_refused_or_harmless(bundle: Path) -> None:
    """Each value in turn becomes something strange, each key goes missing: no other error, or the same policy."""
    manifest = content(bundle)
    observations, masks = rows()
    expected = load_bundle(bundle).probabilities(observations, masks)
    rng, harmless = np.random.default_rng(3), 0
    for path in filter(None, leaves(manifest)):
        for value in [STRANGE[k] for k in rng.choice(len(STRANGE), 2, replace=False)] + ["gone"]:
            forged = copy.deepcopy(manifest)
            parent: Any = forged
            for step in path[:-1]:
                parent = parent[step]
            if value == "gone":
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            if sealed(forged) == sealed(manifest):
                continue
            (bundle / MANIFEST).write_bytes(sealed(forged))
            try:
                loaded = load_bundle(bundle)
            except BundleError as error:
                assert "\n" not in str(error)
                continue
            harmless += 1
            assert path[0] in ("training", "scenario", "versions", "name", "algorithm"), (path, value)
            assert all(map(np.array_equal, loaded.probabilities(observations, masks), expected))
    assert harmless  # what the training was may be anything


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.update(version=3), "a newer sd-env wrote it (format 3, this one reads 2)"),
        (lambda m: m.update(version=0), "'version' = 0 is not allowed"),
        (lambda m: m.update(format="weights"), "bundle.json does not say format 'sd-env policy'"),
        (lambda m: m.update(more=1), "'more' = 1 is not allowed"),
        (lambda m: m.update(name="../../up"), "'name' = '../../up' is not allowed"),
        (lambda m: m.update(policy="os.system"), "'policy' = 'os.system' is not allowed"),
        (lambda m: m.update(policy="SetPolicy"), "tensor 'action_net.bias' is not one of this architecture"),
        (lambda m: m.update(policy="MlpLstmPolicy"), "MlpLstmPolicy does not go with no lstm"),
        (lambda m: m["architecture"].update(lstm={"hidden_size": 4, "layers": 1, "critic": "own"}), "HeadsPolicy does"),
        (lambda m: m["architecture"].update(extractor="pickle"), "'architecture.extractor' = 'pickle' is not allowed"),
        (lambda m: m["architecture"]["net_arch"].update(pi=[10**6]), "'architecture.net_arch.pi.0' = 1000000"),
        (lambda m: m["architecture"]["net_arch"].update(pi=[8192] * 17), "'architecture.net_arch.pi' = "),
        (lambda m: m["architecture"]["net_arch"].update(pi=[8192] * 16), "tensor "),
        (lambda m: m["architecture"]["net_arch"].update(pi=[9, 4]), "has shape"),
        (lambda m: m["architecture"]["net_arch"].update(vf=[]), "tensor 'mlp_extractor.value_net.0.bias' is not one"),
        (lambda m: m["spaces"]["columns"].reverse(), "the first that differs is column 0, 'context.signal_noise'"),
        (lambda m: m["spaces"]["columns"].pop(), "'context.signal_noise'"),
        (lambda m: m["spaces"].update(nvec=[3, 3, 3, 5]), "its actions have [3, 3, 3, 5] choices"),
        (lambda m: m["spaces"]["low"].__setitem__(0, -5.0), "its low of own.standing is -5 and that of"),
        (lambda m: m["scenario"].update(n_states=3), "it sees 86 columns (2 states)"),
        (lambda m: m["scenario"].update(horizon=-1), "its scenario is refused: "),
        (lambda m: m["weights"].update(bytes=2**40), "'weights.bytes' = 1099511627776 is not allowed"),
    ],
)  # fmt: skip
def test_forged_manifests_are_refused_with_the_reason(change: Any, says: str, bundle: Path) -> None:
    forge(bundle, change)
    assert says in refused(bundle)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": NaN}',
        b'{"a": ' * 5_000 + b"1" + b"}" * 5_000,
        b'{"version": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_manifest_is_refused(text: bytes, bundle: Path) -> None:
    (bundle / MANIFEST).write_bytes(text)
    assert "bundle.json " in refused(bundle)


def test_forged_weights_are_refused_with_the_reason(bundle: Path) -> None:
    tensors = safetensors.torch.load((bundle / WEIGHTS).read_bytes())

    def says(**changes: th.Tensor | None) -> str:
        changed = {k.replace("__", "."): v for k, v in changes.items()}
        kept = {k: v for k, v in (tensors | changed).items() if v is not None}
        forge_weights(bundle, safetensors.torch.save(kept))
        return refused(bundle)

    bias = tensors["value_net.bias"]
    assert "tensor value_net.bias has type torch.float64, but must have torch.float32" in says(
        value_net__bias=bias.double()
    )
    assert "tensor value_net.bias has shape (2,), but must have (1,)" in says(value_net__bias=th.zeros(2))
    assert "tensor value_net.bias holds numbers that are not finite" in says(value_net__bias=bias / 0)
    assert "tensor 'value_net.bias' is missing" in says(value_net__bias=None)
    assert "tensor 'more' is not one of this architecture" in says(more=th.zeros(1))
    assert "at most" in says(more=th.zeros(100_000))
    forge_weights(bundle, pickle.dumps({"a": 1}))
    assert "policy.safetensors is no safetensors file" in refused(bundle)
    whole = safetensors.torch.save(tensors)
    rng = np.random.default_rng(4)
    for at in [*range(8), *rng.integers(8, 600, size=150).tolist()]:  # the header, sealed again
        forge_weights(bundle, whole[:at] + bytes([int(rng.integers(256))]) + whole[at + 1 :])
        try:
            load_bundle(bundle)
        except BundleError as error:
            assert "\n" not in str(error)


def test_files_must_be_files_of_the_bundle(bundle: Path, tmp_path: Path) -> None:
    assert "there is nothing there" in refused(tmp_path / "nowhere.sd")
    assert "it is a file, but a bundle is a directory" in refused(bundle / MANIFEST)
    with pytest.raises(BundleError, match="nothing there"):
        load_bundle("nul\0byte")
    for name in (MANIFEST, WEIGHTS):
        path, aside = bundle / name, tmp_path / "aside"
        os.replace(path, aside)
        assert f"{name}: no such file or directory" in refused(bundle)
        path.symlink_to(aside)
        assert f"{name} is a symbolic link, but must be a file of its own" in refused(bundle)
        path.unlink()
        path.mkdir()
        assert f"{name} is not a file" in refused(bundle)
        path.rmdir()
        os.mkfifo(path)  # nobody writes into it: reading would wait for ever
        assert f"{name} is not a file" in refused(bundle)
        path.unlink()
        with path.open("wb") as handle:
            handle.truncate(1 << 40)  # a terabyte of nothing
        assert f"{name} has 1099511627776 bytes, but at most" in refused(bundle)
        path.unlink()
        os.replace(aside, path)
    link = tmp_path / "latest.sd"
    link.symlink_to(bundle)  # a user's own link to the whole
    assert load_bundle(link).name == "good"


# --- writing -------------------------------------------------------------------------------------------------


def test_saving_twice_gives_the_same_bytes(good: Path, tmp_path: Path) -> None:
    again = save_bundle(tmp_path / "deep" / "er" / "good.sd", trained("heads"), SCENARIO, training={"steps": 96})
    copied = load_bundle(good).save(tmp_path / "good.sd")
    for name in (MANIFEST, WEIGHTS):
        assert (again / name).read_bytes() == (good / name).read_bytes() == (copied / name).read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["deep", "good.sd"] and os.listdir(tmp_path / "deep" / "er") == ["good.sd"]


@pytest.mark.parametrize(("call", "which"), [("fsync", 3), ("rename", 2)])  # of each file, then of its folder
def test_an_old_bundle_stays_until_the_new_one_is_whole(
    call: str, which: int, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full while the second file is written; the new directory cannot be put in place."""
    before = (bundle / MANIFEST).read_bytes()
    right, calls = getattr(os, call), []

    def failing(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == which:
            raise OSError(errno.ENOSPC, "No space left on device")
        return right(*arguments)

    monkeypatch.setattr(bundle_files.os, call, failing)
    with pytest.raises(BundleError, match=r"^Bundle .*bundle\.sd cannot be written: No space left on device\.$"):
        save_bundle(bundle, fresh("heads"), SCENARIO)
    monkeypatch.undo()
    assert (bundle / MANIFEST).read_bytes() == before and load_bundle(bundle).name == "good"
    assert os.listdir(bundle.parent) == ["bundle.sd"]
    save_bundle(bundle, fresh("masked"), SCENARIO)
    assert load_bundle(bundle).info["policy"] == "MaskablePolicy"
    assert os.listdir(bundle.parent) == ["bundle.sd"]


def test_only_bundles_are_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.sd").mkdir()
    (tmp_path / "mine.sd" / "thesis.txt").write_text("dear reader")
    (tmp_path / "file.sd").write_text("x")
    made = bundle_of(trained("heads"), SCENARIO)
    for name in ("mine.sd", "file.sd"):
        with pytest.raises(
            BundleError, match=rf"{name} cannot be written: something that is no bundle has that name\.$"
        ):
            made.save(tmp_path / name)
    with pytest.raises(BundleError, match=r"cannot be written: its name must end in \.sd\.$"):
        made.save(tmp_path / "policy")
    with pytest.raises(BundleError, match=r"file.sd/a.sd cannot be written: (Not a directory|File exists)\.$"):
        made.save(tmp_path / "file.sd" / "a.sd")
    assert (tmp_path / "mine.sd" / "thesis.txt").read_text() == "dear reader"


def test_too_long_a_summary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json would have \d+ bytes, but at most 4194304 are read\.$"):
        save_bundle(tmp_path / "a.sd", trained("heads"), SCENARIO, training={"log": "x" * 5_000_000})
    assert os.listdir(tmp_path) == []


# --- zips of SB3 ---------------------------------------------------------------------------------------------


class Trap:
    """Pickled, it makes a folder where it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.folder,)


def test_nothing_that_is_loaded_runs_code(bundle: Path, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = pickle.dumps(Trap(sprung))
    pickle.loads(trap)
    sprung.rmdir()  # the trap works
    for write in (lambda: forge_weights(bundle, trap), lambda: (bundle / MANIFEST).write_bytes(trap)):
        write()
        refused(bundle)
    archive = tmp_path / "trap.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data", json.dumps({"policy_class": {":serialized:": base64.b64encode(trap).decode()}}))
    with pytest.raises(BundleError, match=r"trap\.zip is an SB3 zip, which holds pickled code .* trust=True"):
        import_zip(archive, SCENARIO)
    assert not sprung.exists()
    with pytest.raises(BundleError, match=r"trap\.zip cannot be imported: [^\n]*\.$"):
        import_zip(archive, SCENARIO, trust=True)
    assert sprung.exists()  # this is what trust means


@pytest.mark.parametrize("kind", ZIPPED)
def test_a_trusted_zip_gives_the_same_policy(kind: str, tmp_path: Path) -> None:
    trained(kind).save(tmp_path / f"{kind}.zip")
    imported = import_zip(tmp_path / f"{kind}.zip", SCENARIO, trust=True)
    own = bundle_of(trained(kind), SCENARIO, name=kind, training={"imported from": f"{kind}.zip", "steps": 96})
    assert imported.info == own.info and imported.info["algorithm"] == KINDS[kind][0].__name__
    assert imported.scenario == SCENARIO
    saved = load_bundle(imported.save(tmp_path / "a.sd"))
    for policy in (saved, own):
        policy.reset(3)
    observations, masks = rows(3)
    assert np.array_equal(saved.act(observations, masks), own.act(observations, masks))


def test_a_zip_without_its_scenario_plays_but_is_no_bundle(tmp_path: Path) -> None:
    trained("heads").save(tmp_path / "heads.zip")
    imported = import_zip(tmp_path / "heads.zip", trust=True)
    assert isinstance(imported, LearnedBundle) and imported.scenario is None
    assert imported.act(*rows()).shape == (6, 4)
    with pytest.raises(
        BundleError, match=r"^heads cannot be saved as a bundle: it was imported without its scenario\.$"
    ):
        imported.save(tmp_path / "a.sd")


def test_wrong_zips_are_refused(tmp_path: Path) -> None:
    trained("heads").save(tmp_path / "heads.zip")
    three = Scenario.load("jervis/multipolar")
    with pytest.raises(BundleError, match=r"^'heads' cannot be made a bundle: it sees 86 columns .*\.$"):
        import_zip(tmp_path / "heads.zip", three, trust=True)
    (tmp_path / "noise.zip").write_bytes(b"noise")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("data", "{}")
    whole = (tmp_path / "heads.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    for name in ("noise", "other", "cut", "missing"):
        with pytest.raises(BundleError, match=rf"{name}\.zip cannot be imported: [^\n]*\.$"):
            import_zip(tmp_path / f"{name}.zip", SCENARIO, trust=True)
