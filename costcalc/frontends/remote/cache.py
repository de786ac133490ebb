"""A cache of small files in the platform's cache folder: key -> bytes and a few words about them, with a limit.

An entry is a file whose name is a hash of its key, so that no name from a server becomes a path. It begins with a line
of JSON (the key, the words, a hash of the bytes); an entry that does not fit its hash is none. Entries that were not
used for the longest time are removed first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LIMIT = 256 << 20
"""Bytes of all entries."""

FOLDER_VARIABLE = "COSTCALC_CACHE"

SUFFIX = ".entry"


class CacheEntry(NamedTuple):
    """Bytes of a server, and words about them (`etag`, `commit`, `size`)."""

    data: bytes
    words: Mapping[str, str]


def cache_folder() -> Path:
    """The folder of the cache: COSTCALC_CACHE, or `costcalc` in the platform's folder for caches."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "costcalc" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "costcalc"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "costcalc"


class Cache:
    """Entries in a folder, which is made when something is written. A folder that cannot be written keeps nothing: a
    cache is no condition of an answer."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder, self.limit = folder, limit

    def read(self, key: str) -> CacheEntry | None:
        """The entry of a key; None where there is none, or a damaged one."""
        path = self._path(key)
        try:
            head, _, data = path.read_bytes().partition(b"\n")
            record = json.loads(head)
            if record["key"] != key or record["hash"] != hashlib.sha256(data).hexdigest():
                return None
            os.utime(path)
            return CacheEntry(data, {str(name): str(word) for name, word in record["words"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, key: str, data: bytes, words: Mapping[str, str]) -> None:
        """Keeps bytes under a key, and removes old entries where all have more bytes than the limit."""
        record = {"key": key, "words": dict(words), "hash": hashlib.sha256(data).hexdigest()}
        content = json.dumps(record).encode() + b"\n" + data
        if len(content) > self.limit:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, temporary = tempfile.mkstemp(dir=self.folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                Path(temporary).replace(self._path(key))
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
            self._remove_oldest()

    def _path(self, key: str) -> Path:
        return self.folder / (hashlib.sha256(key.encode()).hexdigest() + SUFFIX)

    def _remove_oldest(self) -> None:
        files = [(path.stat(), path) for path in self.folder.glob(f"*{SUFFIX}")]
        total = sum([status.st_size for status, _ in files])
        for status, path in sorted(files, key=lambda item: item[0].st_mtime_ns):
            if total <= self.limit:
                return
            path.unlink(missing_ok=True)
            total -= status.st_size
