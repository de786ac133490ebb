"""Small networks in YAML that the tests of suggestions share."""

from __future__ import annotations

from pathlib import Path

import costcalc
from costcalc.studies.suggest.suggestion import Suggestions

VGG_STYLE = """\
name: Three by three
params: {classes: 10}
input: [N, 16, 32, 32]
layers:
  - conv: {filters: 32, kernel: 3, pad: 1}      # the first
  - relu
  - conv: {filters: 64, kernel: 3, pad: 1, bias: false, as: second}
  - relu
  - max_pool: {kernel: 2}
  - conv: {filters: 128, kernel: 3, pad: 1}
  - relu
  - global_avg_pool
  - flatten
  - linear: {units: classes}
"""


def made(folder: Path, text: str, name: str = "net.yaml") -> str:
    """The path of a file with this text."""
    path = folder / name
    path.write_bytes(text.encode())
    return str(path)


def layers(*lines: str, shape: str = "[N, 16, 16, 16]", params: str = "{}", more: str = "") -> str:
    """A network of these layers."""
    body = "\n".join(f"  - {line}" for line in lines)
    return f"params: {params}\ninput: {shape}\n{more}layers:\n{body}\n"


def promised(found: Suggestions, which: str | int, folder: Path) -> costcalc.Report:
    """Applies suggestions, reads the new file by the ordinary path and holds its totals to the promise."""
    chosen = found.select(str(which))
    new = costcalc.analyze(made(folder, found.apply(which), "applied.yaml"))
    if len(chosen) == 1:
        for key, value in new.totals.items():
            assert value == found.report.totals[key] - chosen[0].saves(key), key  # type: ignore[operator]
    return new
