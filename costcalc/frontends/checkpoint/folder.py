"""A safetensors file, or a folder of them with or without an index -> WeightFiles, from the files' headers alone.

A Hugging Face folder has `model.safetensors`, or `model-00001-of-00163.safetensors` … with
`model.safetensors.index.json`, whose `weight_map` says which file holds which tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from costcalc.core.errors import LoadError
from costcalc.core.memo import Memo
from costcalc.frontends.checkpoint.safetensors import read_header
from costcalc.frontends.checkpoint.tensor import TensorEntry, WeightFiles, unite_tensors
from costcalc.frontends.json_document import parse_object

INDEX = "model.safetensors.index.json"

SINGLE = "model.safetensors"

SUFFIX = ".safetensors"

MAX_INDEX = 200_000_000
"""Bytes of the longest index."""

MAX_FILES = 100_000
"""Files of the largest checkpoint."""

DOWNLOAD = "download the folder's missing files, or give the config.json alone"


class ModelFolder(Protocol):
    """The files of a model: in a folder, or on a server. label is what errors call it."""

    label: str

    def content(self, name: str) -> bytes | None:
        """The name of a small file -> its bytes; None where there is none."""
        ...

    def weight_files(self) -> WeightFiles | None:
        """The tensors of its weight files, by their headers; None where there are none."""
        ...


class LocalFolder:
    """A folder of the file system."""

    def __init__(self, path: Path, label: str) -> None:
        self.path, self.label = path, label

    def content(self, name: str) -> bytes | None:
        path = self.path / name
        if not path.is_file():
            return None
        if path.stat().st_size > MAX_INDEX:
            raise LoadError(f"it has more than {MAX_INDEX:,} bytes", "give a model's folder", f"{self.label}/{name}")
        try:
            return path.read_bytes()
        except OSError as error:
            raise _unreadable(f"{self.label}/{name}", error) from error

    def weight_files(self) -> WeightFiles | None:
        """The tensors as above; read once while no file changes, for a question may read its model several times."""
        key = str(self.path.absolute()), _file_states(self.path)
        files = FOLDERS.get(key)
        if files is None:
            files = read_folder(self.path, self.label)
            if files is not None:
                FOLDERS[key] = files
        return files


FOLDERS: Memo[object, WeightFiles] = Memo("weight files of folders", 4)
"""Headers by folder and the state of its files."""


def _file_states(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """A folder -> name, size and time of change of its index and its safetensors files."""
    paths = [path for path in folder.iterdir() if path.name.endswith((INDEX, SUFFIX)) and path.is_file()]
    states = [(path.name, path.stat()) for path in sorted(paths)]
    return tuple([(name, state.st_size, state.st_mtime_ns) for name, state in states])


class WeightIndex:
    """An index: weight_map is tensor -> file, files are the files in the order in which they come up."""

    def __init__(self, weight_map: Mapping[str, str]) -> None:
        self.weight_map = weight_map
        self.files = tuple(dict.fromkeys(weight_map.values()))


def parse_index(data: bytes) -> WeightIndex:
    """The bytes of an index -> WeightIndex. LoadError where it is damaged, or names a file outside of its folder."""
    weight_map = parse_object(data).get("weight_map")
    if not isinstance(weight_map, dict) or not all(type(file) is str for file in weight_map.values()):
        raise LoadError("it has no `weight_map` from tensors to files", "download the index again")
    index = WeightIndex(weight_map)
    if len(index.files) > MAX_FILES:
        raise LoadError(f"it names {len(index.files):,} files, the limit is {MAX_FILES:,}", "download the index again")
    for file in index.files:
        check_file_name(file)
    return index


def check_file_name(name: str) -> None:
    """LoadError where a name that a document gives is not that of a file in the document's own folder, or in one below
    it: an absolute path, one with `..`, a drive, a backslash or a control character."""
    parts = name.split("/")
    if not name.isprintable() or any(c in name for c in '\\:*?"<>|') or any(p.strip(" .") == "" for p in parts):
        raise LoadError(f"it names {name[:120]!r}, which is no file of its folder", "download the index again")


def read_file(path: Path, file: str) -> WeightFiles:
    """A safetensors file; file is what errors call it -> its tensors."""
    tensors, length = _read_header(path, file)
    return WeightFiles(unite_tensors([(file, tensors)]), (file,), length)


def read_folder(folder: Path, file: str) -> WeightFiles | None:
    """A folder; file is what errors call it -> the tensors of its safetensors files: those that its index names, else
    `model.safetensors`, else without an index all that lie there; None where it has none. LoadError where a file is
    missing or damaged, or index and files differ."""
    text = LocalFolder(folder, file).content(INDEX)
    if text is not None:
        try:
            index = parse_index(text)
        except LoadError as error:
            raise error.at(f"{file}/{INDEX}") from error
        missing = [name for name in index.files if not (folder / name).is_file()]
        if not missing:
            return unite_files(((name, *_read_header(folder / name, f"{file}/{name}")) for name in index.files), index)
        if len(missing) < len(index.files):
            fact = f"{len(missing):,} of {len(index.files):,} weight files are not there, {missing[0]} among them"
            raise LoadError(fact, DOWNLOAD, file)
    others = [] if text is not None else sorted(path.name for path in folder.glob(f"*{SUFFIX}"))
    names = [SINGLE] if (folder / SINGLE).is_file() else others
    if not names:
        return None
    return unite_files((name, *_read_header(folder / name, f"{file}/{name}")) for name in names)


def unite_files(files: Iterable[tuple[str, list[TensorEntry], int]], index: WeightIndex | None = None) -> WeightFiles:
    """(file, its tensors, the bytes of its header) of each file, and the index -> WeightFiles. LoadError where the
    index names a tensor that its file does not have."""
    parts = list(files)
    if index is not None:
        wanted = index.weight_map
        for file, tensors, _ in parts:
            extra = next((t.name for t in tensors if wanted.get(t.name) != file), None)
            if extra is not None:
                raise LoadError(f"{file} holds the tensor {extra[:120]!r}, which {INDEX} does not say", DOWNLOAD)
        count = sum([len(tensors) for _, tensors, _ in parts])
        if count != len(wanted):
            present = {t.name for _, tensors, _ in parts for t in tensors}
            name = next(name for name in wanted if name not in present)
            raise LoadError(f"{wanted[name]} does not hold the tensor {name[:120]!r} that {INDEX} names", DOWNLOAD)
    united = unite_tensors((file, tensors) for file, tensors, _ in parts)
    return WeightFiles(united, tuple([file for file, _, _ in parts]), sum([length for _, _, length in parts]))


def _read_header(path: Path, file: str) -> tuple[list[TensorEntry], int]:
    try:
        with path.open("rb", buffering=0) as stream:
            return read_header(stream, path.stat().st_size)
    except OSError as error:
        raise _unreadable(file, error) from error
    except LoadError as error:
        raise error.at(file) from error


def _unreadable(file: str, error: OSError) -> LoadError:
    return LoadError(f"{file} cannot be read: {error.strerror}", "check the path and its permissions")
