"""Types of the values in a training's YAML."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole(value: Any) -> Any:
    """1e4 is a whole number, however it is written."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


Whole = Annotated[int, BeforeValidator(_whole)]
Positive = Annotated[Whole, Field(ge=1, le=10**12)]
Seed = Annotated[Whole, Field(ge=0, lt=2**31)]
Threads = Annotated[Whole, Field(ge=1, le=1024)]
Width = Annotated[Whole, Field(ge=1, le=2**16)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Scalar = bool | int | float | str | None
Override = Scalar | list[Any] | dict[str, Any]


class Settings(BaseModel):
    """A group of settings: each key known, each value of its type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
