"""Options of a custom operator -> attributes: the numbers and names of a flexbuffer's map, or the fields of a struct.

Converters write the options of custom operators as a FlexBuffer map (https://flatbuffers.dev/flexbuffers); some kernels
read a C struct instead, which is known by the operator's name. Options of another form give no attributes: what a
custom operator's bytes mean only its kernel knows.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import isfinite
from typing import Any

MAX_OPTIONS = 1 << 12
"""Bytes of the longest options that are read: longer ones are a compiled network, not options."""

MAX_KEYS = 64

_INT, _UINT, _FLOAT, _STRING, _MAP, _BOOL = 1, 2, 3, 5, 9, 26
"""Types of flexbuffer values; those of 6 to 8 are the numbers at another place."""

_CODES = {_INT: "bhiq", _UINT: "BHIQ", _BOOL: "BHIQ", _FLOAT: "  fd"}
"""Codes of the struct module for 1, 2, 4 and 8 bytes."""

_STRUCTS: Mapping[str, tuple[str, ...]] = {
    "Convolution2DTransposeBias": ("padding", "stride_w", "stride_h"),
    "TransposeConvBias": ("padding", "stride_w", "stride_h"),
    "MaxPoolingWithArgmax2D": ("padding", "stride_w", "stride_h", "filter_w", "filter_h"),
    "MaxUnpooling2D": ("padding", "stride_w", "stride_h", "filter_w", "filter_h"),
}
"""The int32 fields that a struct of options begins with; padding is 1 for SAME, 2 for VALID."""


def read_custom_options(operator: str, data: bytes) -> dict[str, Any]:
    """The name of a custom operator and its options -> its attributes; {} where they are in no form that is known."""
    if operator in _STRUCTS:
        return _read_struct(_STRUCTS[operator], data)
    if not 3 <= len(data) <= MAX_OPTIONS:
        return {}
    width = data[-1]
    kind, size = data[-2] >> 2, 1 << (data[-2] & 3)
    if kind != _MAP or width not in (1, 2, 4, 8):
        return {}
    place = _follow(data, len(data) - 2 - width, width)
    return _read_map(data, place, size) if place is not None else {}


def _read_struct(fields: tuple[str, ...], data: bytes) -> dict[str, Any]:
    if len(data) < 4 * len(fields):
        return {}
    values = dict(zip(fields, struct.unpack_from(f"<{len(fields)}i", data), strict=True))
    attributes: dict[str, Any] = {"auto_pad": "VALID" if values["padding"] == 2 else "SAME_UPPER"}
    for name, attribute in (("stride", "strides"), ("filter", "kernel_shape")):
        if f"{name}_h" in values:
            attributes[attribute] = (values[f"{name}_h"], values[f"{name}_w"])
    return attributes


def _read_number(data: bytes, place: int, width: int, kind: int) -> int | float | None:
    """A number of 1, 2, 4 or 8 bytes; None outside of the data, or where the type has no such width."""
    code = _CODES[kind][width.bit_length() - 1]
    if code == " " or place < 0 or place + width > len(data):
        return None
    number: int | float = struct.unpack_from(f"<{code}", data, place)[0]
    return number if isfinite(number) else None


def _follow(data: bytes, place: int, width: int) -> int | None:
    """The place that an offset refers to, which stands before it; None outside of the data."""
    offset = _read_number(data, place, width, _UINT)
    return None if offset is None or not 0 < offset <= place else place - int(offset)


def _read_map(data: bytes, place: int, width: int) -> dict[str, Any]:
    """The map whose values begin at a place: before them stand where the keys are, the keys' width, and their
    number."""
    count, key_width = (_read_number(data, place - n * width, width, _UINT) for n in (1, 2))
    keys = _follow(data, place - 3 * width, width) if place >= 3 * width else None
    if keys is None or not isinstance(count, int) or count > MAX_KEYS or key_width not in (1, 2, 4, 8):
        return {}
    attributes: dict[str, Any] = {}
    for i in range(count):
        key = _follow(data, keys + i * int(key_width), int(key_width))
        kind_place = place + count * width + i
        if key is None or kind_place >= len(data):
            return {}
        name = data[key : data.find(b"\0", key)].decode("utf8", "backslashreplace")
        value = _read_value(data, place + i * width, width, data[kind_place])
        if name and value is not None:
            attributes[name] = value
    return attributes


def _read_value(data: bytes, place: int, width: int, packed: int) -> Any:
    """A number, a truth value as 0 or 1, or a text; None of another type. packed is its type and its own width."""
    kind, size = packed >> 2, 1 << (packed & 3)
    if kind in _CODES:
        return _read_number(data, place, width, kind)
    target = _follow(data, place, width)
    if target is None:
        return None
    if kind - 5 in (_INT, _UINT, _FLOAT):
        return _read_number(data, target, size, kind - 5)
    if kind == _STRING:
        length = _read_number(data, target - size, size, _UINT)
        return data[target : target + int(length)].decode("utf8", "backslashreplace") if length else None
    return None
