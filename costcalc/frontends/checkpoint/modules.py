"""Lists of modules in a quantisation's configuration (`lm_head`, `model.layers.*.self_attn`, `re:.*gate`) -> whether a
module is in one.

The tools read such lists differently; each way is named after its tool. Expressions come from an unknown source: they
are refused where matching them could take longer than a name is long to the power of three.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from costcalc.core.budget import check_limit, spend
from costcalc.core.errors import LoadError

Matching = Literal["transformers", "substring", "glob", "compressed-tensors"]
"""How a list is read: as expressions that match from the beginning up to a dot, or as ends of names; as parts of names;
as names with `*`; as whole names, or after `re:` as expressions."""

MAX_PATTERNS = 100_000

MAX_PATTERN = 1_000
"""Characters of the longest expression."""

MAX_NAME = 500
"""Characters of the longest module name that expressions are tried on."""

_REPEATS = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\d*\})")

_NESTED = re.compile(r"\)[*+{]|\\\d|\(\?P")
"""A repeated group, in which another repetition may stand, or a reference to one."""

_PLAIN = re.compile(r"[\w.\-/]*")


class ModuleList:
    """A list of modules as a configuration has it."""

    def __init__(self, patterns: Any, matching: Matching) -> None:
        """LoadError where it is no list of texts, or has an expression that takes too long or is none."""
        if patterns is None:
            patterns = ()
        if not isinstance(patterns, (list, tuple)) or not all(isinstance(p, str) for p in patterns):
            raise LoadError("the quantisation's list of modules is no list of names", "correct quantization_config")
        check_limit(len(patterns), MAX_PATTERNS, "names of modules in the quantisation's configuration")
        self.patterns: Sequence[str] = tuple(patterns)
        self.matches = _MATCHERS[matching]([p for p in self.patterns if p])

    def __contains__(self, module: str) -> bool:
        return self.matches(module[:MAX_NAME])


def _match_transformers(patterns: list[str]) -> Callable[[str], bool]:
    """transformers 5, should_convert_module: an expression that matches from the beginning up to a dot or the end, or
    the end of the name as it is. Names without signs of expressions are looked up."""
    ends = tuple(patterns)
    names = frozenset(p for p in patterns if _PLAIN.fullmatch(p))
    expressions = [compile_pattern(f"(?:{p})(?:(?<=\\.)|(?=\\.|$))") for p in patterns if p not in names]

    def matches(module: str) -> bool:
        if module.endswith(ends) or any(prefix in names for prefix in _prefixes(module)):
            return True
        return _any_match(expressions, module)

    return matches if patterns else _match_nothing


def _match_substring(patterns: list[str]) -> Callable[[str], bool]:
    """AutoAWQ, get_named_linears with modules_to_not_convert: a part of the name."""
    return lambda module: any(p in module for p in patterns)


def _match_glob(patterns: list[str]) -> Callable[[str], bool]:
    """ModelOpt, exclude_modules: the name of the module or of one that it stands in, with `*`."""
    names = frozenset(p for p in patterns if "*" not in p)
    globs = [compile_pattern(".*".join(map(re.escape, re.split(r"\*+", p))) + r"\Z") for p in patterns if "*" in p]
    return lambda module: any(prefix in names for prefix in _prefixes(module)) or _any_match(globs, module)


def _match_compressed(patterns: list[str]) -> Callable[[str], bool]:
    """compressed-tensors, match_name: the whole name, or after `re:` an expression from its beginning."""
    names = frozenset(p for p in patterns if not p.startswith("re:"))
    expressions = [compile_pattern(p[3:]) for p in patterns if p.startswith("re:")]
    return lambda module: module in names or _any_match(expressions, module)


def _match_nothing(module: str) -> bool:
    return False


_MATCHERS: dict[Matching, Callable[[list[str]], Callable[[str], bool]]] = {
    "transformers": _match_transformers,
    "substring": _match_substring,
    "glob": _match_glob,
    "compressed-tensors": _match_compressed,
}


def _any_match(expressions: Iterable[re.Pattern[str]], module: str) -> bool:
    for expression in expressions:
        spend(1 + len(module) ** max(0, len(_REPEATS.findall(expression.pattern)) - 1) // 64)
        if expression.match(module):
            return True
    return False


def _prefixes(module: str) -> list[str]:
    """`a.b.c` -> a, a.b, a.b.c."""
    parts = module.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts) + 1)]


def compile_pattern(text: str) -> re.Pattern[str]:
    """An expression of a configuration -> compiled. LoadError where it is none, or could take too long: a repetition in
    a repetition, a reference, or more than three repetitions."""
    remedy = "name the modules instead of an expression"
    if len(text) > MAX_PATTERN or len(_REPEATS.findall(text)) > 3 or _NESTED.search(text):
        raise LoadError(f"the expression {text[:80]!r} for modules is too complicated", remedy)
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise LoadError(f"{text[:80]!r} is no regular expression: {error}", remedy) from error
