"""Commands on models of a server on loopback: analyze, compare, --offline; check only where its config allows it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support.cli import call, ok
from support.file_server import COMMIT, FileServer, serve
from support.model_folders import LLAMA, write_model
from support.quantisations import AWQ

pytest.importorskip("urllib3")

MODELS = Path(__file__).parents[2] / "data" / "gguf" / "models"
GGUF_SIZES = json.loads((MODELS / "models.json").read_text(encoding="utf-8"))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Path) -> FileServer:  # type: ignore[misc]
    """A hub with the repository org/net, of a quantised Llama and a GGUF file."""
    monkeypatch.setenv("COSTCALC_CACHE", str(tmp_path / "cache"))
    write_model(tmp_path / "net", LLAMA, AWQ)
    content = {name: (tmp_path / "net" / name).read_bytes() for name in ("config.json", "model.safetensors")}
    gguf = (MODELS / "llama.gguf").read_bytes(), int(GGUF_SIZES["llama"]["size"])
    served: dict[str, bytes | tuple[bytes, int]] = {**content, "llama.gguf": gguf}
    files: dict[str, bytes | tuple[bytes, int]] = {
        f"/org/net/resolve/{revision}/{name}": data for revision in ("main", COMMIT) for name, data in served.items()
    }
    with serve(files) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield hub


def test_analyze_a_repository(server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    local = ok("analyze", str(tmp_path / "net"), "--dim", "seq=8")
    remote = ok("analyze", "hf:org/net", "--dim", "seq=8")
    totals = re.compile(r"Weight bytes.*|Params.*")
    assert totals.findall(remote) == totals.findall(local) and "int4 AWQ" in remote
    count = len(server.requests)
    assert ok("analyze", "hf:org/net", "--dim", "seq=8", "--offline") == remote
    assert len(server.requests) == count and "COSTCALC_OFFLINE" not in os.environ
    code, _, errors = call(capsys, "analyze", "hf:org/other", "--offline")
    assert (
        code == 2 and "config.json is not in the cache, and nothing is downloaded; try it without --offline" in errors
    )


def test_other_addresses(server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in (f"{server.address}/org/net", f"{server.address}/org/net/resolve/main/config.json", "hf:org/net@main"):
        assert "int4 AWQ" in ok("analyze", text, "--dim", "seq=8")
    page = f"{server.address}/org/net/resolve/main/llama.gguf"
    for text in ("hf:org/net/llama.gguf", "hf:org/net/llama.gguf@main", page, f"{page}?download=true"):
        assert f"{GGUF_SIZES['llama']['nbytes']:,}" in ok("analyze", text, "--dim", "seq=8")
    for text, message in [
        ("hf:org/none", "there is no config.json; name a folder with one, or a GGUF file"),
        ("hf:org", "'hf:org' names no repository; write hf:ORG/NAME"),
        ("http://example.org/net", "is no https:// address"),
        ("hf:org/net/x.gguf", "there is no file 'x.gguf'"),
    ]:
        code, _, errors = call(capsys, "analyze", text)
        assert code == 2 and message in errors, errors


def test_two_models_in_two_processes(server: FileServer) -> None:
    output = ok("compare", "hf:org/net", "hf:org/net/llama.gguf", "--dim", "seq=8")
    assert "Weight bytes" in output


def test_a_check_downloads_only_where_its_config_says_so(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "costcalc.yaml"
    config.write_text("models:\n- path: hf:org/net\n  dims: {seq: 8}\nlimits: {params: 1G}\n")
    code, output, errors = call(capsys, "check")
    assert code == 2 and "hf:org/net is on a server, and a check downloads nothing" in errors + output
    assert "costcalc.yaml:2:" in errors + output and not server.requests
    config.write_text("remote: true\n" + config.read_text())
    code, output, errors = call(capsys, "check")
    assert code == 0 and server.requests, errors + output


def test_a_model_on_the_command_line_of_check(server: FileServer, capsys: pytest.CaptureFixture[str]) -> None:
    code, output, errors = call(capsys, "check", "hf:org/net", "--max", "params=1G", "--dim", "seq=8")
    assert code == 2 and "allow it in the config: remote: true" in errors + output and not server.requests


def test_without_the_client(
    server: FileServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "urllib3", None)
    code, _, errors = call(capsys, "analyze", "hf:org/net")
    assert code == 2 and "reading a remote model needs urllib3; pip install 'costcalc[remote]'" in errors


def test_a_question_fetches_its_model_once(server: FileServer) -> None:
    """llm reads the model for each pass; the server is asked once for each file."""
    ok("llm", "hf:org/net", "--prompt", "8", "--generate", "4")
    paths = [path for path, _ in server.requests]
    assert len(paths) == len(set(paths)), paths
