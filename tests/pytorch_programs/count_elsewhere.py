"""Programs of counters.py -> tests/data/counters/programs.json: what other counters say of the same modules.

    python tests/pytorch_programs/count_elsewhere.py

Needs torch and the counters, of the versions in tests/data/counters/torchvision.json. Each runs in a process of its
own, since some leave functions of torch patched.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import calflops
import torch
from counters import PROGRAMS
from fvcore.nn import FlopCountAnalysis
from ptflops import get_model_complexity_info
from thop import profile
from torchinfo import summary
from torchprofile import profile_macs

OUTPUT = Path(__file__).parent.parent / "data" / "counters" / "programs.json"
PROVENANCE = (
    "What each counter says of the modules of tests/pytorch_programs/counters.py in evaluation, without gradients, on "
    "a CPU (torch 2.14.1, the versions of torchvision.json)."
)


def count_ptflops(module: Any, x: Any, backend: str) -> float:
    macs, _ = get_model_complexity_info(
        module,
        tuple(x.shape[1:]),
        input_constructor=lambda _: {"x": x},
        as_strings=False,
        print_per_layer_stat=False,
        backend=backend,
    )
    return macs


def count_calflops(module: Any, x: Any, position: int) -> float:
    return calflops.calculate_flops(module, args=[x], print_results=False, output_as_string=False)[position]


COUNTERS: dict[str, Callable[[Any, Any], float]] = {
    "thop": lambda module, x: profile(module, inputs=(x,), verbose=False)[0],
    "ptflops_pytorch": lambda module, x: count_ptflops(module, x, "pytorch"),
    "ptflops_aten": lambda module, x: count_ptflops(module, x, "aten"),
    "fvcore": lambda module, x: FlopCountAnalysis(module, x).total(),
    "torchinfo": lambda module, x: summary(module, input_data=x, verbose=0).total_mult_adds,
    "calflops": lambda module, x: count_calflops(module, x, 1),
    "calflops_flops": lambda module, x: count_calflops(module, x, 0),
    "torchprofile": profile_macs,
}


def _count_here(counter: str, name: str) -> int:
    program = PROGRAMS[name]
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return int(COUNTERS[counter](program.factory().eval(), program.args()[0]))


def count(counter: str, name: str) -> int | None:
    """The figure of a counter of a program, by a process of its own; None where it stops with an error."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        try:
            os.write(writer, str(_count_here(counter, name)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        figure = file.read()
    os.wait()
    return int(figure) if figure else None


def main() -> None:
    """Writes the figures of all programs."""
    torch.set_num_threads(1)
    figures = {name: {counter: count(counter, name) for counter in COUNTERS} for name in PROGRAMS}
    OUTPUT.write_text(json.dumps({"provenance": PROVENANCE, "programs": figures}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
