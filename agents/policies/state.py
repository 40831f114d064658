"""What a policy remembers, as plain arrays: so that a checkpoint can hold the memory of any strategy.

A policy is built anew from its name and then given its memory back. Nothing that is loaded makes objects or runs code:
arrays, numbers, texts, random generators and containers of them are data, and go into an object that is there already.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch as th
from pydantic import BaseModel

_PLAIN = (bool, int, float, str, type(None))
#: Parts of a policy that do not change while it plays: they are as they were when it was built.
_FIXED = (th.nn.Module, th.device, th.dtype, np.dtype, enum.Enum, Path, ModuleType, type, bytes, frozenset)

_ARRAYS: tuple[tuple[str, Any, Callable[[Any], np.ndarray]], ...] = (
    ("array", np.ndarray, np.copy),
    ("scalar", np.generic, np.array),
    ("tensor", th.Tensor, lambda tensor: tensor.detach().cpu().numpy().copy()),
    ("torch_generator", th.Generator, lambda generator: generator.get_state().numpy().copy()),
)


def capture(policy: object) -> dict[str, np.ndarray]:
    """What ``policy`` remembers: arrays by number, and under ``tree`` where each belongs (JSON).

    Raises:
        ValueError: if it remembers something that is no plain data, naming it.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = _node(policy, type(policy).__name__, arrays, ())
    return arrays | {"tree": np.array(json.dumps(tree))}


def recall(policy: object, memory: Mapping[str, np.ndarray]) -> None:
    """Give ``policy``, built as the captured one was, that one's memory."""
    _value(json.loads(str(memory["tree"])), policy, memory)


def _node(value: Any, where: str, arrays: dict[str, np.ndarray], above: tuple[int, ...]) -> Any:
    """``value`` as JSON, with its arrays put into ``arrays``; ``above`` are the objects that hold it."""
    if isinstance(value, _FIXED) or callable(value) or id(value) in above:
        return {"fixed": True}
    if isinstance(value, _PLAIN):
        return {"number": repr(value)} if isinstance(value, float) else {"plain": value}
    for kind, types, as_array in _ARRAYS:
        if isinstance(value, types):
            kept = as_array(value)
            if kept.dtype == object:
                raise ValueError(f"{where} is an array of objects, which a checkpoint cannot hold.")
            arrays[str(len(arrays))] = kept
            return {kind: str(len(arrays) - 1)}
    if isinstance(value, np.random.Generator):
        return {"generator": json.dumps(value.bit_generator.state, default=lambda array: array.tolist())}
    above = (*above, id(value))
    if isinstance(value, (list, tuple)):
        parts = [_node(part, f"{where}[{k}]", arrays, above) for k, part in enumerate(value)]
        return {"list" if isinstance(value, list) else "tuple": parts}
    if isinstance(value, dict):
        return {
            "dict": [
                [_node(k, where, arrays, above), _node(v, f"{where}[{k!r}]", arrays, above)] for k, v in value.items()
            ]
        }
    if hasattr(value, "__dict__"):
        own = _parts(value).items()
        return {"object": {name: _node(part, f"{where}.{name}", arrays, above) for name, part in own}}
    raise ValueError(f"{where} is a {type(value).__name__}, which a checkpoint cannot hold.")


def _parts(value: Any) -> dict[str, Any]:
    """The attributes of an object that may change; a pydantic model's fields are its parameters, not its memory."""
    parts = value.__pydantic_private__ or {} if isinstance(value, BaseModel) else vars(value)
    return dict(parts)


def _value(node: Any, present: Any, memory: Mapping[str, np.ndarray]) -> Any:
    """The value that ``node`` describes; ``present`` is what the newly built policy has in its place."""
    [(kind, data)] = node.items()
    if kind == "plain":
        return data
    if kind == "number":
        return float(data)
    if kind == "array":
        return memory[data].copy()
    if kind == "scalar":
        return memory[data][()]
    if kind == "tensor":
        return th.from_numpy(memory[data].copy())
    if kind == "generator":
        state = json.loads(data)
        bits = {"PCG64": np.random.PCG64, "MT19937": np.random.MT19937, "Philox": np.random.Philox}
        generator = np.random.Generator(bits.get(state["bit_generator"], np.random.PCG64)())
        generator.bit_generator.state = state
        return generator
    if kind == "torch_generator":
        present.set_state(th.from_numpy(memory[data].copy()))
    elif kind in ("list", "tuple"):
        old = list(present) if isinstance(present, (list, tuple)) else []
        old += [None] * (len(data) - len(old))
        values = [_value(part, old[k], memory) for k, part in enumerate(data)]
        return values if kind == "list" else tuple(values)
    elif kind == "dict":
        old_values = present if isinstance(present, dict) else {}
        keys = [_value(key, None, memory) for key, _ in data]
        return {k: _value(part, old_values.get(k), memory) for k, (_, part) in zip(keys, data, strict=True)}
    elif kind == "object":
        into: Any = present.__pydantic_private__ if isinstance(present, BaseModel) else present.__dict__
        for name, part in data.items():
            into[name] = _value(part, into.get(name), memory)
    return present  # fixed, or changed in place
