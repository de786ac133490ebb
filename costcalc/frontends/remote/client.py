"""Byte ranges over HTTP, with limits: an address and a range -> the bytes, and what the server says of the file.

urllib3 (an extra) makes connections: of the well-kept clients it is the smallest (1 MB, no dependency), it gives a body
piece by piece, keeps connections open for several threads, and checks certificates. Redirects are followed here, so
that the token goes to no other server than the hub, and nothing leads from https to http. A server that answers with
the whole file is read to the end of the range, no further.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from costcalc.core.errors import LoadError, UsageError
from costcalc.core.version import __version__
from costcalc.frontends.remote.address import hub_address

TOKEN_VARIABLE = "HF_TOKEN"

MAX_REDIRECTS = 5

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 10, 20, 120
"""Seconds until a connection stands, until more bytes come, and for one answer in all."""

ATTEMPTS = 3
"""How often an answer is asked for that does not come, or is a server's own fault."""

CHUNK = 1 << 16

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")

RETRY = "try again later, or download the files and analyze their folder"


class Answer(NamedTuple):
    """Bytes of a file from `begin` on, the file's size if the server says it, and words about it (`etag`, `commit`)."""

    data: bytes
    begin: int
    size: int | None
    words: Mapping[str, str]


class HttpClient:
    """Connections to servers; received counts the bytes of all answers. timeouts are seconds, for tests."""

    def __init__(self, total_seconds: float = TOTAL_SECONDS, read_seconds: float = READ_SECONDS) -> None:
        self.received = 0
        self.total_seconds, self.read_seconds = total_seconds, read_seconds
        self._pool: Any = None

    def get(self, url: str, begin: int = 0, end: int | None = None, limit: int = 1 << 23) -> Answer | None:
        """An address and the bytes wanted (begin to end, or all up to the limit) -> the answer; None where there is no
        such file. LoadError where the server does not give it."""
        wanted = limit if end is None else end - begin
        headers = {} if end is None and not begin else {"Range": f"bytes={begin}-{'' if end is None else end - 1}"}
        response, place, words = self._follow(url, headers)
        try:
            if response.status == 404:
                return None
            if response.status == 416:
                return Answer(b"", begin, _size_of(response), words)
            _check_status(response.status, place)
            return self._read(response, place, begin, wanted, end is None)._replace(words=words)
        finally:
            response.close()

    def _follow(self, url: str, headers: Mapping[str, str]) -> tuple[Any, str, dict[str, str]]:
        """An address -> the answer at the end of its redirects, its address, and the words of all answers: of two, the
        word of the first, the hub, which knows the commit."""
        words: dict[str, str] = {}
        for _ in range(MAX_REDIRECTS + 1):
            response = self._request(url, headers)
            words = {**_words_of(response), **words}
            target = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not target:
                return response, url, words
            response.close()
            here, there = urlsplit(url), urlsplit(urljoin(url, target))
            if there.scheme not in ("https", here.scheme) or there.scheme not in ("http", "https"):
                raise LoadError(f"{_show(url)} leads to an address that is not https", RETRY)
            url = there.geturl()
        raise LoadError(f"{_show(url)} leads on more than {MAX_REDIRECTS} times", RETRY)

    def _request(self, url: str, headers: Mapping[str, str]) -> Any:
        urllib3 = _import_client()
        if self._pool is None:
            self._pool = urllib3.PoolManager(maxsize=8, cert_reqs="CERT_REQUIRED")
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, self.total_seconds), read=self.read_seconds)
        sent = {"User-Agent": f"costcalc/{__version__}", "Accept-Encoding": "identity", **headers, **_authority(url)}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._pool.request(
                    "GET", url, headers=sent, redirect=False, retries=False, preload_content=False, timeout=timeout
                )
            except urllib3.exceptions.HTTPError as error:
                if attempt == ATTEMPTS:
                    raise LoadError(f"{_show(url)} does not answer: {_reason(error)}", RETRY) from error
            else:
                if response.status not in (429, 500, 502, 503, 504) or attempt == ATTEMPTS:
                    return response
                response.close()
            time.sleep(0.2 * attempt)
        raise AssertionError("the last attempt returns or raises")

    def _read(self, response: Any, url: str, begin: int, wanted: int, is_whole: bool) -> Answer:
        """The bytes of an answer from begin on, no more than wanted. LoadError where they are others than it says."""
        start, size, expected = 0, _size_of(response), None
        if response.status == 206:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) != begin or int(match[2]) < begin:
                raise LoadError(f"{_show(url)} answers with another range than was asked for", RETRY)
            start, expected = begin, min(wanted, int(match[2]) + 1 - begin)
        elif size is not None:
            expected = max(0, min(wanted, size - begin))
        data = self._take(response, url, begin - start, wanted + is_whole)
        if is_whole and len(data) > wanted:
            raise LoadError(f"{_show(url)} has more than {wanted:,} bytes", "give the address of a model")
        if expected is not None and len(data) < expected:
            raise LoadError(f"{_show(url)} gave {len(data):,} bytes of {expected:,}", RETRY)
        return Answer(data[:wanted], begin, size, {})

    def _take(self, response: Any, url: str, skipped: int, wanted: int) -> bytes:
        """The body from a place on, no more than wanted, within the time for one answer."""
        urllib3 = _import_client()
        if skipped > 1 << 24:
            raise LoadError(f"{_show(url)} gives no ranges of its files", RETRY)
        data, deadline = bytearray(), time.monotonic() + self.total_seconds
        try:
            while len(data) < skipped + wanted:
                chunk = response.read1(min(CHUNK, skipped + wanted - len(data)), decode_content=False)
                if not chunk:
                    break
                data += chunk
                self.received += len(chunk)
                if time.monotonic() > deadline:
                    raise LoadError(f"{_show(url)} takes more than {self.total_seconds:g} s", RETRY)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise LoadError(f"{_show(url)} breaks off: {_reason(error)}", RETRY) from error
        return bytes(data[skipped:])


def _import_client() -> Any:
    try:
        import urllib3
    except ImportError as error:
        raise UsageError("reading a remote model needs urllib3", "pip install 'costcalc[remote]'") from error
    return urllib3


def _authority(url: str) -> dict[str, str]:
    """The header with the token, for the hub alone."""
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    here, hub = urlsplit(url), urlsplit(hub_address())
    is_hub = (here.scheme, here.netloc) == (hub.scheme, hub.netloc)
    return {"Authorization": f"Bearer {token}"} if token and is_hub and token.isprintable() else {}


def _check_status(status: int, url: str) -> None:
    if status in (401, 403):
        remedy = f"set {TOKEN_VARIABLE} to a token that may read it, and accept the model's conditions on its page"
        raise LoadError(f"{_show(url)} needs a permission (status {status})", remedy)
    if status not in (200, 206):
        raise LoadError(f"{_show(url)} answers with the status {status}", RETRY)


def _size_of(response: Any) -> int | None:
    """The size of the whole file, as the answer says it."""
    match = re.search(r"/(\d{1,19})$", response.headers.get("Content-Range", ""))
    if match is None and response.status == 200:
        match = re.fullmatch(r"(\d{1,19})", response.headers.get("Content-Length", ""))
    return int(match[1]) if match else None


def _words_of(response: Any) -> dict[str, str]:
    names = {"etag": "ETag", "commit": "X-Repo-Commit"}
    return {word: response.headers[name] for word, name in names.items() if response.headers.get(name)}


def _reason(error: Exception) -> str:
    """The cause of a failed connection, without the objects that urllib3 names."""
    text = str(getattr(error, "reason", None) or error) or type(error).__name__
    return re.sub(r"<[^>]*>(?:: )?|HTTPS?ConnectionPool\([^)]*\):? ?", "", text).strip()[:200]


def _show(url: str) -> str:
    """An address without its query, which may hold a signature."""
    return url.partition("?")[0][:200]
