"""A GGUF file, with the others of its split -> the header of the first and the tensors of all."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.errors import LoadError
from costcalc.frontends.checkpoint.tensor import WeightFiles, unite_tensors
from costcalc.frontends.gguf.header import GgufHeader, HeaderBytes, parse_header
from costcalc.frontends.source import Source

SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
"""How llama.cpp (gguf-split) names the files of a model: `NAME-00001-of-00009.gguf`."""

MAX_FILES = 99_999

DOWNLOAD = "download all files of the model into one folder"


class GgufModel(NamedTuple):
    """A model in one or several files: the metadata of the first, and the tensors of all."""

    metadata: Mapping[str, Any]
    checkpoint: WeightFiles


def read_source(source: Source) -> GgufModel:
    """A source with a GGUF file -> its model; the other files of a split lie beside it. LoadError where one is missing
    or damaged."""
    if source.path is None:
        return unite_headers({source.file: parse_header(source.content())})
    path = source.path
    return read_split(path.name, lambda name: _read_header(path.with_name(name), name))


def read_split(name: str, read: Callable[[str], GgufHeader]) -> GgufModel:
    """The name of a file, and a function from a file's name to its header -> the model of this file and of the others
    of its split."""
    match = SPLIT.search(name)
    if match is None:
        return unite_headers({name: read(name)})
    count = int(match[2])
    if not 1 <= int(match[1]) <= count <= MAX_FILES:
        raise LoadError(f"it is called file {match[1]} of {match[2]}", "give the file its name back")
    names = [f"{name[: match.start()]}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]
    return unite_headers({file: read(file) for file in names})


def unite_headers(headers: Mapping[str, GgufHeader]) -> GgufModel:
    """The headers of all files of a model by file, in their order -> the model. LoadError where they are not all of its
    files, or two hold a tensor of one name."""
    first = next(iter(headers.values()))
    for number, (file, header) in enumerate(headers.items()):
        stated, count = header.metadata.get("split.no", number), header.metadata.get("split.count", 0)
        if len(headers) > 1 and (stated != number or count not in (0, len(headers))):
            raise LoadError(f"it says that it is file {stated} of {count}, from 0 on", DOWNLOAD, file)
        if len(headers) == 1 and type(count) is int and count > 1:
            raise LoadError(f"it is one of {count} files of a model", f"{DOWNLOAD}, and keep their names", file)
    tensors = unite_tensors((file, header.tensors) for file, header in headers.items())
    expected = first.metadata.get("split.tensors.count", len(tensors))
    if len(headers) > 1 and expected != len(tensors):
        raise LoadError(f"its files hold {len(tensors):,} tensors of {expected}", DOWNLOAD)
    read = sum([header.data_offset for header in headers.values()])
    return GgufModel(first.metadata, WeightFiles(tensors, tuple(headers), read))


def _read_header(path: Path, file: str) -> GgufHeader:
    try:
        with path.open("rb") as stream:
            if not path.stat().st_size:
                raise LoadError("the file is empty", DOWNLOAD)
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                buffer: HeaderBytes = content
                return parse_header(buffer)
    except FileNotFoundError as error:
        raise LoadError(f"{file} is not there", DOWNLOAD, file) from error
    except OSError as error:
        raise LoadError(
            f"{file} cannot be read: {error.strerror}", "check the path and its permissions", file
        ) from error
    except LoadError as error:
        raise error.at(file) from error
