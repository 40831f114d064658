"""What was spent from a folder of exchanges, by all processes and runs together, held against the budget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from agents.files import write_json
from agents.language.config import LanguageConfig
from agents.work import locked
from sd_env.errors import RefusedError, said
from sd_env.files import read_bounded
from sd_env.policies import PolicyError
from sd_env.reading import read_json

SPENT: Final = "spent.json"
#: Seconds for which another process may hold the file.
_PATIENCE: Final = 60.0


class BudgetError(PolicyError):
    """The budget does not allow what is asked for: one sentence."""


@dataclass(frozen=True)
class Spent:
    """What requests have cost: how many, tokens read and written by models, money by the prices, seconds of waiting."""

    requests: int = 0
    read: int = 0
    written: int = 0
    money: float = 0.0
    seconds: float = 0.0


class Ledger:
    """The spending of a config's folder.

    A request is entered before it is made, with the tokens that it may cost, and corrected when it is over: whatever
    ends the process in between, no more is spent than the file says.

    Args:
        config: with the budget.
        folder: of the exchanges.
    """

    def __init__(self, config: LanguageConfig, folder: Path) -> None:
        self._config, self._folder, self._lock = config, folder, threading.Lock()

    def spent(self) -> Spent:
        """What was spent so far.

        Raises:
            PolicyError: for a file that is not as it was written.
        """
        path = self._folder / SPENT
        try:
            found = read_json(read_bounded(path, 10_000), "it")
        except FileNotFoundError:
            return Spent()
        except (OSError, RefusedError) as error:
            why = getattr(error, "strerror", None) or said(error)
            raise PolicyError(f"{path} cannot be read: {why}.") from None
        empty = asdict(Spent())
        if not isinstance(found, dict) or set(found) != set(empty) or not all(map(_amount, found.values())):
            raise PolicyError(
                f"{path} is not as it was written: {', '.join(empty)}, numbers of at least 0, are needed."
            )
        return Spent(**{key: type(empty[key])(value) for key, value in found.items()})

    def reserve(self, read: int, written: int) -> Spent:
        """Enter a request that may cost so many tokens; returns what was entered.

        Raises:
            BudgetError: naming what would be spent, and of what; nothing is entered then.
        """
        entry = Spent(1, read, written, self._config.cost(read, written))
        self._change(lambda spent: _sum(self._checked(spent, entry), entry))
        return entry

    def settle(self, entered: Spent, read: int, written: int, seconds: float) -> None:
        """Correct an entry by what the request has cost."""
        true = Spent(0, read - entered.read, written - entered.written, 0.0, seconds)
        cost = self._config.cost(read, written) - entered.money
        self._change(lambda spent: _sum(spent, replace(true, money=cost)))

    def _checked(self, spent: Spent, entry: Spent) -> Spent:
        budget = self._config.budget
        after = _sum(spent, entry)
        for name, most, now, then in (
            ("requests", budget.requests, spent.requests, after.requests),
            ("tokens", budget.tokens, spent.read + spent.written, after.read + after.written),
            ("money", budget.money, spent.money, after.money),
        ):
            if most is not None and then > most:
                raise BudgetError(self._over(name, most, now))
        if budget.seconds is not None and spent.seconds >= budget.seconds:
            raise BudgetError(self._over("seconds", budget.seconds, spent.seconds))
        return spent

    def _over(self, name: str, most: float, now: float) -> str:
        return (
            f"The budget of the language policy is used up: budget.{name} is {most:g}, {now:.6g} are spent and the "
            f"next request could take more. What was answered is kept in {self._folder}; with more it goes on."
        )

    def _change(self, change: Callable[[Spent], Spent]) -> None:
        with self._lock:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with locked(self._folder, _PATIENCE):
                    after = change(self.spent())
                    write_json(self._folder / SPENT, asdict(after))
            except OSError as error:
                raise PolicyError(f"What is spent cannot be kept in {self._folder}: {said(error)}.") from None


def _sum(one: Spent, other: Spent) -> Spent:
    pairs = zip(asdict(one).items(), asdict(other).values(), strict=True)
    return Spent(**{key: max(type(a)(0), a + b) for (key, a), b in pairs})


def _amount(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15
