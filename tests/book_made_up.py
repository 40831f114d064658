"""Made-up experiments, as docs/results/experiments has real ones."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

from agents.evaluation.predictions import Bounds, judge, records
from agents.evaluation.statistics import Interval
from book.predictions import EXPERIMENTS

ROOT = Path(__file__).parent.parent


def made_up(claim: str, effect: Interval, predicted: Bounds) -> dict[str, Any]:
    return records([judge(claim, "outcome/ss_attacks", effect, predicted, count=4)])[0]


MADE_UP = [
    {
        "name": "fear", "title": "Fear and m", "rows": ["Fear (psychological regulator)"],
        "scenarios": ["theories/butterfield-fear"], "picture": "fear.png", "text": "fear.txt",
        "predictions": [
            made_up("fear raises war at m = .5", Interval(0.12, 0.1, 0.14), (0.0, None)),
            made_up("fear changes nothing at m < 0", Interval(0.2, 0.1, 0.3), (-0.01, 0.01)),
            made_up("fear makes no tragic wars", Interval(math.nan, math.nan, math.nan), (None, 0.05)),
        ],
    },
    {"name": "extra", "title": "An extra", "rows": ["No such row"], "scenarios": ["jervis/intense"], "predictions": []},
]  # fmt: skip


def publish(root: Path, index: Any) -> None:
    folder = root / EXPERIMENTS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    linked = re.findall(r"experiments/README\.md#([\w-]+)", (ROOT / "docs/concepts.md").read_text(encoding="utf-8"))
    headings = "".join(f"## {name}\n\n" for name in dict.fromkeys(linked))
    (folder / "README.md").write_text(f"# Experiments\n\n{headings}", encoding="utf-8")
    (folder / "fear.txt").write_text("Fear and m\n\nsupported fear raises war\n", encoding="utf-8")
    shutil.copy(ROOT / "docs" / "results" / "science.png", folder / "fear.png")
