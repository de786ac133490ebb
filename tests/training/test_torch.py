"""Forward and backward MACs as PyTorch's own counter has them, where PyTorch is installed. It counts a depthwise
convolution's backward wrongly, so none is here."""

from __future__ import annotations

from typing import Any

import pytest

from costcalc.build import GraphBuilder
from costcalc.ir import DType, Graph
from costcalc.report import analyze_graph
from costcalc.training.account import Setup, train

torch = pytest.importorskip("torch")
F32 = DType.FLOAT32


def ours(graph: Graph, setup: Setup) -> Any:
    found = train(analyze_graph(graph), setup).training
    assert found
    return found.total_macs


def theirs(net: Any, x: Any) -> int:
    from torch.utils.flop_counter import FlopCounterMode  # type: ignore[import-not-found]

    with FlopCounterMode(display=False) as counter:
        net(x).sum().backward()
    return int(counter.get_total_flops()) // 2


def convolutions(transposed: bool) -> Graph:
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", F32, (2, 3, 16, 16))
    (x,) = b.add("Conv", [x, b.add_initializer("w0", F32, (8, 3, 3, 3))], {"pads": (1, 1, 1, 1)}, name="conv")
    (x,) = b.add("Relu", [x], name="relu")
    if transposed:
        w, attributes = b.add_initializer("w1", F32, (8, 4, 4, 4)), {"strides": (2, 2), "pads": (1, 1, 1, 1)}
        return b.build(b.add("ConvTranspose", [x, w], attributes, name="up"))
    return b.build(b.add("Conv", [x, b.add_initializer("w1", F32, (4, 8, 3, 3))], {"strides": (2, 2)}, name="down"))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("input_gradient", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_convolutions(transposed: bool, input_gradient: bool, frozen: bool) -> None:
    nn = torch.nn
    first = nn.Conv2d(3, 8, 3, padding=1, bias=False).requires_grad_(not frozen)
    up, down = nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False), nn.Conv2d(8, 4, 3, 2, bias=False)
    net = nn.Sequential(first, nn.ReLU(), up if transposed else down)
    x = torch.randn(2, 3, 16, 16, requires_grad=input_gradient)
    setup = Setup(input_gradient=input_gradient, freeze=("w0",) if frozen else ())
    assert ours(convolutions(transposed), setup) == theirs(net, x)


def test_linear_layers() -> None:
    nn = torch.nn
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", F32, (10, 12))
    (x,) = b.add("Gemm", [x, b.add_initializer("w", F32, (12, 20)), b.add_initializer("c", F32, (20,))], name="fc")
    (x,) = b.add("Gelu", [x], name="gelu")
    graph = b.build(
        b.add("Gemm", [x, b.add_initializer("v", F32, (20, 5)), b.add_initializer("d", F32, (5,))], name="o")
    )
    net = nn.Sequential(nn.Linear(12, 20), nn.GELU(), nn.Linear(20, 5))
    assert ours(graph, Setup()) == theirs(net, torch.randn(10, 12))
