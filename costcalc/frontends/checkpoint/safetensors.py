"""The header of a safetensors file -> its tensors: names, element types, shapes, bytes. Weights are not read.

The format (https://github.com/huggingface/safetensors, README): 8 bytes with the header's length N, little-endian; N
bytes of JSON, an object from a name to {"dtype", "shape", "data_offsets": [begin, end]}, and "__metadata__" from text
to text; then the data, in which the tensors leave no hole and share no byte. All of that is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from costcalc.core.budget import MAX_RANK, spend
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType
from costcalc.frontends.checkpoint.tensor import TensorEntry
from costcalc.frontends.json_document import REMEDY, Pairs, parse_json, unique_keys

LENGTH_BYTES = 8

MAX_HEADER = 100_000_000
"""Bytes of the longest header, as in the reference implementation."""

MAX_BYTES = 1 << 60
"""Bytes of the largest tensor: more than any storage, and exact in 64 bits."""

BITS: Mapping[str, int] = {
    "BOOL": 8,
    "U4": 4,
    "I4": 4,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
"""Element type -> bits of an element, after the enumeration Dtype of safetensors 0.8 (U4 and I4: of its proposals)."""

DTYPES: Mapping[str, DType] = {
    "BOOL": DType.BOOL,
    "U4": DType.UINT4,
    "I4": DType.INT4,
    "F4": DType.FLOAT4E2M1,
    "U8": DType.UINT8,
    "I8": DType.INT8,
    "F8_E5M2": DType.FLOAT8E5M2,
    "F8_E4M3": DType.FLOAT8E4M3FN,
    "F8_E8M0": DType.FLOAT8E8M0,
    "F8_E4M3FNUZ": DType.FLOAT8E4M3FNUZ,
    "F8_E5M2FNUZ": DType.FLOAT8E5M2FNUZ,
    "I16": DType.INT16,
    "U16": DType.UINT16,
    "F16": DType.FLOAT16,
    "BF16": DType.BFLOAT16,
    "I32": DType.INT32,
    "U32": DType.UINT32,
    "F32": DType.FLOAT32,
    "C64": DType.COMPLEX64,
    "F64": DType.FLOAT64,
    "I64": DType.INT64,
    "U64": DType.UINT64,
}
"""Element type -> that of a graph; those of six bits have none."""

METADATA = "__metadata__"

_FIELDS = {"dtype", "shape", "data_offsets"}


class _Description(NamedTuple):
    """An object of the header that describes a tensor."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def header_length(prefix: bytes, size: int | None = None) -> int:
    """The first eight bytes of a file, and its bytes in all if they are known -> the bytes of its header. LoadError
    where there can be no such header."""
    if len(prefix) < LENGTH_BYTES:
        raise LoadError("the file ends before the length of its header", REMEDY)
    length = int.from_bytes(prefix[:LENGTH_BYTES], "little")
    if length > MAX_HEADER:
        raise LoadError(f"its header claims {length:,} bytes, the limit of the format is {MAX_HEADER:,}", REMEDY)
    if length < 2 or (size is not None and LENGTH_BYTES + length > size):
        raise LoadError(f"its header claims {length:,} bytes, the file has {size or 0:,}", REMEDY)
    return length


def read_header(file: IO[bytes], size: int) -> tuple[list[TensorEntry], int]:
    """A safetensors file and its size in bytes -> its tensors, and the bytes that were read. LoadError where the header
    is damaged, or is not that of a file of this size."""
    length = header_length(file.read(LENGTH_BYTES), size)
    text = file.read(length)
    if len(text) < length:
        raise LoadError("the file ends inside its header", REMEDY)
    return parse_header(text, size - LENGTH_BYTES - length), LENGTH_BYTES + length


def parse_header(text: bytes, data_bytes: int | None = None) -> list[TensorEntry]:
    """The JSON of a header, and the bytes of the data behind it if they are known -> the tensors in the header's order.
    LoadError where it is damaged."""
    document = parse_json(text, _parse_entry)
    if not isinstance(document, dict):
        raise LoadError("its header is no JSON object of tensors", REMEDY)
    metadata = document.pop(METADATA, None)
    is_text = isinstance(metadata, dict) and all(type(value) is str for value in metadata.values())
    if metadata is not None and not is_text:
        raise LoadError(f"its {METADATA} is no object from text to text", REMEDY)
    spend(2 * len(document))
    tensors, spans = [], []
    for name, entry in document.items():
        if type(entry) is not _Description:
            raise LoadError(f"its header does not say what the tensor {name[:120]!r} is", REMEDY)
        dtype, shape, begin, end = entry
        _check_size(name, entry)
        spans.append((begin, end, name))
        tensors.append(TensorEntry(name, dtype, shape, end - begin))
    _check_spans(spans, data_bytes)
    return tensors


def _parse_entry(pairs: Pairs) -> Any:
    """The pairs of an object of the header -> an _Description, or a dictionary of what is none."""
    values = unique_keys(pairs)
    if values.keys() != _FIELDS:
        return values
    dtype, shape, offsets = values["dtype"], values["shape"], values["data_offsets"]
    if type(dtype) is not str or type(shape) is not list or type(offsets) is not list or len(offsets) != 2:
        return values
    if len(shape) > MAX_RANK or not all(type(n) is int and 0 <= n <= MAX_BYTES for n in (*shape, *offsets)):
        return values
    return _Description(dtype, tuple(shape), *offsets)


def _check_size(name: str, entry: _Description) -> None:
    """LoadError where a tensor's bytes are not those of its element type and shape."""
    bits = BITS.get(entry.dtype)
    if bits is None:
        known = ", ".join(BITS)
        raise LoadError(f"the tensor {name[:120]!r} has the element type {entry.dtype[:40]!r}", f"there are {known}")
    for extent in entry.shape:
        bits *= extent
        if bits > MAX_BYTES:
            raise LoadError(f"the tensor {name[:120]!r} has more than 2^57 bytes", REMEDY)
    if bits != 8 * (entry.end - entry.begin):
        size = f"{bits // 8:,}" if bits % 8 == 0 else f"{bits:,} bits, no whole number of"
        fact = (
            f"the tensor {name[:120]!r} has {size} bytes by its type and shape, {entry.end - entry.begin:,} in the file"
        )
        raise LoadError(fact, REMEDY)


def _check_spans(spans: list[tuple[int, int, str]], data_bytes: int | None) -> None:
    """LoadError where tensors overlap, leave a hole, or do not end where the file ends."""
    place = 0
    for begin, end, name in sorted(spans):
        if begin != place:
            problem = "overlaps the one before it" if begin < place else f"leaves a hole of {begin - place:,} bytes"
            raise LoadError(f"the tensor {name[:120]!r} at byte {begin:,} of the data {problem}", REMEDY)
        place = end
    if data_bytes is not None and place != data_bytes:
        raise LoadError(f"its tensors end at byte {place:,} of the data, which has {data_bytes:,}", REMEDY)
