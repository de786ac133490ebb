"""The catalogue of quantities that a model has: key -> label, unit, meaning, certainty and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.core.device_quantities import DEVICE_QUANTITIES
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.quantity import Quantity, QuantityRef, Unit, make_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

HISTORY_QUANTITIES = ("macs", "params", "weight_bytes", "peak_activation_bytes")
"""What a history shows of each revision, unless quantities are named."""


def _layer_sum(names: str, unit: Unit, importance: int, example: str, meaning: str, code: int) -> Quantity:
    """A quantity of every model that is the sum of the column of the layers that has its own key."""
    key = names.partition(" | ")[0]
    return make_quantity(
        names, unit, importance, example, meaning, code, columns=(key,), additive=True, of_every_model=True
    )


_ALL = (
    _layer_sum("macs | MACs | MACs | MACs", "number", 90, "600M", "multiply-accumulates of one run", code=1),
    _layer_sum("flops | FLOPs | FLOPs | FLOPs", "number", 50, "1.2G", "floating-point operations of one run", code=2),
    _layer_sum("params | Params | Params | parameters", "number", 80, "5M", "learned values", code=3),
    make_quantity(
        "active_params | Active params | Active params | active parameters",
        "number",
        79,
        "5G",
        "learned values that one token uses: of a mixture of experts those of the experts that it goes to",
        code=33,
        columns=("params",),
    ),
    _layer_sum(
        "buffers | Buffers | Buffers | buffers", "number", 30, "50k", "stored values that are not learned", code=4
    ),
    _layer_sum(
        "weight_bytes | Weight bytes | Weights | weight bytes",
        "bytes",
        60,
        "4.2 MiB",
        "parameters and buffers at their stored width",
        code=5,
    ),
    _layer_sum(
        "activation_bytes | Activation bytes | Activations | activation bytes",
        "bytes",
        40,
        "80 MiB",
        "bytes of all values computed in one run",
        code=6,
    ),
    make_quantity(
        "peak_activation_bytes | Peak activation bytes | Peak | peak activation bytes",
        "bytes",
        70,
        "9 MiB",
        "the most activation bytes that are alive at once",
        code=7,
        columns=("activation_bytes",),
        of_every_model=True,
    ),
    make_quantity(
        "arena_bytes | Arena bytes | Arena | arena bytes",
        "bytes",
        69,
        "256 KiB",
        "the size of one arena that holds all activations, each at a fixed offset",
        code=13,
        columns=("activation_bytes",),
    ),
    make_quantity(
        "tflm_arena_bytes | TFLM arena bytes | TFLM arena | TFLM arena bytes",
        "bytes",
        66,
        "64 KiB",
        "the arena of TensorFlow Lite for Microcontrollers, head and tail, in the build of --runtime",
        code=31,
        columns=("activation_bytes",),
    ),
    make_quantity(
        "flash_bytes | Flash bytes | Flash | flash bytes",
        "bytes",
        65,
        "512 KiB",
        "bytes of a .tflite file, which a microcontroller keeps in flash as it is",
        code=32,
    ),
    _layer_sum(
        "traffic_bytes | Traffic bytes | Traffic | traffic bytes",
        "bytes",
        35,
        "120 MiB",
        "bytes of weights, inputs and outputs that the layers read and write",
        code=8,
    ),
    make_quantity(
        "compulsory_bytes | Compulsory bytes | Compulsory | compulsory bytes",
        "bytes",
        34,
        "20 MiB",
        "bytes that any execution moves between memory and the chip",
        code=14,
        certainty="lower",
        columns=("macs", "activation_bytes"),
    ),
    make_quantity(
        "intensity | Arithmetic intensity | FLOP/byte | arithmetic intensity",
        "flop_per_byte",
        33,
        "20",
        "floating-point operations for each byte of traffic",
        code=15,
        columns=("flops", "traffic_bytes"),
        less_is_better=False,
    ),
    make_quantity(
        "time | Time | Time | time",
        "seconds",
        88,
        "2.1 ms",
        "the lower bound of the time of one run on a device",
        code=9,
        certainty="lower",
        needs=("device",),
        columns=("macs",),
    ),
    make_quantity(
        "energy | Energy | Energy | energy",
        "joules",
        68,
        "1 mJ",
        "multipliers, adders and memory cells of one process node, without the board; limits need a measured one",
        code=16,
        certainty="estimate",
        needs=("device",),
        columns=("macs",),
    ),
    make_quantity(
        "fits | Fits | Fits | fit",
        "boolean",
        67,
        "true",
        "whether weights and activations of fused steps of one run fit the memories of a device",
        code=17,
        needs=("device",),
        columns=("activation_bytes", "weight_bytes"),
        less_is_better=False,
    ),
    make_quantity(
        "cpu_macs | MACs on the CPU | CPU MACs | MACs on the CPU",
        "number",
        53,
        "0",
        "multiply-accumulates of a .tflite model that an NPU leaves to the CPU, by the published rules of its compiler",
        code=42,
        needs=("device", "npu"),
        columns=("macs",),
    ),
    make_quantity(
        "cpu_operators | Operators on the CPU | CPU operators | operators on the CPU",
        "number",
        52,
        "1",
        "operators of a .tflite model that an NPU leaves to the CPU, by the published rules of its compiler",
        code=43,
        needs=("device", "npu"),
    ),
    make_quantity(
        "backward_macs | Backward MACs | Backward MACs | backward MACs",
        "number",
        85,
        "1.2G",
        "multiply-accumulates of the backward pass",
        code=18,
        needs=("training",),
        columns=("backward_macs",),
        additive=True,
    ),
    make_quantity(
        "training_macs | Training MACs | Training MACs | training MACs",
        "number",
        66,
        "1.8G",
        "multiply-accumulates of a training step: forward, backward and what is computed again",
        code=19,
        needs=("training",),
        columns=("macs", "backward_macs"),
    ),
    make_quantity(
        "kept_activation_bytes | Kept activations | Kept | kept activation bytes",
        "bytes",
        62,
        "80 MiB",
        "bytes of activations that the forward pass keeps for the backward pass",
        code=20,
        needs=("training",),
        columns=("backward_macs",),
    ),
    make_quantity(
        "gradient_bytes | Gradient bytes | Gradients | gradient bytes",
        "bytes",
        55,
        "20 MiB",
        "bytes of the gradients of the trained parameters",
        code=21,
        needs=("training",),
    ),
    make_quantity(
        "optimizer_bytes | Optimizer bytes | Optimizer | optimizer bytes",
        "bytes",
        54,
        "40 MiB",
        "bytes of the optimiser's state",
        code=22,
        needs=("training",),
    ),
    make_quantity(
        "training_bytes | Training bytes | Training | training bytes",
        "bytes",
        65,
        "8 GiB",
        "weights, gradients, optimiser state and kept activations of a training step",
        code=23,
        needs=("training",),
        columns=("backward_macs",),
    ),
    make_quantity(
        "kv_cache_bytes | KV cache | KV cache | KV cache bytes",
        "bytes",
        64,
        "1 GiB",
        "bytes of the keys and values of the whole text, prompt and generated tokens",
        code=24,
        needs=("generation",),
    ),
    make_quantity(
        "prompt_macs | Prompt MACs | Prompt MACs | prompt MACs",
        "number",
        63,
        "1T",
        "multiply-accumulates of the pass over the prompt",
        code=25,
        needs=("generation",),
    ),
    make_quantity(
        "step_macs | Step MACs | Step MACs | step MACs",
        "number",
        61,
        "1T",
        "multiply-accumulates of all steps behind the prompt's pass",
        code=26,
        needs=("generation",),
    ),
    make_quantity(
        "tokens_per_second | Tokens/s | Tokens/s | tokens per second",
        "per_second",
        59,
        "50",
        "the upper bound of generated tokens a second on a device, of all texts together",
        code=27,
        certainty="upper",
        needs=("generation", "device"),
        less_is_better=False,
    ),
    make_quantity(
        "memory_bytes | Memory | Memory | memory bytes",
        "bytes",
        58,
        "16 GiB",
        "weights, KV cache of the whole text and peak activations of the prompt's pass",
        code=28,
        needs=("generation",),
    ),
    make_quantity(
        "training_fits | Training fits | Training fits | fit of training",
        "boolean",
        57,
        "true",
        "whether weights, gradients, optimiser state and kept activations of a training step fit a device's memory",
        code=29,
        needs=("training", "device"),
        columns=("backward_macs",),
        less_is_better=False,
    ),
    make_quantity(
        "generation_fits | Generation fits | Generation fits | fit of generation",
        "boolean",
        56,
        "true",
        "whether weights, KV cache of the whole text and peak activations of fused steps fit the memories of a device",
        code=30,
        needs=("generation", "device"),
        less_is_better=False,
    ),
    *DEVICE_QUANTITIES,
)

CATALOGUE: dict[str, Quantity] = {quantity.key: quantity for quantity in _ALL}
"""All quantities by their keys."""

TOTALS = tuple([q.key for q in _ALL if q.of_every_model])
"""The keys of the totals that every report has."""

LAYER_TOTALS = tuple([q.key for q in _ALL if q.of_every_model and q.additive])
"""Those of TOTALS that are sums over layers: the figures that each layer has."""

TRAINING = tuple([q.key for q in _ALL if q.needs == ("training",)])
"""The keys of what a training step costs."""

PER_DEVICE = tuple([q.key for q in _ALL if q.needs == ("device",)])
"""The keys of what a run on a device costs."""

NPU = tuple([q.key for q in _ALL if q.needs == ("device", "npu")])
"""The keys of what an NPU leaves to the CPU."""

GENERATION = tuple([q.key for q in _ALL if q.needs == ("generation",)])
"""The keys of what generation costs, whatever the device."""

TRAINING_PER_DEVICE = tuple([q.key for q in _ALL if q.needs == ("training", "device")])
"""The keys of what a training step needs of a device."""

GENERATION_PER_DEVICE = tuple([q.key for q in _ALL if q.needs == ("generation", "device")])
"""The keys of what generation costs on a device."""


PARALLEL = tuple([q.key for q in _ALL if q.needs == ("generation", "parallel")])
"""The keys of what generation costs each of several devices."""

PARALLEL_PER_DEVICE = tuple([q.key for q in _ALL if q.needs == ("generation", "parallel", "device")])
"""The keys of what generation costs on several devices of a kind."""


TRAINING_PARALLEL = tuple([q.key for q in _ALL if q.needs == ("training", "parallel")])
"""The keys of what a training step costs each of several devices."""


def parse_quantities(text: str, devices: Sequence[str] = ()) -> tuple[QuantityRef, ...]:
    """As parse_quantity; `time` is the quantity on each of the devices."""
    quantity = CATALOGUE.get(text.strip())
    if quantity is not None and quantity.per_device and devices:
        return tuple([QuantityRef(quantity, device) for device in devices])
    return (parse_quantity(text),)


def parse_quantity(text: str, devices: Sequence[str] = ()) -> QuantityRef:
    """`macs` or `time.t4` -> the quantity and its device; `time` on the one device where there is one. UsageError, with
    the nearest key, for an unknown key; where the device is missing; and for a device of a quantity that has none."""
    key, dot, device = text.strip().partition(".")
    quantity = CATALOGUE.get(key)
    if quantity is None:
        remedy = did_you_mean(key, CATALOGUE) or f"there are {', '.join(usage(q) for q in _ALL)}"
        raise UsageError(f"there is no quantity {key!r}", remedy)
    if quantity.per_device and not device:
        if len(devices) == 1:
            return QuantityRef(quantity, devices[0])
        example = devices[0] if devices else "t4"
        raise UsageError(f"{key} is of a device", f"write {key}.{example}; `costcalc hardware` lists the devices")
    if dot and not quantity.per_device:
        raise UsageError(f"{key} is of no device", f"write {key}")
    return QuantityRef(quantity, device)


def usage(quantity: Quantity) -> str:
    """A quantity -> the form in which a user writes it: `macs`, `time.DEVICE`."""
    return f"{quantity.key}.DEVICE" if quantity.per_device else quantity.key
