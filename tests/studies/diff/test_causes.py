"""What a difference is due to: each cause alone, several together, and that the parts are exact."""

from __future__ import annotations

from typing import Any

import pytest
from support.versions import named, net, of, sound, statuses

from costcalc.rules import DType, Graph, GraphBuilder, symbol
from costcalc.studies.diff.axes import AxisFactor, extent, regroup
from costcalc.studies.diff.diff import CAUSES


def conv(filters: int = 8, kernel: int = 3, **more: Any) -> str:
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return f"conv: {{filters: {filters}, kernel: {kernel}, pad: same, bias: false{extra}}}"


def test_doubled_filters_are_channels_and_exactly_one_layer_is_changed() -> None:
    before = net(conv(8), "batch_norm", "relu", conv(16), "relu", conv(8))
    after = net(conv(8), "batch_norm", "relu", conv(32), "relu", conv(8))
    result = sound(before, after)
    assert named(result, "changed") == ["conv2"] and named(result, "follows") == ["relu2", "conv3"]
    # conv2: 9·8 weights of 16 more filters at 16·16 positions; conv3: 9 weights of 16 more channels, 8 filters
    assert result.causes["macs"] == {"channels": 16 * 16 * (9 * 8 * 16 + 9 * 16 * 8)}
    assert result.causes["params"] == {"channels": 9 * 8 * 16 + 9 * 16 * 8}
    assert {c for parts in result.causes.values() for c in parts} == {"channels"}


def test_depthwise_convolutions_follow_their_channels() -> None:
    depthwise = "depthwise_conv: {kernel: 3, pad: same, bias: false}"
    result = sound(net(conv(8), depthwise, "batch_norm"), net(conv(16), depthwise, "batch_norm"))
    assert named(result, "changed") == ["conv"]
    assert named(result, "follows") == ["depthwise_conv", "batch_norm"]
    assert result.layers[1].causes["macs"] == {"channels": 16 * 16 * 9 * 8}


def test_a_larger_kernel_with_same_padding_changes_that_layer_alone() -> None:
    result = sound(net(conv(8), "relu", conv(8)), net(conv(8, 5), "relu", conv(8)))
    assert statuses(result) == {"changed": 1}
    assert result.causes["macs"] == {"kernel": 16 * 16 * 8 * 8 * (25 - 9)}
    assert {c for parts in result.causes.values() for c in parts} == {"kernel"}


def test_a_stride_is_resolution_from_there_on() -> None:
    result = sound(net(conv(8), "relu"), net(conv(8, stride=2), "relu"))
    assert statuses(result) == {"changed": 1, "follows": 1}
    assert result.causes["macs"] == {"resolution": (8 * 8 - 16 * 16) * 9 * 8 * 8}
    assert {c for parts in result.causes.values() for c in parts} == {"resolution"}


def test_groups() -> None:
    result = sound(net(conv(8)), net(conv(8, groups=8)))
    assert statuses(result) == {"changed": 1}
    assert result.causes["macs"] == {"groups": 16 * 16 * 9 * (1 - 8) * 8}


def test_several_causes_in_one_layer_are_told_apart_in_order() -> None:
    result = sound(net(conv(8)), net(conv(16, 5, stride=2, groups=4), size=32))
    (change,) = result.layers
    # one after the other: filters 8 → 16 at 16·16 positions; then 16·16 positions still; 3×3 → 5×5; 8 → 2 channels each
    assert change.causes["macs"] == {
        "channels": 16 * 16 * 9 * 8 * 8,
        "kernel": 16 * 16 * 16 * 8 * (25 - 9),
        "groups": 16 * 16 * 16 * 25 * (2 - 8),
    }
    assert change.causes["params"] == {"channels": 9 * 8 * 8, "kernel": 16 * 8 * 16, "groups": 16 * 25 * (2 - 8)}
    assert set(change.causes["traffic_bytes"]) == {"channels", "resolution", "kernel", "groups"}


def test_a_bias_is_what_is_left() -> None:
    result = sound(net(conv(8)), net(conv(16).replace("bias: false", "bias: true")))
    assert result.causes["macs"] == {"channels": 16 * 16 * 9 * 8 * 8}
    assert result.causes["params"] == {"channels": 9 * 8 * 8, "other": 16}
    assert result.causes["flops"] == {"channels": 2 * 16 * 16 * 9 * 8 * 8, "other": 16 * 16 * 16}


def test_a_batch_is_a_batch() -> None:
    result = sound(of("resnet18", dims={"N": 1}), of("resnet18", dims={"N": 8}))
    assert set(statuses(result)) == {"follows"} and statuses(result)["follows"] == len(result.layers)
    assert result.causes["macs"] == {"batch": 7 * 1_814_073_344}
    assert {c for parts in result.causes.values() for c in parts} == {"batch"}


@pytest.mark.parametrize("model", ["resnet50", "vgg16", "mobilenet_v2", "densenet121"])
def test_another_resolution_explains_all(model: str) -> None:
    result = sound(of(model), of(model, {"resolution": 192}))
    assert set(statuses(result)) == {"follows"}
    assert {c for parts in result.causes.values() for c in parts} == {"resolution"}


def test_a_flattened_map_keeps_what_its_factors_count() -> None:
    result = sound(of("vgg16"), of("vgg16", {"resolution": 192}))
    # the first linear layer reads 512·6·6 instead of 512·7·7: its weights shrink because of the resolution
    assert result.causes["params"] == {"resolution": 4096 * 512 * (6 * 6 - 7 * 7)}


def test_a_width_multiplier() -> None:
    result = sound(of("mobilenet"), of("mobilenet", {"alpha": 0.5}))
    assert statuses(result)["changed"] == 14 and set(statuses(result)) == {"changed", "follows"}
    assert named(result, "changed") == ["conv", *[f"separable{i}/pointwise_conv" for i in range(1, 14)]]
    # 149 million multiply-adds are left in the paper's table 6
    assert result.causes["macs"] == {"channels": 149_497_088 - 568_740_352}


def test_a_longer_sequence_is_resolution() -> None:
    result = sound(of("bert_base", dims={"seq": 128}), of("bert_base", dims={"seq": 256}))
    assert set(statuses(result)) == {"follows"}
    assert {c for parts in result.causes.values() for c in parts} == {"resolution"}


def test_width_and_resolution_together() -> None:
    before, after = of("mobilenet"), of("mobilenet", {"alpha": 0.5, "resolution": 128})
    result = sound(before, after)
    # all widths first, at the old resolution; then the resolution at the new widths
    halved = of("mobilenet", {"alpha": 0.5})
    assert result.causes["macs"] == {
        "channels": halved.totals["macs"] - before.totals["macs"],
        "resolution": after.totals["macs"] - halved.totals["macs"],
    }


def test_another_element_type_is_other() -> None:
    result = sound(of("resnet18"), of("resnet18", dtype="int8"))
    assert {c for parts in result.causes.values() for c in parts} == {"other"}
    assert result.causes["weight_bytes"] == {"other": -3 * 11_699_112}


def test_added_and_removed() -> None:
    one, two = net(conv(8)), net(conv(8), conv(8))
    assert sound(one, two).causes["params"] == {"added": 9 * 8 * 8}
    assert sound(two, one).causes["params"] == {"removed": -9 * 8 * 8}
    assert sound(one, one).causes == {}


def tied(first: bool) -> Graph:
    """Two products that share a weight, or the second alone."""
    b = GraphBuilder("tied", "made", {"": 17})
    x, w = b.add_input("x", DType.FLOAT32, (1, 64)), b.add_initializer("w", DType.FLOAT32, (64, 64))
    if first:
        (x,) = b.add("MatMul", [x, w], name="encode")
        (x,) = b.add("Relu", [x], name="relu")
    return b.build(b.add("MatMul", [x, w], name="decode"))


def test_a_shared_weight_counts_for_another_layer_when_its_owner_goes() -> None:
    result = sound(tied(True), tied(False))
    assert statuses(result) == {"removed": 2, "follows": 1}
    assert result.causes["params"] == {"removed": -64 * 64, "other": 64 * 64}
    assert result.causes["macs"] == {"removed": -64 * 64}


def test_every_cause_has_its_name() -> None:
    result = sound(of("vgg16"), of("resnet18"))
    assert {c for parts in result.causes.values() for c in parts} <= set(CAUSES)


def test_axes_of_a_reshaped_tensor() -> None:
    n, c, h = AxisFactor("batch", symbol("N")), AxisFactor("channels", 512), AxisFactor("resolution", 7)
    assert regroup(((n,), (c,), (h,), (h,)), (symbol("N"), 512 * 49)) == ((n,), (c, h, h))
    heads = regroup(((n,), (AxisFactor("channels", 768),)), (symbol("N"), 12, 64))
    assert heads == ((n,), (AxisFactor("channels", 12),), (AxisFactor("channels", 64),))
    assert regroup(((AxisFactor("channels", 6),),), (4,)) is None
    assert extent((c, h, h)) == 512 * 49


def test_a_table_of_positions_is_no_channels() -> None:
    """Positions 0, 1, 2 … of a sequence are cut from a table that no input reaches."""

    def cut(length: int) -> Graph:
        b = GraphBuilder("net", "made", {"": 17})
        table = b.add_initializer("table", DType.INT64, (1, 512))
        at = b.add_initializer("at", DType.INT64, (1, length))
        (y,) = b.add("GatherElements", [table, at], {"axis": 1}, name="positions")
        return b.build([y])

    causes = sound(cut(128), cut(96)).causes
    # 32 positions less, 8 bytes each
    assert causes["activation_bytes"] == {"resolution": -32 * 8}


def test_activations_of_another_type_are_no_change_of_any_layer() -> None:
    # relu6's bounds are of the type that they bound
    result = sound(of("mobilenet_v2"), of("mobilenet_v2", act_dtype="float16"))
    assert set(statuses(result)) == {"follows"}
    assert {cause for parts in result.causes.values() for cause in parts} == {"other"}
    changed = statuses(sound(of("mobilenet_v2"), of("mobilenet_v2", dtype="int8")))
    # 52 convolutions with a normalisation behind each, and the classifier
    assert changed == {"changed": 2 * 52 + 1}
