"""A graph whose operators run on an Ethos-U55 or U65 -> estimates of the cycles and of the SRAM that Vela would give.

The cycles of an operator are the most of three: those of the MAC array and of the output unit, those of its feature
maps through SRAM, and those of its weights out of flash. The array works on blocks of outputs of a fixed size, and on
32 input channels of one kernel position, or 8 of four, at a time: what does not fill them is lost. Vela's own model
(npu_performance.py and architecture_features.py of ethos-u-vela 5.2.0, from which the figures of each configuration
are) also plans buffers block by block, moves weights ahead of their operator and compresses them. Weights are not read
here and count as stored: how far the estimates are from Vela's word is in vela_runs.csv.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, prod
from typing import NamedTuple

from costcalc.analysis.memory.liveness import Buffer, live_bytes, make_schedule
from costcalc.analysis.npu.call import NpuCall, extents, image_extents
from costcalc.core.ir import DType, Graph, Node


class EthosConfiguration(NamedTuple):
    """A configuration of the core. block is (height, width, depth) of the outputs that the array gives at once, cores
    how many such arrays there are; the others are cycles of the output unit for an element: of contractions and pools,
    of wide ones and products, of sums, of the largest of a window, of a clipped activation and of one by table;
    bytes are those a cycle of SRAM and of flash."""

    block: tuple[int, int, int]
    cores: int
    plain: Fraction
    product: Fraction
    addition: Fraction
    largest: Fraction
    clip: Fraction
    table: Fraction
    sram_bytes: int
    flash_bytes: int


def _configuration(block: tuple[int, int, int], cores: int, cycles: str, sram: int) -> EthosConfiguration:
    plain, product, addition, largest, clip, table = [Fraction(text) for text in cycles.split()]
    return EthosConfiguration(block, cores, plain, product, addition, largest, clip, table, sram, 1)


CONFIGURATIONS: Mapping[str, EthosConfiguration] = {
    "ethos-u55-32": _configuration((1, 1, 4), 1, "2 3 6 1 1 1", 8),
    "ethos-u55-64": _configuration((1, 1, 8), 1, "1 1.5 3 0.5 1 1", 8),
    "ethos-u55-128": _configuration((1, 2, 8), 1, "0.5 0.75 1.5 0.25 0.5 1", 8),
    "ethos-u55-256": _configuration((2, 2, 8), 1, "0.25 0.375 0.75 0.125 0.25 1", 8),
    "ethos-u65-256": _configuration((2, 2, 8), 1, "0.25 0.375 0.75 0.125 0.25 1", 16),
    "ethos-u65-512": _configuration((2, 2, 8), 2, "0.125 0.1875 0.375 0.0625 0.125 0.5", 16),
}
"""By name. Flash gives one byte a cycle: 0.5 GB/s at 500 MHz (vela.ini, Ethos_U55_High_End_Embedded and
Ethos_U65_Embedded)."""

BRICK = 16
"""Channels that an intermediate feature map is filled up to: Vela's format NHCWB16."""

SCALE_BYTES = 10
"""Bytes of scale and bias for each output channel."""

SOFTMAX_STEPS = 27
"""Operations on one number of each row that Vela makes of a softmax of 8 bits, beside four on all elements."""

STEP_CYCLES = 20
"""Cycles of an operation on very few elements."""


class EthosEstimate(NamedTuple):
    """cycles, and sram bytes, as Vela is expected to give them; macs as it counts them: those of the definition, and in
    pool_macs the elements under windows of pools and means, in softmax_macs two for each element of a softmax (its
    maximum and its sum), in upsampled_macs the zeros between the inputs of a transposed convolution."""

    cycles: int
    sram: int
    macs: int
    pool_macs: int
    softmax_macs: int
    upsampled_macs: int


def estimate_ethos_u(graph: Graph, nodes: Sequence[int], configuration: str, macs: int) -> EthosEstimate:
    """Graph, the indexes of the nodes that the NPU runs, a name of CONFIGURATIONS and the MACs of these nodes -> the
    estimates."""
    config = CONFIGURATIONS[configuration]
    calls = [NpuCall(graph, graph.nodes[index]) for index in nodes]
    cycles = sum(ceil(estimate_cycles(call, config)) for call in calls)
    pools = sum(_pool_macs(call) for call in calls)
    rows = sum(2 * prod(extents(call.image)) for call in calls if call.node.op_type in SOFTMAX)
    zeros = sum(_upsampled_macs(call) for call in calls if call.node.op_type in TRANSPOSED)
    sram = estimate_sram(graph, frozenset(nodes))
    return EthosEstimate(cycles, sram, macs + pools + rows + zeros, pools, rows, zeros)


def estimate_cycles(call: NpuCall, config: EthosConfiguration) -> Fraction:
    """A call -> cycles of the NPU."""
    operator, output = call.node.op_type, call.output
    elements = prod(extents(output))
    moved = sum(prod(extents(type_)) * type_.dtype.bits // 8 for _, type_ in call.feature_maps)
    memory = max(Fraction(moved, config.sram_bytes), Fraction(_weight_bytes(call), config.flash_bytes))
    if operator in FREE:
        return Fraction(0)
    if operator in SOFTMAX:
        rows = elements // max(1, extents(output)[-1])
        steps = SOFTMAX_STEPS * max(Fraction(STEP_CYCLES), rows * config.addition)
        return max(steps + 4 * elements * config.addition, memory)
    array = _array_cycles(call, config)
    return (
        max(array, elements * _output_cycles(call, config, array is not None), memory)
        if array
        else max(elements * _output_cycles(call, config, False), Fraction(STEP_CYCLES), memory)
    )


def _output_cycles(call: NpuCall, config: EthosConfiguration, is_array: bool) -> Fraction:
    """Cycles of the output unit for an element: of the operation, or of its activation where that is slower."""
    operator, activation = call.node.op_type, call.node.attributes.get("activation", "")
    wide = any(type_.dtype in (DType.INT16, DType.INT32) for _, type_ in call.feature_maps)
    if operator in ADDITIONS:
        own = config.addition
    elif operator in LARGEST_OF:
        own = config.largest
    elif operator in PRODUCTS or (is_array and wide):
        own = config.product
    else:
        own = config.plain
    by_table = activation in TABLE_ACTIVATIONS or operator in TABLES
    return max(own, config.table if by_table else config.clip if activation else Fraction(0))


def _array_cycles(call: NpuCall, config: EthosConfiguration) -> Fraction | None:
    """Cycles of the MAC array; None of an operator that does not use it."""
    operator = call.node.op_type
    batch, height, width, depth = image_extents(call.output)
    block_h, block_w, block_d = config.block
    positions = batch * ceil(height / block_h) * ceil(width / block_w)
    slices = ceil(depth / block_d)
    kernel = prod(call.kernel)
    twice = 2 if call.image is not None and call.image.dtype is DType.INT16 else 1
    least = 4 * block_d  # a block's weights arrive 8 bits a cycle for each output channel
    if operator in POOLS:
        steps = max(4, kernel) * positions * slices * twice
    elif operator in MEANS:
        image = extents(call.image)
        steps = 4 * ceil(prod(image) / max(1, prod(extents(call.output))) / 4) * positions * slices * twice
    elif operator in DEPTHWISE:
        steps = max(least, 4 * positions * twice) * ceil(kernel / 4) * slices
    elif operator in DENSE:
        weights = extents(call.input(1))
        inputs = weights[-1] if operator in FILTERS_LAST else weights[-2]
        steps = max(least, 4 * (prod(extents(call.output)) // max(1, depth))) * ceil(inputs / 32) * slices
    elif operator in CONVOLUTIONS:
        channels = image_extents(call.image)[3]
        whole, parts = kernel * ceil(channels * twice / 32), ceil(kernel * twice / 4) * ceil(channels / 8)
        steps = max(least, 4 * positions) * min(whole, parts) * slices
    else:
        return None
    return Fraction(steps, config.cores)


def _pool_macs(call: NpuCall) -> int:
    """The elements that a pool or a mean adds up or compares."""
    if call.node.op_type in MEANS:
        return prod(extents(call.image))
    return prod(call.kernel) * prod(extents(call.output)) if call.node.op_type in POOLS else 0


def _upsampled_macs(call: NpuCall) -> int:
    """MACs of a transposed convolution as one over the upsampled image, less those of the definition."""
    channels = image_extents(call.image)[3]
    return (
        prod(call.kernel)
        * channels
        * (prod(extents(call.output)) - prod(image_extents(call.image)[:3]) * extents(call.output)[-1])
    )


def _weight_bytes(call: NpuCall) -> int:
    """Bytes of the stored weights of a call, as stored, with scales and biases."""
    position = 1
    if call.node.op_type not in (*CONVOLUTIONS, *DEPTHWISE, *DENSE) or not call.is_stored(position):
        return 0
    weights = call.input(position)
    nbytes = prod(extents(weights)) * (weights.dtype.bits if weights else 0) // 8
    return nbytes + SCALE_BYTES * image_extents(call.output)[3]


def estimate_sram(graph: Graph, nodes: frozenset[int]) -> int:
    """Graph and its nodes on the NPU -> bytes of the feature maps that are alive at once, those between operators
    filled up to 16 channels, with the weights of the convolution that runs at the peak and of the next: elsewhere Vela
    moves no more weights ahead than fit below the peak."""
    schedule = make_schedule(graph)
    staged = [_staged_bytes(graph, [graph.nodes[i] for i in step.nodes if i in nodes]) for step in schedule.steps]
    ends = frozenset((*graph.inputs, *graph.outputs))
    buffers = tuple([b._replace(nbytes=_buffer_bytes(graph, b, ends)) for b in schedule.buffers])
    live = [nbytes for nbytes in live_bytes(schedule._replace(buffers=buffers)) if isinstance(nbytes, int)]
    peak = max(live, default=0)
    return peak + max([sum(staged[i : i + 2]) for i, nbytes in enumerate(live) if nbytes == peak], default=0)


def _buffer_bytes(graph: Graph, buffer: Buffer, ends: frozenset[str]) -> int:
    values = buffer.values or (buffer.name,)
    shape = extents(graph.types[values[0]])
    nbytes = buffer.nbytes if isinstance(buffer.nbytes, int) else 0
    if len(values) > 1 or len(shape) != 4 or not ends.isdisjoint(values) or not shape[-1]:
        return nbytes
    return nbytes // shape[-1] * BRICK * ceil(shape[-1] / BRICK)


def _staged_bytes(graph: Graph, nodes: Sequence[Node]) -> int:
    calls = [NpuCall(graph, node) for node in nodes]
    return sum(_weight_bytes(call) for call in calls if call.node.op_type in (*CONVOLUTIONS, *DEPTHWISE))


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONVOLUTIONS = _names("CONV_2D TRANSPOSE_CONV")
TRANSPOSED = _names("TRANSPOSE_CONV")
DEPTHWISE = _names("DEPTHWISE_CONV_2D")
DENSE = _names("FULLY_CONNECTED BATCH_MATMUL")
FILTERS_LAST = _names("FULLY_CONNECTED")
POOLS = _names("AVERAGE_POOL_2D MAX_POOL_2D")
MEANS = _names("MEAN")
SOFTMAX = _names("SOFTMAX")
ADDITIONS = _names("ADD SUB SQUARED_DIFFERENCE")
PRODUCTS = _names("MUL")
LARGEST_OF = _names("MAX_POOL_2D MAXIMUM MINIMUM")
TABLES = _names("TANH LOGISTIC HARD_SWISH EXP ELU GELU LOG RSQRT LEAKY_RELU")
TABLE_ACTIVATIONS = _names("TANH SIGN_BIT")
FREE = _names("RESHAPE SQUEEZE EXPAND_DIMS")
"""Families of operators by what runs them."""
