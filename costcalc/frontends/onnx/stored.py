"""Stored tensors -> the pieces of an ONNX file: elements are made as they are written, never all at once.

A file is the message of the model without its graph, then the field of the graph: the graph without its initializers,
then each of them. The order of fields in a message is free: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.core.dim import symbols
from costcalc.core.errors import UsageError
from costcalc.core.ir import DType, Graph, TensorType
from costcalc.graph.parameters import find_stored_tensors

if TYPE_CHECKING:
    import numpy as np
    import onnx

SEED = 0

MAX_INLINE_BYTES = 1 << 30
"""Bytes of weights from which on they stand in a file beside the model: a protobuf message ends at 2 GiB."""

ABSENT = "weights.bin"
"""The file that `--weights none` refers to for the weights; it is never written."""

_FLOATS = {DType.FLOAT32: "<f4", DType.FLOAT16: "<f2", DType.FLOAT64: "<f8", DType.BFLOAT16: "<u2"}


PIECE = 1 << 20
"""Elements, or bytes of zeros, that are made at once."""

_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
"""Field numbers: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data."""


def make_tensor(name: str, t: TensorType) -> onnx.TensorProto:
    """A name and a type -> a TensorProto of the known elements; of zeros where they are not known. UsageError where
    the type itself is not known."""
    from onnx import TensorProto, helper

    if t.shape is None or t.dtype is DType.UNDEFINED:
        raise UsageError(f"{name}: its type is not known, and ONNX stores none", "correct what reads it")
    shape = require_numbers(t.shape, name)
    if t.value is not None:
        return helper.make_tensor(name, t.dtype.code, shape, require_numbers(t.value, name))
    proto = TensorProto(name=name, data_type=t.dtype.code, dims=shape)
    if t.dtype is DType.STRING:
        proto.string_data.extend([b""] * int(require_numbers([t.elements], name)[0]))
    else:
        proto.raw_data = bytes(require_numbers([t.nbytes], name)[0])
    return proto


def require_numbers(numbers: Iterable[Any], place: str) -> list[Any]:
    """Numbers -> the same numbers. UsageError, with the place, where one holds a symbol."""
    result = list(numbers)
    for number in result:
        if not isinstance(number, (int, float, complex, str)):
            names = " ".join(f"--dim {name}=…" for name in symbols(number))
            raise UsageError(f"{place} holds {number}, which is open", f"bind {names}")
    return result


class _Stored(NamedTuple):
    """An initializer: its message without its elements, and how many bytes they take in the file (-1: none)."""

    name: str
    message: bytes
    size: int

    @property
    def head(self) -> bytes:
        """The message up to the elements."""
        return self.message if self.size < 0 else self.message + _field_head(_RAW_DATA, self.size)


def model_pieces(model: onnx.ModelProto, graph: Graph, path: Path | None, weights: str) -> Iterator[bytes]:
    """A model without its stored tensors, and its graph -> the bytes of its file in pieces. Large weights are written
    to another file beside path. UsageError where that is needed and there is no path."""
    from onnx import ModelProto

    kinds = {item.name: item.kind for item in find_stored_tensors(graph)}
    tensors = {
        name: t._replace(shape=tuple(require_numbers(t.shape or (), name))) for name, t in graph.initializers.items()
    }
    large = {name: t for name, t in tensors.items() if t.value is None and t.dtype is not DType.STRING}
    sizes = {name: int(require_numbers([t.nbytes], name)[0]) for name, t in large.items()}
    total = sum(sizes.values())
    is_external = weights == "none" or total >= MAX_INLINE_BYTES
    if is_external and weights != "none" and path is None:
        raise UsageError("weights from 1 GiB on stand in a file of their own", "name a file with -o, or --weights none")
    if is_external and weights != "none" and path is not None:
        _require_room(total, weights, path)
    location = ABSENT if weights == "none" or path is None else f"{path.name}.data"
    stored = list(_describe(tensors, sizes, location if is_external else ""))
    rest = ModelProto()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    graph_message = model.graph.SerializeToString(deterministic=True)
    heads = [_field_head(_INITIALIZER, len(item.head) + max(item.size, 0)) + item.head for item in stored]
    length = len(graph_message) + sum(map(len, heads)) + sum(max(item.size, 0) for item in stored)
    if is_external and weights == "zeros" and path is not None:
        _write_zeros(total, path.parent / location)  # before the first piece: a model that is refused leaves its file
    yield rest.SerializeToString(deterministic=True) + _field_head(_GRAPH, length) + graph_message
    for item, head in zip(stored, heads, strict=True):
        yield head
        if item.size >= 0:
            yield from _elements(item.name, tensors[item.name], weights, kinds)
    if is_external and weights == "random" and path is not None:
        with (path.parent / location).open("wb") as file:
            for name, t in large.items():
                file.writelines(_elements(name, t, weights, kinds))


def _write_zeros(total: int, path: Path) -> None:
    """Replaces a file by so many zeros, which take no room. UsageError where its file system has no files as large:
    what stood there stays."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.truncate(total)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno not in (errno.EFBIG, errno.EINVAL, errno.EOVERFLOW):
            raise
        fact = f"the weights take {total:,} bytes, more than a file can have there"
        raise UsageError(fact, "write --weights none") from error


def _require_room(total: int, weights: str, path: Path) -> None:
    """UsageError where a file of so many bytes cannot be: beyond the 63 bits of a file's size, or of random numbers
    beyond what its disk has free (zeros take no room)."""
    if total >= 1 << 63:
        raise UsageError(f"the weights take {total:,} bytes, more than a file can have", "write --weights none")
    free = disk_usage(path.absolute().parent).free
    if weights == "random" and total > free:
        raise UsageError(
            f"the weights take {total:,} bytes, and {free:,} are free there", "write --weights zeros or none"
        )


def _describe(tensors: Mapping[str, TensorType], sizes: Mapping[str, int], location: str) -> Iterator[_Stored]:
    """Stored tensors and the bytes of the large ones -> their messages; with a location, the large ones refer to it."""
    from onnx import TensorProto

    offset = 0
    for name, t in tensors.items():
        if name not in sizes:
            yield _Stored(name, make_tensor(name, t).SerializeToString(deterministic=True), -1)
            continue
        proto = TensorProto(name=name, data_type=t.dtype.code, dims=require_numbers(t.shape or (), name))
        if location:
            proto.data_location = proto.EXTERNAL
            for key, value in (("location", location), ("offset", offset), ("length", sizes[name])):
                proto.external_data.add(key=key, value=str(value))
            offset += sizes[name]
        yield _Stored(name, proto.SerializeToString(deterministic=True), -1 if location else sizes[name])


def _field_head(number: int, length: int) -> bytes:
    """The key and the length of a field of bytes."""
    head = bytearray([number << 3 | 2])
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    return bytes(head)


def _elements(name: str, t: TensorType, weights: str, kinds: Mapping[str, str]) -> Iterator[bytes]:
    """The elements of a stored tensor in pieces, little-endian. Random floats are normal with deviation 1/√(elements of
    a row), buffers (a variance, a scale) between 0.5 and 1.5; other types have bytes below 64, integers that are no
    parameters (indices) are 0."""
    size: int = require_numbers([t.nbytes], name)[0]
    if weights == "zeros" or (t.dtype.is_integer and kinds.get(name) != "param") or t.dtype is DType.BOOL:
        yield from (bytes(n) for n in _parts(size))
        return
    import numpy as np

    random = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    if t.dtype not in _FLOATS:
        yield from (random.integers(0, 64, n, dtype=np.uint8).tobytes() for n in _parts(size))
        return
    shape = require_numbers(t.shape or (), name)
    row = int(np.prod(shape[1:], dtype=np.int64)) or 1
    for n in _parts(int(np.prod(shape, dtype=np.int64))):
        if kinds.get(name) == "buffer":
            numbers = random.random(n, dtype=np.float32) + np.float32(0.5)
        else:
            numbers = random.standard_normal(n, dtype=np.float32) / np.float32(row**0.5)
        yield _encode(numbers, t.dtype)


def _encode(numbers: np.ndarray[Any, Any], dtype: DType) -> bytes:
    import numpy as np

    if dtype is DType.BFLOAT16:
        return bytes((np.asarray(numbers, np.float32).view(np.uint32) >> 16).astype("<u2").tobytes())
    return bytes(numbers.astype(_FLOATS[dtype]).tobytes())


def _parts(count: int) -> Iterator[int]:
    """A count -> counts of at most PIECE that add up to it."""
    for start in range(0, count, PIECE):
        yield min(PIECE, count - start)
