"""Limits -> verdicts: whether a report keeps to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from costcalc.dim import Dim, bounds, remedy
from costcalc.errors import UndecidedError, UnknownOperatorError, UsageError
from costcalc.report import Report
from costcalc.rows import plain


class Limit(NamedTuple):
    """The most that a total may be."""

    quantity: str
    most: int


class Verdict(NamedTuple):
    """A total beside its limit. A total that is only known from below can break a limit, but not keep it."""

    quantity: str
    value: Dim
    most: int
    kept: bool

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON."""
        return {"quantity": self.quantity, "value": plain(self.value), "limit": self.most, "kept": self.kept}


def judge(report: Report, limits: Iterable[Limit], allowed: Collection[str] = ()) -> tuple[Verdict, ...]:
    """A verdict for each limit.

    allowed names operators without a rule that are taken as free. UnknownOperatorError where another one leaves it
    open whether a limit is kept; UndecidedError where a symbol does; UsageError for a quantity that reports lack.
    """
    missing = [u for u in report.unknown if u.op_type not in allowed and f"{u.domain}:{u.op_type}" not in allowed]
    verdicts = []
    for limit in limits:
        if limit.quantity not in report.totals:
            raise UsageError(f"there is no total {limit.quantity!r}", "use one of " + ", ".join(report.totals))
        value = report.totals[limit.quantity]
        low, high = bounds(value)
        if low <= limit.most < high:
            raise UndecidedError(f"whether {limit.quantity} <= {limit.most:,} depends on {value}", remedy(value))
        kept = high <= limit.most
        if kept and missing:
            names = ", ".join(f"{u.domain}:{u.op_type}" if u.domain else u.op_type for u in missing)
            raise UnknownOperatorError(
                f"{limit.quantity} is at least {value:,}, but {names} has no rule",
                "allow it by name with --allow, or give it a rule",
                report.name,
            )
        verdicts.append(Verdict(limit.quantity, value, limit.most, kept))
    return tuple(verdicts)
