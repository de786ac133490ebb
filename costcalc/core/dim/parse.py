"""Text of a formula (`12*seq**2 + seq`, `(H + 1)//2`) <-> Dim: what format_formula writes, parse_formula reads exactly.

A symbol whose name is not a word (`batch-size`) stands between backticks; a backtick in a name is doubled.
"""

from __future__ import annotations

import re
from functools import lru_cache

from costcalc.core.dim.order import extreme, floordiv
from costcalc.core.dim.poly import Atom, Dim, Poly, plain_text, sum_of, symbol, symbols
from costcalc.core.errors import ExpressionError

_WORD = re.compile(r"[^\W\d]\w*")

_TOKEN = r"\s*(?:(\d+)|([^\W\d]\w*)|`((?:[^`]|``)+)`|(\*\*|//|[-+*(),]))"

_MAX_DEPTH, _MAX_POWER, _MAX_DIGITS = 40, 99, 100


def format_formula(d: Dim) -> str:
    """An extent -> the text that parse_formula reads: as plain_text, names that are no words between backticks."""
    if all(map(_WORD.fullmatch, symbols(d))):
        return plain_text(d)
    return str(d) if isinstance(d, int) else sum_of(d, "*", lambda n: f"**{n}", str, _format_atom)


def _format_atom(atom: Atom) -> str:
    if atom.op == "symbol":
        return atom.key if _WORD.fullmatch(atom.key) else "`" + atom.key.replace("`", "``") + "`"
    if atom.op == "//":
        return "//".join(f"({format_formula(d)})" for d in atom.args)
    return f"{atom.op}({', '.join(map(format_formula, atom.args))})"


@lru_cache(maxsize=1 << 12)
def parse_formula(formula: str) -> Dim:
    """The Dim that a formula in `+ - * // ** min max` prints. ExpressionError for anything else."""
    tokens = _split_tokens(formula)
    value, end = _parse_sum(formula, tokens, 0, 0)
    if end != len(tokens) - 1:
        raise _refusal(formula)
    return value


Token = tuple[str, str]
"""The kind of a token (number, name, quoted, sign or end), and its text."""


def _split_tokens(formula: str) -> list[Token]:
    tokens: list[Token] = []
    pattern, offset, end = re.compile(_TOKEN), 0, len(formula.rstrip())
    while offset < end:
        match = pattern.match(formula, offset)
        if match is None or len(match[1] or "") > _MAX_DIGITS:
            raise _refusal(formula)
        number, name, quoted, sign = match.groups()
        if number:
            tokens.append(("number", number))
        elif sign:
            tokens.append(("sign", sign))
        else:
            tokens.append(("name", name) if name else ("quoted", quoted.replace("``", "`")))
        offset = match.end()
    return [*tokens, ("end", "")]


def _parse_sum(formula: str, tokens: list[Token], index: int, depth: int) -> tuple[Dim, int]:
    """The value of the sum that begins at a token, and where it ends."""
    total: Dim = 0
    sign = "+"
    if tokens[index] == ("sign", "-"):
        sign, index = "-", index + 1
    while True:
        term, index = _parse_product(formula, tokens, index, depth)
        total = total + term if sign == "+" else total - term
        if tokens[index] not in (("sign", "+"), ("sign", "-")):
            return total, index
        sign, index = tokens[index][1], index + 1


def _parse_product(formula: str, tokens: list[Token], index: int, depth: int) -> tuple[Dim, int]:
    value, index = _parse_power(formula, tokens, index, depth)
    while tokens[index] in (("sign", "*"), ("sign", "//")):
        operator = tokens[index][1]
        factor, index = _parse_power(formula, tokens, index + 1, depth)
        if operator == "*":
            if _count_terms(value) > 1 or _count_terms(factor) > 1:
                raise _refusal(formula)  # never printed, and multiplying out may take long
            value = value * factor
        else:
            value = floordiv(value, factor)
    return value, index


def _parse_power(formula: str, tokens: list[Token], index: int, depth: int) -> tuple[Dim, int]:
    value, index = _parse_operand(formula, tokens, index, depth)
    if tokens[index] != ("sign", "**"):
        return value, index
    kind, digits = tokens[index + 1]
    if kind != "number" or len(digits) > 2 or not 0 < int(digits) <= _MAX_POWER or _count_terms(value) > 1:
        raise _refusal(formula)
    return value ** int(digits), index + 2


def _parse_operand(formula: str, tokens: list[Token], index: int, depth: int) -> tuple[Dim, int]:
    kind, text = tokens[index]
    if depth > _MAX_DEPTH:
        raise _refusal(formula)
    if kind == "number":
        return int(text), index + 1
    if kind == "quoted" or (kind == "name" and tokens[index + 1] != ("sign", "(")):
        return symbol(text), index + 1
    if (kind, text) == ("sign", "("):
        value, index = _parse_sum(formula, tokens, index + 1, depth + 1)
    elif kind == "name" and text in ("min", "max"):
        value, index = _parse_sum(formula, tokens, index + 2, depth + 1)
        if tokens[index] != ("sign", ","):
            raise _refusal(formula)
        second, index = _parse_sum(formula, tokens, index + 1, depth + 1)
        value = extreme(text, value, second)
    else:
        raise _refusal(formula)
    if tokens[index] != ("sign", ")"):
        raise _refusal(formula)
    return value, index + 1


def _count_terms(d: Dim) -> int:
    return len(d.terms) if isinstance(d, Poly) else 1


def _refusal(formula: str) -> ExpressionError:
    excerpt = formula if len(formula) <= 60 else formula[:59] + "…"
    return ExpressionError(f"{excerpt!r} is no formula", "a formula is names and numbers with + - * // ** min max")
