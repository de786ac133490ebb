"""The counters, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.errors import UsageError, one_of
from costcalc.studies.reconcile.account import Tool
from costcalc.studies.reconcile.counters import calflops, fvcore, onnx_tool, thop, torchinfo, torchprofile, torchvision
from costcalc.studies.reconcile.counters import ptflops as ptflops_pytorch
from costcalc.studies.reconcile.counters.ptflops import ATEN_TOOL

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        torchvision.TOOL,
        thop.TOOL,
        ptflops_pytorch.TOOL,
        ATEN_TOOL,
        fvcore.TOOL,
        torchinfo.TOOL,
        calflops.TOOL,
        calflops.FLOPS,
        torchprofile.TOOL,
        onnx_tool.TOOL,
    )
}


def chosen(names: Sequence[str]) -> tuple[Tool, ...]:
    """The counters of these names, all where there are none; `ptflops` stands for both of its backends. UsageError for
    a name that is none."""
    found: dict[str, Tool] = {}
    for name in names:
        plain = name.strip().lower().replace("-", "_")
        some = [TOOLS[plain]] if plain in TOOLS else [t for t in TOOLS.values() if t.name.startswith(f"{plain}_")]
        if not plain or not some:
            raise UsageError(f"{name!r} is no counter that is known", one_of(plain, TOOLS))
        found.update((tool.name, tool) for tool in some)
    return tuple(found.values()) or tuple(TOOLS.values())
