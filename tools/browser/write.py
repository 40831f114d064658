"""The page to play on, as one file: the compiled rules, the scenarios and the scripts put into ``page.html``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import sd_env
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.show.page import script_json
from sd_env.show.template import elements, filled, plain
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


@cache
def held() -> dict[str, Any]:
    """The compiled engine and what goes with it: ``ENGINE`` of engine.js."""
    return engine(KEPT) | {"records": records(), "names": names()}


def script() -> str:
    """All scripts but the page's own, one after the other."""
    own = [(_HERE / f"{name}.js").read_text(encoding="utf-8") for name in ("engine", "strategies", "view", "table")]
    served = [plain((_SERVED / f"{name}.js").read_text(encoding="utf-8")) for name in ("parts", "seat")]
    return "\n".join([elements(), *own, *served])


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
    parts = {"title": "Play the security dilemma", "data": script_json(data)}
    return filled("tools.browser", parts, own={"style": style, "script": code}, compiled=True)
