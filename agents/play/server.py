"""The page and its server: starlette's routes over :class:`agents.play.lessons.Lessons`.

Requests are answered one after another in one thread: a turn takes milliseconds, and no two can meet in a game. A key
is sent in a header, never in an address, so that no log of requests holds it; a page has it behind the ``#`` of its
link, which browsers do not send. Sockets say only that something has changed: what, is asked for by the key.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sqlite3
from collections.abc import Callable, Collection
from contextlib import suppress
from importlib.resources import files
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents.files import without_nan
from agents.play.game import PlayError
from agents.play.guard import MOST_BYTES, Application, Guard
from agents.play.lessons import Lessons, Stranger
from sd_env.errors import RefusedError, said
from sd_env.policies import PolicyError
from sd_env.reading import ReadError, read_json
from sd_env.record import log_bytes
from sd_env.show.page import page

logger = logging.getLogger(__name__)

#: Sockets that are open at once, in all and of one key.
_MOST_SOCKETS: Final = 400
_MOST_OF_A_KEY: Final = 8
#: Seconds in which a socket must say whose it is.
_PATIENCE: Final = 10.0
#: What every page of sd-env has, where the replay is.
_SHARED: Final = "elements.js"
#: The page, whole: what is not here is not given.
_PARTS: Final = {
    "page.html": "text/html",
    "page.css": "text/css",
    **dict.fromkeys(("main.js", "parts.js", "asking.js", "setup.js", "seat.js", "lesson.js"), "text/javascript"),
    _SHARED: "text/javascript",
}
#: The replay is a page of its own, which says itself which script and style are its; it may be in no frame.
_REPLAY: Final = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def application(lessons: Lessons, names: Collection[str]) -> Application:
    """The server as an ASGI application.

    Args:
        lessons: what it serves; told whom to tell of changes.
        names: hosts by which it may be called, with their ports.
    """
    hub = _Hub()
    lessons.changed = hub.tell

    def answer(do: Callable[[str], Any]) -> Callable[[Request], Any]:
        async def get(request: Request) -> Response:
            return _answered(lambda: do(_key(request)))

        return get

    def answer_post(do: Callable[[str, Any], Any]) -> Callable[[Request], Any]:
        async def post(request: Request) -> Response:
            body = await request.body()
            return _answered(lambda: do(_key(request), read_json(body, "the request", most=MOST_BYTES)))

        return post

    def hurry(key: str, wish: Any) -> dict[str, Any]:
        lessons.hurry(key, wish)
        return lessons.lesson(key)

    def forget(key: str, wish: Any) -> dict[str, Any]:
        lessons.forget(key)
        return {}

    async def table(request: Request) -> Response:
        return _answered(lambda: Response(lessons.table(_key(request)), media_type="text/csv"))

    async def replay(request: Request) -> Response:
        key = request.path_params["key"]
        headers = {"content-security-policy": _REPLAY}
        return _answered(lambda: Response(page(lessons.ending(key)), media_type="text/html", headers=headers))

    async def log(request: Request) -> Response:
        def found() -> Response:
            ended = lessons.ending(request.path_params["key"])
            name = f"{ended.scenario.name.replace('/', '-')}.jsonl"
            name = name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else "game.jsonl"
            headers = {"content-disposition": f'attachment; filename="{name}"'}
            return Response(log_bytes(ended), media_type="application/jsonl", headers=headers)

        return _answered(found)

    async def listen(websocket: WebSocket) -> None:
        await hub.serve(websocket, lessons)

    async def part(request: Request) -> Response:
        name = request.url.path.strip("/") or "page.html"
        folder = files("sd_env.show") if name == _SHARED else files("agents.play") / "page"
        return Response((folder / name).read_bytes(), media_type=_PARTS[name])

    async def missing(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": "there is nothing here"}, getattr(error, "status_code", 404))

    within = Starlette(
        routes=[
            Route("/", part),
            *(Route(f"/{name}", part) for name in _PARTS),
            Route("/api/menu", answer(lessons.menu)),
            Route("/api/lessons", answer_post(lessons.make), methods=["POST"]),
            Route("/api/lesson", answer(lessons.lesson)),
            Route("/api/lesson.csv", table),
            Route("/api/hurry", answer_post(hurry), methods=["POST"]),
            Route("/api/forget", answer_post(forget), methods=["POST"]),
            Route("/api/seat", answer(lessons.seat)),
            Route("/api/act", answer_post(lessons.act), methods=["POST"]),
            Route("/replay/{key}", replay),
            Route("/log/{key}", log),
            WebSocketRoute("/api/changes", listen),
        ],
        exception_handlers={404: missing, 405: missing},
    )
    return Guard(within, names)


def _key(request: Request) -> str:
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return key if kind.lower() == "bearer" and len(key) <= 64 else ""


def _answered(do: Callable[[], Any]) -> Response:
    """What a request is answered with: JSON, or a sentence that says why not."""
    try:
        found = do()
        return found if isinstance(found, Response) else JSONResponse(without_nan(found))
    except Stranger as error:
        return JSONResponse({"error": str(error)}, 403)
    except PolicyError as error:
        logger.warning("a policy failed in a game: %s", error)
        return JSONResponse({"error": "a policy failed on this turn; the game waits for it to be mended"}, 500)
    except (RefusedError, ReadError) as error:
        return JSONResponse({"error": str(error)}, 400)
    except (sqlite3.Error, OSError) as error:
        logger.warning("the file of the games cannot be used: %s", said(error))
        return JSONResponse({"error": "the games cannot be kept just now; try again"}, 503)
    except Exception:
        logger.exception("a request could not be answered")
        return JSONResponse({"error": "this could not be answered"}, 500)


class _Hub:
    """Who waits for news of which game or lesson."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, int], dict[str, list[asyncio.Event]]] = {}
        self._open = 0

    def tell(self, game: int, lesson: int) -> None:
        """Wake all who wait for a game or its lesson."""
        for topic in (("game", game), ("lesson", lesson)):
            for events in self._waiting.get(topic, {}).values():
                for event in events:
                    event.set()

    async def serve(self, websocket: WebSocket, lessons: Lessons) -> None:
        """One socket: it says its key, and is told ``changed`` whenever something has, until it says more or goes."""
        if self._open >= _MOST_SOCKETS:
            return await websocket.close(1013)
        self._open += 1
        try:
            await websocket.accept()
            async with asyncio.timeout(_PATIENCE):
                key = await websocket.receive_text()
            topic = lessons.watched(key[:64])
            await self._listen(websocket, topic, key)
        except (RefusedError, sqlite3.Error, TimeoutError, KeyError):  # KeyError: bytes instead of text
            with suppress(RuntimeError):
                await websocket.close(1008)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._open -= 1

    async def _listen(self, websocket: WebSocket, topic: tuple[str, int], key: str) -> None:
        event = asyncio.Event()
        events = self._waiting.setdefault(topic, {}).setdefault(key, [])
        if len(events) >= _MOST_OF_A_KEY:
            return await websocket.close(1013)
        events.append(event)
        hears = asyncio.ensure_future(websocket.receive())
        try:
            while True:
                await websocket.send_text("changed")
                tells = asyncio.ensure_future(event.wait())
                done, _ = await asyncio.wait({hears, tells}, return_when=asyncio.FIRST_COMPLETED)
                if hears in done:
                    tells.cancel()
                    if hears.result()["type"] == "websocket.receive":
                        await websocket.close(1008)  # nothing more is to be said
                    return
                event.clear()
        finally:
            hears.cancel()
            events.remove(event)
            if not events:
                del self._waiting[topic][key]
            if not self._waiting[topic]:
                del self._waiting[topic]


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes a free one.

    Raises:
        PlayError: if that cannot be.
    """
    if port > 65535:
        raise PlayError(f"--port is {port}; a number from 0 to 65535 is needed")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        raise PlayError(f"--host {host!r:.100} --port {port}: nothing can listen there: {said(error)}") from None


def serve(within: Application, at: socket.socket) -> None:
    """Serve until it is interrupted."""
    config = uvicorn.Config(
        within,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=1024,
        ws_max_queue=4,
        h11_max_incomplete_event_size=MOST_BYTES,
        limit_concurrency=1000,
        backlog=256,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=2,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
    )
    uvicorn.Server(config).run(sockets=[at])
