"""Names of runtimes to builds of TensorFlow Lite for Microcontrollers: the width of a pointer, the kernels, and the
sizes of the structures that the interpreter puts into the arena.

Sizes are those of C++ structures. On 64-bit x86 they are those of the Python package tflite-micro 0.dev20261023, which
is built with compression of tensors. On 32-bit Arm they follow from github.com/tensorflow/tflite-micro at 90b983c
(2026-08-20) and CMSIS-NN at 99f736a (2026-07-15), built by their Makefile, without compression, by the procedure call
standard (AAPCS, bare metal): 4-byte pointers, 8-byte alignment of int64 and double, and enumerations as short as their
values allow, which is the default of arm-none-eabi-gcc. No such board was at hand: the 32-bit sizes are derived, those
of the package are measured.
"""

from __future__ import annotations

from typing import NamedTuple

ALIGNMENT = 16
"""Alignment of tensors and of buffers that kernels ask for (micro_arena_constants.h)."""

CMSIS_NN_CORES = {"tflm:cmsis-nn-m0": "base", "tflm:cmsis-nn": "dsp", "tflm:cmsis-nn-m55": "mve"}
"""Runtimes with CMSIS-NN kernels -> the instructions that those are compiled for."""


class TflmBuild(NamedTuple):
    """A build: its name, what it is in words, the width of its pointers in bits, the instructions that its CMSIS-NN
    kernels are compiled for ("" with the reference kernels), and whether its allocator records what it allocates."""

    name: str
    label: str
    bits: int
    cmsis_nn: str = ""
    is_recording: bool = False

    def size_of(self, structure: str) -> int:
        """A structure of STRUCTURES -> its bytes."""
        return STRUCTURES[structure][0 if self.bits == 64 else 2]

    def alignment_of(self, structure: str) -> int:
        """A structure of STRUCTURES -> the alignment of its address, in bytes."""
        return STRUCTURES[structure][1 if self.bits == 64 else 3]

    @property
    def pointer(self) -> int:
        """Bytes of a pointer."""
        return self.bits // 8


BUILDS: dict[str, TflmBuild] = {
    build.name: build
    for build in (
        TflmBuild("tflm", "the tflite-micro package: 64-bit x86, reference kernels, recording", 64, is_recording=True),
        TflmBuild("tflm:cortex-m", "32-bit Arm Cortex-M, reference kernels", 32),
        TflmBuild("tflm:cmsis-nn-m0", "32-bit Arm Cortex-M without DSP (M0, M0+, M3), CMSIS-NN kernels", 32, "base"),
        TflmBuild("tflm:cmsis-nn", "32-bit Arm Cortex-M with DSP (M4, M7, M33), CMSIS-NN kernels", 32, "dsp"),
        TflmBuild("tflm:cmsis-nn-m55", "32-bit Arm Cortex-M with MVE (M52, M55, M85), CMSIS-NN kernels", 32, "mve"),
    )
}
"""Builds by the names that --runtime takes."""

_TABLE = """
SingleArenaBufferAllocator 72 8 36 4
RecordingSingleArenaBufferAllocator 104 8 52 4
GreedyMemoryPlanner 72 8 44 4
MicroAllocator 72 8 36 4
RecordingMicroAllocator 272 8 124 4
MicroBuiltinDataAllocator 16 8 8 4
MicroResourceVariables 16 8 12 4
MicroResourceVariable 40 8 20 4
SubgraphAllocations 24 8 8 4
TfLiteEvalTensor 24 8 12 4
TfLiteTensor 64 8 32 4
TfLiteAffineQuantization 24 8 12 4
NodeAndRegistration 64 8 32 4
ScratchBufferHandle 8 8 4 4
ScratchBufferRequest 16 8 12 4
AllocationInfo 32 8 24 4
PlannedBuffer 40 4 40 4

TfLiteConvParams 28 4 28 4
TfLitePoolParams 40 4 40 4
TfLiteDepthwiseConvParams 28 4 28 4
TfLiteSVDFParams 12 4 8 4
TfLiteFullyConnectedParams 32 8 5 1
TfLiteSoftmaxParams 4 4 4 4
TfLiteConcatenationParams 8 4 8 4
TfLiteAddParams 8 4 2 1
TfLiteSubParams 8 4 2 1
TfLiteMulParams 4 4 1 1
TfLiteDivParams 4 4 1 1
TfLiteL2NormParams 4 4 1 1
TfLiteBatchMatMulParams 3 1 3 1
TfLiteUnidirectionalSequenceLSTMParams 16 4 16 4
TfLiteResizeBilinearParams 2 1 2 1
TfLiteResizeNearestNeighborParams 2 1 2 1
TfLiteReshapeParams 36 4 36 4
TfLiteSpaceToDepthParams 4 4 4 4
TfLiteDepthToSpaceParams 4 4 4 4
TfLiteCastParams 8 4 2 1
TfLiteGatherParams 8 4 8 4
TfLiteReducerParams 1 1 1 1
TfLiteSplitParams 4 4 4 4
TfLiteSplitVParams 4 4 4 4
TfLiteSqueezeParams 36 4 36 4
TfLiteStridedSliceParams 24 4 24 4
TfLiteArgMaxParams 4 4 1 1
TfLiteArgMinParams 4 4 1 1
TfLiteTransposeConvParams 20 4 16 4
TfLiteShapeParams 4 4 1 1
TfLitePackParams 8 4 8 4
TfLiteUnpackParams 8 4 8 4
TfLiteLeakyReluParams 4 4 4 4
TfLiteMirrorPaddingParams 4 4 1 1
TfLiteIfParams 8 4 8 4
TfLiteWhileParams 8 4 8 4
TfLiteCumsumParams 2 1 2 1
TfLiteCallOnceParams 4 4 4 4
TfLiteVarHandleParams 16 8 8 4

OpDataAssignVariable 4 4 0 1
ReluOpData 28 4 28 4
Relu6OpData 8 4 8 4
OpDataAdd 60 4 60 4
OpDataAddN 40 4 40 4
OpDataBatchMatmul 32 8 16 4
QuantizationOpDataBatchMatmul 28 4 28 4
OpDataCallOnce 8 4 8 4
OpDataCircularBuffer 8 4 8 4
OpDataComparison 32 4 32 4
OpDataConcatenation 80 8 24 4
OpDataConv 80 8 56 4
OpDataCumSum 36 4 36 4
DequantizeOpData 32 8 32 8
OpDataDiv 28 4 28 4
OpDataAbsRsqrt 28 4 20 4
OpDataElu 256 1 256 1
OpDataEmbeddingLookup 16 8 8 4
OpDataFullyConnected 72 8 48 4
HardSwishParams 20 4 20 4
OpDataIf 8 4 8 4
L2NormalizationParams 4 4 4 4
LeakyReluOpData 24 4 24 4
LogSoftmaxOpData 40 8 28 4
OpDataLogistic 16 4 16 4
OpDataLSTM 688 8 688 8
OpDataMirrorPad 20 4 20 4
OpDataMul 36 4 36 4
OpDataPad 56 4 56 4
OpDataPooling 32 4 32 4
PreluParams 28 4 28 4
OpDataQuantizeReference 32 8 32 8
OpDataReduce 44 4 44 4
OpDataSelect 1 1 1 1
SoftmaxParams 80 8 56 8
SpaceToBatchParams 4 4 4 4
OpDataSquaredDifference 112 8 112 8
StridedSliceParams 84 4 84 4
OpDataSub 52 4 52 4
OpDataSvdf 36 4 36 4
OpDataTanh 16 4 16 4
OpDataTransposeConv 88 8 72 4
OpDataVarHandle 4 4 4 4
OpDataWhile 8 4 8 4

CmsisNnOpDataConv 80 8 60 4
CmsisNnOpDataFullyConnected 96 8 72 4
CmsisNnOpDataPooling 36 4 36 4
CmsisNnOpDataTransposeConv 88 8 76 4
CmsisNnOpDataBatchMatmul 56 8 36 4
CMSISNNSoftmaxParams 88 8 64 8
CmsisNnOpDataSvdf 48 8 40 4
CmsisNnOpDataLSTM 1008 8 912 8
"""

STRUCTURES: dict[str, tuple[int, int, int, int]] = {
    name: (int(a), int(b), int(c), int(d)) for name, a, b, c, d in map(str.split, filter(None, _TABLE.split("\n")))
}
"""Structure -> its bytes and alignment on x86-64, and on 32-bit Arm. Those of one name in several kernels (`OpData`)
have that of their operator behind it. A PlannedBuffer is what the planner needs for each buffer."""
