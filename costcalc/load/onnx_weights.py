"""A Graph's stored tensors -> initializers of an ONNX file: zeros, random numbers, or references to absent data."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costcalc.dim import symbols
from costcalc.errors import UsageError
from costcalc.ir import DType, Graph, TensorType
from costcalc.storage import stored

if TYPE_CHECKING:
    import onnx

SEED = 0
INLINE = 1 << 30
"""Bytes of weights from which on they stand in a file beside the model: a protobuf message ends at 2 GiB."""
ABSENT = "weights.bin"
"""What `none` names as the file of the weights; it is never written."""
_FLOATS = {DType.FLOAT32: "<f4", DType.FLOAT16: "<f2", DType.FLOAT64: "<f8", DType.BFLOAT16: "<u2"}


def tensor(name: str, t: TensorType) -> onnx.TensorProto:
    """A tensor of known elements; of zeros where they were not kept."""
    from onnx import TensorProto, helper

    shape = concrete(t.shape or (), name)
    if t.value is not None:
        return helper.make_tensor(name, t.dtype.code, shape, concrete(t.value, name))
    made = TensorProto(name=name, data_type=t.dtype.code, dims=shape)
    if t.dtype is DType.STRING:
        made.string_data.extend([b""] * int(concrete([t.elements], name)[0]))
    else:
        made.raw_data = bytes(concrete([t.nbytes], name)[0])
    return made


def concrete(numbers: Iterable[Any], place: str) -> list[Any]:
    """Numbers without symbols. UsageError where one holds a symbol."""
    out = list(numbers)
    for number in out:
        if not isinstance(number, (int, float, complex, str)):
            names = " ".join(f"--dim {name}=…" for name in symbols(number))
            raise UsageError(f"{place} holds {number}, which is open", f"bind {names}")
    return out


def store(model: onnx.ModelProto, graph: Graph, path: Path | None, weights: str) -> None:
    """Adds the stored tensors: inside, or as references to another file, which is written beside path. UsageError where
    that is needed and there is no path."""
    kinds = {item.name: item.kind for item in stored(graph)}
    tensors = {name: t._replace(shape=tuple(concrete(t.shape or (), name))) for name, t in graph.initializers.items()}
    large = {name: t for name, t in tensors.items() if t.value is None and t.dtype is not DType.STRING}
    sizes = {name: int(concrete([t.nbytes], name)[0]) for name, t in large.items()}
    total = sum(sizes.values())
    outside = weights == "none" or total >= INLINE
    if outside and weights != "none" and path is None:
        raise UsageError("weights from 1 GiB on stand in a file of their own", "name a file with -o, or --weights none")
    location = ABSENT if weights == "none" or path is None else f"{path.name}.data"
    offset = 0
    for name, t in tensors.items():
        made = model.graph.initializer.add()
        if name not in large:
            made.CopyFrom(tensor(name, t))
            continue
        made.name, made.data_type = name, t.dtype.code
        made.dims.extend(t.shape or ())
        if outside:
            _refer(made, location, offset, sizes[name])
            offset += sizes[name]
        else:
            made.raw_data = _bytes(name, t, weights, kinds)
    if outside and weights != "none" and path is not None:
        with (path.parent / location).open("wb") as file:
            if weights == "zeros":
                file.truncate(total)
            else:
                file.writelines(_bytes(name, t, weights, kinds) for name, t in large.items())


def _refer(made: onnx.TensorProto, location: str, offset: int, size: int) -> None:
    made.data_location = made.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", size)):
        made.external_data.add(key=key, value=str(value))


def _bytes(name: str, t: TensorType, weights: str, kinds: Mapping[str, str]) -> bytes:
    """The elements of a stored tensor, little-endian. Random floats are normal with deviation 1/√(elements of a row),
    buffers (a variance, a scale) between 0.5 and 1.5; other types have bytes below 64, integers that are no parameters
    (indices) are 0."""
    size: int = concrete([t.nbytes], name)[0]
    if weights == "zeros" or (t.dtype.is_integer and kinds.get(name) != "param") or t.dtype is DType.BOOL:
        return bytes(size)
    import numpy as np

    random = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    if t.dtype not in _FLOATS:
        return random.integers(0, 64, size, dtype=np.uint8).tobytes()
    shape = tuple(concrete(t.shape or (), name))
    if kinds.get(name) == "buffer":
        numbers = random.random(shape, dtype=np.float32) + np.float32(0.5)
    else:
        row = int(np.prod(shape[1:], dtype=np.int64)) or 1
        numbers = random.standard_normal(shape, dtype=np.float32) / np.float32(row**0.5)
    if t.dtype is DType.BFLOAT16:
        return bytes((np.asarray(numbers, np.float32).view(np.uint32) >> 16).astype("<u2").tobytes())
    return bytes(np.asarray(numbers).astype(_FLOATS[t.dtype]).tobytes())
