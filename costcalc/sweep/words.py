"""The text of a condition -> Python's syntax tree, with quantities as users write them: `macs < 300M and n <= 1.5 k`.

A number may carry a unit of costcalc.units, with a space or without. Everything else is the syntax of Python's
comparisons and arithmetic, read by its own parser and evaluated by none of it.
"""

from __future__ import annotations

import ast
import re
from fractions import Fraction
from typing import Any

from costcalc.errors import UsageError
from costcalc.units import FACTORS

QUANTITY = re.compile(
    r"(?P<quoted>'[^']*'|\"[^\"]*\")"
    r"|(?<![\w.])(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\s*(?P<unit>[kKmMgGtTpPeE](?:i?[bB])?|[bB])(?!\w))?"
)
MARK = "ǂ"
"""A letter that begins the names of numbers, and none of a column."""
LONGEST = 2000
DEEPEST = 60


def tree_of(text: str) -> tuple[ast.expr, dict[str, Any]]:
    """The tree, and the numbers by the names that stand for them in it. UsageError where it is no expression."""
    if len(text) > LONGEST:
        raise UsageError(f"a condition of {len(text)} characters is too long", f"at most {LONGEST}")
    numbers: dict[str, Any] = {}

    def named(match: re.Match[str]) -> str:
        if match["quoted"]:
            return match[0]
        if len(match["number"].lower().partition("e")[2].lstrip("+-0")) > 2:
            raise UsageError(f"{match['number']} has a huge exponent", "write it with at most two digits: 1e12")
        value = Fraction(match["number"].replace("_", "")) * FACTORS[(match["unit"] or "").lower()]
        name = f"{MARK}{len(numbers)}"
        numbers[name] = value.numerator if value.denominator == 1 else value
        return f" {name} "

    if MARK in text:
        raise UsageError(f"{text!r} is not understood", "no column has this name")
    if re.search(r"(?<![<>=!])=(?!=)", re.sub(r"'[^']*'|\"[^\"]*\"", "", text)):
        raise UsageError(f"{text!r} has a single `=`", "write == to compare")
    written = QUANTITY.sub(named, text.replace("\n", " ")).replace("&&", " and ").replace("||", " or ")
    try:
        tree = ast.parse(written.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        remedy = "write comparisons such as 'macs < 300M and peak_activation_bytes < 512KiB'"
        raise UsageError(f"{text!r} is not understood", remedy) from error
    if _depth(tree) > DEEPEST:
        raise UsageError("the condition is nested too deeply", f"at most {DEEPEST} levels")
    return tree, numbers


def _depth(tree: ast.AST) -> int:
    """How deeply a tree is nested, found level by level."""
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth
