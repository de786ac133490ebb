"""The block of activations against what the installed ONNX Runtime asks its arena for."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.cli import call
from support.paths import ROOT

import costcalc
from costcalc.analysis.memory.onnxruntime import ALIASES, IN_PLACE, OrtPlan, plan_onnxruntime
from costcalc.core.errors import UndecidedError, UsageError

SHAPE = (1, 8, 32, 32)


class RandomNetwork:
    """A graph of random operators in which every value is read, or reduced to a number that is an output."""

    def __init__(self, seed: int) -> None:
        self.random, self.nodes, self.stored = random.Random(seed), list[Any](), list[Any]()
        self.shapes: dict[str, tuple[int, ...]] = {"x": SHAPE}
        self.read: set[str] = set()
        for _ in range(self.random.randint(5, 25)):
            self.add()

    def constant(self, value: Any) -> str:
        name = f"c{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], *shapes: tuple[int, ...], **attributes: Any) -> None:
        outputs = [f"v{len(self.nodes)}_{i}" for i in range(len(shapes))]
        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        self.shapes.update(zip(outputs, shapes, strict=True))
        self.read.update(inputs)

    def add(self) -> None:
        """Another operator on one of the last values, now and then on an early one."""
        names = list(self.shapes)
        x = self.random.choice(names[-4:] if self.random.random() < 0.8 else names)
        shape = n, c, h, w = self.shapes[x]
        kind = self.random.choice(("one", "two", "join", "pool", "view", "turn", "split", "cast", "take"))
        if kind == "one":
            self.node(self.random.choice(["Relu", "Sigmoid", "Tanh", "Neg", "Softmax", "Identity", "Sqrt"]), [x], shape)
        elif kind == "two":
            self.node("Add", [x, self.random.choice([v for v in names if self.shapes[v] == shape])], shape)
        elif kind == "join":
            y = self.random.choice([v for v in names if self.shapes[v][2:] == (h, w)])
            self.node("Concat", [x, y], (n, c + self.shapes[y][1], h, w), axis=1)
        elif kind == "pool" and min(h, w) > 1:
            self.node("MaxPool", [x], (n, c, h // 2, w // 2), kernel_shape=[2, 2], strides=[2, 2])
        elif kind == "view":
            self.node("Reshape", [x, self.constant(np.array((n, c, w, h), np.int64))], (n, c, w, h))
        elif kind == "turn":
            self.node("Transpose", [x], (n, c, w, h), perm=[0, 1, 3, 2])
        elif kind == "split" and c % 2 == 0:
            self.node("Split", [x], (n, c // 2, h, w), (n, c // 2, h, w), axis=1, num_outputs=2)
        elif kind == "cast":
            self.node("Cast", [x], shape, to=TensorProto.INT32)
            integers = list(self.shapes)[-1]
            self.node("Cast", [integers], shape, to=TensorProto.FLOAT)
            del self.shapes[integers]
        elif kind == "take":
            channels = self.random.choice((4, 8, 16))
            self.node("Gather", [x, self.constant(np.zeros(channels, np.int64))], (n, channels, h, w), axis=1)

    def model(self) -> Any:
        ends = [v for v in self.shapes if v not in self.read]
        for value in ends:
            self.nodes.append(helper.make_node("ReduceMax", [value], [f"max_{value}"], keepdims=0))
        outputs = [helper.make_tensor_value_info(f"max_{v}", TensorProto.FLOAT, []) for v in ends]
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
        graph = helper.make_graph(self.nodes, "random", [x], outputs, self.stored)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
        model.ir_version = 9
        return onnx.shape_inference.infer_shapes(model)


def plan_of(path: Path | str) -> OrtPlan:
    return plan_onnxruntime(costcalc.load(path))


def ask_runtime(path: Path) -> list[list[int]]:
    """The sizes that the arena of a process of its own is asked for, in the first and in the second run."""
    script = str(ROOT / "tests" / "support" / "onnxruntime_block.py")
    command = [sys.executable, script, str(path)]
    log = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stderr
    return [[int(n) for n in re.findall(r"requested\) num_bytes: (\d+)", run)] for run in log.split("@run")[1:]]


@pytest.mark.parametrize("seed", [0, 3, 4, 7, 9])
def test_the_runtime_asks_for_the_same_block(seed: int, tmp_path: Path) -> None:
    """In the second run it asks for the block, unless a region of the first run is free that holds it."""
    path = tmp_path / f"{seed}.onnx"
    onnx.save(RandomNetwork(seed).model(), path)
    plan, (first, second) = plan_of(path), ask_runtime(path)
    assert not plan.unread
    assert plan.nbytes > max(first), "no region of the first run holds the block"
    assert plan.nbytes in second


@pytest.mark.parametrize("name", sorted(op for _, op in IN_PLACE | ALIASES if op != "ScatterElements"))
def test_kernels_that_work_in_place_share_a_buffer(name: str) -> None:
    """x → Transpose → OP → ReduceMax: one buffer."""
    model = chain(name)
    graph = costcalc.load(model.SerializeToString())
    assert len(plan_onnxruntime(graph).buffers) == 1


@pytest.mark.parametrize("name", ["Neg", "Exp", "Sqrt", "Abs", "Erf", "Transpose"])
def test_others_have_one_of_their_own(name: str) -> None:
    graph = costcalc.load(chain(name).SerializeToString())
    assert len(plan_onnxruntime(graph).buffers) == 2


def chain(name: str) -> Any:
    stored, inputs = [], ["a"]
    attributes: dict[str, Any] = {}
    if name in ("Reshape", "Squeeze", "Unsqueeze"):
        value = np.array(SHAPE if name == "Reshape" else (0,), np.int64)
        stored.append(numpy_helper.from_array(value, "s"))
        inputs.append("s")
    if name == "Cast":
        attributes["to"] = TensorProto.INT32
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 1, 3, 2]),
        helper.make_node(name, inputs, ["b"], **attributes),
        helper.make_node("ReduceMax", ["b"], ["y"], keepdims=0),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_model(helper.make_graph(nodes, name, [x], [y], stored))


def test_figures_of_networks_whose_blocks_the_runtime_asked_for() -> None:
    """Read from onnxruntime 1.32's log for these models, exported with weights."""
    blocks = {"mobilenet_v2": 11_239_424, "resnet18": 6_422_528, "googlenet": 6_422_528, "densenet121": 12_042_240}
    for name, block in blocks.items():
        assert plan_of(name).nbytes == block, name


def test_what_has_no_plan_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UndecidedError):
        plan_onnxruntime(costcalc.load("resnet18", symbolic=True))
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    branches = [
        helper.make_graph(
            [helper.make_node("Constant", [], [f"k{i}"], value_floats=[float(i)])],
            f"g{i}",
            [],
            [helper.make_tensor_value_info(f"k{i}", TensorProto.FLOAT, [1])],
        )
        for i in range(2)
    ]
    node = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
    model = helper.make_model(helper.make_graph([node], "if", [condition], [y]))
    with pytest.raises(UsageError, match="runs a graph of its own"):
        plan_onnxruntime(costcalc.load(model.SerializeToString()))
    code, _, err = call(capsys, "memory", "resnet18", "--symbolic", "--runtime", "onnxruntime")
    assert code == 2 and "--dim" in err


def test_the_table_and_the_document_show_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "memory", "lenet5", "--runtime", "onnxruntime", "--format", "json")
    assert code == 0
    document = json.loads(out)["memory"]["onnxruntime"]
    assert max(b["offset"] + b["nbytes"] for b in document["buffers"]) == document["block_bytes"]
    assert max(step["live_bytes"] for step in document["steps"]) <= document["block_bytes"]
    for by, word in (("tensor", "C1"), ("step", "tanh3")):
        code, out, _ = call(capsys, "memory", "lenet5", "--runtime", "onnxruntime", "--by", by)
        assert code == 0
        assert word in out and "Verified" in out
