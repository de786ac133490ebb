"""Which layer is which: names where they tell, structure where they do not."""

from __future__ import annotations

import time

from support.graphs import blocks
from support.paths import ONNX_FILES
from support.versions import named, net, of, pairs, sound, statuses

import costcalc
from costcalc.rules import DType, Graph, GraphBuilder

C64, C32 = "conv: {filters: 64, kernel: 3, pad: same}", "conv: {filters: 32, kernel: 1}"
C128 = "conv: {filters: 128, kernel: 5, pad: same}"


def test_an_inserted_layer_does_not_shift_the_rest_though_the_numbers_do() -> None:
    before, after = net(C64, C64, C128, C128), net(C64, C64, C32, C128, C128)
    result = sound(before, after)
    assert pairs(result) == [
        ("conv1", "conv1"),
        ("conv2", "conv2"),
        ("", "conv3"),
        ("conv3", "conv4"),
        ("conv4", "conv5"),
    ]
    assert pairs(sound(after, before)) == [
        ("conv1", "conv1"),
        ("conv2", "conv2"),
        ("conv3", ""),
        ("conv4", "conv3"),
        ("conv5", "conv4"),
    ]
    # conv3 reads 32 channels now; conv4 is the same layer under its next number
    assert statuses(result) == {"added": 1, "follows": 1}


def test_a_shift_through_runs_of_equal_layers() -> None:
    run = [C64] * 8
    result = sound(net(*run, C128, *run, C128), net(*run, C64, C128, *run, C128))
    assert statuses(result) == {"added": 1} and named(result, "added") == ["conv9"]


def test_a_period_does_not_mislead() -> None:
    period = [C64, C64, C128] * 3
    result = sound(net(C64, *period), net(C64, C64, *period))
    assert statuses(result) == {"added": 1}


def test_explicit_names_tell_equal_layers_apart() -> None:
    named_as = [f"{C64}\n    as: {name}" for name in ("stem", "left", "middle", "right", "last")]
    result = sound(net(*named_as), net(named_as[0], C64 + "\n    as: extra", *named_as[1:]))
    assert statuses(result) == {"added": 1}
    assert named(result, "added") == ["extra"]


def test_a_renamed_layer_is_neither_removed_nor_added() -> None:
    before, after = net(C64, "relu", C128, C64), net(C64, "relu", C128 + "\n    as: wide", C64)
    result = sound(before, after)
    assert statuses(result) == {"renamed": 1} and named(result, "renamed") == ["wide"]


def test_a_branch_that_renames_a_layer_and_inserts_another_shows_just_that() -> None:
    before = net(C64, "relu", C64, "relu", C64, "relu")
    after = net(C64 + "\n    as: stem", "relu", "batch_norm", C64, "relu", C64, "relu")
    assert statuses(sound(before, after)) == {"renamed": 1, "added": 1}


def test_every_layer_renamed() -> None:
    before = net(*[f"{C64}\n    as: {name}" for name in "abc"])
    after = net(*[f"{C64}\n    as: {name}" for name in "xyz"])
    assert statuses(sound(before, after)) == {"renamed": 3}


def test_a_swapped_operator_is_a_change() -> None:
    result = sound(net(C64, "relu", C64, "relu"), net(C64, "gelu", C64, "relu"))
    assert statuses(result) == {"changed": 1} and named(result, "changed") == ["gelu"]
    # 8·8·64 outputs of 3×3 windows: 8 comparisons each, or 8 additions and a division
    window = "kernel: 3, pad: 1, stride: 1"
    result = sound(net(f"max_pool: {{{window}}}"), net(f"avg_pool: {{{window}}}"))
    assert statuses(result) == {"changed": 1}
    assert result.causes == {"flops": {"operator": 16 * 16 * 8}}


def test_layers_that_share_nothing_are_not_paired() -> None:
    result = sound(net(C64, "batch_norm", "relu"), net(C64, "softmax", "relu"))
    assert statuses(result) == {"removed": 1, "added": 1}


def test_moved_layers_stay_the_same_layers() -> None:
    result = sound(net(C64, "batch_norm", "relu", C128), net(C64, "relu", "batch_norm", C128))
    assert statuses(result) == {}
    result = sound(net(C64 + "\n    as: a", C128 + "\n    as: b"), net(C128 + "\n    as: b", C64 + "\n    as: a"))
    assert set(statuses(result)) == {"follows"}


def test_a_removed_layer_stands_behind_the_one_that_it_stood_behind() -> None:
    assert pairs(sound(net("relu", C64, "softmax"), net("relu", "softmax"))) == [
        ("relu", "relu"),
        ("conv", ""),
        ("softmax", "softmax"),
    ]
    assert pairs(sound(net(C64, "relu"), net("relu"))) == [("conv", ""), ("relu", "relu")]


def test_inserted_blocks_of_published_networks() -> None:
    assert statuses(sound(of("resnet18"), of("resnet34"))) == {"added": 8 * 7}
    assert statuses(sound(of("resnet34"), of("resnet18"))) == {"removed": 8 * 7}
    assert statuses(sound(of("resnet50"), of("resnet101"))) == {"added": 17 * 10}
    deeper = sound(of("vgg16"), of("vgg19"))
    assert named(deeper, "added") == [f"stage{s}/{kind}4" for s in (3, 4, 5) for kind in ("conv", "relu")]
    assert statuses(deeper) == {"added": 6}


def test_of_equal_blocks_the_last_is_the_new_one_whatever_else_changed() -> None:
    before = net("relu", *[C64] * 4, "sigmoid")
    after = net("gelu", *[C64] * 6, "tanh")
    assert named(sound(before, after), "added") == ["conv5", "conv6"]
    assert named(sound(after, before), "removed") == ["conv5", "conv6"]


def test_a_block_of_an_onnx_like_graph() -> None:
    before, after = blocks(stages=2), blocks(stages=3)
    # the third stage is five layers, and the classifier reads its 32 channels on 4×4 instead of 16 on 8×8
    assert statuses(sound(before, after)) == {"added": 5, "follows": 2}


def chain(n: int, inserted: int = -1) -> Graph:
    """n equal convolutions with activations, and one more pair in their midst."""
    b = GraphBuilder("chain", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8, 8, 8))
    for i in range(n):
        w = b.add_initializer(f"w{i}", DType.FLOAT32, (8, 8, 3, 3))
        (x,) = b.add("Conv", [x, w], {"pads": (1, 1, 1, 1)}, name=f"conv{i}")
        (x,) = b.add("Tanh" if i == inserted else "Relu", [x], name=f"act{i}")
    return b.build([x])


def test_thousands_of_layers_take_a_few_seconds() -> None:
    before, after = costcalc.analyze(chain(2000)), costcalc.analyze(chain(2001, inserted=1000))
    start = time.process_time()
    found = pairs(costcalc.diff(before, after))
    assert time.process_time() - start < 4
    assert [new for _, new in found if new] == [layer.name for layer in after.layers]
    assert len([new for old, new in found if not old]) == 2 and ("", "act1000") in found


def test_two_exports_of_one_network() -> None:
    before = of(str(ONNX_FILES / "resnet18__ts.onnx"))
    after = of(str(ONNX_FILES / "resnet18__dyn_dynbatch.onnx"))
    macs = [change.amounts("macs") for change in costcalc.diff(before, after).layers if change.before and change.after]
    assert sum(x for x, y in macs if x == y and isinstance(x, int)) == before.macs == 1_814_073_344
