"""The quantities that a model has: their keys, labels and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from costcalc.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from fractions import Fraction

    from costcalc.core.dim import Dim

Unit = Literal["number", "bytes", "seconds", "joules", "flop_per_byte", "per_second", "boolean"]

Certainty = Literal["exact", "lower", "upper", "estimate"]

Need = Literal["model", "training", "device", "generation"]

SIGNS: dict[Certainty, str] = {"exact": "", "lower": "≥ ", "upper": "≤ ", "estimate": "≈ "}
"""What stands before a figure that is not exact."""


class Quantity(NamedTuple):
    """A quantity as data.

    label names it in full, title in the heading of a column, name within a sentence; meaning says what it is and
    example how a limit on it is written. certainty is that of a model whose operators all have rules: an operator
    without one makes an exact figure a lower bound where a layer's part of one of columns is unknown. additive says
    that it is the sum of its one column over the layers. needs are the analyses and settings that it comes from. Where
    a line is too narrow, the column of the least importance goes first.
    """

    key: str
    label: str
    title: str
    name: str
    unit: Unit
    meaning: str
    example: str
    importance: int
    certainty: Certainty = "exact"
    needs: tuple[Need, ...] = ("model",)
    columns: tuple[str, ...] = ()
    additive: bool = False
    less_is_better: bool = True

    @property
    def per_device(self) -> bool:
        """Whether it is asked for with a device's name: `time.t4`."""
        return "device" in self.needs

    @property
    def of_every_model(self) -> bool:
        """Whether every report has it among its totals, without any setting."""
        return self.needs == ("model",) and self.key not in ON_REQUEST

    @property
    def kind(self) -> str:
        """How a table prints it: number, bytes, seconds, decimal or text."""
        return {"number": "number", "bytes": "bytes", "seconds": "seconds", "flop_per_byte": "decimal"}.get(
            self.unit, "text"
        )


class QuantityRef(NamedTuple):
    """A quantity, and the device that it is asked for ("" where it is of none)."""

    quantity: Quantity
    device: str = ""

    @property
    def key(self) -> str:
        """`macs`, `time.t4`: what parse_quantity reads."""
        return f"{self.quantity.key}.{self.device}" if self.device else self.quantity.key

    @property
    def label(self) -> str:
        """`MACs`, `Time on t4`."""
        return f"{self.quantity.label} on {self.device}" if self.device else self.quantity.label

    @property
    def title(self) -> str:
        """`MACs`, `Time t4`."""
        return f"{self.quantity.title} {self.device}" if self.device else self.quantity.title


class Figure(NamedTuple):
    """The value of a quantity for one model: a Dim where it is counted, a Fraction in seconds, joules, FLOPs a byte or
    tokens a second, a bool; and what is certain of it."""

    value: Dim | Fraction | bool
    certainty: Certainty = "exact"


ON_REQUEST = ("arena_bytes", "compulsory_bytes", "intensity")
"""Quantities of every model that cost more than a sum over layers, or are not sums: computed where they are asked."""


def _layers(key: str, label: str, title: str, name: str, unit: Unit, meaning: str, example: str, rank: int) -> Quantity:
    """A quantity that is the sum of a column of the layers of its own name."""
    return Quantity(key, label, title, name, unit, meaning, example, rank, columns=(key,), additive=True)


_ACTIVATIONS = ("activation_bytes",)

_BACKWARD = ("backward_macs",)

_TRAINING: tuple[Need, ...] = ("training",)

_DEVICE: tuple[Need, ...] = ("device",)

_GENERATION: tuple[Need, ...] = ("generation",)

_ALL = (
    _layers("macs", "MACs", "MACs", "MACs", "number", "multiply-accumulates of one run", "600M", 90),
    _layers("flops", "FLOPs", "FLOPs", "FLOPs", "number", "floating-point operations of one run", "1.2G", 50),
    _layers("params", "Params", "Params", "parameters", "number", "learned values", "5M", 80),
    _layers("buffers", "Buffers", "Buffers", "buffers", "number", "stored values that are not learned", "50k", 30),
    _layers(
        "weight_bytes",
        "Weight bytes",
        "Weights",
        "weight bytes",
        "bytes",
        "parameters and buffers at their stored width",
        "4.2 MiB",
        60,
    ),
    _layers(
        "activation_bytes",
        "Activation bytes",
        "Activations",
        "activation bytes",
        "bytes",
        "bytes of all values computed in one run",
        "80 MiB",
        40,
    ),
    Quantity(
        "peak_activation_bytes",
        "Peak activation bytes",
        "Peak",
        "peak activation bytes",
        "bytes",
        "the most activation bytes that are alive at once",
        "9 MiB",
        70,
        columns=_ACTIVATIONS,
    ),
    Quantity(
        "arena_bytes",
        "Arena bytes",
        "Arena",
        "arena bytes",
        "bytes",
        "the size of one arena that holds all activations, each at a fixed offset",
        "256 KiB",
        69,
        columns=_ACTIVATIONS,
    ),
    _layers(
        "traffic_bytes",
        "Traffic bytes",
        "Traffic",
        "traffic bytes",
        "bytes",
        "bytes of weights, inputs and outputs that the layers read and write",
        "120 MiB",
        35,
    ),
    Quantity(
        "compulsory_bytes",
        "Compulsory bytes",
        "Compulsory",
        "compulsory bytes",
        "bytes",
        "bytes that any execution moves between memory and the chip",
        "20 MiB",
        34,
        "lower",
        columns=("macs", "activation_bytes"),
    ),
    Quantity(
        "intensity",
        "Arithmetic intensity",
        "FLOP/byte",
        "arithmetic intensity",
        "flop_per_byte",
        "floating-point operations for each byte of traffic",
        "20",
        33,
        columns=("flops", "traffic_bytes"),
        less_is_better=False,
    ),
    Quantity(
        "time",
        "Time",
        "Time",
        "time",
        "seconds",
        "the lower bound of the time of one run on a device",
        "2.1 ms",
        88,
        "lower",
        _DEVICE,
        ("macs",),
    ),
    Quantity(
        "energy",
        "Energy",
        "Energy",
        "energy",
        "joules",
        "arithmetic and compulsory traffic at the energies of single operations, an order of magnitude",
        "1 mJ",
        68,
        "estimate",
        _DEVICE,
        ("macs",),
    ),
    Quantity(
        "fits",
        "Fits",
        "Fits",
        "fit",
        "boolean",
        "whether weights and peak activations of fused steps fit the memories of a device",
        "true",
        67,
        "exact",
        _DEVICE,
        ("activation_bytes", "weight_bytes"),
        less_is_better=False,
    ),
    Quantity(
        "backward_macs",
        "Backward MACs",
        "Backward MACs",
        "backward MACs",
        "number",
        "multiply-accumulates of the backward pass",
        "1.2G",
        85,
        needs=_TRAINING,
        columns=_BACKWARD,
        additive=True,
    ),
    Quantity(
        "training_macs",
        "Training MACs",
        "Training MACs",
        "training MACs",
        "number",
        "multiply-accumulates of a training step: forward, backward and what is computed again",
        "1.8G",
        66,
        needs=_TRAINING,
        columns=("macs", *_BACKWARD),
    ),
    Quantity(
        "kept_activation_bytes",
        "Kept activations",
        "Kept",
        "kept activation bytes",
        "bytes",
        "bytes of activations that the forward pass keeps for the backward pass",
        "80 MiB",
        62,
        needs=_TRAINING,
        columns=_BACKWARD,
    ),
    Quantity(
        "gradient_bytes",
        "Gradient bytes",
        "Gradients",
        "gradient bytes",
        "bytes",
        "bytes of the gradients of the trained parameters",
        "20 MiB",
        55,
        needs=_TRAINING,
    ),
    Quantity(
        "optimizer_bytes",
        "Optimizer bytes",
        "Optimizer",
        "optimizer bytes",
        "bytes",
        "bytes of the optimiser's state",
        "40 MiB",
        54,
        needs=_TRAINING,
    ),
    Quantity(
        "training_bytes",
        "Training bytes",
        "Training",
        "training bytes",
        "bytes",
        "weights, gradients, optimiser state and kept activations of a training step",
        "8 GiB",
        65,
        needs=_TRAINING,
        columns=_BACKWARD,
    ),
    Quantity(
        "kv_cache_bytes",
        "KV cache",
        "KV cache",
        "KV cache bytes",
        "bytes",
        "bytes of the keys and values of the whole text, prompt and generated tokens",
        "1 GiB",
        64,
        needs=_GENERATION,
    ),
    Quantity(
        "prompt_macs",
        "Prompt MACs",
        "Prompt MACs",
        "prompt MACs",
        "number",
        "multiply-accumulates of the pass over the prompt",
        "1T",
        63,
        needs=_GENERATION,
    ),
    Quantity(
        "step_macs",
        "Step MACs",
        "Step MACs",
        "step MACs",
        "number",
        "multiply-accumulates of all steps behind the prompt's pass",
        "1T",
        61,
        needs=_GENERATION,
    ),
    Quantity(
        "tokens_per_second",
        "Tokens/s",
        "Tokens/s",
        "tokens per second",
        "per_second",
        "the upper bound of generated tokens a second on a device, of all texts together",
        "50",
        59,
        "upper",
        ("generation", "device"),
        less_is_better=False,
    ),
    Quantity(
        "memory_bytes",
        "Memory",
        "Memory",
        "memory bytes",
        "bytes",
        "weights, KV cache of the whole text and peak activations of the prompt's pass",
        "16 GiB",
        58,
        needs=_GENERATION,
    ),
)

CATALOGUE: dict[str, Quantity] = {quantity.key: quantity for quantity in _ALL}
"""All quantities by their keys."""

TOTALS = tuple([q.key for q in _ALL if q.of_every_model])
"""The keys of the totals that every report has."""

LAYER_TOTALS = tuple([q.key for q in _ALL if q.of_every_model and q.additive])
"""Those of TOTALS that are sums over layers: the figures that each layer has."""

TRAINING = tuple([q.key for q in _ALL if q.needs == _TRAINING])
"""The keys of what a training step costs."""

PER_DEVICE = tuple([q.key for q in _ALL if q.needs == _DEVICE])
"""The keys of what a run on a device costs."""

GENERATION = tuple([q.key for q in _ALL if q.needs == _GENERATION])
"""The keys of what generation costs, whatever the device."""


def parse_quantity(text: str) -> QuantityRef:
    """`macs` or `time.t4` -> the quantity and its device. UsageError, with the nearest key, where there is none; where
    a device is missing, and where one stands behind a quantity that has none."""
    key, dot, device = text.strip().partition(".")
    quantity = CATALOGUE.get(key)
    if quantity is None:
        remedy = did_you_mean(key, CATALOGUE) or f"there are {', '.join(usage(q) for q in _ALL)}"
        raise UsageError(f"there is no quantity {key!r}", remedy)
    if quantity.per_device and not device:
        raise UsageError(f"{key} is of a device", f"write {key}.t4; `costcalc hardware` lists the devices")
    if dot and not quantity.per_device:
        raise UsageError(f"{key} is of no device", f"write {key}")
    return QuantityRef(quantity, device)


def usage(quantity: Quantity) -> str:
    """How a quantity is written: `macs`, `time.DEVICE`."""
    return f"{quantity.key}.DEVICE" if quantity.per_device else quantity.key
