"""A mixture: several policies as one, of which a state draws one for each episode, by shares that its type has.

Where nothing that is played for certain is an equilibrium, a mixture may be one: a mixed strategy (Nash 1950), of each
type (Harsanyi 1967-68). Which member a state drew, nobody else sees, but by what it does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch as th

from agents.policies.acting import acting_of
from agents.policies.bundle_files import plain, serialise, write_bundle
from agents.policies.bundles import LearnedBundle
from agents.policies.manifest import VERSION, BundleError, Manifest, Mixture
from agents.policies.networks import Network
from sd_env import layout
from sd_env.policies import derived_seed
from sd_env.scenario import Scenario


class MixedBundle(LearnedBundle):
    """A mixture of trained policies of one shape, as a policy: it follows from its weights and its last reset's seed.

    A row whose ``own.turn`` is 0 begins an episode, and draws a member for either type: where a leader of the other
    type follows, the member of that type goes on.

    Attributes:
        members: the policies.
        shares: float64 ``(2, members)``: of security seekers, of greedy states.
        deterministic: whether all members make their most probable choices. Members are drawn even so.
    """

    def __init__(
        self,
        manifest: Manifest,
        networks: Sequence[Network],
        scenario: Scenario | None,
        *,
        device: str | th.device = "cpu",
        deterministic: bool = False,
    ) -> None:
        assert manifest.mixture is not None, "a mixture has shares"
        alone = manifest.model_copy(update={"mixture": None})
        self.members = [LearnedBundle(alone, network, scenario, device=device) for network in networks]
        self.shares = np.array([manifest.mixture.seekers, manifest.mixture.greedy])
        self._likeliest = list(manifest.mixture.likeliest)
        for member, likeliest in zip(self.members, self._likeliest, strict=True):
            member.deterministic = likeliest
        self._drawn: np.ndarray | None = None
        super().__init__(manifest, networks[0], scenario, device=device, deterministic=deterministic)
        self._acting = acting_of(alone, networks, self.device)  # of all members at once
        self.memory = int(Scenario.quantities()["horizon"].high)  # of who it is, to the end of an episode

    def __deepcopy__(self, memo: dict[int, Any]) -> MixedBundle:
        """A copy for another seat: whom it drew and will draw is its own, the weights are shared."""
        twin = super().__deepcopy__(memo)
        assert isinstance(twin, MixedBundle)
        twin.members = [member.__deepcopy__(memo) for member in self.members]
        twin._random = np.random.default_rng()
        twin._random.bit_generator.state = self._random.bit_generator.state
        twin._drawn = None if self._drawn is None else self._drawn.copy()
        return twin

    def reset(self, seed: int | None = None) -> None:
        """Forget all rows, and begin the random stream of ``seed`` (0 to 2**64 - 1); None goes on with the old one."""
        super().reset(seed)
        self._drawn = None
        if seed is not None:
            self._random = np.random.default_rng(int(seed))
        for k, member in enumerate(self.members):
            member.reset(None if seed is None else derived_seed(int(seed), k))

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """As :meth:`LearnedBundle.act`: each row by the member that it drew."""
        self._fits(observation, mask)  # refuses what fits none, before anything is drawn
        playing = self._draw(observation)
        for member, likeliest in zip(self.members, self._likeliest, strict=True):
            member.deterministic = self.deterministic or likeliest
        if self._acting is not None:
            return self._acting(observation, playing, [member._draws() for member in self.members])
        chosen = np.zeros((len(observation), len(self.spaces.nvec)), np.int64)
        for k in np.unique(playing):
            member, rows = self.members[k], np.flatnonzero(playing == k)
            chosen[rows] = member.act(observation[rows], mask[rows])
        return chosen

    def probabilities(self, observation: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
        """As :meth:`LearnedBundle.probabilities`; of a row that has not drawn yet, the mean over whom it may draw."""
        weights = self._weights(observation)
        each = [member.probabilities(observation, mask) for member in self.members]
        for k, likeliest in enumerate(self._likeliest):
            if likeliest or self.deterministic:
                each[k] = [np.eye(head.shape[1], dtype=head.dtype)[head.argmax(axis=1)] for head in each[k]]
        return [
            np.einsum("kr,krc->rc", weights, np.stack(heads)).astype(np.float32) for heads in zip(*each, strict=True)
        ]

    def value(self, observation: np.ndarray) -> np.ndarray:
        """As :meth:`LearnedBundle.value`; of a row that has not drawn yet, the mean over whom it may draw."""
        each = np.stack([member.value(observation) for member in self.members])
        expected: np.ndarray = (self._weights(observation) * each).sum(axis=0).astype(np.float32)
        return expected

    def latents(self, observation: np.ndarray) -> np.ndarray:
        """There is none.

        Raises:
            BundleError: always: its members share no hidden layer.
        """
        raise BundleError(f"{self.name} is a mixture of {len(self.members)} policies, which share no hidden layer.")

    def leading(self, greedy: bool, rank: int = 0) -> LearnedBundle:
        """The member that has the largest share of a type (rank 0), or the next; of those that have any, the last."""
        shares = self.shares[int(greedy)]
        order = np.argsort(-shares, kind="stable")
        return self.members[int(order[min(rank, int(np.count_nonzero(shares)) - 1)])]

    def titled(self, name: str, algorithm: str, training: Mapping[str, Any]) -> MixedBundle:
        """The same mixture under another name, of another training, whoever of its members was learned by what."""
        said = {"name": name, "algorithm": algorithm, "training": plain(training)}
        manifest = self.manifest.model_copy(update=said)
        networks = [member.network for member in self.members]
        return MixedBundle(manifest, networks, self.scenario, device=self.device, deterministic=self.deterministic)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the bundle to the directory ``path``, whose name ends in ``.sd``."""
        data, weights = serialise(*(member.network for member in self.members), mixed=True)
        write_bundle(Path(path), self.manifest.model_copy(update={"weights": weights}), data)
        return Path(path)

    def _draw(self, observation: np.ndarray) -> np.ndarray:
        """The member that plays each row, int64 ``(K,)``; rows at the start of an episode draw one for either type."""
        rows = len(observation)
        begins = observation[:, layout.Own.TURN] == 0
        if self._drawn is None or self._drawn.shape[1] != rows:
            if self._drawn is not None and not begins.all():
                known = self._drawn.shape[1]
                raise BundleError(f"{self.name} is a mixture: it was asked for {rows} rows amid an episode of {known}.")
            begins, self._drawn = np.ones(rows, np.bool_), np.zeros((2, rows), np.int64)
        if begins.any():
            uniform = self._random.random(int(begins.sum()))
            for kind, shares in enumerate(self.shares):
                self._drawn[kind, begins] = np.searchsorted(np.cumsum(shares)[:-1], uniform, side="right")
        playing: np.ndarray = self._drawn[_types(observation), np.arange(rows)]
        return playing

    def _weights(self, observation: np.ndarray) -> np.ndarray:
        """How likely it is that each member plays a row, float64 ``(members, K)``: whoever was drawn, or the shares."""
        weights: np.ndarray = self.shares.T[:, _types(observation)]
        if self._drawn is not None and self._drawn.shape[1] == len(observation):
            on = np.flatnonzero(observation[:, layout.Own.TURN] > 0)
            playing = self._drawn[_types(observation)[on], on]
            weights[:, on] = np.arange(len(self.members))[:, None] == playing
        return weights


def mix(members: Sequence[LearnedBundle], shares: np.ndarray, *, name: str) -> MixedBundle:
    """A mixture of bundles of one shape; members without a share are left out.

    Args:
        members: whoever may be drawn, each ``deterministic`` or not.
        shares: float64 ``(2, members)``, of security seekers and of greedy states; each row adds up to 1.
        name: what tables are to call it.

    Raises:
        BundleError: if the members are not of one shape.
    """
    kept = np.flatnonzero(np.asarray(shares).sum(axis=0) > 0)
    chosen = [members[int(k)] for k in kept]
    first = chosen[0].manifest
    for member in chosen:
        if (member.manifest.architecture, member.spaces) != (first.architecture, first.spaces):
            raise BundleError(f"{member.name} cannot be mixed with {chosen[0].name}: its networks have another shape.")
    seekers, greedy = np.asarray(shares, dtype=np.float64)[:, kept]
    mixture = Mixture(
        seekers=seekers.tolist(), greedy=greedy.tolist(), likeliest=[bool(member.deterministic) for member in chosen]
    )
    networks = [member.network for member in chosen]
    manifest = first.model_copy(
        update={
            "version": VERSION,
            "name": name,
            "weights": serialise(*networks, mixed=True)[1],
            "mixture": mixture,
        }
    )
    return MixedBundle(manifest, networks, chosen[0].scenario)


def _types(observation: np.ndarray) -> np.ndarray:
    """1 for greedy rows, else 0."""
    kinds: np.ndarray = (observation[:, layout.Own.GREED] > 0).astype(np.int64)
    return kinds
