"""The config of a language policy, in YAML: which model is asked, where, how, and for how much.

Loading it runs no code and asks nobody. It holds no key: that is read, when a request is made, from an environment
variable whose name follows from the endpoint's host, so that no config can send the key of one host to another.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from agents.entries import Entries
from sd_env.policies import PolicyError

#: Begins the name of the environment variable of every key.
KEY: Final = "SD_ENV_KEY_"
_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_FOLDER: Final = re.compile(r"[\w.-]+(/[\w.-]+)*", re.ASCII)
_LOOPBACK: Final = re.compile(r"localhost|127(\.[0-9]+){3}")


def _number(value: Any) -> Any:
    """A whole number where a float is meant."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _whole(value: Any) -> Any:
    """1e6 is a whole number, however it is written."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Seconds = Annotated[Number, Field(gt=0, le=86_400)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Budget(_Group):
    """What may be spent from a folder of exchanges, by all processes and all runs together; null is without bound."""

    requests: Annotated[Whole, Field(ge=0, le=10**9)] = Field(description="requests sent, whatever came of them")
    tokens: Annotated[Whole, Field(ge=0, le=10**12)] | None = Field(
        default=None, description="read and written by the model"
    )
    money: Annotated[Number, Field(ge=0)] | None = Field(default=None, description="by prices, in their currency")
    seconds: Annotated[Number, Field(ge=0)] | None = Field(default=None, description="of waiting for answers")


class Prices(_Group):
    """For a million tokens, in one currency."""

    input: Annotated[Number, Field(ge=0)] = Field(description="of what the model reads")
    output: Annotated[Number, Field(ge=0)] = Field(description="of what it writes")


class Limits(_Group):
    """How long is waited for an answer, and how often a failed request is made again."""

    request_seconds: Seconds = Field(default=60.0, description="for a whole answer")
    wait_seconds: Seconds = Field(
        default=60.0, description="the longest pause between tries, also where the server asks for one"
    )
    tries: Annotated[Whole, Field(ge=1, le=100)] = Field(default=5, description="of a request that the endpoint fails")


class Memory(_Group):
    """What is remembered from turn to turn, and told to the model again."""

    notes: Annotated[Whole, Field(ge=0, le=20_000)] = Field(
        default=600, description="letters that the model writes to itself"
    )
    turns: Annotated[Whole, Field(ge=0, le=100)] = Field(
        default=6, description="last turns: its choices, and what it saw"
    )


class LanguageConfig(_Group):
    """Every setting of a language policy."""

    endpoint: Annotated[str, Field(max_length=500)] = Field(description="address to which /chat/completions is added")
    model: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="as the endpoint calls it")
    exchanges: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="folder of what was asked and answered, from the folder of this file"
    )
    budget: Budget
    prices: Prices | None = None
    limits: Limits = Limits()
    memory: Memory = Memory()
    instructions: Annotated[str, Field(max_length=8_000)] = Field(
        default="", description="told to the model beside the rules"
    )
    names: Literal["scenario", "letters"] = Field(default="scenario", description="of states; letters hide history's")
    words: bool = Field(default=True, description="whether states say something with their signals")
    forecasts: bool = Field(default=True, description="whether the model says who will attack whom")
    temperature: Annotated[Number, Field(ge=0, le=10)] | None = Field(
        default=None, description="null: the endpoint's own"
    )
    answer_tokens: Annotated[Whole, Field(ge=16, le=1_000_000)] = Field(
        default=800, description="that an answer may have"
    )
    tokens_key: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens", description="how the endpoint calls answer_tokens"
    )
    format: Literal["schema", "object", "text"] = Field(
        default="schema", description="what the endpoint can be held to"
    )
    send_seed: bool = Field(default=False, description="whether requests have a seed")
    asks: Annotated[Whole, Field(ge=1, le=20)] = Field(default=3, description="of a turn, until an answer can be used")
    fallback: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        default="nothing", description="who chooses then: a strategy, or nothing, which does nothing"
    )
    parallel: Annotated[Whole, Field(ge=1, le=64)] = Field(default=1, description="requests at a time, of a process")

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            odd = parts.port is not None and not parts.port
        except ValueError:
            raise ValueError("endpoint is no address") from None
        if odd or parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
            raise ValueError(f"endpoint is {value!r:.80}; an address such as https://host.name/v1 is needed")
        if (
            parts.username is not None
            or parts.query
            or parts.fragment
            or not value.isascii()
            or not value.isprintable()
        ):
            raise ValueError("endpoint must be an address without a user, a key, a ? and a #: keys stand in no file")
        return value.rstrip("/")

    @field_validator("exchanges")
    @classmethod
    def _below(cls, value: str) -> str:
        if not _FOLDER.fullmatch(value) or ".." in value.split("/"):
            raise ValueError(f"exchanges is {value!r:.80}; a folder below that of the file is needed, as kept/duel")
        return value

    @model_validator(mode="after")
    def _together(self) -> LanguageConfig:
        if self.budget.money is not None and self.prices is None:
            raise ValueError("budget.money is given without prices; a budget of money needs both")
        return self

    @property
    def host(self) -> str:
        """The endpoint's host, in small letters."""
        return (urlsplit(self.endpoint).hostname or "").lower()

    @property
    def is_private(self) -> bool:
        """Whether what is sent to the endpoint can be read by nobody on the way: encrypted, or on this machine."""
        return self.endpoint.startswith("https:") or _LOOPBACK.fullmatch(self.host) is not None

    @property
    def key_variable(self) -> str:
        """The environment variable of the host's key: ``SD_ENV_KEY_API_EXAMPLE_COM`` of ``api.example.com``.

        No two hosts have the same: a hyphen is written as two underscores, and no label begins or ends with one.
        """
        return KEY + self.host.replace("-", "__").replace(".", "_").upper()

    def cost(self, read: float, written: float) -> float:
        """What tokens cost, in the currency of the prices; 0 without prices."""
        if self.prices is None:
            return 0.0
        return (read * self.prices.input + written * self.prices.output) / 1e6


#: None is in the package: all are one's own files.
_CONFIGS: Final = Entries("agents.language", LanguageConfig, "a language config", PolicyError, str)


def load_config(path: Path) -> LanguageConfig:
    """The config in a file.

    Raises:
        PolicyError: one sentence that names key, value and what is allowed.
    """
    try:
        found = path.is_file()
    except OSError:  # a name that no system has
        found = False
    if not found:
        raise PolicyError(f"language config '{path}' is no file; a language policy is llm:CONFIG.yaml.")
    return _CONFIGS.load(path)
