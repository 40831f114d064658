"""The documentation's links lead somewhere, and what it names in code font there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gymnasium
import pettingzoo
import pytest

import sd_env
from agents.experiments.quantities import LOGGED, OF_TALLIES
from agents.table.metrics import RATES
from agents.training.config import TrainingConfig
from sd_env.scenario import Scenario
from tests.docs import PAGES, ROOT, code_spans, page_id, prose

METRIC_GROUPS = ("outcome", "arms", "signals", "alliances")
#: Columns of progress.csv that are no rate (docs/metrics.md).
COUNTS = {"outcome/episodes"}


# --- links ----------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?://|mailto:", link):
            continue
        where, _, anchor = unquote(link).partition("#")
        target = (page.parent / where).resolve() if where else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


# --- names ----------------------------------------------------------------------------------------------------


def experiment_keys(model: Any = TrainingConfig, prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        keys |= experiment_keys(inner, f"{prefix}{name}.") if hasattr(inner, "model_fields") else {prefix + name}
    return keys


def is_python_name(dotted: str) -> bool:
    """Whether a dotted name is a module of ours or an attribute of one; ``layout`` stands for ``sd_env.layout``."""
    parts = dotted.removesuffix("()").split(".")
    parts = ["sd_env", *parts] if parts[0] == "layout" else parts
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


SCENARIO_KEYS = set(Scenario.dotted_keys())
SETTINGS = experiment_keys()
GROUPS = {key.partition(".")[0] for key in SCENARIO_KEYS if "." in key}
SECTIONS = {key.partition(".")[0] for key in SETTINGS if "." in key}


def exists(span: str, folder: Path) -> bool | None:
    """Whether what is named in code font exists; None if it is no kind of name that is known here."""
    head, dot, _ = span.partition(".")
    key = re.split(r"[:= ]", span)[0]  # `war.outcome: share` speaks of war.outcome
    if re.fullmatch(r"\w+\.py", span):
        return (
            any(True for package in ("sd_env", "agents", "tests") for _ in (ROOT / package).rglob(span))
            or (ROOT / span).exists()
        )
    if re.fullmatch(r"sd_env/\w+-v\d+", span):
        return span in gymnasium.registry or span in pettingzoo.parallel_registry
    if re.fullmatch(r"(sd_env|agents|tests|configs|docs|benchmarks)/[\w./-]*", span):
        return (ROOT / span).exists() or (folder / span).exists()
    if re.fullmatch(rf"({'|'.join(METRIC_GROUPS)})/\w+", span):
        return span in {*RATES, *COUNTS, *LOGGED, *OF_TALLIES}
    if re.fullmatch(r"(jervis|games|theories|history)/[\w-]+", span):
        return span in sd_env.scenarios()
    if dot and head in GROUPS and re.fullmatch(r"[\w.]+", key):
        return key in SCENARIO_KEYS or (".".join(key.split(".")[:2]) in SCENARIO_KEYS and head == "states")
    if dot and head in SECTIONS and re.fullmatch(r"[\w.]+", key):
        return key in SETTINGS
    if dot and head in ("sd_env", "agents", "layout") and re.fullmatch(r"[\w.]+(\(\))?", span):
        return is_python_name(span)
    return None


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_names_in_code_font_exist(page: Path) -> None:
    assert [span for span in code_spans(page) if exists(span, page.parent) is False] == []


@pytest.mark.parametrize(
    "span",
    [
        "war.conqest",
        "states.wealth.germany",
        "learner.gama",
        "outcome/attack",
        "jervis/nowhere",
        "sd_env.nothing",
        "sd_env/Nothing-v0",
        "layout.NOTHING",
        "agents/nothing.py",
        "nothing.py",
    ],
)
def test_names_that_do_not_exist_would_be_found(span: str) -> None:
    assert exists(span, ROOT) is False
