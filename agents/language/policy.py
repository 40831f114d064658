"""A language model as a policy: asked about each world of a batch by itself, once a turn, and never twice the same."""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from agents.language.config import LanguageConfig, load_config
from agents.language.endpoint import Endpoint, tokens_of
from agents.language.exchanges import Exchange, Exchanges
from agents.language.ledger import Ledger
from agents.language.mind import COUNTS, House, Mind, Place
from agents.language.prompts import system_text
from agents.policies import registry
from agents.policies.protocol import Policy
from sd_env.layout import Heads, Own
from sd_env.policies import AnyHeads, Board, PolicyError, another, answer
from sd_env.show.story import written

NOTHING: Final = "nothing"
#: Settings on which no choice depends.
_BESIDE: Final = {"endpoint", "exchanges", "budget", "prices", "limits", "parallel"}


class LanguagePolicy(AnyHeads):
    """A language model in a seat: ``llm:CONFIG.yaml``.

    A row whose ``own.turn`` goes back begins an episode; one that stands still, as that of a world that has ended does,
    is not asked about again, nor is one that leaves no choice.

    Attributes:
        name: ``llm:`` and the name of the config's file, or of the model.
        config: its settings.
        house: what its copies in other seats share with it.

    Args:
        config: its settings, or the path of their file.
        folder: from which ``config.exchanges`` is meant; default that of the file, or the working folder.
        offline: ask nobody, and play what was answered before.

    Raises:
        PolicyError: for a config that cannot be, or a fallback that is no strategy.
    """

    def __init__(
        self, config: LanguageConfig | Path | str, *, folder: Path | None = None, offline: bool = False
    ) -> None:
        path = None if isinstance(config, LanguageConfig) else Path(config)
        self.config = config if isinstance(config, LanguageConfig) else load_config(Path(config))
        self.name = f"llm:{path.stem if path else self.config.model}"
        where = (folder or (path.parent if path else Path())) / self.config.exchanges
        ledger = Ledger(self.config, where)
        self.house = House(self.config, Exchanges(where), ledger, Endpoint(self.config, ledger), offline)
        self._fallback = _strategy(self.config.fallback)
        self._stand_up()

    @property
    def identity(self) -> str:
        """A digest of what its choices follow from: not of where it asks, how patiently, and for how much."""
        told = self.config.model_dump(mode="json", exclude=_BESIDE)
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def __deepcopy__(self, memo: dict[int, Any]) -> LanguagePolicy:
        """A copy for another seat: what it sees, says to itself and does is its own; model and budget are shared."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._fallback = None if self._fallback is None else another(self._fallback)
        twin._stand_up()
        return twin

    def _stand_up(self) -> None:
        self._seat, self._agents, self._board = -1, tuple[str, ...](), Board()
        self.reset(0)

    def sit(self, seat: int, agents: Sequence[str], board: Board) -> None:
        """It plays the state ``seat`` of ``agents``; on ``board`` states write what they say in words."""
        self._seat, self._agents, self._board = seat, tuple(agents), board
        if self.house.board is not board:
            self.house.board, self.house.told = board, []

    def reset(self, seed: int) -> None:
        """An episode begins: nothing is remembered."""
        self._seed, self._minds = int(seed), list[Mind]()
        if self._fallback is not None:
            self._fallback.reset(seed)
        self.house.told = [each for each in self.house.told if each.seat != self._seat]

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        """What the model chooses in each world, int64 ``(K, H)``; where it does not, what the fallback does.

        Raises:
            PolicyError: if the endpoint fails, the budget is used up, or ``offline`` lacks an exchange.
        """
        turns = observation[:, Own.TURN].astype(np.int64).tolist()
        if len(self._minds) != len(turns):
            self._minds = [Mind(self.house, self._seed, k) for k in range(len(turns))]
        for k, turn in enumerate(turns):
            if turn < self._minds[k].turn:
                self._minds[k] = Mind(self.house, self._seed, k)
        instead = np.tile(np.array(heads.noop, np.int64), (len(turns), 1))
        if self._fallback is not None:
            instead = np.array(answer(self._fallback, observation.copy(), mask.copy(), heads), np.int64)
        place = self._place(heads.num_states)

        def chosen(k: int) -> np.ndarray:
            return self._minds[k].choose(turns[k], observation[k], mask[k], heads, instead[k], place)

        return np.array(_each(chosen, len(turns), self.config.parallel), np.int64).reshape(instead.shape)

    def foresees(self) -> np.ndarray:
        """Its forecasts of the attacks of this turn: float64 ``(K, N, N)``, attacker by target, NaN without one."""
        found = np.full((len(self._minds), len(self._agents), len(self._agents)), np.nan)
        names = list(self._place(len(self._agents)).names)
        for k, mind in enumerate(self._minds):
            for (attacker, target), chance in mind.forecasts.items():
                found[k, names.index(attacker), names.index(target)] = chance
        return found

    def counts(self) -> dict[str, np.ndarray]:
        """What is counted of each world's episode, :data:`agents.language.mind.COUNTS`, int64 ``(K,)`` each."""
        return {name: np.array([mind.counts[name] for mind in self._minds], np.int64) for name in COUNTS}

    def transcript(self, row: int = 0) -> list[Exchange]:
        """What was asked and answered in one world of the episode that is played, in all seats of this config."""
        mine = (each for each in self.house.told if each.row == row)
        return sorted(mine, key=lambda each: (each.turn, each.seat, each.attempt))

    def tokens(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> tuple[int, int]:
        """About how many tokens a turn that begins so makes a model read with a full memory, and how many it may write.

        Args:
            observation: float32 ``(D,)``.
            mask: int8 ``(M,)``.
            heads: of the game.
        """
        text, _, _ = Mind(self.house, 0, 0).asked(observation, mask, heads, self._place(heads.num_states))
        memory = self.config.memory.notes // 4 + 50 * self.config.memory.turns
        return tokens_of(system_text(self.config) + text) + memory, self.config.answer_tokens

    def _place(self, num_states: int) -> Place:
        return Place(self._seat, self._names(num_states), self._board)

    def _names(self, num_states: int) -> list[str]:
        """Of all states, as the model knows them; where nobody said which state it is, by its own list of others."""
        if self.config.names == "letters":
            return list(string.ascii_uppercase[:num_states])
        if self._seat < 0 or len(self._agents) != num_states:
            return ["You", *(f"Other{k}" for k in range(1, num_states))]
        return list(written(self._agents).values())


def _strategy(name: str) -> Policy | None:
    """Who plays where a model's answers cannot be used; None for nobody."""
    return None if name == NOTHING else registry.make(name)


def _each(task: Callable[[int], np.ndarray], count: int, at_once: int) -> list[np.ndarray]:
    """What the task gives for each of 0 to ``count`` - 1; after a failure no more are begun."""
    if at_once == 1 or count < 2:
        return [task(k) for k in range(count)]
    with ThreadPoolExecutor(min(at_once, count)) as pool:
        try:
            return list(pool.map(task, range(count)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def of_file(file: str, **parameters: Any) -> LanguagePolicy:
    """The policy of ``llm:FILE:offline=true``.

    Raises:
        PolicyError: for a parameter that there is not, and as for :class:`LanguagePolicy`.
    """
    offline = parameters.pop("offline", False)
    if parameters:
        raise PolicyError(
            f"Policy 'llm:{file}': a language policy has no parameter {next(iter(parameters))!r}; it has offline."
        )
    if not isinstance(offline, bool):
        raise PolicyError(f"Policy 'llm:{file}': offline is {offline!r:.80}, but must be true or false.")
    return LanguagePolicy(Path(file), offline=offline)
