"""Endpoints that are slow, wrong, refusing, crowded or gone: what is tried again, what is refused, and what is kept."""

from __future__ import annotations

import gzip
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from agents.language import endpoint as module
from agents.language.config import load_config
from agents.language.endpoint import Endpoint, EndpointError, Reply
from agents.language.ledger import BudgetError, Ledger, Spent
from sd_env.policies import PolicyError
from tests.stand_in import Manner, Out, StandIn, config_of, stand_in

BODY = {"model": "m", "messages": [{"role": "user", "content": "x" * 40}]}
KEY = "sk-verysecret-0123456789"
VARIABLE = "SD_ENV_KEY_127_0_0_1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.01)


def endpoint_of(server: StandIn | str, folder: Path, **settings: Any) -> tuple[Endpoint, Ledger]:
    config = load_config(config_of(server, folder, **settings))
    ledger = Ledger(config, folder / config.exchanges)
    return Endpoint(config, ledger), ledger


def after(first: Out, *others: Out) -> Manner:
    """One answer after another, and at the end one that is right."""
    outs = (first, *others)
    return lambda body, before: outs[before] if before < len(outs) else Out("right")


def refused(manner: Manner, folder: Path, **settings: Any) -> tuple[str, int]:
    """What is said of an endpoint that does not answer, and how often it was asked."""
    with stand_in(manner) as server:
        asked, ledger = endpoint_of(server, folder, **settings)
        with pytest.raises(EndpointError) as caught:
            asked.complete(BODY)
        assert ledger.spent().requests == len(server.bodies)
        text = str(caught.value)
        assert text.startswith("The endpoint at 127.0.0.1 ") and text.isprintable() and len(text) < 500
        return text, len(server.bodies)


def test_a_right_answer_is_asked_for_once(tmp_path: Path) -> None:
    with stand_in(after(Out("hello"))) as server:
        asked, ledger = endpoint_of(server, tmp_path)
        assert asked.complete(BODY) == Reply("hello", read=100, written=20)
        assert server.paths == ["/v1/chat/completions"] and server.bodies == [BODY]
        assert "authorization" not in server.headers[0]
    spent = ledger.spent()
    assert (spent.requests, spent.read, spent.written) == (1, 100, 20) and spent.seconds > 0


@pytest.mark.parametrize(
    "trouble",
    [
        Out(status=500),
        Out(status=429, headers={"retry-after": "0"}),
        Out(status=503, headers={"retry-after": "soon"}),
        Out(data=b"<html>", status=502),
        Out(data=b"not json"),
        Out(data=b"[]"),
        Out(data=b'{"choices": []}'),
        Out(data=b'{"choices": [{"message": {"content": 3}}]}'),
        Out(data=b'{"choices": [{"message": {}, "message": {}}]}'),
        Out(data=b"\xff\xfe"),
        Out("cut off", cut=10),
        Out("cut off", cut=0),
        Out(data=gzip.compress(b" " * 10_000_000, mtime=0), headers={"content-encoding": "gzip"}),
        Out(data=b" " * (module.MOST_BYTES + 1)),
        Out("slow", wait=3.0),
    ],
    ids=lambda out: f"{out.status} {str(out.data)[:20]} {out.text} {out.cut}",
)
def test_trouble_that_may_pass_is_tried_again(trouble: Out, tmp_path: Path) -> None:
    limits = {"request_seconds": 1.0, "wait_seconds": 0.1, "tries": 2}
    with stand_in(after(trouble)) as server:
        asked, ledger = endpoint_of(server, tmp_path, limits=limits)
        assert asked.complete(BODY).text == "right"
        assert len(server.bodies) == ledger.spent().requests == 2


def test_trouble_that_lasts_is_told_and_no_more_is_asked(tmp_path: Path) -> None:
    text, asked = refused(
        lambda body, before: Out(status=500, data=b'{"error": {"message": "no\\u001b[2Jluck"}}'), tmp_path
    )
    assert "answers with status 500 (no?[2Jluck), 2 times in all (limits.tries)." in text and asked == 2


def test_a_drip_is_no_answer_in_time(tmp_path: Path) -> None:
    """Each byte comes soon enough for a timeout of reading; the whole does not."""
    limits = {"request_seconds": 0.5, "wait_seconds": 0.1, "tries": 1}
    started = time.monotonic()
    with stand_in(lambda body, before: Out()) as server:
        asked, _ = endpoint_of(server, tmp_path, limits=limits)
        handler = server.RequestHandlerClass

        def drip(self: Any) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)

        server.RequestHandlerClass = type("Drip", (handler,), {"do_POST": drip})  # type: ignore[misc]
        with pytest.raises(EndpointError, match=r"did not answer within 0\.5 seconds \(limits\.request_seconds\)"):
            asked.complete(BODY)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [400, 404, 301, 204])
def test_what_will_not_pass_is_refused_at_once(status: int, tmp_path: Path) -> None:
    elsewhere = {"location": "http://127.0.0.1:9/v1"}
    text, asked = refused(lambda body, before: Out(status=status, data=b"", headers=elsewhere), tmp_path)
    assert f"answers with status {status}." in text and asked == 1


def test_without_a_key_it_says_which_variable_is_read(tmp_path: Path) -> None:
    text, asked = refused(lambda body, before: Out(status=401, data=b'{"error": "who are you"}'), tmp_path)
    assert f"(who are you); its key is read from the environment variable {VARIABLE}." in text and asked == 1


def test_nobody_there(tmp_path: Path) -> None:
    asked, ledger = endpoint_of("http://127.0.0.1:9/v1", tmp_path)
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1 cannot be reached, 2 times in all"):
        asked.complete(BODY)
    assert ledger.spent().requests == 2


@pytest.mark.parametrize("as_date", [False, True])
def test_a_pause_that_is_asked_for_is_kept(as_date: bool, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(seconds=2.5)
    pause = {"retry-after": format_datetime(until, usegmt=True) if as_date else "1"}
    with stand_in(after(Out(status=429, headers=pause))) as server:
        asked, _ = endpoint_of(server, tmp_path, limits={"wait_seconds": 5, "tries": 2})
        started = time.monotonic()
        assert asked.complete(BODY).text == "right"
        assert 0.9 < time.monotonic() - started < 10


def test_a_pause_that_is_too_long_ends_it(tmp_path: Path) -> None:
    crowded = Out(status=429, headers={"retry-after": "3600"}, data=b'{"error": "crowded"}')
    text, asked = refused(lambda body, before: crowded, tmp_path)
    assert "asks for a pause of 3600 seconds, more than limits.wait_seconds, 0.2." in text and asked == 1


@pytest.mark.parametrize("usage", [None, [], {"prompt_tokens": -5, "completion_tokens": True}, {"prompt_tokens": "9"}])
def test_tokens_that_are_not_counted_are_estimated(usage: Any, tmp_path: Path) -> None:
    with stand_in(lambda body, before: Out("four" * 3, usage=usage)) as server:
        found = endpoint_of(server, tmp_path)[0].complete(BODY)
    assert (found.read, found.written) == (10, 3)


def test_a_model_that_refuses_is_an_answer(tmp_path: Path) -> None:
    with stand_in(after(Out(None, refusal="I cannot"), Out("", finish="content_filter"))) as server:
        asked, _ = endpoint_of(server, tmp_path)
        assert asked.complete(BODY).refusal == "I cannot"
        assert asked.complete(BODY).refusal == "its filter stopped the answer"


# --- the key --------------------------------------------------------------------------------------------------


def test_the_key_goes_to_its_host_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not into errors, files or messages, also where the server repeats it."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(VARIABLE, KEY)
    echo = f'{{"error": {{"message": "Incorrect key {KEY}"}}}}'.encode()
    with stand_in(after(Out(status=500, data=echo), Out(f"your key is {KEY}"), Out(status=401, data=echo))) as server:
        asked, _ = endpoint_of(server, tmp_path)
        assert asked.complete(BODY).text == "your key is ***"
        assert [each["authorization"] for each in server.headers] == [f"Bearer {KEY}"] * 2
        with pytest.raises(EndpointError, match=r"Incorrect key \*\*\*") as caught:
            asked.complete(BODY)
    seen = caught.value
    assert KEY not in f"{seen!r} {seen.__cause__!r} {seen.__context__!r} {caplog.text} {vars(asked)}"
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()


@pytest.mark.parametrize("odd", ["two words-0123", "line\nbreak-0123", "half\u00e9-0123456"])
def test_what_is_no_key_is_refused_without_telling_it(
    odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, odd)
    asked, _ = endpoint_of("http://127.0.0.1:9/v1", tmp_path)
    with pytest.raises(PolicyError, match=f"variable {VARIABLE} holds no key") as caught:
        asked.complete(BODY)
    assert odd[:4] not in str(caught.value)


def test_no_key_is_sent_where_others_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SD_ENV_KEY_MODELS_EXAMPLE", KEY)
    asked, _ = endpoint_of("http://models.example/v1", tmp_path)
    with pytest.raises(PolicyError, match="keys are sent by https alone, or on this machine") as caught:
        asked.complete(BODY)
    assert KEY not in str(caught.value)


# --- the budget -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "often"),
    [
        ({"requests": 3}, 3),
        ({"requests": 99, "tokens": 1000}, 2),  # 120 a request, and 810 are set aside for the next
        ({"requests": 99, "money": 0.001}, 2),
        ({"requests": 99, "seconds": 1e-9}, 1),
    ],
)
def test_nothing_is_asked_beyond_the_budget(budget: dict[str, Any], often: int, tmp_path: Path) -> None:
    prices = {"input": 1.0, "output": 1.0}
    with stand_in(after(Out("right"))) as server:
        asked, ledger = endpoint_of(server, tmp_path, budget=budget, prices=prices)
        with pytest.raises(BudgetError, match="The budget of the language policy is used up: budget") as caught:
            for _ in range(99):
                asked.complete(BODY)
        assert str([*budget][-1]) in str(caught.value)
        assert len(server.bodies) == ledger.spent().requests == often
        again, _ = endpoint_of(server, tmp_path, budget=budget, prices=prices)  # as another run would
        with pytest.raises(BudgetError):
            again.complete(BODY)
        assert len(server.bodies) == often


def test_money_is_tokens_by_prices(tmp_path: Path) -> None:
    with stand_in(after(Out("right"))) as server:
        asked, ledger = endpoint_of(server, tmp_path, prices={"input": 2.0, "output": 10.0})
        asked.complete(BODY)
    assert ledger.spent().money == pytest.approx((100 * 2 + 20 * 10) / 1e6)


@pytest.mark.parametrize(
    "text", ["{}", "[]", "no", '{"requests": -1, "read": 0, "written": 0, "money": 0, "seconds": 0}']
)
def test_a_ledger_that_was_changed_is_refused(text: str, tmp_path: Path) -> None:
    _, ledger = endpoint_of("http://127.0.0.1:9/v1", tmp_path)
    assert ledger.spent() == Spent()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "spent.json").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=r"spent\.json"):
        ledger.spent()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "foo://me:secret@host"), ("SSL_CERT_FILE", "/nowhere/certificates.pem"), ("SSL_CERT_FILE", "/")],
)
def test_an_environment_with_which_nobody_can_be_asked_is_told_without_its_secrets(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    asked, _ = endpoint_of("https://host.invalid/v1", tmp_path)
    with pytest.raises(EndpointError, match=r"^The endpoint at host\.invalid cannot be asked: .*HTTPS_PROXY") as caught:
        asked.complete(BODY)
    assert "secret" not in str(caught.value) and caught.value.__cause__ is None


def test_what_the_library_cannot_send_is_an_endpoint_that_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx2

    def fails(*words: Any, **more: Any) -> Any:
        raise UnicodeError("label too long")

    asked, _ = endpoint_of("https://host.invalid/v1", tmp_path)
    monkeypatch.setattr(httpx2.Client, "stream", fails)
    with pytest.raises(EndpointError, match=r"broke the connection off \(UnicodeError\), 2 times in all"):
        asked.complete(BODY)


def test_a_ledger_that_is_no_file_is_a_sentence(tmp_path: Path) -> None:
    asked, ledger = endpoint_of("https://host.invalid/v1", tmp_path)
    path = tmp_path / "kept" / "spent.json"
    path.parent.mkdir()
    for plant, why in ((os.mkfifo, "it is no regular file"), (os.mkdir, "Is a directory")):
        plant(path)
        with pytest.raises(PolicyError) as caught:
            asked.complete(BODY)
        assert str(caught.value) == f"{path} cannot be read: {why}."
        path.rmdir() if path.is_dir() else path.unlink()
    assert ledger.spent() == Spent()
