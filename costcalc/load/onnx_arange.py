"""ConstantOfShape and NonZero: torch's older exporter writes arange(n) as NonZero(ones(n)). Of a constant all elements
are found, or none where it is 0, so that their number is known though n is open."""

from __future__ import annotations

from costcalc.ir import DType, TensorType
from costcalc.load.onnx_frame import Call, Frame
from costcalc.load.onnx_walk import Walker


def expand_constant_of_shape(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds the node; remembers whether its output's elements are other than 0."""
    walker.add(call)
    value = call.attributes.get("value", TensorType(DType.FLOAT32, (1,), (0.0,)))
    if isinstance(value, TensorType) and value.value:
        walker.filled[call.outputs[0]] = bool(value.value[0])


def expand_nonzero(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds the node; of a constant it finds every element or none."""
    given = walker.builder.types[call.inputs[0]] if call.inputs else None
    found = walker.filled.get(call.inputs[0]) if call.inputs else None
    if given is None or given.shape is None or found is None:
        walker.add(call)
        return
    walker.add(call, (TensorType(DType.INT64, (given.rank, given.elements if found else 0)),))
