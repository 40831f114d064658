"""Asking an endpoint that speaks the chat completions of OpenAI's API: patient, bounded, its key told to nobody else.

What comes back is a stranger's text. Nothing of it is shown but in one printable line, and of errors of the connection
only what kind they were: the library's own words may hold the headers that were sent, and the key is one of them.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from agents.language.config import LanguageConfig
from agents.language.ledger import Ledger
from sd_env.errors import sentence
from sd_env.policies import PolicyError
from sd_env.reading import ReadError, read_json

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger(__name__)

#: Bytes of an answer's body that are read.
MOST_BYTES: Final = 1_000_000
#: Letters of a server's own words in a refusal.
_SHOWN: Final = 200
#: What may pass: too many requests, too slow, the server's own trouble.
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
#: Keys that are shorter are no secrets, such as the "none" of servers on one's own machine.
_SECRET: Final = 8
_FIRST_PAUSE: Final = 0.5


class EndpointError(PolicyError):
    """The endpoint does not answer as it must: one sentence. What was answered before is kept."""


@dataclass(frozen=True)
class Reply:
    """What a model answered to one request.

    Attributes:
        text: its answer; "" where it refused.
        refusal: why it did, in its words; "" if it did not.
        finish: why it ended: ``stop``, or ``length`` if it was cut off.
        read, written: tokens; estimated where the endpoint does not count.
    """

    text: str
    refusal: str = ""
    finish: str = "stop"
    read: int = 0
    written: int = 0


class _Passing(Exception):
    """A try that failed, and may succeed when it is made again; ``pause``: what the server asks for, in seconds."""

    def __init__(self, why: str, pause: float | None = None) -> None:
        super().__init__(why)
        self.pause = pause


def tokens_of(text: str) -> int:
    """About how many tokens a text has: four letters each, as is usual for English."""
    return -(-len(text) // 4)


class Endpoint:
    """The endpoint of a config, asked by several threads.

    Args:
        config: where, and how patiently.
        ledger: of what may be spent; each try is entered before it is made.
    """

    def __init__(self, config: LanguageConfig, ledger: Ledger) -> None:
        self._config, self._ledger = config, ledger
        self._lock, self._not_before = threading.Lock(), 0.0
        self._client: httpx2.Client | None = None

    def complete(self, body: Mapping[str, Any]) -> Reply:
        """The answer to a request.

        Args:
            body: of the request, as JSON.

        Raises:
            EndpointError: if the endpoint refuses, or fails ``limits.tries`` times.
            PolicyError: if the budget does not allow it.
        """
        limits, pause = self._config.limits, _FIRST_PAUSE
        expected = sum(tokens_of(str(each["content"])) for each in body["messages"])
        for k in range(1, limits.tries + 1):
            self._wait()
            entered = self._ledger.reserve(expected, self._config.answer_tokens)
            started, reply = time.monotonic(), None
            try:
                reply = self._try(body, expected)
                return reply
            except _Passing as failure:
                asked = failure.pause
                if asked is not None and asked > limits.wait_seconds:
                    raise self._error(
                        f"{failure} and asks for a pause of {asked:.0f} seconds, more than limits.wait_seconds, "
                        f"{limits.wait_seconds:g}"
                    ) from None
                if k == limits.tries:
                    raise self._error(f"{failure}, {k} times in all (limits.tries)") from None
                wait = min(pause if asked is None else asked, limits.wait_seconds)
                logger.info("The endpoint at %s %s; it is asked again in %.1f s.", self._config.host, failure, wait)
                with self._lock:
                    self._not_before = max(self._not_before, time.monotonic() + wait)
                pause *= 2
            finally:
                spent = (0, 0) if reply is None else (reply.read, reply.written)
                self._ledger.settle(entered, *spent, time.monotonic() - started)
        raise AssertionError("tries are at least 1")

    def _wait(self) -> None:
        """Wait until the endpoint may be asked again: one thread's pause is all threads' pause."""
        while (rest := self._not_before - time.monotonic()) > 0:
            time.sleep(rest)

    def _error(self, what: str) -> EndpointError:
        return EndpointError(f"The endpoint at {self._config.host} {what}.")

    def _key(self) -> str | None:
        """The key of the endpoint's host; None if the environment has none. It is kept nowhere."""
        name = self._config.key_variable
        key = os.environ.get(name, "").strip()
        if not key:
            return None
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise PolicyError(f"The environment variable {name} holds no key: letters, digits and signs are one.")
        if not self._config.is_private:
            raise PolicyError(
                f"The endpoint at {self._config.host} is asked without encryption, and {name} holds a key for it: "
                "keys are sent by https alone, or on this machine; change the endpoint, or unset the variable."
            )
        return key

    def _http(self) -> tuple[Any, httpx2.Client]:
        try:
            import httpx2
        except ModuleNotFoundError:
            raise PolicyError("Language policies need a package for HTTP: pip install 'sd-env[llm]'") from None
        with self._lock:
            if self._client is None:
                try:
                    self._client = httpx2.Client(timeout=self._config.limits.request_seconds, follow_redirects=False)
                except Exception as error:  # of many kinds, with the address of a proxy, which may hold a key
                    raise self._error(
                        f"cannot be asked: the environment names a proxy or certificates, as in HTTPS_PROXY or "
                        f"SSL_CERT_FILE, that cannot be used ({type(error).__name__})"
                    ) from None
            return httpx2, self._client

    def _try(self, body: Mapping[str, Any], expected: int) -> Reply:
        """One request, whole within the time that it may take."""
        httpx, client = self._http()
        key = self._key()
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        headers |= {} if key is None else {"authorization": f"Bearer {key}"}
        until = time.monotonic() + self._config.limits.request_seconds
        data, url = bytearray(), f"{self._config.endpoint}/chat/completions"
        try:
            with client.stream("POST", url, json=dict(body), headers=headers) as response:
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise _Passing("answers compressed, although it was asked not to")
                for chunk in response.iter_raw():
                    data += chunk
                    if len(data) > MOST_BYTES:
                        raise _Passing(f"answers with more than {MOST_BYTES} bytes")
                    if time.monotonic() > until:
                        raise _Passing(self._slow())
        except httpx.TimeoutException:
            raise _Passing(self._slow()) from None
        except httpx.ConnectError:
            raise _Passing("cannot be reached") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            raise _Passing(f"broke the connection off ({type(error).__name__})") from None
        return self._judged(
            response.status_code, response.headers, _without(key, data.decode("utf-8", "replace")), expected
        )

    def _slow(self) -> str:
        return f"did not answer within {self._config.limits.request_seconds:g} seconds (limits.request_seconds)"

    def _judged(self, status: int, headers: Mapping[str, str], text: str, expected: int) -> Reply:
        if status in _PASSING:
            raise _Passing(f"answers with status {status}{_says(text)}", _pause(headers.get("retry-after", "")))
        if status in (401, 403):
            raise self._error(
                f"answers with status {status}{_says(text)}; its key is read from the environment variable "
                f"{self._config.key_variable}"
            )
        if status != 200:
            raise self._error(f"answers with status {status}{_says(text)}")
        try:
            return _reply(read_json(text, "it", most=MOST_BYTES), expected)
        except ReadError as error:
            raise _Passing(f"answers with what is no answer: {error}") from None


def _without(key: str | None, text: str) -> str:
    """A text in which a key that a server repeats is not to be read."""
    return text if key is None or len(key) < _SECRET else text.replace(key, "***")


def _says(text: str) -> str:
    """What a server says of its refusal, in brackets; "" if nothing that can be read."""
    try:
        found = read_json(text, most=MOST_BYTES)
        while isinstance(found, dict):
            found = next((found[key] for key in ("error", "message", "detail") if key in found), "")
    except ReadError:
        found = ""
    shown = sentence(str(found))[:_SHOWN] if isinstance(found, str) else ""
    return f" ({shown})" if shown else ""


def _pause(given: str) -> float | None:
    """What ``Retry-After`` asks for in seconds: a number of them, or a date; None if it says nothing."""
    if given.isascii() and given.isdigit():
        return float(given[:12])
    try:
        until = parsedate_to_datetime(given)
    except (TypeError, ValueError):
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _reply(found: Any, expected: int) -> Reply:
    """What is needed of a completion; whatever else is in it is left alone."""
    choices = found.get("choices") if isinstance(found, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        raise ReadError("it has no choices[0].message")
    text, refusal = message.get("content"), message.get("refusal")
    if not isinstance(text, str) and not isinstance(refusal, str):
        raise ReadError("choices[0].message has neither content nor refusal")
    text, refusal = (each if isinstance(each, str) else "" for each in (text, refusal))
    finish = first.get("finish_reason")
    if finish == "content_filter" and not refusal:
        refusal = "its filter stopped the answer"
    usage = found.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    return Reply(
        text=text,
        refusal=refusal,
        finish=finish if isinstance(finish, str) else "stop",
        read=_count(counted.get("prompt_tokens"), expected),
        written=_count(counted.get("completion_tokens"), tokens_of(text + refusal)),
    )


def _count(given: Any, estimate: int) -> int:
    """Tokens as they were counted; where that is no number, or less than nothing, as they are estimated."""
    return given if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 10**9 else estimate
