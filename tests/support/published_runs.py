"""A row of the table of published runs -> what costcalc says of it; `python -m support.published_runs` (in tests/, with
the repository on PYTHONPATH) writes the four figures of each row again."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from costcalc import on_hardware
from costcalc.analysis.roofline.energy import estimate_cell_energy
from costcalc.analysis.roofline.published_runs import RUNS_FILE, PublishedRun, read_published_runs
from costcalc.analysis.roofline.roofline import Roofline
from support.paths import DATA


def _parse(text: str) -> dict[str, Any]:
    pairs = [item.partition("=") for item in text.split(";") if item]
    return {key: float(value) if "." in value else int(value) for key, _, value in pairs}


@cache
def run_roofline(device: str, model: str, precision: str, params: str, dims: str) -> Roofline:
    """The columns of a row that say what ran where -> its roofline."""
    path = DATA / "npu" / "vela" / f"{model}.tflite"
    if path.exists():
        (roofline,) = on_hardware(path, device)
        return roofline
    dtype = None if precision == "float32" else precision
    (roofline,) = on_hardware(model, device, params=_parse(params), dims=_parse(dims), dtype=dtype, act_dtype=dtype)
    return roofline


def measure_run(run: PublishedRun) -> tuple[Fraction, Fraction, Fraction, int]:
    """A row -> its lower bound and its estimate, unfused, in milliseconds, the energy of cells in microjoules, and its
    MACs."""
    roofline = run_roofline(*run[:5])
    energy = estimate_cell_energy(roofline)
    assert roofline.model.seconds is not None and roofline.unfused is not None and energy is not None
    assert not roofline.without_peak and not roofline.open_symbols
    macs = sum(macs for _, macs in roofline.macs_by_type)
    return roofline.model.seconds * 1000, roofline.unfused * 1000, energy.total * 10**6, macs


def main() -> None:
    """Writes RUNS_FILE with the figures as they are now."""
    lines = RUNS_FILE.read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")] + [",".join(PublishedRun._fields)]
    body = [line.split(",", 11) for line in lines if not line.startswith("#")][1:]
    for run, row in zip(read_published_runs(), body, strict=True):
        *figures, macs = measure_run(run)
        row[7:11] = [*[f"{float(value):.6g}" for value in figures], str(macs)]
    RUNS_FILE.write_text("\n".join([*head, *[",".join(row) for row in body]]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
