"""com.microsoft.nchwc: files as ONNX Runtime's highest level of optimisation writes them cost what the model costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper, shape_inference

from costcalc import analyze
from costcalc.core.errors import CostcalcError
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.frontends.onnx.writer import serialize_graph
from costcalc.ops.common.channels import NCHWC

IMAGE = (1, 3, 18, 18)
RNG = np.random.default_rng(0)

Layers = list[tuple[str, list[str], str, dict[str, Any]]]


def conv(x: str, name: str, filters: int, channels: int, kernel: int = 3, **how: Any) -> Any:
    """A convolution of x called name, its weight and its bias."""
    weight = RNG.random((filters, channels, kernel, kernel), np.float32)
    stored = [
        numpy_helper.from_array(weight, f"{name}.w"),
        numpy_helper.from_array(weight[:, 0, 0, 0] + 1, f"{name}.b"),
    ]
    pads: dict[str, Any] = {} if kernel == 1 else {"pads": [kernel // 2] * 4}
    return helper.make_node("Conv", [x, f"{name}.w", f"{name}.b"], [name], **pads, **how), stored


def other(op_type: str, inputs: str, name: str, **how: Any) -> Any:
    """A node without weights."""
    return helper.make_node(op_type, inputs.split(" "), [name], **how), []


POOL = {"kernel_shape": [3, 3], "strides": [2, 2]}

MODELS: dict[str, tuple[list[Any], str]] = {
    "padded filters, an activation and a depthwise convolution": (
        [
            conv("x", "a", 24, 3),
            other("Clip", "a low high", "b"),
            conv("b", "c", 24, 1, group=24),
            other("Relu", "c", "d"),
            conv("d", "y", 20, 24, 1),
        ],
        "y",
    ),
    "a sum": (
        [
            conv("x", "a", 20, 3),
            conv("a", "b", 36, 20, 1),
            conv("b", "c", 20, 36, 1),
            other("Add", "a c", "d"),
            other("Relu", "d", "e"),
            conv("e", "y", 44, 20),
        ],
        "y",
    ),
    "pools": (
        [
            conv("x", "a", 24, 3),
            other("MaxPool", "a", "b", ceil_mode=1, **POOL),
            other("AveragePool", "b", "c", count_include_pad=1, pads=[1] * 4, **POOL),
            conv("c", "d", 12, 24),
            other("GlobalAveragePool", "d", "y"),
        ],
        "y",
    ),
    "a global maximum": ([conv("x", "a", 20, 3), other("GlobalMaxPool", "a", "y")], "y"),
    "another operator between two convolutions": (
        [conv("x", "a", 40, 3), other("Softmax", "a", "b", axis=1), conv("b", "y", 16, 40)],
        "y",
    ),
    "a concatenation": (
        [conv("x", "a", 16, 3), conv("x", "b", 32, 3, 1), other("Concat", "a b", "c", axis=1), conv("c", "y", 4, 48)],
        "y",
    ),
    "groups": ([conv("x", "a", 64, 3), conv("a", "b", 32, 32, group=2), conv("b", "y", 16, 32, 1)], "y"),
    "an upsampled image": (
        [
            conv("x", "a", 20, 3),
            other("Resize", "a  scales", "b", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
            conv("b", "y", 16, 20),
        ],
        "y",
    ),
}


def build_model(nodes: list[Any], output: str, declared: bool) -> onnx.ModelProto:
    """Nodes with their stored tensors -> a model; declared: it says the types of all values."""
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    limits = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("low", 0), ("high", 6))]
    stored = [scales, *limits, *(tensor for _, tensors in nodes for tensor in tensors)]
    read = {name for node, _ in nodes for name in node.input}
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, IMAGE)
    y = helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * 4)
    graph = helper.make_graph([node for node, _ in nodes], "g", [x], [y], [t for t in stored if t.name in read])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return shape_inference.infer_shapes(model) if declared else model


def has_blocks(graph: onnx.GraphProto) -> bool:
    """Whether a graph, or a body of one of its nodes, has an operator of the domain."""
    bodies = (a.g for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH)
    return any(node.domain == NCHWC for node in graph.node) or any(map(has_blocks, bodies))


def optimise(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The model as ONNX Runtime writes it at its highest level on this processor."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 4
    ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = onnx.load(path)
    if not has_blocks(found.graph):
        pytest.skip("ONNX Runtime has no blocks of channels on this processor")
    return found


@pytest.mark.parametrize("name", MODELS)
def test_an_optimised_model_costs_what_the_model_costs(name: str, tmp_path: Path) -> None:
    nodes, output = MODELS[name]
    model = build_model(nodes, output, declared=True)
    optimised = optimise(model, tmp_path / "nchwc.onnx")
    before, after = analyze(model), analyze(optimised)
    assert after.unknown == ()
    for figure in ("macs", "params"):
        assert after.totals[figure] == before.totals[figure]
    assert not [note for note in after.graph.notes if NCHWC in note]
    # Operators of ONNX's own between blocks (a Softmax of 40 channels in 48) count as stored.
    if not {node.op_type for node in optimised.graph.node if not node.domain} - {"Concat", "Softmax"}:
        assert after.totals["flops"] == before.totals["flops"]


def make_body(layers: list[Any], inputs: tuple[Any, ...] = (), outputs: tuple[Any, ...] = ()) -> onnx.GraphProto:
    """Layers -> a body that holds their weights and gives the last one's output."""
    stored = [tensor for _, tensors in layers for tensor in tensors]
    last = helper.make_tensor_value_info(layers[-1][0].output[0], TensorProto.FLOAT, None)
    return helper.make_graph([node for node, _ in layers], "body", inputs, outputs or (last,), stored)


def make_control(name: str) -> onnx.ModelProto:
    """A model whose convolutions stand in the bodies of an If or of a Loop of three trips; both branches of the If have
    nodes and weights of the same names."""
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, IMAGE)
    if name == "If":
        taken = make_body([conv("x", "a", 20, 3), other("Softmax", "a", "b", axis=1), conv("b", "y", 12, 20)])
        other_branch = make_body([conv("x", "a", 36, 3), other("Relu", "a", "b"), conv("b", "y", 12, 36)])
        stored, inputs = [], [image, helper.make_tensor_value_info("c", TensorProto.BOOL, [])]
        nodes = [helper.make_node("If", ["c"], ["z"], "if", then_branch=taken, else_branch=other_branch)]
    else:
        first, tensors = conv("x", "s0", 8, 3)
        state = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, 8, 18, 18)) for n in ("s", "t")]
        going, trip = (helper.make_tensor_value_info(n, k, []) for n, k in (("go", TensorProto.BOOL), ("i", 7)))
        layers = [conv("s", "a", 20, 8), other("Relu", "a", "b"), conv("b", "t", 8, 20), other("Identity", "go", "on")]
        on = helper.make_tensor_value_info("on", TensorProto.BOOL, [])
        body = make_body(layers, (trip, going, state[0]), (on, state[1]))
        stored, inputs = [helper.make_tensor("n", TensorProto.INT64, [], [3]), *tensors], [image]
        nodes = [first, helper.make_node("Loop", ["n", "", "s0"], ["z"], "loop", body=body)]
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, [None] * 4)
    graph = helper.make_graph(nodes, "g", inputs, [z], stored)
    return shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    )


@pytest.mark.parametrize(("name", "values"), [("If", {"c": 1}), ("If", {"c": 0}), ("If", {}), ("Loop", {})])
def test_bodies_cost_what_they_cost_before(name: str, values: dict[str, Any], tmp_path: Path) -> None:
    """Blocks in the branches of an If, of which the dearer one by what the model computes counts, and in a Loop."""
    model = make_control(name)
    before, after = analyze(model, values=values), analyze(optimise(model, tmp_path / "nchwc.onnx"), values=values)
    assert after.unknown == () and not [note for note in after.graph.notes if NCHWC in note]
    for figure in ("macs", "params"):
        assert after.totals[figure] == before.totals[figure] > 0


def test_shapes_are_onnx_runtimes(tmp_path: Path) -> None:
    """Every value of an optimised model has the shape that a run gives it, but that channels are stored in blocks."""
    for index, (nodes, output) in enumerate(MODELS.values()):
        optimised = optimise(build_model(nodes, output, declared=False), tmp_path / f"{index}.onnx")
        values = [name for node in optimised.graph.node for name in node.output if name]
        del optimised.graph.output[:]
        optimised.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in values)
        session = ort.InferenceSession(optimised.SerializeToString(), providers=["CPUExecutionProvider"])
        found = session.run(values, {"x": np.ones(IMAGE, np.float32)})
        types = load_onnx(optimised.SerializeToString()).types
        assert {n: types[n].shape for n in values} == {n: a.shape for n, a in zip(values, found, strict=True)}


def blocked_model(declared: tuple[int, ...] | None) -> onnx.ModelProto:
    """Two convolutions, 24 filters in two blocks of 16 between them; declared: what the file says of the first's
    output."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "reorder_1"], ["reorder_2"], "a_nchwc", domain=NCHWC, activation="Relu"),
        helper.make_node("Conv", ["reorder_2", "v"], ["reorder_3"], "b_nchwc", domain=NCHWC),
        helper.make_node("ReorderOutput", ["reorder_3"], ["y"], domain=NCHWC, channels=12),
    ]
    stored = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, np.ones(np.prod(shape)))
        for name, shape in (("w", (32, 3, 1, 1)), ("v", (16, 32, 1, 1)), ("reorder_1", (32,)))
    ]
    x, y = helper.make_tensor_value_info("x", 1, (1, 3, 5, 5)), helper.make_empty_tensor_value_info("y")
    infos = [] if declared is None else [helper.make_tensor_value_info("a", 1, declared)]
    graph = helper.make_graph(nodes, "g", [x], [y], stored, value_info=infos)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(NCHWC, 1)])


def test_channels_that_fill_a_block_are_storage() -> None:
    report = analyze(blocked_model((1, 24, 5, 5)))
    assert report.totals["macs"] == 5 * 5 * (24 * 3 + 12 * 24)
    assert report.totals["flops"] == 2 * 5 * 5 * (24 * 3 + 12 * 24) + 5 * 5 * 24 + 5 * 5 * 24  # a bias, a ReLU
    assert report.totals["params"] == 24 * 3 + 24 + 12 * 24
    assert report.totals["weight_bytes"] == 4 * (32 * 3 + 32 + 16 * 32)
    assert report.totals["activation_bytes"] == 4 * 5 * 5 * (32 + 16 + 12)


def test_a_file_that_does_not_tell_its_channels_says_so() -> None:
    report = analyze(blocked_model(None))
    assert report.totals["macs"] == 5 * 5 * (32 * 3 + 12 * 32)
    (note,) = [note for note in report.graph.notes if NCHWC in note]
    assert note.endswith("all count in 1 of 2")


def test_the_front_ends_attributes_are_not_written() -> None:
    graph = load_onnx(blocked_model((1, 24, 5, 5)).SerializeToString())
    assert graph.nodes[0].attributes["logical_channels"] == 24
    written = onnx.load_from_string(serialize_graph(graph))
    assert [a.name for a in written.graph.node[0].attribute] == ["activation"]
    assert analyze(written).totals["params"] == 32 * 3 + 32 + 12 * 32


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes"),
    [
        ("Conv", ["x"], {}),
        ("Conv", ["x", ""], {}),
        ("Conv", [], {}),
        ("Foo", [], {}),
        ("MaxPool", [], {}),
        ("ReorderInput", [""], {}),
        ("ReorderOutput", ["x"], {"channels": "two"}),
        ("Conv", ["x", "x"], {"group": "two"}),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_nodes_without_what_they_need_are_refused_or_unknown(
    op_type: str, inputs: list[str], attributes: dict[str, Any], known: bool
) -> None:
    x = helper.make_tensor_value_info("x", 1, (1, 8, 5, 5) if known else None)
    node = helper.make_node(op_type, inputs, ["y"], domain=NCHWC, **attributes)
    graph = helper.make_graph([node], "g", [x], [helper.make_empty_tensor_value_info("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(NCHWC, 1)])
    try:
        assert analyze(model).lower_bound or op_type == "ReorderOutput"  # it costs nothing whatever it reads
    except CostcalcError as error:
        assert "bug" not in str(error) or attributes
