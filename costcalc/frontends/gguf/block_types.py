"""ggml's element types: number in the file -> name, values of a block and bytes of a block.

After `enum ggml_type` in ggml.h and the block structures in ggml-common.h (ggml-org/llama.cpp, 2026-08), and
GGML_QUANT_SIZES of the package gguf 0.19. They differ in Q8_1: ggml computes with two float16 before the 32 values, the
package writes two float32, as ggml had them in 2023. ggml stores no tensor in that type; so the package's size holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple


class BlockType(NamedTuple):
    """An element type: its name, the values that a block holds, and the block's bytes with scales and minima."""

    name: str
    values: int
    nbytes: int

    @property
    def bits(self) -> Fraction:
        """Bits of a value: 9/2 of Q4_K."""
        return Fraction(8 * self.nbytes, self.values)


BLOCK_TYPES: Mapping[int, BlockType] = {
    0: BlockType("F32", 1, 4),
    1: BlockType("F16", 1, 2),
    2: BlockType("Q4_0", 32, 2 + 16),
    3: BlockType("Q4_1", 32, 2 * 2 + 16),
    6: BlockType("Q5_0", 32, 2 + 4 + 16),
    7: BlockType("Q5_1", 32, 2 * 2 + 4 + 16),
    8: BlockType("Q8_0", 32, 2 + 32),
    9: BlockType("Q8_1", 32, 2 * 4 + 32),
    10: BlockType("Q2_K", 256, 2 * 2 + 16 + 64),
    11: BlockType("Q3_K", 256, 2 + 64 + 32 + 12),
    12: BlockType("Q4_K", 256, 2 * 2 + 12 + 128),
    13: BlockType("Q5_K", 256, 2 * 2 + 12 + 32 + 128),
    14: BlockType("Q6_K", 256, 2 + 16 + 64 + 128),
    15: BlockType("Q8_K", 256, 4 + 256 + 2 * 16),
    16: BlockType("IQ2_XXS", 256, 2 + 2 * 32),
    17: BlockType("IQ2_XS", 256, 2 + 2 * 32 + 8),
    18: BlockType("IQ3_XXS", 256, 2 + 64 + 32),
    19: BlockType("IQ1_S", 256, 2 + 32 + 16),
    20: BlockType("IQ4_NL", 32, 2 + 16),
    21: BlockType("IQ3_S", 256, 2 + 64 + 8 + 32 + 4),
    22: BlockType("IQ2_S", 256, 2 + 64 + 16),
    23: BlockType("IQ4_XS", 256, 2 + 2 + 4 + 128),
    24: BlockType("I8", 1, 1),
    25: BlockType("I16", 1, 2),
    26: BlockType("I32", 1, 4),
    27: BlockType("I64", 1, 8),
    28: BlockType("F64", 1, 8),
    29: BlockType("IQ1_M", 256, 32 + 16 + 8),
    30: BlockType("BF16", 1, 2),
    34: BlockType("TQ1_0", 256, 2 + 4 + 48),
    35: BlockType("TQ2_0", 256, 2 + 64),
    39: BlockType("MXFP4", 32, 1 + 16),
    40: BlockType("NVFP4", 64, 4 + 32),
    41: BlockType("Q1_0", 128, 2 + 16),
    42: BlockType("Q2_0", 64, 2 + 16),
}

REMOVED: Mapping[int, str] = {
    4: "Q4_2",
    5: "Q4_3",
    31: "Q4_0_4_4",
    32: "Q4_0_4_8",
    33: "Q4_0_8_8",
    36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8",
    38: "IQ4_NL_8_8",
}
"""Types of earlier files, which ggml does not read any more."""
