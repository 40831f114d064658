"""The guided half hour as one page: words, numbers and episodes put into ``page.html``."""

from __future__ import annotations

import base64
import html
import zlib
from typing import Any, Final

from agents.evaluation.statistics import Interval
from agents.tour.games import SEED
from agents.tour.otherwise import Otherwise
from agents.tour.steps import Replays, Step, steps
from agents.tour.worlds import NAMES, OMEGAS, QS, Map, drawn
from sd_env.show.page import data, script_json
from sd_env.show.story import Story
from sd_env.show.template import filled

TITLE: Final = "The security dilemma in half an hour"
#: Episodes of each bar, and of each point of the map.
EPISODES, AT_EACH = 500, 100
#: Which step has the map, from 0.
_MAP: Final = 2
_HERE: Final = "{{data}}"


def page(
    episodes: int = EPISODES, at_each: int = AT_EACH, omegas: tuple[float, ...] = OMEGAS, qs: tuple[float, ...] = QS
) -> str:
    """Play all that is told of, and make the page of it, as HTML. Same version, same bytes.

    Args:
        episodes: of each bar.
        at_each: of each point of the map.
        omegas: columns of the map.
        qs: its rows.
    """
    replays = Replays()
    found, world = steps(replays, episodes), drawn(replays, at_each, omegas, qs)
    before, _, after = filled("sd_env.show", {"title": "Replay", "data": _HERE}).partition(_HERE)
    told = {
        "steps": [_step(each) for each in found],
        "map": _map(world, omegas, qs),
        "replays": {key: data(log, Story(log)) for key, log in replays.logs.items()},
        "otherwise": {key: _otherwise(found) for key, found in replays.otherwise.items()},
        "skeleton": [before, after],
        "counted": (
            "The computer played every game by the rules of sd-env when this page was made, with strategies that "
            "are written down (sd-env strategies lists them) and were chosen for this step; n is of how many games, "
            f"all from seed {SEED}, and the brackets are a 95% interval. Of two states only games are counted in "
            "which both want nothing but safety. The game to look at is the first that was counted."
        ),
    }
    parts = {"title": html.escape(TITLE), "data": script_json(told)}
    return filled("agents.tour", parts, framed="sd_env.show")


def _otherwise(found: list[Otherwise]) -> dict[str, Any]:
    """Which deeds may be changed, and, packed since they are much alike, what is told and seen of each."""
    held = [{"told": each.told, "replay": data(each.log, Story(each.log))} for each in found]
    packed = zlib.compress(script_json(held).encode(), level=9)
    return {
        "deeds": [[each.turn, each.who, each.deed] for each in found],
        "packed": base64.b64encode(packed).decode(),
    }


def _step(step: Step) -> dict[str, Any]:
    most = max(step.choices, key=lambda k: step.bars[k].found.value, default=step.answer)
    return {
        "title": step.words.title, "text": step.words.text, "ask": step.words.ask, "told": step.words.told,
        "sources": step.words.sources, "unit": step.unit, "most": step.most, "answer": step.answer,
        "choices": step.choices,
        "right": [k for k in step.choices if step.bars[k].found.value == step.bars[most].found.value],
        "bars": [
            {"label": bar.label, "of": bar.of, "made": bar.made, "beside": bar.beside, **_interval(bar.found)}
            for bar in step.bars
        ],
        "shown": [{"key": each.key, "label": each.label, "turn": each.turn} for each in step.shown],
    }  # fmt: skip


def _map(world: Map, omegas: tuple[float, ...], qs: tuple[float, ...]) -> dict[str, Any]:
    return {
        "step": _MAP,
        "trust": round(world.trust, 3),
        "omegas": omegas,
        "qs": qs,
        "lines": [{"name": name, "points": points} for name, points in world.lines.items()],
        "cells": [
            {
                "omega": cell.omega, "q": cell.q, "m": cell.m, "star": cell.distinguishable_from, "of": cell.of,
                "replay": cell.replay, "turn": cell.turn, "name": NAMES.get((cell.omega, cell.q), ""),
                **_interval(cell.found),
            }
            for cell in world.cells
        ],
    }  # fmt: skip


def _interval(found: Interval) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}
