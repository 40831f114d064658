"""A stand-in for an endpoint of chat completions on this machine: it answers as a test bids it, well or ill."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

#: What a stand-in does with a request: it is given the body and how many came before.
Manner = Callable[[dict[str, Any], int], "Out"]


@dataclass(frozen=True)
class Out:
    """What goes over the wire: ``data`` in the place of a completion of ``text``, ``cut`` after so many bytes."""

    text: str | None = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes | None = None
    wait: float = 0.0
    cut: int | None = None
    refusal: str | None = None
    finish: str = "stop"
    usage: Any = field(default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 20})

    @property
    def body(self) -> bytes:
        message = {"role": "assistant", "content": self.text, "refusal": self.refusal}
        completion = {"choices": [{"index": 0, "message": message, "finish_reason": self.finish}], "usage": self.usage}
        return json.dumps(completion).encode() if self.data is None else self.data


class StandIn(ThreadingHTTPServer):
    """Keeps what it was asked: ``bodies``, ``headers`` and ``paths``."""

    daemon_threads = True

    def __init__(self, manner: Manner) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manner, self.lock = manner, threading.Lock()
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: who asked has gone, as some tests want it to."""


class _Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            before = len(self.server.bodies)
            self.server.bodies.append(body)
            self.server.headers.append({key.lower(): value for key, value in self.headers.items()})
            self.server.paths.append(self.path)
        out = self.server.manner(body, before)
        time.sleep(out.wait)
        self.send_response(out.status)
        for key, value in {"content-length": str(len(out.body)), **out.headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(out.body[: out.cut])
        self.wfile.flush()
        if out.cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def stand_in(manner: Manner) -> Iterator[StandIn]:
    with StandIn(manner) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def schema_of(body: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["response_format"]["json_schema"]["schema"]
    return found


def filled(schema: Mapping[str, Any], wishes: Mapping[str, Any]) -> Any:
    """A value that a schema allows: what is wished of a key where that is legal, else the last of the choices."""
    if schema["type"] == "object":
        return {
            key: wishes[key]
            if key in wishes and wishes[key] in each.get("enum", [wishes[key]])
            else filled(each, wishes)
            for key, each in schema["properties"].items()
        }
    if schema["type"] == "array":
        return [filled(schema["items"], {**wishes, "target": schema["items"]["properties"]["target"]["enum"][0]})]
    if "enum" in schema:
        return schema["enum"][-1]
    return 0.5 if schema["type"] == "number" else "x"


def plays(**wishes: Any) -> Manner:
    """A model that answers each turn by the schema, with what it wishes where that is legal."""
    peaceful = {"build_offense": "none", "stance": "neutral", "signal": "reassure", "extent": "full"}
    return lambda body, before: Out(json.dumps(filled(schema_of(body), {**peaceful, **wishes})))


def config_of(server: StandIn | str, folder: Path, **settings: Any) -> Path:
    """The file of a config for a stand-in; settings replace those that are here."""
    address = server if isinstance(server, str) else server.address
    given = {
        "endpoint": address,
        "model": "stand-in",
        "exchanges": "kept",
        "budget": {"requests": 10_000},
        "limits": {"request_seconds": 20, "wait_seconds": 0.2, "tries": 2},
        **settings,
    }
    path = folder / "duel.yaml"
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    return path
