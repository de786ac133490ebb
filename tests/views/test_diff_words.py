"""What changed in a layer, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.snapshots import net, of

from costcalc import analyze
from costcalc.rules import DType, GraphBuilder
from costcalc.studies.diff.diff import Diff, LayerChange, diff
from costcalc.studies.diff.snapshot import Snapshot, snapshot
from costcalc.views.diff_words import describe_change, operator

CONV = "conv: {filters: 4, kernel: 3, pad: same, bias: false}"


def said(before: str, after: str, behind: str = "relu") -> list[str]:
    """What is said of each layer that changed."""
    return [describe_change(change) for change in diff(net(before, behind), net(after, behind)).changes]


@pytest.mark.parametrize(
    ("after", "first"),
    [
        ("conv: {filters: 16, kernel: 3, pad: same, bias: false}", "filters 4 → 16"),
        ("conv: {filters: 4, kernel: 5, pad: same, bias: false}", "kernel 3×3 → 5×5"),
        ("conv: {filters: 4, kernel: [3, 5], pad: same, bias: false}", "kernel 3×3 → 3×5"),
        ("conv: {filters: 4, kernel: 3, stride: 2, pad: same, bias: false}", "stride 1 → 2"),
        ("conv: {filters: 4, kernel: 3, dilation: 2, pad: same, bias: false}", "dilation 1 → 2"),
        ("conv: {filters: 4, kernel: 3, pad: 1, bias: false}", "pad same → 1"),
        ("conv: {filters: 4, kernel: 3, groups: 4, pad: same, bias: false}", "groups 1 → 4"),
        ("conv: {filters: 4, kernel: 3, pad: same}", "with a bias"),
        ("conv: {filters: 16, kernel: 5, pad: same}", "filters 4 → 16, kernel 3×3 → 5×5, with a bias"),
    ],
)
def test_a_convolution(after: str, first: str) -> None:
    assert said(CONV, after)[0] == first


def test_what_follows_says_what_it_reads() -> None:
    assert said(CONV, CONV.replace("4", "16")) == ["filters 4 → 16", "input 4×16×16 → 16×16×16"]


def test_a_depthwise_convolution_has_no_filters_of_its_own() -> None:
    before, after = (net(CONV.replace("4", n), "depthwise_conv: {kernel: 3, pad: same}") for n in ("4", "16"))
    assert [describe_change(c) for c in diff(before, after).changes] == ["filters 4 → 16", "input 4×16×16 → 16×16×16"]


def test_units_attributes_and_operators() -> None:
    assert said("flatten", "flatten", "linear: {units: 10}") == []
    before, after = net("flatten", "linear: {units: 10}"), net("flatten", "linear: {units: 100}")
    assert [describe_change(c) for c in diff(before, after).changes] == ["units 10 → 100"]
    assert said("relu", "gelu", CONV) == ["operator Relu → Gelu, was relu"]


def only(change: Diff) -> LayerChange:
    (found,) = change.changes
    return found


def test_a_batch_and_a_type() -> None:
    before, after = of("lenet5"), of("lenet5", dims={"N": 4})
    assert describe_change(diff(before, after).changes[0]) == "input 1×1×32×32 → 4×1×32×32"
    typed = of("lenet5", dtype="int8")
    assert describe_change(diff(before, typed).changes[0]) == "weights float32 → int8"


def test_what_is_new_or_gone_says_what_it_is() -> None:
    new = only(diff(net(CONV), net(CONV, CONV.replace("filters: 4", "filters: 6"))))
    assert describe_change(new) == "filters 6, kernel 3×3, output 6×16×16"
    gone = only(diff(net(CONV, "relu"), net(CONV)))
    assert (gone.status, describe_change(gone), operator(gone)) == ("removed", "output 4×16×16", "Relu")


def test_a_renamed_layer_tells_its_old_name() -> None:
    before = net(CONV)
    (layer,) = before.layers
    change = only(diff(before, replace(before, layers=(replace(layer, name="stem"),))))
    assert (change.status, describe_change(change)) == ("renamed", "was conv")


def test_long_lists_are_counted_and_hostile_values_cut() -> None:
    before = net(CONV)
    (layer,) = before.layers
    attributes = {f"a{i}": "x" * 500 for i in range(9)}
    text = describe_change(
        only(diff(before, replace(before, layers=(replace(layer, attributes={**layer.attributes, **attributes}),))))
    )
    assert text.endswith(" and 5 more") and len(text) < 300


def sums(second: str, element: DType = DType.INT32) -> Snapshot:
    """An Add of two activations, or of one and itself; and a Cast."""
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    (first,) = b.add("Relu", [x], name="first")
    (other,) = b.add("Relu", [first], name="other")
    (added,) = b.add("Add", [first, {"first": first, "other": other}[second]], name="sum")
    (cast,) = b.add("Cast", [added], {"to": element.code}, name="cast")
    return snapshot(analyze(b.build([cast, other])))


def test_an_element_type_is_told_by_its_name() -> None:
    change = only(diff(sums("other"), sums("other", DType.FLOAT16)))
    assert describe_change(change) == "to int32 → float16"


def test_one_value_that_is_read_twice() -> None:
    change = only(diff(sums("other"), sums("first")))
    # 8 floats are read instead of 16
    assert change.delta("traffic_bytes") == -8 * 4
    assert describe_change(change) == "reads one value twice"
    assert describe_change(only(diff(sums("first"), sums("other")))) == "no longer reads one value twice"
