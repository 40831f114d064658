"""What a strategy is: a few lines that turn a view into a plan, with declared parameters, memory and traits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from agents.policies.traits import Traits
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.policies import PolicyError
from sd_env.scenario_values import show


class Cell(NamedTuple):
    """One thing that a strategy remembers: ``per`` seat or per seat and other state, and what it ``start``s as."""

    per: Literal["seat", "other"]
    start: bool | int | float


class Strategy(BaseModel):
    """A scripted policy. A subclass gives ``name``, ``traits``, a docstring and :meth:`decide`.

    The docstring's first line says what it does; its citation stands in brackets. Fields of the class, declared as
    pydantic's, are its parameters. What it remembers it declares in ``cells`` and keeps in ``self.recall``; a strategy
    with chance draws from ``self.random`` only, in every :meth:`decide` as often.

    A seat's choice depends on nothing of the other seats of the batch, but for the draws. Seat k is row k of every
    call until the next :meth:`reset`; a row whose ``own.turn`` is 0 begins an episode, and its memory is forgotten.

    Raises:
        PolicyError: for a parameter that does not exist or a value that it cannot have.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, validate_default=True)

    name: ClassVar[str]
    traits: ClassVar[Traits]
    cells: ClassVar[Mapping[str, Cell]] = {}

    _random: np.random.Generator = PrivateAttr(default_factory=lambda: np.random.default_rng(0))
    _recall: dict[str, np.ndarray] = PrivateAttr(default_factory=dict)
    _shape: tuple[int, int] | None = PrivateAttr(default=None)

    def __init__(self, **parameters: Any) -> None:
        try:
            super().__init__(**parameters)
        except ValidationError as error:
            raise PolicyError(_sentence(type(self), error)) from None

    def decide(self, view: View, plan: Plan) -> None:
        """Write what each seat wants into ``plan``, which begins as the no-op; illegal wishes are mended later."""
        raise PolicyError(f"The strategy {type(self).__name__} has no method decide(view, plan).")

    def reset(self, seed: int | None = None) -> None:
        """Forget everything; all chance from here on follows from ``seed`` (None: a fresh one)."""
        self._random = np.random.default_rng(seed)
        self._shape = None

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Legal actions, int64 ``(K, H)``, for observations float32 ``(K, D)`` and masks int8 ``(K, M)``.

        Raises:
            PolicyError: if the arrays fit no game, or if a strategy with memory gets another number of seats in the
                midst of an episode.
        """
        view = View(observation, mask)
        self._remember(view)
        plan = Plan(view.rows, view.others)
        self.decide(view, plan)
        return plan.legal(mask)

    def assumed(self, view: View, name: str) -> np.ndarray:
        """A parameter of the world, float64 ``(K,)``: as observed, or, where it is hidden, this strategy's own."""
        shown = view.context(name)
        return np.full(view.rows, float(getattr(self, name))) if shown is None else shown

    @property
    def memory(self) -> int:
        """``traits.memory``: 0 if it may be called with any seats in any order."""
        return self.traits.memory

    @property
    def recall(self) -> dict[str, np.ndarray]:
        """What it remembers, by the names of ``cells``: ``(K,)`` or ``(K, N - 1)``, to be changed in place."""
        return self._recall

    @property
    def random(self) -> np.random.Generator:
        """The source of its chance."""
        return self._random

    def _remember(self, view: View) -> None:
        """Lay out memory for the view's seats, and forget the rows whose episodes begin."""
        if not self.cells:
            return
        shape = (view.rows, view.others)
        if self._shape != shape:
            if self._shape is not None and not view.first.all():
                raise PolicyError(
                    f"{self.name} remembers {self._shape[0]} seats, each with {self._shape[1]} others, and was given "
                    f"{shape[0]} with {shape[1]} in the midst of an episode: call reset() first."
                )
            self._shape = shape
            sizes = {"seat": shape[:1], "other": shape}
            self._recall = {name: np.full(sizes[cell.per], cell.start) for name, cell in self.cells.items()}
        for name, cell in self.cells.items():
            self._recall[name][view.first] = cell.start

    # pydantic compares fields; a policy is itself and no other, whatever it holds
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _sentence(strategy: type[Strategy], error: ValidationError) -> str:
    """The first thing that is wrong with the parameters, in one sentence."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    known = ", ".join(strategy.model_fields) or "none"
    if first["type"] == "extra_forbidden":
        return f"{strategy.name} has no parameter {key!r}; it has {known}."
    if first["type"] == "missing":
        return f"{strategy.name} needs the parameter {key!r}."
    wanted = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{strategy.name}: {key}={show(first['input'])} is not allowed; it {wanted}."
