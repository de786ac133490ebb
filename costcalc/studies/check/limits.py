"""A quantity's name and the text of an amount -> Limit, Increase: `macs=600M`, `energy.stm32h743=1mJ`, `fits.t4`.

Amounts are in the unit that the catalogue says: 600M, 256 KiB, 2.1 ms, 1 mJ, 50 tokens a second, true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.quantities import CATALOGUE, parse_quantity
from costcalc.core.units import parse_joules, parse_magnitude, parse_number, parse_percent, parse_seconds
from costcalc.frontends.yaml.operators import operator_table
from costcalc.studies.check.budget import COUNTABLE, DEFAULT_INCREASES, LIMITS, Increase, Limit
from costcalc.studies.check.verdict import SourcePlace

Parser = Callable[[str], int | Fraction]


def parse_count(text: str) -> int:
    """600M or 1.2G as a number. UsageError for bytes, of which 7B would be seven and not seven billion."""
    if text.lower().endswith("b"):
        raise UsageError(f"{text!r} is in bytes, which this is not counted in", "write 600M, or 7G for 7 billion")
    return parse_magnitude(text)


def parse_truth(text: str) -> bool:
    """true. UsageError for anything else: that something must not hold is no limit."""
    if text.strip().lower() not in ("true", "yes", "on"):
        raise UsageError(f"{text!r} is no limit of what holds or does not", "write true, or leave it out")
    return True


PARSERS: dict[str, Parser] = {
    "number": parse_count,
    "bytes": parse_magnitude,
    "seconds": parse_seconds,
    "joules": parse_joules,
    "flop_per_byte": parse_number,
    "per_second": parse_number,
    "boolean": parse_truth,
}
"""What reads an amount of each unit."""


def parser(quantity: str) -> Parser:
    """What reads an amount of a quantity of LIMITS."""
    return PARSERS[CATALOGUE[quantity].unit] if quantity in CATALOGUE else parse_count


def takes_name(quantity: str) -> bool:
    """Whether a quantity of LIMITS is asked for with a name behind it: a device, or the operator that is counted."""
    return quantity == "ops" or (quantity in CATALOGUE and CATALOGUE[quantity].per_device)


def example_of(quantity: str) -> str:
    """How a limit on a quantity is written: `time.t4=2.1ms`."""
    if quantity == "ops":
        return "ops.Gelu=0"
    if quantity not in CATALOGUE:
        return f"{quantity}=0"
    one = CATALOGUE[quantity]
    return f"{quantity}{'.t4' if one.per_device else ''}={one.example.replace(' ', '')}"


def make_limit(quantity: str, of: str, text: str, minimum: bool = False, place: SourcePlace | None = None) -> Limit:
    """A limit on a quantity of LIMITS. UsageError where it cannot be held: an amount of another unit, the most of what
    is the better the more it is, the least of what is not, an operator written otherwise, unknown operators by
    number."""
    limit = Limit(quantity, parser(quantity)(text), of, place, minimum)
    if quantity == "unknown_ops" and limit.value:
        raise UsageError("unknown_ops can only be 0", "allow operators by name, with `allow: [domain:Op]` or --allow")
    if quantity == "ops" and ":" not in of:
        meant = {name.lower(): name for name in operator_table()}.get(of.lower(), of)
        if meant != of:
            raise UsageError(f"there is no operator {of!r}", f"did you mean {meant!r}?")
    at_least = quantity in CATALOGUE and not CATALOGUE[quantity].less_is_better
    boolean = quantity in CATALOGUE and CATALOGUE[quantity].unit == "boolean"
    if minimum != at_least and not boolean:
        if at_least:
            written = example_of(quantity)
            raise UsageError(
                f"{quantity} is the better the more it is", f"hold it with --min {written}, in a config with `min:`"
            )
        raise UsageError(f"{quantity} is held from above", f"write --max {example_of(quantity)}, in a config `limits:`")
    return limit._replace(minimum=at_least)


def parse_limits(text: str, option: str, devices: Sequence[str]) -> list[Limit]:
    """As parse_limit; a quantity of a device that names none is limited on each of some devices."""
    name = text.partition("=")[0].strip()
    if devices and name in CATALOGUE and CATALOGUE[name].per_device:
        return [parse_limit(f"{name}.{device}{text[text.index(name) + len(name) :]}", option) for device in devices]
    return [parse_limit(text, option)]


def parse_limit(text: str, option: str = "--max") -> Limit:
    """`macs=600M`, `time.t4=2.1ms`, `ops.Gelu=0`, for --require `fits.t4`: a limit on the command line. UsageError
    where it is none."""
    if option == "--require":
        text = text if "=" in text else f"{text}=true"
    if text.partition(".")[0] in CATALOGUE and CATALOGUE[text.partition(".")[0]].unit == "boolean" and "=" not in text:
        raise UsageError(f"{option} {text} has no amount, and needs none", f"write --require {text}")
    name, value = _pair(text, option, "macs=600M" if option == "--max" else example_of("tokens_per_second"))
    quantity, dot, of = name.partition(".")
    if quantity not in LIMITS:
        raise _unknown(option, quantity, LIMITS)
    if option == "--require" and (quantity not in CATALOGUE or CATALOGUE[quantity].unit != "boolean"):
        raise UsageError(f"{option} is for what holds or does not, and {quantity} is an amount", "use --max or --min")
    if takes_name(quantity) != bool(dot and of):
        raise UsageError(f"{option} {text} is not understood", f"write it as {example_of(quantity)}")
    return make_limit(quantity, of, value, option == "--min")


def parse_amount(quantity: str, text: str) -> tuple[Fraction | None, int | Fraction]:
    """2% as a share, 1M or 0 as an amount of a quantity."""
    return (parse_percent(text), 0) if text.endswith("%") else (None, parser(quantity)(text))


def usual_increases(share: Fraction, place: SourcePlace | None = None) -> Iterator[Increase]:
    """What a share without a quantity holds for."""
    return (Increase(quantity, share, place=place) for quantity in DEFAULT_INCREASES)


def parse_increases(text: str) -> list[Increase]:
    """`macs=2%`, `time.t4=0` or `5%` of each: increases on the command line. UsageError where it is none."""
    if "=" not in text and text.endswith("%"):
        return list(usual_increases(parse_percent(text)))
    name, value = _pair(text, "--max-increase", "macs=2%")
    quantity, of = _countable(name, "--max-increase")
    return [Increase(quantity, *parse_amount(quantity, value), device=of)]


def parse_delta(text: str) -> tuple[tuple[str], int | Fraction]:
    """`macs=1M`: growth that is always allowed, by the quantity's key. UsageError where it is none."""
    name, value = _pair(text, "--min-delta", "macs=1M")
    quantity, _ = _countable(name, "--min-delta")
    return (name,), parser(quantity)(value)


def limits_of(values: Mapping[str, object], option: str, devices: Sequence[str] = ()) -> Iterator[Limit]:
    """Limits as Python gives them, `{"macs": "600M", "fits.t4": True}`; an amount is a text or a number."""
    for name, value in values.items():
        yield from parse_limits(f"{name}={_written(value)}", option, devices)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _countable(name: str, option: str) -> tuple[str, str]:
    """(quantity, device) of a name. UsageError where nothing of that name can grow."""
    if name.partition(".")[0] not in COUNTABLE:
        raise _unknown(option, name, COUNTABLE)
    ref = parse_quantity(name)
    return ref.quantity.key, ref.device


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name.strip() or not value.strip():
        raise UsageError(f"{option} {text!r} is not understood", f"write it as {option} {example}")
    return name.strip(), value.strip()


def _unknown(option: str, word: str, words: Sequence[str]) -> UsageError:
    return UsageError(
        f"{option}: there is no quantity {word!r}", did_you_mean(word, words) or "use one of " + ", ".join(words)
    )
