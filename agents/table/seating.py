"""Who sits where at a table: names of seats to slots, and those seats that do not learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import numpy as np

from agents.policies.protocol import Policy
from agents.policies.state import capture, recall
from agents.table.population import Pool, as_policy
from sd_env import layout
from sd_env.worlds import Worlds

#: Seats that are no state's name: all states, all that no other seat names, and one state of each world in rotation
#: (state b mod N of world b).
ALL: Final = "all"
OTHERS: Final = "others"
ROTATING: Final = "rotating"

SeatName = str | tuple[str, ...]


def slots_of_seats(names: Sequence[SeatName], agents: Sequence[str], num_worlds: int) -> dict[str, np.ndarray]:
    """The ascending slots of each seat, int64 ``(K,)``, by the seat's name; a tuple's parts are joined by ``+``.

    Args:
        names: of the seats.
        agents: of the states, in index order.
        num_worlds: how many worlds there are.

    Raises:
        ValueError: one sentence for a name that is none, and for a state without a seat or with two.
    """
    if reserved := [agent for agent in agents if agent in (ALL, OTHERS, ROTATING)]:
        raise ValueError(f"seats: a state named {reserved[0]!r} has no seat: the name means other seats here.")
    state = np.tile(np.arange(len(agents)), num_worlds)
    world = np.arange(num_worlds).repeat(len(agents))
    free = np.ones(len(state), dtype=bool)
    slots: dict[str, np.ndarray] = {}
    for name in sorted(names, key=lambda name: name == OTHERS):  # who the others are is known last
        parts = name if isinstance(name, tuple) else (name,)
        mine = np.zeros(len(state), dtype=bool)
        for part in parts:
            if name == ROTATING:
                mine |= state == world % len(agents)
            elif name in (ALL, OTHERS):
                mine |= free | (name == ALL)
            elif part in agents:
                mine |= state == list(agents).index(part)
            else:
                known = ", ".join(agents)
                raise ValueError(f"seats: {part!r} is no seat; allowed are {known}, {ALL}, {OTHERS} and {ROTATING}.")
        if not mine.any():
            raise ValueError(f"seats: {name!r} has no state: all are named by other seats.")
        if (mine & ~free).any():
            twice = agents[int(state[mine & ~free][0])]
            raise ValueError(f"seats: {twice} has two seats; each state needs exactly one.")
        free &= ~mine
        slots[seat_name(name)] = np.flatnonzero(mine)
    if free.any():
        raise ValueError(f"seats: nobody sits for {agents[int(state[free][0])]}; name it, or give {OTHERS}.")
    return {seat_name(name): slots[seat_name(name)] for name in names}


def seat_name(name: SeatName) -> str:
    """What a seat is called: a tuple's parts joined by ``+``."""
    return "+".join(name) if isinstance(name, tuple) else name


def is_factory(player: object) -> bool:
    """Whether a player makes a learner for its seat: a class or function, as against a policy."""
    return isinstance(player, type) or (callable(player) and not hasattr(player, "act"))


class Resident:
    """A policy, or a pool of them, in seats that do not learn.

    Args:
        player: policy, pool or specification.
        slots: its seats, ascending int64 ``(K,)``.
    """

    def __init__(self, player: Policy | Pool | str, slots: np.ndarray) -> None:
        self.policy: Any = player if isinstance(player, Pool) else as_policy(player)
        self.slots = slots

    def act(self, worlds: Worlds) -> np.ndarray:
        """What its seats do on the coming turn, int64 ``(K, H)``.

        Raises:
            ValueError: if the policy gives something of another shape.
        """
        total = worlds.num_worlds * worlds.num_states
        seen = worlds.observations.reshape(total, -1)[self.slots]
        masks = worlds.masks.reshape(total, -1)[self.slots]
        if isinstance(self.policy, Pool):
            world, state = np.divmod(self.slots, worlds.num_states)
            return self.policy.act(seen, masks, world, worlds.worlds["episode"][world], state)
        chosen = np.asarray(self.policy.act(seen, masks))
        wanted = (len(self.slots), len(layout.action_sizes(worlds.num_states)))
        if chosen.shape != wanted or chosen.dtype.kind not in "iu":
            who = getattr(self.policy, "name", type(self.policy).__name__)
            raise ValueError(f"policy {who}: act gave {chosen.dtype} {chosen.shape}; integers {wanted} are needed.")
        return chosen

    def snapshot(self) -> dict[str, np.ndarray]:
        """What the policy, or every member of the pool, remembers, and who plays where."""
        if not isinstance(self.policy, Pool):
            return capture(self.policy)
        found = {"playing": np.array(self.policy.playing(), dtype=np.str_)}
        members = self.policy.members
        found["members"] = np.array(list(members), dtype=np.str_)
        for k, member in enumerate(members.values()):
            found |= {f"{k}.{key}": value for key, value in capture(member).items()}
        return found

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Give back what :meth:`snapshot` found, to the same policy or a pool of the same members.

        Raises:
            ValueError: if the pool has other members.
        """
        if not isinstance(self.policy, Pool):
            recall(self.policy, snapshot)
            return
        members = self.policy.members
        for k, name in enumerate(snapshot["members"].tolist()):
            if name not in members:
                raise ValueError(f"The snapshot is of another pool: it has a member {name}.")
            recall(
                members[name], {key.removeprefix(f"{k}."): v for key, v in snapshot.items() if key.startswith(f"{k}.")}
            )
        self.policy.seat_again(snapshot["playing"].tolist())


def player_of(learner: Any) -> Policy | None:
    """How a learner that has finished plays on: its policy as it is; None if it has none that could.

    An algorithm of SB3 does so by its policy, another by ``act(observation, mask)`` of its own or of its ``policy``.
    """
    from stable_baselines3.common.base_class import BaseAlgorithm

    if isinstance(learner, BaseAlgorithm):
        return _SB3Player(learner)
    for candidate in (learner, getattr(learner, "policy", None)):
        if callable(getattr(candidate, "act", None)) and callable(getattr(candidate, "reset", None)):
            return cast(Policy, candidate)
    return None


class _SB3Player:
    """An SB3 algorithm's policy as it is, with the memory of its slots and what VecNormalize does to observations.

    It draws from the process's generators: the table gives it the stream in which it learned.
    """

    def __init__(self, learner: Any) -> None:
        from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy

        self._policy, self._normal = learner.policy, learner.get_vec_normalize_env()
        self._masked = isinstance(learner.policy, MaskableActorCriticPolicy)
        memory = getattr(learner, "_last_lstm_states", None)
        self._states = None if memory is None else tuple(part.cpu().numpy() for part in memory.pi)

    def reset(self, seed: int | None = None) -> None:
        """Nothing: it goes on where its learner stopped."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Draw actions, int64 ``(K, H)``."""
        begins = observation[:, layout.Own.TURN] == 0
        seen = observation if self._normal is None else self._normal.normalize_obs(observation)
        masks = {"action_masks": mask.astype(bool)} if self._masked else {}
        actions, self._states = self._policy.predict(seen, self._states, begins, False, **masks)
        return np.asarray(actions)


def look_again(learner: Any) -> None:
    """Have an SB3 algorithm ask its seat how the worlds stand before it goes on: others played on without it."""
    from stable_baselines3.common.base_class import BaseAlgorithm

    if isinstance(learner, BaseAlgorithm):
        learner.set_env(learner.get_env())  # type: ignore[arg-type]
