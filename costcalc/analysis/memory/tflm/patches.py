"""FlatModel and the plan of its head -> PatchPlan: what computing the first operators patch by patch would save.

The first convolutions and pools run on one patch of their result after the other (arXiv:2110.15352, section 3): only
the input, the whole result and the tensors of one patch are there at once. Patches overlap where kernels do, so part of
the work is done again. The interpreter of TensorFlow Lite for Microcontrollers does not do this by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.analysis.memory.tflm.kernels import ELEMENT_BYTES, tensor_bytes
from costcalc.analysis.memory.tflm.planner import HeadPlan, align
from costcalc.core.flat_model import FlatModel, FlatOperator, FlatSubgraph, FlatTensor

PATCHED = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D")
"""Operators that read a window of their first input at each position."""

MOST_PATCHES = 4
"""Most patches along an axis that are tried: more overlap more."""


class PatchPlan(NamedTuple):
    """The first `operators` operators in patches × patches patches: the live bytes at the peak then, multiplications of
    these operators as they are, and in patches."""

    operators: int
    patches: int
    live_bytes: int
    macs: int
    patched_macs: int


def plan_patches(model: FlatModel, head: HeadPlan) -> PatchPlan | None:
    """A model and its head -> the plan with the lowest peak of live bytes, of equal ones that with the least work
    again; None where no plan has a lower peak than running operator by operator."""
    if len(model.subgraphs) > 1:
        return None
    subgraph, live = model.subgraphs[0], head.live_bytes()
    best: PatchPlan | None = None
    for count in range(2, len(patched_chain(subgraph)) + 1):
        rest = max(live[count + 1 :], default=0)
        for patches in range(2, MOST_PATCHES + 1):
            plan = measure_patches(subgraph, count, patches, rest)
            if best is None or (plan.live_bytes, plan.patched_macs) < (best.live_bytes, best.patched_macs):
                best = plan
    return best if best is not None and best.live_bytes < max(live) else None


def patched_chain(subgraph: FlatSubgraph) -> list[FlatOperator]:
    """A subgraph -> its first operators, as far as each reads what the one before it computes, which nothing else
    reads."""
    chain: list[FlatOperator] = []
    value = subgraph.inputs[0] if len(subgraph.inputs) == 1 else -1
    for operator in subgraph.operators:
        readers = sum(value in other.inputs for other in subgraph.operators)
        is_next = operator.name in PATCHED and operator.inputs[:1] == (value,) and readers == 1
        if value < 0 or not is_next or value in subgraph.outputs or not _is_plane(operator, subgraph.tensors):
            break
        chain.append(operator)
        value = operator.outputs[0]
    return chain


def _is_plane(operator: FlatOperator, tensors: Sequence[FlatTensor]) -> bool:
    """Whether an operator's tensors are [N, H, W, C], and those of its filters alike where it has no kernel_shape."""
    operands = operator.inputs[:1] if operator.attributes.get("kernel_shape") else operator.inputs[:2]
    indexes = (*operands, *operator.outputs[:1])
    return len(operands) == (1 if operator.attributes.get("kernel_shape") else 2) and all(
        index >= 0 and len(tensors[index].shape) == 4 for index in indexes
    )


def measure_patches(subgraph: FlatSubgraph, count: int, patches: int, rest: int) -> PatchPlan:
    """The first operators of a chain, patches along each axis, and the most live bytes behind them -> the plan."""
    tensors = subgraph.tensors
    result = tensors[subgraph.operators[count - 1].outputs[0]]
    extents = [-(-size // patches) for size in result.shape[1:3]]
    macs = patched_macs = needed = patch_bytes = 0
    for operator in reversed(subgraph.operators[:count]):
        x, y = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
        work = position_macs(operator, tensors)
        macs += y.shape[1] * y.shape[2] * work
        patched_macs += patches * patches * extents[0] * extents[1] * work
        extents = read_extents(operator, tensors, extents)
        is_first = operator is subgraph.operators[0]
        read_bytes = (
            0 if is_first else align(x.shape[0] * extents[0] * extents[1] * x.shape[3] * ELEMENT_BYTES[x.element])
        )
        needed, patch_bytes = max(needed, read_bytes + patch_bytes), read_bytes
    whole = align(tensor_bytes(tensors[subgraph.inputs[0]])) + align(tensor_bytes(result))
    return PatchPlan(count, patches, max(whole + needed, rest), macs, patched_macs)


def read_extents(operator: FlatOperator, tensors: Sequence[FlatTensor], extents: Sequence[int]) -> list[int]:
    """An operator and the extents of a patch of its output -> those of its input that the patch is computed from."""
    strides = operator.attributes.get("strides", (1, 1))
    dilations = operator.attributes.get("dilations", (1, 1))
    kernel = operator.attributes.get("kernel_shape") or tensors[operator.inputs[1]].shape[1:3]
    sizes = tensors[operator.inputs[0]].shape[1:3]
    return [
        min(size, (extent - 1) * stride + (reach - 1) * dilation + 1)
        for size, extent, stride, reach, dilation in zip(sizes, extents, strides, kernel, dilations, strict=True)
    ]


def position_macs(operator: FlatOperator, tensors: Sequence[FlatTensor]) -> int:
    """An operator -> its multiplications for one position of its output; 0 of a pool."""
    if operator.attributes.get("kernel_shape"):
        return 0
    return tensors[operator.inputs[1]].elements * tensors[operator.inputs[0]].shape[0]
