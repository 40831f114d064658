"""What a browser needs to know of records, of heads and of a scenario, as numbers and names in JSON."""

from __future__ import annotations

import base64
from typing import Any, Final

import numpy as np

from agents.play import words
from agents.play.view import words_of
from sd_env import layout
from sd_env.layout import Head
from sd_env.scenario import Scenario
from sd_env.show.story import written

#: How a browser reads each kind of number.
_KINDS: Final = {"f8": "f64", "f4": "f32", "i8": "i64", "u8": "u64", "i1": "i8", "b1": "i8"}
_RECORDS: Final = {
    "params": layout.PARAMS,
    "worlds": layout.WORLDS,
    "states": layout.STATES,
    "pairs": layout.PAIRS,
    "own": layout.OWN_BLOCK,
    "others": layout.OTHER_BLOCK,
}


def records() -> dict[str, Any]:
    """Size of each record in bytes, and kind and offset of each of its fields."""
    return {
        name: {"size": kind.itemsize, "fields": {field: _field(kind, field) for field in kind.names or ()}}
        for name, kind in _RECORDS.items()
    }


def _field(kind: np.dtype[Any], name: str) -> tuple[str, int]:
    assert kind.fields is not None
    inner, offset = kind.fields[name][:2]
    return _KINDS[inner.str[1:]], int(offset)


def game(scenario: Scenario) -> dict[str, Any]:
    """A scenario: its words, sizes and bounds; the bounds as bytes of float64 in base64, for NaN is no JSON."""
    bounds, heads, shown = scenario.bounds(), scenario.heads, scenario.shown
    return {
        "name": scenario.name,
        "title": scenario.title or scenario.name,
        "description": scenario.description,
        "agents": scenario.agents,
        "names": list(written(scenario.agents).values()),
        "columns": layout.observation_size(scenario.n_states, *shown),
        "block": shown.block,
        "context": shown.context,
        "beliefs": shown.beliefs,
        "extra": _extra(scenario),
        "heads": [_head(head, heads) for head in heads.kinds],
        "bounds": {
            "parameters": _bytes(bounds.parameters),
            "states": _bytes(bounds.states),
            "pairs": _bytes(bounds.pairs),
        },
    }


def _extra(scenario: Scenario) -> list[str]:
    """Names of the columns of a block about another state that follow the common ones."""
    names = layout.observation_names(scenario.n_states, *scenario.shown)
    first = layout.OWN_SIZE + layout.OTHER_SIZE
    return [name.partition(".")[2] for name in names[first : layout.OWN_SIZE + scenario.shown.block]]


def _head(head: Head, heads: layout.Heads) -> dict[str, Any]:
    """A head: its choices, what an illegal one becomes, and the words of :mod:`agents.play.words`."""
    asks, about = words.question(head, "{}")
    return {
        "name": head.label,
        "size": heads.size(head),
        "noop": head.noop,
        "replacements": list(map(int, head.replacements)),
        "toward": head.toward_others,
        "asks": asks,
        "about": about,
        "words": [
            {
                "word": label,
                "means": words.meaning(head, word),
                "refused": words.why_not(head, word, False),
                "climbing": words.why_not(head, word, True),
            }
            for label, word in zip(heads.labels(head), words_of(heads, head), strict=True)
        ],
    }


def names() -> dict[str, Any]:
    """Columns whose order a browser must know: parameters, those of the context block, what states start with."""
    return {"parameters": layout.PARAMETERS, "context": layout.CONTEXT, "initial": layout.INITIAL_STATE}


def _bytes(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f8").tobytes()).decode()
