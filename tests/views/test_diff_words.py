"""What changed in a layer, in words."""

from __future__ import annotations

from typing import Any

import pytest
from support.versions import net, of, words

import costcalc
from costcalc.rules import DType, Graph, GraphBuilder

CONV = "conv: {filters: 4, kernel: 3, pad: same, bias: false}"


def said(before: str, after: str, behind: str = "relu") -> list[str]:
    """What is said of each layer that changed."""
    return words(costcalc.diff(net(before, behind), net(after, behind)))


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
    assert words(costcalc.diff(before, after)) == ["filters 4 → 16", "input 4×16×16 → 16×16×16"]


def test_units_attributes_and_operators() -> None:
    assert said("flatten", "flatten", "linear: {units: 10}") == []
    before, after = net("flatten", "linear: {units: 10}"), net("flatten", "linear: {units: 100}")
    assert words(costcalc.diff(before, after)) == ["units 10 → 100"]
    assert said("relu", "gelu", CONV) == ["operator Relu → Gelu, was relu"]


def only(before: Any, after: Any) -> dict[str, Any]:
    """The entry of the only layer that changed."""
    (found,) = costcalc.diff(before, after).to_dict()["layers"]
    return found  # type: ignore[no-any-return]


def test_a_batch_and_a_type() -> None:
    assert "input 1×1×32×32 → 4×1×32×32" in words(costcalc.diff("lenet5", of("lenet5", dims={"N": 4})))
    assert words(costcalc.diff("lenet5", of("lenet5", dtype="int8")))[0] == "weights float32 → int8"


def test_what_is_new_or_gone_says_what_it_is() -> None:
    new = only(net(CONV), net(CONV, CONV.replace("filters: 4", "filters: 6")))
    assert new["change"] == "filters 6, kernel 3×3, output 6×16×16"
    gone = only(net(CONV, "relu"), net(CONV))
    assert (gone["status"], gone["change"], gone["op_type"]) == ("removed", "output 4×16×16", "Relu")


def test_a_renamed_layer_tells_its_old_name() -> None:
    change = only(net(CONV), net(CONV + "\n    as: stem"))
    assert (change["status"], change["change"]) == ("renamed", "was conv")


def relu(**attributes: str) -> Graph:
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    return b.build(b.add("Relu", [x], attributes, name="relu"))


def test_long_lists_are_counted_and_hostile_values_cut() -> None:
    text = only(relu(), relu(**{f"__a{i}": "x" * 500 for i in range(9)}))["change"]
    assert text.endswith(" and 5 more") and len(text) < 300


def sums(second: str, element: DType = DType.INT32) -> Graph:
    """An Add of two activations, or of one and itself; and a Cast."""
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    (first,) = b.add("Relu", [x], name="first")
    (other,) = b.add("Relu", [first], name="other")
    (added,) = b.add("Add", [first, {"first": first, "other": other}[second]], name="sum")
    (cast,) = b.add("Cast", [added], {"to": element.code}, name="cast")
    return b.build([cast, other])


def test_an_element_type_is_told_by_its_name() -> None:
    assert only(sums("other"), sums("other", DType.FLOAT16))["change"] == "to int32 → float16"


def test_one_value_that_is_read_twice() -> None:
    change = only(sums("other"), sums("first"))
    # 8 floats are read instead of 16
    assert change["traffic_bytes"]["difference"] == -8 * 4
    assert change["change"] == "reads one value twice"
    assert only(sums("first"), sums("other"))["change"] == "no longer reads one value twice"
