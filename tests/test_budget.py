"""Small files that describe endless work -> an answer, or a refusal that names the limit, in bounded time and memory."""

from __future__ import annotations

import os
import resource
import string
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from support.small_graphs import Builder

from costcalc.core.budget import MAX_RANK, MAX_STEPS, limited_work, spend
from costcalc.core.dim import Dim, bounds, floordiv, pretty_text, prod, sum_dims, symbol
from costcalc.core.errors import LimitError
from costcalc.studies.suggest.find import suggest

SECONDS, MEMORY = 20, 1 << 30
"""Processor time and address space of each run: the issue asks for 10 s and 500 MB on an idle machine."""


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Arguments -> the exit code and what costcalc printed, under limits of the operating system."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    process = subprocess.run(
        [sys.executable, "-m", "costcalc", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


def ints(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(numpy.array(values, dtype=numpy.int64), name)


def make_model(
    nodes: list[NodeProto],
    shape: list[int | str],
    stored: tuple[TensorProto, ...] = (),
    functions: tuple[object, ...] = (),
) -> ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("f", 1)]
    graph = helper.make_graph(nodes, "g", [x], [y], list(stored))
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions))


def rank_of(op: str) -> ModelProto:
    """The rank is the extent of a tensor whose contents are not known."""
    shape = helper.make_node("Cast", ["x"], ["s"], to=TensorProto.INT64)
    data = {"ConstantOfShape": [], "Reshape": ["k"], "Expand": ["k"], "Tile": ["k"]}[op]
    return make_model([shape, helper.make_node(op, [*data, "s"], ["y"])], [3_000_000], (ints("k", 1),))


def empty(op: str, *more: str, **attributes: Any) -> ModelProto:
    """A constant of [10^12, 10^12, 0]."""
    k = helper.make_tensor("k", TensorProto.INT64, [10**12, 10**12, 0], [])
    stored = (k, ints("times", 10**9, 10**9, 1), ints("first", 0), ints("one", 1))
    return make_model([helper.make_node(op, ["k", *more], ["y"], **attributes)], [1], stored)


def doubled_functions() -> ModelProto:
    functions = []
    for depth in range(30):
        op, domain = (f"f{depth - 1}", "f") if depth else ("Relu", "")
        calls = [helper.make_node(op, [a], [b], domain=domain) for a, b in (("a", "t"), ("t", "b"))]
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("f", 1)]
        functions.append(helper.make_function("f", f"f{depth}", ["a"], ["b"], calls, opsets))
    return make_model([helper.make_node("f29", ["x"], ["y"], domain="f")], [1, 8], functions=tuple(functions))


def growing_loops(depth: int) -> ModelProto:
    """Loops inside each other, 60 trips each, whose carried value doubles."""

    def loop(depth: int) -> list[NodeProto]:
        trips = helper.make_node("Constant", [], ["m"], value_int=60)
        return [trips, helper.make_node("Loop", ["m", "", "x" if depth == outer else "v"], ["w"], body=body(depth))]

    def body(depth: int) -> object:
        types: tuple[tuple[str, int, list[int] | None], ...] = (
            ("i", TensorProto.INT64, []),
            ("c", TensorProto.BOOL, []),
            ("v", TensorProto.FLOAT, None),
        )
        inputs = [helper.make_tensor_value_info(*t) for t in types]
        nodes = loop(depth - 1) if depth else [helper.make_node("Concat", ["v", "v"], ["w"], axis=0)]
        nodes.append(helper.make_node("Identity", ["c"], ["d"]))
        outputs = [
            helper.make_tensor_value_info("d", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, None),
        ]
        return helper.make_graph(nodes, f"body{depth}", inputs, outputs)

    outer = depth
    return make_model(loop(depth), ["A", 8])


def many_symbols(count: int) -> ModelProto:
    nodes = [helper.make_node("NonZero", ["x"], [f"v{i}"]) for i in range(count)]
    return make_model([*nodes, helper.make_node("Concat", [f"v{i}" for i in range(count)], ["y"], axis=1)], ["A", 8])


def long_folding() -> ModelProto:
    nodes = [helper.make_node("Add", [f"k{i}", "k0"], [f"k{i + 1}"]) for i in range(10_000)]
    return make_model(nodes, [1], (ints("k0", *range(4096)),))


def doubling_extent() -> ModelProto:
    nodes = [helper.make_node("Concat", [f"v{i}" if i else "x"] * 2, [f"v{i + 1}"], axis=0) for i in range(3000)]
    return make_model(nodes, ["A", 8])


def letters(operands: int) -> ModelProto:
    term = string.ascii_letters[:52]
    equation = ",".join([term] * operands) + "->"
    einsum = helper.make_node("Einsum", ["x"] * operands, ["y"], equation=equation)
    return make_model([einsum], [f"A{i} + 1" for i in range(52)])


MODELS: dict[str, Callable[[], ModelProto]] = {
    **{f"rank {op}": partial(rank_of, op) for op in ("ConstantOfShape", "Reshape", "Expand")},
    "rank Reshape to a stored shape": lambda: make_model(
        [helper.make_node("Reshape", ["x", "k"], ["y"])], [1], (ints("k", *[1] * 4000),)
    ),
    "rank input": lambda: make_model([helper.make_node("Relu", ["x"], ["y"])], [3] * 50_000),
    "empty Transpose": lambda: empty("Transpose", perm=[1, 0, 2]),
    "empty Concat": lambda: empty("Concat", "k", axis=2),
    "empty Tile": lambda: empty("Tile", "times"),
    "empty ReduceSum": lambda: empty("ReduceSum", keepdims=0),
    "empty ReduceMax": lambda: empty("ReduceMax", keepdims=0),
    "empty Gather": lambda: empty("Gather", "first"),
    "symbols of a Reshape": lambda: make_model(
        [helper.make_node("ConstantOfShape", ["s"], ["r"]), helper.make_node("Reshape", ["r", "s2"], ["y"])][1:],
        [6],
        (ints("s2", 1, 2, 3),),
    ),
    "symbols of an input": lambda: make_model([helper.make_node("Relu", ["x"], ["y"])], [f"A{i}" for i in range(60)]),
    "sums of an input": lambda: make_model([helper.make_node("Relu", ["x"], ["y"])], [f"A{i} + 1" for i in range(60)]),
    "Einsum of 52 letters": lambda: letters(3),
    "functions that double": doubled_functions,
    "loops that grow": lambda: growing_loops(2),
    "loops that grow, deep": lambda: growing_loops(8),
    "3,000 symbols": lambda: many_symbols(3000),
    "folding": long_folding,
    "an extent of 2^3,000": doubling_extent,
    "parts of a sequence": lambda: make_model(
        [helper.make_node("SplitToSequence", ["x", "one"], ["y"])],
        [10**9, 2],
        (numpy_helper.from_array(numpy.array(1, dtype=numpy.int64), "one"),),
    ),
    "parts of a Split": lambda: make_model(
        [helper.make_node("Split", ["x"], ["y", "z"], num_outputs=10**9)], [10**9, 2]
    ),
    "scanned inputs": lambda: make_model(
        [
            helper.make_node(
                "Scan",
                ["x"],
                ["y"],
                num_scan_inputs=10**12,
                body=helper.make_graph(
                    [helper.make_node("Relu", ["a"], ["b"])],
                    "body",
                    [helper.make_tensor_value_info("a", TensorProto.FLOAT, None)],
                    [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
                ),
            )
        ],
        [4, 8],
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_small_onnx_files_end(name: str, tmp_path: Path) -> None:
    data = MODELS[name]().SerializeToString()
    assert len(data) < 1 << 20
    (tmp_path / "m.onnx").write_bytes(data)
    code, text = run(tmp_path, "analyze", "m.onnx")
    assert code in (0, 2), text
    assert "bug in costcalc" not in text and "out of memory" not in text and "fails with" not in text, text


INPUT = "input: [N, A, B, C]\nlayers:\n"


def units(expression: str) -> str:
    return f'{INPUT}  - linear: {{units: "{expression}"}}\n'


def blocks(first: str) -> str:
    lines = "".join(f"  b{i}: {{layers: [b{i - 1}, b{i - 1}]}}\n" for i in range(1, 40))
    return f"input: [N, 3, 8, 8]\nblocks:\n  b0: {{layers: {first}}}\n{lines}layers: [b39]\n"


YAML = {
    "a repeat of nothing": (f"{INPUT}  - repeat: {{times: 1000000000, layers: []}}\n", 0),
    "repeats of what is left out": (
        INPUT
        + "  - repeat: {times: 1000, layers: [{repeat: {times: 1000, layers: [{repeat: {times: 1000, "
        + "layers: [{relu: {}, when: 0}]}}]}}]}\n",
        2,
    ),
    "10^30 rounds": (f"{INPUT}  - repeat: {{times: 10 ** 30, layers: [relu]}}\n", 2),
    "a million layers": (f"{INPUT}  - repeat: {{times: 1000000, layers: [relu]}}\n", 2),
    "blocks that double": (blocks("[relu, relu]"), 2),
    "empty blocks that double": (blocks("[]"), 2),
    "a power of a sum": (units("(A+B+C+N+1)**40"), 2),
    "a product of sums": (units("*".join(["(A+B+C+N+1)"] * 35)), 2),
    "divisions": (units("(" * 40 + "A*3+B)//2" + "*3+B)//2" * 39), 2),
    "divisions by a symbol": (units("(" * 30 + "A" + "*A+C)//B" * 30), 0),
    "remainders": (units("(" * 30 + "A" + "*B+C)%7" * 30), 0),
    "5,000 digits": (units("9" * 5000), 2),
}


@pytest.mark.parametrize("name", YAML)
def test_small_yaml_files_end(name: str, tmp_path: Path) -> None:
    text, expected = YAML[name]
    (tmp_path / "m.yaml").write_text(text)
    code, printed = run(tmp_path, "analyze", "m.yaml")
    assert code == expected, printed
    assert "bug in costcalc" not in printed and "out of memory" not in printed, printed


def test_suggest_names_its_limit_on_a_long_chain(tmp_path: Path) -> None:
    layer = "{conv: {filters: 8, kernel: 3, pad: same}}"
    text = f"input: [N, 8, 8, 8]\nlayers:\n  - repeat: {{times: 20000, layers: [{layer}]}}\n"
    (tmp_path / "m.yaml").write_text(text)
    code, printed = run(tmp_path, "suggest", "m.yaml")
    assert code == 2 and "the limit is 5,000" in printed, printed


def test_suggest_answers_where_many_layers_of_a_large_graph_have_suggestions() -> None:
    """As many as a DenseNet has, each costed in the whole graph of 680 nodes."""
    b = Builder()
    x = b.data("x", 1, 64, 8, 8)
    for i in range(170):
        x = b.op("Relu", b.op("Conv", x, b.weight(f"w{i}", 64, 64, 3, 3), pads=(1, 1, 1, 1)))
        x = b.op("Relu", b.op("Neg", x))
    assert len(suggest(b.build([x]), rules="separable")) == 170


def test_steps_are_counted_inside_limited_work_only() -> None:
    spend(10 * MAX_STEPS)
    with limited_work("the test"):
        spend(MAX_STEPS)
        with pytest.raises(LimitError, match="the test takes more than 2,000,000 steps"):
            spend(1)
    with limited_work("a large one", nodes=100_000):
        spend(5 * MAX_STEPS)


def test_a_product_of_many_symbols_has_bounds() -> None:
    product = prod([symbol(f"s{i}") for i in range(MAX_RANK)])
    assert bounds(product) == (1, float("inf"))
    assert bounds(product - 6)[0] == -5


def test_a_sum_of_many_formulas_is_their_sum() -> None:
    assert sum_dims([symbol("a"), 3, symbol("b"), symbol("a"), -3]) == 2 * symbol("a") + symbol("b")
    assert sum_dims([symbol("a"), 2, -symbol("a")]) == 2
    assert sum_dims([]) == 0


def test_divisions_inside_each_other_print() -> None:
    d: Dim = symbol("A")
    for _ in range(30):
        d = floordiv(d * symbol("A") + symbol("C"), symbol("B"))
    assert pretty_text(d).count("⌊") == 30
