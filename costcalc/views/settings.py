"""Settings of a result -> what is told of them: words of the command line, notes, and their entry of the JSON
documents, with which the same can be run again."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from costcalc.core.amount import json_amount
from costcalc.core.dim import Poly
from costcalc.core.ir import Graph
from costcalc.core.settings import option_words, settings_of
from costcalc.studies.options import Settings
from costcalc.views.table import Note

NOTED_SETTINGS = ("dtype", "act_dtype")
"""Settings of reading of which the graph has a note of its own."""


def settings_document(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name -> `{"settings": …}` of a JSON document, which costcalc.analyze takes as its options; nothing
    where all are defaults."""
    return {"settings": _plain(settings)} if settings else {}


def _plain(value: Any) -> Any:
    """A value of a setting -> the same as JSON has it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return json_amount(value) if isinstance(value, Poly) else value


def reading_words(settings: Mapping[str, Any], told: Collection[str] = ()) -> str:
    """Settings by name -> those of reading as options of the command line: `--set alpha=0.25 --shape x=1,3,64,64`;
    without the symbols that are told elsewhere, and without the element types."""
    names = [setting.name for setting in settings_of(Settings) if setting.name not in NOTED_SETTINGS]
    reading = {name: settings[name] for name in names if name in settings}
    if "dims" in reading:
        reading["dims"] = {name: value for name, value in reading["dims"].items() if name not in told}
    words = [word.partition(" ") for word in option_words(Settings()._replace(**reading))]
    return " ".join(f"--{option} {shlex.quote(value)}" if value else f"--{option}" for option, _, value in words)


def given_notes(graph: Graph) -> Iterator[Note]:
    """A graph -> the note of how it was read; bound symbols are told by a note of their own."""
    text = reading_words(graph.settings, graph.symbols)
    if text:
        yield Note("Given", text)


def parameters_text(graph: Graph) -> str:
    """A graph -> the parameters that were set for it: `alpha = 0.25`; "" where none was."""
    return ", ".join(f"{name} = {value}" for name, value in graph.settings.get("params", {}).items())
