"""FastPPO: our own PPO, the same algorithm as stable-baselines3's, two to three times as fast in small networks.

What PPO is (Schulman et al. 2017) and its settings are SB3's, and so are the weights, which live in an SB3 policy: the
same rollout gives the same update. What is different is how it is computed:

- arrays lie choice by choice and the gradient of the loss is written out, so that an update is a few products of
  matrices and little else (:mod:`agents.training.fast_networks`);
- in a rollout only the actor is asked on every turn: values, log probabilities and the advantages that follow from them
  are computed at its end for all rows at once;
- all weights are one flat tensor: one norm, one step of Adam.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch as th
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.utils import FloatSchedule, explained_variance
from stable_baselines3.common.vec_env import VecEnv

from agents.policies.networks import NEVER
from agents.policies.sb3 import SymlogExtractor
from agents.training.fast_networks import Remembering, networks_of
from sd_env.errors import RefusedError

#: The least log probability that is told apart from none: below, exp is slow, and nothing is learned of it.
_LEAST = -80.0
_TOLD = ("policy_gradient_loss", "value_loss", "entropy_loss", "approx_kl", "clip_fraction")


class Choices:
    """All heads of an action at once, choice by choice: ``(width, heads, rows)``, short heads padded to one width.

    Args:
        sizes: choices of each head.
        device: of the arrays.
    """

    def __init__(self, sizes: list[int], device: th.device) -> None:
        self.heads, self.width = len(sizes), max(sizes)
        first, none = np.cumsum([0, *sizes]), sum(sizes)
        pairs = [(choice, head) for choice in range(self.width) for head in range(self.heads)]
        padded = [first[head] + choice if choice < sizes[head] else none for choice, head in pairs]
        flat = [choice * self.heads + head for head in range(self.heads) for choice in range(sizes[head])]
        self._padded, self._flat = th.tensor(padded, device=device), th.tensor(flat, device=device)

    def padded(self, flat: th.Tensor, missing: float) -> th.Tensor:
        """Flat ``(sum(sizes), rows)`` to ``(width, heads, rows)``, with ``missing`` where a head has no such choice."""
        whole = th.cat([flat, flat.new_full((1, flat.shape[1]), missing)])
        return whole.index_select(0, self._padded).view(self.width, self.heads, -1)

    def flat(self, padded: th.Tensor) -> th.Tensor:
        """The opposite of :meth:`padded`."""
        return padded.view(self.width * self.heads, -1).index_select(0, self._flat)


class Rollout:
    """What is left of a rollout: a row for each slot and turn, turn by turn, all on one device.

    Attributes:
        features: what the first layer sees, ``(rows, D)``, and what is seen after the last turn.
        actions: int64 ``(heads, rows)``.
        legal: legal choices, bool ``(width, heads, rows)``, for a policy under masks; else None.
        numbers: log probabilities of the actions, advantages, returns, ``(3, rows)``.
        rewards: ``(turns, slots)``.
        starts: which slots begin an episode, bool ``(turns + 1, slots)``.
        values: ``(turns + 1, slots)``.
    """

    def __init__(self, turns: int, slots: int, columns: int, choices: Choices, masked: bool, device: th.device) -> None:
        rows = turns * slots
        self.choices = choices
        self.features = th.zeros((rows + slots, columns), device=device)
        self.actions = th.zeros((choices.heads, rows), dtype=th.int64, device=device)
        shape = (choices.width, choices.heads, rows)
        self.legal = th.zeros(shape, dtype=th.bool, device=device) if masked else None
        self.numbers = th.zeros((3, rows), device=device)
        self.rewards = np.zeros((turns, slots), dtype=np.float32)
        self.starts = np.zeros((turns + 1, slots), dtype=np.bool_)
        self.values = np.zeros((turns + 1, slots), dtype=np.float32)

    def estimate(self, log_probs: th.Tensor, gamma: float, gae_lambda: float) -> None:
        """Keep log probabilities, advantages by generalised estimation (Schulman et al. 2016), and returns."""
        advantages, following = np.zeros_like(self.rewards), np.zeros_like(self.rewards[0])
        goes_on = 1.0 - self.starts[1:].astype(np.float32)
        surprise = self.rewards + gamma * self.values[1:] * goes_on - self.values[:-1]
        for turn in range(len(advantages) - 1, -1, -1):
            following = advantages[turn] = surprise[turn] + gamma * gae_lambda * goes_on[turn] * following
        self.numbers[0] = log_probs
        self.numbers[1] = th.from_numpy(advantages.ravel())
        self.numbers[2] = th.from_numpy((advantages + self.values[:-1]).ravel())


class FastPPO(PPO):
    """PPO with stable-baselines3's settings, loop, callbacks, logger and weights; rollouts and updates are our own.

    It learns with the policies of :mod:`agents.policies.sb3` and :mod:`agents.policies.sb3_set`: flat networks, shared
    or by type, are computed by hand, sets and LSTMs by autograd. A policy under masks is asked for no illegal choice.

    Raises:
        RefusedError: for what it does not do: one sentence.
    """

    rollout_buffer: Any
    policy: Any
    _last_obs: Any

    def _setup_model(self) -> None:
        if self.clip_range_vf is not None or self.use_sde:
            raise RefusedError("FastPPO has neither clip_range_vf nor use_sde: leave both out, or take PPO.")
        seen, done = self.observation_space, self.action_space
        if not (isinstance(seen, spaces.Box) and len(seen.shape) == 1 and isinstance(done, spaces.MultiDiscrete)):
            raise RefusedError("FastPPO takes observations of a flat Box and actions of a MultiDiscrete.")
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        policy: Any = self.policy_class
        self.policy = policy(self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs)
        self.policy = self.policy.to(self.device)
        extractor = type(self.policy.features_extractor)
        if extractor not in (SymlogExtractor, FlattenExtractor):
            raise RefusedError(f"FastPPO sees observations raw or by SymlogExtractor, not by {extractor.__name__}.")
        self._symlog = extractor is SymlogExtractor
        self._networks, self._weights = networks_of(self.policy, self.n_envs)
        if isinstance(self._networks, Remembering) and self.batch_size < self.n_steps:
            raise RefusedError(
                f"batch_size = {self.batch_size} is below n_steps = {self.n_steps}: with memory FastPPO learns from "
                "whole rollouts of a slot."
            )
        self.policy.optimizer = th.optim.Adam([self._weights], lr=self.lr_schedule(1), eps=1e-5, fused=True)
        self.clip_range = FloatSchedule(self.clip_range)
        masked = isinstance(self.policy, MaskableActorCriticPolicy)
        choices = Choices([int(size) for size in done.nvec], self.device)
        self.rollout_buffer = Rollout(self.n_steps, self.n_envs, seen.shape[0], choices, masked, self.device)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_networks", "_weights"]

    @property
    def _last_lstm_states(self) -> RNNStates | None:
        """What policy and value remember of each slot, as RecurrentPPO has it; None without memory."""
        return self._networks.states if isinstance(self._networks, Remembering) else None

    @_last_lstm_states.setter
    def _last_lstm_states(self, states: RNNStates) -> None:
        if isinstance(self._networks, Remembering):
            self._networks.states = states

    # --- a rollout --------------------------------------------------------------------------------------------

    @th.no_grad()
    def collect_rollouts(self, env: VecEnv, callback: BaseCallback, rollout_buffer: Any, n_rollout_steps: int) -> bool:
        """Play ``n_rollout_steps`` turns of all slots; False if the callback stops it."""
        rollout, slots, choices = rollout_buffer, env.num_envs, rollout_buffer.choices
        callback.on_rollout_start()
        if isinstance(self._networks, Remembering):
            self._networks.begin()
        shape = (n_rollout_steps, choices.width, choices.heads, slots)
        noise = th.empty(shape, device=self.device).uniform_(th.finfo(th.float32).tiny, 1.0)
        noise = noise.log_().neg_().log_().neg_()  # Gumbel's: between -4.5 and 17, so that what is NEVER stays so
        logits = []
        for turn in range(n_rollout_steps):
            rows = slice(turn * slots, (turn + 1) * slots)
            assert self._last_obs is not None and self._last_episode_starts is not None, "learn() has reset the worlds"
            rollout.starts[turn] = self._last_episode_starts
            features = self._see(self._last_obs, rollout.features[rows])
            own = choices.padded(self._networks.act(features, rollout.starts[turn]), NEVER)
            if rollout.legal is not None:
                masks = th.from_numpy(_masks(env)).to(self.device)
                rollout.legal[:, :, rows] = choices.padded(masks.T, False)
                own.masked_fill_(~rollout.legal[:, :, rows], NEVER)
            logits.append(own)
            chosen = (own + noise[turn]).max(dim=0).indices
            rollout.actions[:, rows] = chosen
            actions = chosen.T.cpu().numpy()
            new_obs, rewards, dones, infos = env.step(actions)
            self.num_timesteps += slots
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            if dones.any():
                self._update_info_buffer(infos, dones)
                self._bootstrap(rewards, infos, np.flatnonzero(dones))
            rollout.rewards[turn] = rewards
            self._last_obs, self._last_episode_starts = new_obs, dones
        rollout.starts[-1] = self._last_episode_starts
        self._see(self._last_obs, rollout.features[-slots:])
        rollout.values[:] = self._networks.values(rollout.features, rollout.starts).cpu().numpy().reshape(-1, slots)
        log_probs = th.log_softmax(th.cat(logits, dim=2), dim=0).gather(0, rollout.actions[None])[0].sum(dim=0)
        rollout.estimate(log_probs, self.gamma, self.gae_lambda)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _see(self, observations: Any, out: th.Tensor) -> th.Tensor:
        """Observations as the first layer sees them, in ``out``."""
        out.copy_(th.from_numpy(observations))
        return th.copysign(out.abs().log1p_(), out, out=out) if self._symlog else out

    def _bootstrap(self, rewards: np.ndarray, infos: list[dict[str, Any]], ended: np.ndarray) -> None:
        """Where a horizon only cut an episode off, add what the value sees beyond it."""
        cut = [
            slot for slot in ended if infos[slot].get("TimeLimit.truncated") and "terminal_observation" in infos[slot]
        ]
        if not cut:
            return
        if isinstance(self._networks, Remembering):
            raise RefusedError("FastPPO with memory values nothing beyond a horizon: its worlds need horizon_ends.")
        last = np.stack([infos[slot]["terminal_observation"] for slot in cut])
        features = self._see(last, self._weights.new_empty((len(cut), last.shape[1])))
        rewards[cut] += self.gamma * self._networks.values(features, np.zeros(0, dtype=np.bool_)).cpu().numpy()

    # --- an update --------------------------------------------------------------------------------------------

    @th.no_grad()
    def train(self) -> None:
        """Learn from the rollout: some passes over it, minibatch by minibatch."""
        optimizer, rollout = self.policy.optimizer, self.rollout_buffer
        self._update_learning_rate(optimizer)
        clip = self.clip_range(self._current_progress_remaining)  # type: ignore[operator]
        gradient = self._weights.grad
        assert gradient is not None
        features = rollout.features[: -self.n_envs]
        told: list[th.Tensor] = []
        going, last = True, 0
        for _ in range(self.n_epochs):
            last = len(told)
            order, parts = self._networks.deal(features, rollout.starts, self.batch_size)
            index = th.from_numpy(order).to(self.device)
            seen, actions = features.index_select(0, index), rollout.actions.index_select(1, index)
            numbers = rollout.numbers.index_select(1, index)
            legal = None if rollout.legal is None else rollout.legal.index_select(2, index)
            for part, hint in parts:
                logits, values = self._networks.forward(seen[part], hint)
                padded = rollout.choices.padded(logits, NEVER)
                if legal is not None:
                    padded.masked_fill_(~legal[:, :, part], NEVER)
                d_padded, d_values, news = self._loss(padded, values, actions[:, part], numbers[:, part], clip)
                told.append(news)
                if self.target_kl is not None and news[_TOLD.index("approx_kl")] > 1.5 * self.target_kl:
                    going = False
                    break
                gradient.zero_()
                self._networks.backward(rollout.choices.flat(d_padded), d_values)
                gradient.mul_((self.max_grad_norm / (gradient.norm() + 1e-6)).clamp_(max=1.0))
                optimizer.step()
            self._n_updates += 1
            if not going:
                break
        self._tell(th.stack(told).cpu().numpy(), last, clip)

    def _loss(
        self, logits: th.Tensor, values: th.Tensor, actions: th.Tensor, numbers: th.Tensor, clip: float
    ) -> tuple[th.Tensor, th.Tensor, th.Tensor]:
        """Gradients of PPO's loss by logits ``(width, heads, rows)`` and values ``(rows,)``; and what is told of it."""
        before, advantages, returns = numbers
        rows, heads = len(values), len(actions)
        log_probs = th.log_softmax(logits, dim=0).clamp_(min=_LEAST)
        probs = log_probs.exp()
        entropies = -(probs * log_probs).sum(dim=0)
        if self.normalize_advantage and rows > 1:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        log_ratio = log_probs.gather(0, actions[None])[0].sum(dim=0) - before
        ratio = log_ratio.exp()
        free, clipped = advantages * ratio, advantages * ratio.clamp(1 - clip, 1 + clip)
        off = values - returns
        # min(free, clipped) has a slope where it is the free one, and -log p of what was chosen has probs - 1 there
        slope = (free <= clipped) * free / -rows
        d_logits = probs * ((log_probs + entropies) * (self.ent_coef / rows) - slope)
        d_logits.scatter_add_(0, actions[None], slope.expand(1, heads, rows))
        d_values = off * (2 * self.vf_coef / rows)
        each = th.stack(
            [-th.min(free, clipped), off * off, -entropies.sum(dim=0), ratio - 1 - log_ratio, (ratio - 1).abs() > clip]
        )
        return d_logits, d_values, each.mean(dim=1)

    def _tell(self, told: np.ndarray, last: int, clip: float) -> None:
        """Log means over all minibatches, and of the divergence over those of the last pass, as SB3 does."""
        means = dict(zip(_TOLD, told.mean(axis=0).tolist(), strict=True))
        means["approx_kl"] = float(told[last:, _TOLD.index("approx_kl")].mean())
        final = dict(zip(_TOLD, told[-1].tolist(), strict=True))
        means["loss"] = (
            final["policy_gradient_loss"] + self.ent_coef * final["entropy_loss"] + self.vf_coef * final["value_loss"]
        )
        rollout = self.rollout_buffer
        returns = rollout.numbers[2].cpu().numpy()
        means["explained_variance"] = float(explained_variance(rollout.values[:-1].ravel(), returns))
        for name, value in means.items():
            self.logger.record(f"train/{name}", value)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/clip_range", clip)


def _masks(env: VecEnv) -> np.ndarray:
    """Legal choices of the coming turn, bool ``(slots, C)``."""
    own = getattr(env, "action_masks", None)
    masks: np.ndarray = own() if own is not None else np.stack(env.env_method("action_masks"))
    return masks
