"""The bytes of a JSON document from an unknown source -> its values, with limits; a key that stands twice is refused.

`json` alone takes the last of equal keys, turns a number of a million digits into an int, and ends in RecursionError
where brackets are nested too deep.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from costcalc.core.errors import LoadError

REMEDY = "write the file again, or download it again"

MAX_DIGITS = 40
"""Digits of the longest number: more than those of 2^64 or of a float as JSON writers write it."""

Pairs = Sequence[tuple[str, Any]]


def unique_keys(pairs: Pairs) -> dict[str, Any]:
    """The pairs of a JSON object -> a dictionary. LoadError where a key stands twice."""
    values = dict(pairs)
    if len(values) != len(pairs):
        keys: set[str] = set()
        for key, _ in pairs:
            if key in keys:
                raise LoadError(f"the key {key[:80]!r} stands twice", REMEDY)
            keys.add(key)
    return values


def _parse_number(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise LoadError(f"a number has {len(text):,} digits", REMEDY)
    return int(text)


def parse_json(data: bytes, hook: Callable[[Pairs], Any] = unique_keys) -> Any:
    """The bytes of a JSON document in UTF-8 -> its value; hook turns the pairs of an object into its value. LoadError
    where the text is no JSON, or nested too deep."""
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=hook, parse_int=_parse_number)
    except UnicodeDecodeError as error:
        raise LoadError(f"it is no JSON: byte {error.start:,} is no UTF-8", REMEDY) from error
    except RecursionError as error:
        raise LoadError("its brackets are nested too deep", REMEDY) from error
    except ValueError as error:
        raise LoadError(f"it is no JSON: {error}", REMEDY) from error


def parse_object(data: bytes) -> dict[str, Any]:
    """The bytes of a JSON document -> the object that it is. LoadError where it is another value."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise LoadError("it is no JSON object", REMEDY)
    return value
