"""SB3 policies over the other states as a set (:mod:`agents.policies.set_network`), for any number of states.

``net_arch``: the first layer's units are those of the embeddings, the second's those after pooling, further ones
follow. Weights of worlds with N states go into a policy for any other N by ``load_state_dict``.
"""

from __future__ import annotations

from typing import Any

from sb3_contrib.common.maskable.distributions import MaskableMultiCategoricalDistribution
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from agents.policies.sb3 import Extractor, HeadsDistribution
from agents.policies.set_network import SetActor, SetCritic, SetHeads
from sd_env import layout


class SetExtractor(Extractor):
    """Actor and critic over the others as a set.

    Args:
        policy: an SB3 policy whose spaces, ``net_arch`` and ``activation_fn`` are set.

    Raises:
        ValueError: if ``net_arch`` has no layer for the actor or for the critic.
    """

    def __init__(self, policy: Any) -> None:
        super().__init__(policy)
        heads = layout.Heads.of(policy.action_space.nvec, policy.features_dim)
        arch = self.arch
        if not (arch.get("pi") and arch.get("vf")):
            raise ValueError(f"net_arch = {arch} is not allowed: a policy over sets needs a layer, its embeddings.")
        actor = SetActor(policy.features_dim, heads, arch["pi"], policy.activation_fn)
        critic = SetCritic(policy.features_dim, heads, arch["vf"], policy.activation_fn)
        self.policy_net, self.value_net = actor, critic
        self.latent_dim_pi, self.latent_dim_vf = actor.units * heads.num_states, critic.units


class _OfSets:
    """Mixed into a distribution: its logits are those of :class:`agents.policies.set_network.SetHeads`."""

    heads: layout.Heads

    def proba_distribution_net(self, latent_dim: int) -> nn.Module:
        """The layer from latents to logits."""
        return SetHeads(latent_dim // self.heads.num_states, self.heads)


class SetHeadsDistribution(_OfSets, HeadsDistribution):
    """One categorical a head, all at once, with the logits of :class:`agents.policies.set_network.SetHeads`."""


class MaskableSetDistribution(_OfSets, MaskableMultiCategoricalDistribution):
    """sb3-contrib's distribution under masks, with the logits of :class:`agents.policies.set_network.SetHeads`."""


class _OverSets:
    """Mixed into an SB3 policy: networks over sets instead of flat ones."""

    distribution: type[SetHeadsDistribution] | type[MaskableSetDistribution]
    action_dist: Any

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor: Any = SetExtractor(self).to(self.device)  # type: ignore[attr-defined]

    def _build(self, lr_schedule: Schedule) -> None:
        space = self.action_space  # type: ignore[attr-defined]
        self.action_dist = self.distribution([int(size) for size in space.nvec])
        self.action_dist.heads = layout.Heads.of(space.nvec, self.features_dim)  # type: ignore[attr-defined]
        super()._build(lr_schedule)  # type: ignore[misc]


class SetPolicy(_OverSets, ActorCriticPolicy):
    """Actor and critic over the others as a set, for PPO and A2C."""

    distribution = SetHeadsDistribution


class MaskableSetPolicy(_OverSets, MaskableActorCriticPolicy):
    """Actor and critic over the others as a set, for MaskablePPO."""

    distribution = MaskableSetDistribution
