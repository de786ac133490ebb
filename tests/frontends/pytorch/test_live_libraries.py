"""Networks of torchvision, timm and transformers by their names, and the conversion against torch's own serialisation."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc import TorchModule
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.pytorch.program import ProgramGraph, SubgraphArgument, parse_program
from costcalc.frontends.pytorch.reader import load_program

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is an error."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize(
    ("name", "macs", "params"),
    [
        ("torchvision:resnet18", 1_814_073_344, 11_689_512),
        ("torchvision:mobilenet_v3_small", 56_510_400, 2_542_856),
        ("timm:vit_tiny_patch16_224", None, 5_717_416),
        ("transformers:distilbert", None, 66_362_880),
        ("transformers:t5", None, 60_506_624),
    ],
)
def test_networks_by_name(name: str, macs: int | None, params: int) -> None:
    pytest.importorskip(name.partition(":")[0])
    report = costcalc.analyze(TorchModule(name))
    assert report.params == params
    assert macs is None or report.macs == macs


def test_sizes_and_arguments(tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    pytest.importorskip("transformers")
    small = costcalc.analyze(TorchModule("torchvision:resnet18", ("N", 3, 64, 64)), params={"num_classes": "10"})
    assert small.params == 11_689_512 - 990 * 513
    config = {"model_type": "gpt2", "n_layer": 2, "n_embd": 64, "n_head": 2, "vocab_size": 100, "n_positions": 32}
    (tmp_path / "config.json").write_text(json.dumps({**config, "architectures": ["GPT2LMHeadModel"]}))
    for text in (f"transformers:{tmp_path}", f"transformers:{tmp_path / 'config.json'}"):
        report = costcalc.analyze(TorchModule(text))
        block = 12 * 64 * 64 + 13 * 64
        assert report.params == 100 * 64 + 32 * 64 + 2 * block + 2 * 64
        assert report.graph.types["input_ids"].shape == (1, 32)
    assert (
        costcalc.analyze(TorchModule(f"transformers:{tmp_path}"), params={"n_layer": 1}).params == report.params - block
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torchvision:resnet19", "torchvision has no network 'resnet19'; did you mean 'resnet18'"),
        ("timm:vit_tiny", "timm has no network 'vit_tiny'; did you mean"),
        ("transformers:nosuch", "transformers has no model type 'nosuch', and there is no such folder"),
    ],
)
def test_unknown_networks_are_refused(name: str, message: str) -> None:
    pytest.importorskip(name.partition(":")[0])
    with pytest.raises(costcalc.CostcalcError, match=message):
        costcalc.analyze(TorchModule(name))


def programs() -> Mapping[str, Any]:
    """Exported programs with most forms of arguments and outputs."""

    class Forms(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(8, 8, 2, batch_first=True)
            self.bag = torch.nn.EmbeddingBag(10, 8)
            self.register_buffer("mean", torch.ones(3))
            self.constant = torch.ones(4)

        def forward(self, x: Any, ids: Any, k: int = 3, *, flag: Any = None) -> Any:
            with torch.no_grad():
                y = x * math.pi
            with torch.autocast("cpu", dtype=torch.bfloat16):
                y = y @ y.transpose(1, 2)
            hidden, (state, _) = self.lstm(x)
            _, first = x.topk(3)
            _, again = x.topk(3)
            half, _ = torch.split(x, [4, 4], -1)
            branch = torch.cond(x.sum() > 0, lambda q: q.sin(), lambda q: q.cos(), (x,))
            bag = self.bag(ids, torch.arange(0, ids.shape[0], 1))
            item = ids.max().item()
            torch._check(item > 0)
            more = (x[x > 0], y, self.mean + 1, self.constant + 1, x.to(torch.float16), torch.zeros(item))
            return hidden, state, first + again, half, branch, torch.unbind(x, 1)[0], bag, *more, k, None

    arguments = (torch.randn(2, 5, 8), torch.arange(1, 5))
    auto = torch.export.Dim.AUTO
    static = torch.export.export(Forms().eval(), arguments, strict=False)
    dynamic = {"x": {0: auto}, "ids": {0: auto}, "flag": None}
    opened = torch.export.export(Forms().eval(), arguments, {"flag": True}, strict=False, dynamic_shapes=dynamic)
    return {"static": static, "open": opened, "decomposed": static.run_decompositions()}


def plain(value: Any) -> Any:
    """An argument, a graph as its name."""
    if isinstance(value, SubgraphArgument):
        return ("graph", value.name)
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def compare_graphs(mine: ProgramGraph, theirs: ProgramGraph) -> None:
    """Asserts that two graphs are equal, apart from operators of Python on sizes, whose arguments are not read."""
    assert tuple(map(plain, mine.inputs)) == tuple(map(plain, theirs.inputs))
    assert tuple(map(plain, mine.outputs)) == tuple(map(plain, theirs.outputs))
    assert mine.types == theirs.types
    assert mine.trainable == theirs.trainable
    assert len(mine.calls) == len(theirs.calls)
    for a, b in zip(mine.calls, theirs.calls, strict=True):
        assert (a.name, a.target, a.outputs) == (b.name, b.target, b.outputs)
        assert {**b.metadata, **a.metadata} == b.metadata
        if a.target.startswith("_operator."):
            continue
        assert {key: plain(v) for key, v in a.arguments.items()} == {key: plain(v) for key, v in b.arguments.items()}
        for x, y in zip(a.arguments.values(), b.arguments.values(), strict=True):
            if isinstance(x, SubgraphArgument):
                compare_graphs(x.graph, y.graph)


@pytest.mark.filterwarnings("ignore")
def test_the_conversion_is_what_torch_serialises() -> None:
    from torch._export.serde.serialize import serialize

    from costcalc.frontends.pytorch.live.convert import convert_program

    for name, program in programs().items():
        theirs = parse_program(json.loads(serialize(program).exported_program))
        mine = convert_program(program, {})
        assert (name, mine.inputs, mine.ranges) == (name, theirs.inputs, theirs.ranges)
        compare_graphs(mine.graph, theirs.graph)
        assert (
            load_program(mine, "net", "net", ReadOptions()).nodes
            == load_program(theirs, "net", "net", ReadOptions()).nodes
        )
