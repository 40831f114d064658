"""The page to play on, as one file: the compiled rules, the scenarios and the scripts put into ``page.html``."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import sd_env
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.show.page import script_json
from tools.browser.compile import engine
from tools.browser.games import game, names, records

#: Where the compiled engine is kept: a folder that git ignores.
KEPT: Final = Path(__file__).parents[2] / "build" / "browser"
#: Strategies that strategies.js has; first the one that plays unless another is chosen, which counts turns to come as
#: the scores do (agents/tour/steps.py).
STRATEGIES: Final = (
    "bayesian-realist:discount=0.999", "bayesian-realist", "buck-passer", "chain-ganger", "dove", "grim-trigger",
    "hawk", "isolationist", "kydd-reassurer", "power-maximiser", "preemptor", "tit-for-tat", "worst-case",
)  # fmt: skip
#: How the scenarios differ from those of the catalogue: states are told how likely it is that another is a seeker.
SHOWN: Final = {"perception.beliefs": True}
_HERE: Final = Path(__file__).parent
#: The parts of the script in their order; those of the served page are modules there.
_SERVED: Final = files("agents.play") / "page"
_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; style-src {style}; script-src {script} {wasm}"
)


@cache
def held() -> dict[str, Any]:
    """The compiled engine and what goes with it: ``ENGINE`` of engine.js."""
    return engine(KEPT) | {"records": records(), "names": names()}


def script() -> str:
    """All scripts but the page's own, one after the other."""
    own = [(_HERE / f"{name}.js").read_text(encoding="utf-8") for name in ("engine", "strategies", "view", "table")]
    served = [_plain((_SERVED / f"{name}.js").read_text(encoding="utf-8")) for name in ("elements", "seat")]
    return "\n".join([*own, *served])


def _plain(module: str) -> str:
    """A module as a part of one script: what it imports is there already."""
    return re.sub(r"^export ", "", re.sub(r"^import .*\n", "", module, flags=re.MULTILINE), flags=re.MULTILINE)


def playable(scenario: Scenario) -> bool:
    """Whether the scripted policies here can play it: it has the standard heads."""
    standard = layout.standard_heads(scenario.n_states)
    return scenario.heads.kinds == standard.kinds and scenario.heads.sizes == standard.sizes


def page() -> str:
    """The page, as HTML. Same version, same bytes on the same machine."""
    scenarios = [Scenario.load(name, SHOWN) for name in sd_env.scenarios()]
    data = {
        "engine": held(),
        "games": [game(each) for each in scenarios if playable(each)],
        "strategies": STRATEGIES,
    }
    style = "\n".join([(_SERVED / "page.css").read_text(encoding="utf-8"), (_HERE / "page.css").read_text("utf-8")])
    code = script() + "\n" + (_HERE / "page.js").read_text(encoding="utf-8")
    # compiled code runs only where a policy says so
    policy = _POLICY.format(style=_digest(style), script=_digest(code), wasm="'wasm-unsafe-eval'")
    parts = {"policy": policy, "style": style, "script": code, "data": script_json(data)}
    first, *rest = (_HERE / "page.html").read_text(encoding="utf-8").split("{{")
    put = [first]
    for piece in rest:
        name, _, after = piece.partition("}}")
        put += [parts[name], after]
    return "".join(put)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
