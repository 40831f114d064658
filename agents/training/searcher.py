"""The learner that looks for what beats a policy: of rounds, of certificates, and with less noise of exploitability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agents.training.learner_config import LearnerConfig, Searcher

if TYPE_CHECKING:
    from agents.policies.protocol import Policy

#: The learner of searches from scratch: the exploration by which the four worlds are learned, on small rollouts, with
#: the whole of what followed as the measure of a choice. Rollouts of 256 worlds and a trace decay of .95 find a third
#: of what a greedy state gains from a policy at rest in the not intense world in as many turns.
SEARCHER: Final = LearnerConfig(
    algorithm="PPO",
    learning_rate=0.003,
    learning_rate_end=0.0001,
    n_steps=32,
    gamma=1.0,
    gae_lambda=1.0,
    normalize_advantage=True,
    ent_coef=0.3,
    ent_coef_end=0.0001,
    vf_coef=0.5,
    max_grad_norm=0.5,
    reward_scale=0.1,
    batch_size=512,
    n_epochs=4,
    clip_range=0.2,
    network="flat",
    networks="by_type",
    net_arch=[64, 64],
    activation="tanh",
    observations="symlog",
    culture="uniform",
    culture_strength=0.0,
)
#: Worlds in which it learns.
SEARCH_WORLDS: Final = 64
#: Entropy bonus at the start of a search that begins with a policy: enough to look around, too little to forget it;
#: and its step size.
_WARM_ENTROPY: Final = 0.02
_WARM_RATE: Final = 0.001


def scratch(by: Searcher = "PPO") -> LearnerConfig:
    """Settings of a search that starts from scratch, by SB3's PPO or by FastPPO."""
    return SEARCHER.model_copy(update=computed_by(by))


def computed_by(by: Searcher) -> dict[str, Any]:
    """The settings that say whether SB3's PPO or FastPPO computes a search."""
    return {"algorithm": by, "masks": False if by == "FastPPO" else None}


def warm(policy: Policy, by: Searcher = "PPO") -> LearnerConfig | None:
    """Settings of a search that begins as ``policy`` does; None if it is no bundle of PPO's or A2C's flat networks."""
    from agents.policies.bundles import LearnedBundle  # only now: it brings torch

    if not isinstance(policy, LearnedBundle) or policy.manifest.policy not in ("HeadsPolicy", "TypesPolicy"):
        return None
    made = policy.manifest.architecture
    if made.activation not in ("tanh", "relu") or made.net_arch.pi != made.net_arch.vf:
        return None
    own = {
        "networks": "by_type" if policy.manifest.policy == "TypesPolicy" else "shared",
        "net_arch": made.net_arch.pi,
        "activation": made.activation,
        "observations": made.extractor,
        "ent_coef": _WARM_ENTROPY,
        "learning_rate": _WARM_RATE,
    }
    return LearnerConfig.model_validate(SEARCHER.model_dump() | own | computed_by(by))
