"""One episode that people and policies play together: no input and output, so that every door shares it.

A game follows from its scenario, seed, players and what people chose: whoever keeps those keeps the game.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from agents.play.view import Eyes
from agents.policies.specs import Spec, check_fits, label_of, policy_from
from agents.table.forecasts import score
from sd_env.choices import Choices, whole_choices
from sd_env.errors import RefusedError, whole_number
from sd_env.policies import Cast, PolicyError
from sd_env.record import EpisodeLog
from sd_env.record.recorder import Tape
from sd_env.scenario import Scenario
from sd_env.show.story import Story, written

#: Digits of chances that people give, and of scores.
_DIGITS: Final = 4


class PlayError(RefusedError):
    """What cannot be done in a game, or at its door: one sentence."""


#: Who attacks whom, and how likely: rows of attacker, target and a chance from 0 to 1.
Forecast = Sequence[Sequence[Any]]


class Game:
    """An episode of one world in which some states are played by people, the others by policies.

    A person whose state has fallen is not waited for.

    Attributes:
        scenario, seed: the game.
        people: indices of the states that people play, ascending.
        labels: of who plays each state, N of them; "" of a person.
        names: of the states, as people write them.
        actions: what was played, int64 ``(N, H)`` a turn.
        forecasts: state -> turn -> its forecast.

    Args:
        scenario: the game.
        seed: of the world's random stream and of the policies' draws, 0 .. 2**64 - 1.
        people: indices of the states that people play.
        against: who plays the others: one for all of them, or one each in index order.
        trust: whether policies may be files that run code when they are loaded.

    Raises:
        PlayError: for a seat that there is not, or a wrong number of policies.
        PolicyError: for a policy that there is not or that does not fit.
    """

    def __init__(
        self, scenario: Scenario, seed: int, people: Sequence[int], against: Sequence[Spec] = (), *, trust: bool = False
    ) -> None:
        n = scenario.n_states
        self.scenario, self.seed = scenario, whole_number("seed", seed, 0, 2**64 - 1)
        self.people = sorted({whole_number("a seat", seat, 0, n - 1) for seat in people})
        seats = [i for i in range(n) if i not in self.people]
        if len(against) not in ({1, len(seats)} if seats else {0, 1}):
            raise PlayError(
                f"against has {len(against)} policies; one for all, or one for each of {len(seats)} is needed"
            )
        specs = list(against) * (len(seats) if len(against) == 1 else 1)
        policies = []
        for spec in specs:
            policy = policy_from(spec, trust=trust)
            check_fits(policy, scenario, label_of(spec))
            policies.append(policy)
        self._cast = Cast(policies, scenario.agents, seats, heads=scenario.heads)
        labels = dict(zip(seats, map(label_of, specs), strict=True))
        self.labels = tuple(labels.get(i, "") for i in range(n))
        self.names = list(written(scenario.agents).values())
        self._eyes = [Eyes(scenario.heads, scenario.shown, i, self.names) for i in range(n)]
        self._tape = Tape(scenario, 0)
        self._tape.begin(self.seed, 0)
        self._cast.reset(self.seed, 0, 0)
        self._pending: dict[int, np.ndarray] = {}
        self._choices = Choices(1, scenario.heads, scenario.agents)
        self._seen = [self._tape.worlds.observations[0].copy()]
        self.actions: list[np.ndarray] = []
        self.rewards: list[np.ndarray] = []
        self.forecasts: dict[int, dict[int, list[tuple[int, int, float]]]] = {i: {} for i in self.people}
        self._go_on()

    @property
    def turn(self) -> int:
        """The turn that is to be chosen for, from 1; of a game that is over the one that will not come."""
        return len(self.actions) + 1

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self._tape.ended

    @property
    def waiting(self) -> list[int]:
        """The states whose people have yet to choose."""
        return [] if self.over else [i for i in self.people if self._stands(i) and i not in self._pending]

    def choose(self, seat: int, turn: int, choices: Any, forecast: Forecast = ()) -> bool:
        """A person chooses for its state on a turn; the turn is played when all have chosen.

        The same choice again changes nothing, so that a request that is sent twice does no harm. Returns whether
        anything has changed.

        Args:
            seat: of the person.
            turn: which it means, so that one that is late does not play another.
            choices: H whole numbers, a legal choice for each head.
            forecast: who will attack whom on this turn, and how likely.

        Raises:
            PlayError: one sentence, and nothing has changed.
        """
        if seat not in self.people:
            raise PlayError("this state is not played by a person")
        turn = whole_number("turn", turn, 1)
        given = self._legal(seat, choices, turn)
        foreseen = self.foreseen(seat, forecast)
        before = self._pending.get(seat) if turn == self.turn else None
        if turn < self.turn and turn <= len(self.actions):
            before = self.actions[turn - 1][seat]
        if before is not None:
            if not np.array_equal(before, given):
                raise PlayError(f"turn {turn} was chosen for already, otherwise: the first choice stands")
            return False
        if self.over:
            raise PlayError("the game is over")
        if turn != self.turn:
            raise PlayError(f"turn is {turn}, but turn {self.turn} is being played")
        if not self._stands(seat):
            raise PlayError(f"{self.names[seat]} has fallen and chooses no more")
        self._pending[seat] = given
        if foreseen:
            self.forecasts[seat][turn] = foreseen
        self._go_on()
        return True

    def hurry(self, turn: int) -> list[int]:
        """Play a turn without those who have not chosen: they do nothing. Returns them; none if it was played already.

        Raises:
            PlayError: for a turn that is yet to come.
        """
        turn = whole_number("turn", turn, 1)
        if turn > self.turn:
            raise PlayError(f"turn is {turn}, but turn {self.turn} is being played")
        missing = self.waiting if turn == self.turn else []
        for seat in missing:
            self._pending[seat] = np.array(self.scenario.heads.noop)
        self._go_on()
        return missing

    def again(self, actions: Any) -> None:
        """Play a turn that was played before with these actions of all states, int ``(N, H)``.

        Policies are asked, so that they remember what they would, and overruled.

        Raises:
            RefusedError: for what are no actions of this game.
        """
        given = np.array(whole_choices(actions, (len(self.names), len(self.scenario.heads.kinds))), np.int64)
        self._choices.of(given[None])
        if self.over:
            raise PlayError("the game is over")
        self._asked()
        self._play(given)

    def view(self, seat: int) -> dict[str, Any]:
        """What the person in a seat may know now, JSON's kinds only; with ``reveal`` once the game is over.

        The seed is no part of it: whoever has it can work out what the others want.
        """
        now = self._tape.worlds
        before = self._seen[-2][seat] if len(self._seen) > 1 else None
        mine = [round(float(each[seat]), 2) for each in self.rewards]
        return {
            **self._eyes[seat].view(self._seen[-1][seat], np.asarray(now.masks[0][seat]), before),
            "title": self.scenario.title or self.scenario.name,
            "about": self.scenario.description,
            "payoff": mine[-1] if mine else None,
            "payoffs": round(sum(float(each[seat]) for each in self.rewards), 2),
            "defaults": self._defaults(seat),
            "chosen": seat in self._pending,
            "waiting": [self.names[i] for i in self.waiting],
            "people": [self.names[i] for i in self.people],
            "over": self.over,
            "reveal": self.reveal() if self.over else None,
        }

    def log(self) -> EpisodeLog:
        """The episode so far.

        Raises:
            PlayError: if no turn was played.
        """
        if not self.actions:
            raise PlayError("no turn was played, so that there is nothing to keep")
        return self._tape.log(self.labels)

    def reveal(self) -> dict[str, Any]:
        """What was hidden: who each state was and played by whom, what others believed, and how forecasts did."""
        log = self.log()
        last, others = log.states[-1], ~np.eye(len(self.names), dtype=bool)
        beliefs = [log.pairs["belief"][:, others[i], i].mean(axis=1) for i in range(len(self.names))]
        return {
            "seed": str(self.seed),
            "closing": list(Story(log).closing())[:2],
            "states": [
                {
                    "name": name,
                    "by": self.labels[i] or "a person",
                    "greed": round(float(log.states["greed"][0, i]), 2),
                    "standing": bool(last["standing"][i]),
                    "return": round(float(log.rewards[:, i].sum()), 2),
                    "homeland": round(float(last["homeland"][i]), 2),
                    "holdings": round(float(last["holdings"][i]), 2),
                    "believed": round(float(beliefs[i][-1]), 2),
                    "lowest": round(float(beliefs[i].min()), 2),
                    "attacks": int((log.pairs["attacks"][1:, i] != 0).sum()),
                    "forecast": self.score(i),
                }
                for i, name in enumerate(self.names)
            ],
        }

    def score(self, seat: int) -> dict[str, Any] | None:
        """How a person's forecasts did, :class:`agents.table.forecasts.Score` as JSON has it; None without any."""
        log, pairs = self.log(), list[tuple[float, bool]]()
        for turn, rows in self.forecasts.get(seat, {}).items():
            if turn <= log.turns:
                pairs += [(chance, bool(log.pairs["attacks"][turn, i, j])) for i, j, chance in rows]
        found = score(pairs)
        return None if found is None else {key: round(value, _DIGITS) for key, value in asdict(found).items()}

    def _stands(self, seat: int) -> bool:
        return bool(self._tape.worlds.states["standing"][0, seat])

    def _go_on(self) -> None:
        """Play turns as long as nobody has to be waited for."""
        while not self.over and not self.waiting:
            actions = self._asked()
            for seat in self.people:
                actions[seat] = self._pending.get(seat, self.scenario.heads.noop)
            self._play(actions)

    def _asked(self) -> np.ndarray:
        """The policies' actions for this turn, int64 ``(N, H)``; rows of people are zeros."""
        worlds = self._tape.worlds
        actions = np.zeros((1, len(self.names), len(self.scenario.heads.kinds)), np.int64)
        self._cast.act(worlds.observations, worlds.masks, actions)
        mine: np.ndarray = actions[0]
        return mine

    def _play(self, actions: np.ndarray) -> None:
        self._tape.play(actions)
        self._pending.clear()
        self.actions.append(actions.copy())
        self.rewards.append(self._tape.worlds.rewards[0].copy())
        self._seen = [self._seen[-1], self._tape.worlds.observations[0].copy()]

    def _legal(self, seat: int, choices: Any, turn: int) -> np.ndarray:
        heads = self.scenario.heads
        if not isinstance(choices, (list, tuple, np.ndarray)):
            raise PlayError(f"choices are {type(choices).__name__}; a list of whole numbers is needed")
        given = np.array([whole_number("a choice", each) for each in choices], np.int64)
        if len(given) != len(heads.kinds):
            raise PlayError(f"choices are {len(given)}; {len(heads.kinds)} are needed, one for each head")
        mask, first = self._tape.worlds.masks[0][seat], 0
        named = heads.names(seat, self.names)
        for name, size, choice in zip(named, heads.sizes, given.tolist(), strict=True):
            if choice >= size:
                raise PlayError(f"{name} is {choice}; 0 to {size - 1} are its choices")
            if turn == self.turn and not mask[first + choice]:  # of a turn that is past it is compared only
                raise PlayError(f"{name}: this choice is not legal on this turn")
            first += size
        return given

    def foreseen(self, seat: int, forecast: Any) -> list[tuple[int, int, float]]:
        """A person's forecast in plain numbers, each pair once.

        Raises:
            PlayError: for rows that are none.
        """
        n, found = len(self.names), {}
        if not isinstance(forecast, (list, tuple)) or len(forecast) > n * n:
            raise PlayError("a forecast is a list of rows: attacker, target, chance")
        for row in forecast:
            if not isinstance(row, (list, tuple)) or len(row) != 3:
                raise PlayError("a row of a forecast is: attacker, target, chance")
            i, j = (whole_number("a state of a forecast", each, 0, n - 1) for each in row[:2])
            chance = row[2]
            if isinstance(chance, bool) or not isinstance(chance, (int, float)) or not 0 <= chance <= 1:
                raise PlayError(f"a chance is {chance!r:.40}; a number from 0 to 1 is needed")
            if i in (j, seat):
                raise PlayError("a forecast is of others' attacks on others or on you")
            found[i, j] = float(chance)
        return [(i, j, chance) for (i, j), chance in found.items()]

    def _defaults(self, seat: int) -> list[int]:
        """What the state goes on with if its person changes nothing: the last turn's choices, as far as they are legal.

        Of words nothing: they are said anew or not at all.
        """
        heads = self.scenario.heads
        last = self.actions[-1][seat] if self.actions else np.array(heads.noop)
        mask, first, found = self._tape.worlds.masks[0][seat], 0, []
        for head, size, choice in zip(heads.kinds, heads.sizes, last.tolist(), strict=True):
            again = head.label != "signal" and mask[first + choice]
            found.append(choice if again else head.noop)
            first += size
        return found


def seats_of(scenario: Scenario, wanted: Sequence[str]) -> list[int]:
    """Indices of the states that are named, however they are capitalised.

    Raises:
        PlayError: for a name that is no state's, with the nearest that is.
    """
    import difflib

    known: Mapping[str, int] = {agent.lower(): i for i, agent in enumerate(scenario.agents)}
    found = []
    for name in wanted:
        if name in scenario.agents:
            found.append(scenario.agents.index(name))
            continue
        if name.lower() not in known:
            near = difflib.get_close_matches(name.lower(), list(known), n=1)
            hint = (
                f"did you mean {scenario.agents[known[near[0]]]}?"
                if near
                else f"states are {', '.join(scenario.agents)}."
            )
            raise PlayError(f"{name!r:.80} is no state of {scenario.name}; {hint}")
        found.append(known[name.lower()])
    return found


def possible(scenario: Scenario, people: Sequence[int], against: Sequence[Spec]) -> None:
    """Refuse a game that cannot be, before anybody sits down: :class:`Game` is made, and thrown away.

    Raises:
        PlayError, PolicyError: one sentence.
    """
    if not people:
        raise PlayError("nobody plays; name a state for somebody")
    try:
        Game(scenario, 0, people, against)
    except PolicyError as error:
        raise PlayError(str(error)) from None
