"""Fields of a configuration -> the most tokens of a text that it states, with the field that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from costcalc.core.ir import ContextLimit
from costcalc.frontends.huggingface.document import is_finite

LENGTH_FIELDS = (
    "max_position_embeddings",
    "n_positions",
    "max_target_positions",
    "max_seq_len",
    "max_seq_length",
    "max_sequence_length",
    "seq_length",
    "model_max_length",
)
"""Fields with the length of a text, by the names of transformers and of published configurations (vLLM,
ModelConfig.get_and_verify_max_len, reads the same)."""

SCALING_FIELDS = ("rope_scaling", "rope_parameters")

INCLUDED = ("default", "llama3", "longrope", "su", "mrope", "proportional")
"""Types of scaled rotary positions with which the length is that of the scaled ones already (transformers,
modeling_rope_utils): what they scale from is original_max_position_embeddings."""


def context_limit(fields: Mapping[str, Any], names: Mapping[str, str] | None = None) -> ContextLimit | None:
    """Fields of a configuration, and what its file calls them -> the most tokens that it states; the part that reads
    text speaks for a network of parts. None where it states none.

    YaRN (arXiv:2309.00071) reaches `factor` times original_max_position_embeddings, whatever the length beside it is:
    published configurations give either length there. Whether another scaling is part of the length is not said.
    """
    text_fields = fields.get("text_config")
    for part in (text_fields if isinstance(text_fields, dict) else {}, fields):
        stated = [(value, name) for name in LENGTH_FIELDS if (value := _count(part.get(name)))]
        if not stated:
            continue
        tokens, field = min(stated)
        origin = (names or {}).get(field, field)
        for kind, factor, original in _scalings(part):
            factor_text = f"{float(factor):g}"
            if kind == "yarn":
                reached = int((original or tokens) * factor)
                return ContextLimit(reached, f"{origin}, yarn: {original or tokens:,} × {factor_text}")
            if kind not in INCLUDED and factor != 1:
                words = f"scaling {kind} by {factor_text} may be part of it, or reach further"
                return ContextLimit(tokens, f"{origin}; {words}")
        return ContextLimit(tokens, origin)
    return None


def _scalings(fields: Mapping[str, Any]) -> Iterator[tuple[str, Fraction, int]]:
    """Fields -> (type, factor, original length or 0) of each scaling of rotary positions, of kinds of layers too."""
    for name in SCALING_FIELDS:
        scaling = fields.get(name)
        if not isinstance(scaling, dict):
            continue
        for item in (scaling, *[value for value in scaling.values() if isinstance(value, dict)]):
            kind, factor = item.get("rope_type") or item.get("type"), item.get("factor")
            if isinstance(kind, str) and isinstance(factor, (int, float)) and factor >= 1 and is_finite(factor):
                yield kind, Fraction(factor), _count(item.get("original_max_position_embeddings"))


def _count(value: Any) -> int:
    """A value -> the same where it is a number of tokens, else 0."""
    return value if type(value) is int and value > 0 else 0
