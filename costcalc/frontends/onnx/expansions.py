"""Operators that need more than a rule -> the function that adds each to the graph: most are graphs of other operators.

Local functions of an ONNX file are inlined where they are called; the call's name becomes a scope.

ConstantOfShape and NonZero: torch's older exporter writes arange(n) as NonZero(ones(n)). Of a constant other than 0
NonZero gives all elements, of 0 none, so that their number is known though n is open.

FlexAttention: the nodes of its modifiers stand in the graph before it, on the tensor of scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from costcalc.core.errors import LoadError
from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType
from costcalc.frontends.onnx.bodies import run_body
from costcalc.frontends.onnx.branch import expand_if
from costcalc.frontends.onnx.loops import expand_loop, expand_scan, expand_sequence_map
from costcalc.frontends.onnx.messages import FunctionProto, GraphProto
from costcalc.frontends.onnx.nchwc import find_block
from costcalc.frontends.onnx.scopes import Frame, ResolvedNode
from costcalc.frontends.onnx.walker import Expand, Walker
from costcalc.ops.attention import attention_heads
from costcalc.ops.common.channels import BLOCK, NCHWC, blocked_type
from costcalc.ops.reshape import reshape_extents


def expand_constant_of_shape(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds the node, and notes whether its output's elements are other than 0."""
    walker.add(call)
    value = call.attributes.get("value", TensorType(DType.FLOAT32, (1,), (0.0,)))
    if isinstance(value, TensorType) and value.value:
        walker.nonzero[call.outputs[0]] = bool(value.value[0])


def expand_nonzero(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds the node; of a constant it finds every element or none."""
    input_type = walker.builder.types[call.inputs[0]] if call.inputs else None
    filled = walker.nonzero.get(call.inputs[0]) if call.inputs else None
    if input_type is None or input_type.shape is None or filled is None:
        walker.add(call)
        return
    walker.add(call, (TensorType(DType.INT64, (max(input_type.rank, 1), input_type.elements if filled else 0)),))


def expand_reshape(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds the node; of one whose shape is an attribute, as below opset 5, the output's type is told by it."""
    target = call.attributes.get("shape")
    data = walker.builder.types.get(call.inputs[0]) if len(call.inputs) == 1 else None
    if data is None or data.shape is None or not isinstance(target, tuple):
        walker.add(call)
        return
    walker.add(call, (TensorType(data.dtype, reshape_extents(data.shape, target), data.value),))


SCORE_MODIFIERS = ("score_mod", "prob_mod")


def expand_flex_attention(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds score_mod and prob_mod, each run once on [B, H, S_q, S_kv], and the attention without them. Where a shape is
    not known they stay attributes, and the attention is unknown."""
    builder = walker.builder
    input_types = [builder.types[name] for name in call.inputs]
    if len(input_types) == 3 and all(t.shape is not None for t in input_types):
        h = attention_heads(input_types[0], input_types[1], input_types[2], None, 0, 0)
        default = DType.FLOAT64 if input_types[0].dtype is DType.FLOAT64 else DType.FLOAT32
        dtype = DTYPE_OF_CODE.get(call.attributes.get("softmax_precision", default.code), default)
        scores = TensorType(dtype, (h.batch, h.q_heads, h.queries, h.keys))
        for name in SCORE_MODIFIERS:
            body = call.attributes.pop(name, None)
            if body is None:
                continue
            if not isinstance(body, GraphProto) or len(body.input) != 1:
                raise LoadError(f"its {name} is no graph of one input", "export the model again")
            run_body(walker, frame, call, body, name, [scores])
    walker.add(call)


def expand_reorder_input(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds the node; the block that its channels are rounded up to is read off the graph's convolutions."""
    x = walker.builder.types.get(call.inputs[0]) if call.inputs else None
    if x is None or x.shape is None or len(x.shape) < 3:
        walker.add(call)
        return
    top = walker.definitions.top
    if not walker.channel_block:
        walker.channel_block = BLOCK if top is None else find_block(top, walker.cache)
    walker.add(call, (blocked_type(x, call.attributes.get("channels_last", 0), walker.channel_block),))


EXPANSIONS: Mapping[tuple[str, str], Expand] = {
    ("", "ConstantOfShape"): expand_constant_of_shape,
    ("ai.onnx.preview", "FlexAttention"): expand_flex_attention,
    (NCHWC, "ReorderInput"): expand_reorder_input,
    ("", "If"): expand_if,
    ("", "Loop"): expand_loop,
    ("", "NonZero"): expand_nonzero,
    ("", "Reshape"): expand_reshape,
    ("", "Scan"): expand_scan,
    ("", "SequenceMap"): expand_sequence_map,
}


def inline_function(walker: Walker, frame: Frame, call: ResolvedNode, function: FunctionProto) -> None:
    """Adds the function's body. Its values are named CALL/value, its nodes CALL/node."""
    if len(call.inputs) > len(function.input) or len(call.outputs) > len(function.output):
        raise LoadError(
            f"the local function takes {len(function.input)} inputs and gives {len(function.output)} outputs, "
            f"the call has {len(call.inputs)} and {len(call.outputs)}",
            "export the model again",
        )
    env = dict(zip_longest(function.input, call.inputs, fillvalue=""))
    forwarded = {name for name in function.output if name in env}
    env |= {
        name: outer
        for name, outer in zip(function.output, call.outputs, strict=False)
        if outer and name not in forwarded
    }
    attributes = {a.name: a.value for a in function.attribute} | call.attributes
    origin = (function.domain, function.name, function.overload)
    body = Frame(env, None, call.name, f"{call.name}/", (*call.scope, call.name), attributes, frame.depth + 1, origin)
    builder = walker.builder
    outer_opset = builder.opset
    builder.opset = {**outer_opset, **function.opset}
    try:
        walker.run(body, function.buf, function.node)
    finally:
        builder.opset = {**function.opset, **outer_opset}
    for name, outer in zip(function.output, call.outputs, strict=False):
        if outer and name in forwarded:
            builder.add(
                "Identity",
                (env[name],),
                name=f"{call.name}/{name}",
                outputs=(outer,),
                scope=body.scope,
                place=walker.place,
            )
