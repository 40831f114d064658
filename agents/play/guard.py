"""What stands before the server: whom it answers to, how much it takes, and what it tells browsers to forbid.

A page of another site may make a browser send requests here: so the names by which the server is called (Host) and the
pages that call it (Origin) are checked. What is too much, too long or too slow is refused before anything is read.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Bytes of a request's body: a choice among 16 states with all forecasts has a tenth.
MOST_BYTES: Final = 16_384
#: Seconds in which it must have come.
_PATIENCE: Final = 10.0
#: Requests of one address: so many at once, and so many more a second. A class may share an address.
_BURST: Final = 300.0
_RATE: Final = 60.0
_ADDRESSES: Final = 4096


class Guard:
    """An application that lets through to another what is fit for it.

    Args:
        within: the application that answers.
        names: hosts by which it may be called, with their ports: ``127.0.0.1:8765``.
        clock: seconds that never go back.
    """

    def __init__(
        self, within: Application, names: Collection[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._within, self._names, self._clock = within, frozenset(name.lower() for name in names), clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] not in ("http", "websocket"):
            return await self._within(scope, receive, send)
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        host = headers.get("host", [""])
        refused = self._refused(scope, headers)
        if scope["type"] == "websocket":
            if refused:
                await receive()
                return await send({"type": "websocket.close", "code": 1008})
            return await self._within(scope, receive, send)
        answer = _Answer(send, host[0] if refused is None else "")
        if refused is None and scope["method"] == "POST":
            body = await _body(receive)
            if isinstance(body, bytes):
                return await self._within(scope, _again(body, receive), answer)
            refused = body
        if refused:
            return await answer.refuse(*refused)
        await self._within(scope, receive, answer)

    def _refused(self, scope: Scope, headers: dict[str, list[str]]) -> tuple[int, str] | None:
        """Status and sentence of a refusal, or None."""
        client = scope.get("client")
        if not self._may(client[0] if client else ""):
            return 429, "too many requests; wait a little"
        host = headers.get("host", [])
        if len(host) != 1 or host[0].lower() not in self._names:
            return 421, "this server is not called so; sd-env serve --names says how it may be called"
        origin = headers.get("origin", [])
        own = [f"{scheme}://{host[0].lower()}" for scheme in ("http", "https")]
        if len(origin) > 1 or (origin and origin[0].lower() not in own):
            return 403, "another site's page may not ask this"
        if scope["type"] == "websocket":
            return None if origin else (403, "only a page of this server may ask this")
        if scope["method"] == "POST":
            if headers.get("content-type", [""])[0].partition(";")[0].strip().lower() != "application/json":
                return 415, "JSON is needed"
            length = headers.get("content-length", ["0"])[0]
            if not length.isdecimal() or len(length) > 9 or int(length) > MOST_BYTES:
                return 413, f"a request has {MOST_BYTES} bytes at most"
        return None

    def _may(self, address: str) -> bool:
        """Whether an address may ask once more now."""
        now = self._clock()
        left, then = self._left.pop(address, (_BURST, now))
        left = min(_BURST, left + (now - then) * _RATE)
        self._left[address] = (max(left - 1.0, 0.0), now)
        while len(self._left) > _ADDRESSES:
            self._left.popitem(last=False)
        return left >= 1.0


class _Answer:
    """Sends an answer with the headers that every answer has."""

    def __init__(self, send: Send, host: str) -> None:
        self._send, self._host = send, host

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            own = [(k, v) for k, v in _headers(self._host) if k not in present]
            message = {**message, "headers": [*message["headers"], *own]}
        await self._send(message)

    async def refuse(self, status: int, why: str) -> None:
        """Answer with a sentence that is made of none of the request's words."""
        body = f'{{"error":"{why}"}}'.encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
                   (b"connection", b"close")]  # fmt: skip
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _headers(host: str) -> list[tuple[bytes, bytes]]:
    """Nothing from elsewhere, no scripts but the server's own, in no frame, kept nowhere, told to nobody."""
    sockets = f" ws://{host} wss://{host}" if host else ""
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{sockets}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return [
        (b"content-security-policy", policy.encode("latin-1")),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    ]


async def _body(receive: Receive) -> bytes | tuple[int, str]:
    """The whole body of a request, or why not."""
    found: bytes = b""
    try:
        async with asyncio.timeout(_PATIENCE):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return 400, "the request ended early"
                found += message.get("body", b"")
                if len(found) > MOST_BYTES:
                    return 413, f"a request has {MOST_BYTES} bytes at most"
                if not message.get("more_body", False):
                    return found
    except TimeoutError:
        return 408, "the request took too long"


def _again(body: bytes, receive: Receive) -> Receive:
    """What hands over a body that was received already, and then what comes after it."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again
