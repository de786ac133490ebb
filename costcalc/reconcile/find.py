"""A path, a built-in name or a Graph -> its Reconciliation: what `costcalc reconcile` and the Python API ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from costcalc.api import load
from costcalc.given import mapping, words
from costcalc.reconcile.figure import Figure, figure
from costcalc.reconcile.reconciliation import Reconciliation, reconcile_graph

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.frontends import ModelSource
    from costcalc.studies.options import ReadingArguments


def reconcile(
    model: ModelSource,
    *,
    tools: str | Sequence[str] = (),
    written: Mapping[str, str] | None = None,
    figures: Mapping[str, str | int | Figure] | None = None,
    **options: Unpack[ReadingArguments],
) -> Reconciliation:
    """How thop, ptflops, fvcore, torchinfo, calflops, torchprofile, onnx-tool and torchvision's table count a model,
    each figure as a sum of parts that follow from the graph by the counter's rules.

    tools are their names, all unless given (`"ptflops"` is both of its backends). figures are what somebody saw, by
    counter (`{"thop": "11.3G"}`): what the parts do not explain is its account's `unexplained`. written says how the
    network is written in PyTorch where the graph cannot tell (costcalc.reconcile.writing.CHOICES); a built-in model is
    taken as torchvision has it. The other options are load's. UsageError for a name that is none.
    """
    seen = {name: figure(text) for name, text in mapping("figures", figures).items()}
    return reconcile_graph(load(model, **options), words("tools", tools), mapping("written", written), seen)
