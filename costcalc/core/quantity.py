"""What a quantity and its figure for one model are: key, label, unit and needs; value and certainty."""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from costcalc.core.errors import did_you_mean

if TYPE_CHECKING:
    from fractions import Fraction

    from costcalc.core.dim import Dim

V = TypeVar("V")

Unit = Literal["number", "bytes", "seconds", "joules", "flop_per_byte", "per_second", "boolean"]

Certainty = Literal["exact", "lower", "upper", "estimate"]

Need = Literal["model", "training", "device", "generation", "parallel", "npu"]

SIGNS: dict[Certainty, str] = {"exact": "", "lower": "≥ ", "upper": "≤ ", "estimate": "≈ "}
"""The sign before a figure that is not exact."""


class Quantity(NamedTuple):
    """A quantity as data: its words, its unit, its certainty and the analyses that it comes from.

    label names it in full, title in the heading of a column, name within a sentence; meaning says what it is and
    example how a limit on it is written. Where a line is too narrow, the column of the least importance goes first.
    code is the number of its rules in `check` (1: CC001 and CC201); no number ever changes its meaning, and a new
    quantity takes the next one.

    certainty is that of a model whose operators all have rules: an operator without one makes an exact figure a lower
    bound where a layer's part of one of columns is unknown. needs are the analyses and settings that it comes from.
    additive says that it is the sum of its one column over the layers; of_every_model that every report has it among
    its totals, without any setting: any other is computed when it is asked for.
    """

    key: str
    label: str
    title: str
    name: str
    unit: Unit
    meaning: str
    example: str
    importance: int
    code: int
    certainty: Certainty = "exact"
    needs: tuple[Need, ...] = ("model",)
    columns: tuple[str, ...] = ()
    additive: bool = False
    of_every_model: bool = False
    less_is_better: bool = True

    @property
    def per_device(self) -> bool:
        """Whether its key needs a device's name: `time.t4`."""
        return "device" in self.needs

    @property
    def example_device(self) -> str:
        """The device of an example: of what is of an NPU, one that has such."""
        return "ethos-u55-128" if "npu" in self.needs else "t4"

    @property
    def kind(self) -> str:
        """The kind of its column in a table: number, bytes, seconds, decimal or text."""
        return {"number": "number", "bytes": "bytes", "seconds": "seconds", "flop_per_byte": "decimal"}.get(
            self.unit, "text"
        )


def make_quantity(
    names: str, unit: Unit, importance: int, example: str, meaning: str, code: int, **fields: Any
) -> Quantity:
    """`key | label | title | name` and the other fields -> a quantity."""
    key, label, title, name = names.split(" | ")
    return Quantity(key, label, title, name, unit, meaning, example, importance, code, **fields)


class QuantityRef(NamedTuple):
    """A quantity and its device ("" where it has none)."""

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

    value: "Dim | Fraction | bool"
    certainty: Certainty = "exact"


class QuantityKeyError(KeyError):
    """A quantity that a mapping lacks; its text is a sentence, with the key that was meant."""

    def __str__(self) -> str:
        return str(self.args[0])


class QuantityMap(dict[str, V]):
    """Figures by the keys of their quantities. QuantityKeyError for a key that it lacks."""

    def __missing__(self, key: str) -> V:
        remedy = did_you_mean(str(key), self) or f"there are {', '.join(self)}"
        raise QuantityKeyError(f"there is no figure {key!r}: {remedy}")
