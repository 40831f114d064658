"""The networks that a bundle may hold, as plain torch modules built from plain data.

These are the actors and critics of stable-baselines3 and sb3-contrib, with their parameters' names and their order of
operations, and nothing of training: the same weights give the same logits, and the same seed the same draws, bit for
bit. Data can name no other network than these, so that building one runs no code but this file's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch as th
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from agents.policies.set_network import SetActor, SetCritic, SetHeads
from sd_env import layout

#: Logit of a choice that does not exist or is not legal: its probability underflows to 0, and 0 * -1e8 stays 0 in the
#: entropy. sb3-contrib's number.
NEVER = -1e8

Memory = tuple[th.Tensor, th.Tensor]


# --- what data says ------------------------------------------------------------------------------------------


class Plain(BaseModel):
    """Data without surprises: no unknown key, no conversion of one type into another, no infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Units = Annotated[int, Field(ge=1, le=8192)]
Layers = Annotated[list[Units], Field(max_length=16)]
Activation = Literal["tanh", "relu", "elu", "leaky_relu", "gelu", "silu"]

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


class NetArch(Plain):
    """Hidden layers of the policy and of the value."""

    pi: Layers
    vf: Layers


class Lstm(Plain):
    """The memory; the value has an LSTM of its own, shares the actor's, or sees only the present by a linear layer."""

    hidden_size: Units
    layers: Annotated[int, Field(ge=1, le=8)]
    critic: Literal["own", "shared", "linear"]


class Architecture(Plain):
    """All that is needed to build a network but the sizes of what goes in and comes out."""

    net_arch: NetArch
    activation: Activation
    extractor: Literal["raw", "symlog"]
    lstm: Lstm | None


@dataclass(frozen=True)
class Kind:
    """How a policy class acts: under masks or not, with memory or not, how it draws, and what it sees others as.

    ``joint``: all heads at once by Gumbel noise, as ``agents.policies.sb3`` does; otherwise head by head, as
    stable-baselines3 does. Both are draws from the same probabilities, from other random numbers.

    ``by_type``: security seekers and greedy states have hidden layers of their own (:class:`ByType`).

    ``sets``: the other states are a set (:mod:`agents.policies.set_network`), of any size; else a list of fixed length.
    """

    masked: bool = False
    recurrent: bool = False
    joint: bool = False
    by_type: bool = False
    sets: bool = False


PolicyClass = Literal[
    "HeadsPolicy",
    "TypesPolicy",
    "RecurrentHeadsPolicy",
    "MaskablePolicy",
    "MaskableTypesPolicy",
    "SetPolicy",
    "MaskableSetPolicy",
    "MlpPolicy",
    "MlpLstmPolicy",
]

#: The policy classes that are known, by name: the first five are ``agents.policies.sb3``'s, of which
#: MaskablePolicy is sb3-contrib's own; then two of ``agents.policies.sb3_set``; the last two are
#: stable-baselines3's and sb3-contrib's.
KINDS: dict[PolicyClass, Kind] = {
    "HeadsPolicy": Kind(joint=True),
    "TypesPolicy": Kind(joint=True, by_type=True),
    "RecurrentHeadsPolicy": Kind(recurrent=True, joint=True),
    "MaskablePolicy": Kind(masked=True),
    "MaskableTypesPolicy": Kind(masked=True, by_type=True),
    "SetPolicy": Kind(joint=True, sets=True),
    "MaskableSetPolicy": Kind(masked=True, sets=True),
    "MlpPolicy": Kind(),
    "MlpLstmPolicy": Kind(recurrent=True),
}


# --- the network ---------------------------------------------------------------------------------------------


def symlog(observations: th.Tensor) -> th.Tensor:
    """``sign(x) log(1 + |x|)``, elementwise."""
    return observations.sign() * observations.abs().log1p()


class Network(nn.Module):
    """Actor and critic over observations float32 ``(batch, size)``.

    The names of its parameters are those of the SB3 policies, whose ``load_state_dict`` takes its ``state_dict``.

    Args:
        architecture: what it is made of.
        size: columns of an observation.
        sizes: choices of each head.
        kind: of policy. Where the other states are a set, ``size`` and ``sizes`` may later be those of any number.
    """

    mlp_extractor: nn.ModuleDict
    action_net: nn.Module

    def __init__(self, architecture: Architecture, size: int, sizes: Sequence[int], kind: Kind = Kind()) -> None:
        super().__init__()
        choices = sum(sizes)
        self.architecture = architecture
        lstm, arch = architecture.lstm, architecture.net_arch
        width = lstm.hidden_size if lstm else size
        activation = ACTIVATIONS[architecture.activation]
        if kind.sets:
            heads = layout.Heads.of(sizes, size)
            actor, critic = SetActor(size, heads, arch.pi, activation), SetCritic(size, heads, arch.vf, activation)
            self.mlp_extractor = nn.ModuleDict({"policy_net": actor, "value_net": critic})
            self.action_net = SetHeads(actor.units, heads)
            self.value_net = nn.Linear(critic.units, 1)
            return
        if kind.by_type:
            types, values = ByType(width, arch.pi, activation), ByType(width, arch.vf, activation)
            self.mlp_extractor = nn.ModuleDict({"policy_net": types, "value_net": values})
            self.action_net, self.value_net = nn.Linear(types.units, choices), nn.Linear(values.units, 1)
            return
        self.mlp_extractor = nn.ModuleDict(
            {"policy_net": _hidden(width, arch.pi, activation), "value_net": _hidden(width, arch.vf, activation)}
        )
        self.action_net = nn.Linear((arch.pi or [width])[-1], choices)
        self.value_net = nn.Linear((arch.vf or [width])[-1], 1)
        if lstm:
            self.lstm_actor = nn.LSTM(size, width, num_layers=lstm.layers)
            if lstm.critic == "own":
                self.lstm_critic = nn.LSTM(size, width, num_layers=lstm.layers)
            elif lstm.critic == "linear":
                self.critic = nn.Linear(size, width)

    def features(self, observations: th.Tensor) -> th.Tensor:
        """What the first layer sees."""
        return symlog(observations) if self.architecture.extractor == "symlog" else observations

    def blank(self, rows: int, device: th.device) -> Memory | None:
        """Memory of ``rows`` seats that have seen nothing, two ``(layers, rows, hidden)``; None without memory."""
        if (lstm := self.architecture.lstm) is None:
            return None
        shape = (lstm.layers, rows, lstm.hidden_size)
        return th.zeros(shape, device=device), th.zeros(shape, device=device)

    def actor(self, observations: th.Tensor, memory: Memory | None) -> tuple[th.Tensor, Memory | None]:
        """The last hidden layer of the policy, ``(batch, units)``, and the memory after these observations."""
        hidden = self.features(observations)
        if memory is not None:
            hidden, memory = _step(self.lstm_actor, hidden, memory)
        latent: th.Tensor = self.mlp_extractor["policy_net"](hidden)
        return latent, memory

    def critic_value(
        self, observations: th.Tensor, memory: Memory | None, actors: Memory | None
    ) -> tuple[th.Tensor, Memory | None]:
        """Values ``(batch,)`` and the critic's memory after these observations.

        ``memory`` is the critic's own, ``actors`` the actor's, which a shared LSTM reads; both from before.
        """
        hidden, lstm = self.features(observations), self.architecture.lstm
        if lstm is not None:
            if lstm.critic == "linear":
                hidden = self.critic(hidden)
            elif lstm.critic == "own":
                assert memory is not None, "an LSTM needs its memory"
                hidden, memory = _step(self.lstm_critic, hidden, memory)
            else:
                assert actors is not None, "an LSTM needs its memory"
                hidden, _ = _step(self.lstm_actor, hidden, actors)
        values: th.Tensor = self.value_net(self.mlp_extractor["value_net"](hidden)).squeeze(-1)
        return values, memory


class ByType(nn.Module):
    """Hidden layers of its own for each type: which a row goes through, its observer's greed says.

    The latent ``(batch, 2 (units + 1))`` has a half for each type and an entry that is 1 where the row is of it; what
    is not the row's is 0, so that a linear layer on top is another layer for each type, with one bias in common.
    """

    def __init__(self, width: int, layers: Sequence[int], activation: type[nn.Module]) -> None:
        super().__init__()
        self.seeker, self.greedy = _hidden(width, layers, activation), _hidden(width, layers, activation)
        self.units = 2 * ((layers[-1] if layers else width) + 1)

    def of_type(self, greedy: bool) -> nn.Sequential:
        """The layers of a type."""
        return self.greedy if greedy else self.seeker

    def columns_of(self, greedy: bool) -> slice:
        """The entries of the latent that are a type's, the last of which is 1 in its rows."""
        half = self.units // 2
        return slice(half, self.units) if greedy else slice(0, half)

    def forward(self, features: th.Tensor) -> th.Tensor:
        """Latent of features ``(batch, width)``, whose columns are those of observations, squashed or not."""
        greedy = features[:, layout.Own.GREED] > 0.0
        if th.compiler.is_exporting():  # to ONNX or torch: a graph without rows that come and go
            seeker, greed = ((rows[:, None]).to(features.dtype) for rows in (~greedy, greedy))
            return th.cat([self.seeker(features) * seeker, seeker, self.greedy(features) * greed, greed], dim=1)
        halves = []
        for layers, rows in ((self.seeker, ~greedy), (self.greedy, greedy)):
            # each row through the layers of its type alone: half the work
            own = rows.nonzero().squeeze(1)
            latent = layers(features.index_select(0, own))
            halves += [features.new_zeros(len(features), latent.shape[1]).index_copy(0, own, latent)]
            halves += [rows[:, None].to(features.dtype)]
        return th.cat(halves, dim=1)


def _hidden(width: int, layers: Sequence[int], activation: type[nn.Module]) -> nn.Sequential:
    modules: list[nn.Module] = []
    for units in layers:
        modules += [nn.Linear(width, units), activation()]
        width = units
    return nn.Sequential(*modules)


def _step(lstm: nn.LSTM, features: th.Tensor, memory: Memory) -> tuple[th.Tensor, Memory]:
    """One turn of an LSTM: a sequence of length one."""
    output, after = lstm(features.unsqueeze(0), memory)
    return output.squeeze(0), after


# --- from logits to actions ----------------------------------------------------------------------------------


class Heads:
    """All heads of an action at once: their logits padded to one width.

    Args:
        sizes: choices of each head.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = [int(size) for size in sizes]
        self.width = max(self.sizes)
        first, index = 0, []
        for size in self.sizes:
            # choices that a short head lacks point at the column of NEVER appended after the last logit
            index += [first + k if k < size else sum(self.sizes) for k in range(self.width)]
            first += size
        self._index = th.tensor(index)

    def log_probs(self, logits: th.Tensor) -> th.Tensor:
        """Log probabilities ``(batch, heads, width)`` of flat logits ``(batch, sum(sizes))``."""
        if self._index.device != logits.device:
            self._index = self._index.to(logits.device)
        padded = nn.functional.pad(logits, (0, 1), value=NEVER).index_select(1, self._index)
        return th.log_softmax(padded.view(-1, len(self.sizes), self.width), dim=-1)


def gumbel(log_probs: th.Tensor, generator: th.Generator | None = None) -> th.Tensor:
    """Draw choices: the largest of the log probabilities with Gumbel noise is a draw from them."""
    noise = th.empty_like(log_probs).exponential_(generator=generator)
    return (log_probs - noise.log_()).argmax(dim=-1)


class Choice:
    """Actions and probabilities from flat logits, in the manner of a policy class.

    Args:
        kind: that manner.
        sizes: choices of each head.
    """

    def __init__(self, kind: Kind, sizes: Sequence[int]) -> None:
        self.kind, self.heads = kind, Heads(sizes)

    def probabilities(self, logits: th.Tensor, mask: th.Tensor) -> list[th.Tensor]:
        """Probabilities of each head, ``(batch, size)``; ``mask`` is bool ``(batch, sum(sizes))``."""
        if self.kind.joint:
            log_probs = self.heads.log_probs(logits)
            return [log_probs[:, head, :size].exp() for head, size in enumerate(self.heads.sizes)]
        found = []
        sizes = self.heads.sizes
        for own, legal in zip(th.split(logits, sizes, dim=1), th.split(mask, sizes, dim=1), strict=True):
            normal = own - own.logsumexp(dim=-1, keepdim=True)
            if self.kind.masked:
                normal = th.where(legal, normal, NEVER)
                normal = normal - normal.logsumexp(dim=-1, keepdim=True)
            found.append(th.softmax(normal, dim=-1))
        return found

    def act(self, logits: th.Tensor, mask: th.Tensor, generator: th.Generator, deterministic: bool) -> th.Tensor:
        """Choices int64 ``(batch, heads)``: drawn from ``generator``, or the most probable ones."""
        if self.kind.joint:
            log_probs = self.heads.log_probs(logits)
            return log_probs.argmax(dim=-1) if deterministic else gumbel(log_probs, generator)
        found = self.probabilities(logits, mask)
        if deterministic:
            return th.stack([own.argmax(dim=1) for own in found], dim=1)
        return th.cat([th.multinomial(own, 1, True, generator=generator) for own in found], dim=1)
