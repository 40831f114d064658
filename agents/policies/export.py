"""A trained policy for use elsewhere: a plain torch module, a file of ``torch.export``, or ONNX.

All of them map observations float32 ``(batch, D)`` to flat logits ``(batch, sum(nvec))``; one with memory takes and
gives the LSTM's state as well, two tensors ``(layers, batch, hidden)``, which are zeros where an episode begins.
Probabilities are the softmax of each head's logits; for a masked policy, those of illegal choices are first set to a
large negative number. sd-env itself reads none of these files: its own are bundles.
"""

from __future__ import annotations

import copy
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch as th

from agents.files import write_whole
from agents.policies.bundles import LearnedBundle
from agents.policies.manifest import BundleError
from agents.policies.networks import Network

#: What the inputs and outputs are called; those without memory use the first of each.
INPUTS, OUTPUTS = ("observation", "h", "c"), ("logits", "h_next", "c_next")


class Actor(th.nn.Module):
    """Observations float32 ``(batch, D)`` to flat logits ``(batch, sum(nvec))``."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, observation: th.Tensor) -> th.Tensor:
        """The logits."""
        logits: th.Tensor = self.network.action_net(self.network.actor(observation, None)[0])
        return logits


class RecurrentActor(Actor):
    """The same with memory ``h`` and ``c``, ``(layers, batch, hidden)``: logits and the memory after this turn."""

    def forward(  # type: ignore[override]
        self, observation: th.Tensor, h: th.Tensor, c: th.Tensor
    ) -> tuple[th.Tensor, th.Tensor, th.Tensor]:
        """Logits, h, c."""
        latent, memory = self.network.actor(observation, (h, c))
        assert memory is not None, "an LSTM gives memory where it takes it"
        return (self.network.action_net(latent), *memory)


def to_torch(bundle: LearnedBundle) -> Actor:
    """The policy as a plain module on the CPU, a copy: an :class:`Actor`, or with memory a :class:`RecurrentActor`.

    Raises:
        BundleError: if it is a mixture.
    """
    if bundle.manifest.mixture is not None:
        raise BundleError(f"{bundle.name} is a mixture, which is no single network: export one of its members.")
    network = copy.deepcopy(bundle.network).cpu()
    for part in ("value_net", "critic", "lstm_critic"):
        if hasattr(network, part):
            delattr(network, part)
    del network.mlp_extractor["value_net"]
    kind = Actor if bundle.manifest.architecture.lstm is None else RecurrentActor
    return kind(network).eval()


def save_torch(bundle: LearnedBundle, path: str | os.PathLike[str]) -> Path:
    """Write the policy for ``torch.export.load(path).module()``, for batches of any size.

    Raises:
        BundleError: if ``path`` does not end in ``.pt2`` or cannot be written.
    """
    _check(bundle)
    target = _target(path, ".pt2")
    arguments, dynamic = _example(bundle)
    with _quiet():
        program = th.export.export(to_torch(bundle), arguments, dynamic_shapes=dynamic)
        extra = {"bundle.json": json.dumps(_about(bundle))}
        packed = io.BytesIO()
        th.export.save(program, packed, extra_files=extra)
    _write(target, packed.getvalue())
    return target


def to_onnx(bundle: LearnedBundle, path: str | os.PathLike[str]) -> Path:
    """Write the policy as ONNX, for batches of any size; the file's metadata name the columns and the heads.

    Raises:
        BundleError: if ``path`` does not end in ``.onnx`` or cannot be written, or packages are missing.
    """
    _check(bundle)
    target = _target(path, ".onnx")
    if missing := [name for name in ("onnx", "onnxscript") if find_spec(name) is None]:
        raise BundleError(f"Export to ONNX needs {' and '.join(missing)}: pip install 'sd-env[onnx]'.")
    arguments, dynamic = _example(bundle)
    with _quiet():
        program = th.onnx.export(
            to_torch(bundle),
            arguments,
            dynamo=True,
            dynamic_shapes=dynamic,
            input_names=INPUTS[: len(arguments)],
            output_names=OUTPUTS[: len(arguments)],
            verbose=False,
        )
        assert program is not None, "with dynamo=True there is a program"
        program.model.metadata_props.update({key: json.dumps(value) for key, value in _about(bundle).items()})
    _write(target, program.model_proto.SerializeToString())
    return target


def _check(bundle: object) -> None:
    """Refuse what is no trained policy, such as a strategy."""
    if not isinstance(bundle, LearnedBundle):
        raise BundleError(f"{bundle!r:.80} is no trained policy, but only one can be exported.")


def _example(bundle: LearnedBundle) -> tuple[tuple[th.Tensor, ...], tuple[dict[int, object], ...]]:
    """Arguments to trace with, and which of their axes is the batch."""
    batch = th.export.Dim("batch", min=1)
    observation = th.zeros((2, len(bundle.spaces.columns)))
    memory = bundle.network.blank(2, th.device("cpu"))
    if memory is None:
        return (observation,), ({0: batch},)
    return (observation, *memory), ({0: batch}, {1: batch}, {1: batch})


def _about(bundle: LearnedBundle) -> dict[str, object]:
    """What somebody who holds only the file has to know."""
    keep = ("name", "algorithm", "policy", "versions")
    spaces = {"columns": bundle.spaces.columns, "nvec": bundle.spaces.nvec}
    return {key: bundle.info[key] for key in keep} | spaces


def _target(path: str | os.PathLike[str], suffix: str) -> Path:
    if Path(path).suffix != suffix:
        raise BundleError(f"{path} is no name for this export: it must end in {suffix}.")
    return Path(path)


def _write(target: Path, data: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, data)
    except OSError as error:
        raise BundleError(f"{target} cannot be written: {error.strerror or error}.") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' remarks about their own insides and about packages that are not needed here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
