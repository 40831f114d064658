"""Scenario: all that defines a world, validated, frozen, and loaded from the catalogue, a YAML file or a mapping."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeAlias

import numpy as np
from pydantic import Field, StrictStr, ValidationInfo, field_validator, model_validator

from sd_env import layout
from sd_env.files import write_whole
from sd_env.reading import is_whole
from sd_env.scenario_bounds import Bounds, is_matrix, of_state, span
from sd_env.scenario_files import catalogue, dump_yaml, parse_yaml, read_bytes
from sd_env.scenario_groups import (
    DESIGN,
    Actions,
    Alliances,
    Anarchy,
    Arming,
    Geography,
    Motives,
    Perception,
    Signals,
    States,
    Technology,
    War,
)
from sd_env.scenario_institutions import Institutions
from sd_env.scenario_texts import Places, Texts
from sd_env.scenario_values import (
    DEFAULT,
    Group,
    Number,
    Quantity,
    Refusal,
    ScenarioError,
    WholeNumber,
    show,
    to_plain,
    unknown_key,
)

__all__ = ["Bounds", "Scenario", "ScenarioError", "load_scenario", "scenarios"]

#: Keys that say what a scenario is for, or how it is shown, and change nothing in its game.
TEXTS: Final = ("name", "title", "description", "sources", "tags", "prediction", "places")
#: How long the texts for people may be.
MOST_LETTERS: Final = {"title": 1_000, "description": 20_000, "prediction": 1_000}
#: Version of the defaults: raise it when one of them changes, since fingerprints leave out what is at its default.
DEFAULTS: Final = 1

Source: TypeAlias = "str | os.PathLike[str] | Scenario | Mapping[str, Any]"


class Scenario(Group):
    """A world's parameters: frozen, hashable, picklable. Build it by keyword, or with ``Scenario.load``.

    Raises ``ScenarioError`` (a ``ValueError``), one sentence with the key, the value and what is allowed.
    """

    name: StrictStr = Field(
        default="custom", description="Its name; in the catalogue, its path there without the suffix."
    )
    title: StrictStr = Field(default="", description="Its title for people.")
    description: StrictStr = Field(default="", description="What it is, and why its values are what they are.")
    sources: Annotated[tuple[str, ...], Texts()] = Field(default=(), description="The literature that it stands on.")
    tags: Annotated[tuple[str, ...], Texts()] = Field(default=(), description="Words to find it by.")
    prediction: StrictStr = Field(default="", description="What the theory predicts for it.")
    places: Annotated[Mapping[str, tuple[float, float]] | None, Places()] = Field(
        default=None,
        description="Where each state lies, as [longitude, latitude] in degrees east and north: for pictures alone.",
    )
    n_states: Annotated[
        int, Quantity(layout.MIN_STATES, layout.MAX_STATES, "states", DESIGN, whole=True, ranged=False)
    ] = Field(default=2, description="N: how many states the world holds.")
    horizon: Annotated[WholeNumber, Quantity(1, 1000, "turns", DESIGN, whole=True)] = Field(
        default=32, description="Turns after which the world is truncated."
    )
    continuation: Annotated[Number, Quantity(0, 1, "probability", "Axelrod 1984", above=True)] = Field(
        default=1.0, description="Probability after each turn that the world goes on."
    )
    states: States = Field(default=States(), description="What each state starts with.")
    geography: Geography = Field(default=Geography(), description="How far force reaches.")
    technology: Technology = Field(default=Technology(), description="Arms technology.")
    arming: Arming = Field(default=Arming(), description="How arms are made.")
    signals: Signals = Field(default=Signals(), description="What signals cost.")
    alliances: Alliances = Field(default=Alliances(), description="What allies give and owe.")
    war: War = Field(default=War(), description="War and its costs.")
    anarchy: Anarchy = Field(default=Anarchy(), description="How far anarchy is tempered.")
    institutions: Institutions = Field(default=Institutions(), description="What states have set up together.")
    motives: Motives = Field(default=Motives(), description="What states want.")
    perception: Perception = Field(default=Perception(), description="How truly states see.")
    actions: Actions = Field(default=Actions(), description="What the action mask allows at all.")

    @classmethod
    def _prefix(cls) -> str:
        return ""

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not name.strip() or not name.isprintable() or len(name) > 100:
            raise Refusal(name, "a text of 1 to 100 printable characters, not all of them blank")
        return name

    @field_validator("title", "description", "prediction")
    @classmethod
    def _check_length(cls, text: str, info: ValidationInfo) -> str:
        most = MOST_LETTERS[str(info.field_name)]
        if len(text) > most:
            raise Refusal(text, f"a text of at most {most} characters")
        if not is_whole(text):
            raise Refusal(text, "a text without halves of letters (lone surrogates)")
        return text

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        """Settings that contradict each other."""
        count, names = self.n_states, self.agents
        if len(names) != count:
            raise Refusal(list(names), f"{count} names, since n_states is {count}", "states.names")
        Places.check(self.places, names)
        for field in type(self.states).model_fields:
            value = getattr(self.states, field)
            if not isinstance(value, Mapping):
                continue
            for name in value:
                if name not in (*names, DEFAULT):
                    allowed = f"given for a state of this scenario ({', '.join(names)}) or for '{DEFAULT}'"
                    raise Refusal(value[name], allowed, f"states.{field}.{name}")
            missing = [name for name in names if name not in value]
            if missing and DEFAULT not in value and field not in _LEFT_OUT:
                allowed = f"given for every state or with a '{DEFAULT}' (it leaves out {', '.join(missing)})"
                raise Refusal(value, allowed, f"states.{field}")
        for field in layout.INITIAL_PAIR:
            matrix = self._parameter(field)
            if is_matrix(matrix) and len(matrix) != count:
                size = f"a {len(matrix)} x {len(matrix)} matrix"
                allowed = f"a {count} x {count} matrix, since n_states is {count}"
                raise Refusal(_Words(size), allowed, f"{_GROUP_OF[field]}.{field}")
        if span(self.institutions.crisis_turns)[1] > 0 and not self.war.mobilization_required:
            allowed = "0, since war.mobilization_required is false: without a mobilization there is none to stand"
            raise Refusal(self.institutions.crisis_turns, allowed, "institutions.crisis_turns")
        for head in layout.Head if self.war.mobilization_required else ():
            given = getattr(self.actions, head.label)
            for choice, rung in ((head.labels[choice], head.labels[rung]) for choice, rung in head.below.items()):
                if choice in given and rung not in given:
                    allowed = f"a list with {rung} where it has {choice}, since war.mobilization_required is true"
                    raise Refusal(list(given), allowed, f"actions.{head.label}")
        return self

    @property
    def agents(self) -> tuple[str, ...]:
        """Names of the states, in index order."""
        return self.states.names or tuple(f"state_{i}" for i in range(self.n_states))

    @property
    def heads(self) -> layout.Heads:
        """The heads of its actions."""
        return layout.Heads(self.n_states, self.arming.levels, self.war.force_levels)

    @property
    def shown(self) -> layout.Parts:
        """What its observations hold."""
        seen = self.perception
        return layout.Parts(seen.context_observed, seen.beliefs, self.heads.limits_force, self.institutions.shown)

    @classmethod
    def load(cls, source: Source, overrides: Mapping[str, Any] | None = None) -> Scenario:
        """A scenario from a catalogue name, a YAML path, a Scenario or a mapping, with dotted overrides.

        ``overrides`` maps dotted keys to values: ``{"technology.offense_advantage": 2.0}``; below a per-state value
        a state's name is a key too: ``{"states.economy.germany": 2.0}``. Nothing given is changed.
        Raises ScenarioError.
        """
        if isinstance(source, Scenario):
            return source.with_overrides(overrides) if overrides is not None else source
        if isinstance(source, Mapping):
            return cls._build(source, overrides)
        if not isinstance(source, (str, os.PathLike)):
            raise ScenarioError(
                f"scenario is {show(source)}, but must be a catalogue name, a YAML path, a Scenario or a mapping."
            )
        text = read_bytes(source)
        try:
            return cls._build(parse_yaml(text), overrides)
        except ScenarioError as error:
            raise ScenarioError(f"{os.fspath(source)}: {error}") from None

    @classmethod
    def _build(cls, data: Mapping[Any, Any], overrides: Mapping[str, Any] | None) -> Scenario:
        merged = {key: _group_dict(value) for key, value in data.items()}
        for key, value in merged.items():
            if not isinstance(key, str):
                raise ScenarioError(
                    f"{show(key)} (given {show(value)}) is not a key of a scenario: keys must be texts."
                )
            group, _, field = key.partition(".")
            if field and group in _GROUPS:
                raise ScenarioError(
                    f"{show(key)} (given {show(value)}) is a key of overrides, but a scenario nests its keys: "
                    f"{{{group}: {{{field}: {show(value)}}}}}."
                )
        if overrides is not None:
            if not isinstance(overrides, Mapping):
                raise ScenarioError(f"overrides is {show(overrides)}, but must be a mapping of dotted keys to values.")
            for key, value in overrides.items():
                _override(merged, key, value)
        return cls(**merged)

    def with_overrides(self, overrides: Mapping[str, Any]) -> Scenario:
        """A new scenario with the dotted keys of ``overrides`` replaced, validated as a whole. Raises ScenarioError."""
        return type(self)._build(self.to_dict(), overrides)

    def to_dict(self) -> dict[str, Any]:
        """The scenario in dicts, lists and scalars, every key written out."""
        return self.model_dump(mode="json")

    def rules(self) -> dict[str, Any]:
        """The same without :data:`TEXTS`: what decides the game."""
        return {key: value for key, value in self.to_dict().items() if key not in TEXTS}

    def to_yaml(self) -> str:
        """The scenario as YAML, every key written out: loading it gives an equal scenario."""
        return dump_yaml(self.to_dict())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the YAML to ``path``, whole or not at all."""
        write_whole(Path(path), self.to_yaml().encode())

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema: every key with description, unit, allowed range, default and source."""
        return cls.model_json_schema()

    def changes(self) -> dict[str, Any]:
        """What differs from the defaults, by dotted key, texts left out: ``Scenario.load({}, ...)`` plays the same."""
        return dict(_changes(self.to_dict(), type(self)().to_dict()))

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of the game: of ``changes`` as canonical JSON, and of the version of the defaults.

        Texts do not enter, nor what is at its default: a parameter that scenarios gain changes no fingerprint.
        """
        game = {"defaults": DEFAULTS, "changes": self.changes()}
        text = json.dumps(game, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def bounds(self) -> Bounds:
        """Low and high of every number, as fresh arrays in the order of ``layout``."""
        count = self.n_states
        parameters = np.array([span(self._parameter(name)) for name in layout.PARAMETERS]).T
        states = np.empty((2, count, len(layout.INITIAL_STATE)))
        for i, name in enumerate(self.agents):
            for column, field in enumerate(layout.INITIAL_STATE):
                states[:, i, column] = span(self._initial(name, field))
        pairs = np.zeros((2, count, count, len(layout.INITIAL_PAIR)))
        for column, field in enumerate(layout.INITIAL_PAIR):
            value = self._parameter(field)
            for i in range(count):
                for j in range(count):
                    if i != j:
                        pairs[:, i, j, column] = span(value[i][j] if is_matrix(value) else value)
        return Bounds(np.ascontiguousarray(parameters), states, pairs)

    def _parameter(self, name: str) -> Any:
        if name == "gamble":
            return self.war.outcome == "gamble"
        if name == "institutions_shown":
            return self.institutions.shown
        if name == "difference":
            return self.war.contest == "difference"
        if name.startswith("allowed_"):
            head = layout.Head[name.removeprefix("allowed_").upper()]
            return self.heads.allowed(head, getattr(self.actions, head.label))
        group = _GROUP_OF[name]
        return getattr(getattr(self, group) if group else self, name)

    def _initial(self, state: str, field: str) -> Any:
        if field in ("greed", "p_greedy"):
            greed = of_state(self.states.greed, state)
            if greed is None:
                return getattr(self.motives, field)
            return greed if field == "greed" else float(span(greed)[1] > 0)
        given = of_state(getattr(self.states, field), state)
        return self.trust(state) if field == "trust" and given is None else given

    def trust(self, state: str) -> float:
        """t: how probable others think it, before any deed, that ``state`` is a security seeker; of a range the middle.

        Where the scenario does not say: as probable as it is, and of a range of probabilities the middle, since what
        was drawn is not public.
        """
        given = of_state(self.states.trust, state)
        if given is None:
            may_be = span(self._initial(state, "greed"))[1] > 0.0
            return 1.0 - sum(span(self._initial(state, "p_greedy"))) / 2.0 if may_be else 1.0
        return sum(span(given)) / 2.0


#: Fields of states whose mapping may leave states out: of those, the motives say it.
_LEFT_OUT: Final = ("greed", "trust")
#: What names a game wherever one is asked for: a scenario, a catalogue name or a path, or a mapping.
ScenarioLike: TypeAlias = Scenario | str | os.PathLike[str] | Mapping[str, Any]

_GROUPS: dict[str, type[Group]] = {
    name: field.annotation
    for name, field in Scenario.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Group)
}
#: The group of each number of a world or of a pair, by its own name; "" for the top level. Names of states'
#: starting values recur in motives (greed), so those two groups that hold no parameters are left out.
_GROUP_OF: dict[str, str] = dict.fromkeys(("horizon", "continuation"), "") | {
    field: group
    for group, model in _GROUPS.items()
    if group not in ("states", "actions")
    for field in model.model_fields
}


def _changes(values: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values that differ from the defaults, down to the fields of groups."""
    for key, value in values.items():
        if prefix == "" and key in _GROUPS:
            yield from _changes(value, defaults[key], f"{key}.")
        elif value != defaults[key] and key not in TEXTS:
            yield prefix + key, value


class _Words(str):
    """Words that stand for a value in a sentence, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _group_dict(value: Any) -> Any:
    """A group as a dict of its own, so that overrides change nothing that was given."""
    if isinstance(value, Group):
        return value.model_dump(mode="json")
    return dict(value) if isinstance(value, Mapping) else value


def _override(data: dict[Any, Any], key: Any, value: Any) -> None:
    """Put one dotted override into the raw data."""
    if not isinstance(key, str):
        raise ScenarioError(
            f"override {show(key)} (given {show(value)}) is not a key of a scenario: keys must be texts."
        )
    group, _, rest = key.partition(".")
    if group not in _GROUPS:
        if key not in Scenario.model_fields:
            raise ScenarioError(unknown_key(key, value, Scenario.dotted_keys()))
        data[key] = value
        return
    if not rest:
        inner = _group_dict(value)
        if not isinstance(inner, Mapping):
            raise ScenarioError(f"{key} is {show(value)}, but must be a mapping of this group's keys to values.")
        for field, item in inner.items():
            _override(data, f"{key}.{field}", item)
        return
    target = data.setdefault(group, {})
    if not isinstance(target, dict):
        raise ScenarioError(f"{group} is {show(target)}, but must be a mapping of this group's keys to values.")
    field, _, state = rest.partition(".")
    fields = _GROUPS[group].model_fields
    if field not in fields or (state and (group != "states" or field == "names")):
        raise ScenarioError(unknown_key(key, value, Scenario.dotted_keys()))
    if not state:
        target[field] = value
        return
    present = target.get(field, to_plain(fields[field].default))
    others = dict(present) if isinstance(present, Mapping) else {} if present is None else {DEFAULT: present}
    target[field] = {**others, state: value}


def scenarios() -> list[str]:
    """Names of the catalogue's scenarios, sorted."""
    return list(catalogue())


def load_scenario(name_or_path: Source, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """``Scenario.load``: from a catalogue name, a YAML path, a Scenario or a mapping, with dotted overrides."""
    return Scenario.load(name_or_path, overrides)
