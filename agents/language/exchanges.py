"""A folder of what was asked and answered, a file an exchange: what is there is never asked again.

So a run that was killed goes on where it was, and who has the folder plays the same episodes without the endpoint. An
exchange is found by the request, the seed of the seat's episode, the world's row and how often the turn was asked: the
same policy, asked the same by the same seed, answers the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from agents.files import write_json
from agents.language.endpoint import MOST_BYTES, Reply
from sd_env.errors import RefusedError, said
from sd_env.files import read_bounded
from sd_env.policies import PolicyError
from sd_env.reading import ReadError, read_json

logger = logging.getLogger(__name__)

FORMAT: Final = "sd-env exchange"
VERSION: Final = 2
#: Its digest, which finds accidents.
_SEAL: Final = "sha256"
#: By what an exchange is found.
_ASKED: Final = ("seed", "row", "attempt", "request")


@dataclass(frozen=True)
class Exchange:
    """One question and its answer.

    Attributes:
        seed: of the seat's episode, as the policy was reset with.
        seat: index of the state, -1 where the policy was not told.
        row: of the world among those that are played together.
        turn: turns played before it.
        attempt: how often the turn was asked, from 1.
        request: the body that was sent.
        reply: what came back.
    """

    seed: int
    seat: int
    row: int
    turn: int
    attempt: int
    request: Mapping[str, Any]
    reply: Reply

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return asdict(self) | {"request": dict(self.request)}


class Exchanges:
    """The exchanges in a folder, which is made when the first is kept.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, asked: Exchange) -> Reply | None:
        """The reply to what is asked, whatever the reply of ``asked``; None if there is none that is as it was kept.

        What is damaged, was changed or answers something else is told to the log.
        """
        path = self._path(asked)
        try:
            return _reply_in(path, asked)
        except FileNotFoundError:
            return None
        except (OSError, RefusedError) as error:
            logger.warning("The exchange %s is not taken: %s.", path, said(error).rstrip("."))
            return None

    def keep(self, exchange: Exchange) -> None:
        """Write an exchange, whole.

        Raises:
            PolicyError: if it cannot be written.
        """
        path = self._path(exchange)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            data = {"format": FORMAT, "version": VERSION, **exchange.to_dict()}
            write_json(path, data | {_SEAL: _digest(data)})
        except OSError as error:
            raise PolicyError(f"An exchange cannot be kept in {self.folder}: {said(error)}.") from None

    def count(self, seed: int) -> int:
        """How many turns are kept that were asked with a seed."""
        return sum(1 for _ in (self.folder / f"{seed:010d}").glob("*-1-*.json"))

    def _path(self, asked: Exchange) -> Path:
        told = json.dumps([asked.seed, asked.row, asked.attempt, asked.request], sort_keys=True)
        digest = _sha256(told)[:32]
        name = f"world{asked.row}-turn{asked.turn}-{asked.attempt}-{digest}.json"
        return self.folder / f"{asked.seed:010d}" / name


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(exchange: Mapping[str, Any]) -> str:
    return _sha256(json.dumps(exchange, sort_keys=True))


def _reply_in(path: Path, asked: Exchange) -> Reply:
    """The reply that a file holds to what is asked; raises OSError, or ReadError with why it is not taken."""
    found = read_json(read_bounded(path, 2 * MOST_BYTES), "it", most=2 * MOST_BYTES)
    if not isinstance(found, dict) or found.get("format") != FORMAT or found.get("version") != VERSION:
        raise ReadError(f"it is no {FORMAT} of version {VERSION}")
    if found.pop(_SEAL, None) != _digest(found):
        raise ReadError("it was changed after it was written")
    reply, mine = found.get("reply"), asked.to_dict()
    if any(found.get(key) != mine[key] for key in _ASKED):
        raise ReadError("it answers something else")
    kinds = {"text": str, "refusal": str, "finish": str, "read": int, "written": int}
    if not isinstance(reply, dict) or {key: type(value) for key, value in reply.items()} != kinds:
        raise ReadError("its reply is none")
    return Reply(**reply)
