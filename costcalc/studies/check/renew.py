"""The text of a config, and an entry of its `ignore:` whose date is over → the text with another date in that entry,
and the codes that it is of now; its reason and everything around it stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from costcalc.core.errors import ConfigError
from costcalc.frontends.yaml.document import Map, Seq, YamlNode, find_spans, parse_document
from costcalc.studies.check.config_file import parse_toml
from costcalc.studies.check.config_writer import format_flow, format_toml, quote
from costcalc.studies.check.ignore import Ignore

_TOML_VALUE = r"""\s*=\s*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\[[^\]]*\]|[^\s,}\]]+)"""


def renew_entry(text: str, file: str, ignore: Ignore, codes: Sequence[str], until: str, reason: str | None) -> str:
    """The text with LF, the entry as it was read, and what it is to say; reason None leaves the one that is there.
    ConfigError where the entry's form leaves no place for that."""
    is_toml = file.endswith(".toml")
    format_value = format_toml if is_toml else format_flow
    texts = {"until": format_value(until)}
    texts |= {"reason": quote(reason)} if reason else {}
    texts |= (
        {} if tuple(codes) == ignore.codes else {"code": format_value(codes[0] if len(codes) == 1 else list(codes))}
    )
    node = _find_node(text, file, ignore)
    places = _toml_places(text, file, node, texts) if is_toml else _yaml_places(text, node, texts)
    for start, end, value in sorted(places, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _find_node(text: str, file: str, ignore: Ignore) -> Map:
    root = parse_toml(text.encode(), file) if file.endswith(".toml") else parse_document(text, file).root
    entries = root.values.get("ignore") if isinstance(root, Map) else None
    for node in entries.items if isinstance(entries, Seq) else [entries]:
        if isinstance(node, Map) and (node.line, node.column) == (ignore.place.line, ignore.place.column):
            return node
    raise _no_place(file, ignore.place.line)


def _no_place(file: str, line: int) -> ConfigError:
    return ConfigError(
        "the entry that is over cannot be renewed in its form", "give it another `until:`", f"{file}:{line}"
    )


def _yaml_places(text: str, node: Map, texts: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """(start, end, new text) of each value of a mapping that is to be another; a new reason stands behind the date."""
    spans = find_spans(text)

    def span_of(value: YamlNode) -> tuple[int, int]:
        span = spans.of(value)
        return span.start, span.end

    if "reason" in texts and "reason" not in node.values:
        separator = ", " if spans.of(node).flow else f"\n{' ' * (node.keys['until'].column - 1)}"
        texts = {**texts, "until": f"{texts['until']}{separator}reason: {texts['reason']}"}
    return [(*span_of(node.values[key]), value) for key, value in texts.items() if key in node.values]


def _toml_places(text: str, file: str, node: Map, texts: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """The same of a table, whose parser tells only the places of keys."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    places = []
    for key, value in texts.items():
        if key not in node.keys:
            continue
        scalar = node.keys[key]
        start = starts[scalar.line - 1] + scalar.column - 1 + len(key)
        match = re.compile(rf"[\"']?{_TOML_VALUE}").match(text, start)
        if match is None:
            raise _no_place(file, scalar.line)
        places.append((match.start(1), match.end(1), value))
    return places
