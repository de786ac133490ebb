"""The text of a YAML model → the ignores that its comments are.

A comment is `# costcalc: ignore CC001, CC201 until 2027-01: the reason`. On the line that a finding names, or on a line
of its own above it, it holds for that layer; above `layers:`, for the whole model.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from costcalc.core.errors import SpecError, UsageError
from costcalc.frontends.yaml.document import Map, Scalar, Seq, Span, Spans, YamlNode, find_spans, parse_document
from costcalc.studies.check.ignore import Ignore, parse_until
from costcalc.studies.check.rules import require_ignorable
from costcalc.studies.check.verdict import SourcePlace

_COMMENT = re.compile(r"#[ \t]*costcalc[ \t]*:[ \t]*([^\r\n]*)")

_DIRECTIVE = re.compile(r"ignore\b[ \t]*([^:]*?)(?:[ \t]+until[ \t]+([^\s:]+))?[ \t]*(?::[ \t]*(.*?))?[ \t]*")

EXAMPLE = "# costcalc: ignore CC001 until 2027-01: the reason"


class SourceIgnores(NamedTuple):
    """The ignores of a model's file, and the place of each comment that is not understood, and why."""

    ignores: tuple[Ignore, ...] = ()
    problems: tuple[tuple[SourcePlace, str], ...] = ()


NO_IGNORES = SourceIgnores()


def read_source_ignores(content: bytes, file: str) -> SourceIgnores:
    """The content of a YAML model → its ignores. Nothing of a file that is no YAML: its reader says what is wrong."""
    if b"costcalc" not in content:
        return NO_IGNORES
    try:
        text = content.decode("utf-8-sig")
        if not _COMMENT.search(text):
            return NO_IGNORES
        layers = _layer_lines(parse_document(text, file).root, spans := find_spans(text))
    except (UnicodeDecodeError, SpecError):
        return NO_IGNORES
    ignores, problems = [], []
    for place, directive, is_alone in _find_comments(spans, file):
        lines = _lines_of_comment(place.line, is_alone, text.splitlines(), layers)
        try:
            ignores.append(_parse_directive(directive, place, lines))
        except UsageError as error:
            problems.append((place, f"the comment is not understood: {error.fact}; {error.remedy}"))
    return SourceIgnores(tuple(ignores), tuple(problems))


def _find_comments(spans: Spans, file: str) -> Iterator[tuple[SourcePlace, str, bool]]:
    """(place, what stands behind `costcalc:`, whether the comment has a line of its own); a `#` in a scalar is none."""
    starts = [start for start, _ in spans.tokens]
    for match in _COMMENT.finditer(spans.text):
        at = bisect_right(starts, match.start()) - 1
        line_start = spans.text.rfind("\n", 0, match.start()) + 1
        before = spans.text[line_start : match.start()]
        if (at >= 0 and match.start() < spans.tokens[at][1]) or (before and not before[-1].isspace()):
            continue
        line = spans.text.count("\n", 0, match.start()) + 1
        yield SourcePlace(file, line, match.start() - line_start + 1), match[1].strip(), not before.strip()


def _parse_directive(text: str, place: SourcePlace, lines: tuple[int, int] | None) -> Ignore:
    match = _DIRECTIVE.fullmatch(text)
    if not match:
        raise UsageError(f"there is no {text.split()[0] if text.split() else 'directive'!r}", f"write `{EXAMPLE}`")
    codes = [code for code in re.split(r"[\s,]+", match[1]) if code]
    if not codes:
        raise UsageError("it names no code", f"write `{EXAMPLE}`")
    until = parse_until(match[2]) if match[2] else None
    codes = [require_ignorable(code) for code in codes]
    return Ignore(tuple(codes), place, until=until, reason=match[3] or "", in_source=True, lines=lines)


def _layer_lines(root: YamlNode, spans: Spans) -> list[tuple[int, int]]:
    """The first and last line of each entry of the lists of layers of a model, an outer one before those in it."""
    found: list[tuple[int, int]] = []

    def walk(node: YamlNode) -> None:
        children = node.items if isinstance(node, Seq) else list(node.values.values()) if isinstance(node, Map) else []
        for child in children:
            if isinstance(node, Seq) and isinstance(child, (Map, Scalar)) and (span := _span(spans, child)):
                found.append((child.line, child.line + spans.text.count("\n", span.start, span.end)))
            walk(child)

    for key in ("blocks", "layers"):
        if isinstance(root, Map) and key in root.values:
            walk(root.values[key])
    return found


def _span(spans: Spans, node: YamlNode) -> Span | None:
    """A node's span; None of an alias's node, which stands elsewhere."""
    try:
        return spans.of(node)
    except KeyError:
        return None


def _lines_of_comment(
    line: int, is_alone: bool, lines: list[str], layers: Iterable[tuple[int, int]]
) -> tuple[int, int] | None:
    """The lines that a comment holds for: those of the layer that begins on its line, or on the next one with content
    where it has a line of its own, else of the innermost layer around it; None for the whole model."""
    target = line
    if is_alone:
        below = (n for n, text in enumerate(lines[line:], line + 1) if text.strip() and text.lstrip()[0] != "#")
        target = next(below, line)
    around = [entry for entry in layers if entry[0] <= target <= entry[1]]
    beginning = [entry for entry in around if entry[0] == target]
    if beginning:
        return beginning[0]
    return None if is_alone or not around else around[-1]
