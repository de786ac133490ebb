"""Models held to limits: a config and its lock file -> verdicts.

`measurements` is the part that only some limits need (devices, training, generation, the layer behind a peak). It
imports every analysis: a fifth of the time of a check of totals, which does without.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import ModuleType


def measurements() -> ModuleType:
    """The module of the further quantities, imported when it is first needed."""
    from costcalc.studies.check import quantities

    return quantities
