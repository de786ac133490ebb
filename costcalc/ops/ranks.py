"""(domain, op_type) -> the ranks that the operator's inputs must have, checked once for each node before its rules.

ONNX's schemas say nothing about ranks; here stand those that rules rely on. A text has one word for each input: `3`
(that rank), `2-3` (one of these), `2+` (at least), `*` (any).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from costcalc.core.errors import ShapeError
from costcalc.core.ir import SequenceType, TensorType
from costcalc.core.registry import MS

RANKS: dict[tuple[str, str], str] = {
    ("", "GridSample"): "3+ 3+",
    (MS, "AttnLSTM"): "3 3 3 * * * * * 3 3 2 3 * 3",
    (MS, "BiasSplitGelu"): "1+",
    (MS, "BranchwiseRMSNorm"): "1+",
    (MS, "CDist"): "2 2",
    (MS, "DecoderMaskedMultiHeadAttention"): "3-5 * * * * 4 4",
    (MS, "DynamicQuantizeLSTM"): "3 3 3",
    (MS, "EngramGate"): "4 4 3 2 2 2",
    (MS, "GatedAdd"): "* * 1+",
    (MS, "GatedRelativePositionBias"): "2-3 1 4 2 1 4 2",
    (MS, "GridSample"): "3+ 3+",
    (MS, "GroupNorm"): "3+",
    (MS, "GroupQueryAttention"): "3 * * 4 4",
    (MS, "HyperConnectionLowRankMix"): "1+ 1 2 2 2",
    (MS, "HyperConnectionPostMix"): "2+",
    (MS, "HyperConnectionPreMix"): "2+",
    (MS, "Irfft"): "2+",
    (MS, "MatMulBlockQuantizedFp4Weight"): "1+ 2",
    (MS, "MatMulBlockQuantizedFp8Weight"): "1+ 2",
    (MS, "MatMulNBitsQLoRA"): "1+ 3 * 3 2 3 2",
    (MS, "MoE"): "1+ * 3 * 3 * 3",
    (MS, "MoEGroupRouter"): "1+ 1 2",
    (MS, "MultiHeadAttention"): "3-5 * * * * * 4 4",
    (MS, "PackedAttention"): "2 2 * 2",
    (MS, "PackedMultiHeadAttention"): "2-4 2 2 * 2",
    (MS, "QLinearAveragePool"): "3+",
    (MS, "QLinearConv"): "3+ * * 3+",
    (MS, "QLinearGlobalAveragePool"): "3+",
    (MS, "QMoE"): "1+ * 3 * * 3 * * 3",
    (MS, "QOrderedAttention"): "* * * * * 2 2 2",
    (MS, "QOrderedMatMul"): "2+ * 2+",
    (MS, "RMSNormRotary"): "4 1 * 2 2",
    (MS, "RemovePadding"): "3",
    (MS, "RestorePadding"): "2 2",
    (MS, "Rfft"): "1+",
    (MS, "RouterGateUpProj"): "1+ 2",
    (MS, "SkipGroupNorm"): "3+",
    (MS, "SkipLayerNormalization"): "1+",
    (MS, "SkipSimplifiedLayerNormalization"): "1+",
    (MS, "SwiGLU"): "1+",
}


@cache
def find_ranks(domain: str, op_type: str) -> tuple[tuple[int, float], ...]:
    """An operator -> the least and the largest rank of each input; () where nothing is known."""
    bounds = []
    for word in RANKS.get((domain, op_type), "").split():
        low, _, high = word.replace("*", "0+").replace("+", "-inf").partition("-")
        bounds.append((int(low), float(high or low)))
    return tuple(bounds)


def check_ranks(domain: str, op_type: str, inputs: Sequence[TensorType | None]) -> None:
    """ShapeError where an input of a known shape has another rank than the operator takes."""
    for i, (t, (low, high)) in enumerate(zip(inputs, find_ranks(domain, op_type), strict=False), 1):
        if t is None or t.shape is None or isinstance(t, SequenceType) or low <= len(t.shape) <= high:
            continue
        wanted = str(low) if low == high else f"{low} or more" if high == float("inf") else f"{low} to {high:.0f}"
        raise ShapeError(f"input {i} has {len(t.shape)} axes, the operator takes {wanted}", "correct its shape")
