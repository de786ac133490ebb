"""A config and its findings → the config's text with an `ignore:` entry for each limit that is exceeded now, so that
costcalc can be adopted where models are over their limits. Comments and layout stay as they are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from costcalc.core.errors import ConfigError, UsageError
from costcalc.frontends.yaml.document import Map, Scalar, Seq, find_spans, parse_document
from costcalc.studies.check import baseline as lock
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config_file import nearest_config, parse_config, read_config_file
from costcalc.studies.check.config_writer import format_flow, format_toml
from costcalc.studies.check.ignore import Ignore, last_day, parse_until
from costcalc.studies.check.renew import renew_entry
from costcalc.studies.check.run import run
from costcalc.studies.check.suppress import current_date
from costcalc.studies.check.verdict import CheckResult

MONTHS = 3
"""Months that an entry holds unless a date is given."""

REASON = "TODO: why, and what ends it"

IgnoreFields = tuple[tuple[str, str | list[str]], ...]
"""The keys and values of an entry."""


IgnoreKey = tuple[str, str, str]
"""Model, scenario and quantity ("" for any) that an entry is of."""


class Adoption(NamedTuple):
    """The config's new text, its file, how many entries are new or renewed, how many limits they are of, and the last
    day that they hold."""

    text: str
    file: str
    entries: int
    findings: int
    until: date


def add_ignores(
    config: str | os.PathLike[str] | None = None,
    *models: str,
    baseline: lock.Baseline | None = None,
    until: str | None = None,
    reason: str | None = None,
    jobs: int = 1,
) -> CheckResult:
    """Writes an `ignore:` entry into a config's file (None: the nearest one) for each limit that its models exceed now,
    of the named ones where some are named; returns the check as it is then. until is the last day or month
    (`"2027-01"`), in three months unless given; reason says why. ConfigError where the file cannot be extended."""
    found = nearest_config(config)
    adoption = plan_ignores(found, run(found, baseline, model_names=models, jobs=jobs), until, reason)
    if adoption.entries:
        Path(found.file).write_bytes(adoption.text.encode())
    return run(read_config_file(found.file), baseline, model_names=models, jobs=jobs)


def plan_ignores(config: Config, result: CheckResult, until: str | None = None, reason: str | None = None) -> Adoption:
    """A config and the check of its models → what adding the entries would write. UsageError where there is no file, or
    the date is none; ConfigError where the file's form leaves no place for the entries."""
    if not config.file:
        raise UsageError("there is no config to write ignores into", "write one with `costcalc check --init`")
    last = parse_until(until) if until else _add_months(current_date(), MONTHS)
    if last < current_date():
        raise UsageError(f"until {until!r} is over: such an entry suppresses nothing", "name a day or month to come")
    groups: dict[IgnoreKey, list[str]] = {}
    findings = 0
    for checked in result.models:
        for verdict in checked.verdicts:
            if verdict.outcome != "exceeded" or verdict.level != "error" or verdict.is_suppressed:
                continue
            quantity = verdict.quantity.removesuffix(" increase")
            quantity = quantity if " " in quantity else ""  # of a device, an operator, layers: one of several
            codes = groups.setdefault((checked.model, checked.scenario, quantity), [])
            codes += [] if verdict.code in codes else [verdict.code]
            findings += 1
    text = Path(config.file).read_bytes().decode("utf-8")
    if not groups:
        return Adoption(text, config.file, 0, 0, last)
    until = until or last.strftime("%Y-%m")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    new_text = text.removeprefix(mark).replace("\r\n", "\n")
    expired = _find_expired(config, groups)
    for ignore, key in sorted(expired.items(), key=lambda item: item[0].place, reverse=True):
        new_text = renew_entry(new_text, config.file, ignore, groups[key], until, reason)
    entries = [_make_fields(key, codes, until, reason) for key, codes in groups.items() if key not in expired.values()]
    if entries:
        is_toml = config.file.endswith(".toml")
        new_text = _extend_toml(new_text, entries) if is_toml else _extend_yaml(new_text, config.file, entries)
    new_text = re.sub(r"(?<!\r)\n", "\r\n", new_text) if "\r\n" in text else new_text
    new_text = mark + new_text
    _verify(config, new_text, len(entries))
    return Adoption(new_text, config.file, len(groups), findings, last)


def _find_expired(config: Config, keys: Collection[IgnoreKey]) -> dict[Ignore, IgnoreKey]:
    """The entries whose date is over, of those that are about the same as an entry to write: they are renewed in their
    place, the last of several."""
    by_key: dict[IgnoreKey, Ignore] = {}
    for ignore in config.ignores:
        key = ignore.model, ignore.scenario, ignore.quantity
        if key in keys and not ignore.layer and ignore.is_expired(current_date()):
            by_key[key] = ignore
    return {ignore: key for key, ignore in by_key.items()}


def _add_months(day: date, months: int) -> date:
    """The last day of the month that is so many months later."""
    years, month = divmod(day.month - 1 + months, 12)
    return last_day(day.year + years, month + 1)


def _make_fields(key: IgnoreKey, codes: list[str], until: str, reason: str | None) -> IgnoreFields:
    """The fields of an entry of (model, scenario, quantity)."""
    model, scenario, quantity = key
    fields: list[tuple[str, str | list[str]]] = [("code", codes[0] if len(codes) == 1 else codes), ("model", model)]
    fields += [(name, text) for name, text in (("scenario", scenario), ("quantity", quantity)) if text]
    return (*fields, ("until", until), ("reason", reason or REASON))


def _verify(config: Config, text: str, added: int) -> None:
    """ConfigError unless the new text is the config as it was, with so many more ignores."""
    remedy = "add the entries there by hand: `ignore:` with `code:`, `model:`, `until:` and `reason:`"
    try:
        new = parse_config(text.encode(), config.file, config.folder)
    except ConfigError as error:
        raise ConfigError("its form leaves no place for an `ignore:` entry", remedy, config.file) from error
    same = [(e.path, e.name, e.scenario, e.group) for e in new.entries] == [
        (e.path, e.name, e.scenario, e.group) for e in config.entries
    ]
    if not same or len(new.ignores) != len(config.ignores) + added:
        raise ConfigError("its form leaves no place for an `ignore:` entry", remedy, config.file)


def _extend_yaml(text: str, file: str, entries: Sequence[IgnoreFields]) -> str:
    """The text of a config with more entries in `ignore:`, in the form that it has there, a list at the end where it
    has none."""
    body = text.removeprefix("\ufeff").replace("\r\n", "\n")
    items = [format_flow(dict(fields)) for fields in entries]
    root, spans = parse_document(body, file).root, find_spans(body)
    node = root.values.get("ignore") if isinstance(root, Map) else None
    indent = " " * (root.column - 1)
    lines = [f"{indent}  - {item}" for item in items]
    if node is None:
        ending = "" if body.endswith("\n") else "\n"
        return "\n".join([text.replace("\r\n", "\n") + ending + f"{indent}ignore:", *lines, ""])
    span = spans.of(node)
    if isinstance(node, Seq) and not span.flow:
        last = node.items[-1] if node.items else node
        dash = " " * (node.column - 1)
        end = body.find("\n", spans.of(last).end)
        new = _insert_lines(body, end, [f"{dash}- {item}" for item in items])
    elif isinstance(node, Seq):
        inside = body[span.start + 1 : span.end - 1].rstrip()
        start = span.start + 1 + len(inside)
        comma = ", " if inside and not inside.endswith(",") else ""
        new = body[:start] + comma + ", ".join(items) + body[start:]
    elif isinstance(node, Scalar) and not node.is_null:
        new = f"{body[: span.start]}[{', '.join([body[span.start : span.end], *items])}]{body[span.end :]}"
    else:
        assert isinstance(root, Map)
        start = sum(len(line) + 1 for line in body.split("\n")[: root.keys["ignore"].line]) - 1
        new = _insert_lines(body, start, lines)
    return ("\ufeff" if text.startswith("\ufeff") else "") + new


def _insert_lines(body: str, end: int, lines: Sequence[str]) -> str:
    """A text with lines behind the line that ends at an index; -1 for a last line without an end."""
    block = "".join(f"\n{line}" for line in lines)
    return f"{body}{block}\n" if end < 0 or end >= len(body) else body[:end] + block + body[end:]


def _toml_fields(fields: IgnoreFields) -> list[str]:
    return [f"{key} = {format_toml(value)}" for key, value in fields]


def _extend_toml(text: str, entries: Sequence[IgnoreFields]) -> str:
    """The text of a pyproject.toml with a table `[[tool.costcalc.ignore]]` for each entry at its end; where `ignore` is
    an array, with inline tables in it."""
    body = text.replace("\r\n", "\n")
    array = re.search(r"^[ \t]*ignore[ \t]*=[ \t]*\[", _costcalc_table(body), re.M)
    if array is None:
        tables = ["\n".join(["[[tool.costcalc.ignore]]", *_toml_fields(fields)]) for fields in entries]
        return body.rstrip("\n") + "\n\n" + "\n\n".join(tables) + "\n"
    start = body.index(_costcalc_table(body)) + array.end()
    end = _array_end(body, start)
    inside = re.sub(r"#[^\n]*$", "", body[start:end].rstrip())
    comma = ", " if inside.strip() and not inside.rstrip().endswith(",") else ""
    inline = ", ".join(f"{{ {', '.join(_toml_fields(fields))} }}" for fields in entries)
    return body[:end] + comma + inline + body[end:]


def _costcalc_table(body: str) -> str:
    """The part of a TOML text from [tool.costcalc] to the next table; "" where there is none."""
    match = re.search(r"^\[tool\.costcalc\][^\n]*\n(?:(?!\[)[^\n]*\n?)*", body, re.M)
    return match[0] if match else ""


def _array_end(body: str, start: int) -> int:
    """The index of the `]` that ends an array whose first character is at start; brackets in strings and comments are
    none of it."""
    depth = 1
    for token in re.finditer(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]]', body[start:]):
        depth += {"[": 1, "]": -1}.get(token[0], 0)
        if not depth:
            return start + token.start()
    return len(body)
