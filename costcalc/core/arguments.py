"""Arguments of the Python API -> a mapping with text keys, or a tuple of names; UsageError that says the right form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from costcalc.core.errors import UsageError

V = TypeVar("V")

EXAMPLES = {
    "dims": '{"seq": 128}',
    "params": '{"alpha": 0.5}',
    "shapes": '{"x": [1, 3, 224, 224]}',
    "values": '{"n": 7}',
    "written": '{"pool": "mean"}',
    "figures": '{"thop": "11.3G"}',
    "rules": '["gap", "gqa"]',
    "tools": '["thop", "fvcore"]',
    "columns": '["N", "macs"]',
}
"""An example of each argument's value, as Python writes it."""


def check_mapping(argument: str, values: Mapping[str, V] | None) -> Mapping[str, V]:
    """Values by name -> the same mapping, {} for None. UsageError where it is no mapping or a key is no text."""
    if not values:
        return {}
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise _wrong_form(argument, values, "values by name")
    return values


def split_names(argument: str, names: str | Iterable[str] | None) -> tuple[str, ...]:
    """A text (names between commas, as on the command line) or names -> a tuple of names, () for None. UsageError for
    anything else."""
    if isinstance(names, str):
        return tuple(text.strip() for text in names.split(",") if text.strip())
    if names is not None and not isinstance(names, Iterable):
        raise _wrong_form(argument, names, "names")
    texts = tuple(names or ())
    if not all(isinstance(name, str) for name in texts):
        raise _wrong_form(argument, names, "names")
    return texts


def refuse_read_options(**options: object) -> None:
    """UsageError where options of reading are set for a model that is already a Graph or a Report."""
    names = [name for name, value in options.items() if value]
    if names:
        raise UsageError(
            f"{', '.join(names)}: the model is read already, and is not read again",
            'give them to load, or bind a report: report.bind({"seq": 128})',
        )


def _wrong_form(argument: str, value: object, form: str) -> UsageError:
    return UsageError(f"{argument} is {value!r:.60}", f"give {form}: {argument}={EXAMPLES[argument]}")
