"""Names of counters to Counters: every counting tool whose rules are known, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.errors import UsageError, suggest_choice
from costcalc.studies.reconcile.account import Counter
from costcalc.studies.reconcile.counters.calflops import CALFLOPS, CALFLOPS_FLOPS
from costcalc.studies.reconcile.counters.fvcore import FVCORE
from costcalc.studies.reconcile.counters.onnx_tool import ONNX_TOOL
from costcalc.studies.reconcile.counters.ptflops import PTFLOPS_ATEN, PTFLOPS_PYTORCH
from costcalc.studies.reconcile.counters.thop import THOP
from costcalc.studies.reconcile.counters.torchinfo import TORCHINFO
from costcalc.studies.reconcile.counters.torchprofile import TORCHPROFILE
from costcalc.studies.reconcile.counters.torchvision import TORCHVISION

COUNTERS: dict[str, Counter] = {
    counter.name: counter
    for counter in (
        TORCHVISION,
        THOP,
        PTFLOPS_PYTORCH,
        PTFLOPS_ATEN,
        FVCORE,
        TORCHINFO,
        CALFLOPS,
        CALFLOPS_FLOPS,
        TORCHPROFILE,
        ONNX_TOOL,
    )
}


def select_counters(names: Sequence[str]) -> tuple[Counter, ...]:
    """Names -> the counters of these names, all of them where no name is given. `ptflops` stands for both of its
    backends. UsageError for a name that is no counter."""
    selected: dict[str, Counter] = {}
    for name in names:
        key = name.strip().lower().replace("-", "_")
        exact = [COUNTERS[key]] if key in COUNTERS else []
        counters = exact or [c for c in COUNTERS.values() if c.name.startswith(f"{key}_")]
        if not key or not counters:
            raise UsageError(f"{name!r} is no counter that is known", suggest_choice(key, COUNTERS))
        selected.update((counter.name, counter) for counter in counters)
    return tuple(selected.values()) or tuple(COUNTERS.values())
