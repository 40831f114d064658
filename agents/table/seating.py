"""Who sits where at a table: names of seats to slots, and those seats that do not learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

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
