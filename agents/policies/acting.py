"""Acting of frozen flat networks on the CPU, compiled: one call from observations to choices for a whole mixture.

What acts in searches and evaluations are frozen networks of some thousands of weights, asked turn by turn about few
rows each. There torch spends its time between its operations and not in them. Here all rows that one member's layers of
one type compute go through them in blocks small enough to stay in the processor's nearest cache. Random numbers are
torch's, in its order, so that the same choices follow but for rounding: one draw in a million falls the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter, is_, itemgetter
from typing import Any, Final

import numpy as np
import torch as th
from torch import nn

from agents.policies.manifest import Manifest
from agents.policies.networks import KINDS, ByType, Network
from sd_env import layout
from sd_env.rules.compiled import UNCOMPILED, entry_point, rule

#: Rows that go through the layers together: some vectors of the processor, whose inputs its nearest cache holds. With
#: 16 a mixture in 64 worlds takes as long, and large batches take a half more.
BLOCK: Final = 32
#: Units and inputs are padded with zeros to a multiple, which the products take four by two at a time.
_MULTIPLE: Final = 4
#: Most weights of the layers of a type. Two layers of 512 units take half of torch's time; each block reads all weights
#: again, so that larger networks, which no core's cache holds, are left to torch.
MOST_WEIGHTS: Final = 1 << 19

_GREED: Final = int(layout.Own.GREED)
_0, _1, _2, _3, _4, _ROWS = (np.uint64(x) for x in (0, 1, 2, 3, 4, BLOCK))
_ONE, _TWO, _HALF = np.float32(1.0), np.float32(2.0), np.float32(0.5)
_LN_2, _LOG2_E, _ROOT_HALF = np.float32(np.log(2.0)), np.float32(1 / np.log(2.0)), np.float32(np.sqrt(0.5))
#: tanh is 1 beyond it, to the last digit of float32.
_FLAT = np.float32(9.2)
#: exp as a Taylor polynomial, from the highest power: on [-ln 2 / 2, ln 2 / 2] it is 1.2e-7 off, half of which reaches
#: tanh.
_E6, _E5, _E4, _E3 = (np.float32(1 / x) for x in (720, 120, 24, 6))
#: log m = 2 (s + s^3 / 3 + s^5 / 5 + ...) with s = (m - 1) / (m + 1).
_L9, _L7, _L5, _L3 = (np.float32(2 / x) for x in (9, 7, 5, 3))


class Acting:
    """What frozen networks of one shape choose. Weights are packed at the first call, and anew once they have changed.

    To :mod:`agents.policies.state` it is a function and no memory; copies of a policy share it.

    Changes are noticed by torch's count of what is done to a tensor, and by another tensor in its place: all ways to
    alter weights but through ``tensor.data`` or an array that shares their memory.

    Args:
        networks: a policy's own, or those of all members of a mixture.
        sizes: choices of each head.
    """

    def __init__(self, networks: Sequence[Network], sizes: Sequence[int]) -> None:
        self._networks = list(networks)
        self._sizes = np.array(sizes, np.int64)
        first = networks[0]
        self._symlog = first.architecture.extractor == "symlog"
        self._tanh = first.architecture.activation == "tanh"
        self._types = 2 if isinstance(first.mlp_extractor["policy_net"], ByType) else 1
        self._nobody = np.zeros(0, np.int64)
        #: Where torch's modules hold the weights that matter here.
        self._held = [layer._parameters for network in networks for layer in _linear(network)]
        self._tensors: list[Any] = []
        self._versions: list[int] = []
        self._packed, self._widths = np.zeros((0, 0), np.float32), np.zeros(0, np.int64)

    def __call__(
        self, observation: np.ndarray, playing: np.ndarray | None, generators: Sequence[th.Generator | None]
    ) -> np.ndarray:
        """Choices int64 ``(K, H)`` for observations ``(K, D)``.

        Args:
            observation: what each row sees.
            playing: index of each row's network, int64 ``(K,)``; None: all are the first's.
            generators: of each network's draws; None: it makes its most probable choices.
        """
        self._pack()
        seen = np.ascontiguousarray(observation, dtype=np.float32)
        rows, drawing = len(seen), np.array([generator is not None for generator in generators])
        counts = np.array([rows]) if playing is None else np.bincount(playing, minlength=len(generators))
        noise = th.empty((rows if drawing.any() else 0, len(self._sizes), int(self._sizes.max())))
        first = 0
        for count, generator in zip(counts.tolist(), generators, strict=True):
            if generator is not None and count:
                noise[first : first + count].exponential_(generator=generator)
            first += count
        chosen = np.empty((rows, len(self._sizes)), np.int64)
        _act(
            seen,
            self._nobody if playing is None else playing,
            counts,
            drawing,
            noise.numpy(),
            self._packed,
            self._widths,
            self._sizes,
            self._types,
            self._tanh,
            self._symlog,
            chosen,
        )
        return chosen

    def _pack(self) -> None:
        """See to it that the packed weights are those of the networks."""
        tensors = [*map(itemgetter("weight"), self._held), *map(itemgetter("bias"), self._held)]
        versions = list(map(attrgetter("_version"), tensors))
        if versions == self._versions and all(map(is_, tensors, self._tensors)):
            return
        with th.no_grad():
            each = [stack for network in self._networks for stack in _stacks(network)]
        self._widths = np.array([_padded(width) for width in _shape(each[0])], np.int64)
        self._packed = np.stack([np.concatenate([_flat(*layer) for layer in stack]) for stack in each])
        self._tensors, self._versions = tensors, versions


def acting_of(manifest: Manifest, networks: Sequence[Network], device: th.device) -> Acting | None:
    """What acts for a policy, or for a mixture's members; None for those that torch is left to compute.

    Those are flat networks without memory, of tanh or relu, that draw all heads at once and do not look at masks.
    """
    kind, made = KINDS[manifest.policy], manifest.architecture
    if UNCOMPILED or device.type != "cpu" or not kind.joint or kind.recurrent or kind.sets:
        return None
    if made.activation not in ("tanh", "relu") or any(p.is_inference() for net in networks for p in net.parameters()):
        return None
    widths = [len(manifest.spaces.columns), *made.net_arch.pi, sum(manifest.spaces.nvec)]
    if sum(units * (width + 1) for width, units in pairwise(widths)) > MOST_WEIGHTS:
        return None
    return Acting(networks, manifest.spaces.nvec)


# --- packing --------------------------------------------------------------------------------------------------

#: Weights ``(units, width)`` and bias ``(units,)`` of a layer, float32.
_Layer = tuple[np.ndarray, np.ndarray]


def _linear(network: Network) -> list[nn.Linear]:
    """The linear layers of the actor."""
    modules = [*network.mlp_extractor["policy_net"].modules(), network.action_net]
    return [module for module in modules if isinstance(module, nn.Linear)]


def _stacks(network: Network) -> list[list[_Layer]]:
    """The actor's layers, from the first to the logits, of each type if types have their own, seekers first."""
    actor, top = network.mlp_extractor["policy_net"], network.action_net
    assert isinstance(top, nn.Linear)
    weight, bias = top.weight.numpy(), top.bias.numpy()
    if not isinstance(actor, ByType):
        return [[*_layers(actor), (weight, bias)]]
    found = []
    for greedy in (False, True):
        own = weight[:, actor.columns_of(greedy)]  # whose last column meets the 1 that marks the type
        found.append([*_layers(actor.of_type(greedy)), (own[:, :-1], bias + own[:, -1])])
    return found


def _layers(hidden: nn.Module) -> list[_Layer]:
    return [(layer.weight.numpy(), layer.bias.numpy()) for layer in hidden.modules() if isinstance(layer, nn.Linear)]


def _shape(stack: Sequence[_Layer]) -> list[int]:
    """Columns that go in, units of each layer."""
    return [stack[0][0].shape[1], *(len(bias) for _, bias in stack)]


def _padded(width: int) -> int:
    return -(-width // _MULTIPLE) * _MULTIPLE


def _flat(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A layer in one piece, padded with zeros: weights unit by unit, then biases."""
    units, width = weight.shape
    whole = np.zeros((_padded(units), _padded(width)), np.float32)
    whole[:units, :width] = weight
    return np.concatenate([whole.ravel(), np.pad(bias, (0, len(whole) - units))])


# --- compiled -------------------------------------------------------------------------------------------------


@entry_point
def _act(
    seen: np.ndarray,
    playing: np.ndarray,
    counts: np.ndarray,
    drawing: np.ndarray,
    noise: np.ndarray,
    packed: np.ndarray,
    widths: np.ndarray,
    sizes: np.ndarray,
    types: int,
    tanh: bool,
    symlog: bool,
    chosen: np.ndarray,
) -> None:
    """Fill ``chosen`` (K, H); ``noise`` (K, H, width) lies member by member, in the order of its rows, and is spent.

    ``playing`` is (K,), or empty for one network alone; ``counts`` are rows of each network, ``packed`` (networks *
    types, weights).
    """
    rows, members = len(seen), len(counts)
    # where each row's noise lies, and the rows in the order of the layers that they go through
    place, order = np.empty(rows, np.int64), np.empty(rows, np.int64)
    first, group = np.zeros(members, np.int64), np.zeros(members * types + 1, np.int64)
    for k in range(1, members):
        first[k] = first[k - 1] + counts[k - 1]
    key = np.empty(rows, np.int64)
    for i in range(rows):
        member = playing[i] if len(playing) > 0 else 0
        place[i] = first[member]
        first[member] += 1
        key[i] = member * types + (1 if types == 2 and seen[i, _GREED] > 0 else 0)
        group[key[i] + 1] += 1
    for k in range(members * types):
        group[k + 1] += group[k]
    at = group[:-1].copy()
    for i in range(rows):
        order[at[key[i]]] = i
        at[key[i]] += 1

    loud = noise.reshape(-1)
    for i in range(len(loud)):
        loud[i] = _log(loud[i])

    widest = widths.max()
    one, other = np.zeros((widest, BLOCK), np.float32), np.zeros((widest, BLOCK), np.float32)
    for k in range(members * types):
        for begin in range(group[k], group[k + 1], BLOCK):
            own = order[begin : min(begin + BLOCK, group[k + 1])]
            _see(seen, own, symlog, one)
            x, out, offset = one, other, 0
            for layer in range(len(widths) - 1):
                width, units = widths[layer], widths[layer + 1]
                _product(packed[k], offset, width, units, x, out)
                offset += units * (width + 1)
                if layer < len(widths) - 2:
                    _activate(out, units, tanh)
                x, out = out, x
            _choose(x, own, place, noise, drawing[k // types], sizes, chosen)


@rule
def _see(seen: np.ndarray, own: np.ndarray, symlog: bool, x: np.ndarray) -> None:
    """Put rows ``own`` of what is seen into the columns of ``x``; columns beyond them, and padding, are 0."""
    columns = seen.shape[1]
    for r in range(BLOCK):
        if r < len(own):
            i = own[r]
            for c in range(columns):
                x[c, r] = seen[i, c]
        else:
            for c in range(columns):
                x[c, r] = 0.0
    for c in range(columns, len(x)):
        for r in range(BLOCK):
            x[c, r] = 0.0
    if symlog:
        for c in range(columns):
            for r in range(BLOCK):
                large = _log(_ONE + abs(x[c, r]))
                x[c, r] = -large if x[c, r] < 0 else large


@rule
def _product(weights: np.ndarray, offset: int, width: int, units: int, x: np.ndarray, out: np.ndarray) -> None:
    """``out[u, r]`` is the bias of u and the sum of ``weights[u, c] * x[c, r]``; the order of sums is always the same.

    Two units by four inputs at a time: a row of ``x`` is read once for two, a row of ``out`` once for four. Indices are
    unsigned, since a signed one may count from the end, which would be asked of each: a quarter of the speed.
    """
    offset, width, units = np.uint64(offset), np.uint64(width), np.uint64(units)  # type: ignore[assignment]
    for u in range(_0, units, _2):
        a = offset + u * width
        b = a + width
        bias = offset + units * width + u
        p, q = weights[bias], weights[bias + _1]
        for r in range(_ROWS):
            out[u, r] = p
            out[u + _1, r] = q
        for c in range(_0, width, _4):
            a0, a1, a2, a3 = weights[a + c], weights[a + c + _1], weights[a + c + _2], weights[a + c + _3]
            b0, b1, b2, b3 = weights[b + c], weights[b + c + _1], weights[b + c + _2], weights[b + c + _3]
            for r in range(_ROWS):
                x0, x1, x2, x3 = x[c, r], x[c + _1, r], x[c + _2, r], x[c + _3, r]
                out[u, r] += (a0 * x0 + a1 * x1) + (a2 * x2 + a3 * x3)
                out[u + _1, r] += (b0 * x0 + b1 * x1) + (b2 * x2 + b3 * x3)


@rule
def _activate(out: np.ndarray, units: int, tanh: bool) -> None:
    """In place, over the first rows of ``out``."""
    if tanh:
        for u in range(units):
            for r in range(BLOCK):
                out[u, r] = _tanh(out[u, r])
    else:
        for u in range(units):
            for r in range(BLOCK):
                out[u, r] = out[u, r] if out[u, r] > 0 else np.float32(0.0)


@rule
def _choose(
    logits: np.ndarray,
    own: np.ndarray,
    place: np.ndarray,
    noise: np.ndarray,
    draws: bool,
    sizes: np.ndarray,
    chosen: np.ndarray,
) -> None:
    """Of each head the choice with the largest logit, or with the largest one less the logarithm of its noise."""
    for r in range(len(own)):
        i, c = own[r], 0
        for head in range(len(sizes)):
            best, highest = 0, np.float32(-np.inf)
            for choice in range(sizes[head]):
                found = logits[c, r]
                if draws:
                    found -= noise[place[i], head, choice]
                if found > highest:
                    best, highest = choice, found
                c += 1
            chosen[i, head] = best


@rule
def _tanh(x: Any) -> Any:
    """Tanh of a float32, at most 2e-7 off: 1 - 2 / (exp(2 |x|) + 1), with exp(2 |x|) = 2^n exp(rest)."""
    twice = _TWO * min(abs(x), _FLAT)
    n = np.int32(twice * _LOG2_E + _HALF)
    rest = twice - np.float32(n) * _LN_2
    series = _ONE + rest * (_ONE + rest * (_HALF + rest * (_E3 + rest * (_E4 + rest * (_E5 + rest * _E6)))))
    power = series * np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)
    found = _ONE - _TWO / (power + _ONE)
    return -found if x < 0 else found


@rule
def _log(x: Any) -> Any:
    """Logarithm of a positive float32, at most 2e-7 off or a rounding of it: x = 2^n m, m from 1/2 to 1."""
    bits = np.float32(x).view(np.int32)
    n = np.int32((bits >> np.int32(23)) - np.int32(126))
    m = np.int32((bits & np.int32(0x7FFFFF)) | np.int32(0x3F000000)).view(np.float32)
    low = m < _ROOT_HALF
    m = m + m if low else m  # from root 1/2 to root 2, where the series is short
    n = n - np.int32(1) if low else n
    s = (m - _ONE) / (m + _ONE)
    z = s * s
    return np.float32(n) * _LN_2 + s * (_TWO + z * (_L3 + z * (_L5 + z * (_L7 + z * _L9))))
