"""What a learner is: its settings in the YAML of a training, and which learner has which."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from agents.training.fields import Positive, Settings, Whole, Width

Algorithm = Literal["PPO", "A2C", "MaskablePPO", "RecurrentPPO", "FastPPO", "AlignedPPO"]
#: Learners that may look for what beats a policy.
Searcher = Literal["PPO", "FastPPO"]

_CLIPPED = ("batch_size", "n_epochs", "clip_range", "target_kl")
_MEMORY = ("lstm_hidden_size", "n_lstm_layers")
_RMSPROP = ("rms_prop_eps",)
_MASKS = ("masks",)
_ALIGNED = ("align_weight", "align_decay")
#: Which of the optional settings each learner has. ``target_kl`` may be null everywhere, FastPPO's memory too.
SETTINGS: dict[str, tuple[str, ...]] = {
    "PPO": _CLIPPED,
    "MaskablePPO": _CLIPPED,
    "RecurrentPPO": _CLIPPED + _MEMORY,
    "A2C": _RMSPROP,
    "FastPPO": _CLIPPED + _MEMORY + _MASKS,
    "AlignedPPO": _CLIPPED + _ALIGNED,
}


class LearnerConfig(Settings):
    """One learner, SB3's or one of ours (FastPPO, AlignedPPO), and its hyper-parameters; names are SB3's."""

    algorithm: Algorithm = Field(description="which learner")
    learning_rate: float = Field(gt=0, description="step size of the optimiser at the start")
    learning_rate_end: float = Field(ge=0, description="step size at the end; it falls linearly")
    n_steps: Positive = Field(description="turns of each world in a rollout")
    gamma: float = Field(
        ge=0, le=1, description="discount a turn: 1 in trainings, whose horizon is the end of the game"
    )
    gae_lambda: float = Field(ge=0, le=1, description="trace decay of the advantage estimate")
    normalize_advantage: bool = Field(description="advantages of a batch with mean 0 and deviation 1")
    ent_coef: float = Field(ge=0, description="weight of the entropy bonus at the start")
    ent_coef_end: float | None = Field(
        default=None,
        gt=0,
        description="weight of the entropy bonus in the last fifth; it falls geometrically to there; null: stays",
    )
    vf_coef: float = Field(ge=0, description="weight of the value loss")
    max_grad_norm: float = Field(gt=0, description="longest gradient")
    reward_scale: float = Field(gt=0, description="what the learner's rewards are multiplied by; metrics are not")
    batch_size: Whole | None = Field(default=None, ge=2, description="agent-steps in a minibatch")
    n_epochs: Positive | None = Field(default=None, description="passes over each rollout")
    clip_range: float | None = Field(default=None, gt=0, description="PPO's clip range")
    target_kl: float | None = Field(default=None, gt=0, description="stop a rollout's passes beyond 1.5 times this")
    rms_prop_eps: float | None = Field(default=None, gt=0, description="RMSProp's epsilon")
    lstm_hidden_size: Width | None = Field(default=None, description="units of the LSTM")
    n_lstm_layers: Whole | None = Field(default=None, ge=1, le=16, description="layers of the LSTM")
    masks: bool | None = Field(default=None, description="draw no choice that the rules forbid, or leave it to them")
    align_weight: float | None = Field(
        default=None, ge=0, description="what the others' advantages count in AlignedPPO; 0 is PPO"
    )
    align_decay: float | None = Field(
        default=None, ge=0, le=1, description="what a turn that is a turn further back counts in AlignedPPO"
    )
    network: Literal["flat", "set"] = Field(
        description="flat: weights of its own for each other state; set: the same for all, fit for any number of them"
    )
    networks: Literal["shared", "by_type"] = Field(
        default="shared",
        description="shared: one network for security seekers and greedy states; by_type: one for each",
    )
    net_arch: list[Width] = Field(
        max_length=16,
        description="hidden layers, the same for policy and value, not shared; of a set: embeddings, pooled, more",
    )
    activation: Literal["tanh", "relu"] = Field(description="of the hidden layers")
    observations: Literal["symlog", "raw"] = Field(description="squash observations with sign(x) log(1+|x|), or not")
    culture: Literal["uniform", "peaceful", "hostile"] = Field(description="initial bias of the stance logits")
    culture_strength: float = Field(ge=0, description="that bias, in nats")

    @model_validator(mode="after")
    def _fits_the_learner(self) -> LearnerConfig:
        own, fast = SETTINGS[self.algorithm], self.algorithm == "FastPPO"
        for name in _CLIPPED + _MEMORY + _RMSPROP + _MASKS + _ALIGNED:
            value = getattr(self, name)
            if name in own and value is None and name != "target_kl" and not (fast and name in _MEMORY):
                raise ValueError(f"{name} is missing: {self.algorithm} needs it")
            if name not in own and value is not None:
                raise ValueError(f"{name} = {value} is not a setting of {self.algorithm}: leave it out or null")
        if (self.lstm_hidden_size is None) != (self.n_lstm_layers is None):
            raise ValueError("lstm_hidden_size and n_lstm_layers go together: give both, or neither for no memory")
        memory = self.lstm_hidden_size is not None
        if memory and self.masks:
            raise ValueError("masks = True is not allowed with lstm_hidden_size: take one of the two")
        if fast and memory and (self.batch_size or 0) < self.n_steps:
            raise ValueError(
                f"batch_size = {self.batch_size} is not allowed with FastPPO's memory and n_steps = {self.n_steps}: it "
                "learns from whole rollouts of a slot, so take as many or more"
            )
        kind = "FastPPO with lstm_hidden_size" if fast and memory else self.algorithm
        if self.network == "set" and memory:
            raise ValueError(f"network = 'set' is not allowed with {kind}, whose memory is flat: take flat")
        if self.networks == "by_type" and (self.network == "set" or memory or self.algorithm == "MaskablePPO"):
            with_what = "network set" if self.network == "set" else kind
            raise ValueError(
                f"networks = 'by_type' is not allowed with {with_what}: take PPO, A2C, FastPPO or AlignedPPO and "
                "network flat"
            )
        if self.ent_coef_end is not None and self.ent_coef == 0:
            raise ValueError(
                f"ent_coef_end = {self.ent_coef_end} is not allowed with ent_coef = 0: it falls from there"
            )
        if self.network == "set" and not self.net_arch:
            raise ValueError("net_arch = [] is not allowed with network set: it needs a layer, its embeddings")
        return self
