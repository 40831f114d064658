"""What a learner of stable-baselines3 or sb3-contrib is made of, as the data that a bundle holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gymnasium import spaces as gym
from sb3_contrib import MaskablePPO, RecurrentPPO
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.save_util import load_from_zip_file
from stable_baselines3.common.torch_layers import FlattenExtractor

from agents.policies.manifest import Spaces, Unfit, spaces_like
from agents.policies.networks import ACTIVATIONS, KINDS, Architecture, PolicyClass
from agents.policies.sb3 import (
    HeadsPolicy,
    MaskablePolicy,
    MaskableTypesPolicy,
    RecurrentHeadsPolicy,
    SymlogExtractor,
    TypesPolicy,
)
from agents.policies.sb3_set import MaskableSetPolicy, SetPolicy
from sd_env import layout

#: Exactly these: a class derived from one of them may compute something else with the same weights.
_NAMES: dict[type, PolicyClass] = {
    HeadsPolicy: "HeadsPolicy",
    TypesPolicy: "TypesPolicy",
    RecurrentHeadsPolicy: "RecurrentHeadsPolicy",
    MaskablePolicy: "MaskablePolicy",
    MaskableTypesPolicy: "MaskableTypesPolicy",
    SetPolicy: "SetPolicy",
    MaskableSetPolicy: "MaskableSetPolicy",
    ActorCriticPolicy: "MlpPolicy",
    RecurrentActorCriticPolicy: "MlpLstmPolicy",
}
_EXTRACTORS: dict[type, str] = {FlattenExtractor: "raw", SymlogExtractor: "symlog"}


def architecture_of(policy: Any) -> tuple[PolicyClass, Architecture]:
    """The name of a policy's class and its settings.

    Raises:
        Unfit: naming the setting that a bundle cannot hold.
    """
    name = _NAMES.get(type(policy))
    if name is None:
        raise Unfit(f"its policy class {type(policy).__name__} is none of {', '.join(KINDS)}")
    extractor = _EXTRACTORS.get(policy.features_extractor_class)
    if extractor is None or policy.features_extractor_kwargs:
        known = " and ".join(kind.__name__ for kind in _EXTRACTORS)
        given = policy.features_extractor_class.__name__
        raise Unfit(f"its features_extractor_class {given} is not {known} without arguments")
    activations = {module: word for word, module in ACTIVATIONS.items()}
    activation = activations.get(policy.activation_fn)
    if activation is None:
        given = getattr(policy.activation_fn, "__name__", repr(policy.activation_fn))
        raise Unfit(f"its activation_fn {given} is none of {', '.join(module.__name__ for module in activations)}")
    arch = policy.net_arch if isinstance(policy.net_arch, dict) else {"pi": policy.net_arch, "vf": policy.net_arch}
    lstm = None
    if KINDS[name].recurrent:
        if policy.lstm_kwargs:
            raise Unfit(f"its lstm_kwargs {policy.lstm_kwargs} are not those of a plain LSTM: they must be empty")
        critic = "own" if policy.enable_critic_lstm else "shared" if policy.shared_lstm else "linear"
        lstm = {"hidden_size": policy.lstm_actor.hidden_size, "layers": policy.lstm_actor.num_layers, "critic": critic}
    settings = {
        "net_arch": {key: [int(units) for units in arch.get(key, [])] for key in ("pi", "vf")},
        "activation": activation,
        "extractor": extractor,
        "lstm": lstm,
    }
    return name, Architecture.model_validate(settings)


def spaces_of_learner(learner: OnPolicyAlgorithm) -> Spaces:
    """The spaces of a learner that was trained on worlds of this game.

    Raises:
        Unfit: if its spaces are not those of this game.
    """
    observations, actions = learner.observation_space, learner.action_space
    if (
        not isinstance(observations, gym.Box)
        or not isinstance(actions, gym.MultiDiscrete)
        or observations.low.ndim != 1
    ):
        raise Unfit(f"its spaces {observations} and {actions} are not a flat Box and a MultiDiscrete of this game")
    try:
        heads = layout.Heads.of(actions.nvec, len(observations.low))
    except ValueError:
        what = f"its actions {actions.nvec.tolist()} and observations of {len(observations.low)} columns"
        raise Unfit(f"{what} are not those of any number of states") from None
    spaces = spaces_like(heads, layout.observation_parts(len(observations.low), heads.num_states, heads.limits_force))
    if observations.low.tolist() != spaces.low or observations.high.tolist() != spaces.high:
        raise Unfit("the bounds of its observations are not those of this game")
    return spaces


def open_zip(path: Path) -> OnPolicyAlgorithm:
    """Load a zip of SB3. This runs the code that is pickled in it.

    Raises:
        Unfit: if it is no zip of an on-policy learner, or loading fails.
    """
    # of no use without training, and the likeliest to be unreadable for another version
    schedules: dict[str, Any] = dict.fromkeys(("learning_rate", "clip_range"), 0.0) | {"lr_schedule": None}
    if path.exists() and not path.is_file():  # a pipe may never end
        raise Unfit("it is no regular file")
    try:
        data, _, _ = load_from_zip_file(path, device="cpu", custom_objects=schedules)
        algorithm = _algorithm_of(data or {})
        # one step of one environment: the buffer of the rollouts is not wanted
        return algorithm.load(path, device="cpu", custom_objects=schedules, n_steps=1, n_envs=1)
    except Unfit:
        raise
    except Exception as error:  # whatever the code in the zip raises
        text = " ".join(str(error).split())[:200].rstrip(".")
        raise Unfit(f"loading it as a zip of stable-baselines3 failed with {type(error).__name__}: {text}") from error


def _algorithm_of(data: dict[str, Any]) -> type[OnPolicyAlgorithm]:
    """The learner that wrote a zip, which names only its policy and its settings."""
    policy = data.get("policy_class")
    if isinstance(policy, type) and issubclass(policy, RecurrentActorCriticPolicy):
        return RecurrentPPO
    if isinstance(policy, type) and issubclass(policy, MaskablePolicy):
        return MaskablePPO
    if isinstance(policy, type) and issubclass(policy, ActorCriticPolicy):
        return PPO if "n_epochs" in data else A2C
    raise Unfit("it holds no policy of PPO, A2C, MaskablePPO or RecurrentPPO")
