"""Outcomes made by hand, for every format of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from costcalc.cli.verdict_options import FORMATS as FORMATS
from costcalc.render.check import render
from costcalc.render.terminal import Screen, palette
from costcalc.rules import Dim
from costcalc.studies.check.verdict import CheckResult, LayerGrowth, ModelCheck, SourcePlace, Verdict
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer, SnapshotTensor

FULL_FORMATS = tuple([form for form in FORMATS if form not in ("badge", "shields")])
"""The formats that tell every finding; a badge has room for the headline alone."""

AMOUNTS: dict[str, Dim | None] = {
    "macs": 0,
    "flops": 0,
    "params": 0,
    "buffers": 0,
    "weight_bytes": 0,
    "activation_bytes": 0,
    "traffic_bytes": 0,
}


def layer(name: str, filters: int, macs: int, source: str = "x", place: str = "", op: str = "Conv") -> SnapshotLayer:
    """A 1×1 convolution of 8 channels at 10×10."""
    inputs = (
        SnapshotTensor(source, "float32", (1, 8, 10, 10)),
        SnapshotTensor(f"{name}.w", "float32", (filters, 8, 1, 1), True),
    )
    outputs = (SnapshotTensor(name, "float32", (1, filters, 10, 10)),)
    amounts = {**AMOUNTS, "macs": macs, "flops": 2 * macs, "params": 8 * filters, "weight_bytes": 32 * filters}
    return SnapshotLayer(name, op, "", 1, inputs, outputs, {"group": 1}, amounts, "costed", place)


def _int(amount: Dim | None) -> int:
    assert isinstance(amount, int)
    return amount


def snapshot(*layers: SnapshotLayer, name: str = "net") -> Snapshot:
    totals: dict[str, Dim] = {key: sum([_int(one.amounts[key]) for one in layers]) for key in AMOUNTS}
    return Snapshot(
        name, f"models/{name}.yaml", (SnapshotTensor("x", "float32", (1, 8, 10, 10)),), layers, totals, {}, {}
    )


BEFORE = snapshot(layer("stem", 8, 6_400), layer("head", 16, 12_800, "stem"))
NOW = snapshot(layer("stem", 8, 6_400), layer("head", 32, 25_600, "stem", "models/net.yaml:7:5"))
"""The head has twice the filters: 8 · 32 · 100 MACs."""

KEPT = Verdict(
    "CC003",
    "error",
    "params",
    "count",
    320,
    400,
    "kept",
    "params: 320 of at most 400, 80 left (20.0%)",
    limit_place=SourcePlace("costcalc.yaml", 5, 7),
)
GROWN = LayerGrowth("head", 12_800, 25_600)
EXCEEDED = Verdict(
    "CC001",
    "error",
    "macs",
    "count",
    32_000,
    31_999,
    "exceeded",
    "macs: 32,000 of at most 31,999, exceeded by 1 (<0.1%); head grew most, from 12,800 to 25,600 (+12,800, +100.0%)",
    "make head cheaper at models/net.yaml:7:5, or raise the limit at costcalc.yaml:4:7",
    19_200,
    "head",
    Fraction(4, 5),
    GROWN,
    SourcePlace("models/net.yaml", 7, 5),
    SourcePlace("costcalc.yaml", 4, 7),
)
LOWERED = Verdict(
    "CC009",
    "warning",
    "time t4",
    "seconds",
    Fraction(2_100_001, 10**9),
    Fraction(21, 10_000),
    "exceeded",
    "time t4: 2.100001 ms of at most 2.100000 ms, exceeded by 1.00 ns",
    limit_place=SourcePlace("costcalc.yaml", 6, 7),
    certainty="lower",
)
UNKNOWN = Verdict(
    "CC101",
    "error",
    "unknown_ops",
    "count",
    1,
    0,
    "unknown",
    "com.acme:Mystery (1): no rule tells what it costs",
    "allow it with `allow: [com.acme:Mystery]`",
    place=SourcePlace("models/other.onnx"),
)
UNREAD = ModelCheck(
    "broken",
    "",
    "models/broken.yaml",
    (),
    None,
    None,
    "models/broken.yaml:3:1: no key 'filtres'",
    SourcePlace("models/broken.yaml", 3, 1),
)

BROKEN = CheckResult(
    (ModelCheck("net", "", "models/net.yaml", (EXCEEDED, KEPT), NOW, BEFORE),), ("the baseline is stale",)
)
FINE = CheckResult((ModelCheck("net", "", "models/net.yaml", (KEPT,), NOW, NOW),))
MIXED = CheckResult(
    (
        ModelCheck("net", "batch1", "models/net.yaml", (KEPT, LOWERED), NOW, BEFORE),
        *BROKEN.models,
        ModelCheck("other", "", "models/other.onnx", (UNKNOWN,), NOW),
        UNREAD,
    ),
    BROKEN.notes,
)


def many(n: int) -> CheckResult:
    """n models that exceed their limit, the i-th by i."""
    return CheckResult(
        tuple(
            [
                ModelCheck(
                    f"net{i}",
                    "",
                    f"models/net{i}.yaml",
                    (
                        replace(
                            EXCEEDED,
                            value=31_999 + i,
                            fact=f"macs: {31_999 + i:,} of at most 31,999, exceeded by {i}",
                            place=SourcePlace(f"models/net{i}.yaml", 7, 5),
                        ),
                    ),
                    NOW,
                    BEFORE,
                )
                for i in range(1, n + 1)
            ]
        )
    )


def result(*verdicts: Verdict, notes: tuple[str, ...] = (), **model: Any) -> CheckResult:
    """The result of one model, net, with these verdicts and what else it has."""
    return CheckResult(
        (ModelCheck(**{"model": "net", "scenario": "", "source": "net.yaml"} | model, verdicts=verdicts),), notes
    )


def broken(**changes: Any) -> CheckResult:
    """The result of BROKEN's model with something else."""
    return CheckResult((replace(BROKEN.models[0], **changes),))


def joined(*results: CheckResult) -> CheckResult:
    """One result of the models of several."""
    return CheckResult(tuple(model for one in results for model in one.models), results[0].notes)


def place(file: str, line: int = 1, column: int = 1) -> SourcePlace:
    """A place in a file, as verdicts have it."""
    return SourcePlace(file, line, column)


def shown(
    form: str, found: CheckResult, width: int = 100, unicode: bool = True, colours: bool = False, ident: str = ""
) -> str:
    """A result in a format, on a screen of so many columns."""
    return render(form, found, Screen(width, unicode, palette(colours)), ident)
