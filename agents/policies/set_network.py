"""Networks that treat the other states as a set: the same weights play worlds of any number of states.

A flat network has weights of its own for each place in the list of others, and must learn for each of them anew what
an armed neighbour is. Here every other state goes through the same layers (Zaheer et al. 2017, *Deep Sets*), what they
are together is pooled, and each gets its stance from a head that all share. So the policy is equivariant: permuting the
others permutes its stances and changes nothing else.

Plain torch, nothing of training: stable-baselines3's policies (``agents.policies.sb3_set``) and bundles
(``agents.policies.networks``) are built of the same modules.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch as th
from torch import nn

from sd_env import layout


class SetEncoder(nn.Module):
    """What a state knows of itself, of each other state, and of all others together.

    Products are of matrices, never of stacks of them: torch multiplies those in one way or another according to
    whether gradients are wanted, and a bundle would give other last digits than its learner.

    Args:
        size: columns of an observation.
        heads: of the worlds with such observations; later ones may have any other number of states.
        width: units of each embedding.
        activation: after each layer.
    """

    def __init__(self, size: int, heads: layout.Heads, width: int, activation: type[nn.Module]) -> None:
        super().__init__()
        parts = layout.observation_parts(size, heads.num_states, heads.limits_force)
        self.other_size = parts.block
        self.own_size = size - (heads.num_states - 1) * self.other_size
        # one product for two things: its own embedding, and what it adds to those of the others
        self.own_net = nn.Linear(self.own_size, 2 * width)
        self.other_net = nn.Linear(self.other_size, width, bias=False)
        self.activation = activation()

    def forward(self, observations: th.Tensor) -> tuple[th.Tensor, th.Tensor]:
        """Itself, mean and maximum of the others, ``(batch, 3 width)``; and each other, ``(batch, N - 1, width)``.

        Fallen states count neither in the mean nor in the maximum; without others both are 0.
        """
        others = (observations.shape[1] - self.own_size) // self.other_size
        end = layout.OWN_SIZE + others * self.other_size
        itself = th.cat([observations[:, : layout.OWN_SIZE], observations[:, end:]], dim=1)
        blocks = observations[:, layout.OWN_SIZE : end].reshape(-1, self.other_size)
        own, setting = self.own_net(itself).chunk(2, dim=1)
        each = self.activation(self.other_net(blocks).unflatten(0, (-1, others)) + setting.unsqueeze(1))
        stands = (blocks[:, layout.Other.STANDING] > 0).view(-1, others, 1)
        mean = (each * stands).sum(dim=1) / stands.sum(dim=1).clamp(min=1)
        highest = each.masked_fill(~stands, th.finfo(each.dtype).min).amax(dim=1) * stands.any(dim=1)
        return th.cat([self.activation(own), mean, highest], dim=1), each


class SetActor(nn.Module):
    """From an observation to N latents, flat ``(batch, N units)``: its own first, then one for each other state.

    Args:
        size: columns of an observation.
        heads: of the worlds with such observations.
        layers: units of the embeddings, of the layer after pooling (the same, if there is one number), and of further
            ones.
        activation: after each layer.
    """

    def __init__(self, size: int, heads: layout.Heads, layers: Sequence[int], activation: type[nn.Module]) -> None:
        super().__init__()
        width, units = layers[0], layers[min(1, len(layers) - 1)]
        self.encoder = SetEncoder(size, heads, width, activation)
        self.whole = nn.Linear(3 * width, 2 * units)
        self.each = nn.Linear(width, units, bias=False)
        self.activation = activation()
        self.own_trunk = _trunk(units, layers[2:], activation)
        self.each_trunk = _trunk(units, layers[2:], activation)
        self.units = [units, *layers[2:]][-1]

    def forward(self, observations: th.Tensor) -> th.Tensor:
        """Latents, flat."""
        whole, each = self.encoder(observations)
        others = each.shape[1]
        own, shared = self.whole(whole).chunk(2, dim=1)
        apart = self.each(each.flatten(0, 1)).unflatten(0, (-1, others)) + shared.unsqueeze(1)
        latents = self.each_trunk(self.activation(apart).flatten(0, 1)).unflatten(0, (-1, others))
        return th.cat([self.own_trunk(self.activation(own)), latents.flatten(1)], dim=1)


class SetCritic(nn.Module):
    """From an observation to the latent of its value, ``(batch, units)``: the order of the others does not matter.

    Args:
        size: columns of an observation.
        heads: of the worlds with such observations.
        layers: as for :class:`SetActor`.
        activation: after each layer.
    """

    def __init__(self, size: int, heads: layout.Heads, layers: Sequence[int], activation: type[nn.Module]) -> None:
        super().__init__()
        width, units = layers[0], layers[min(1, len(layers) - 1)]
        self.encoder = SetEncoder(size, heads, width, activation)
        self.trunk = _trunk(3 * width, [units, *layers[2:]], activation)
        self.units = [units, *layers[2:]][-1]

    def forward(self, observations: th.Tensor) -> th.Tensor:
        """The latent."""
        latent: th.Tensor = self.trunk(self.encoder(observations)[0])
        return latent


class SetHeads(nn.Module):
    """From the N latents to flat logits: own heads from its own, those toward each other state from that one's.

    Args:
        units: of one latent.
        heads: of the scenario, whatever their number of states; default the standard ones.
    """

    def __init__(self, units: int, heads: layout.Heads | None = None) -> None:
        super().__init__()
        self.units, self.heads = units, heads or layout.standard_heads(2)
        self.own = nn.Linear(units, sum(self.heads.own_sizes))
        self.stance = nn.Linear(units, sum(self.heads.other_sizes))  # all heads toward one other state

    def forward(self, latents: th.Tensor) -> th.Tensor:
        """Logits ``(batch, sum(nvec))`` in the order of the action's heads."""
        others = latents.shape[1] // self.units - 1
        each = latents[:, self.units :].reshape(-1, self.units)
        toward = self.stance(each).view(-1, others * sum(self.heads.other_sizes))
        return th.cat([self.own(latents[:, : self.units]), toward], dim=1)

    def favour(self, stances: Sequence[layout.Stance], strength: float) -> None:
        """Add ``strength`` nats to the bias of ``stances``, toward every other state."""
        with th.no_grad():
            for stance in stances:
                first = self.heads.mask_entries(layout.Head.STANCE, stance).start - sum(self.heads.own_sizes)
                self.stance.bias[first] += strength


def _trunk(width: int, layers: Sequence[int], activation: type[nn.Module]) -> nn.Sequential:
    modules: list[nn.Module] = []
    for units in layers:
        modules += [nn.Linear(width, units), activation()]
        width = units
    return nn.Sequential(*modules)
