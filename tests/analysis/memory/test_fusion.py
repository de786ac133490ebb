"""Fused steps: which operators run as one, and that every other node finds what it reads."""

from __future__ import annotations

from hypothesis import given, settings
from support.builtin import NAMES
from support.random_graphs import graphs

import costcalc
from costcalc.analysis.memory.fusion import dequantized_values, fuse_blocks, fuse_steps
from costcalc.analysis.memory.liveness import ScheduleStep, runtime_values
from costcalc.rules import DType, Graph, GraphBuilder

F32 = DType.FLOAT32


def sound(graph: Graph, steps: tuple[ScheduleStep, ...]) -> None:
    """Each node but views of stored tensors runs once; each step reads what is there, and all that anyone reads later
    was written."""
    known, unpacked = runtime_values(graph), dequantized_values(graph)
    run = [i for i, node in enumerate(graph.nodes) if not known.isdisjoint(node.outputs)]
    assert sorted(i for step in steps for i in step.nodes) == run
    there = set(graph.inputs)
    for step in steps:
        assert there.issuperset(step.reads)
        inside = {v for i in step.nodes for v in graph.nodes[i].outputs}
        needed = {unpacked.get(v, v) for i in step.nodes for v in graph.nodes[i].inputs if v not in inside}
        assert needed & known - inside == set(step.reads)
        there.update(step.writes)
    assert there.issuperset(v for v in graph.outputs if v in known)


@given(graphs(20))
@settings(max_examples=300, deadline=None)
def test_random_graphs(graph: Graph) -> None:
    sound(graph, fuse_steps(graph))
    sound(graph, fuse_blocks(graph))


def test_specs() -> None:
    for name in NAMES:
        graph = costcalc.load(name)
        sound(graph, fuse_steps(graph))
        sound(graph, fuse_blocks(graph))


def named(steps: tuple[ScheduleStep, ...], graph: Graph) -> list[list[str]]:
    return [[graph.nodes[i].name for i in step.nodes] for step in steps]


def conv(b: GraphBuilder, x: str, name: str, channels: int = 4, group: int = 1, kernel: int = 1) -> str:
    width = b.types[x].shape[1]  # type: ignore[index]
    w = b.add_initializer(f"{name}.w", F32, (channels, width // group, kernel, kernel))
    return b.add("Conv", [x, w], {"group": group, "pads": (kernel // 2,) * 4}, name=name)[0]


def start() -> tuple[GraphBuilder, str]:
    b = GraphBuilder("made", "made", {"": 17})
    return b, b.add_input("x", F32, (1, 4, 8, 8))


def test_x_times_sigmoid_of_x() -> None:
    b, x = start()
    y = conv(b, x, "conv")
    (s,) = b.add("Sigmoid", [y], name="sigmoid")
    (z,) = b.add("Mul", [y, s], name="mul")
    graph = b.build(b.add("MaxPool", [z], {"kernel_shape": (2, 2)}, name="pool"))
    assert named(fuse_steps(graph), graph) == [["conv", "sigmoid", "mul"], ["pool"]]


def test_a_fork_that_does_not_meet() -> None:
    """The convolution's result is read by a pool too: nothing is fused."""
    b, x = start()
    y = conv(b, x, "conv")
    (s,) = b.add("Sigmoid", [y], name="sigmoid")
    (p,) = b.add("GlobalAveragePool", [y], name="pool")
    graph = b.build(b.add("Mul", [s, p], name="mul"))
    assert named(fuse_steps(graph), graph) == [["conv"], ["sigmoid"], ["pool"], ["mul"]]


def test_an_output_is_materialised() -> None:
    b, x = start()
    y = conv(b, x, "conv")
    graph = b.build([y, *b.add("Relu", [y], name="relu")])
    assert named(fuse_steps(graph), graph) == [["conv"], ["relu"]]


def test_the_later_of_two_contractions_takes_the_addition() -> None:
    b, x = start()
    y, z = conv(b, x, "main"), conv(b, x, "shortcut")
    (a,) = b.add("Add", [y, z], name="add")
    graph = b.build(b.add("Relu", [a], name="relu"))
    assert named(fuse_steps(graph), graph) == [["main"], ["shortcut", "add", "relu"]]
    assert fuse_steps(graph)[1].reads == ("x", "main")


def test_a_gate_that_is_stretched_is_not_fused() -> None:
    """[N, C, 1, 1] · [N, C, H, W]: the gate's convolution is not the one whose elements are multiplied."""
    b, x = start()
    (p,) = b.add("GlobalAveragePool", [x], name="pool")
    (s,) = b.add("Sigmoid", [conv(b, p, "gate")], name="sigmoid")
    graph = b.build(b.add("Mul", [x, s], name="mul"))
    assert named(fuse_steps(graph), graph) == [["pool"], ["gate", "sigmoid"], ["mul"]]


def test_blocks() -> None:
    """expand, depthwise, project and the residual as one; without its expansion read by others."""
    for shared in (False, True):
        b, x = start()
        y = conv(b, x, "expand", 24)
        (y,) = b.add("Relu", [y], name="relu1")
        expanded = y
        y = conv(b, y, "depthwise", 24, 24, 3)
        (y,) = b.add("Relu", [y], name="relu2")
        y = conv(b, y, "project", 4)
        (y,) = b.add("Add", [y, x], name="add")
        graph = b.build([y, *([expanded] if shared else [])])
        block = ["depthwise", "relu2", "project", "add"]
        if shared:
            assert named(fuse_blocks(graph), graph) == [["expand", "relu1"], block]
        else:
            assert named(fuse_blocks(graph), graph) == [["expand", "relu1", *block]]
            assert fuse_blocks(graph)[0].reads == ("x",)


def test_squeeze_and_excitation_in_between() -> None:
    """The pool needs all of what the depthwise convolution gives; only the expansion stays in slices."""
    b, x = start()
    y = conv(b, conv(b, x, "expand", 24), "depthwise", 24, 24, 3)
    (p,) = b.add("GlobalAveragePool", [y], name="pool")
    (y,) = b.add("Mul", [y, p], name="mul")
    graph = b.build([conv(b, y, "project")])
    assert named(fuse_blocks(graph), graph) == [["expand", "depthwise"], ["pool"], ["mul"], ["project"]]


def test_a_quantised_model() -> None:
    """Each operator reads and writes what is quantised: weights are unpacked as they are read, a residual too, and one
    DequantizeLinear may serve several readers."""
    b = GraphBuilder("made", "made", {"": 17})
    xq = b.add_input("xq", DType.UINT8, (1, 4, 8, 8))
    scale, zero = b.add_initializer("scale", F32, ()), b.add_initializer("zero", DType.UINT8, ())
    w = b.add_initializer("w", DType.INT8, (4, 4, 1, 1))
    wzero = b.add_initializer("wzero", DType.INT8, ())
    (x,) = b.add("DequantizeLinear", [xq, scale, zero], name="dq_x")
    (wf,) = b.add("DequantizeLinear", [w, scale, wzero], name="dq_w")
    (y,) = b.add("Conv", [x, wf], name="conv")
    (y,) = b.add("QuantizeLinear", [y, scale, zero], name="q_y")
    (y,) = b.add("DequantizeLinear", [y, scale, zero], name="dq_y")
    (z,) = b.add("Add", [y, x], name="add")
    (z,) = b.add("Relu", [z], name="relu")
    (z,) = b.add("QuantizeLinear", [z, scale, zero], name="q_z")
    (z,) = b.add("DequantizeLinear", [z, scale, zero], name="dq_z")
    (p,) = b.add("MaxPool", [z], {"kernel_shape": (2, 2)}, name="pool")
    graph = b.build(b.add("QuantizeLinear", [p, scale, zero], name="q_p"))
    steps = fuse_steps(graph)
    assert named(steps, graph) == [
        ["dq_x", "dq_w", "conv", "q_y"],
        ["dq_y", "add", "relu", "q_z"],
        ["dq_z", "pool", "q_p"],
    ]
    assert [step.reads for step in steps] == [("xq",), ("q_y", "xq"), ("q_z",)]
    sound(graph, steps)
    assert costcalc.footprint(graph, fuse=True).peak == 3 * 256
