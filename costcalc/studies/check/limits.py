"""A quantity's name and the text of an amount -> Limit, Increase: `macs=600M`, `energy.stm32h743=1mJ`, `fits.t4`.

Amounts are in the unit that the catalogue says: 600M, 256 KiB, 2.1 ms, 1 mJ, 50 tokens a second, true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from costcalc import ops
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.quantities import CATALOGUE, parse_quantities, parse_quantity
from costcalc.core.registry import COST_RULES, FREE_OPS, SHAPE_RULES, UNKNOWN_REASONS
from costcalc.core.units import parse_joules, parse_magnitude, parse_number, parse_percent, parse_seconds
from costcalc.ops.plugins import load_installed_rules
from costcalc.ops.schema import attribute_types, operator_names
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


def find_parser(quantity: str) -> Parser:
    """What reads an amount of a quantity of LIMITS."""
    return PARSERS[CATALOGUE[quantity].unit] if quantity in CATALOGUE else parse_count


def takes_name(quantity: str) -> bool:
    """Whether a quantity of LIMITS is asked for with a name behind it: a device, or the operator that is counted."""
    return quantity == "ops" or (quantity in CATALOGUE and CATALOGUE[quantity].per_device)


def limit_example(quantity: str) -> str:
    """How a limit on a quantity is written: `time.t4=2.1ms`."""
    if quantity == "ops":
        return "ops.Gelu=0"
    if quantity not in CATALOGUE:
        return f"{quantity}=0"
    entry = CATALOGUE[quantity]
    device = f".{entry.example_device}" if entry.per_device else ""
    return f"{quantity}{device}={entry.example.replace(' ', '')}"


def make_limit(
    quantity: str, subject: str, text: str, minimum: bool = False, place: SourcePlace | None = None
) -> Limit:
    """A limit on a quantity of LIMITS. UsageError where it cannot be held: an amount of another unit, the most of what
    is the better the more it is, the least of what is not, an operator written otherwise, unknown operators by
    number."""
    limit = Limit(quantity, find_parser(quantity)(text), subject, place, minimum)
    if quantity == "unknown_ops" and limit.value:
        raise UsageError("unknown_ops can only be 0", "allow operators by name, with `allow: [domain:Op]` or --allow")
    if quantity == "ops":
        subject = subject.removeprefix("ai.onnx:")
        limit = limit._replace(subject=subject)
    if quantity == "ops" and ":" not in subject:
        operator = {name.lower(): name for name in attribute_types()}.get(subject.lower(), subject)
        if operator != subject:
            raise UsageError(f"there is no operator {subject!r}", f"did you mean {operator!r}?")
    at_least = quantity in CATALOGUE and not CATALOGUE[quantity].less_is_better
    boolean = quantity in CATALOGUE and CATALOGUE[quantity].unit == "boolean"
    if minimum != at_least and not boolean:
        if at_least:
            example = limit_example(quantity)
            raise UsageError(
                f"{quantity} is the better the more it is", f"hold it with --min {example}, in a config with `min:`"
            )
        raise UsageError(
            f"{quantity} is held from above", f"write --max {limit_example(quantity)}, in a config `limits:`"
        )
    return limit._replace(minimum=at_least)


def suggest_operator(subject: str, present: Iterable[str]) -> str | None:
    """The operator of a limit, which no layer is of, and the operators of the model -> None where a rule or a schema
    knows it, or where it is one of a domain of somebody's own; else the remedy: it may be misspelt, and would always be
    kept."""
    domain, _, name = subject.rpartition(":")
    if not _has_operator(operator_names(), domain, name):
        ops.load_families()
        load_installed_rules()
        known = {*operator_names(), *COST_RULES, *SHAPE_RULES, *FREE_OPS, *UNKNOWN_REASONS}
        if not _has_operator(known, domain, name) and (not domain or domain in {d for d, _ in known}):
            names = [op for d, op in sorted(known) if domain in ("", d)]
            hint = did_you_mean(name, [*present, *names])
            return hint or f"`costcalc ops` lists all; one of your own is written with its domain: com.acme:{name}"
    return None


def _has_operator(operators: Collection[tuple[str, str]], domain: str, name: str) -> bool:
    """Whether there is an operator of a name; without a domain, in any."""
    return (domain, name) in operators if domain else any(op == name for _, op in operators)


def parse_limits(text: str, option: str, devices: Sequence[str]) -> list[Limit]:
    """As parse_limit, of one limit or several between commas; a quantity of a device that names none is limited on
    each of some devices."""
    several = re.split(r"," if option == "--require" else r",\s*(?=[A-Za-z_][^,=]*=)", text)
    if len(several) > 1:
        return [limit for part in several for limit in parse_limits(part.strip(), option, devices)]
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
    name, value = _split_assignment(
        text, option, "macs=600M" if option == "--max" else limit_example("tokens_per_second")
    )
    quantity, separator, subject = name.partition(".")
    if quantity not in LIMITS:
        raise _unknown_quantity(option, quantity, LIMITS)
    if option == "--require" and (quantity not in CATALOGUE or CATALOGUE[quantity].unit != "boolean"):
        raise UsageError(f"{option} is for what holds or does not, and {quantity} is an amount", "use --max or --min")
    if takes_name(quantity) != bool(separator and subject):
        raise UsageError(f"{option} {text} is not understood", f"write it as {limit_example(quantity)}")
    return make_limit(quantity, subject, value, option == "--min")


def parse_amount(quantity: str, text: str) -> tuple[Fraction | None, int | Fraction]:
    """2% as a share, 1M or 0 as an amount of a quantity."""
    return (parse_percent(text), 0) if text.endswith("%") else (None, find_parser(quantity)(text))


def default_increases(share: Fraction, place: SourcePlace | None = None) -> Iterator[Increase]:
    """What a share without a quantity holds for."""
    return (Increase(quantity, share, place=place) for quantity in DEFAULT_INCREASES)


def parse_increases(text: str, devices: Sequence[str] = ()) -> list[Increase]:
    """`macs=2%`, `time.t4=0` or `5%` of each: increases on the command line; a quantity of a device that names none is
    held on each of the devices. UsageError where it is none."""
    if "=" not in text and text.endswith("%"):
        return list(default_increases(parse_percent(text)))
    name, value = _split_assignment(text, "--max-increase", "macs=2%")
    refs = parse_quantities(name, devices) if name in CATALOGUE else ()
    pairs = [_parse_countable(key, "--max-increase") for key in ([ref.key for ref in refs] or [name])]
    return [Increase(quantity, *parse_amount(quantity, value), device=device) for quantity, device in pairs]


def read_increases(texts: Sequence[str], devices: Sequence[str] = ()) -> list[Increase]:
    """The texts of all --max-increase -> the increases: that of a quantity by name stands in the place of the share of
    each. One of a device that names none is of each of devices."""
    named = [increase for text in texts if "=" in text for increase in parse_increases(text, devices)]
    keys = {increase.ref.key for increase in named}
    shared = [increase for text in texts if "=" not in text for increase in parse_increases(text, devices)]
    return [*(increase for increase in shared if increase.ref.key not in keys), *named]


def parse_delta(text: str) -> tuple[tuple[str], int | Fraction]:
    """`macs=1M`: growth that is always allowed, by the quantity's key. UsageError where it is none."""
    name, value = _split_assignment(text, "--min-delta", "macs=1M")
    quantity, _ = _parse_countable(name, "--min-delta")
    return (name,), find_parser(quantity)(value)


def make_limits(values: Mapping[str, object], option: str, devices: Sequence[str] = ()) -> Iterator[Limit]:
    """Limits as Python gives them, `{"macs": "600M", "fits.t4": True}`; an amount is a text or a number."""
    for name, value in values.items():
        yield from parse_limits(f"{name}={_format_value(value)}", option, devices)


def _format_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse_countable(name: str, option: str) -> tuple[str, str]:
    """(quantity, device) of a name. UsageError where nothing of that name can grow."""
    if name.partition(".")[0] not in COUNTABLE:
        raise _unknown_quantity(option, name, COUNTABLE)
    ref = parse_quantity(name)
    return ref.quantity.key, ref.device


def _split_assignment(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name.strip() or not value.strip():
        raise UsageError(f"{option} {text!r} is not understood", f"write it as {option} {example}")
    return name.strip(), value.strip()


def _unknown_quantity(option: str, name: str, choices: Sequence[str]) -> UsageError:
    return UsageError(
        f"{option}: there is no quantity {name!r}", did_you_mean(name, choices) or "use one of " + ", ".join(choices)
    )
