"""The models that are built in: their names, and a length where one takes a text."""

from __future__ import annotations

from .paths import SPECS

NAMES = tuple(sorted(path.stem for path in SPECS.glob("*.yaml")))
LENGTHS = {"bert_base": {"seq": 128}, "gpt2": {"seq": 128}, "llama_7b": {"seq": 128}, "lstm_classifier": {"seq": 40}}
"""Values of the symbols that have no default."""
