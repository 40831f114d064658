"""Who sits where at a table: names of seats to slots, and those seats that do not learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from agents.policies.protocol import Policy
from agents.policies.state import capture, recall
from agents.table.population import Pool
from sd_env.policies import another, ask, derived_seed
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

    A policy plays every state by a copy of its own and sees one row a world in a call, as everywhere
    (:class:`sd_env.policies.Cast`). A pool, and a learner that has finished, is asked about all of its seats at once.

    Args:
        player: who plays.
        slots: its seats, ascending int64 ``(K,)``.
        num_states: N.
        together: ask a policy about all of its seats at once.
    """

    def __init__(self, player: Policy | Pool, slots: np.ndarray, num_states: int, *, together: bool = False) -> None:
        self.slots = slots
        states = slots % num_states
        together = together or isinstance(player, Pool)
        groups = [np.arange(len(slots))] if together else [np.flatnonzero(states == i) for i in np.unique(states)]
        #: Each player with its places among the slots.
        self._groups: list[tuple[Any, np.ndarray]] = [
            (another(player) if k else player, places) for k, places in enumerate(groups)
        ]

    def reset(self, seed: int) -> None:
        """Reset every copy with a seed that follows from ``seed`` and its first slot."""
        for player, places in self._groups:
            player.reset(derived_seed(seed, 3, int(self.slots[places[0]])))

    def act(self, worlds: Worlds) -> np.ndarray:
        """What its seats do on the coming turn, int64 ``(K, H)``.

        Raises:
            PolicyError: if a policy's answer holds no actions.
        """
        total = worlds.num_worlds * worlds.num_states
        actions = np.zeros((len(self.slots), len(worlds.heads.kinds)), np.int64)
        for player, places in self._groups:
            slots = self.slots[places]
            seen, masks = (rows.reshape(total, -1)[slots] for rows in (worlds.observations, worlds.masks))
            if isinstance(player, Pool):
                world, state = np.divmod(slots, worlds.num_states)
                actions[places] = player.act(seen, masks, world, worlds.worlds["episode"][world], state, worlds.heads)
            else:
                actions[places] = ask(player, seen, masks, worlds.heads)
        return actions

    def snapshot(self) -> dict[str, np.ndarray]:
        """What every copy of the policy, or every member of the pool, remembers, and who plays where."""
        found: dict[str, np.ndarray] = {}
        players = [player for player, _ in self._groups]
        if isinstance(players[0], Pool):
            found["playing"] = np.array(players[0].playing(), dtype=np.str_)
            found["members"] = np.array(list(players[0].members), dtype=np.str_)
            players = list(players[0].members.values())
        for k, player in enumerate(players):
            found |= {f"{k}.{key}": value for key, value in capture(player).items()}
        return found

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Give back what :meth:`snapshot` found, to the same policy or a pool of the same members.

        Raises:
            ValueError: if the pool has other members.
        """
        players = [player for player, _ in self._groups]
        pool = players[0] if isinstance(players[0], Pool) else None
        if pool is not None:
            names = snapshot["members"].tolist()
            if unknown := [name for name in names if name not in pool.members]:
                raise ValueError(f"The snapshot is of another pool: it has a member {unknown[0]}.")
            players = [pool.members[name] for name in names]
        for k, player in enumerate(players):
            own = f"{k}."
            recall(player, {key.removeprefix(own): v for key, v in snapshot.items() if key.startswith(own)})
        if pool is not None:
            pool.seat_again(snapshot["playing"].tolist())
