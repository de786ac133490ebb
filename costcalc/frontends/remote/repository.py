"""A remote address -> RemoteFolder: its configuration, its index, and the headers of its weight files.

What is fetched is kept in the cache: of a repository of a hub by its commit, so that it is fetched once for good; of
another server for `--offline` alone, for nothing there says that a file is still the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from costcalc.core.errors import LoadError
from costcalc.frontends.checkpoint.folder import INDEX, SINGLE, WeightIndex, check_file_name, parse_index, unite_files
from costcalc.frontends.checkpoint.safetensors import LENGTH_BYTES, header_length, parse_header
from costcalc.frontends.checkpoint.tensor import TensorEntry, WeightFiles
from costcalc.frontends.gguf.files import GgufModel, read_split
from costcalc.frontends.gguf.header import GgufHeader, ShortBufferError
from costcalc.frontends.gguf.header import parse_header as parse_gguf
from costcalc.frontends.remote.address import RemoteAddress, parse_address
from costcalc.frontends.remote.cache import Cache, cache_folder
from costcalc.frontends.remote.client import HttpClient

OFFLINE_VARIABLES = ("COSTCALC_OFFLINE", "HF_HUB_OFFLINE")

CONFIG_LIMIT, INDEX_LIMIT, HEADER_LIMIT = 1 << 23, 200_000_000, 1 << 28
"""Bytes of the largest configuration, index and GGUF header that are fetched."""

FIRST_RANGE = 1 << 15
"""Bytes asked for first of a file whose header's length is not known."""

TENSOR_TEXT = 120
"""Bytes of a tensor's description in a safetensors header, beside its name, at most as a rule."""

THREADS = 8

ONLINE = "try it without --offline"


_COMMIT = re.compile(r"[0-9a-f]{40}")


class RemotePart(NamedTuple):
    """The beginning of a remote file, and the size of the whole if it is known."""

    data: bytes
    size: int | None


def is_offline() -> bool:
    """Whether a variable forbids connections: COSTCALC_OFFLINE (--offline), or the hub's own HF_HUB_OFFLINE."""
    return any(os.environ.get(name, "").lower() in ("1", "true", "yes", "on") for name in OFFLINE_VARIABLES)


def open_folder(text: str) -> RemoteFolder:
    """The address of a model as it was written -> its folder, the same again in a process, for a question may read its
    model several times. UsageError where it is none."""
    return _folder_at(parse_address(text), is_offline(), str(cache_folder()))


@lru_cache(maxsize=16)
def _folder_at(address: RemoteAddress, offline: bool, cache: str) -> RemoteFolder:
    return RemoteFolder(address, cache=Cache(Path(cache)))


class RemoteFolder:
    """The files of a model on a server. label is what errors call it."""

    def __init__(self, address: RemoteAddress, client: HttpClient | None = None, cache: Cache | None = None) -> None:
        self.address, self.label = address, address.text
        self.client = client or HttpClient()
        self.cache = cache or Cache(cache_folder())
        self.commit = self._last_commit() if is_offline() else ""
        self._files: WeightFiles | None = None
        self._has_read = False
        self._ggufs: dict[str, GgufModel] = {}
        self._contents: dict[str, bytes | None] = {}

    def content(self, name: str, limit: int = CONFIG_LIMIT) -> bytes | None:
        """The name of a small file -> its bytes; None where there is none. LoadError where it cannot be had."""
        if name not in self._contents:
            part = self._fetch(name, 0, None, limit)
            self._contents[name] = None if part is None else part.data
        return self._contents[name]

    def weight_files(self) -> WeightFiles | None:
        """The tensors of the safetensors files, as _read_weight_files gives them, fetched once."""
        if not self._has_read:
            self._files, self._has_read = self._read_weight_files(), True
        return self._files

    def _read_weight_files(self) -> WeightFiles | None:
        """The tensors of the folder's safetensors files: of those that the index names, else of `model.safetensors`;
        None where there is neither."""
        text = self.content(INDEX, INDEX_LIMIT)
        if text is None:
            header = self._read_safetensors(SINGLE, FIRST_RANGE)
            return None if header is None else unite_files([(SINGLE, *header)])
        try:
            index = parse_index(text)
        except LoadError as error:
            raise error.at(f"{self.label}/{INDEX}") from error
        return unite_files(self._read_shards(index), index)

    def gguf(self, name: str) -> GgufModel:
        """The name of a GGUF file -> its model, of all files of its split."""
        check_file_name(name)
        if name not in self._ggufs:
            self._ggufs[name] = read_split(name, self._read_gguf)
        return self._ggufs[name]

    def _read_shards(self, index: WeightIndex) -> Iterable[tuple[str, list[TensorEntry], int]]:
        """The headers of all files of an index; their length is estimated from the names of their tensors."""
        sizes = dict.fromkeys(index.files, FIRST_RANGE // 8)
        for name, file in index.weight_map.items():
            sizes[file] += len(name) + TENSOR_TEXT
        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(lambda file: self._fetch_safetensors(file, sizes[file]), index.files))
        for file, part in zip(index.files, parts, strict=True):
            if part is None:
                raise LoadError(f"{file} is not there, which {INDEX} names", "try again later", self.label)
            yield file, *self._parse(file, part)

    def _read_safetensors(self, name: str, first: int) -> tuple[list[TensorEntry], int] | None:
        part = self._fetch_safetensors(name, first)
        return None if part is None else self._parse(name, part)

    def _fetch_safetensors(self, name: str, first: int) -> RemotePart | None:
        """A file and the bytes to ask for first -> its beginning with the whole header."""
        part = self._fetch(name, 0, first, first)
        if part is None:
            return None
        try:
            end = LENGTH_BYTES + header_length(part.data, part.size)
        except LoadError as error:
            raise error.at(f"{self.label}/{name}") from error
        return self._extend(name, part, end)

    def _parse(self, name: str, part: RemotePart) -> tuple[list[TensorEntry], int]:
        end = LENGTH_BYTES + header_length(part.data, part.size)
        try:
            return parse_header(part.data[LENGTH_BYTES:end], None if part.size is None else part.size - end), end
        except LoadError as error:
            raise error.at(f"{self.label}/{name}") from error

    def _read_gguf(self, name: str) -> GgufHeader:
        """The header of a GGUF file, whose length shows only while it is read: twice as much is fetched each time."""
        part = self._fetch(name, 0, FIRST_RANGE, FIRST_RANGE)
        if part is None:
            raise LoadError(f"there is no file {name[:200]!r}", "see the files on the repository's page", self.label)
        while True:
            try:
                return parse_gguf(part.data, len(part.data) if part.size is None else part.size)
            except ShortBufferError as error:
                end = max(error.needed, 2 * len(part.data))
                if error.needed > HEADER_LIMIT:
                    fact = f"its header has more than {HEADER_LIMIT:,} bytes"
                    raise LoadError(fact, "download the file", f"{self.label}/{name}") from error
                part = self._extend(name, part, min(end, part.size or end))
            except LoadError as error:
                raise error.at(f"{self.label}/{name}") from error

    def _extend(self, name: str, part: RemotePart, end: int) -> RemotePart:
        """The beginning of a file, as long as `end`."""
        if end <= len(part.data):
            return part
        more = self._fetch(name, len(part.data), end, end - len(part.data))
        if more is None or len(part.data) + len(more.data) < end or more.size != part.size:
            raise LoadError(f"{name} has changed while it was read", "try again", self.label)
        return RemotePart(part.data + more.data, part.size)

    def _fetch(self, name: str, begin: int, end: int | None, limit: int) -> RemotePart | None:
        """A range of a file, from the cache where it may be taken from there."""
        if is_offline() or self.commit:
            kept = self.cache.read(self._key(name, begin, end))
            if kept is not None:
                size = kept.words.get("size")
                return None if "missing" in kept.words else RemotePart(kept.data, int(size) if size else None)
        if is_offline():
            raise LoadError(f"{name} is not in the cache, and nothing is downloaded", ONLINE, self.label)
        answer = self.client.get(self.address.url(name, self.commit), begin, end, limit)
        words = {"missing": "yes"} if answer is None else {} if answer.size is None else {"size": str(answer.size)}
        if answer is not None and self.address.repository and not self.commit:
            self._note_commit(answer.words.get("commit", ""))
        self.cache.write(self._key(name, begin, end), b"" if answer is None else answer.data, words)
        return None if answer is None else RemotePart(answer.data, answer.size)

    def _key(self, name: str, begin: int, end: int | None) -> str:
        return f"{self.address.url(name, self.commit)} {begin}-{end}"

    def _note_commit(self, commit: str) -> None:
        """Keeps which commit a revision of a repository is, for the next files and for `--offline`."""
        if _COMMIT.fullmatch(commit):
            self.commit = commit
            self.cache.write(f"commit of {self.address.folder}", b"", {"commit": commit})

    def _last_commit(self) -> str:
        kept = self.cache.read(f"commit of {self.address.folder}")
        commit = kept.words.get("commit", "") if kept is not None else ""
        return commit if _COMMIT.fullmatch(commit) else ""
