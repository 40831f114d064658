"""The search for worlds in which a spiral unfolds: every setting that was tried, and what came of it.

``python -m agents.publish.search`` trains each setting of configs/search.yaml, tries to beat what was learned, and
notes how the game unfolds among those who only want to be safe. All rows are kept in docs/results/search.csv, whatever
they show, and drawn as a map. A setting is looked for by its thresholds (``sd-env thresholds``), then by short
trainings; what is found is then to be held by certified runs with seeds that were not used here.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.evaluation.certify import CERTIFIED, GREEDY, SCRATCH, SEEKERS, WARM, certify
from agents.evaluation.escalation import escalation
from agents.evaluation.outcome import ATTACKS
from agents.evaluation.report import start_of
from agents.evaluation.tables import records
from agents.evaluation.thresholds import most_feared, thresholds
from agents.evaluation.unfolding import unfold
from agents.evaluation.verdict import largest_gap, uncertified
from agents.files import read_table, write_text
from agents.messages import shown
from agents.pictures.style import COLOURS, Caption, finish, panels
from agents.policies.specs import policy_from
from agents.publish.door import through
from agents.publish.science import smoke_sized
from agents.training.config import ConfigError, TrainingConfig, load_training
from agents.training.job import jobs_of, run_job
from agents.training.run import check, identity
from agents.work import Unit, WorkError, held, run_units, write_table
from sd_env.errors import said

CONFIG: Final = Path("configs/search.yaml")
RESULTS: Final = Path("docs/results")
#: Name of the table and of the map, and of the column that names a setting.
NAME: Final = "search"
SETTING: Final = "setting"
#: Turns over which effects on war are told, and on how many arms they are.
_WINDOW, _DELTA = 8, 0.3


def tried(*, config: dict[str, Any], folder: str) -> list[dict[str, Any]]:
    """The unit of work: train one setting on one path from one seed, try to beat it, watch it unfold; one row."""
    settings = TrainingConfig.model_validate(config)
    [job] = jobs_of(settings, Path(folder))
    run_job(job)
    result, _ = job.finished()
    if result is None:
        raise WorkError(f"{job.folder} has no result after its training.")
    [bundle] = job.bundles().values()
    game, asked = job.scenario(), settings.certificate
    row = _before(game) | _learned(result)
    row |= unfold(
        game, policy_from(str(bundle)), worlds=settings.evaluation.worlds, seed=settings.evaluation.seed
    ).row()
    rows: list[dict[str, Any]] = []
    if asked is not None:
        rows = records(
            certify(
                str(bundle), game, searches=[(SCRATCH, asked.scratch), (WARM, asked.warm)], steps=asked.steps,
                worlds=asked.worlds, seed=settings.evaluation.seed, searcher=asked.searcher,
                out=job.folder / "certificate",
            )
        )  # fmt: skip
    row |= _gaps(rows)
    return [row | _effects(str(bundle), game, settings)]


def _before(game: Any) -> dict[str, Any]:
    """What theory says before any training, of the pair with most to fear."""
    most = most_feared(thresholds(game, lag=False))
    return {"t": most.trust, "m": most.m[1], "m3": most.m[3], "x_star": most.arms_of_war, "x_c": most.complements_below}


def _learned(result: dict[str, Any]) -> dict[str, Any]:
    start = start_of([result], [])
    return {
        "agent_steps": result["agent_steps"],
        "outcome": start["outcomes"][0],
        "ss_attacks": start["learned"][ATTACKS]["value"],
        "welfare": start["learned"]["outcome/s_welfare"]["value"],
        "unsettled": start["unsettled"],
    }


def _gaps(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Each type's largest gap, with its interval and verdict, over the seats."""
    found: dict[str, Any] = {"uncertified": uncertified(rows)}
    for name, kind in (("s", SEEKERS), ("g", GREEDY)):
        worst = largest_gap(rows, kind)
        found |= {f"{name}_{key}": worst.get(key, np.nan) for key in ("own", "gain", "low", "high")}
        found |= {f"{name}_{key}": worst.get(key, "") for key in ("response", "verdict")}
    return found


def _effects(bundle: str, game: Any, settings: TrainingConfig) -> dict[str, Any]:
    """What arms given to a seeker do to war and to the other's arms, and how much of war is fear; with intervals."""
    found: dict[str, Any] = {}
    wanted = {
        "elasticity": ("defense", "war elasticity", _WINDOW),
        "response": ("defense", "response", _WINDOW),
        "fear": ("belief", "fear fraction", None),
    }
    try:
        table = escalation(
            bundle, game, seeds=(1,), worlds=settings.evaluation.worlds, turn=1, window=_WINDOW, delta=_DELTA
        )
    except WorkError:  # no pair to compare
        return {f"{name}{part}": np.nan for name in wanted for part in ("", "_low", "_high")}
    for name, (do, measure, h) in wanted.items():
        rows = table[(table["do"] == do) & (table["measure"] == measure)]
        row = (rows if h is None else rows[rows["h"] == h]).iloc[0]
        found |= {name: row["value"], f"{name}_low": row["low"], f"{name}_high": row["high"]}
    return found


def search(config: TrainingConfig, folder: Path, out: Path, only: list[str] | None = None, fresh: bool = False) -> None:
    """Try every setting of ``config`` and write all rows; what is finished in ``folder`` is not done again.

    Args:
        config: its scenarios are the settings.
        folder: of the trainings.
        out: where ``search.csv`` and ``search.png`` go.
        only: labels of the settings that are tried; rows of the others stay as they are in the table.
        fresh: try them anew.

    Raises:
        ConfigError, WorkError, ScenarioError: one sentence.
    """
    labels = [choice.name for choice in config.scenarios]
    if unknown := [name for name in only or () if name not in labels]:
        raise ConfigError(
            f"--only has {unknown[0]!r}, which is no setting of the search; there are {', '.join(labels)}."
        )
    chosen = [name for name in labels if only is None or name in only]
    table = _with(out / f"{NAME}.csv", _try(config, chosen, folder, fresh), labels)
    out.mkdir(parents=True, exist_ok=True)
    write_table(table, out / NAME)
    tell(table, out)


def tell(table: pd.DataFrame, out: Path) -> None:
    """Write the text and the map of a table of settings into ``out``.

    Args:
        table: as ``search.csv`` has it.
        out: folder.
    """
    gap = {
        kind: [
            f"{gain:.1%}{'' if said == CERTIFIED else ' *'}"
            for gain, said in zip(table[f"{kind}_gain"], table[f"{kind}_verdict"], strict=True)
        ]
        for kind in "sg"
    }
    told = pd.DataFrame(
        {
            SETTING: table[SETTING],
            "start": table["path"],
            "seed": table["seed"],
            "steps": (table["agent_steps"] / 1e6).map("{:.0f}M".format),
            "outcome": table["outcome"],
            "pairs fight": table["ss_fight"].map("{:.0%}".format),
            "first attack": _several(table, [f"onset_{part}" for part in (10, 50, 90)], "{:.0f}", " "),
            "arms on turns 0 4 8 16 32": _several(table, [f"arms_{turn}" for turn in (0, 4, 8, 16, 32)], "{:.2f}", " "),
            "gap S": gap["s"],
            "gap G": gap["g"],
            "war elasticity": _several(table, ["elasticity_low", "elasticity_high"], "{:+.2f}", " to "),
        }
    )
    certified = int(_certified(table).sum())
    about = (
        "The search for a spiral\n\nCommand: python -m agents.publish.search\n\n"
        "What each setting changes in the regime of "
        f"{CONFIG}, and what it is tried for, stands there; all columns are in {NAME}.csv.\n"
        "Of pairs of security seekers: how many fight, when first (10%, median, 90%), how many arms they have, and\n"
        "the 95% interval of the war elasticity. Gaps with * are not certified: more than 2% is gained, or may be.\n"
        f"Certified settings: {certified} of {len(table)}.\n\n"
    )
    write_text(out / f"{NAME}.txt", about + told.to_string(index=False) + "\n")
    draw(table, out / f"{NAME}.png")


def _certified(table: pd.DataFrame) -> pd.Series[bool]:
    """Which rows nothing was found against; a file has NaN where a table in memory has ""."""
    return table["uncertified"].fillna("").eq("")


def _several(table: pd.DataFrame, columns: list[str], form: str, between: str) -> list[str]:
    """Of each row some columns in one."""
    return [between.join(form.format(value) for value in row) for row in table[columns].to_numpy(float)]


def _try(config: TrainingConfig, labels: list[str], folder: Path, fresh: bool) -> pd.DataFrame:
    """The rows of these settings: one a path and seed."""
    plain = config.model_dump(mode="json")
    choices = {choice.name: each for choice, each in zip(config.scenarios, plain["scenarios"], strict=True)}
    each_row = [(label, path, seed) for label in labels for path in plain["paths"] or {"": {}} for seed in config.seeds]
    units = [
        Unit(
            f"{label} {path} seed {seed}",
            {
                "config": plain
                | {"scenarios": [choices[label]], "seeds": [seed], "paths": {path: plain["paths"].get(path, {})}},
                "folder": str(folder / label / f"{path}__seed{seed}".lstrip("_")),
            },
        )
        for label, path, seed in each_row
    ]
    # trainings and certificates lie by setting, and are taken up whatever settings are tried beside them
    with ExitStack() as stack:
        for unit in units:
            made = identity(TrainingConfig.model_validate(unit.arguments["config"]))
            stack.enter_context(held(Path(unit.arguments["folder"]), made, fresh=fresh))
        rows = run_units(
            tried, units, folder / "tried" / "+".join(labels)[:200], workers=config.workers, title=NAME, fresh=fresh
        )
    rows.insert(0, "overrides", [json.dumps(choices[label]["overrides"], sort_keys=True) for label, _, _ in each_row])
    return pd.concat([pd.DataFrame(each_row, columns=[SETTING, "path", "seed"]), rows], axis=1)


def _with(kept: Path, rows: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """The table in ``kept`` with the rows of some settings in the place of what it had of them, in their order."""
    if kept.exists():
        before = read_table(kept)
        if SETTING not in before:
            raise WorkError(f"{kept} has no column {SETTING}: it is not as the search writes it; move it away.")
        rows = pd.concat([before[~before[SETTING].isin(rows[SETTING])], rows])
    order = {label: k for k, label in enumerate(labels)}
    return rows.sort_values(SETTING, key=lambda names: names.map(order), kind="stable").reset_index(drop=True)


def draw(table: pd.DataFrame, picture: Path) -> None:
    """The map: a line a setting; how many pairs of seekers fight, from when on, and whether anything beats them.

    Args:
        table: as ``search.csv`` has it.
        picture: PNG to write.
    """
    labels = list(dict.fromkeys(table[SETTING]))
    figure, [left, right] = panels(2, size=(5.0, 1.9 + 0.32 * len(labels)), sharey=True)
    blue = COLOURS[1]
    height = {label: k for k, label in enumerate(labels)}
    marks = dict(zip(dict.fromkeys(table["path"]), cycle("os^D"), strict=False))
    for row, certified in zip(table.itertuples(index=False), _certified(table), strict=True):
        y = height[getattr(row, SETTING)] + 0.12 * (int(row.seed) % 3 - 1) + 0.2 * list(marks).index(row.path)
        face = blue if certified else "none"
        left.plot(row.ss_fight, y, marks[row.path], mec=blue, mfc=face)
        right.plot([row.onset_10, row.onset_90], [y, y], color="0.6")
        right.plot(row.onset_50, y, marks[row.path], mec=blue, mfc=face)
    for start, mark in marks.items():
        left.plot([], [], mark, mec=blue, mfc="none", label=f"from a {start} start")
    if len(marks) > 1:
        left.legend(loc="lower right", fontsize="small")
    left.set_yticks(range(len(labels)), labels)
    left.invert_yaxis()
    left.set(xlim=(-0.03, 1.03), xlabel="pairs of security seekers that fight")
    right.set(xlabel="turn of the first attack between them: 10%, median, 90%")
    right.axvline(5, color="0.8", zorder=0)
    seeds = int(table["seed"].nunique())
    caption = Caption(
        seeds,
        f"seed{'s' * (seeds != 1)} a setting and start, a mark each",
        "lines: from the 10th to the 90th percentile of episodes, no interval",
        "filled where nothing that was tried gains more than 2%",
    )
    finish(figure, "The search for a spiral", caption, picture)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 2 bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m agents.publish.search", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="SETTING", help="labels of the settings to try; default all")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours; the numbers mean nothing")
    parser.add_argument("--retell", action="store_true", help="write text and map anew from the kept table alone")
    parser.add_argument("--out", type=Path, help=f"where results go (default {RESULTS}; needed by --smoke)")
    parser.add_argument("--runs", type=Path, help="where trainings go, instead of the config's folder")
    parser.add_argument("--fresh", action="store_true", help="try anew what was tried; it is renamed to NAME.before-1")
    arguments = parser.parse_args(argv)
    if arguments.smoke and arguments.out is None:
        parser.error("--smoke needs --out: its numbers must not replace the real ones")
    return through(parser.prog, lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    out = arguments.out or RESULTS
    if arguments.retell:
        return _retell(out)
    config = load_training(CONFIG)
    if arguments.smoke:
        config = smoke_sized(config)
    check(config)
    with shown():
        folder = (arguments.runs or config.runs) / NAME
        search(config, folder, out, arguments.only, arguments.fresh)
    return 0


def _retell(out: Path) -> int:
    kept = out / f"{NAME}.csv"
    if not kept.is_file():
        raise WorkError(f"--retell: {kept} is not there; nothing was tried yet.")
    try:
        tell(read_table(kept), out)
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise WorkError(f"--retell: {kept} is not as the search writes it ({said(error).rstrip('.')}).") from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
