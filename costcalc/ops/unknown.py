"""Operators of ONNX and ONNX Runtime without a cost rule, and why: they are unknown by name, and never count as 0."""

from __future__ import annotations

from costcalc.core.registry import MS, declare_unknown

_GENERATION = "runs a decoder in a loop that ends by the tokens it gives: export the decoder and use `costcalc llm`"

_DEVICE = "a compiled network of one device stands in it, which only that device reads"

_DATA = "how much it computes depends on indices or lengths that other nodes compute"

_STATE = "copies or replays parts of states whose sizes stand in its data"

_FORMAT = "its stored bytes are in a runtime's own format, whose size of a block is not in the node"

_HASH = "hashes integers; no definition of its operations is published"

_UNPUBLISHED = "no definition of its arithmetic is published apart from the kernels"

_PLUGIN = "a plugin of TensorRT, defined by its kernels"

declare_unknown(_GENERATION, "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch", domain=MS)

declare_unknown(_DEVICE, "EPContext", "Snpe", domain=MS)

declare_unknown(
    _DATA,
    "DynamicSparseAttention",
    "GatedDeltaNet",
    "LongformerAttention",
    "QOrderedLongformerAttention",
    "Mamba2Verify",
    "PackedSparseAttentionIndexer",
    "PackedSparseAttentionIndexerMerge",
    "PagedAttention",
    "SparseAttention",
    "SparseAttentionIndexer",
    "SparsePagedAttention",
    "SparseToDenseMatMul",
    "SpeculativePrefixCommit",
    "BifurcationDetector",
    "DecoderAttention",
    "VarlenCausalConvWithState",
    domain=MS,
)

declare_unknown(_STATE, "ConvStateReplay", "GatedDeltaNetStateReplay", domain=MS)

declare_unknown(
    _FORMAT,
    "DequantizeBFP",
    "GatherPacked",
    "MatMulFpQ4",
    "MatMulPacked",
    "MoEPacked",
    "QuantizeBFP",
    domain=MS,
)

declare_unknown(_HASH, "MurmurHash3", "NGramHashMapping", "VarlenNGramHashMapping", domain=MS)

declare_unknown(_UNPUBLISHED, "MaxUnpool", "QLinearConvTranspose", domain="com.ms.internal.nhwc")

declare_unknown(_UNPUBLISHED, "GRUUnit")

declare_unknown(
    "stands for the gradients of nodes that are named by their values: use --training",
    "Gradient",
    domain="ai.onnx.preview.training",
)

declare_unknown(
    _PLUGIN,
    "DisentangledAttention_TRT",
    "EfficientNMS_TRT",
    "MultilevelCropAndResize_TRT",
    "PyramidROIAlign_TRT",
)
