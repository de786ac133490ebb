"""Constant nodes and values of a graph -> their types and names in the builder, each stored tensor once.

Which constants are stored parameters follows from their readers. A body that runs several times, or a function that is
called several times, stands in the file once: so do its tensors.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType, TensorType, Value
from costcalc.core.traits import traits_of
from costcalc.frontends.onnx.messages import GraphProto, NodeProto
from costcalc.frontends.onnx.scopes import Frame, NameOwners, file_names
from costcalc.graph.builder import MAX_VALUE_ELEMENTS, GraphBuilder
from costcalc.graph.index import operator_key
from costcalc.graph.parameters import UNSCALED

_LISTS = {
    "value_int": DType.INT64,
    "value_ints": DType.INT64,
    "value_float": DType.FLOAT32,
    "value_floats": DType.FLOAT32,
    "value_string": DType.STRING,
    "value_strings": DType.STRING,
}

_QUANTISED = frozenset((DType.INT8, DType.UINT8, DType.INT4, DType.UINT4, DType.INT2, DType.UINT2))

_PARAMETRIC = frozenset((("", "Resize"), ("", "Upsample"), ("", "OneHot")))
"""Their buffers, written as constants, are part of the operator: the scale of a picture, what is hot."""


def constant_type(attributes: Mapping[str, Any]) -> TensorType:
    """The type of a Constant node's output, with its elements where they are few."""
    for name, value in attributes.items():
        if name in ("value", "sparse_value") and isinstance(value, TensorType):
            return value
        if name in _LISTS:
            elements = value if isinstance(value, tuple) else (value,)
            shape = (len(elements),) if isinstance(value, tuple) else ()
            has_elements = _LISTS[name] is not DType.STRING and len(elements) <= MAX_VALUE_ELEMENTS
            return TensorType(_LISTS[name], shape, elements if has_elements else None)
    raise LoadError("the Constant has no value", "export the model again")


def stored_type(t: TensorType) -> tuple[DType, tuple[Dim, ...], Value | None]:
    """A stored tensor's type, whose shape is always known."""
    assert t.shape is not None, "a TensorProto has dims"
    return t.dtype, t.shape, t.value


def may_be_weight(t: TensorType) -> bool:
    """Whether a constant could be a learned value: floats, or what quantisation makes of them, and more than one."""
    return (t.dtype.is_float or t.dtype in _QUANTISED) and t.shape is not None and t.elements != 1


def promote_constants(builder: GraphBuilder, constants: Sequence[str]) -> None:
    """Makes constants that feed a weight or a buffer, directly or behind a Reshape or the like, stored tensors.

    A ConstantOfShape of a stored shape is such a constant, too (a way to leave weights out of a file): where it feeds a
    weight or a buffer it is no layer."""
    fill_nodes = [
        n
        for n in builder.nodes
        if operator_key(n) == ("", "ConstantOfShape") and may_be_weight(builder.types[n.outputs[0]])
    ]
    if not constants and not fill_nodes:
        return
    computed = {name for node in builder.nodes for name in node.outputs} if fill_nodes else set()
    layers = {n.outputs[0] for n in fill_nodes if n.inputs[0] not in computed}
    origin = {name: name for name in (*constants, *layers)}
    for node in builder.nodes:
        key, operator = operator_key(node), traits_of(node)
        for position, name in enumerate(node.inputs):
            if name not in origin:
                continue
            source = origin[name]
            weight = position in operator.weights and may_be_weight(builder.types[source])
            steers = key in _PARAMETRIC and source not in layers
            if weight or (position in operator.buffers and not steers):
                builder.initializers[source] = builder.types[source]
            elif position == 0 and operator.passes_on in UNSCALED:
                origin[node.outputs[0]] = source
    weights = layers & builder.initializers.keys()
    if weights:
        builder.nodes = [n for n in builder.nodes if n.outputs[0] not in weights]


class Definitions:
    """Names values and adds stored tensors to a builder. top is the file's own graph; constants are the names of
    Constant nodes' outputs."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.top: GraphProto | None = None
        self.constants: list[str] = []
        self._tensors: dict[tuple[Hashable, ...], tuple[str, TensorType]] = {}

    @cached_property
    def _file_names(self) -> NameOwners:
        return file_names(self.top) if self.top else {}

    def name(self, frame: Frame, name: str) -> str:
        """The builder's name of a value that a graph computes."""
        return frame.define(name, self._file_names) if name and frame.value_prefix else name

    def initializer(self, frame: Frame, name: str, type_: TensorType) -> str:
        """Adds an initializer, or finds it where a body or a function has added it before; its name in the builder."""
        if not frame.value_prefix:
            return self.builder.add_initializer(name, *stored_type(type_))
        key = (*frame.origin, name)
        existing = self._find_tensor(key)
        if existing:
            frame.env[name] = existing
            return existing
        name_in_builder = self.builder.add_initializer(self.name(frame, name), *stored_type(type_))
        self._tensors[key] = name_in_builder, self.builder.types[name_in_builder]
        return name_in_builder

    def constant(
        self, frame: Frame, node: NodeProto, attributes: Mapping[str, Any], key: tuple[Hashable, ...], name: str
    ) -> None:
        """Adds a Constant node's tensor, or finds it likewise. A function's output has the name that the call gives it:
        there an Identity brings the tensor."""
        output = node.output[0]
        existing = self._find_tensor(key) if frame.value_prefix else ""
        if not existing:
            name_in_builder = self.builder.add_constant(
                self.name(frame, output), *stored_type(constant_type(attributes))
            )
            self.constants.append(name_in_builder)
            if frame.value_prefix:
                self._tensors[key] = name_in_builder, self.builder.types[name_in_builder]
        elif output in frame.env:
            self.builder.add("Identity", (existing,), name=name, outputs=(frame.env[output],), scope=frame.scope)
        else:
            frame.env[output] = existing

    def _find_tensor(self, key: tuple[Hashable, ...]) -> str:
        """The builder's name of a stored tensor that is there already, or ""."""
        name, type_ = self._tensors.get(key, ("", None))
        return name if type_ is not None and self.builder.types.get(name) is type_ else ""
