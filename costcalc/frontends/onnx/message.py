"""onnx.ModelProto to serialised bytes, of a large one without the elements of large tensors. Does not import onnx."""

from __future__ import annotations

from typing import Any

MAX_WHOLE_BYTES = 1 << 24
"""Bytes of the largest model that is serialised with all its weights."""

MAX_SMALL_BYTES = 1 << 16
"""Bytes of the largest part that is copied whole: more than any tensor whose elements the reader decodes."""

_PAYLOAD = frozenset(
    ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
)


def serialize_model(model: Any) -> bytes:
    """The bytes of an onnx.ModelProto. Weights are never read, so that those of a model above WHOLE bytes are left out
    of the copy: it stays small, and below the 2 GiB that protobuf can serialise."""
    if model.ByteSize() <= MAX_WHOLE_BYTES:
        whole: bytes = model.SerializeToString()
        return whole
    slim = type(model)()
    _copy_without_payloads(model, slim)
    data: bytes = slim.SerializeToString()
    return data


def _copy_without_payloads(message: Any, target: Any) -> None:
    """Copies the set fields of a protobuf message into an empty one, without the elements of large tensors."""
    if message.ByteSize() <= MAX_SMALL_BYTES:
        target.CopyFrom(message)
        return
    is_tensor = message.DESCRIPTOR.name == "TensorProto"
    for field, value in message.ListFields():
        if is_tensor and field.name in _PAYLOAD:
            continue
        repeated = isinstance(getattr(target, field.name), type(value)) and hasattr(value, "extend")
        if field.message_type is None:
            if repeated:
                getattr(target, field.name).extend(value)
            else:
                setattr(target, field.name, value)
        elif repeated:
            for part in value:
                _copy_without_payloads(part, getattr(target, field.name).add())
        else:
            _copy_without_payloads(value, getattr(target, field.name))
