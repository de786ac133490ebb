"""Sweeps: a model at many sizes and settings, any quantity of each.

`measurements` is the part that measures quantities beyond the totals. It imports every analysis, which a sweep over
totals does not pay for at its start.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import ModuleType


def measurements() -> ModuleType:
    """The module of measured points, imported when it is first needed."""
    from costcalc.studies.sweep import measured_point

    return measured_point
