"""What a bundle says of its policy: its kind, its shape, where it was trained, and of a mixture the shares."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from agents.policies.networks import Architecture, Plain, PolicyClass
from sd_env import layout
from sd_env.policies import PolicyError
from sd_env.scenario import Scenario

FORMAT = "sd-env policy"
#: Newest version that is read. A bundle is written with the oldest that has what it holds: 1, or 2 with a mixture.
VERSION = 2
#: Most bytes of weights that are read at all.
MOST_WEIGHTS = 1 << 30
PACKAGES = ("sd-env", "numpy", "safetensors", "sb3-contrib", "stable-baselines3", "torch")

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: Names of bundles, learners and packages: no separators of paths, nothing that a terminal would act on.
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,512}$")]
Shares = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1, max_length=256)]
#: By how much shares may miss a sum of 1.
_ROUNDING = 1e-6


class BundleError(PolicyError):
    """A trained policy that cannot be saved, loaded or used; the message is one sentence."""


class Unfit(Exception):
    """Why a bundle cannot be used or saved, as the end of a sentence."""


class Spaces(Plain):
    """What goes in, column by column, and what comes out, head by head."""

    states: Annotated[int, Field(ge=layout.MIN_STATES, le=layout.MAX_STATES)]
    columns: list[str]
    low: list[float]
    high: list[float]
    nvec: list[int]

    @property
    def heads(self) -> layout.Heads:
        """The heads of its actions."""
        return layout.Heads.of(self.nvec, len(self.columns))

    @property
    def parts(self) -> layout.Parts:
        """What its observations hold."""
        return layout.observation_parts(len(self.columns), self.states, self.heads.limits_force)


class Weights(Plain):
    """The weights' file."""

    bytes: Annotated[int, Field(ge=1, le=MOST_WEIGHTS)]
    sha256: Digest


class Mixture(Plain):
    """Members, one of which a state plays for a whole episode: the shares by which it is drawn, of each type of state.

    Attributes:
        seekers: share of each member in security seekers.
        greedy: in greedy states.
        likeliest: whether a member makes its most probable choices, or draws.
    """

    seekers: Shares
    greedy: Shares
    likeliest: list[bool]

    @property
    def members(self) -> int:
        """How many there are."""
        return len(self.likeliest)

    @model_validator(mode="after")
    def _add_up(self) -> Mixture:
        for shares in (self.seekers, self.greedy):
            if len(shares) != self.members or abs(sum(shares) - 1.0) > _ROUNDING:
                raise ValueError(f"{self.members} shares that add up to 1 are needed")
        return self


class Manifest(Plain):
    """All of a bundle but its weights. A policy imported without its scenario has an empty one, and is never a file."""

    format: Literal["sd-env policy"]
    version: Annotated[int, Field(ge=1, le=VERSION)]
    name: Label
    algorithm: Label
    policy: PolicyClass
    architecture: Architecture
    spaces: Spaces
    scenario: dict[str, Any]
    training: dict[str, Any]
    versions: dict[Label, Label]
    weights: Weights
    mixture: Mixture | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON holds it: no word of a mixture where there is none, as before there were any."""
        return self.model_dump(mode="json", exclude={"mixture"} if self.mixture is None else None)


# --- spaces --------------------------------------------------------------------------------------------------


def spaces_of(scenario: Scenario) -> Spaces:
    """What a state of ``scenario`` sees and may do."""
    return spaces_like(scenario.heads, scenario.shown)


def resized(spaces: Spaces, states: int) -> Spaces:
    """The same for another number of states: the same kind of blocks, more or fewer of them."""
    return spaces_like(replace(spaces.heads, num_states=states), spaces.parts)


def spaces_like(heads: layout.Heads, parts: layout.Parts) -> Spaces:
    """What a state sees that is shown these parts, and chooses that has these heads."""
    columns = layout.observation_names(heads.num_states, *parts)
    return Spaces(
        states=heads.num_states,
        columns=columns,
        low=layout.observation_low(heads.num_states, *parts).tolist(),
        high=[layout.CEILING] * len(columns),
        nvec=heads.sizes,
    )


def difference(mine: Spaces, theirs: Spaces, whose: str) -> str | None:
    """How a policy's spaces differ from a scenario's, as the end of a sentence; None if they do not.

    Args:
        mine: the policy's.
        theirs: the scenario's.
        whose: words for the scenario.
    """
    if mine.columns != theirs.columns:
        pairs = list(zip([*mine.columns, None], [*theirs.columns, None], strict=False))
        at, pair = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
        one, other = (f"{name!r}" if name else "nothing" for name in pair)
        return (
            f"it sees {len(mine.columns)} columns ({mine.states} states) and {whose} shows {len(theirs.columns)} "
            f"({theirs.states} states); the first that differs is column {at}, {one} against {other}"
        )
    if mine.nvec != theirs.nvec:
        return f"its actions have {mine.nvec} choices and those of {whose} {theirs.nvec}"
    for what in ("low", "high"):
        for column, one_bound, other_bound in zip(
            mine.columns, getattr(mine, what), getattr(theirs, what), strict=True
        ):
            if one_bound != other_bound:
                return f"its {what} of {column} is {one_bound:g} and that of {whose} {other_bound:g}"
    return None


def packages() -> dict[str, str]:
    """Versions of what a policy's numbers depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # sd-env run from its folder, not installed
            continue
    return found


def manifest_of(data: Mapping[str, Any]) -> Manifest:
    """The manifest that ``data`` holds.

    Raises:
        Unfit: naming the first key whose value is not allowed.
    """
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise Unfit(f"{shown(key)} = {shown(first['input'])} is not allowed ({first['msg']})") from None


def shown(value: Any) -> str:
    """A value as a sentence shows it, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
