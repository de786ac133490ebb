"""Byte ranges over HTTP from a server on loopback: ranges, redirects, slow and broken answers, the token."""

from __future__ import annotations

import pytest
from support.file_server import COMMIT, FileServer, serve

from costcalc.core.errors import LoadError
from costcalc.frontends.remote.client import Answer, HttpClient

pytest.importorskip("urllib3")

CONTENT = bytes(range(256)) * 40


def get(
    server: FileServer, path: str = "/f", begin: int = 0, end: int | None = None, limit: int = 1 << 20
) -> Answer | None:
    return HttpClient(total_seconds=1, read_seconds=1).get(server.address + path, begin, end, limit)


def test_a_range_and_the_whole() -> None:
    with serve({"/f": CONTENT}) as server:
        answer = get(server, begin=10, end=30)
        assert answer == Answer(CONTENT[10:30], 10, len(CONTENT), {"etag": '"a"', "commit": COMMIT})
        assert server.sent == 20
        whole = get(server)
        assert whole is not None and whole.data == CONTENT and whole.size == len(CONTENT)
        tail = get(server, begin=len(CONTENT) - 5, end=len(CONTENT) + 100)
        assert tail is not None and tail.data == CONTENT[-5:]
        beyond = get(server, begin=len(CONTENT), end=len(CONTENT) + 1)
        assert beyond is not None and beyond.data == b"" and beyond.size == len(CONTENT)
        assert get(server, "/none") is None


def test_a_server_without_ranges_is_read_to_the_end_of_the_range() -> None:
    with serve({"/f": (CONTENT, 1 << 33)}, {"/f": "no ranges"}) as server:
        answer = get(server, begin=100, end=300)
        assert answer is not None and answer.data == CONTENT[100:300] and answer.size == 1 << 33
        with pytest.raises(LoadError, match="gives no ranges"):
            get(server, begin=1 << 32, end=(1 << 32) + 1)


def test_more_than_the_limit() -> None:
    with serve({"/f": (b"", 1 << 40)}) as server:
        with pytest.raises(LoadError, match="has more than 1,000 bytes"):
            get(server, limit=1000)
        assert server.sent < 1 << 24


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("short", "gave 5,120 bytes of 10,240|breaks off"),
        ("wrong range", "another range"),
        ("slow", "does not answer|breaks off"),
        ("drip", "takes more than 1 s"),
        ("status 500", "the status 500"),
        ("status 401", "needs a permission .status 401.; set HF_TOKEN"),
        ("status 403", "accept the model's conditions"),
        ("loop", "leads on more than 5 times"),
        ("to ftp://127.0.0.1/f", "an address that is not https"),
        ("to file:///etc/passwd", "an address that is not https"),
        ("to http://127.0.0.1:1/f", "does not answer"),
    ],
)
def test_broken_answers(kind: str, message: str) -> None:
    with serve({"/f": CONTENT}, {"/f": kind}) as server, pytest.raises(LoadError, match=message) as caught:
        get(server, begin=0, end=len(CONTENT))
    assert "0x" not in str(caught.value)


def test_a_fault_of_the_server_is_tried_again() -> None:
    with serve({"/f": CONTENT}, {"/f": "flaky"}) as server:
        answer = get(server)
        assert answer is not None and answer.data == CONTENT and len(server.requests) == 2


def test_the_token_goes_to_the_hub_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serve({"/f": CONTENT}) as other, serve({"/own": CONTENT}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        hub.behaviour |= {"/f": f"to {other.address}/f", "/g": "to /own"}
        assert get(hub, "/f") is not None and get(hub, "/g") is not None and get(other) is not None
        assert [headers.get("Authorization") for _, headers in hub.requests] == ["Bearer hf_secret"] * 3
        assert [headers.get("Authorization") for _, headers in other.requests] == [None, None]


def test_a_token_with_a_line_break_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "a\r\nX-Other: b")
    with serve({"/f": CONTENT}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        assert get(hub) is not None
        assert "Authorization" not in hub.requests[0][1]


def test_a_signature_is_not_shown() -> None:
    with serve({}, {"/f": "status 500"}) as server, pytest.raises(LoadError) as caught:
        get(server, "/f?signature=secret")
    assert "secret" not in str(caught.value)
