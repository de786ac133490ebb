"""Options of the analyses beside the graph: how it is executed, how it is trained, what it generates.

Frozen data; each field describes its own option (`costcalc.core.settings`). The command line makes its options of this
module at start-up, so it imports nothing else of the analyses.
"""

from typing import Annotated, NamedTuple

from costcalc.core.settings import Setting

OPTIMIZERS = ("sgd", "momentum", "adam", "adamw-8bit")
"""Names of the optimisers whose state is known."""

TFLM_RUNTIMES = ("tflm", "tflm:cortex-m", "tflm:cmsis-nn-m0", "tflm:cmsis-nn", "tflm:cmsis-nn-m55")
"""Builds of TensorFlow Lite for Microcontrollers whose arena is known: that of the tflite-micro package, and those of
32-bit Cortex-M cores with the reference kernels or with CMSIS-NN's."""

RUNTIMES = (*TFLM_RUNTIMES, "onnxruntime")
"""Names of runtimes whose memory is laid out as they do it."""

ALIGNMENT = 16
"""Alignment of an arena's offsets, in bytes, where no other is set."""


class ExecutionOptions(NamedTuple):
    """How the runtime is assumed to execute a graph.

    in_place: an elementwise operator writes over an input that nothing reads later. fuse: a contraction, the
    normalisation and activation behind it and the addition of a residual are one step, and so is every operator of a
    quantised model with the DequantizeLinear and QuantizeLinear around it. fuse_blocks: depthwise blocks are computed
    in slices too (this includes fuse). reorder: steps run in an order with a lower peak. align: alignment of an arena's
    offsets in bytes; None lays out no arena. runtime lays memory out as a runtime does; None as an ideal one.
    """

    in_place: Annotated[
        bool, Setting("flag", "Elementwise operators write over an input that nothing reads later.")
    ] = False
    fuse: Annotated[
        bool,
        Setting(
            "flag",
            "Conv, Gemm and MatMul with the normalisation, activation and residual addition behind them as one step.",
        ),
    ] = False
    fuse_blocks: Annotated[
        bool,
        Setting(
            "flag",
            "--fuse, and depthwise blocks in slices: what the convolution before and the depthwise one give is never "
            "materialised.",
        ),
    ] = False
    reorder: Annotated[bool, Setting("flag", "Look for an execution order with a lower peak.")] = False
    align: Annotated[
        int | None,
        Setting("count", "Lay the tensors out in one arena, with offsets that are multiples of this.", metavar="BYTES"),
    ] = None
    runtime: Annotated[
        str | None,
        Setting(
            "choice",
            "Lay memory out as this runtime does: tflm (the tflite-micro package), tflm:cortex-m (32-bit, reference "
            "kernels), tflm:cmsis-nn (M4, M7, M33), tflm:cmsis-nn-m0, tflm:cmsis-nn-m55, onnxruntime.",
            choices=RUNTIMES,
            metavar="NAME",
        ),
    ] = None


class TrainingOptions(NamedTuple):
    """How a model is trained. freeze are glob patterns of the names of parameters, layers, blocks or modules that are
    not trained, or, behind `!`, are; input_gradient computes the gradient of float inputs too; checkpoint saves only
    the inputs of blocks and computes the rest again."""

    optimizer: Annotated[str, Setting("choice", "Whose state is kept.  [default: adam]", choices=OPTIMIZERS)] = "adam"
    freeze: Annotated[
        tuple[str, ...],
        Setting(
            "texts",
            "Do not train parameters, layers, blocks or modules of this name: --freeze 'layer1*'. With `!` before it, "
            "train them though they are frozen: '!head*'.",
            metavar="PATTERN",
        ),
    ] = ()
    input_gradient: Annotated[bool, Setting("flag", "Compute the gradient of the float inputs too.")] = False
    checkpoint: Annotated[
        bool, Setting("flag", "Keep only the inputs of blocks and compute the rest of them again.")
    ] = False


class GenerationOptions(NamedTuple):
    """What a decoder generates: `generate` tokens for each of a batch of texts behind a prompt of `prompt` tokens;
    cache_dtype is the element type of its KV cache (None: that of the activations)."""

    prompt: Annotated[int, Setting("count", "Tokens of each prompt.  [default: 512]")] = 512
    generate: Annotated[int, Setting("count", "Tokens generated for each prompt.  [default: 128]")] = 128
    batch: Annotated[
        int, Setting("count", "How many texts at once (a batch of inputs is --dim N=8).  [default: 1]")
    ] = 1
    cache_dtype: Annotated[str | None, Setting("precision", "The KV cache as if stored in this type.")] = None
