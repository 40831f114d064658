"""Challenges: frozen scenarios with held-out residents, one YAML file each (docs/challenges.md).

A challenge says who else is there; a policy is put into its focal seats, without training there, and its score is what
those seats earn. In the manner of Melting Pot (Leibo et al. 2021).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from agents.entries import Entries
from sd_env.errors import RefusedError, said
from sd_env.files import read_bounded
from sd_env.reading import ReadError, read_json
from sd_env.scenario import Scenario
from sd_env.scenario_values import DEFAULT, ScenarioError, show

__all__ = ["Challenge", "ChallengeError", "Option", "challenges", "load_challenge", "references"]

REFERENCES: Final = "references.json"
#: Of such a file.
MOST_BYTES: Final = 1 << 24

#: Of an option, so that no sum of them is beyond all numbers.
MOST_WEIGHT: Final = 1e9

Text = Annotated[str, Field(min_length=1)]
Spec = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(:.+)?$")]


class ChallengeError(RefusedError):
    """A challenge that cannot be, or is not there: one sentence with the key, the value and what is allowed."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Option(_Model):
    """One of several strategies that a resident may have, drawn anew for every world."""

    strategy: Spec = Field(description="a name of the registry, with parameters after a colon if need be")
    weight: float = Field(gt=0, le=MOST_WEIGHT, description="chance to be drawn, relative to the other options")


class Challenge(_Model):
    """Focal seats among residents of given strategies, in a scenario."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="what it is called; in the catalogue its file")
    title: Text = Field(description="its title for people")
    description: Text = Field(description="the situation, and what is tested")
    sources: tuple[Text, ...] = Field(strict=False, min_length=1, description="the literature that it stands on")
    tags: tuple[Text, ...] = Field(strict=False, min_length=1, description="words to find it by")
    prediction: Text = Field(description="what good behaviour is expected to be")
    scenario: Text = Field(description="catalogue name of the scenario")
    overrides: dict[str, Any] = Field(default={}, description="dotted keys of the scenario and their values")
    focal: tuple[str, ...] = Field(
        strict=False, min_length=1, description="names or indices of the states that are tested"
    )
    residents: dict[str, Annotated[tuple[Option, ...], Field(strict=False)]] = Field(
        min_length=1,
        description="strategy of each other state by name, or options with weights; 'default' for the rest",
    )
    score: Literal["mean_return", "least_return"] = Field(
        default="mean_return", description="what counts of the focal states' returns: their mean, or the least of them"
    )

    @field_validator("focal", mode="before")
    @classmethod
    def _name_indices(cls, value: Any) -> Any:
        """Indices become texts; they are told apart from names once the scenario is known."""
        return tuple(str(item) if type(item) is int else item for item in value) if isinstance(value, list) else value

    @field_validator("residents", mode="before")
    @classmethod
    def _one_is_sure(cls, value: Any) -> Any:
        """A strategy alone is an option that is always drawn."""
        if not isinstance(value, Mapping):
            return value
        return {
            key: [{"strategy": item, "weight": 1}] if isinstance(item, str) else item for key, item in value.items()
        }

    @model_validator(mode="after")
    def _seats_fit(self) -> Self:
        agents = self.game.agents
        seats = self.focal_seats
        if len(set(seats)) < len(seats):
            raise ValueError(f"focal is {show(self.focal)}, but must name each state once")
        others = [agent for i, agent in enumerate(agents) if i not in seats]
        allowed = f"must be given for each of {', '.join(others)} or for '{DEFAULT}', and for nobody else"
        for name, options in self.residents.items():
            if name not in (*others, DEFAULT):
                raise ValueError(f"residents has {name!r}, but residents {allowed}")
            if not options:
                raise ValueError(f"residents.{name} is an empty list, but must name a strategy")
        missing = [name for name in others if name not in self.residents]
        if missing and DEFAULT not in self.residents:
            raise ValueError(f"residents leaves out {', '.join(missing)}, but {allowed}")
        if DEFAULT in self.residents and not missing:
            raise ValueError(f"residents.{DEFAULT} stands for no state, but residents {allowed}")
        return self

    @cached_property
    def game(self) -> Scenario:
        """The scenario with the overrides."""
        try:
            return Scenario.load(self.scenario, self.overrides)
        except ScenarioError as error:
            raise ValueError(f"scenario {self.scenario} with its overrides: {str(error).rstrip('.')}") from None

    @property
    def focal_seats(self) -> tuple[int, ...]:
        """Indices of the focal states, as given."""
        agents = self.game.agents
        known = {**{str(i): i for i in range(len(agents))}, **{name: i for i, name in enumerate(agents)}}
        for name in self.focal:
            if name not in known:
                raise ValueError(f"focal is {name!r}, but must be among {', '.join(agents)} or 0 to {len(agents) - 1}")
        return tuple(known[name] for name in self.focal)

    @property
    def cast(self) -> dict[int, tuple[Option, ...]]:
        """The options of each resident seat, by index in ascending order; a single option is sure."""
        return {
            i: self.residents.get(agent, self.residents.get(DEFAULT, ()))
            for i, agent in enumerate(self.game.agents)
            if i not in self.focal_seats
        }

    def fingerprint(self) -> str:
        """SHA-256 of all that scores depend on: the scenario's game, the seats, the residents and what is scored."""
        held = {
            "game": self.game.fingerprint(),
            "focal": self.focal_seats,
            "residents": {i: [option.model_dump() for option in options] for i, options in self.cast.items()},
            "score": self.score,
        }
        return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


class _Measured(_Model):
    mean: float
    standard_error: float | None = None
    by_seed: list[float] = []


class _Best(_Measured):
    policy: str


class _Known(_Model):
    """What random and the best known earn in a challenge."""

    fingerprint: str
    random: _Measured
    best: _Best
    tried: dict[str, float | None] = {}


class _References(_Model):
    made: dict[str, Any]
    challenges: dict[str, _Known]


_ENTRIES: Final = Entries(
    "agents.evaluation.challenges",
    Challenge,
    "a challenge",
    ChallengeError,
    lambda near: f"is neither a file nor in the catalogue, where the nearest is {near}.",
)


def challenges() -> tuple[str, ...]:
    """Names of the catalogue's challenges, sorted."""
    return _ENTRIES.names()


def load_challenge(name_or_path: str | os.PathLike[str]) -> Challenge:
    """A challenge of the catalogue by name, or one of your own by the path of its YAML file.

    Raises:
        ChallengeError: if there is none, or it has a bad key or value; one sentence.
    """
    return _ENTRIES.load(name_or_path)


def references(path: Path | None = None) -> Mapping[str, Any]:
    """What scores are measured by (``references.json``): ``made``, and for each challenge by name ``random``, ``best``.

    Args:
        path: another file of that form, such as one made for challenges of your own.

    Raises:
        ChallengeError: if the file is not there or is not such a file.
    """
    source: Traversable | Path = path or resources.files("agents.evaluation.challenges") / REFERENCES
    try:
        text = read_bounded(source, MOST_BYTES) if isinstance(source, Path) else source.read_bytes()
        data = read_json(text, most=MOST_BYTES)
    except ReadError:
        raise ChallengeError(f"{source} is not JSON, as sd-env challenge --reference writes it.") from None
    except (OSError, ValueError) as error:
        raise ChallengeError(f"{source} cannot be read: {said(error)}.") from None
    if not isinstance(data, dict) or not {"made", "challenges"} <= set(data):
        raise ChallengeError(f"{source} has no 'made' and 'challenges', as sd-env challenge --reference writes them.")
    try:
        _References.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ChallengeError(
            f"{source} is not as sd-env challenge --reference writes it: {key} is {show(first['input'])}."
        ) from None
    return data
