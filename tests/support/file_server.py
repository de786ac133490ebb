"""A server of files on loopback, with the answers of a hub, and the wrong ones of a broken or hostile server."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FileServer:
    """files are bytes by path, or (beginning, size) of a large one whose rest is zeros. behaviour says what is wrong, by
    path: `no ranges`, `short`, `wrong range`, `slow`, `drip`, `break`, `status N`, `to ADDRESS`, `flaky`, `loop`.
    requests are the paths with the headers that came; sent are the bytes of all bodies."""

    files: dict[str, bytes | tuple[bytes, int]] = field(default_factory=dict)
    behaviour: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    sent: int = 0
    address: str = ""

    def size(self, path: str) -> int:
        content = self.files[path]
        return len(content) if isinstance(content, bytes) else content[1]

    def slice(self, path: str, begin: int, end: int) -> bytes:
        content = self.files[path]
        head = content if isinstance(content, bytes) else content[0]
        return head[begin:end] + bytes(max(0, end - max(begin, len(head))))


def _handler(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            server.requests.append((path, dict(self.headers)))
            kind = server.behaviour.get(path, "")
            if kind.startswith("status"):
                self.answer(int(kind[7:]))
            elif kind == "flaky":
                server.behaviour.pop(path)
                self.answer(503)
            elif kind.startswith("to ") or kind == "loop":
                self.answer(302, {"Location": path if kind == "loop" else kind[3:]})
            elif path not in server.files:
                self.answer(404)
            else:
                self.file(path, kind)

        def file(self, path: str, kind: str) -> None:
            size, begin = server.size(path), 0
            end, status, headers = size, 200, {"X-Repo-Commit": COMMIT, "ETag": '"a"'}
            match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if match and kind != "no ranges":
                begin, end = int(match[1]), min(size, int(match[2] or size) + 1)
                if begin >= size:
                    self.answer(416, {"Content-Range": f"bytes */{size}"})
                    return
                status = 206
                shift = 7 if kind == "wrong range" else 0
                headers["Content-Range"] = f"bytes {begin + shift}-{end - 1 + shift}/{size}"
            if kind == "slow":
                time.sleep(2)
            headers["Content-Length"] = str(end - begin)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            stop = begin + (end - begin) // 2 if kind in ("short", "break") else end
            step = 1 if kind == "drip" else 1 << 16
            try:
                for place in range(begin, stop, step):
                    piece = server.slice(path, place, min(stop, place + step))
                    server.sent += len(piece)  # before the client has them, and asks for the sum
                    self.wfile.write(piece)
                    if kind == "drip":
                        self.wfile.flush()
                        time.sleep(0.05)
            except OSError:
                self.close_connection = True
            if stop < end:
                self.close_connection = True

        def answer(self, status: int, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": "0", **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler


@contextmanager
def serve(files: dict[str, bytes | tuple[bytes, int]], behaviour: dict[str, str] | None = None) -> Iterator[FileServer]:
    """Serves files until the block ends."""
    server = FileServer(files, behaviour or {})
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.address = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
