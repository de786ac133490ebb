"""What is written as ONNX is what was read: ONNX Runtime computes the shapes that we infer, at every value."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from support.graph_execution import executed, inferred

import costcalc
from costcalc.errors import CostcalcError, UsageError
from costcalc.ir import Graph
from costcalc.load import builtin_models, load, onnx_weights
from costcalc.load.layers import LAYERS
from costcalc.load.onnx_write import export
from costcalc.load.spec import load_spec

IMAGE, TOKENS = "[N, 8, 12, 10]", "[N, 7, 16]"

LAYER_MODELS = {
    "conv": (IMAGE, ["conv: {filters: 6, kernel: [3, 5], stride: 2, pad: [1, 2], dilation: [2, 1], groups: 2}",
                     "conv: {filters: 6, kernel: 3, stride: 2, pad: same, dilation: 2}",
                     "conv: {filters: 6, kernel: 2, pad: same_lower}",
                     "conv: {filters: 4, kernel: 2, pad: [0, 1, 1, 0], bias: false}",
                     "conv: {filters: 4, kernel: 1, pad: valid}"]),
    "depthwise_conv": (IMAGE, ["depthwise_conv: {kernel: 3, multiplier: 2, pad: same, stride: 2}"]),
    "pointwise_conv": (IMAGE, ["pointwise_conv: {filters: 4, groups: 2}"]),
    "conv_transpose": (IMAGE, ["conv_transpose: {filters: 4, kernel: 4, stride: 2, pad: 1}",
                               "conv_transpose: {filters: 6, kernel: 3, stride: 2, pad: 1, output_pad: 1, groups: 2}",
                               "conv_transpose: {filters: 6, kernel: 3, stride: 2, pad: same, dilation: 2}",
                               "conv_transpose: {filters: 6, kernel: 3, stride: [1, 3], pad: valid, bias: false}"]),
    "linear": (TOKENS, ["linear: {units: 12}", "linear: {units: 12, bias: false}", "linear: {units: 12, as: a}",
                        "linear: {units: 12, weights: a}", "flatten", "linear: {units: 5, as: b}", "linear: {units: 5}",
                        "linear: {units: 5, bias: false}"]),
    "embedding": ("{shape: [N, 7], dtype: int64}", ["embedding: {entries: 100, features: 16, as: table}",
                                                    "linear: {units: 100, bias: false, weights: table}"]),
    "matmul": (TOKENS, ["transpose: {perm: [0, 2, 1], as: t}", "matmul: {from: [x, t]}"]),
    "einsum": (TOKENS, ["einsum: {equation: 'nic,njc->nij', from: [x, x]}"]),
    "attention": (TOKENS, ["attention: {heads: 4}", "attention: {heads: 4, causal: true}", "linear: {units: 8, as: kv}",
                           "attention: {heads: 4, kv_heads: 2, from: [x, kv, kv]}"]),
    "batch_norm": (IMAGE, ["batch_norm"]),
    "layer_norm": (TOKENS, ["layer_norm", "layer_norm: {axis: 1, bias: false}"]),
    "rms_norm": (TOKENS, ["rms_norm", "rms_norm: {axis: 1}"]),
    "group_norm": (IMAGE, ["group_norm: {groups: 4}"]),
    "instance_norm": (IMAGE, ["instance_norm"]),
    "lrn": (IMAGE, ["lrn: {size: 5}"]),
    "max_pool": (IMAGE, ["max_pool: {kernel: 3, stride: 2, pad: 1}",
                         "max_pool: {kernel: 2, stride: 2, ceil: true}",
                         "max_pool: {kernel: 2, pad: same, stride: 1, dilation: 2}",
                         "max_pool: {kernel: 3, pad: 2, dilation: 2}", "max_pool: {kernel: 2}"]),
    "avg_pool": (IMAGE, ["avg_pool: {kernel: 3, stride: 2, pad: 1, count_pad: true}",
                         "avg_pool: {kernel: 3, stride: 2, ceil: true, pad: 1}",
                         "avg_pool: {kernel: 2, pad: same_lower, stride: 1}", "avg_pool: {kernel: [2, 1]}"]),
    "global_avg_pool": (IMAGE, ["global_avg_pool"]),
    "global_max_pool": (IMAGE, ["global_max_pool"]),
    "lstm": (TOKENS, ["lstm: {hidden: 6, layers: 2, bidirectional: true}", "lstm: {hidden: 5, output: state}"]),
    "gru": (TOKENS, ["gru: {hidden: 6, bias: false}",
                      "gru: {hidden: 5, layers: 2, bidirectional: true, output: state}"]),
    "rnn": (TOKENS, ["rnn: {hidden: 6, bidirectional: true}", "rnn: {hidden: 5, output: state, layers: 2}"]),
    "flatten": (IMAGE, ["flatten", "flatten: {axis: 0}"]),
    "reshape": (IMAGE, ["reshape: {shape: [0, 4, -1]}"]),
    "transpose": (IMAGE, ["transpose: {perm: [0, 2, 3, 1]}"]),
    "squeeze": (IMAGE, ["global_avg_pool", "squeeze: {axes: [2, 3]}"]),
    "unsqueeze": (IMAGE, ["unsqueeze: {axes: 1}"]),
    "concat": (IMAGE, ["concat: {from: [x, x]}", "concat: {axis: -1, from: [x, x, x]}"]),
    "split": (IMAGE, ["split: {as: [a, b]}", "split: {axis: 2, parts: [3, 9], from: x, as: [c, d]}",
                      "split: {axis: -1, parts: 5, from: x}"]),
    "slice": (IMAGE, ["slice: {axis: 2, start: 2, end: -1, step: 3}", "slice: {axis: 3, start: -3}"]),
    "select": (TOKENS, ["select: {axis: 1}", "select: {axis: 1, index: -1}"]),
    "pad": (IMAGE, ["pad: {pads: 2}", "pad: {pads: [0, 0, 1, 2, 0, 0, 0, 3]}"]),
    "pad_channels": (IMAGE, ["pad_channels: {to: 13}"]),
    "upsample": (IMAGE, ["upsample", "upsample: {scale: 3, mode: linear}"]),
    "depth_to_space": (IMAGE, ["depth_to_space: {block: 2}"]),
    "space_to_depth": (IMAGE, ["space_to_depth: {block: 2}"]),
    "channel_shuffle": (IMAGE, ["channel_shuffle: {groups: 4}"]),
    "mean": (IMAGE, ["mean: {axes: [2, 3], keep: true}", "mean: {axes: [-1, 1]}"]),
    "cast": (IMAGE, ["cast: {to: float16}", "cast: {to: int32}", "cast: {to: bool}"]),
    "parameter": (TOKENS, ["parameter: {shape: [7, 16], as: p}", "add: {from: [x, p]}"]),
    "constant": (TOKENS, ["constant: {value: 2.5, as: c}", "mul: {from: [x, c]}", "constant: {value: [0, -1], as: s}",
                          "Reshape: {from: [x, s]}"]),
    "expand": (TOKENS, ["unsqueeze: {axes: 0}", "expand: {shape: [5, 1, 7, 16]}"]),
    "prelu": (IMAGE, ["prelu"]),
    "dropout": (TOKENS, ["dropout: {rate: 0.1}"]),
    "gelu": (TOKENS, ["gelu", "gelu: {approximate: tanh}"]),
    "softmax": (TOKENS, ["softmax", "softmax: {axis: 1}"]),
    **{name: (TOKENS, [f"{name}: {{from: [x, x, x]}}"]) for name in ("add", "mul", "sub", "div")},
}  # fmt: skip
"""A small model of every short name: its input and its layers, each of which reads the input unless it has a `from`."""

CHAINED = {"linear", "embedding", "attention", "squeeze", "expand", "matmul", "cast", "parameter", "constant"}


def layer_model(name: str) -> str:
    """Layers that stand alone read x; those of CHAINED read the one before."""
    shape, layers = LAYER_MODELS.get(name, (TOKENS, [name]))
    lines = [f"input: {{x: {shape}}}", "layers:"]
    for entry in layers:
        kind, colon, options = entry.partition(": ")
        if name not in CHAINED and "from:" not in options:
            options = "{from: x" + (", " + options[1:] if colon else "}")
        lines.append(f"  - {kind}: {options}" if options else f"  - {kind}")
    return "\n".join(lines)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_runs_with_our_shapes(name: str, tmp_path: Path) -> None:
    graph = load_spec(layer_model(name), f"{name}.yaml")
    assert executed(graph, tmp_path) == inferred(graph)
    _same_costs(graph, tmp_path / "model.onnx")


def _same_costs(graph: Graph, path: Path) -> None:
    """Reading the file again gives the same totals."""
    export(graph, path, "none")
    assert costcalc.analyze(path).totals == costcalc.analyze(graph).totals


SMALL = {
    "vit_b_16": {"resolution": 48, "d": 32, "mlp": 64, "depth": 2, "heads": 4},
    "bert_base": {"depth": 2, "d": 32, "feed_forward": 64, "heads": 4, "vocabulary": 100},
    "gpt2": {"depth": 2, "d": 32, "heads": 4, "vocabulary": 100},
    "llama_7b": {"depth": 2, "d": 64, "heads": 4, "kv_heads": 2, "ffn": 96, "vocabulary": 100},
    "swin_t": {"resolution": 64, "window": 2, "width": 32, "heads": 1, "depth": 2},
    "swin_v2_t": {"resolution": 64, "window": 3, "width": 32, "heads": 2, "depth": 2},
    "maxvit_t": {"resolution": 64, "window": 2},
}
"""Parameters that make a spec small enough to run at once."""
FIXED = {"unet": 188, "alexnet": 67, "inception_v3": 75}
"""Height and width of those that no image of 64 × 64 fits."""
SEQ = 9


def small(name: str) -> Graph:
    """A built-in model with small parameters, small images and short sequences."""
    graph = load(name, params=SMALL.get(name))
    dims = {str(d): SEQ for v in graph.inputs for d in graph.types[v].shape or () if not isinstance(d, int)}
    shapes = {}
    for value in graph.inputs:
        shape = graph.types[value].shape or ()
        if len(shape) == 4 and name not in SMALL and isinstance(shape[2], int):
            side = FIXED.get(name, min(shape[2], 64))
            shapes[value] = [*shape[:2], side, side]
    return load(name, params=SMALL.get(name), dims=dims, shapes=shapes)


@pytest.mark.parametrize("name", [model.name for model in builtin_models()])
def test_spec_runs_with_our_shapes(name: str, tmp_path: Path) -> None:
    graph = small(name)
    assert executed(graph, tmp_path) == inferred(graph)
    _same_costs(graph, tmp_path / "model.onnx")


def test_a_large_model_is_a_small_file_without_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "llama.onnx"
    export(load("llama_7b", dims={"seq": 128}), path, "none")
    assert path.stat().st_size < 200_000
    assert [p.name for p in tmp_path.iterdir()] == ["llama.onnx"]
    assert costcalc.analyze(path).params == 6_738_415_616


def test_large_weights_stand_beside_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_weights, "INLINE", 1000)
    graph = small("gpt2")
    for weights in ("zeros", "random"):
        path = tmp_path / "g.onnx"
        export(graph, path, weights)
        size = sum(p.nbytes for p in graph.initializers.values() if isinstance(p.nbytes, int))
        assert (tmp_path / "g.onnx.data").stat().st_size == size
        onnx.checker.check_model(str(path), full_check=True)
        onnxruntime.InferenceSession(str(path))


def test_random_weights_are_the_same_every_time(tmp_path: Path) -> None:
    graph = small("lenet5")
    for name in ("a", "b"):
        export(graph, tmp_path / name, "random")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert b"random" not in (tmp_path / "a").read_bytes()
    session = onnxruntime.InferenceSession(str(tmp_path / "a"))
    image = np.ones(onnx_weights.concrete(graph.types["input"].shape or (), "input"), np.float32)
    assert np.unique(session.run(None, {graph.inputs[0]: image})[0]).size > 1


def test_open_extents_are_written_as_symbols(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    export(load("lstm_classifier"), path, "none")
    assert costcalc.analyze(path).macs == costcalc.analyze("lstm_classifier").macs


def test_an_open_constant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"position\.end holds seq, which is open; bind --dim seq=…") as error:
        export(load("gpt2"), tmp_path / "g.onnx", "none")
    assert error.value.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_an_onnx_file_is_written_again(tmp_path: Path) -> None:
    first, again = tmp_path / "a.onnx", tmp_path / "b.onnx"
    export(small("mobilenet_v2"), first)
    export(load(first), again)
    assert costcalc.analyze(again).totals == costcalc.analyze(first).totals
    assert onnx.load(first).graph.node == onnx.load(again).graph.node


def test_constants_that_are_not_kept_stay_constants(tmp_path: Path) -> None:
    first, again = tmp_path / "a.onnx", tmp_path / "b.onnx"
    mask = onnx.numpy_helper.from_array(np.ones((80, 80), np.float32))
    nodes = [
        onnx.helper.make_node("Constant", [], ["mask"], value=mask),
        onnx.helper.make_node("Mul", ["x", "mask"], ["y"]),
    ]
    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [80, 80]) for n in "xy")
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [x], [y])), first)
    export(load(first), again)
    assert costcalc.analyze(again).params == costcalc.analyze(first).params == 0


def test_control_flow_is_refused(tmp_path: Path) -> None:
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["r"])], "b", [], [onnx.ValueInfoProto(name="r")]
    )
    node = onnx.helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    inputs = [
        onnx.helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, []),
        onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [3]),
    ]
    graph = onnx.helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name="y")])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "a.onnx")
    with pytest.raises(CostcalcError, match="If cannot be written"):
        export(load(tmp_path / "a.onnx"), tmp_path / "b.onnx")


def test_wrong_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small("lenet5")
    with pytest.raises(CostcalcError, match="no weights 'ones'"):
        export(graph, tmp_path / "g.onnx", "ones")
    with pytest.raises(CostcalcError, match="cannot be written"):
        export(graph, tmp_path / "nowhere" / "g.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(CostcalcError, match=r"pip install 'costcalc\[onnx\]'"):
        export(graph, tmp_path / "g.onnx")
