"""A server on loopback that notes the requests to a JSON API and gives the answers that a test has for them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class ApiCall(NamedTuple):
    """A request: what was asked, with which authorization, and its content."""

    method: str
    path: str
    authorization: str
    content: Any
    query: str = ""


@dataclass
class ApiServer:
    """answers are contents by (method, path without its query); a number is a status. A request to a proxy has its whole
    address as path."""

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    calls: list[ApiCall] = field(default_factory=list)
    address: str = ""


@contextmanager
def serve() -> Iterator[ApiServer]:
    """The server, until the block ends."""
    api = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            content = json.loads(body) if body else None
            api.calls.append(ApiCall(self.command, path, self.headers.get("Authorization") or "", content, query))
            answer = api.answers.get((self.command, path), {})
            data = json.dumps(answer).encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # the names that its server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
