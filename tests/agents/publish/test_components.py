"""Tang's components over the catalogue: shares by hand, resumption, the malign control, and when a flag applies."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from agents import make
from agents.publish import components
from agents.publish.components import DILEMMA, FLAGS, LEARNED, REFERENCE, Row, aggregate, config_from, flags_of
from agents.publish.components_shown import as_table, cell
from agents.publish.science import smoke_sized
from agents.table.play import play
from agents.training.config import load_training
from agents.training.run import check
from agents.work import UNITS
from sd_env.record import Collector
from sd_env.scenario import Scenario, scenarios

SCIENCE = load_training(Path(__file__).parents[3] / "configs" / "science.yaml")
TWO = ("jervis/multipolar", "games/one-shot")


def played(scenario: str, policy: str, worlds: int, overrides: dict[str, Any] | None = None) -> pd.DataFrame:
    collector = Collector()
    play(Scenario.load(scenario, overrides), make(policy), worlds=worlds, seed=1, recorder=collector)
    assert len(collector.logs) == worlds
    return pd.DataFrame([flags_of(log) for log in collector.logs])


# --- the run --------------------------------------------------------------------------------------------------


def test_a_smoke_sized_run_leaves_its_results_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = smoke_sized(config_from(SCIENCE, TWO)).model_copy(update={"runs": tmp_path / "runs"})
    assert components.run(config, tmp_path / "out", episodes=2) == 0
    [folder] = (tmp_path / "runs").iterdir()
    table = pd.read_csv(tmp_path / "out" / "components.csv")
    assert list(table.columns)[:4] == ["scenario", "policy", "episodes", "flag"]
    every = table[table["episodes"] == "all"]
    assert len(every) == len(TWO) * 2 * (len(FLAGS) + 1) and (every["played"] == 2 * 2).all()
    text = (tmp_path / "out" / "components.txt").read_text(encoding="utf-8")
    assert "--only components    seeds: [1, 2]" in text and "processor time" in text
    assert as_table(table) in text  # the table of text says what the CSV does
    assert (tmp_path / "out" / "components.png").stat().st_size > 10_000

    lost = sorted(path for path in (folder / UNITS).glob("*.json") if "multipolar" in path.name)
    assert len(lost) == 4  # two seeds, two policies
    lost[0].unlink()
    done: list[int] = []

    def counted(*arguments: Any, **others: Any) -> pd.DataFrame:
        done.append(others["seed"])
        return play(*arguments, **others)

    monkeypatch.setattr(components, "play", counted)
    before = (tmp_path / "out" / "components.csv").read_bytes()
    assert components.run(config, tmp_path / "out", episodes=2) == 0
    assert len(done) == 1
    assert (tmp_path / "out" / "components.csv").read_bytes() == before
    # another plan is other work, beside what is there
    assert components.run(config.model_copy(update={"seeds": [1]}), tmp_path / "out", episodes=2) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_the_jobs_are_the_whole_catalogue_and_can_be_trained() -> None:
    config = config_from(SCIENCE)
    check(config)
    assert [choice.scenario for choice in config.scenarios] == list(scenarios())
    own = config.learner.model_dump() | {"batch_size": SCIENCE.learner.batch_size}
    assert own == SCIENCE.learner.model_dump()


def test_long_games_are_recorded_less() -> None:
    config = config_from(SCIENCE, ("games/one-shot", "jervis/intense", "games/richardson"))
    units = [unit.arguments for unit in components.units_of(config, components.RECORDED)][::2][:3]
    assert [unit["episodes"] for unit in units] == [64, 64, 16]  # horizons 1, 32 and 1000, of 2048 turns
    assert {unit.arguments["episodes"] for unit in components.units_of(config, 2)} == {2}


# --- aggregation ----------------------------------------------------------------------------------------------


def episode(seed: int, world: int, seekers: bool, *flags: str, never: tuple[str, ...] = ()) -> Row:
    """A made-up episode with some flags; ``never``: those that do not apply in it."""
    row: Row = {"scenario": "made/up", "policy": LEARNED, "seed": seed, "world": world, "turns": 3, "seconds": 0.5}
    row |= {name: name in flags for name in FLAGS} | {"no_malign_state": seekers}
    return row | {DILEMMA: all(row[name] for name in FLAGS)} | {f"applies_{name}": name not in never for name in FLAGS}


def found(table: pd.DataFrame, kind: str, flag: str) -> pd.Series:
    [row] = table[(table["episodes"] == kind) & (table["flag"] == flag)].index
    return table.loc[row]


def test_shares_are_means_over_seeds_by_hand() -> None:
    most = tuple(name for name in FLAGS if name != "no_malign_state")
    rows = [
        episode(1, 0, True, *most), episode(1, 1, True, *most), episode(1, 2, True, "spiral"), episode(1, 3, False),
        episode(2, 0, True, "spiral"), episode(2, 1, False, *most), episode(2, 2, False), episode(2, 3, False),
        episode(3, 0, False, *most), episode(3, 1, False),
    ]  # fmt: skip
    table = aggregate(pd.DataFrame(rows))
    # spiral: 3 of 4, 2 of 4, 1 of 2
    spiral = found(table, "all", "spiral")
    half = stats.t.ppf(0.975, 2) * math.sqrt(((1 / 6) ** 2 + 2 * (1 / 12) ** 2) / 2) / math.sqrt(3)
    assert spiral["value"] == pytest.approx((0.75 + 0.5 + 0.5) / 3)
    assert (spiral["low"], spiral["high"]) == pytest.approx((spiral["value"] - half, spiral["value"] + half))
    assert (spiral["seeds"], spiral["played"], spiral["applies"]) == (3, 10, 1.0)
    # all flags: 2 of 4, 0 of 4, 0 of 2; among security seekers alone 2 of 3, 0 of 1, and no such episode in seed 3
    assert found(table, "all", DILEMMA)["value"] == pytest.approx(0.5 / 3)
    seekers = found(table, "seekers", DILEMMA)
    assert seekers["value"] == pytest.approx(1 / 3) and (seekers["seeds"], seekers["played"]) == (2, 4)
    # with a malign state: tragic in 0 of 1, 1 of 3, 1 of 2, and never a dilemma
    assert found(table, "malign", "tragic_result")["value"] == pytest.approx((0 + 1 / 3 + 1 / 2) / 3)
    assert found(table, "malign", DILEMMA)["value"] == 0.0


def test_a_flag_that_applies_nowhere_has_no_share_and_one_that_applies_somewhere_has() -> None:
    table = aggregate(
        pd.DataFrame(
            [
                episode(1, 0, True, "spiral", never=("tragic_result",)),
                episode(1, 1, True, never=("tragic_result", "spiral")),
            ]
        )
    )
    tragic, spiral = found(table, "all", "tragic_result"), found(table, "all", "spiral")
    assert math.isnan(tragic["value"]) and tragic["applies"] == 0.0
    assert spiral["value"] == 0.5 and spiral["applies"] == 0.5 and math.isnan(spiral["low"])  # one seed: no interval
    assert "malign" not in set(table["episodes"])
    lines = as_table(table).splitlines()
    assert lines[1].split() == ["made/up", "0", "0", "0", "1", "0", "0.50", "0", "-", "0", "0"]
    assert lines[2] == "A true dilemma in some episode: 0 of 1 scenarios."


@pytest.mark.parametrize(
    ("share", "text"),
    [
        ((0.0, 0.0, 0.0), "0"),
        ((1.0, 1.0, 1.0), "1"),
        ((0.5, 0.25, 0.75), "0.50±0.25"),
        ((0.999, 0.998, 1.0), "1.00±0.00"),
        ((math.nan, math.nan, math.nan), "-"),
    ],
)
def test_a_cell_tells_all_and_none_from_what_is_rounded(share: tuple[float, float, float], text: str) -> None:
    assert cell(*share) == text


# --- played episodes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["random", "hawk", REFERENCE])
def test_a_malign_state_voids_the_dilemma(policy: str) -> None:
    """The control of 1939, whoever plays: Germany is greedy, and nobody is in doubt about anybody."""
    rows = played("history/malign-state-1939", policy, 16)
    assert not rows[DILEMMA].any() and not rows["no_malign_state"].any() and not rows["uncertain_intentions"].any()


def test_the_twin_has_doubt_and_tragedy_but_only_one_sided_fear() -> None:
    """Nobody doubts Germany's neighbours, so that Germany has nothing to fear and fear is never mutual."""
    twin = played("history/security-seeking-twin-1939", "random", 32)
    seekers = twin[twin["no_malign_state"]]
    assert 0 < len(seekers) < len(twin)
    assert seekers["uncertain_intentions"].all() and seekers["tragic_result"].any()
    assert not twin["mutual_fear"].any() and not twin[DILEMMA].any()


def test_the_twin_with_everybody_in_doubt_has_true_dilemmas_and_never_with_a_malign_state() -> None:
    """Which shows that the control's zero is not the flags': the same physics, play and number of episodes."""
    drawn = {"states.greed": None, "motives.p_greedy": 0.2}
    rows = played("history/security-seeking-twin-1939", "random", 64, drawn)
    assert rows[rows["no_malign_state"]][DILEMMA].any()
    assert len(rows[~rows["no_malign_state"]]) > 0 and not rows[~rows["no_malign_state"]][DILEMMA].any()


@pytest.mark.parametrize(
    ("scenario", "overrides", "never"),
    [
        ("games/one-shot", {}, {"arms_up", "spiral", "self_defeat"}),  # no arms can be built
        ("jervis/intense", {}, set()),
        ("jervis/intense", {"horizon": 1}, {"spiral"}),  # too short for slopes
        ("jervis/intense", {"actions.stance": ["neutral", "mobilize"]}, {"tragic_result", "self_defeat"}),
    ],
)
def test_flags_apply_where_the_scenario_lets_them(scenario: str, overrides: dict[str, Any], never: set[str]) -> None:
    rows = played(scenario, "random", 12, overrides)
    assert {name for name in FLAGS if not rows[f"applies_{name}"].any()} == never
    for name in FLAGS:  # a flag never holds where it does not apply
        assert not (rows[name] & ~rows[f"applies_{name}"]).any(), name
