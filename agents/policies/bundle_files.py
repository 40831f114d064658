"""A trained policy as a directory of two files: ``policy.safetensors`` and ``bundle.json``.

Nothing here runs code that a file brings along: weights are read by safetensors and everything else is JSON, checked
key by key. Whatever is not exactly as it was written is refused with a :class:`BundleError` of one sentence.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal

import safetensors.torch
import torch as th
from pydantic import Field, ValidationError
from safetensors import SafetensorError

from agents.files import without_nan, write_whole
from agents.policies.networks import KINDS, Architecture, Network, Plain, PolicyClass
from sd_env import layout
from sd_env.files import sync_folder
from sd_env.policies import PolicyError
from sd_env.reading import ReadError, read_json
from sd_env.scenario import Scenario, ScenarioError

FORMAT = "sd-env policy"
VERSION = 1
WEIGHTS, MANIFEST = "policy.safetensors", "bundle.json"
#: Most bytes of either file that are read at all.
MOST_WEIGHTS, MOST_MANIFEST = 1 << 30, 1 << 22
#: Most bytes of the weights' file beside the weights: names and shapes of some dozens of tensors.
MOST_HEADER = 1 << 16
PACKAGES = ("sd-env", "numpy", "safetensors", "sb3-contrib", "stable-baselines3", "torch")

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: Names of bundles, learners and packages: no separators of paths, nothing that a terminal would act on.
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,512}$")]


class BundleError(PolicyError):
    """A trained policy that cannot be saved, loaded or used; the message is one sentence."""


class Unfit(Exception):
    """Why a bundle cannot be used or saved, as the end of a sentence."""


class Spaces(Plain):
    """What goes in, column by column, and what comes out, head by head."""

    states: Annotated[int, Field(ge=layout.MIN_STATES, le=layout.MAX_STATES)]
    columns: list[str]
    low: list[float]
    high: list[float]
    nvec: list[int]

    @property
    def heads(self) -> layout.Heads:
        """The heads of its actions."""
        return layout.Heads.of(self.nvec, len(self.columns))

    @property
    def parts(self) -> layout.Parts:
        """What its observations hold."""
        return layout.observation_parts(len(self.columns), self.states, self.heads.limits_force)


class Weights(Plain):
    """The weights' file."""

    bytes: Annotated[int, Field(ge=1, le=MOST_WEIGHTS)]
    sha256: Digest


class Manifest(Plain):
    """All of a bundle but its weights. A policy imported without its scenario has an empty one, and is never a file."""

    format: Literal["sd-env policy"]
    version: Annotated[int, Field(ge=VERSION, le=VERSION)]
    name: Label
    algorithm: Label
    policy: PolicyClass
    architecture: Architecture
    spaces: Spaces
    scenario: dict[str, Any]
    training: dict[str, Any]
    versions: dict[Label, Label]
    weights: Weights


# --- spaces --------------------------------------------------------------------------------------------------


def spaces_of(scenario: Scenario) -> Spaces:
    """What a state of ``scenario`` sees and may do."""
    return spaces_like(scenario.heads, scenario.shown)


def resized(spaces: Spaces, states: int) -> Spaces:
    """The same for another number of states: the same kind of blocks, more or fewer of them."""
    return spaces_like(replace(spaces.heads, num_states=states), spaces.parts)


def spaces_like(heads: layout.Heads, parts: layout.Parts) -> Spaces:
    """What a state sees that is shown these parts, and chooses that has these heads."""
    columns = layout.observation_names(heads.num_states, *parts)
    return Spaces(
        states=heads.num_states,
        columns=columns,
        low=layout.observation_low(heads.num_states, *parts).tolist(),
        high=[layout.CEILING] * len(columns),
        nvec=heads.sizes,
    )


def difference(mine: Spaces, theirs: Spaces, whose: str) -> str | None:
    """How a policy's spaces differ from a scenario's, as the end of a sentence; None if they do not.

    Args:
        mine: the policy's.
        theirs: the scenario's.
        whose: words for the scenario.
    """
    if mine.columns != theirs.columns:
        pairs = list(zip([*mine.columns, None], [*theirs.columns, None], strict=False))
        at, pair = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
        one, other = (f"{name!r}" if name else "nothing" for name in pair)
        return (
            f"it sees {len(mine.columns)} columns ({mine.states} states) and {whose} shows {len(theirs.columns)} "
            f"({theirs.states} states); the first that differs is column {at}, {one} against {other}"
        )
    if mine.nvec != theirs.nvec:
        return f"its actions have {mine.nvec} choices and those of {whose} {theirs.nvec}"
    for what in ("low", "high"):
        for column, one_bound, other_bound in zip(
            mine.columns, getattr(mine, what), getattr(theirs, what), strict=True
        ):
            if one_bound != other_bound:
                return f"its {what} of {column} is {one_bound:g} and that of {whose} {other_bound:g}"
    return None


# --- writing -------------------------------------------------------------------------------------------------


def packages() -> dict[str, str]:
    """Versions of what a policy's numbers depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # sd-env run from its folder, not installed
            continue
    return found


def serialise(network: Network) -> tuple[bytes, Weights]:
    """The weights' file of a network, and what the manifest says of it."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    data = safetensors.torch.save(tensors)
    return data, Weights(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


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
    body = json.dumps(manifest.model_dump(mode="json"), indent=1, allow_nan=False).encode()[: -len("\n}")]
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


def read_bundle(path: Path) -> tuple[Manifest, Scenario, Network]:
    """What the directory ``path`` holds, on the CPU, all of it checked.

    Raises:
        BundleError: if anything is missing, altered, too large, of another format or does not fit together.
    """
    try:
        if not path.is_dir():
            raise Unfit("it is a file, but a bundle is a directory" if path.exists() else "there is nothing there")
        manifest = _manifest(_read(path / MANIFEST, MOST_MANIFEST))
        scenario = _scenario(manifest)
        blank = blank_network(manifest.policy, manifest.architecture, manifest.spaces)
        needed = 4 * sum(parameter.numel() for parameter in blank.parameters())
        data = _read(path / WEIGHTS, min(needed + MOST_HEADER, MOST_WEIGHTS))
        if len(data) != manifest.weights.bytes or hashlib.sha256(data).hexdigest() != manifest.weights.sha256:
            raise Unfit(f"{WEIGHTS} was altered or cut off after it was written")
        try:
            # copies: what safetensors gives is the memory of ``data``, which is not to be written to
            tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load(data).items()}
        except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise Unfit(f"{WEIGHTS} is no safetensors file: {_one_line(error)}") from None
        return manifest, scenario, fill(blank, tensors)
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


def manifest_of(data: Mapping[str, Any]) -> Manifest:
    """The manifest that ``data`` holds.

    Raises:
        Unfit: naming the first key whose value is not allowed.
    """
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise Unfit(f"{_shown(key)} = {_shown(first['input'])} is not allowed ({first['msg']})") from None


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
        raise Unfit(f"tensor {_shown(odd[0])} is {'missing' if odd[0] in own else 'not one of this architecture'}")
    for name, tensor in tensors.items():
        if tensor.dtype != th.float32:
            raise Unfit(f"tensor {name} has type {tensor.dtype}, but must have torch.float32")
        if tensor.shape != own[name].shape:
            raise Unfit(f"tensor {name} has shape {tuple(tensor.shape)}, but must have {tuple(own[name].shape)}")
        if not bool(th.isfinite(tensor).all()):
            raise Unfit(f"tensor {name} holds numbers that are not finite")
    network.load_state_dict(dict(tensors), assign=True)
    return network.requires_grad_(False).eval()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _one_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")[:200]
