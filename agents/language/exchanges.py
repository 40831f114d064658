"""A folder of what was asked and answered, a file an exchange: what is there is never asked again.

So a run that was killed goes on where it was, and who has the folder plays the same episodes without the endpoint. An
exchange is found by the request, the seed of the seat's episode, the world's row and how often the turn was asked: the
same policy, asked the same by the same seed, answers the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from agents.files import write_json
from agents.language.endpoint import MOST_BYTES, Reply
from sd_env.errors import said
from sd_env.files import read_bounded
from sd_env.policies import PolicyError
from sd_env.reading import ReadError, read_json

FORMAT: Final = "sd-env exchange"
VERSION: Final = 1


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
        """The reply to what is asked, whatever the reply of ``asked``; None if there is none that can be read."""
        path = self._path(asked)
        try:
            found = read_json(read_bounded(path, 2 * MOST_BYTES), most=2 * MOST_BYTES)
        except (OSError, ReadError):
            return None
        reply = found.get("reply") if isinstance(found, dict) and found.get("format") == FORMAT else None
        kinds = {"text": str, "refusal": str, "finish": str, "read": int, "written": int}
        if not isinstance(reply, dict) or set(reply) != set(kinds):
            return None
        if not all(isinstance(reply[key], kind) for key, kind in kinds.items()):
            return None
        return Reply(**reply)

    def keep(self, exchange: Exchange) -> None:
        """Write an exchange, whole.

        Raises:
            PolicyError: if it cannot be written.
        """
        path = self._path(exchange)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, {"format": FORMAT, "version": VERSION, **exchange.to_dict()})
        except OSError as error:
            raise PolicyError(f"An exchange cannot be kept in {self.folder}: {said(error)}.") from None

    def count(self, seed: int) -> int:
        """How many turns are kept that were asked with a seed."""
        return sum(1 for _ in (self.folder / f"{seed:010d}").glob("*-1-*.json"))

    def _path(self, asked: Exchange) -> Path:
        told = json.dumps([asked.seed, asked.row, asked.attempt, asked.request], sort_keys=True)
        digest = hashlib.sha256(told.encode()).hexdigest()[:32]
        name = f"world{asked.row}-turn{asked.turn}-{asked.attempt}-{digest}.json"
        return self.folder / f"{asked.seed:010d}" / name
