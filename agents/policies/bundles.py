"""Trained policies as bundles: saved whole, loaded without running code, played like any other policy.

    save_bundle("germany.sd", learner, scenario, training={"seed": 1})
    policy = load_bundle("germany.sd")

What is in the files: ``agents.policies.bundle_files`` and docs/bundles.md.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch as th

from agents.policies.acting import acting_of
from agents.policies.bundle_files import blank_network, fill, plain, read_bundle, serialise, write_bundle
from agents.policies.manifest import (
    FORMAT,
    BundleError,
    Manifest,
    Spaces,
    Unfit,
    difference,
    manifest_of,
    packages,
    resized,
    spaces_of,
)
from agents.policies.networks import KINDS, Choice, Kind, Memory, Network
from sd_env import layout
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

__all__ = ["BundleError", "LearnedBundle", "bundle_of", "import_zip", "load_bundle", "save_bundle"]


class LearnedBundle:
    """A trained policy, as :class:`sd_env.policies.Policy`: it follows from its weights and the seed of its last reset.

    Its draws come from a random stream of its own: they do not depend on what else runs, and nothing else on them.
    A policy with memory forgets a row whose ``own.turn`` is 0, where an episode begins.

    Attributes:
        name: what tables call it.
        memory: 0 without memory. With an LSTM the longest horizon, since nothing limits how far it looks back.
        scenario: where it was trained; None for a zip that was imported without one.
        info: all that ``bundle.json`` holds, as plain data.
        network: the weights in their module.
        deterministic: whether the most probable choices are made instead of drawn ones.
    """

    def __init__(
        self,
        manifest: Manifest,
        network: Network,
        scenario: Scenario | None,
        *,
        device: str | th.device = "cpu",
        deterministic: bool = False,
    ) -> None:
        self.name = manifest.name
        self.scenario = scenario
        self.info: dict[str, Any] = manifest.plain()
        self.deterministic = deterministic
        self.memory = int(Scenario.quantities()["horizon"].high) if manifest.architecture.lstm else 0
        self.device = _device(device)
        self.network = network.to(self.device)
        self.manifest = manifest
        self._acting = acting_of(manifest, [self.network], self.device)
        self._actors: Memory | None = None
        self._critics: Memory | None = None
        self._generator = th.Generator(self.device)
        self.reset(0)

    def __deepcopy__(self, memo: dict[int, Any]) -> LearnedBundle:
        """A copy for another seat: memory and draws are its own, the weights, which playing leaves alone, shared."""
        twin = copy.copy(self)
        twin._generator = th.Generator(self.device)
        twin._generator.set_state(self._generator.get_state())
        return twin

    def leading(self, greedy: bool, rank: int = 0) -> LearnedBundle:
        """Whoever plays most of the states of a type, or second most and so on: of a mixture a member, else itself."""
        return self

    def likeliest(self) -> LearnedBundle:
        """The same policy, making its most probable choices."""
        twin = copy.deepcopy(self)
        twin.deterministic = True
        return twin

    @property
    def spaces(self) -> Spaces:
        """What it saw where it was trained, column by column, and what it chose."""
        return self.manifest.spaces

    @property
    def ignores_masks(self) -> bool:
        """Whether it was trained without looking at masks, and leaves illegal choices to the rules."""
        return not KINDS[self.manifest.policy].masked

    def spaces_for(self, states: int) -> Spaces:
        """What it sees and chooses in a world of so many states: what it was trained on, unless it plays any number."""
        return resized(self.spaces, states) if KINDS[self.manifest.policy].sets else self.spaces

    # --- playing ----------------------------------------------------------------------------------------------

    def reset(self, seed: int | None = None) -> None:
        """Forget all rows, and begin the random stream of ``seed`` (0 to 2**64 - 1); None goes on with the old one."""
        self._actors = self._critics = None
        if seed is not None:
            self._generator.manual_seed(int(seed))

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Actions int64 ``(K, H)`` for observations float32 ``(K, D)`` and masks int8 ``(K, M)``.

        Only a masked policy looks at the mask; an illegal choice of another is replaced by the rules. A policy over
        sets takes those of any number of states, and goes by the mask for how many there are.

        Raises:
            BundleError: if a shape is not the policy's, or the number of rows changes in the middle of an episode.
        """
        if self._acting is not None:
            self._fits(observation, mask)
            return self._acting(observation, None, [self._draws()])
        seen, legal = self._rows(observation, mask)
        with th.no_grad():
            actors, critics = self._memories(seen)
            latent, self._actors = self.network.actor(seen, actors)
            if critics is not None:
                _, self._critics = self.network.critic_value(seen, critics, actors)
            logits = self.network.action_net(latent)
            actions = self._choice(legal).act(logits, legal, self._generator, self.deterministic)
        chosen: np.ndarray = actions.cpu().numpy()
        return chosen

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: layout.Heads) -> np.ndarray:
        """As :meth:`act`, in a game of these heads.

        Raises:
            BundleError: if it was trained among others.
        """
        if (trained := self.spaces_for(heads.num_states).nvec) != heads.sizes:
            raise BundleError(
                f"{self.name} was trained among {trained} choices; the actions of this game have {heads.sizes}."
            )
        return self.act(observation, mask)

    # --- looking inside ---------------------------------------------------------------------------------------
    # With memory, each of these answers for the coming turn, before act() has seen it, and remembers nothing.

    def probabilities(self, observation: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
        """Probabilities of the choices of each head, float32 ``(K, size)`` a head: what :meth:`act` draws from."""
        seen, legal = self._rows(observation, mask)
        with th.no_grad():
            latent, _ = self.network.actor(seen, self._memories(seen)[0])
            found = self._choice(legal).probabilities(self.network.action_net(latent), legal)
        return [head.cpu().numpy() for head in found]

    def value(self, observation: np.ndarray) -> np.ndarray:
        """What it expects of the rest of the episode, float32 ``(K,)``, in the learner's discounted, scaled rewards."""
        seen, _ = self._rows(observation, None)
        with th.no_grad():
            actors, critics = self._memories(seen)
            values, _ = self.network.critic_value(seen, critics, actors)
        found: np.ndarray = values.cpu().numpy()
        return found

    def latents(self, observation: np.ndarray) -> np.ndarray:
        """The policy's last hidden layer, float32 ``(K, units)``: what it has made of what it saw."""
        seen, _ = self._rows(observation, None)
        with th.no_grad():
            latent, _ = self.network.actor(seen, self._memories(seen)[0])
        found: np.ndarray = latent.cpu().numpy()
        return found

    def _rows(self, observation: np.ndarray, mask: np.ndarray | None) -> tuple[th.Tensor, th.Tensor]:
        choices = self._fits(observation, mask)
        seen = th.as_tensor(np.asarray(observation), dtype=th.float32, device=self.device)
        if mask is None:
            return seen, th.ones((len(seen), choices), dtype=th.bool)
        return seen, th.as_tensor(mask != 0, device=self.device)

    def _draws(self) -> th.Generator | None:
        """Where its draws come from; None if it makes its most probable choices."""
        return None if self.deterministic else self._generator

    def _fits(self, observation: np.ndarray, mask: np.ndarray | None) -> int:
        """How many flat choices there are; what has not the policy's shapes is refused."""
        rows = np.asarray(observation)
        size, choices = self._sizes(rows, mask)
        if rows.ndim != 2 or rows.shape[1] != size:
            raise BundleError(f"{self.name} takes observations of shape (rows, {size}), got {rows.shape}.")
        if mask is not None and mask.shape != (len(rows), choices):
            raise BundleError(f"{self.name} takes masks of shape ({len(rows)}, {choices}), got {mask.shape}.")
        return choices

    def _sizes(self, rows: np.ndarray, mask: np.ndarray | None) -> tuple[int, int]:
        """Columns and flat choices of the worlds that these are of, if it plays there; else of where it was trained."""
        spaces = self.spaces
        if KINDS[self.manifest.policy].sets:
            heads, parts = spaces.heads, spaces.parts
            for states in range(layout.MIN_STATES, layout.MAX_STATES + 1):
                size = layout.observation_size(states, *parts)
                choices = replace(heads, num_states=states).mask_size
                if rows.shape[-1:] == (size,) and (mask is None or mask.shape[-1:] == (choices,)):
                    return size, choices
        return len(spaces.columns), sum(spaces.nvec)

    def _choice(self, legal: th.Tensor) -> Choice:
        """From logits to actions, for as many choices."""
        spaces = self.spaces
        sizes = spaces.nvec
        if legal.shape[1] != sum(sizes):  # a policy over sets among more or fewer states
            own, each = sum(spaces.heads.own_sizes), sum(spaces.heads.other_sizes)
            sizes = resized(spaces, (legal.shape[1] - own) // each + 1).nvec
        return _choice_of(KINDS[self.manifest.policy], tuple(sizes), self.device)

    def _memories(self, seen: th.Tensor) -> tuple[Memory | None, Memory | None]:
        """The actor's memory and the critic's own, blank for rows at the start of an episode."""
        lstm = self.manifest.architecture.lstm
        if lstm is None:
            return None, None
        begins = seen[:, layout.Own.TURN] == 0
        rows, known = len(seen), None if self._actors is None else self._actors[0].shape[1]
        if known != rows:
            if known is not None and not bool(begins.all()):
                raise BundleError(f"{self.name} has memory: it was asked for {rows} rows amid an episode of {known}.")
            actors = critics = self.network.blank(rows, self.device)
        else:
            keep = (~begins).float().view(1, rows, 1)
            actors, critics = (
                None if old is None else (old[0] * keep, old[1] * keep) for old in (self._actors, self._critics)
            )
        return actors, critics if lstm.critic == "own" else None

    # --- keeping ----------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the bundle to the directory ``path``, whose name ends in ``.sd``; see :func:`save_bundle`."""
        if self.scenario is None:
            raise BundleError(f"{self.name} cannot be saved as a bundle: it was imported without its scenario.")
        data, weights = serialise(self.network)
        write_bundle(Path(path), self.manifest.model_copy(update={"weights": weights}), data)
        return Path(path)


def bundle_of(
    learner: OnPolicyAlgorithm,
    scenario: Scenario | None,
    *,
    training: Mapping[str, Any] | None = None,
    name: str = "learned",
) -> LearnedBundle:
    """A learner's policy as it is now; what the learner goes on to learn does not change it.

    Args:
        learner: PPO, A2C, MaskablePPO, RecurrentPPO or another on-policy learner of SB3 with one of the policy classes
            of :data:`agents.policies.networks.KINDS`.
        scenario: where it was trained; its observations and actions must be the learner's.
        training: plain data about the training.
        name: what tables are to call it.

    Raises:
        BundleError: if the policy is of no kind that a bundle can hold, or does not fit the scenario.
    """
    from agents.policies.from_sb3 import architecture_of, spaces_of_learner

    try:
        if learner.get_vec_normalize_env() is not None:
            raise Unfit("it sees observations through VecNormalize, which a bundle does not hold")
        spaces = spaces_of_learner(learner)
        if scenario is not None and (odd := difference(spaces, spaces_of(scenario), f"scenario {scenario.name!r}")):
            raise Unfit(odd)
        policy, architecture = architecture_of(learner.policy)
        tensors = {key: tensor.detach().cpu().clone() for key, tensor in learner.policy.state_dict().items()}
        network = fill(blank_network(policy, architecture, spaces), tensors)
        manifest = manifest_of(
            {
                "format": FORMAT,
                "version": 1,
                "name": name,
                "algorithm": type(learner).__name__,
                "policy": policy,
                "architecture": architecture,
                "spaces": spaces,
                "scenario": {} if scenario is None else scenario.to_dict(),
                "training": plain(training or {}),
                "versions": packages(),
                "weights": serialise(network)[1],
            }
        )
    except Unfit as reason:
        raise BundleError(f"{name!r} cannot be made a bundle: {reason}.") from None
    return LearnedBundle(manifest, network, scenario)


def save_bundle(
    path: str | os.PathLike[str],
    learner: OnPolicyAlgorithm,
    scenario: Scenario,
    *,
    training: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Path:
    """Write a learner's policy to the directory ``path``, whole: a bundle that is there is replaced at the end.

    Args:
        path: a name that ends in ``.sd``; missing folders above it are made.
        learner: as for :func:`bundle_of`, with which the arguments are shared.
        scenario: where it was trained.
        training: plain data about the training: steps, seed, settings, last metrics.
        name: what tables are to call it; None is the last part of ``path`` without ``.sd``.

    Raises:
        BundleError: if the policy cannot be saved, or not there.
    """
    target = Path(path)
    return bundle_of(learner, scenario, training=training, name=name or target.stem).save(target)


def load_bundle(
    path: str | os.PathLike[str], *, device: str | th.device = "cpu", deterministic: bool = False
) -> LearnedBundle:
    """The policy of the bundle at ``path``. Runs no code that it brings along.

    Args:
        path: the directory.
        device: where it is computed: ``cpu``, ``cuda``, ``cuda:1``, or ``auto`` for a GPU if there is one.
        deterministic: make the most probable choices instead of drawing.

    Raises:
        BundleError: if anything is missing, altered, of a newer format, or does not fit together.
    """
    manifest, scenario, networks = read_bundle(Path(path))
    if manifest.mixture is not None:
        from agents.policies.mixture import MixedBundle

        return MixedBundle(manifest, networks, scenario, device=device, deterministic=deterministic)
    return LearnedBundle(manifest, networks[0], scenario, device=device, deterministic=deterministic)


def import_zip(
    path: str | os.PathLike[str], scenario: Scenario | None = None, *, trust: bool = False, name: str | None = None
) -> LearnedBundle:
    """The policy of a zip that ``learner.save`` of stable-baselines3 or sb3-contrib wrote.

    Args:
        path: the zip.
        scenario: where it was trained; None is enough to play, not to save.
        trust: must be true: loading a zip runs whatever code it holds.
        name: what tables are to call it; None is the file's name without its suffix.

    Raises:
        BundleError: without ``trust``, or if it is no such zip, or does not fit the scenario.
    """
    if not trust:
        raise BundleError(
            f"{path} is an SB3 zip, which holds pickled code that runs when it is loaded: it is read only with "
            "trust=True (--trust), which you give if you know who made it."
        )
    from agents.policies.from_sb3 import open_zip

    try:
        learner = open_zip(Path(path))
    except Unfit as reason:
        raise BundleError(f"{path} cannot be imported: {reason}.") from None
    source = {"imported from": Path(path).name, "steps": int(learner.num_timesteps)}
    return bundle_of(learner, scenario, training=source, name=name or Path(path).stem)


@cache
def _choice_of(kind: Kind, sizes: tuple[int, ...], device: th.device) -> Choice:
    """Kept here and not in a policy, whose attributes are what it remembers of the game; one for each device."""
    return Choice(kind, sizes)


def _device(wanted: str | th.device) -> th.device:
    """The torch device of that name, if this machine has it."""
    if wanted == "auto":
        return th.device("cuda" if th.cuda.is_available() else "cpu")
    try:
        device = th.device(wanted)
        th.zeros(1, device=device).numpy(force=True)  # meta is a device without numbers
    # no such name; torch without CUDA; no such GPU; one that holds no numbers
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        text = " ".join(str(error).splitlines()[0].split())
        raise BundleError(f"device {str(wanted)!r} cannot be used here: {text.rstrip('.')}.") from None
    return device
