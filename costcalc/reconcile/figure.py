"""A figure that somebody saw: 11,286,254,592, or rounded as 11.3G, as a counter prints it: 11.3 GMac."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from costcalc.dim import Dim
from costcalc.units import parse


class Figure(NamedTuple):
    """What was written, its value, and by how much rounding may have moved it."""

    text: str
    value: int
    within: Fraction = Fraction(0)

    def fits(self, figure: Dim) -> bool:
        """Whether a figure may have been written so."""
        return isinstance(figure, int) and abs(self.value - figure) <= self.within

    def beyond(self, figure: Dim) -> Dim:
        """How much more was written than a figure; 0 where that is within the rounding."""
        return 0 if self.fits(figure) else self.value - figure


def figure(text: str | int | Figure) -> Figure:
    """Reads a figure. UsageError where it is no quantity. 11.3G stands for what rounds to it; a plain whole number is
    exact."""
    if isinstance(text, Figure):
        return text
    text = str(text).strip()
    bare = re.sub(r"\s*(?:MACs?|FLOPs?)$", "", text, flags=re.IGNORECASE) or text
    value = parse(bare)
    match = re.fullmatch(r"[\d,_]+(?:\.(\d+))?(?:[eE]\+?\d+)?\s*[a-zA-Z]*", bare)
    decimals = len(match[1] or "") if match else 0
    number = re.sub(r"[\d,_]+(?:\.\d+)?", "1", bare, count=1)
    unit = Fraction(parse(number), 10**decimals)
    return Figure(text, value, unit / 2 if unit != 1 else Fraction(0))
