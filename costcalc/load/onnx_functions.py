"""Local functions of an ONNX file, inlined where they are called; the call's name becomes a scope."""

from __future__ import annotations

from itertools import zip_longest

from costcalc.errors import LoadError
from costcalc.load.onnx_frame import Call, Frame
from costcalc.load.onnx_records import FunctionProto
from costcalc.load.onnx_walk import Walker


def inline(walker: Walker, frame: Frame, call: Call, function: FunctionProto) -> None:
    """Adds the function's body. Its values are named CALL/value, its nodes CALL/node."""
    if len(call.inputs) > len(function.input) or len(call.outputs) > len(function.output):
        raise LoadError(
            f"the local function takes {len(function.input)} inputs and gives {len(function.output)} outputs, "
            f"the call has {len(call.inputs)} and {len(call.outputs)}",
            "export the model again",
        )
    env = dict(zip_longest(function.input, call.inputs, fillvalue=""))
    passed = {name for name in function.output if name in env}
    env |= {
        name: outer for name, outer in zip(function.output, call.outputs, strict=False) if outer and name not in passed
    }
    attributes = {a.name: a.value for a in function.attribute} | call.attributes
    origin = (function.domain, function.name, function.overload)
    body = Frame(env, None, call.name, f"{call.name}/", (*call.scope, call.name), attributes, frame.depth + 1, origin)
    builder = walker.builder
    outside = builder.opset
    builder.opset = {**outside, **function.opset}
    try:
        walker.run(body, function.buf, function.node)
    finally:
        builder.opset = {**function.opset, **outside}
    for name, outer in zip(function.output, call.outputs, strict=False):
        if outer and name in passed:
            builder.add(
                "Identity",
                (env[name],),
                name=f"{call.name}/{name}",
                outputs=(outer,),
                scope=body.scope,
                place=walker.place,
            )
