"""Findings that are accepted for a time, as data: an entry of a config's `ignore:`, or a comment in a YAML model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase

from costcalc.core.errors import UsageError
from costcalc.studies.check.verdict import ModelCheck, SourcePlace, Suppression, Verdict


@dataclass(frozen=True, slots=True)
class Ignore:
    """An entry or a comment. codes are codes or their beginnings. model and layer are names or globs, quantity is as
    verdicts write it, with or without ` increase`, "" for any; lines are those of the model's file that a comment holds
    for, None for all. until is the last day that it counts."""

    codes: tuple[str, ...]
    place: SourcePlace
    model: str = ""
    scenario: str = ""
    layer: str = ""
    quantity: str = ""
    until: date | None = None
    reason: str = ""
    in_source: bool = False
    lines: tuple[int, int] | None = None

    @property
    def suppression(self) -> Suppression:
        """What a verdict says that it suppresses."""
        return Suppression(self.place, self.until, self.reason, self.in_source)

    @property
    def subject(self) -> str:
        """What it is about in words: `ignore of CC001 for net.yaml (eight) layer conv1 time t4`."""
        about = [
            self.model or (self.place.file if self.in_source else ""),
            f"({self.scenario})" if self.scenario else "",
        ]
        about += [f"layer {self.layer}" if self.layer else "", self.quantity]
        subject = " ".join(filter(None, about))
        return f"ignore of {', '.join(self.codes)}{f' for {subject}' if subject else ''}"

    def is_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.until is not None and today > self.until

    def fits_model(self, checked: ModelCheck) -> bool:
        """Whether it is about a model in a scenario."""
        if self.in_source:
            return checked.source == self.place.file
        return self.fits_name(checked.model, checked.scenario)

    def fits_name(self, model: str, scenario: str) -> bool:
        """Whether an entry of a config is about a model and a scenario of these names."""
        if self.scenario and self.scenario != scenario:
            return False
        return not self.model or model == self.model or fnmatchcase(model, self.model)

    def find_code(self, verdict: Verdict) -> str:
        """The one of its codes that a verdict of such a model breaks; "" for none."""
        place = verdict.place
        if self.lines is not None and (
            place is None or place.file != self.place.file or not self.lines[0] <= place.line <= self.lines[1]
        ):
            return ""
        if self.layer and verdict.layer != self.layer and not fnmatchcase(verdict.layer, self.layer):
            return ""
        if self.quantity and self.quantity not in (verdict.quantity, verdict.quantity.removesuffix(" increase")):
            return ""
        return next((code for code in self.codes if verdict.code.startswith(code)), "")


def last_day(year: int, month: int) -> date:
    """The last day of a month."""
    return date.max if (year, month) == (9999, 12) else date(year + month // 12, month % 12 + 1, 1) - timedelta(1)


def parse_until(text: str) -> date:
    """`2027-01-15`, or `2027-01` for the last day of that month. UsageError for anything else."""
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?", text)
    if match:
        year, month, day = int(match[1]), int(match[2]), match[3]
        if year and 1 <= month <= 12:
            last = last_day(year, month)
            if day is None or 1 <= int(day) <= last.day:
                return last if day is None else last.replace(day=int(day))
    raise UsageError(f"until {text!r} is no date", "write a month or a day: 2027-01 or 2027-01-15")
