"""A trained policy as a directory of two files: ``policy.safetensors`` and ``bundle.json``.

Nothing here runs code that a file brings along: weights are read by safetensors and everything else is JSON, checked
key by key. Whatever is not exactly as it was written is refused with a :class:`BundleError` of one sentence.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch as th
from safetensors import SafetensorError

from agents.files import without_nan, write_whole
from agents.policies.manifest import (
    FORMAT,
    MOST_WEIGHTS,
    VERSION,
    BundleError,
    Manifest,
    Spaces,
    Unfit,
    Weights,
    difference,
    manifest_of,
    shown,
    spaces_of,
)
from agents.policies.networks import KINDS, Architecture, Network, PolicyClass
from sd_env.files import sync_folder
from sd_env.reading import ReadError, read_json
from sd_env.scenario import Scenario, ScenarioError

WEIGHTS, MANIFEST = "policy.safetensors", "bundle.json"
#: Most bytes of the manifest that are read at all.
MOST_MANIFEST = 1 << 22
#: Most bytes of the weights' file beside the weights: names and shapes of some dozens of tensors.
MOST_HEADER = 1 << 16

# --- writing -------------------------------------------------------------------------------------------------


def serialise(*networks: Network, mixed: bool = False) -> tuple[bytes, Weights]:
    """The weights' file of a network, or of the members of a mixture, and what the manifest says of it."""
    tensors = {
        _named(k, name, mixed): tensor.cpu().contiguous().clone()  # members may share them
        for k, network in enumerate(networks)
        for name, tensor in network.state_dict().items()
    }
    data = safetensors.torch.save(tensors)
    return data, Weights(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _named(member: int, name: str, mixed: bool) -> str:
    """What a tensor is called in the file."""
    return f"{member}.{name}" if mixed else name


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """A summary as JSON holds it: tuples as lists, numbers that are not finite as null.

    Raises:
        Unfit: if it holds what JSON does not know.
    """
    try:
        copy: dict[str, Any] = json.loads(json.dumps(without_nan(dict(data)), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise Unfit(f"training must be plain data: {error}") from None
    return copy


def write_bundle(path: Path, manifest: Manifest, weights: bytes) -> None:
    """Write the directory ``path`` whole; a bundle that is there is replaced when the new one is complete.

    Raises:
        BundleError: if ``path`` does not end in ``.sd``, is something else than a bundle, or cannot be written.
    """
    body = json.dumps(manifest.plain(), indent=1, allow_nan=False).encode()[: -len("\n}")]
    text = body + _seal(body)
    try:
        if path.suffix != ".sd":
            raise Unfit("its name must end in .sd")
        if len(text) > MOST_MANIFEST:
            raise Unfit(f"{MANIFEST} would have {len(text)} bytes, but at most {MOST_MANIFEST} are read")
        if os.path.lexists(path) and not (path / MANIFEST).is_file():
            raise Unfit("something that is no bundle has that name")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            fresh = temporary / "new"
            fresh.mkdir()
            for name, content in ((WEIGHTS, weights), (MANIFEST, text)):
                write_whole(fresh / name, content)
            _replace(fresh, path, temporary / "old")
            sync_folder(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except Unfit as reason:
        raise BundleError(f"Bundle {path} cannot be written: {reason}.") from None
    except OSError as error:
        raise BundleError(f"Bundle {path} cannot be written: {error.strerror or error}.") from error


def _replace(fresh: Path, path: Path, aside: Path) -> None:
    """Put ``fresh`` where ``path`` is; directories cannot be exchanged at once, so the old one steps aside first."""
    if not os.path.lexists(path):
        os.rename(fresh, path)
        return
    os.rename(path, aside)
    try:
        os.rename(fresh, path)
    except OSError:
        os.rename(aside, path)
        raise


def _seal(body: bytes) -> bytes:
    """The end of a manifest: the digest of all bytes before it."""
    return f',\n "sha256": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()


# --- reading -------------------------------------------------------------------------------------------------


def read_bundle(path: Path) -> tuple[Manifest, Scenario, list[Network]]:
    """What the directory ``path`` holds, on the CPU, all of it checked: one network, or one a member of its mixture.

    Raises:
        BundleError: if anything is missing, altered, too large, of another format or does not fit together.
    """
    try:
        if not path.is_dir():
            raise Unfit("it is a file, but a bundle is a directory" if path.exists() else "there is nothing there")
        manifest = _manifest(_read(path / MANIFEST, MOST_MANIFEST))
        scenario = _scenario(manifest)
        mixed, members = manifest.mixture is not None, manifest.mixture.members if manifest.mixture else 1
        blanks = [blank_network(manifest.policy, manifest.architecture, manifest.spaces) for _ in range(members)]
        needed = members * (4 * sum(parameter.numel() for parameter in blanks[0].parameters()) + MOST_HEADER)
        data = _read(path / WEIGHTS, min(needed, MOST_WEIGHTS))
        if len(data) != manifest.weights.bytes or hashlib.sha256(data).hexdigest() != manifest.weights.sha256:
            raise Unfit(f"{WEIGHTS} was altered or cut off after it was written")
        try:
            # copies: what safetensors gives is the memory of ``data``, which is not to be written to
            tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load(data).items()}
        except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise Unfit(f"{WEIGHTS} is no safetensors file: {_one_line(error)}") from None
        return manifest, scenario, _fill_all(blanks, tensors, mixed)
    except Unfit as reason:
        raise BundleError(f"Bundle {path} cannot be used: {reason}.") from None
    except (OSError, ValueError) as error:  # unreadable, or a path that no system has
        reason_ = getattr(error, "strerror", None) or _one_line(error)
        raise BundleError(f"Bundle {str(path)!r} cannot be used: {reason_}.") from None


def _read(path: Path, most: int) -> bytes:
    """The bytes of a regular file of at most ``most`` bytes, never through a symbolic link."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unfit(f"{path.name} is a symbolic link, but must be a file of its own") from None
        raise Unfit(f"{path.name}: {(error.strerror or str(error)).lower()}") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Unfit(f"{path.name} is not a file")
        if status.st_size > most:
            raise Unfit(f"{path.name} has {status.st_size} bytes, but at most {most} can be right")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(handle)


def _manifest(data: bytes) -> Manifest:
    try:
        found = read_json(data, MANIFEST, most=MOST_MANIFEST)
    except ReadError as error:
        raise Unfit(str(error)) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Unfit(f"{MANIFEST} does not say format {FORMAT!r}")
    number = found.get("version")
    if isinstance(number, int) and number > VERSION:
        raise Unfit(f"a newer sd-env wrote it (format {number}, this one reads {VERSION})")
    end = len(_seal(b""))
    if data[-end:] != _seal(data[:-end]):
        raise Unfit(f"{MANIFEST} was altered or cut off after it was written")
    found.pop("sha256", None)
    return manifest_of(found)


def _scenario(manifest: Manifest) -> Scenario:
    try:
        scenario = Scenario.load(manifest.scenario)
    except ScenarioError as error:
        raise Unfit(f"its scenario is refused: {str(error).rstrip('.')}") from None
    if odd := difference(manifest.spaces, spaces_of(scenario), "its scenario in this version of sd-env"):
        raise Unfit(odd)
    return scenario


# --- weights -------------------------------------------------------------------------------------------------


def blank_network(policy: PolicyClass, architecture: Architecture, spaces: Spaces) -> Network:
    """A network without weights: it takes no memory and no draw from torch's generator.

    Raises:
        Unfit: if the policy class and the architecture do not go together.
    """
    if KINDS[policy].recurrent != (architecture.lstm is not None):
        raise Unfit(f"{policy} does not go with {'no lstm' if architecture.lstm is None else 'an lstm'}")
    sets = KINDS[policy].sets
    if sets and not (architecture.net_arch.pi and architecture.net_arch.vf):
        raise Unfit(f"{policy} does not go with an empty net_arch")
    with th.device("meta"):
        return Network(architecture, len(spaces.columns), spaces.nvec, KINDS[policy])


def fill(network: Network, tensors: Mapping[str, th.Tensor]) -> Network:
    """Give a blank network its weights, which must be exactly its own.

    Raises:
        Unfit: naming the tensor that is missing, too much, of another type or shape, or not finite.
    """
    own = network.state_dict()
    if odd := sorted(tensors.keys() ^ own.keys()):
        raise Unfit(f"tensor {shown(odd[0])} is {'missing' if odd[0] in own else 'not one of this architecture'}")
    for name, tensor in tensors.items():
        if tensor.dtype != th.float32:
            raise Unfit(f"tensor {name} has type {tensor.dtype}, but must have torch.float32")
        if tensor.shape != own[name].shape:
            raise Unfit(f"tensor {name} has shape {tuple(tensor.shape)}, but must have {tuple(own[name].shape)}")
        if not bool(th.isfinite(tensor).all()):
            raise Unfit(f"tensor {name} holds numbers that are not finite")
    network.load_state_dict(dict(tensors), assign=True)
    return network.requires_grad_(False).eval()


def _fill_all(blanks: list[Network], tensors: Mapping[str, th.Tensor], mixed: bool) -> list[Network]:
    """Give each member of a mixture, or the only network, its weights."""
    own: list[dict[str, th.Tensor]] = [{} for _ in blanks]
    for name, tensor in tensors.items():
        number, _, rest = name.partition(".")
        if not mixed:
            own[0][name] = tensor
        elif number.isdecimal() and int(number) < len(blanks):
            own[int(number)][rest] = tensor
        else:
            raise Unfit(f"tensor {shown(name)} is of none of the {len(blanks)} members of its mixture")
    return [fill(blank, tensors) for blank, tensors in zip(blanks, own, strict=True)]


def _one_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")[:200]
