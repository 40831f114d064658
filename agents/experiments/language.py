"""What the file of an experiment says: the types of its YAML, and the cells that follow from it."""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from agents.entries import Entries
from sd_env.errors import RefusedError
from sd_env.scenario_files import parse_yaml

if TYPE_CHECKING:
    from agents.evaluation.predictions import Bounds

#: The file of the folder that is no experiment.
TRAINING: Final = "training"
#: Beginnings of settings that are no dotted keys of the scenario.
SCENARIO, TRAINED, INTERVENED, CAST = "scenario", "training.", "interventions.", "cast."

Text = Annotated[str, Field(min_length=1)]
#: ``security``: all states are security seekers; or state -> ``security`` or ``greedy``.
Given = Literal["security"] | dict[str, Literal["security", "greedy"]] | None


class ExperimentError(RefusedError):
    """An experiment that cannot be, or is not there: one sentence with the key, the value and what is allowed."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def label_of(value: Any) -> str:
    """How a value of an axis is called in tables and selectors."""
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


#: In a file a value may stand for its label.
Label = Annotated[str, BeforeValidator(label_of)]
#: Axis -> label: the cells that have all of them.
Selector = dict[str, Label]


def given_name(given: Given) -> str:
    """A condition as the tidy table has it: ``security``, or ``germany: greedy, france: security``."""
    if given is None or isinstance(given, str):
        return given or ""
    return ", ".join(f"{state}: {kind}" for state, kind in sorted(given.items()))


class Setup(_Model):
    """Everything that makes a cell: the game, the training, the interventions, and where nobody learns, who plays."""

    scenario: str
    overrides: dict[str, Any] = {}
    training: dict[str, Any] = {}
    interventions: dict[str, dict[str, str]] = {}
    cast: dict[str, str] = {}

    @model_serializer(mode="wrap")
    def _plain(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a cast where there is none: digests of other cells do not move."""
        found: dict[str, Any] = handler(self)
        return found if self.cast else {key: value for key, value in found.items() if key != "cast"}

    def changed(self, settings: Mapping[str, Any]) -> Setup:
        """This setup with ``settings``: ``scenario``, its keys, ``training.*``, ``interventions.*`` and ``cast.*``."""
        scenario, overrides, training, cast = self.scenario, dict(self.overrides), dict(self.training), dict(self.cast)
        interventions = {state: dict(parts) for state, parts in self.interventions.items()}
        for key, value in settings.items():
            if key == SCENARIO:
                scenario = str(value)
            elif key.startswith(TRAINED):
                training[key.removeprefix(TRAINED)] = value
            elif key.startswith(INTERVENED):
                state, _, part = key.removeprefix(INTERVENED).partition(".")
                interventions.setdefault(state, {})[part] = value
            elif key.startswith(CAST):
                cast[key.removeprefix(CAST)] = value
            else:
                overrides[key] = value
        return Setup(scenario=scenario, overrides=overrides, training=training, interventions=interventions, cast=cast)


class Cell(_Model):
    """One combination of the axes' values."""

    labels: dict[str, Label]
    setup: Setup
    trained: Setup
    """That in which its policies are trained; for a generalist the same in all cells."""

    def matches(self, selector: Selector) -> bool:
        """Whether the cell has all labels of the selector."""
        return all(self.labels[axis] == label for axis, label in selector.items())


class Difference(_Model):
    """The mean over some cells less the mean over others."""

    of: Selector = Field(description="axis -> value: these cells")
    against: Selector | None = Field(default=None, description="less those; none: the level itself")


#: What a prediction expects of the effect -> its sign; 0: no effect beyond the margin.
SIGNS: Final = {"rises": 1, "above": 1, "falls": -1, "below": -1, "flat": 0, "same": 0}


class Expectation(_Model):
    """An entry of ``predictions``: a sign that theory expects of a measure, written before anything is run."""

    claim: Text = Field(description="the prediction in words")
    measure: Text = Field(description="what is measured")
    given: Given = Field(default=None, description="only episodes in which states are of these types")
    expect: Literal["rises", "falls", "flat", "above", "below", "same"] = Field(description="the sign")
    margin: float = Field(default=0.0, ge=0, description="the smallest effect that counts; flat and same need one")
    along: str | None = Field(default=None, description="axis along which the measure rises or falls")
    where: Selector = Field(default={}, description="axis -> value: only in these cells")
    of: Selector | None = Field(default=None, description="these cells ...")
    against: Selector | None = Field(default=None, description="... against those; none: against 0")
    less: Difference | None = Field(default=None, description="an interaction: less the same difference elsewhere")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.along is None) == (self.of is None):
            raise ValueError(f"prediction {self.claim!r} needs either along or of")
        wanted = ("rises", "falls", "flat") if self.along is not None else ("above", "below", "same")
        if self.expect not in wanted:
            raise ValueError(f"expect is {self.expect!r}, but must be one of {', '.join(wanted)} here")
        if SIGNS[self.expect] == 0 and self.margin <= 0:
            raise ValueError(f"expect {self.expect!r} needs a margin above 0")
        if self.along is not None and (self.against is not None or self.less is not None):
            raise ValueError(f"prediction {self.claim!r}: against and less go with of, not with along")
        return self

    @property
    def bounds(self) -> Bounds:
        """Between which the effect should lie."""
        if SIGNS[self.expect] == 0:
            return -self.margin, self.margin
        return (self.margin, None) if SIGNS[self.expect] > 0 else (None, 0.0 - self.margin)

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """All selectors of the prediction."""
        return (self.where, *self._sides)

    @property
    def cells(self) -> tuple[Selector, ...]:
        """Selectors of the cells that the prediction speaks of: one that any of them matches is among them."""
        return tuple({**self.where, **side} for side in self._sides) or (self.where,)

    @property
    def _sides(self) -> tuple[Selector, ...]:
        """Selectors of what is compared; none along an axis."""
        sides = [self.of, self.against, *((self.less.of, self.less.against) if self.less else ())]
        return tuple(side for side in sides if side is not None)


class Picture(_Model):
    """How the result is drawn: measures against an axis, or a map over two."""

    x: str = Field(description="axis from left to right")
    y: str | None = Field(default=None, description="a map: axis from bottom to top")
    lines: str | None = Field(default=None, description="axis of which each value is a line")
    measures: list[str] = Field(min_length=1, max_length=4, description="a panel each")
    curves: list[Literal["m=t", "m=1/2", "q*"]] = Field(default=[], description="thresholds drawn on a map")


class Generalist(_Model):
    """One policy a seed for all cells, trained over ranges, which it sees in its context block."""

    ranges: dict[str, Annotated[tuple[float, float], Field(strict=False)]] = Field(
        min_length=1, description="dotted keys of the scenario -> range"
    )
    check: list[Selector] = Field(min_length=1, description="cells in which policies of their own are trained, too")
    check_training: dict[str, Any] = Field(default={}, description="settings of training in which those differ")


class Experiment(_Model):
    """An experiment of the science."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="what it is called; in the catalogue its file")
    title: Text = Field(description="its title for people")
    rows: tuple[Text, ...] = Field(
        strict=False, min_length=1, description="concepts that it tests: rows of the table of theory"
    )
    description: Text = Field(description="what varies, why there, and what is stylised")
    sources: tuple[Text, ...] = Field(strict=False, min_length=1, description="the literature")
    scenario: Text = Field(description="catalogue name, or path of a YAML file")
    overrides: dict[str, Any] = Field(default={}, description="dotted keys of the scenario and their values")
    interventions: dict[str, dict[str, str]] = Field(default={}, description="what states are bound to in all cells")
    grid: dict[str, list[Any] | dict[str, dict[str, Any]]] = Field(
        min_length=1, description="axis -> values of the key that it names, or label -> settings"
    )
    evaluation_only: list[str] = Field(default=[], description="axes whose first value all policies are trained with")
    generalist: Generalist | None = Field(default=None, description="one policy for all cells; none: one for each")
    cast: dict[str, str] | None = Field(
        default=None, description="state, or all -> strategy: who plays there and does not learn; none: all learn"
    )
    learners: list[Text] = Field(default=[], description="states that learn beside a cast; none: nobody does")
    training: dict[str, Any] = Field(default={}, description="dotted keys that differ from training.yaml")
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(min_length=1, description="one training each")
    worlds: Annotated[int, Field(ge=1)] = Field(default=512, description="worlds of an evaluation")
    logs: Annotated[int, Field(ge=1)] = Field(default=96, description="worlds recorded, where measures need logs")
    predictions: list[Expectation] = Field(min_length=1, description="what is expected, and judged")
    also: list[str] = Field(default=[], description="further measures for the table")
    picture: Picture = Field(description="how the result is drawn")

    @model_validator(mode="after")
    def _axes_fit(self) -> Self:
        for axis in self.grid:
            if len(set(self.labels(axis))) < max(len(self.grid[axis]), 1):
                raise ValueError(f"grid.{axis} needs at least one value, each once")
        named = [(f"prediction {p.claim!r}", s) for p in self.predictions for s in p.selectors]
        named += [("generalist.check", s) for s in (self.generalist.check if self.generalist else [])]
        for where, selector in named:
            for axis, label in selector.items():
                self._check_axis(where, axis)
                if label not in self.labels(axis):
                    allowed = ", ".join(self.labels(axis))
                    raise ValueError(f"{where} has {axis} = {label}, but allowed are {allowed}")
        axes = [*self.evaluation_only, self.picture.x, self.picture.y, self.picture.lines]
        axes += [p.along for p in self.predictions]
        for named_axis in axes:
            if named_axis is not None:
                self._check_axis("experiment", named_axis)
        if self.cast is None and any(cell.setup.cast for cell in self.cells()):
            raise ValueError(
                "grid sets who plays, which only an experiment in which not all states learn can: it needs a cast"
            )
        if self.cast is None and self.learners:
            raise ValueError(f"learners are {', '.join(self.learners)}, but all learn where there is no cast")
        if self.scripted and (self.generalist or self.training):
            raise ValueError("cast without learners says that nobody learns, so that generalist and training must go")
        if self.learners and (given := [key for key in self.training if key.startswith("population")]):
            raise ValueError(f"training.{given[0]} is given, but learners beside a cast learn each a policy of its own")
        for measure in self.picture.measures:
            if measure not in {key[1] for key in self.wanted}:
                raise ValueError(f"picture.measures has {measure!r}, but must be of predictions or also")
        return self

    @property
    def scripted(self) -> bool:
        """Whether nobody learns."""
        return self.cast is not None and not self.learners

    def _check_axis(self, where: str, axis: str) -> None:
        if axis not in self.grid:
            raise ValueError(f"{where} names the axis {axis!r}, but axes are {', '.join(self.grid)}")

    def labels(self, axis: str) -> list[Label]:
        """The labels of an axis, in order."""
        return [label_of(value) for value in self.grid[axis]]

    @property
    def wanted(self) -> list[tuple[Given, str]]:
        """What is measured in each cell: (given, measure), each once; further measures without a condition."""
        keys: list[tuple[Given, str]] = [(p.given, p.measure) for p in self.predictions]
        keys += [(None, measure) for measure in self.also]
        found: list[tuple[Given, str]] = []
        for key in keys:
            if key not in found:
                found.append(key)
        return found

    def cells(self) -> list[Cell]:
        """All combinations of the axes' values, the last axis fastest."""
        base = Setup(
            scenario=self.scenario,
            overrides=self.overrides,
            training=self.training,
            interventions=self.interventions,
            cast=self.cast or {},
        )
        ranges = {key: list(bounds) for key, bounds in self.generalist.ranges.items()} if self.generalist else {}
        found = []
        for labels in itertools.product(*(self.labels(axis) for axis in self.grid)):
            named = dict(zip(self.grid, labels, strict=True))
            played = base.changed(self._settings(named))
            first = {axis: self.labels(axis)[0] for axis in self.evaluation_only}
            trained = base.changed(self._settings(named | first)).changed(ranges)
            found.append(Cell(labels=named, setup=played, trained=trained))
        return found

    def own(self, cell: Cell) -> Cell:
        """The cell with policies that are trained in it rather than over the generalist's ranges."""
        settings = self.generalist.check_training if self.generalist else {}
        return cell.model_copy(
            update={"trained": cell.setup.changed({TRAINED + key: value for key, value in settings.items()})}
        )

    def checked(self, cell: Cell) -> bool:
        """Whether the generalist is checked against policies of the cell's own."""
        return self.generalist is not None and any(cell.matches(selector) for selector in self.generalist.check)

    def _settings(self, labels: Mapping[str, Label]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for axis, label in labels.items():
            values = self.grid[axis]
            if isinstance(values, dict):
                found |= values[label]
            else:
                found[axis] = next(value for value in values if label_of(value) == label)
        return found


_ENTRIES: Final = Entries(
    "agents.experiments",
    Experiment,
    "an experiment",
    ExperimentError,
    lambda near: f"is neither a file nor one of the project's, the nearest of which is {near}.",
    leave_out=(TRAINING,),
)


def experiments() -> tuple[str, ...]:
    """Names of the experiments that come with the project, sorted."""
    return _ENTRIES.names()


def load_experiment(name_or_path: str | os.PathLike[str]) -> Experiment:
    """An experiment of the project by name, or one of your own by the path of its YAML file.

    Raises:
        ExperimentError: if there is none, or it has a bad key or value; one sentence.
    """
    return _ENTRIES.load(name_or_path)


@cache
def _training() -> Mapping[Any, Any]:
    return parse_yaml((resources.files("agents.experiments") / f"{TRAINING}.yaml").read_bytes())


def training_defaults() -> dict[str, Any]:
    """The settings of ``training.yaml``, the caller's to change."""
    return copy.deepcopy(dict(_training()))
