"""Keeping episodes: of worlds that are being played, or of one that is played here.

A recorder plays each of its worlds again beside, turn for turn with the same actions, and keeps what that twin goes
through. A world follows from (seed, world index, episode) and the actions, so the twin is the world itself, bit for
bit, but it does not begin the next episode in the step that ends one: the last records of an episode are kept whatever
``autoreset``. A turn of a twin costs less than copying its records.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np

from sd_env import layout
from sd_env.choices import Choices
from sd_env.errors import whole_number
from sd_env.events import Event, turn_events
from sd_env.policies import Cast, CastLike
from sd_env.record.columns import LAST_INDEX
from sd_env.record.episode import EpisodeLog
from sd_env.rules.chance import DRAWS
from sd_env.rules.compiled import rules_fingerprint
from sd_env.scenario import Scenario, ScenarioLike
from sd_env.version import __version__
from sd_env.worlds import CHANGEABLE, Worlds


def versions_here() -> dict[str, str]:
    """Versions of what plays here: ``rules`` the first digits of the hash of the rules' files, ``draws`` of chance."""
    return {
        "sd_env": __version__,
        "rules": rules_fingerprint()[:12],
        "draws": str(DRAWS),
        "python": ".".join(map(str, sys.version_info[:3])),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "machine": platform.machine(),
    }


def actions_shape(heads: layout.Heads) -> tuple[int, int]:
    """Shape ``(N, H)`` of all actions of a turn of one world."""
    return heads.num_states, len(heads.kinds)


def _tracked(scenario: Scenario, seed: int, world: int) -> Worlds:
    """The world in which an episode is recorded or re-simulated; beliefs are tracked for measures."""
    return Worlds(scenario, 1, seed=seed, first_world=world, track_beliefs=True)


class Tape:
    """One world that is played turn by turn and kept."""

    def __init__(self, scenario: Scenario, world: int, *, observations: bool = False) -> None:
        """Lay out world number ``world`` of a run; ``begin`` puts it at the start of an episode."""
        self.worlds = _tracked(scenario, 0, world)
        self._keep_observations = observations
        self.running = False

    @property
    def turn(self) -> int:
        """Number of turns played."""
        return int(self.worlds.worlds["turn"][0])

    @property
    def awaits(self) -> bool:
        """Whether an episode has begun of which no turn was played."""
        return self.running and self.turn == 0

    @property
    def ended(self) -> bool:
        """Whether the episode is over."""
        return bool(self.worlds.terminations[0] or self.worlds.truncations[0])

    def begin(self, seed: int, episode: int) -> None:
        """Go to the start of an episode of a stream, without playing those before it."""
        self.worlds.seed = int(seed)
        self.worlds.worlds["episode"] = episode - 1  # reset goes to the next one
        self.worlds.reset()
        self.running = True
        self._worlds: list[np.ndarray] = []
        self._states: list[np.ndarray] = []
        self._pairs: list[np.ndarray] = []
        self._seen: list[np.ndarray] = []
        self._actions: list[np.ndarray] = []
        self._rewards: list[np.ndarray] = []
        self._events: list[tuple[Event, ...]] = []
        self._keep()

    def play(self, actions: np.ndarray) -> None:
        """Play one turn with actions int64 ``(N, H)``."""
        before = self._states[-1], self._pairs[-1]
        self.worlds.step(actions[None])
        self._keep()
        self._actions.append(actions.copy())
        self._rewards.append(self.worlds.rewards[0].copy())
        after = self._states[-1], self._pairs[-1]
        of = self.worlds
        self._events.append(turn_events(of.scenario.agents, self.turn, before, after, actions, of.heads))

    def change(self, states: np.ndarray) -> None:
        """Take over the arms of ``states (N,)``, which somebody changed before the coming turn: the last row has them.

        Such a log tells what happened, but ``verify`` refuses it: no action made those arms.
        """
        for name in CHANGEABLE:
            self.worlds.states[name][0] = states[name]
        self.worlds.show()
        for kept in (self._worlds, self._states, self._pairs, self._seen):
            del kept[-1:]
        self._keep()

    def _keep(self) -> None:
        # np.array copies, and makes plain records of those that rules in plain Python need
        self._worlds.append(np.array(self.worlds.worlds[0], layout.WORLDS))
        self._states.append(np.array(self.worlds.states[0], layout.STATES))
        self._pairs.append(np.array(self.worlds.pairs[0], layout.PAIRS))
        if self._keep_observations:
            self._seen.append(self.worlds.observations[0].copy())

    def log(self, policies: Sequence[str] = ()) -> EpisodeLog:
        """What was played since ``begin``: one turn at least."""
        now = self.worlds
        self.running = False
        return EpisodeLog(
            scenario=now.scenario,
            agents=now.scenario.agents,
            seed=now.seed,
            world=int(now.worlds["index"][0]),
            episode=int(now.worlds["episode"][0]),
            policies=tuple(policies) or ("",) * now.num_states,
            versions=versions_here(),
            params=np.array(now.params[0], layout.PARAMS),
            worlds=np.stack(self._worlds),
            states=np.stack(self._states),
            pairs=np.stack(self._pairs),
            actions=np.stack(self._actions),
            rewards=np.stack(self._rewards),
            observations=np.stack(self._seen) if self._keep_observations else None,
            terminated=bool(now.terminations[0]),
            truncated=bool(now.truncations[0]),
            events=tuple(self._events),
        )


class Recorder:
    """Keeps the episodes of some worlds of a batch while somebody plays them.

    Call ``turn(actions)`` after each ``worlds.step(actions)``, with or without ``autoreset``, resetting as you like:
    the recorder sees where an episode begins. Nothing is kept of one that had begun before the recorder was made. Logs
    hold what the states believe, even if ``worlds`` does not track it.
    """

    def __init__(
        self,
        worlds: Worlds,
        which: Sequence[int] | None = None,
        *,
        policies: Sequence[str] = (),
        observations: bool = False,
    ) -> None:
        """Look at ``worlds``, which the recorder only reads.

        Args:
            worlds: who is recorded.
            which: numbers of the worlds in the batch, 0 .. B - 1; default all.
            policies: label of who plays each state, N of them; default unknown.
            observations: keep what the states see, too: most of a log's size.

        Raises:
            ValueError: for a world that is not in the batch, or another number of labels.
        """
        self._worlds = worlds
        chosen = range(worlds.num_worlds) if which is None else which
        chosen = [whole_number("an entry of which", b, 0, worlds.num_worlds - 1) for b in chosen]
        if policies and len(policies) != worlds.num_states:
            needed = f"one for each of {worlds.num_states} states is needed"
            raise ValueError(f"policies has {len(policies)} labels; {needed}")
        self._policies = tuple(policies)
        self._choices = Choices(worlds.num_worlds, worlds.heads, worlds.scenario.agents)
        first = int(worlds.worlds["index"][0])
        self._tapes = {int(b): Tape(worlds.scenario, first + int(b), observations=observations) for b in chosen}

    def turn(self, actions: Any) -> tuple[EpisodeLog, ...]:
        """Keep the turn just played with ``actions``, int ``(B, N, H)``; returns the logs of episodes that it ended.

        Raises:
            ValueError: for what are no actions, if a turn was left out, or the world was not played with these.
        """
        worlds = self._worlds
        sent = self._choices.of(actions)
        finished: list[EpisodeLog] = []
        ended = worlds.terminations | worlds.truncations
        for b, tape in self._tapes.items():
            # Where the next episode has begun in the same step, the records are already its own.
            played = worlds.final_tallies[b] if worlds.autoreset and ended[b] else worlds.worlds[b]
            turn = int(played["turn"])
            if turn == 1 and not (tape.awaits and tape.worlds.worlds["key"][0] == played["key"]):
                tape.begin(worlds.seed, int(played["episode"]))
            if not tape.running:
                continue
            if turn != tape.turn + 1:
                raise ValueError(
                    f"world {b} is at turn {turn}, but the recorder at {tape.turn}: call turn() after each step"
                )
            tape.play(sent[b])
            twin = tape.worlds
            if twin.worlds["key"][0] != played["key"]:
                raise ValueError(f"world {b} was begun with another seed than {worlds.seed}, the seed of the worlds")
            if twin.rewards[0].tobytes() != worlds.rewards[b].tobytes() or ended[b] != tape.ended:
                raise ValueError(f"world {b} was not played with these actions: pass those that step() was given")
            if ended[b]:
                finished.append(tape.log(self._policies))
        return tuple(finished)

    def changed(self) -> None:
        """Follow arms that were changed from outside before the coming turn, in the episodes that go on."""
        for b, tape in self._tapes.items():
            now = self._worlds.worlds[b]
            if int(now["turn"]) == 0:
                tape.begin(self._worlds.seed, int(now["episode"]))
            if tape.running:
                tape.change(self._worlds.states[b])


class Collector:
    """A recorder for whoever makes the worlds itself: told of ``start`` and of each ``step``, it gathers ``logs``."""

    def __init__(
        self, which: Sequence[int] | None = None, *, policies: Sequence[str] = (), observations: bool = False
    ) -> None:
        """As :class:`Recorder`, without the worlds."""
        self._which, self._policies, self._observations = which, tuple(policies), observations
        self._recorder: Recorder | None = None
        self.logs: list[EpisodeLog] = []

    def start(self, worlds: Worlds) -> None:
        """Episodes have begun in ``worlds``."""
        self._recorder = Recorder(worlds, self._which, policies=self._policies, observations=self._observations)

    def step(self, worlds: Worlds, actions: np.ndarray) -> None:
        """A turn was played with ``actions``, int ``(B, N, H)``."""
        if self._recorder is None:
            raise ValueError("step() was told before start(): the collector knows no worlds yet")
        self.logs += self._recorder.turn(actions)

    def changed(self, worlds: Worlds) -> None:
        """Arms in ``worlds`` were changed from outside before the coming turn."""
        if self._recorder is None:
            raise ValueError("changed() was told before start(): the collector knows no worlds yet")
        self._recorder.changed()


def record(
    scenario: ScenarioLike,
    policies: CastLike,
    seed: int,
    world: int = 0,
    observations: bool = False,
    *,
    episode: int = 0,
) -> EpisodeLog:
    """Play one whole episode and keep it.

    Args:
        scenario: a name of the catalogue, a path, a mapping or a Scenario.
        policies: one for all states, one a state in index order, or a mapping from names of states, each of which
            plays by itself (:class:`sd_env.policies.Cast`). A label is a policy's ``name``, or the name of its type.
        seed: of the random streams, 0 .. 2**64 - 1.
        world: index of the world in the run, from 0.
        observations: keep what the states see, too.
        episode: which episode of the stream, from 0.

    Raises:
        PolicyError: for policies that do not fit the states, or an answer that holds no actions.
        ValueError: for a number that is not allowed; ScenarioError.
    """
    loaded = Scenario.load(scenario)
    cast = Cast(policies, loaded.agents, heads=loaded.heads)
    seed, world = whole_number("seed", seed, 0, 2**64 - 1), whole_number("world", world, 0, LAST_INDEX)
    episode = whole_number("episode", episode, 0, LAST_INDEX)
    tape = Tape(loaded, world, observations=observations)
    tape.worlds.reset(seed)
    tape.begin(seed, episode)
    cast.reset(seed, episode, world)
    actions = np.zeros((1, *actions_shape(loaded.heads)), np.int64)
    while not tape.ended:
        cast.act(tape.worlds.observations, tape.worlds.masks, actions)
        tape.play(actions[0])
    return tape.log(cast.names)
