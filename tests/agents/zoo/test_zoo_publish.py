"""The zoo's publisher: who goes in, who stays out and why, and what is left of what was there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from agents import zoo
from agents.evaluation.certify import GREEDY, SEEKERS
from agents.files import read_table
from agents.policies.bundles import load_bundle
from agents.policies.manifest import Mixture
from agents.policies.mixture import MixedBundle
from agents.publish import zoo as publisher
from agents.publish import zoo_page
from agents.training.job import jobs_of
from agents.work import write_table
from tests.agents.zoo.conftest import ALSO, NAME, WORLD, Made, judge, tiny


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


# --- who goes in ----------------------------------------------------------------------------------------------


def test_those_whose_certificate_holds_go_in_and_of_the_others_it_is_said_why(here: Made) -> None:
    assert zoo.names() == (NAME, f"{WORLD}/seed{ALSO}")
    size = zoo.card(NAME).bundle.bytes
    first, second, third = here.told
    assert first == f"doubly-dangerous__uniform__seed5 is {NAME} now, {size:,} bytes."
    assert third.startswith(f"doubly-dangerous__uniform__seed7 is {WORLD}/seed7 now, ")
    assert second == (
        f"doubly-dangerous__uniform__seed6 is left out: it is not certified ({SEEKERS} beaten, +50.0%; "
        f"{GREEDY} beaten, +50.0%)."
    )


def test_a_card_has_what_was_measured_and_tried(here: Made) -> None:
    card = zoo.card(NAME)
    result = json.loads((here.run / "jobs" / "doubly-dangerous__uniform__seed5" / "result.json").read_text())
    training, certificate = card.training, card.certificate
    assert (training.config, training.command, training.start) == ("tiny", "sd-env train --config tiny", "uniform")
    assert (training.seed, training.algorithm, training.agent_steps) == (5, "PPO", result["agent_steps"])
    assert training.rounds == max(each["round"] for each in result["rounds"])
    assert {member.name for member in training.members} <= set(result["members"]["members"])
    assert sum(member.seekers for member in training.members) == pytest.approx(1.0)
    assert sum(member.greedy for member in training.members) == pytest.approx(1.0)
    assert {gap.type: gap.gain for gap in certificate.gaps} == pytest.approx({SEEKERS: 0.01, GREEDY: 0.01})
    assert [gap.high for gap in certificate.gaps] == pytest.approx([0.01 + 1.96 * 0.001] * 2)
    assert (certificate.scratch, certificate.warm, certificate.steps) == (1, 1, 1) and certificate.scripts >= 40
    assert card.certified and card.versions["torch"] and card.machine
    assert card.played.seed == publisher.MEASURING + 5


def test_the_policy_is_that_of_the_run(here: Made) -> None:
    mine = load_bundle(zoo.bundle(NAME))
    its = load_bundle(here.run / "jobs" / "doubly-dangerous__uniform__seed5" / "policy.sd")
    assert mine.info == its.info


@pytest.mark.parametrize(
    ("gain", "error", "stays"),
    [(0.019, 0.0, True), (0.0199, 0.001, False), (0.021, 0.0, False), (-0.3, 0.001, True)],
)
def test_the_interval_is_that_of_the_worlds_luck(gain: float, error: float, stays: bool, copied: Made) -> None:
    folder = copied.run / "certificates" / "of-3-policies"
    rows = read_table(folder / "episodes.csv")
    own = (rows["member"] == 0) & (rows["type"] == GREEDY)
    rows.loc[own, "gain"] = rows.loc[own, "own"].abs() * gain
    rows.loc[own, "error"] = rows.loc[own, "own"].abs() * error
    write_table(rows, folder / "episodes")
    told = publisher.publish(copied.run)[0]
    assert ("is left out" not in told) == stays
    if not stays:
        assert GREEDY in told and SEEKERS not in told


def test_a_world_that_has_a_policy_may_be_left_as_it_is(copied: Made) -> None:
    told = publisher.publish(copied.run, lacking=True)
    assert all("the zoo has a policy of" in each for each in told)
    for name in zoo.names():
        (zoo.folder(name) / "card.json").unlink()
    told = publisher.publish(copied.run, lacking=True)
    taken = [each for each in told if "is left out" not in each]
    assert len(taken) == len(zoo.names()) == len({zoo.card(name).scenario for name in zoo.names()}) > 0


def test_what_is_there_is_replaced_and_all_else_stays(copied: Made) -> None:
    other = zoo.HOME / "doubly-dangerous-v1" / "seed40"
    shutil.copytree(zoo.folder(NAME), other)
    before = (other / "card.json").read_bytes()
    stale = zoo.folder(NAME) / "card.json"
    stale.write_text("{}")
    judge(copied.run, 3, member2=0.9)  # is not certified any more: what was published of it stays
    told = publisher.publish(copied.run)
    assert told[:2] == copied.told[:2] and "seed7 is left out: it is not certified" in told[2]
    assert zoo.card(NAME).certified and (other / "card.json").read_bytes() == before
    assert zoo.names() == (NAME, f"{WORLD}/seed7", f"{WORLD}/seed40")


def test_members_whom_nobody_draws_are_left_out(here: Made) -> None:
    policy = load_bundle(zoo.bundle(NAME))
    assert isinstance(policy, MixedBundle) and publisher.lean(policy) is policy
    idle = Mixture(
        seekers=[0.0, *policy.shares[0].tolist()],
        greedy=[0.0, *policy.shares[1].tolist()],
        likeliest=[not policy.manifest.mixture.likeliest[0], *policy.manifest.mixture.likeliest],  # type: ignore[union-attr]
    )
    networks = [policy.members[-1].network, *(member.network for member in policy.members)]
    more = MixedBundle(policy.manifest.model_copy(update={"mixture": idle}), networks, policy.scenario)
    found = publisher.lean(more)
    assert isinstance(found, MixedBundle) and len(found.members) == len(policy.members)
    np.testing.assert_array_equal(found.shares, policy.shares)
    assert found.manifest.mixture == policy.manifest.mixture and found.info["training"] == policy.info["training"]


# --- who stays out --------------------------------------------------------------------------------------------


def test_a_policy_of_another_training_than_its_certificates_is_left_out(copied: Made) -> None:
    plan = copied.run / "certificates" / "of-3-policies" / "plan.json"
    data = json.loads(plan.read_text())
    key = next(key for key in data["inputs"] if "seed7" in key)
    data["inputs"][key] = "0" * 64
    plan.write_text(json.dumps(data))
    told = publisher.publish(copied.run)
    assert "are of another policy, by its plan.json" in told[2] and told[0] == copied.told[0]
    plan.unlink()
    assert all("there is no certificate of it" in each for each in publisher.publish(copied.run))
    plan.write_text("[]")
    assert all("are of another policy" in each for each in publisher.publish(copied.run))
    plan.write_text("{")
    assert all("its certificate cannot be read" in each for each in publisher.publish(copied.run))


def test_a_job_that_is_not_finished_is_left_out(copied: Made) -> None:
    (copied.run / "jobs" / "doubly-dangerous__uniform__seed6" / "result.json").unlink()
    told = publisher.publish(copied.run)  # of two finished jobs there are no certificates
    assert told[1] == "doubly-dangerous__uniform__seed6 is left out: it is not finished, or its files are damaged."
    assert "there is no certificate of it in" in told[0]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"scenario": "jervis/doubly-dangerous", "overrides": {"war.conquest": 0.2}}, "with other values"),
        ({"scenario": "mine.yaml"}, "mine.yaml is no world of the catalogue"),
    ],
)
def test_a_world_that_is_not_the_catalogues_is_left_out(
    choice: dict[str, object], said: str, copied: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = publisher.run_at(copied.run)
    Path("mine.yaml").write_text("horizon: 4\n")
    job = jobs_of(tiny(scenarios=[choice]), copied.run)[0]
    known = publisher.Run(run.folder, run.config, run.sha256, run.command, run.done, {job.name: {}})
    with pytest.raises(publisher.LeftOut, match=said):
        publisher.certified(known, job)


def test_two_starts_of_one_seed_do_not_take_one_anothers_name(here: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_of(publisher.run_at(here.run).config, here.run)
    monkeypatch.setattr(publisher, "jobs_of", lambda config, folder: [jobs[0], jobs[0]])
    monkeypatch.setattr(publisher, "certified", lambda run, job: (None, []))
    put = []

    def note(run: object, job: object, name: str, policy: object, rows: object) -> object:
        put.append(name)
        return zoo.card(name)

    monkeypatch.setattr(publisher, "put", note)
    told = publisher.publish(here.run)
    assert put == [NAME] and f"is left out: {NAME} is from another start of this run." in told[1]


# --- the command and the page ---------------------------------------------------------------------------------


def test_the_command_tells_each_job_and_writes_the_page(
    copied: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    assert publisher.main([str(copied.run)]) == 0
    assert lines(capsys) == copied.told
    text = (tmp_path / zoo_page.PAGE).read_text(encoding="utf-8")
    card = zoo.card(NAME)
    assert text == zoo_page.page([zoo.card(name) for name in zoo.names()])
    assert f'agents.make("{NAME}")' in text
    assert f"{card.made()} {' '.join(card.words)}" in " ".join(text.split())
    row = f"| `{NAME}` | `jervis/doubly-dangerous` | {card.returned(SEEKERS)} | {card.returned(GREEDY)} | 1.0% (1.2%) |"
    assert row in text


def test_without_a_run_the_page_is_written_of_what_is_there(
    copied: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for names in ((NAME, f"{WORLD}/seed7"), ()):
        assert publisher.main([]) == 0 and lines(capsys) == []
        text = (tmp_path / zoo_page.PAGE).read_text(encoding="utf-8")
        assert [name for name in (NAME, f"{WORLD}/seed7") if f"| `{name}` |" in text] == list(names)
        shutil.rmtree(copied.home / "doubly-dangerous-v1", ignore_errors=True)
    assert "No policy is in it yet." in text


@pytest.mark.parametrize(
    ("lost", "said"), [("config.yaml", "it has no config.yaml"), ("report.json", "it has no report.json")]
)
def test_what_is_no_finished_run_is_refused_and_changes_nothing(
    lost: str,
    said: str,
    copied: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (copied.run / lost).unlink()
    before = sorted((path, path.stat().st_mtime_ns) for path in copied.home.rglob("*"))
    assert publisher.main([str(copied.run)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"python -m agents.publish.zoo: {copied.run} holds no finished run: {said}."
    assert before == sorted((path, path.stat().st_mtime_ns) for path in copied.home.rglob("*"))


def test_a_run_without_certificates_is_refused(copied: Made, capsys: pytest.CaptureFixture[str]) -> None:
    (copied.run / "config.yaml").write_text(tiny(certificate=None).to_yaml())
    assert publisher.main([str(copied.run)]) == 2
    assert "has no certificates: its config asks for none" in capsys.readouterr().err


def test_the_page_is_that_of_the_package() -> None:
    page = Path(__file__).parents[3] / zoo_page.PAGE
    assert page.read_text(encoding="utf-8") == zoo_page.page([zoo.card(name) for name in zoo.names()]), (
        "python -m agents.publish.zoo writes it anew"
    )
