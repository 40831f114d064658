"""Transcripts: what language models were asked and answered in one episode, in a file beside its log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agents.files import write_json
from agents.language.mind import House
from agents.language.policy import LanguagePolicy
from sd_env.policies import Policy

FORMAT: Final = "sd-env transcript"
VERSION: Final = 1


def write_transcript(path: Path, policies: Sequence[Policy], row: int = 0) -> bool:
    """Write what the language models among ``policies`` were asked and answered in one world; whole, if there are any.

    They stand in the order of turns, seats and attempts, as :class:`agents.language.exchanges.Exchange` has them.

    Args:
        path: of the file.
        policies: who played, as they were given to what plays them.
        row: of the world among those that were played together.

    Returns:
        Whether there was any.
    """
    houses: dict[int, tuple[House, LanguagePolicy]] = {
        id(policy.house): (policy.house, policy) for policy in policies if isinstance(policy, LanguagePolicy)
    }
    if not houses:
        return False
    told = [each for _, policy in houses.values() for each in policy.transcript(row)]
    told.sort(key=lambda each: (each.turn, each.seat, each.attempt))
    write_json(path, {"format": FORMAT, "version": VERSION, "exchanges": [each.to_dict() for each in told]})
    return True
