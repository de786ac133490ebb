"""A result -> what a tool answers: its JSON document cut to a bounded size, which says what it leaves out, and a short
text."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from costcalc.core.errors import UsageError

MAX_BYTES = 60_000
"""The most characters of a structured answer; an agent reads all of them."""

MAX_TEXT = 2_000

MAX_KEYS = 100
"""The most entries of a mapping, where an answer is short enough with them."""

FIRST_LINES, LAST_LINES = 20, 16

Figure = int | float | bool | str | None
"""A figure: a number, the text of a formula with open symbols, null where it is not known."""


class DocumentOutput(BaseModel):  # type: ignore[misc]  # pydantic's types are Any: it is an extra
    """The JSON document of a result; left_out counts what was cut from its lists, by their keys."""

    model_config = ConfigDict(extra="allow")

    left_out: dict[str, int] = Field(default_factory=dict, description="how many entries of a list are not shown")


class AnalysisOutput(DocumentOutput):
    """What a model costs."""

    name: str
    totals: dict[str, Any] = Field(description="figures of the whole model; FLOPs are 2 × MACs + elementwise")
    lower_bound: bool = Field(description="an operator has no known cost: totals are at least these")
    layers: list[dict[str, Any]]


class ComparisonOutput(DocumentOutput):
    """Models side by side."""

    names: list[str]
    totals: Any


class ExplanationOutput(DocumentOutput):
    """The working of figures, as formulas with names, with numbers, and their values."""

    model: str
    layers: list[dict[str, Any]]


class MemoryOutput(DocumentOutput):
    """Live bytes of activations, step by step."""

    name: str
    totals: dict[str, Any]
    steps: list[dict[str, Any]]
    tensors: list[dict[str, Any]]


class CheckOutput(DocumentOutput):
    """Whether models keep their limits."""

    outcome: str = Field(description="kept, exceeded, unknown (it cannot be told) or empty (there is no limit)")
    exit_code: int
    models: list[dict[str, Any]]


class DiffOutput(DocumentOutput):
    """What changed from one version to another."""

    totals: dict[str, Any]
    causes: dict[str, Any]
    layers: list[dict[str, Any]]


class SuggestionsOutput(DocumentOutput):
    """Rewrites that make a model cheaper, the largest saving first."""

    model: str
    suggestions: list[dict[str, Any]]


class SweepRowsOutput(DocumentOutput):
    """A row for each combination."""

    points: int
    columns: list[Any]
    rows: list[Any]


class ReconciliationOutput(DocumentOutput):
    """What other counters say, and why."""

    name: str
    counters: list[dict[str, Any]]


class GenerationOutput(DocumentOutput):
    """Prompt, tokens and cache of a decoder."""


class CatalogueOutput(DocumentOutput):
    """A list of names with what each is."""

    entries: list[dict[str, Figure]]


def bounded(document: dict[str, Any], limit: int) -> dict[str, Any]:
    """A document -> the same with at most `limit` entries in each of its lists, and fewer, also in its mappings, where
    it would still be longer than MAX_BYTES; left_out counts them. UsageError where nothing is left to cut."""
    width = max(limit, MAX_KEYS)
    while True:
        left_out: dict[str, int] = {}
        cut = {key: _cut(value, (limit, width), key, left_out) for key, value in document.items()}
        answer = {**cut, "left_out": left_out}
        if len(json.dumps(answer, default=str)) <= MAX_BYTES:
            return answer
        if limit == width == 1:
            fact = f"the answer is longer than {MAX_BYTES:,} characters"
            raise UsageError(fact, "ask about a part: a layer, a scenario, fewer models")
        limit, width = max(limit // 2, 1), width if limit > 1 else width // 2


def _cut(value: Any, limits: tuple[int, int], path: str, left_out: dict[str, int]) -> Any:
    """A value of a document with its lists and mappings cut to so many entries; texts end after MAX_TEXT
    characters."""
    limit, width = limits
    if isinstance(value, dict):
        items = list(value.items())
        if len(items) > width:
            left_out[path] = left_out.get(path, 0) + len(items) - width
        return {str(k): _cut(v, limits, f"{path}.{k}", left_out) for k, v in items[:width]}
    if isinstance(value, (list, tuple)):
        if len(value) > limit:
            left_out[path] = left_out.get(path, 0) + len(value) - limit
        return [
            _cut(item, limits, path if isinstance(item, (dict, list)) else f"{path}[]", left_out)
            for item in value[:limit]
        ]
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]}… ({len(value):,} characters)"
    return value


def short_text(text: str) -> str:
    """A text of a table -> its first and last lines, where the totals stand."""
    lines = text.rstrip().splitlines()
    if len(lines) > FIRST_LINES + LAST_LINES + 1:
        count = len(lines) - FIRST_LINES - LAST_LINES
        lines = [*lines[:FIRST_LINES], f"… {count:,} more lines", *lines[-LAST_LINES:]]
    text = "\n".join(lines)
    return text if len(text) <= 3 * MAX_TEXT else f"{text[: 3 * MAX_TEXT]}…"
