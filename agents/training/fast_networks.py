"""The networks of a policy as :mod:`agents.training.fast_ppo` computes them: layers by hand, all else by autograd.

Outputs lie feature by row, ``(units, rows)``: an elementwise pass over the choices of a head, or a bias, then runs
along the rows, which are many, and not along the choices, which are few. All give flat logits ``(C, rows)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, Protocol

import numpy as np
import torch as th
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from torch import nn

from agents.policies.networks import ByType
from agents.policies.set_network import SetActor
from sd_env import layout
from sd_env.errors import RefusedError

#: The rows of a minibatch, and what its network has to know of them.
Part = tuple[slice, Any]
Nets = tuple[int, ...]
#: Which networks a pass goes through.
ACTOR: Final[Nets] = (0,)
CRITIC: Final[Nets] = (1,)
BOTH: Final[Nets] = (0, 1)


class Networks(Protocol):
    """Actor and critic. Rows of a rollout are turn by turn: row ``turn * slots + slot``."""

    def act(self, features: th.Tensor, starts: np.ndarray) -> th.Tensor:
        """Logits of features ``(slots, D)``; ``starts`` bool ``(slots,)`` says which begin an episode."""

    def values(self, features: th.Tensor, starts: np.ndarray) -> th.Tensor:
        """Values ``(rows,)`` of a rollout and of what is seen after it; ``starts`` bool ``(turns + 1, slots)``."""

    def deal(self, features: th.Tensor, starts: np.ndarray, batch: int) -> tuple[np.ndarray, list[Part]]:
        """An order of a rollout's rows, and its minibatches: one pass over it."""

    def forward(self, rows: th.Tensor, hint: Any) -> tuple[th.Tensor, th.Tensor]:
        """Logits and values ``(rows,)`` of the features ``(rows, D)`` of a minibatch."""

    def backward(self, d_logits: th.Tensor, d_values: th.Tensor) -> None:
        """Add the gradients of all weights to ``grad``, which is 0, given those of what :meth:`forward` gave last."""


def networks_of(policy: Any, slots: int) -> tuple[Networks, nn.Parameter]:
    """The networks of an SB3 policy, and all its weights in one flat parameter, of which its own are views.

    Raises:
        RefusedError: for what is computed neither by hand nor here: one sentence.
    """
    if isinstance(policy, RecurrentActorCriticPolicy):
        if policy.lstm_critic is None:
            raise RefusedError("FastPPO takes an LSTM each for policy and value: leave enable_critic_lstm true.")
        return Remembering(policy, slots), flatten(policy.parameters())
    nets = policy.mlp_extractor.policy_net, policy.mlp_extractor.value_net
    if isinstance(nets[0], SetActor):
        return Differentiated(policy), flatten(policy.parameters())
    return _by_hand(policy, *nets)


def flatten(parameters: Iterable[nn.Parameter]) -> nn.Parameter:
    """All parameters in one tensor, and their gradients in another: they become views, in their order."""
    own = list(parameters)
    whole = nn.Parameter(th.cat([parameter.detach().reshape(-1) for parameter in own]))
    whole.grad = th.zeros_like(whole)
    first = 0
    for parameter in own:
        piece = slice(first, first := first + parameter.numel())
        parameter.data = whole.data[piece].view(parameter.shape)
        parameter.grad = whole.grad[piece].view(parameter.shape)
    return whole


def shuffled(features: th.Tensor, batch: int) -> tuple[np.ndarray, list[slice]]:
    """Rows in a random order, and minibatches of so many."""
    total = len(features)
    return np.random.permutation(total), [slice(k, min(k + batch, total)) for k in range(0, total, batch)]


# --- by hand --------------------------------------------------------------------------------------------------


def _by_hand(policy: Any, actor: Any, critic: Any) -> tuple[Layers, nn.Parameter]:
    """Hidden layers of actor and critic are stacked, so that one product computes both."""
    activation = policy.activation_fn
    if activation not in (nn.Tanh, nn.ReLU):
        raise RefusedError(f"FastPPO takes tanh or relu between its layers, not {activation.__name__}.")
    kinds = (False, True) if isinstance(actor, ByType) else (None,)
    pairs = []
    for kind in kinds:
        both = [net if kind is None else net.of_type(kind) for net in (actor, critic)]
        linear = [[layer for layer in net if isinstance(layer, nn.Linear)] for net in both]
        if len({tuple(layer.weight.shape for layer in net) for net in linear}) > 1:
            raise RefusedError("FastPPO takes hidden layers of the same widths for policy and value.")
        pairs.append(list(zip(*linear, strict=True)))
    tops = policy.action_net, policy.value_net
    stacked = [getattr(layer, what) for pair in pairs for two in pair for what in ("weight", "bias") for layer in two]
    whole = flatten([*stacked, *(parameter for top in tops for parameter in top.parameters())])
    columns = [None if kind is None else actor.columns_of(kind) for kind in kinds]  # the critic's are the same
    return Layers([Stack(pair, tops, activation, own) for pair, own in zip(pairs, columns, strict=True)]), whole


def _stacked(first: th.Tensor) -> th.Tensor:
    """Two tensors of one shape that lie one after the other in memory, as one, given the first."""
    return first.as_strided((2, *first.shape), (first.numel(), *first.stride()))


class Stack:
    """Hidden layers of actor and critic, for rows of one type, with the layers on top: forward and backward.

    Args:
        layers: of actor and critic, pair by pair, whose weights lie one after the other, and so do their biases.
        tops: the linear layers on top of the actor and of the critic.
        activation: between layers, tanh or relu.
        columns: of the tops' inputs, which are these layers'; the last is always 1. None: all, and none is.
    """

    def __init__(
        self, layers: Sequence[Any], tops: Sequence[Any], activation: type[nn.Module], columns: slice | None
    ) -> None:
        self._tanh = activation is nn.Tanh
        weights = [_stacked(actor.weight.data) for actor, _ in layers]
        biases = [_stacked(actor.bias.data)[:, :, None] for actor, _ in layers]
        #: The same of the actor, of the critic, and of both.
        self._hidden = {
            nets: [(weight[first:end], bias[first:end]) for weight, bias in zip(weights, biases, strict=True)]
            for nets, (first, end) in {ACTOR: (0, 1), CRITIC: (1, 2), BOTH: (0, 2)}.items()
        }
        self._d_weights = [_stacked(actor.weight.grad) for actor, _ in layers]
        self._d_biases = [_stacked(actor.bias.grad) for actor, _ in layers]
        own = slice(None) if columns is None else slice(columns.start, columns.stop - 1)
        self._tops = [(top.weight.data[:, own], top.bias.data) for top in tops]
        self._d_tops = [(top.weight.grad[:, own], top.bias.grad) for top in tops]
        marked = tops if columns is not None else ()
        self._marks = [(top.weight.data[:, own.stop], top.weight.grad[:, own.stop]) for top in marked]
        self._made: list[th.Tensor] = []

    def forward(self, rows: th.Tensor, nets: Nets) -> list[th.Tensor]:
        """Outputs ``(C, rows)`` of the actor, ``(1, rows)`` of the critic, or both, for features ``(D, rows)``."""
        made = self._made = [rows]
        for weight, bias in self._hidden[nets]:
            if len(made) == 1:  # what all see
                flat = th.addmm(bias.flatten(0, 1), weight.flatten(0, 1), rows)
                hidden = flat.view(*weight.shape[:2], rows.shape[1])
            else:
                hidden = th.baddbmm(bias, weight, made[-1])
            made.append(_tanh_(hidden) if self._tanh else hidden.relu_())
        found = []
        for k, net in enumerate(nets):
            weight, bias = self._tops[net]
            if self._marks:
                bias = bias + self._marks[net][0]
            found.append(th.addmm(bias[:, None], weight, made[-1][k] if len(made) > 1 else rows))
        return found

    def backward(self, d_outs: Sequence[th.Tensor]) -> None:
        """Leave the gradients of all weights, given those of both outputs; biases on top are added to."""
        rows, *made = self._made
        d_hidden = th.empty_like(made[-1]) if made else th.empty(0)
        for net, d_out in enumerate(d_outs):
            d_weight, d_bias = self._d_tops[net]
            th.mm(d_out, (made[-1][net] if made else rows).T, out=d_weight)
            own = d_out.sum(dim=1)
            d_bias.add_(own)
            if self._marks:
                self._marks[net][1].copy_(own)
            if made:
                th.mm(self._tops[net][0].T, d_out, out=d_hidden[net])
        for k in range(len(made) - 1, -1, -1):
            if self._tanh:
                d_hidden = th.ops.aten.tanh_backward(d_hidden, made[k])
            else:
                d_hidden = th.ops.aten.threshold_backward(d_hidden, made[k], 0)
            th.sum(d_hidden, dim=2, out=self._d_biases[k])
            if k:
                th.bmm(d_hidden, made[k - 1].transpose(1, 2), out=self._d_weights[k])
                d_hidden = th.bmm(self._hidden[BOTH][k][0].transpose(1, 2), d_hidden)
            else:
                th.mm(d_hidden.flatten(0, 1), rows.T, out=self._d_weights[0].flatten(0, 1))


def _tanh_(hidden: th.Tensor) -> th.Tensor:
    """In place; on the CPU by numpy, in an eighth of torch's time."""
    if hidden.device.type != "cpu":
        return hidden.tanh_()
    array = hidden.numpy()
    np.tanh(array, out=array)
    return hidden


class Layers:
    """Actor and critic without memory, by hand: a stack, or one for each type, whose rows then lie side by side."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._stacks, self._counts = stacks, [0]

    def act(self, features: th.Tensor, starts: np.ndarray) -> th.Tensor:
        """As :class:`Networks` says."""
        return self._one(features, ACTOR)

    def values(self, features: th.Tensor, starts: np.ndarray) -> th.Tensor:
        """As :class:`Networks` says."""
        return self._one(features, CRITIC)[0]

    def _one(self, features: th.Tensor, nets: Nets) -> th.Tensor:
        if len(self._stacks) == 1:
            return self._stacks[0].forward(features.T, nets)[0]
        kinds = _kinds(features)
        order = th.from_numpy(np.argsort(kinds, kind="stable")).to(features.device)
        parts = self._split(features.index_select(0, order).T, _counts(kinds))
        made = th.cat([stack.forward(part, nets)[0] for stack, part in zip(self._stacks, parts, strict=True)], dim=1)
        return th.empty_like(made).index_copy_(1, order, made)

    def _split(self, columns: th.Tensor, counts: Sequence[int]) -> Sequence[th.Tensor]:
        return (columns,) if len(counts) == 1 else (columns[:, : counts[0]], columns[:, counts[0] :])

    def deal(self, features: th.Tensor, starts: np.ndarray, batch: int) -> tuple[np.ndarray, list[Part]]:
        """As :class:`Networks` says; within a minibatch security seekers come first."""
        order, parts = shuffled(features, batch)
        if len(self._stacks) == 1:
            return order, [(part, [part.stop - part.start]) for part in parts]
        kinds = _kinds(features)[order]
        own = np.argsort(2 * (np.arange(len(order)) // batch) + kinds, kind="stable")
        return order[own], [(part, _counts(kinds[part])) for part in parts]

    def forward(self, rows: th.Tensor, hint: Sequence[int]) -> tuple[th.Tensor, th.Tensor]:
        """As :class:`Networks` says; ``hint`` is the number of rows of each type."""
        self._counts = list(hint)
        made = [stack.forward(part, BOTH) for stack, part in zip(self._stacks, self._split(rows.T, hint), strict=True)]
        logits, values = made[0] if len(made) == 1 else (th.cat(two, dim=1) for two in zip(*made, strict=True))
        return logits, values[0]

    def backward(self, d_logits: th.Tensor, d_values: th.Tensor) -> None:
        """As :class:`Networks` says."""
        parts = self._split(d_logits, self._counts), self._split(d_values[None], self._counts)
        for stack, *d_outs in zip(self._stacks, *parts, strict=True):
            stack.backward(d_outs)


def _kinds(features: th.Tensor) -> np.ndarray:
    """Which rows are greedy states', bool ``(rows,)``."""
    kinds: np.ndarray = (features[:, layout.Own.GREED] > 0).cpu().numpy()
    return kinds


def _counts(kinds: np.ndarray) -> list[int]:
    greedy = int(np.count_nonzero(kinds))
    return [len(kinds) - greedy, greedy]


# --- by autograd ----------------------------------------------------------------------------------------------


class Differentiated:
    """Actor and critic without memory as the policy's own modules, whatever they are."""

    def __init__(self, policy: Any) -> None:
        self._policy = policy
        self._made: tuple[th.Tensor, th.Tensor] = th.empty(0), th.empty(0)

    def act(self, features: th.Tensor, starts: np.ndarray) -> th.Tensor:
        """As :class:`Networks` says."""
        return self._logits(features).T

    def values(self, features: th.Tensor, starts: np.ndarray) -> th.Tensor:
        """As :class:`Networks` says."""
        return self._values(features)

    def _logits(self, latent: th.Tensor) -> th.Tensor:
        logits: th.Tensor = self._policy.action_net(self._policy.mlp_extractor.forward_actor(latent))
        return logits

    def _values(self, latent: th.Tensor) -> th.Tensor:
        values: th.Tensor = self._policy.value_net(self._policy.mlp_extractor.forward_critic(latent))
        return values.squeeze(-1)

    def deal(self, features: th.Tensor, starts: np.ndarray, batch: int) -> tuple[np.ndarray, list[Part]]:
        """As :class:`Networks` says."""
        order, parts = shuffled(features, batch)
        return order, [(part, None) for part in parts]

    def forward(self, rows: th.Tensor, hint: Any) -> tuple[th.Tensor, th.Tensor]:
        """As :class:`Networks` says."""
        with th.enable_grad():
            self._made = self._logits(rows), self._values(rows)
        return self._made[0].detach().T, self._made[1].detach()

    def backward(self, d_logits: th.Tensor, d_values: th.Tensor) -> None:
        """As :class:`Networks` says."""
        th.autograd.backward(self._made, (d_logits.T, d_values))


class Remembering(Differentiated):
    """Actor and critic with an LSTM each. A minibatch is of slots with all their turns, so that no memory is cut.

    Attributes:
        states: what both remember of each slot, between rollouts.
    """

    def __init__(self, policy: Any, slots: int) -> None:
        super().__init__(policy)
        lstm = policy.lstm_actor
        zeros = th.zeros((lstm.num_layers, slots, lstm.hidden_size), device=policy.device)
        self.states = RNNStates((zeros, zeros), (zeros, zeros))
        self._first, self._starts = self.states, np.zeros((0, slots), dtype=np.bool_)

    def begin(self) -> None:
        """A rollout begins."""
        self._first = self.states

    def act(self, features: th.Tensor, starts: np.ndarray) -> th.Tensor:
        """As :class:`Networks` says; the actor remembers."""
        latent, own = _remember(self._policy.lstm_actor, features[None], self.states.pi, starts[None])
        self.states = RNNStates(own, self.states.vf)
        return self._logits(latent[0]).T

    def values(self, features: th.Tensor, starts: np.ndarray) -> th.Tensor:
        """As :class:`Networks` says; the critic remembers all but what is seen after the rollout."""
        sequence = features.view(*starts.shape, -1)
        latent, own = _remember(self._policy.lstm_critic, sequence[:-1], self.states.vf, starts[:-1])
        self.states = RNNStates(self.states.pi, own)
        last, _ = _remember(self._policy.lstm_critic, sequence[-1:], own, starts[-1:])
        return self._values(th.cat([latent, last]).flatten(0, 1))

    def deal(self, features: th.Tensor, starts: np.ndarray, batch: int) -> tuple[np.ndarray, list[Part]]:
        """As :class:`Networks` says."""
        self._starts = starts[:-1]
        turns, slots = self._starts.shape
        shares = np.split(np.random.permutation(slots), range(batch // turns, slots, batch // turns))
        order = [(np.arange(turns)[:, None] * slots + share).ravel() for share in shares]
        ends = np.cumsum([0, *map(len, order)]).tolist()
        return np.concatenate(order), [
            (slice(*two), share) for *two, share in zip(ends, ends[1:], shares, strict=False)
        ]

    def forward(self, rows: th.Tensor, hint: np.ndarray) -> tuple[th.Tensor, th.Tensor]:
        """As :class:`Networks` says; ``hint`` are the slots."""
        sequence, starts = rows.view(len(self._starts), len(hint), -1), self._starts[:, hint]
        of = th.from_numpy(hint).to(rows.device)
        latents = []
        with th.enable_grad():
            for name, states in (("lstm_actor", self._first.pi), ("lstm_critic", self._first.vf)):
                own = states[0].index_select(1, of), states[1].index_select(1, of)
                latents.append(_remember(getattr(self._policy, name), sequence, own, starts)[0].flatten(0, 1))
            self._made = self._logits(latents[0]), self._values(latents[1])
        return self._made[0].detach().T, self._made[1].detach()


def _remember(
    lstm: nn.LSTM, rows: th.Tensor, memory: tuple[th.Tensor, ...], starts: np.ndarray
) -> tuple[th.Tensor, Any]:
    """Latents ``(turns, slots, units)`` of features, and the memory after them; what starts an episode forgets.

    Between two turns on which any slot starts an episode the LSTM runs in one call.
    """
    turns = [0, *(turn for turn in range(1, len(rows)) if starts[turn].any()), len(rows)]
    latents = []
    for turn, end in pairwise(turns):
        if starts[turn].any():
            keep = th.from_numpy(~starts[turn]).to(rows.device, rows.dtype)[None, :, None]
            memory = memory[0] * keep, memory[1] * keep
        latent, memory = lstm(rows[turn:end], memory)
        latents.append(latent)
    return th.cat(latents), memory
