"""Remote folders and repositories: what is fetched, how many bytes of it, the cache, and work without a connection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.checkpoint_files import framed, header_bytes
from support.file_server import COMMIT, FileServer, serve

from costcalc.core.errors import LoadError, UsageError
from costcalc.frontends.checkpoint.folder import INDEX
from costcalc.frontends.remote.address import parse_address
from costcalc.frontends.remote.cache import Cache, CacheEntry, cache_folder
from costcalc.frontends.remote.repository import RemoteFolder

pytest.importorskip("urllib3")

GGUF = Path(__file__).parents[2] / "data" / "gguf"
SHARDS, TENSORS = 20, 30


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTCALC_CACHE", str(tmp_path / "cache"))
    for name in ("HF_TOKEN", "HF_ENDPOINT", "COSTCALC_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def repository(prefix: str) -> dict[str, bytes | tuple[bytes, int]]:
    """A model of 20 files with 30 matrices of 4096 × 4096 each, 20 GB, of which only the headers are there."""
    files: dict[str, bytes | tuple[bytes, int]] = {f"{prefix}config.json": b'{"model_type": "llama"}'}
    weight_map = {}
    for shard in range(SHARDS):
        file = f"model-{shard + 1:05d}-of-{SHARDS:05d}.safetensors"
        names = [f"model.layers.{shard}.mlp.experts.{i}.gate_proj.weight" for i in range(TENSORS)]
        header, size = header_bytes(dict.fromkeys(names, ("BF16", (4096, 4096))))
        files[prefix + file] = (framed(header), len(framed(header)) + size)
        weight_map.update(dict.fromkeys(names, file))
    files[prefix + INDEX] = json.dumps({"metadata": {}, "weight_map": weight_map}).encode()
    return files


def open_folder(text: str) -> RemoteFolder:
    """A folder as of a new process."""
    return RemoteFolder(parse_address(text))


def hub_repository() -> dict[str, bytes | tuple[bytes, int]]:
    """The same, as a hub gives it at a branch and at the branch's commit."""
    return {**repository("/org/net/resolve/main/"), **repository(f"/org/net/resolve/{COMMIT}/")}


def total(server: FileServer, prefix: str) -> int:
    return sum(server.size(path) for path in server.files if path.startswith(prefix))


def test_a_folder_of_a_server() -> None:
    with serve(repository("/models/net/")) as server:
        folder = open_folder(f"{server.address}/models/net")
        assert folder.content("config.json") == b'{"model_type": "llama"}'
        assert folder.content("hf_quant_config.json") is None
        checkpoint = folder.weight_files()
        assert checkpoint is not None and checkpoint.nbytes == SHARDS * TENSORS * 4096 * 4096 * 2
        assert server.sent < total(server, "/models") / 1000
        assert len(server.requests) == 3 + SHARDS  # each header by one range


def test_a_repository_of_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(hub_repository()) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        first = open_folder("hf:org/net")
        first.content("config.json")
        assert first.commit == COMMIT
        checkpoint = first.weight_files()
        assert checkpoint is not None and len(checkpoint.tensors) == SHARDS * TENSORS
        assert server.sent < total(server, "/org/net/resolve/main/") / 1000
        sent = len(server.requests)
        again = open_folder("hf:org/net")
        again.content("config.json")
        assert again.weight_files() == checkpoint
        assert len(server.requests) == sent + 1  # which commit `main` is, is asked for; the rest is in the cache
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        offline = open_folder("hf:org/net")
        assert offline.content("config.json") == b'{"model_type": "llama"}' and offline.weight_files() == checkpoint
        assert len(server.requests) == sent + 1
        with pytest.raises(LoadError, match=r"config\.json is not in the cache, and nothing is downloaded"):
            open_folder("hf:org/net@v2").content("config.json")


def test_without_a_connection_what_another_server_gave_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(repository("/net/")) as server:
        address = f"{server.address}/net"
        online = open_folder(address)
        checkpoint = online.weight_files()
    monkeypatch.setenv("COSTCALC_OFFLINE", "1")
    assert open_folder(address).weight_files() == checkpoint


def test_one_file_without_an_index() -> None:
    header, size = header_bytes({f"model.layers.{i}.self_attn.q_proj.weight": ("BF16", (64, 64)) for i in range(2000)})
    content = (framed(header), len(framed(header)) + size)
    with serve({"/net/model.safetensors": content}) as server:
        checkpoint = open_folder(f"{server.address}/net").weight_files()
        assert checkpoint is not None and checkpoint.nbytes == 2000 * 64 * 64 * 2
        assert len(header) > 1 << 15 and server.sent == len(framed(header))
    with serve({}) as server:
        assert open_folder(f"{server.address}/net").weight_files() is None


@pytest.mark.parametrize("kind", ["short", "wrong range", "status 500", "break"])
def test_a_shard_that_breaks_off(kind: str) -> None:
    files = repository("/net/")
    broken = {"/net/model-00003-of-00020.safetensors": kind}
    with serve(files, broken) as server, pytest.raises(LoadError, match=r"model-00003-of-00020\.safetensors"):
        open_folder(f"{server.address}/net").weight_files()


def test_a_file_that_is_not_there_or_has_another_size() -> None:
    files = repository("/net/")
    name = "/net/model-00003-of-00020.safetensors"
    content = files.pop(name)
    with serve(files) as server, pytest.raises(LoadError, match=r"00003-of-00020\.safetensors is not there, which"):
        open_folder(f"{server.address}/net").weight_files()
    assert isinstance(content, tuple)
    files[name] = content[0], content[1] - 1
    with (
        serve(files) as server,
        pytest.raises(LoadError, match=r"00003-of-00020\.safetensors: its tensors end at byte"),
    ):
        open_folder(f"{server.address}/net").weight_files()


def test_an_index_that_leads_elsewhere(tmp_path: Path) -> None:
    """Names with `..` or of other servers are refused before they are asked for; nothing is written beside the cache."""
    for name in ("../../../etc/passwd", "https://example.org/x", "/abs", "a\\..\\b"):
        index = json.dumps({"weight_map": {"w": name}}).encode()
        with serve({f"/net/{INDEX}": index}) as server:
            with pytest.raises(LoadError, match="which is no file of its folder"):
                open_folder(f"{server.address}/net").weight_files()
            assert [path for path, _ in server.requests] == [f"/net/{INDEX}"]
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path / "cache"}
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {".entry"}


def test_a_gguf_file(monkeypatch: pytest.MonkeyPatch) -> None:
    content = (GGUF / "types.gguf").read_bytes()
    split = {f"/net/{path.name}": path.read_bytes() for path in GGUF.glob("split-*")}
    with serve({"/net/types.gguf": content, **split}) as server:
        folder = open_folder(f"{server.address}/net")
        model = folder.gguf("types.gguf")
        assert model.metadata["llama.block_count"] == 2
        assert model.checkpoint.nbytes == sum(t.nbytes for t in model.checkpoint.tensors.values())
        assert server.sent < len(content)
        assert list(folder.gguf("split-00002-of-00002.gguf").checkpoint.tensors) == ["a", "b", "c"]
        with pytest.raises(LoadError, match=r"there is no file 'x\.gguf'"):
            folder.gguf("x.gguf")


def test_the_cache_has_a_limit(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c", limit=4000)
    for number in range(10):
        cache.write(f"key {number}", bytes(1000), {"n": str(number)})
        cache.read("key 0")
    sizes = [path.stat().st_size for path in (tmp_path / "c").iterdir()]
    assert sum(sizes) <= 4000 and len(sizes) == 3
    assert cache.read("key 9") == CacheEntry(bytes(1000), {"n": "9"})
    assert cache.read("key 1") is None
    cache.write("large", bytes(5000), {})
    assert cache.read("large") is None and cache.read("key 9") is not None


def test_a_damaged_entry_is_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write("key", b"content", {})
    (path,) = tmp_path.iterdir()
    for content in (b"", b"{}", b"[]\nx", path.read_bytes()[:-1], path.read_bytes() + b"x", b"\xff"):
        path.write_bytes(content)
        assert cache.read("key") is None


def test_a_cache_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    cache.write("key", b"content", {})
    assert cache.read("key") is None


def test_the_folder_of_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSTCALC_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/costcalc")


ADDRESSES = [
    ("hf:org/net", ("https://hub/org/net/resolve/main/", "", "org/net", "main")),
    ("hf:org/net@v1.0", ("https://hub/org/net/resolve/v1.0/", "", "org/net", "v1.0")),
    ("hf:org/net@refs/pr/7", ("https://hub/org/net/resolve/refs%2Fpr%2F7/", "", "org/net", "refs/pr/7")),
    (
        "hf:org/net/sub/x-Q4_K_M.gguf@main",
        ("https://hub/org/net/resolve/main/", "sub/x-Q4_K_M.gguf", "org/net", "main"),
    ),
    ("https://hub/org/net", ("https://hub/org/net/resolve/main/", "", "org/net", "main")),
    ("https://hub/org/net/tree/dev", ("https://hub/org/net/resolve/dev/", "", "org/net", "dev")),
    ("https://hub/org/net/blob/main/a.gguf", ("https://hub/org/net/resolve/main/", "a.gguf", "org/net", "main")),
    ("https://other/a/b/c", ("https://other/a/b/c/", "", "", "")),
    ("https://other/a/config.json", ("https://other/a/", "config.json", "", "")),
    ("https://other/m.gguf", ("https://other/", "m.gguf", "", "")),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSES)
def test_addresses(text: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub/")
    assert tuple(parse_address(text))[1:] == expected


@pytest.mark.parametrize(
    "text", ["hf:net", "hf:a/b/../c", "hf:/a/b", "http://example.org/a", "https://u:p@h/a", "https://", "hf:a/b@"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)
