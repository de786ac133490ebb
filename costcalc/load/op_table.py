"""ONNX's default domain for YAML files: each operator's attributes and their types, as a table that ships with the
package (onnx itself is not imported). `python -m costcalc.load.op_table` writes it anew from the onnx package."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("onnx_ops.json")


@lru_cache(maxsize=1)
def operators() -> dict[str, dict[str, str]]:
    """{op_type: {attribute: its type: float, int, string, floats, ints, strings, tensor, graph, …}}"""
    table: dict[str, dict[str, str]] = json.loads(TABLE.read_text())
    return table


def from_onnx() -> dict[str, dict[str, str]]:
    """The same table from the onnx package: for every operator all attributes that any version since opset 7 had."""
    import onnx.defs

    table: dict[str, dict[str, str]] = {}
    for schema in sorted(onnx.defs.get_all_schemas_with_history(), key=lambda s: (s.name, s.since_version)):
        if schema.domain == "":
            attributes = {name: str(a.type).rpartition(".")[2].lower() for name, a in schema.attributes.items()}
            table[schema.name] = table.get(schema.name, {}) | attributes
    return table


if __name__ == "__main__":
    TABLE.write_text(json.dumps(from_onnx(), indent=None, separators=(",", ":"), sort_keys=True) + "\n")
