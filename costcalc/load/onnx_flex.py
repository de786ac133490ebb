"""FlexAttention: the nodes of its modifiers stand in the graph before it, on the tensor of scores."""

from __future__ import annotations

from costcalc.errors import LoadError
from costcalc.ir import DTYPE_OF_CODE, DType, TensorType
from costcalc.load.onnx_bodies import run_body
from costcalc.load.onnx_frame import Call, Frame
from costcalc.load.onnx_records import GraphProto
from costcalc.load.onnx_walk import Walker
from costcalc.ops.attention import attention_heads

MODIFIERS = ("score_mod", "prob_mod")


def expand_flex_attention(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds score_mod and prob_mod, each run once on [B, H, S_q, S_kv], and the attention without them. Where a shape is
    not known they stay attributes, and the attention is unknown."""
    builder = walker.builder
    given = [builder.types[name] for name in call.inputs]
    if len(given) == 3 and all(t.shape is not None for t in given):
        h = attention_heads(given[0], given[1], given[2], None, 0, 0)
        default = DType.FLOAT64 if given[0].dtype is DType.FLOAT64 else DType.FLOAT32
        dtype = DTYPE_OF_CODE.get(call.attributes.get("softmax_precision", default.code), default)
        scores = TensorType(dtype, (h.batch, h.q_heads, h.queries, h.keys))
        for name in MODIFIERS:
            body = call.attributes.pop(name, None)
            if body is None:
                continue
            if not isinstance(body, GraphProto) or len(body.input) != 1:
                raise LoadError(f"its {name} is no graph of one input", "export the model again")
            run_body(walker, frame, call, body, name, [scores])
    walker.add(call)
