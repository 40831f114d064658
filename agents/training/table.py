"""A table of worlds where learners sit side by side: each takes the seats of some states and runs its own ``learn()``.

    table = Table("jervis/intense", {"state_0": partial(PPO, "MlpPolicy"), "others": "tit-for-tat"}, seed=1)
    table.learn(100_000)

The algorithms are unmodified: each sees its seat as an SB3 ``VecEnv`` (or as a gymnasium ``VectorEnv``), and the
learners meet before every turn (:mod:`agents.training.meeting`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from agents.policies.protocol import Policy
from agents.policies.specs import policy_from
from agents.table.interventions import Interventions, InterventionsLike
from agents.table.population import Pool
from agents.table.seating import Resident, seat_name, slots_of_seats
from agents.training.meeting import Meeting, Wish
from agents.training.playing_on import is_factory, look_again, player_of
from agents.training.seat_vector import SeatVectorEnv
from agents.training.seats import SlotsVecEnv, Totals, make_worlds
from agents.training.streams import Streams
from sd_env.choices import whole_choices
from sd_env.errors import whole_number
from sd_env.policies import derived_seed
from sd_env.scenario import Scenario

#: The random stream of those who do not learn, where they draw from the process's global generators.
_HOUSE: Final = "(policies)"

Factory = Callable[["Seat"], Any]


class Seat(SlotsVecEnv):
    """The slots of one learner at a table, as an SB3 ``VecEnv``: what :class:`SlotsVecEnv` says of it.

    ``reset`` begins new episodes when all who learn ask for it on the same turn; one that asks alone is told how its
    worlds stand. ``step`` waits for all others. ``seed`` is heard and not followed: the worlds are the table's.
    """

    def __init__(self, name: str, slots: np.ndarray, table: Table) -> None:
        self.name = name
        self._table = table
        super().__init__(table.worlds, slots, reward_scale=table.reward_scale, horizon_ends=table.horizon_ends)
        self._heads = len(table.worlds.heads.kinds)

    @property
    def vec_env(self) -> Seat:
        """The SB3 face: this object."""
        return self

    @property
    def vector_env(self) -> SeatVectorEnv:
        """The gymnasium face of the same seat, for algorithms of one's own: use one face or the other."""
        return SeatVectorEnv(self)

    def reset(self) -> np.ndarray:
        """First observations of new episodes, or present ones if others play on; float32 ``(slots, D)``."""
        self._table.arrive(self, Wish.RESET)
        self.reset_infos = [{} for _ in range(self.num_envs)]
        self._reset_options()
        return self.observe()

    def step_async(self, actions: np.ndarray) -> None:
        """Lay ``actions`` (int, ``(slots, heads)``) on the table for the coming turn."""
        self._table.put(self.slots, whole_choices(actions, (self.num_envs, self._heads)))

    def turn(self) -> None:
        """Wait until everyone has chosen and the turn is played."""
        self._table.arrive(self, Wish.TURN)

    def gather(self, work: Callable[[], None]) -> None:
        """Wait until all who learn are here too, and let ``work`` be done once, between turns.

        All learners must call it at the same turn, each with the same work: a checkpoint of the whole table.
        """
        self._table.arrive(self, Wish.GATHER, work)

    def close(self) -> None:
        """Nothing: the worlds are the table's."""

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """The table's seed: a learner's own seed does not move the worlds that it shares."""
        return [self._table.seed] * self.num_envs


class Table:
    """Worlds of one scenario whose seats are taken by learners and policies.

    Seat names are a state's name, a tuple of names, ``"others"`` (all states that no other seat names), ``"all"``, or
    ``"rotating"`` (state b mod N of world b). Each gets one of:

    * a learner's factory, called with its :class:`Seat`: ``seat -> learner``, where the learner has SB3's
      ``learn(total_timesteps)``. ``functools.partial(PPO, "MlpPolicy")`` is one;
    * a policy, or the name of one (``"tit-for-tat"``, the path of a bundle);
    * a :class:`agents.table.population.Pool` of policies, from which each world and episode draws anew.

    One seed gives one result, bit for bit, however busy the machine: learners run one at a time, in the order of their
    first slots, and each draws from a random stream of its own. With ``overlap`` they compute at once on several
    cores; which draws whose random numbers is then up to the machine, and the result cannot be repeated.

    Attributes:
        learners: seat name -> what its factory returned.
        seats: seat name -> the learner's :class:`Seat`. A tuple of states is named with ``+`` between them.
        worlds: the worlds.
        seed: of the worlds and of all random streams.

    Args:
        scenario: a :class:`Scenario`, or a catalogue name or path that ``Scenario.load`` understands.
        seats: who sits where; each state in exactly one seat.
        num_worlds: how many worlds are played at once.
        seed: None draws a fresh one.
        threads: threads that step the worlds.
        reward_scale: what learners' rewards are multiplied by; ``episode`` returns and tallies keep the game's units.
        overlap: let learners compute at the same time.
        interventions: what states are bound to, whatever their players choose (:mod:`agents.table.interventions`).
        horizon_ends: whether learners value nothing beyond the horizon (:class:`agents.training.seats.SlotsVecEnv`).

    Raises:
        ValueError: one sentence for a seat that is none, a state without a seat or with two, or who cannot sit there.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path,
        seats: Mapping[Any, Factory | Policy | Pool | str],
        *,
        num_worlds: int = 64,
        seed: int | None = None,
        threads: int = 1,
        reward_scale: float = 1.0,
        overlap: bool = False,
        interventions: InterventionsLike | None = None,
        horizon_ends: bool = False,
    ) -> None:
        loaded = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
        num_worlds = whole_number("num_worlds", num_worlds, 1)
        slots = slots_of_seats(list(seats), loaded.agents, num_worlds)
        self.worlds = make_worlds(loaded, num_worlds, seed, threads)
        self.scenario = loaded
        self.seed = self.worlds.seed
        self.num_worlds, self.num_states = num_worlds, loaded.n_states
        self.reward_scale, self.horizon_ends = reward_scale, horizon_ends
        self._actions = np.zeros((num_worlds * self.num_states, len(loaded.heads.kinds)), np.int64)
        self._interventions = Interventions(interventions or {}, loaded.agents, loaded.heads)
        self._totals = Totals()
        self._streams = Streams()
        self._streams.open(_HOUSE, derived_seed(self.seed, 1))
        self._meeting = Meeting(self._settle, self._finished, self._streams, overlap=overlap)
        self._gathered: Callable[[], None] | None = None
        self._fresh = True  # never reset: the first reset must be the seed's first episode
        self._residents: list[Resident] = []
        self._frozen: dict[str, Resident] = {}  # learners that have finished before others
        self._stale: set[str] = set()  # those whose worlds have moved on since
        self.seats: dict[str, Seat] = {}
        self.learners: dict[str, Any] = {}
        players = {seat_name(name): player for name, player in seats.items()}
        others: dict[int, tuple[Any, list[np.ndarray]]] = {}  # those who do not learn, each once, and their slots
        for name in sorted(slots, key=lambda name: int(slots[name][0])):
            if is_factory(players[name]):
                self._seat_learner(name, slots[name], players[name])
            else:
                player: Any = players[name]
                player = player if isinstance(player, Pool) else policy_from(player)
                others.setdefault(id(player), (player, []))[1].append(slots[name])
        if not self.seats:
            raise ValueError("seats: nobody learns; at least one seat needs a learner's factory.")
        for player, parts in others.values():
            self._residents.append(Resident(player, np.sort(np.concatenate(parts)), self.num_states))
            with self._streams.inside(_HOUSE):
                self._residents[-1].reset(self.seed)

    def _seat_learner(self, name: str, slots: np.ndarray, factory: Any) -> None:
        self._streams.open(name, derived_seed(self.seed, 2, int(slots[0])))
        seat = Seat(name, slots, self)
        with self._streams.inside(name):
            learner = factory(seat)
        if not callable(getattr(learner, "learn", None)):
            raise ValueError(f"seats: the factory of {name} gave {learner!r}, which has no learn(total_timesteps).")
        self.seats[name], self.learners[name] = seat, learner

    # --- learning ---------------------------------------------------------------------------------------------

    def learn(
        self,
        total_timesteps: int | Mapping[str, int],
        *,
        each: Mapping[str, Mapping[str, Any]] | None = None,
        **keywords: Any,
    ) -> Table:
        """Let every learner run its own ``learn(total_timesteps, ...)`` and return when all have finished.

        One that finishes before others plays on as it is. A further call goes on with the same learners and worlds.
        The caller's random generators are left as they were.

        Args:
            total_timesteps: agent-steps of each learner, or of each by seat name.
            each: seat name -> keyword arguments for that learner's ``learn`` alone, such as ``callback``.
            **keywords: for every learner's ``learn``. A callback is one learner's own: it belongs into ``each``.

        Raises:
            ValueError: for names that are no learner's.
            BaseException: what the first learner to fail raised, with its own traceback; the others have stopped.
        """
        each = each or {}
        steps = total_timesteps if isinstance(total_timesteps, Mapping) else dict.fromkeys(self.seats, total_timesteps)
        for what, names in (("total_timesteps", steps), ("each", each)):
            if odd := [name for name in names if name not in self.seats]:
                raise ValueError(f"{what}: {odd[0]!r} is no learner's seat; there are {', '.join(self.seats)}.")
        if missing := [name for name in self.seats if name not in steps]:
            raise ValueError(f"total_timesteps: {missing[0]} is missing.")
        self._refuse_who_cannot_play_on()
        self._frozen = {}
        for name in sorted(self._stale):
            look_again(self.learners[name])
        self._stale = set()
        loops = {
            name: partial(self.learners[name].learn, steps[name], **{**keywords, **each.get(name, {})})
            for name in self.seats
        }
        try:
            self._meeting.run(loops)
        except BaseException:
            self._stale = set(self.seats)  # a turn may have been played that some never heard of
            raise
        return self

    def _refuse_who_cannot_play_on(self) -> None:
        for name, learner in self.learners.items():
            if len(self.learners) > 1 and player_of(learner) is None:
                raise ValueError(
                    f"seats: the learner of {name} cannot play on when it has finished: it is no algorithm of SB3 and "
                    "neither it nor its policy has act(observation, mask)."
                )

    def put(self, slots: np.ndarray, actions: np.ndarray) -> None:
        """Hold ``actions`` int ``(K, H)`` of ``slots`` for the coming turn."""
        self._actions[slots] = actions

    def arrive(self, seat: Seat, wish: Wish, work: Callable[[], None] | None = None) -> None:
        """A learner's seat waits for what it wishes.

        Raises:
            RuntimeError: if the table's ``learn()`` is not running; outside it only a reset is answered.
        """
        if wish is Wish.RESET and seat.name not in self._meeting.present:
            return
        if work is not None:
            self._gathered = work
        self._meeting.arrive(seat.name, wish)

    def _settle(self, wishes: dict[str, Wish]) -> Collection[str]:
        """All who learn have arrived: do what they wish."""
        kinds = set(wishes.values())
        if kinds == {Wish.GATHER}:
            assert self._gathered is not None
            self._gathered()
            return wishes
        if Wish.GATHER in kinds:
            odd = next(name for name, wish in wishes.items() if wish is not Wish.GATHER)
            raise RuntimeError(f"Some learners have gathered between turns while {odd} waits for {wishes[odd].value}.")
        if kinds == {Wish.RESET}:
            self._restart()
            return wishes
        if Wish.RESET in kinds:  # those who would go on keep their episodes
            return [name for name, wish in wishes.items() if wish is Wish.RESET]
        self._play()
        return wishes

    def _restart(self) -> None:
        if not self._fresh:
            self.worlds.reset()
        self._fresh = False
        for seat in self.seats.values():
            seat.begin()

    def _play(self) -> None:
        """Ask those who do not learn, and play a turn."""
        worlds = self.worlds
        for resident in self._residents:
            self._ask(resident, _HOUSE)
        for name, resident in self._frozen.items():
            self._ask(resident, name)
        actions = self._actions.reshape(self.num_worlds, self.num_states, -1)
        self._interventions.apply(actions)
        worlds.step(actions)
        self._fresh = False
        self._stale |= set(self._frozen)
        ended = worlds.terminations | worlds.truncations
        if ended.any():
            self._totals.add(worlds.final_tallies[ended])
        for name in self._frozen:
            self.seats[name].results()  # its accumulators go on with the worlds

    def _ask(self, resident: Resident, stream: str) -> None:
        if not self._meeting.overlap:
            self._streams.switch(stream)
        self._actions[resident.slots] = resident.act(self.worlds)

    def _finished(self, name: str) -> None:
        """A learner's loop has ended: it plays on as it is."""
        player = player_of(self.learners[name]) if self._meeting.present else None
        if player is not None:
            player.reset(derived_seed(self.seed, 4, int(self.seats[name].slots[0])))
            self._frozen[name] = Resident(player, self.seats[name].slots, self.num_states, together=True)

    # --- what training asks -----------------------------------------------------------------------------------

    def take_totals(self) -> tuple[np.ndarray, int]:
        """Tallies summed over the episodes that ended since the last call (order of ``layout.TALLY``), and how many.

        Each world counts once, however many learners sit at it.
        """
        return self._totals.take()

    def snapshot(self) -> dict[str, np.ndarray]:
        """All of the table that is needed to continue bit for bit, but the learners: plain arrays.

        Raises:
            ValueError: while some learners have finished and others not, or if a policy remembers what is no data.
        """
        if self._frozen and self._meeting.present:
            raise ValueError(f"No snapshot: {next(iter(self._frozen))} has finished and others have not.")
        found: dict[str, np.ndarray] = {"fresh": np.array(self._fresh)}
        parts: dict[str, Mapping[str, np.ndarray]] = {
            "worlds": self.worlds.snapshot(),
            "totals": self._totals.snapshot(),
        }
        for name, seat in self.seats.items():
            parts[f"seat.{name}"] = seat.snapshot()
        for name in (_HOUSE, *self.seats):
            parts[f"stream.{name}"] = self._streams.snapshot(name)
        for k, resident in enumerate(self._residents):
            parts[f"resident.{k}"] = resident.snapshot()
        return found | {f"{part}/{key}": value for part, arrays in parts.items() for key, value in arrays.items()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Continue from what :meth:`snapshot` gave, at a table with the same seats.

        Raises:
            ValueError: if the snapshot is of other worlds or seats.
        """
        parts: dict[str, dict[str, np.ndarray]] = {}
        for key, value in snapshot.items():
            part, _, name = key.rpartition("/")
            parts.setdefault(part, {})[name] = value
        if missing := [name for name in self.seats if f"seat.{name}" not in parts]:
            raise ValueError(f"The snapshot is of another table: it has no seat {missing[0]}.")
        for name, seat in self.seats.items():
            seat.restore(parts[f"seat.{name}"])
        self.worlds.restore(parts["worlds"])
        self._totals.restore(parts["totals"])
        self._fresh = bool(snapshot["fresh"])
        for name in (_HOUSE, *self.seats):
            self._streams.restore(name, parts[f"stream.{name}"])
        for k, resident in enumerate(self._residents):
            resident.restore(parts[f"resident.{k}"])

    def close(self) -> None:
        """Release the worlds."""
        self.worlds.close()
