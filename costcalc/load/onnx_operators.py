"""The names of ONNX's own operators, as the installed onnx package lists them."""

from __future__ import annotations


def onnx_operators() -> frozenset[tuple[str, str]]:
    """(domain, name) of each operator."""
    from onnx import defs

    return frozenset((schema.domain, schema.name) for schema in defs.get_all_schemas())
