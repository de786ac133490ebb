"""Forward and backward MACs as PyTorch's own counter has them, where PyTorch is installed. It counts a depthwise
convolution's backward wrongly, so none is here."""

from __future__ import annotations

from typing import Any

import pytest

from costcalc.analysis.options import TrainingOptions
from costcalc.analysis.report import analyze_graph
from costcalc.analysis.training.step import cost_training
from costcalc.rules import DType, Graph, GraphBuilder

torch = pytest.importorskip("torch")
F32 = DType.FLOAT32


def ours(graph: Graph, setup: TrainingOptions) -> Any:
    found = cost_training(analyze_graph(graph), setup).step
    assert found
    return found.total_macs


def theirs(net: Any, x: Any) -> int:
    from torch.utils.flop_counter import FlopCounterMode

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
    setup = TrainingOptions(input_gradient=input_gradient, freeze=("w0",) if frozen else ())
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
    assert ours(graph, TrainingOptions()) == theirs(net, torch.randn(10, 12))


def test_a_shared_layer_and_attention_written_out() -> None:
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", F32, (7, 12))
    w = b.add_initializer("w", F32, (12, 12))
    (h,) = b.add("MatMul", [x, w], name="first")
    (h,) = b.add("MatMul", [h, w], name="second")
    (t,) = b.add("Transpose", [h], {"perm": (1, 0)}, name="t")
    (s,) = b.add("MatMul", [h, t], name="scores")
    (p,) = b.add("Softmax", [s], name="p")
    graph = b.build(b.add("MatMul", [p, h], name="mixed"))

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(12, 12, bias=False)

        def forward(self, x: Any) -> Any:
            h = self.linear(self.linear(x))
            return torch.softmax(h @ h.T, -1) @ h

    assert ours(graph, TrainingOptions()) == theirs(Net(), torch.randn(7, 12))


def test_what_is_kept_is_what_autograd_saves() -> None:
    """Every tensor that autograd saves, by its storage, parameters and buffers apart."""
    nn = torch.nn
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", F32, (2, 3, 8, 8))
    (x,) = b.add("Conv", [x, b.add_initializer("w", F32, (4, 3, 3, 3))], {"pads": (1, 1, 1, 1)}, name="conv")
    (x,) = b.add("BatchNormalization", [x, *(b.add_initializer(f"bn{i}", F32, (4,)) for i in range(4))], name="bn")
    (x,) = b.add("Relu", [x], name="relu")
    (x,) = b.add("MaxPool", [x], {"kernel_shape": (2, 2), "strides": (2, 2)}, name="pool")
    (x,) = b.add("Flatten", [x], name="flat")
    (x,) = b.add("Gemm", [x, b.add_initializer("u", F32, (64, 10))], name="fc")
    (x,) = b.add("Gelu", [x], name="gelu")
    (x,) = b.add("Sigmoid", [x], name="sigmoid")
    (x,) = b.add("Mul", [x, x], name="square")
    graph = b.build(b.add("Softmax", [x], {"axis": -1}, name="softmax"))
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10, bias=False),
        nn.GELU(),
        nn.Sigmoid(),
    )
    stored = {t.data_ptr() for t in (*net.parameters(), *net.buffers())}
    saved: dict[int, int] = {}

    def keep(tensor: Any) -> Any:
        if tensor.data_ptr() not in stored and tensor.numel():
            saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        y = net(torch.randn(2, 3, 8, 8))
        y = torch.softmax(y * y, -1)
    found = cost_training(analyze_graph(graph)).step
    assert found and found.nbytes["activations"] == sum(saved.values())
