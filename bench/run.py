"""The speed and memory that the project claims, as ratios of whole processes in one run. `make bench` runs it.

Options: --quick (fewer runs), --only WORD (part of a section's name).
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

from models import exported, onnx_chain, yaml_chain
from process import Measured, costcalc, measure, python
from sweeps import built, evaluated

from costcalc.frontends import load

MIB = 2**20
BASE = python("import click, rich.table, yaml")
ONNX = python("import onnx")
PEERS = {
    "onnx-tool": "import onnx_tool, sys; m = onnx_tool.Model(sys.argv[1]); m.graph.shape_infer(); m.graph.profile(); print(m.graph.macs)",
    "onnx-opcounter": "import onnx, sys; from onnx_opcounter import calculate_macs; print(calculate_macs(onnx.load(sys.argv[1])))",
    "onnxsim": "import sys; from onnxsim.shape_cost import main; main([sys.argv[1]])",
}

Check = tuple[str, float, float, str]


def show(title: str, found: dict[str, Measured]) -> None:
    """Prints a section's measurements."""
    print(f"\n{title}")
    for name, m in found.items():
        text = m.error or f"{m.seconds * 1000:8.0f} ms  {m.peak_bytes / MIB:7.0f} MiB"
        print(f"  {name:44} {text}")


def start_up(folder: Path, runs: int) -> list[Check]:
    """How long a small question takes."""
    found = measure(
        {
            "import click": python("import click"),
            "costcalc --version": costcalc("--version"),
            "import click, rich.table, yaml": BASE,
            "costcalc analyze lenet5": costcalc("analyze", "lenet5"),
            "costcalc analyze resnet152": costcalc("analyze", "resnet152"),
        },
        runs,
    )
    show("Start-up", found)
    seconds = {name: m.seconds for name, m in found.items()}
    base = seconds["import click, rich.table, yaml"]
    return [
        ("--version / import click", seconds["costcalc --version"] / seconds["import click"], 1.6, "×"),
        ("analyze lenet5 / imports", seconds["costcalc analyze lenet5"] / base, 2, "×"),
        ("analyze resnet152 / imports", seconds["costcalc analyze resnet152"] / base, 3, "×"),
    ]


def yaml_scaling(folder: Path, runs: int) -> list[Check]:
    """YAML chains of 1,000 and 10,000 layers."""
    return _scaling("YAML chain", {n: yaml_chain(folder / f"chain{n}.yaml", n) for n in (1_000, 10_000)}, runs, "layer")


def onnx_scaling(folder: Path, runs: int) -> list[Check]:
    """ONNX chains of 10,000 and 100,000 nodes."""
    return _scaling(
        "ONNX chain", {n: onnx_chain(folder / f"chain{n}.onnx", n) for n in (10_000, 100_000)}, runs, "node"
    )


def _scaling(title: str, files: dict[int, Path], runs: int, unit: str) -> list[Check]:
    found = measure({f"{n:,}": costcalc("analyze", str(path)) for n, path in files.items()}, max(2, runs // 4))
    show(title, found)
    (small, _), (large, _) = files.items()
    t_small, t_large = found[f"{small:,}"].seconds, found[f"{large:,}"].seconds
    return [
        (f"{title} {large:,} / {small:,}", t_large / t_small, 11, "×"),
        (f"{title}: a {unit}", t_large / large * 1e6, 100, "µs"),
    ]


def weights_inside(folder: Path, runs: int) -> list[Check]:
    """VGG-16 with its 553 MB of weights in the file."""
    path = exported(folder / "vgg16.onnx", "vgg16", "random")
    found = measure(
        {
            "import onnx": ONNX,
            "costcalc analyze vgg16.onnx": costcalc("analyze", str(path)),
            "onnx.load": python(f"import onnx; onnx.load({str(path)!r})"),
        },
        max(3, runs // 3),
    )
    show(f"VGG-16 with its weights inside, {path.stat().st_size / 1e6:.0f} MB", found)
    ours, whole = found["costcalc analyze vgg16.onnx"], found["onnx.load"]
    return [
        ("vgg16.onnx / import onnx", ours.seconds / found["import onnx"].seconds, 1.5, "×"),
        ("vgg16.onnx: peak", ours.peak_bytes / MIB, 100, "MiB"),
        ("vgg16.onnx: peak / onnx.load's", ours.peak_bytes / whole.peak_bytes, 0.1, "×"),
    ]


def decoder(folder: Path, runs: int) -> list[Check]:
    """A 7-billion-parameter decoder, its data left out."""
    path = exported(folder / "llama.onnx", "llama_7b", "none", dims={"seq": 128})
    found = measure(
        {"import onnx": ONNX, "costcalc analyze llama.onnx": costcalc("analyze", str(path))}, max(3, runs // 3)
    )
    show("A 7B decoder without its data", found)
    nodes = len(load(path).nodes)
    allowed = 2 * found["import onnx"].seconds + nodes * 0.001
    return [
        ("llama.onnx / (2 × import onnx + 1 ms a node)", found["costcalc analyze llama.onnx"].seconds / allowed, 1, "×")
    ]


def peers(folder: Path, runs: int) -> list[Check]:
    """Other counters on five exports with their weights inside."""
    checks: list[Check] = []
    for name in ("vgg16", "resnet50", "mobilenet_v2", "densenet121", "squeezenet1_1"):
        path = exported(folder / f"{name}.onnx", name, "random")
        commands = {peer: [*python(code), str(path)] for peer, code in PEERS.items()}
        found = measure({"costcalc": costcalc("analyze", str(path)), **commands}, max(2, runs // 5))
        show(f"{name}.onnx, {path.stat().st_size / 1e6:.0f} MB", found)
        for peer in PEERS:
            if not found[peer].error:
                checks.append((f"{name}: costcalc / {peer}", found["costcalc"].seconds / found[peer].seconds, 1, "×"))
        path.unlink()
    return checks


def sweeps(folder: Path, runs: int) -> list[Check]:
    """Combinations a second: models built anew, by one process and by two, and formulas over a million points."""
    points = 1000  # of fewer, starting the processes would be much of it
    one, two = ([built(jobs, points) for _ in range(3)] for jobs in (1, 2))
    seconds = min(evaluated() for _ in range(2))
    print("\nSweeps")
    for name, found in (("one process", one), ("two processes", two)):
        wall, core = max(rate for rate, _ in found), max(rate for _, rate in found)
        print(f"  {f'mobilenet_v2, built by {name}':44} {wall:8.0f} /s  {core:7.0f} a second of a core")
    print(f"  {'resnet50, 1,000,000 (N, H, W) by formulas':44} {seconds:8.2f} s")
    core, shared = (max(rate for _, rate in found) for found in (one, two))
    return [
        ("100 mobilenet_v2 / what a core builds in a second", 100 / core, 1, "×"),
        ("the time of two processes / of one", core / shared, 1.4, "×"),
        ("resnet50 at 1,000,000 sizes", seconds, 5, "s"),
    ]


SECTIONS: tuple[Callable[[Path, int], list[Check]], ...] = (
    start_up,
    yaml_scaling,
    weights_inside,
    onnx_scaling,
    decoder,
    peers,
    sweeps,
)


def main() -> int:
    """Runs the sections; exit 1 where a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print(f"Python {platform.python_version()} on {platform.machine()}; medians of whole processes that take turns")
    checks: list[Check] = []
    for section in SECTIONS:
        if options.only in section.__name__:
            with tempfile.TemporaryDirectory() as folder:
                checks += section(Path(folder), 6 if options.quick else 15)
    print(f"\n{'ratio':48} {'measured':>10} {'limit':>8}")
    for name, value, limit, unit in checks:
        print(f"{name:48} {value:8.2f} {unit:3} {limit:6g} {unit:3} {'ok' if value <= limit else 'MISSED'}")
    return int(any(value > limit for _, value, limit, _ in checks))


if __name__ == "__main__":
    raise SystemExit(main())
