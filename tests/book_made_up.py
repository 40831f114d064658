"""Made-up experiments, as docs/results/experiments has real ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from book.predictions import EXPERIMENTS

ROOT = Path(__file__).parent.parent
MADE_UP = [
    {
        "name": "fear", "title": "Fear and m", "rows": ["Fear (psychological regulator)"],
        "scenarios": ["theories/butterfield-fear"], "picture": "fear.png", "text": "fear.txt",
        "claims": [
            {
                "claim": "fear raises war at m = .5", "measure": "outcome/ss_attacks", "verdict": "supported",
                "effect": {"mean": 0.12, "low": 0.1, "high": 0.14},
            },
            {
                "claim": "fear changes nothing at m < 0", "verdict": "contradicted",
                "effect": {"mean": 0.2, "low": 0.1, "high": 0.3},
            },
            {
                "claim": "fear makes no tragic wars", "verdict": "undecided",
                "effect": {"mean": None, "low": None, "high": None},
            },
        ],
    },
    {"name": "extra", "title": "An extra", "rows": ["No such row"], "scenarios": ["jervis/intense"], "claims": []},
]  # fmt: skip


def publish(root: Path, index: Any) -> None:
    folder = root / EXPERIMENTS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "README.md").write_text("# Experiments\n", encoding="utf-8")
    (folder / "fear.txt").write_text("Fear and m\n\nsupported fear raises war\n", encoding="utf-8")
    shutil.copy(ROOT / "docs" / "results" / "science.png", folder / "fear.png")
