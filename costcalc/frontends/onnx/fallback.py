"""A node without a shape rule -> its output types, by ONNX's inference or by the file's value_info.

ONNX's inference is asked where all extents are numbers. The names of ONNX's operators are those of the installed onnx
package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.core.dim import Poly, substitute, symbols
from costcalc.core.ir import DTYPE_OF_CODE, DType, Node, TensorType
from costcalc.frontends.onnx.inputs import InputBinding
from costcalc.frontends.onnx.messages import GraphProto, TypeProto, parse_value_info
from costcalc.frontends.symbols import declared_dim
from costcalc.graph.builder import Infer

Types = tuple[TensorType, ...]


def make_inference(graph: GraphProto, binding: InputBinding, opset: Mapping[str, int]) -> Infer:
    """A graph, a binding and the opset -> the function that GraphBuilder calls for the types of a node without a shape
    rule."""
    declared: dict[str, TensorType] | None = None

    def infer(node: Node, inputs: Sequence[TensorType | None], version: int) -> Types | None:
        nonlocal declared
        inferred = infer_with_onnx(node, inputs, opset)
        if inferred is not None or binding.overridden:
            return inferred
        if declared is None:
            infos = (parse_value_info(graph.buf, a, b) for a, b in graph.value_info)
            declared = {i.name: _declared_type(i.type, binding) for i in (*infos, *graph.output)}
        if not any(name in declared for name in node.outputs):
            return None
        return tuple(declared.get(name, TensorType(DType.UNDEFINED, None)) for name in node.outputs)

    return infer


def declared_names(graph: GraphProto) -> frozenset[str]:
    """The symbols that a graph's file declares for extents of values and of outputs: what is computed takes no name of
    theirs."""
    infos = (*(parse_value_info(graph.buf, a, b) for a, b in graph.value_info), *graph.output)
    return frozenset(symbols(*(declared_dim(d, "?") for i in infos for d in i.type.dims or () if d is not None)))


def _declared_type(t: TypeProto, binding: InputBinding) -> TensorType:
    """A TypeProto -> the tensor type; its shape is known only where every extent is declared."""
    dtype = DTYPE_OF_CODE.get(t.elem_type, DType.UNDEFINED)
    if t.kind != "tensor" or t.dims is None or any(d is None or (isinstance(d, int) and d < 0) for d in t.dims):
        return TensorType(dtype, None)
    extents = [declared_dim(d, "?", binding.dim_params) if d else 0 for d in t.dims]
    return TensorType(dtype, tuple([substitute(d, binding.symbols) for d in extents]))


def infer_with_onnx(node: Node, inputs: Sequence[TensorType | None], opset: Mapping[str, int]) -> Types | None:
    """A node and its input types -> the output types by ONNX's inference; None where an extent is a symbol, or where it
    gives none."""
    if any(t is not None and (t.shape is None or any(isinstance(d, Poly) for d in t.shape)) for t in inputs):
        return None
    from onnx import checker, defs, helper, shape_inference

    version = opset.get(node.domain, 1)
    if not defs.has(node.op_type, node.domain):
        return None
    try:
        schema = defs.get_schema(node.op_type, version, node.domain)
        proto = helper.make_node(
            node.op_type, node.inputs, node.outputs, domain=node.domain, **_attributes(node.attributes)
        )
        tensors = [
            (name, t.dtype.value[2], [int(d) for d in t.shape or ()], t.value)
            for name, t in zip(node.inputs, inputs, strict=True)
            if t is not None
        ]
        types = {name: helper.make_tensor_type_proto(code, shape) for name, code, shape, _ in tensors}
        data = {
            name: helper.make_tensor(name, code, shape, value)
            for name, code, shape, value in tensors
            if value is not None and not any(isinstance(v, Poly) for v in value)
        }
        imports = [helper.make_opsetid(domain, number) for domain, number in opset.items()]
        protos = shape_inference.infer_node_outputs(schema, proto, types, data, opset_imports=imports)
    except (shape_inference.InferenceError, checker.ValidationError, defs.SchemaError, ValueError, TypeError):
        return None  # it cannot tell; the node's outputs are then unknown, and reported so
    return tuple(_from_onnx(protos.get(name)) for name in node.outputs)


def _attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as onnx.helper takes them; ValueError for a tensor, whose elements we may not have."""
    if any(isinstance(v, TensorType) for v in attributes.values()):
        raise ValueError("a tensor attribute")
    return {k: list(v) if isinstance(v, tuple) else v for k, v in attributes.items()}


def _from_onnx(proto: Any) -> TensorType:
    if proto is None or not proto.HasField("tensor_type"):
        return TensorType(DType.UNDEFINED, None)
    tensor = proto.tensor_type
    dtype = DTYPE_OF_CODE.get(tensor.elem_type, DType.UNDEFINED)
    dims = tensor.shape.dim
    if not tensor.HasField("shape") or any(not d.HasField("dim_value") for d in dims):
        return TensorType(dtype, None)
    return TensorType(dtype, tuple(d.dim_value for d in dims))


def onnx_operators() -> frozenset[tuple[str, str]]:
    """(domain, name) of each operator."""
    from onnx import defs

    return frozenset((schema.domain, schema.name) for schema in defs.get_all_schemas())
