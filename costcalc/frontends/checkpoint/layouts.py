"""How quantised weights are stored: a weight of [N, K] (N outputs, K inputs; axes before them are experts) -> the
tensors that a file has for it, with their element types and shapes.

Each layout names its source. Suffixes replace `weight` at the end of the parameter's name: `….q_proj.weight` is stored
as `….q_proj.qweight`, `….q_proj.qzeros` and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from costcalc.frontends.checkpoint.safetensors import BITS

Shape = tuple[int, ...]


class StoredPart(NamedTuple):
    """A tensor that a file has for a weight: the suffix of its name, its element type and shape."""

    suffix: str
    encoding: str
    shape: Shape

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor."""
        bits = BITS[self.encoding]
        for extent in self.shape:
            bits *= extent
        return (bits + 7) // 8


class WeightLayout(NamedTuple):
    """How a weight is stored: a label for tables (`int4 in groups of 128`), and a function from its shape to a file's
    tensors. exact is False where a file has more bytes that depend on its contents. compute_dtype is the element type
    that kernels may multiply in, the other operand quantised for it; "" where weights alone are quantised."""

    label: str
    parts: Callable[[Shape], Sequence[StoredPart]]
    exact: bool = True
    compute_dtype: str = ""

    def nbytes(self, shape: Shape) -> int:
        """Bytes of a weight of a shape, with its scales and zero points."""
        return sum([part.nbytes for part in self.parts(shape)])


def ceil_div(a: int, b: int) -> int:
    """⌈a / b⌉."""
    return -(-a // b)


def groups_of(k: int, group: int) -> int:
    """The number of groups along K: one where the group is -1 or 0, the whole row."""
    return ceil_div(k, group) if group > 0 else 1


def awq_layout(bits: int, group: int, version: str) -> WeightLayout:
    """AutoAWQ, WQLinear_GEMM and WQLinear_GEMV (awq/modules/linear): words of 32 bits along N (gemm) or K (gemv)."""
    words = 32 // bits

    def gemm(shape: Shape) -> Sequence[StoredPart]:
        *lead, n, k = shape
        rows = groups_of(k, group)
        return (
            StoredPart("qweight", "I32", (*lead, k, n // words)),
            StoredPart("qzeros", "I32", (*lead, rows, n // words)),
            StoredPart("scales", "F16", (*lead, rows, n)),
        )

    def gemv(shape: Shape) -> Sequence[StoredPart]:
        *lead, n, k = shape
        multiple = {128: 1, 64: 2, 32: 4}.get(group, 1)
        width = ceil_div(ceil_div(groups_of(k, group), words), multiple) * multiple
        return (
            StoredPart("qweight", "I32", (*lead, n, k // words)),
            StoredPart("qzeros", "I32", (*lead, n, width)),
            StoredPart("scales", "F16", (*lead, n, width * words)),
        )

    return WeightLayout(f"int{bits} AWQ{_by_group(group)}", gemv if version == "gemv" else gemm)


def gptq_layout(bits: int, group: int) -> WeightLayout:
    """AutoGPTQ and GPTQModel, QuantLinear: words of 32 bits along K; zero points and the group of each input are
    stored whether or not they are used."""

    def parts(shape: Shape) -> Sequence[StoredPart]:
        *lead, n, k = shape
        rows = groups_of(k, group)
        return (
            StoredPart("qweight", "I32", (*lead, ceil_div(k * bits, 32), n)),
            StoredPart("qzeros", "I32", (*lead, rows, ceil_div(n * bits, 32))),
            StoredPart("scales", "F16", (*lead, rows, n)),
            StoredPart("g_idx", "I32", (*lead, k)),
        )

    return WeightLayout(f"int{bits} GPTQ{_by_group(group)}", parts)


def nf4_layout(kind: str, double: bool) -> WeightLayout:
    """bitsandbytes, Params4bit and QuantState.as_dict(packed=True): 64 values share a scale, float32, or where these
    are quantised too a byte and for every 256 of them one float32. The JSON of the state has a length of its own."""

    def parts(shape: Shape) -> Sequence[StoredPart]:
        *lead, n, k = shape
        blocks = ceil_div(n * k, 64)
        nested = (
            StoredPart("weight.nested_absmax", "F32", (*lead, ceil_div(blocks, 256))),
            StoredPart("weight.nested_quant_map", "F32", (*lead, 256)),
        )
        return (
            StoredPart("weight", "U8", (*lead, ceil_div(n * k, 2), 1)),
            StoredPart("weight.absmax", "U8" if double else "F32", (*lead, blocks)),
            StoredPart("weight.quant_map", "F32", (*lead, 16)),
            *(nested if double else ()),
        )

    return WeightLayout(f"{kind} in blocks of 64", parts, exact=False)


def int8_rows_layout() -> WeightLayout:
    """bitsandbytes, Linear8bitLt: int8, one float32 for each output (SCB), and one byte that names the format."""
    return WeightLayout(
        "int8 by rows",
        lambda shape: (
            StoredPart("weight", "I8", shape),
            StoredPart("SCB", "F32", shape[:-1]),
            StoredPart("weight_format", "U8", shape[:-2]),
        ),
        compute_dtype="int8",
    )


class Scales(NamedTuple):
    """The scales of a layout: suffix, element type, and the block (of N, of K) that shares one, 0 for the whole axis;
    flat is the shape of a single scale of the whole weight, `()` or `(1,)`."""

    suffix: str
    encoding: str
    block: tuple[int, int] = (0, 0)
    flat: Shape = ()

    def part(self, shape: Shape) -> StoredPart:
        """The tensor of these scales for a weight of a shape."""
        *lead, n, k = shape
        rows, columns = self.block
        if not rows and not columns:
            return StoredPart(self.suffix, self.encoding, (*lead, *self.flat))
        grid = (ceil_div(n, rows) if rows else 1, ceil_div(k, columns) if columns else 1)
        return StoredPart(self.suffix, self.encoding, (*lead, *grid))


FP8, FP4 = "float8e4m3fn", "float4e2m1"
"""Element types that kernels multiply in."""


def scaled_layout(
    label: str, payload: StoredPart, scales: Sequence[Scales], values: int = 1, compute_dtype: str = ""
) -> WeightLayout:
    """A label, the tensor of the values (its shape is ignored), the scales, how many values an element of that tensor
    holds along K, and what kernels may multiply in -> the layout."""

    def parts(shape: Shape) -> Sequence[StoredPart]:
        *lead, n, k = shape
        stored = payload._replace(shape=(*lead, n, ceil_div(k, values)))
        return (stored, *[scale.part(shape) for scale in scales])

    return WeightLayout(label, parts, compute_dtype=compute_dtype)


def fp8_layout(block: Sequence[int], scale_encoding: str, static: bool) -> WeightLayout:
    """float8e4m3fn with a scale for each block, as DeepSeek-V3 stores it (`weight_scale_inv`), or one for the whole
    weight; with a fixed scale of the input too where that is static (transformers, integrations/finegrained_fp8.py)."""
    size = (block[0], block[1]) if block else (0, 0)
    scales = [Scales("weight_scale_inv", scale_encoding, size)]
    if static:
        scales.append(Scales("activation_scale", "F32"))
    label = f"fp8 in blocks of {block[0]}×{block[1]}" if block else "fp8"
    return scaled_layout(label, StoredPart("weight", "F8_E4M3", ()), scales, compute_dtype=FP8)


def mxfp4_layout() -> WeightLayout:
    """gpt-oss: `…_blocks` with 32 values in 16 bytes, `…_scales` with a byte of exponent for each 32 (OCP Microscaling
    1.0); the parameter's own name is the stem. The file quantises weights alone. Kernels with the highest rate quantise
    the other operand to float8 (MXFP8), and tensor cores multiply float8 by float4 at their rate of float8; a device
    without float8 converts the weights to the other operand's type."""

    def parts(shape: Shape) -> Sequence[StoredPart]:
        count = 1
        for extent in shape:
            count *= extent
        return (
            StoredPart("_blocks", "U8", (ceil_div(count, 32), 16)),
            StoredPart("_scales", "U8", (ceil_div(count, 32),)),
        )

    return WeightLayout("mxfp4", parts, compute_dtype=FP8)


def packed_layout(bits: int, group: int, symmetric: bool, order: bool, scale_encoding: str) -> WeightLayout:
    """compressed-tensors, PackedQuantizationCompressor: words of 32 bits along K, scales in the model's type, the shape
    as two int64; zero points packed along N where they are used, and the group of each input where it is reordered."""

    def parts(shape: Shape) -> Sequence[StoredPart]:
        *lead, n, k = shape
        columns = groups_of(k, group)
        optional = (
            *(() if symmetric else (StoredPart("weight_zero_point", "I32", (*lead, ceil_div(n * bits, 32), columns)),)),
            *((StoredPart("weight_g_idx", "I32", (*lead, k)),) if order else ()),
        )
        return (
            StoredPart("weight_packed", "I32", (*lead, n, ceil_div(k * bits, 32))),
            StoredPart("weight_scale", scale_encoding, (*lead, n, columns)),
            StoredPart("weight_shape", "I64", (*lead, 2)),
            *optional,
        )

    return WeightLayout(f"int{bits} packed{_by_group(group)}", parts)


def _by_group(group: int) -> str:
    return f" in groups of {group}" if group > 0 else " by rows"
