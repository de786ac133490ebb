"""Options of the analyses beside the graph: how it is executed, how it is trained, what it generates.

Frozen data; each field describes its own option (`costcalc.core.settings`). The command line makes its options of this
module at start-up, so it imports nothing else of the analyses.
"""

from typing import Annotated, NamedTuple

from costcalc.core.errors import UsageError
from costcalc.core.settings import Setting

OPTIMIZERS = ("sgd", "momentum", "adam", "adamw-8bit", "adam-mixed")
"""Names of the optimisers whose state is known."""

RECOMPUTE = ("none", "selective", "full")
"""What the backward pass on several devices computes again: nothing, the insides of attentions, whole blocks."""

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
    the inputs of blocks and computes the rest again. Over several devices: zero is the stage of ZeRO, sequence_parallel
    and recompute (none, selective, full) those of Megatron-LM; the model's batch is a micro-batch of a replica, of
    which a step has micro_batches."""

    optimizer: Annotated[
        str, Setting("choice", "The optimiser, whose state is kept.  [default: adam]", choices=OPTIMIZERS)
    ] = "adam"
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
    zero: Annotated[
        int | None,
        Setting(
            "count", "Over replicas: 1 splits the optimizer's state, 2 gradients too, 3 weights too.", metavar="STAGE"
        ),
    ] = None
    sequence_parallel: Annotated[bool, Setting("flag", "Split along the sequence what --tp leaves whole.")] = False
    recompute: Annotated[
        str,
        Setting("choice", "On several devices: what is computed again.  [default: none]", choices=RECOMPUTE),
    ] = "none"
    micro_batches: Annotated[int | None, Setting("count", "Micro-batches of a step.  [default: as many as --pp]")] = (
        None
    )


DEFAULT_PROMPT = 512
"""Tokens of a prompt where nothing says how many."""


class GenerationOptions(NamedTuple):
    """What a decoder generates: `generate` tokens for each of a batch of texts behind a prompt of `prompt` tokens
    (None: as many as --dim binds the text's length to, else DEFAULT_PROMPT); cache_dtype is the element type of its KV
    cache (None: that of the activations), which holds whole pages of so many tokens. prefill_chunk cuts the prompt's
    pass. With draft_tokens, each step checks so many guesses of a cheaper model or of extra heads, each of which is
    right with the probability `acceptance`, whatever the others are."""

    prompt: Annotated[
        int | None, Setting("count", "Tokens of each prompt.  [default: the text's length of --dim, else 512]")
    ] = None
    generate: Annotated[int, Setting("count", "Tokens generated for each prompt.  [default: 128]")] = 128
    batch: Annotated[
        int, Setting("count", "How many texts at once (a batch of inputs is --dim N=8).  [default: 1]")
    ] = 1
    cache_dtype: Annotated[
        str | None, Setting("precision", "The KV cache as if stored in this type: fp8.", alias="--kv-dtype")
    ] = None
    page: Annotated[int, Setting("count", "The cache of a text in blocks of so many tokens.  [default: 1]")] = 1
    prefill_chunk: Annotated[
        int | None, Setting("count", "The prompt's pass in chunks of so many tokens: a lower peak of activations.")
    ] = None
    draft_tokens: Annotated[
        int | None, Setting("count", "Tokens that a draft model, or extra heads, guess before each step.")
    ] = None
    acceptance: Annotated[float | None, Setting("ratio", "Probability that a guess is right, 0 to 1.", metavar="A")] = (
        None
    )


class ParallelOptions(NamedTuple):
    """Over how many devices a model is split: tp splits heads, features and vocabulary (tensor parallel), pp layers
    (pipeline), ep experts, dp texts. tp · pp · dp devices in all; the ep devices that hold different experts are among
    the tp · dp of a stage. dp is what is left of device_count where it is not given."""

    device_count: Annotated[int | None, Setting("count", "Number of devices.", option="--devices")] = None
    tp: Annotated[int, Setting("count", "Devices that share heads, features and vocabulary.  [default: 1]")] = 1
    pp: Annotated[int, Setting("count", "Pipeline stages, which share the layers.  [default: 1]")] = 1
    ep: Annotated[int, Setting("count", "Devices that share the experts.  [default: 1]")] = 1
    dp: Annotated[int | None, Setting("count", "Replicas, which share the texts.  [default: devices left]")] = None

    @property
    def replicas(self) -> int:
        """Number of data-parallel replicas."""
        if self.dp is not None:
            return self.dp
        return max(1, (self.device_count or 1) // (self.tp * self.pp))

    @property
    def total(self) -> int:
        """Number of devices."""
        return self.tp * self.pp * self.replicas

    def check(self) -> None:
        """UsageError where the numbers do not fit each other."""
        if self.device_count is not None and self.total != self.device_count:
            fact = f"--tp {self.tp} × --pp {self.pp} × --dp {self.replicas} are {self.total:,} devices"
            raise UsageError(f"{fact}, not {self.device_count:,}", "make their product the number of devices")
        group = self.tp * self.replicas
        if group % self.ep or (self.ep % self.tp and self.tp % self.ep):
            remedy = f"use an --ep that divides {group:,} and is a multiple or a divisor of --tp"
            raise UsageError(f"--ep {self.ep} does not fit --tp {self.tp} × --dp {self.replicas} devices", remedy)
