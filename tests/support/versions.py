"""Versions of a model for tests of the diff: YAML texts, and random chains of layers with random edits."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import costcalc
from costcalc.rules import Graph
from costcalc.studies.diff.diff import Diff

QUANTITIES = ("macs", "flops", "params", "buffers", "weight_bytes", "activation_bytes", "traffic_bytes")
"""Those that add up over layers."""
KINDS = ("conv", "depthwise_conv", "pointwise_conv", "batch_norm", "relu", "max_pool", "residual", "grouped")
SWAPS = {"relu": "gelu", "gelu": "sigmoid", "max_pool": "avg_pool", "avg_pool": "max_pool", "sigmoid": "relu"}


def net(*layers: str, size: object = 16, channels: int = 8, head: str = "") -> costcalc.Report:
    """The report of a YAML model with these layers over [N, channels, size, size]."""
    lines = [f"input: [N, {channels}, {size}, {size}]", head, "layers:", *("  - " + text for text in layers)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        path.write_text("\n".join(lines))
        return costcalc.analyze(path, symbolic=isinstance(size, str))


def of(model: str, params: dict[str, Any] | None = None, **options: Any) -> costcalc.Report:
    """The report of a built-in model or of a file."""
    return costcalc.analyze(model, params=params, **options)


def statuses(result: Diff) -> dict[str, int]:
    """How many layers are what, the same ones left out."""
    return dict(Counter(change.status for change in result.changes))


def named(result: Diff, status: str) -> list[str]:
    """The names of the layers with a status."""
    return [change.name for change in result.layers if change.status == status]


def pairs(result: Diff) -> list[tuple[str, str]]:
    """(name before, name after) of every layer, "" where it is not there."""
    return [(c.before.name if c.before else "", c.after.name if c.after else "") for c in result.layers]


def words(result: Diff) -> list[str]:
    """What is said of each layer that changed, those with the largest differences first."""
    return [layer["change"] for layer in result.to_dict()["layers"]]


def sound(before: costcalc.Report | Graph, after: costcalc.Report | Graph) -> Diff:
    """The diff, of which holds: every layer occurs once, in the new order, and all differences add up exactly."""
    result = costcalc.diff(before, after)
    old, new = result.before, result.after
    assert [c.after for c in result.layers if c.after is not None] == list(new.layers)
    assert sorted([id(c.before) for c in result.layers if c.before is not None]) == sorted(map(id, old.layers))
    assert all(c.before or c.after for c in result.layers)
    for quantity in QUANTITIES:
        total: Any = 0
        for change in result.layers:
            delta = change.delta(quantity)
            assert delta is not None
            total = total + delta
            parts: Any = 0
            for part in change.causes.get(quantity, {}).values():
                assert part != 0
                parts = parts + part
            assert parts == delta, (change.name, quantity)
        assert total == new.totals[quantity] - old.totals[quantity]
        explained: Any = 0
        for part in result.causes.get(quantity, {}).values():
            explained = explained + part
        assert explained == total
    return result


def layer(draw: st.DrawFn) -> dict[str, Any]:
    """A random layer that fits anywhere behind 8·k channels."""
    return {
        "kind": draw(st.sampled_from(KINDS)),
        "filters": draw(st.sampled_from((8, 16, 24))),
        "kernel": draw(st.sampled_from((1, 3, 5))),
        "stride": draw(st.sampled_from((1, 1, 1, 2))),
    }


def written(spec: dict[str, Any]) -> str:
    """A layer as YAML."""
    kind, filters, kernel, stride = spec["kind"], spec["filters"], spec["kernel"], spec["stride"]
    conv = f"filters: {filters}, kernel: {kernel}, stride: {stride}, pad: same"
    text = {
        "conv": f"conv: {{{conv}}}",
        "grouped": f"conv: {{{conv}, groups: 4}}",
        "depthwise_conv": f"depthwise_conv: {{kernel: {kernel}, stride: {stride}, pad: same}}",
        "pointwise_conv": f"pointwise_conv: {{filters: {filters}}}",
        "max_pool": "max_pool: {kernel: 3, pad: 1, stride: 1}",
        "avg_pool": "avg_pool: {kernel: 3, pad: 1, stride: 1}",
        "residual": f"residual: {{body: [{{depthwise_conv: {{kernel: {kernel}, pad: same}}}}, relu]}}",
    }.get(kind, f"{kind}: {{}}")
    name = spec.get("as")
    return f"{text}\n    as: {name}" if name and kind != "residual" else text


@st.composite
def versions(draw: st.DrawFn) -> tuple[list[str], list[str], int, int]:
    """Layers before and after a few random edits, and the resolutions of both."""
    old = [layer(draw) for _ in range(draw(st.integers(1, 12)))]
    new = [dict(spec) for spec in old]
    for number in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(new) - 1)) if new else 0
        edit = draw(
            st.sampled_from(("insert", "delete", "rename", "filters", "kernel", "stride", "swap", "move", "copy"))
        )
        if edit in ("insert", "copy") or not new:
            new.insert(at, dict(new[at]) if edit == "copy" and new and "as" not in new[at] else layer(draw))
        elif edit == "delete":
            del new[at]
        elif edit == "rename":
            new[at]["as"] = f"renamed_{'abcd'[number]}"
        elif edit == "swap":
            new[at]["kind"] = SWAPS.get(new[at]["kind"], new[at]["kind"])
        elif edit == "move":
            new.insert(draw(st.integers(0, len(new) - 1)), new.pop(at))
        else:
            new[at] = {**new[at], edit: {"filters": 32, "kernel": 7, "stride": 2}[edit]}
    sizes = draw(st.sampled_from(((32, 32), (32, 32), (32, 24))))
    return [written(s) for s in old], [written(s) for s in new], *sizes
