"""PyTorch modules in memory, and named on the command line: what is exported, and what stays as it was."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.cli import call, ok

import costcalc
from costcalc import TorchModule

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=8, depth=2):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Conv2d(width if i else 3, width, 3, padding=1) for i in range(depth)])
        self.norm = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, 10)
        self.seen = []

    def forward(self, x, *, scale=None):
        x = self.norm(self.layers(x)).relu().mean((2, 3))
        self.seen.append(x)
        self.last = x
        print("forward runs")
        return self.fc(x if scale is None else x * scale)

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.out = nn.Embedding(100, 16), nn.Linear(16, 100, bias=False)
        self.out.weight = self.table.weight

    def forward(self, text):
        return self.out(self.table(text))

class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.ones(100, 16))

    def forward(self, x): return self.table[x] @ self.table.T

class Branch(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return x * 2

class Answer:
    def __init__(self, logits): self.logits = logits

class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.rate = torch.linspace(0, 1, 3)[1].item()
        self.fc = nn.Linear(4, 5)

    def forward(self, x): return Answer(self.fc(x))

class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, 16, 8))

    def forward(self, x): return x + self.position

class Misspelt(nn.Module):
    def forward(self, x): return x + biass

class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.LazyLinear(8)

    def forward(self, x): return self.fc(x)

def build(width: int = 4): return Net(width)

net = Net()
"""

MACS = 32 * 32 * 9 * (3 * 8 + 8 * 8) + 8 * 10
"""Of Net at 1×3×32×32."""

PARAMS = 9 * (3 * 8 + 8 * 8) + 8 + 8 + 2 * 8 + 8 * 10 + 10

SHAPE = (1, 3, 32, 32)


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module nets.py in the working directory, imported."""
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    module: ModuleType = importlib.import_module("nets")
    yield module
    sys.modules.pop("nets", None)


def test_a_module_and_the_shape_of_its_input(nets: Any) -> None:
    report = costcalc.analyze(nets.Net(), SHAPE)
    assert (report.macs, report.params, report.name) == (MACS, PARAMS, "Net")
    assert not report.unknown


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_inputs_are_given_in_several_ways(nets: Any, device: str) -> None:
    net = nets.Net().to(device)
    tensor = torch.zeros(SHAPE, device=device)
    for options in ({"args": (tensor,)}, {"kwargs": {"x": tensor}}, {"shapes": {"x": SHAPE}}):
        assert costcalc.analyze(net, **options).macs == MACS
    assert costcalc.analyze(net, tensor).macs == MACS
    assert costcalc.analyze(net, args=(tensor,), kwargs={"scale": torch.ones(8, device=device)}).macs == MACS
    assert costcalc.load(net, SHAPE).types["x"].shape == SHAPE


def test_keyword_only_and_further_inputs(nets: Any) -> None:
    shapes = {"x": ("N", 3, 32, 32), "scale": (8,)}
    assert str(costcalc.analyze(nets.Net(), shapes=shapes).macs) == f"{MACS}*N"
    assert costcalc.analyze(torch.nn.Bilinear(4, 5, 6), (1, 4), (1, 5)).params == 4 * 5 * 6 + 6
    assert costcalc.analyze(torch.nn.Bilinear(4, 5, 6), [(1, 4), (1, 5)]).params == 4 * 5 * 6 + 6
    with pytest.raises(costcalc.CostcalcError, match="2 inputs are given, forward takes 1: x"):
        costcalc.analyze(nets.Net(), SHAPE, (8,))


def test_symbols_have_the_names_of_the_user(nets: Any) -> None:
    report = costcalc.analyze(nets.Net(), ("N", 3, "H", "W"))
    assert str(report.macs) == f"{9 * 88}*H*N*W + 80*N"
    assert report.bind({"N": 1, "H": 32, "W": 32}).macs == MACS
    assert costcalc.analyze(nets.Net(), ("N", 3, "H", "W"), dims={"N": 1, "H": 32, "W": 32}).macs == MACS
    named = costcalc.analyze(
        nets.Net(), args=(torch.zeros(2, 3, 32, 32),), dynamic_shapes=({0: torch.export.Dim("B")},)
    )
    assert str(named.macs) == f"{MACS}*B"
    assert str(costcalc.analyze(nets.Net(), SHAPE, symbolic=True).macs) == str(report.macs)


def test_what_a_module_fixes_cannot_be_open(nets: Any) -> None:
    message = r"exported for one size of what is left open: L \(axis 1 of x\); give a number for it.*--shape x=N,16,8$"
    with pytest.raises(costcalc.CostcalcError, match=message):
        costcalc.analyze(nets.Fixed(), ("N", "L", 8), dims={"L": 16})


def test_an_error_of_the_code_is_not_one_of_its_inputs(nets: Any) -> None:
    for name, message in (
        ("Misspelt", r"nets\.py:\d+: forward fails.*NameError.*; correct the code"),
        ("Lazy", r"forward fails.*explicitly manipulating …; run the module once, or name"),
    ):
        with pytest.raises(costcalc.CostcalcError, match=message) as refused:
            costcalc.analyze(getattr(nets, name)(), (1, 4))
        assert "--shape" not in str(refused.value)


def test_integer_inputs_and_tied_weights(nets: Any) -> None:
    report = costcalc.analyze(nets.Words(), (1, 7))
    assert (report.macs, report.params) == (7 * 16 * 100, 100 * 16)


def test_inputs_that_forward_takes_as_indices_only(nets: Any) -> None:
    report = costcalc.analyze(nets.Rows(), (1, 7))
    assert report.macs == 7 * 16 * 100
    assert report.notes[-1] == "forward takes no decimal numbers: integers are taken for x"
    with pytest.raises(costcalc.CostcalcError, match=r"forward fails with \[1, 5\]: .*reduction dim"):
        costcalc.analyze(nets.Net().fc, (1, 5))


def test_the_module_stays_as_it_was(nets: Any) -> None:
    net = nets.Net()
    net.layers.eval()
    net.fc.weight.requires_grad_(False)
    net.norm.weight.grad = torch.ones(8)
    calls: list[int] = []
    net.fc.register_forward_hook(lambda *_: calls.append(1))
    before = {name: (value, value.data_ptr(), value.clone()) for name, value in net.state_dict(keep_vars=True).items()}
    modes = {name: part.training for name, part in net.named_modules()}
    attributes = {name: set(vars(part)) for name, part in net.named_modules()}
    state = torch.get_rng_state()
    costcalc.analyze(net, SHAPE)
    with pytest.raises(costcalc.CostcalcError):
        costcalc.analyze(net, (1, 4, 32, 32))
    for name, value in net.state_dict(keep_vars=True).items():
        same, place, values = before[name]
        assert value is same
        assert value.data_ptr() == place
        assert torch.equal(value, values)
    assert {name: part.training for name, part in net.named_modules()} == modes
    assert {name: set(vars(part)) for name, part in net.named_modules()} == attributes
    assert net.seen == []
    assert not net.fc.weight.requires_grad
    assert torch.equal(net.norm.weight.grad, torch.ones(8))
    assert len(net.fc._forward_hooks) == 1
    assert torch.equal(torch.get_rng_state(), state)
    assert type(net(torch.zeros(SHAPE))) is torch.Tensor


def test_weights_are_not_copied() -> None:
    """4 TB of weights, on the meta device."""
    assert costcalc.analyze(torch.nn.Linear(1 << 20, 1 << 20, device="meta"), (1, 1 << 20)).params == (1 << 40) + (
        1 << 20
    )


def test_an_exported_program_is_taken_as_it_is(nets: Any) -> None:
    program = torch.export.export(nets.Net().eval(), (torch.zeros(SHAPE),))
    assert costcalc.analyze(program).macs == MACS
    with pytest.raises(costcalc.CostcalcError, match="has its inputs in it"):
        costcalc.analyze(program, SHAPE)


def test_a_file_of_the_same_program_has_the_same_rows(nets: Any, tmp_path: Path) -> None:
    net = nets.Net().eval()
    torch.export.save(torch.export.export(net, (torch.zeros(SHAPE),)), tmp_path / "net.pt2")
    file, memory = costcalc.analyze(tmp_path / "net.pt2"), costcalc.analyze(net, SHAPE)
    assert [row.figures for row in file.rows] == [row.figures for row in memory.rows]
    assert [row.name for row in file.rows] == [row.name for row in memory.rows]


def test_two_modules_are_compared_diffed_and_checked(nets: Any) -> None:
    small, large = TorchModule(nets.Net(8), SHAPE), TorchModule(nets.Net(16), SHAPE)
    assert costcalc.compare(small, large).totals()["macs"][0] == MACS
    assert costcalc.compare(nets.Net(8), nets.Net(16), shapes={"x": SHAPE}).totals()["macs"][0] == MACS
    assert "Net" in str(costcalc.diff(small, large))
    assert costcalc.check(None, small, limits={"macs": "1M"}).exit_code == 0
    assert costcalc.check(None, small, large, limits={"macs": "1M"}).exit_code == 1


def test_data_dependent_control_flow_is_refused_with_its_line(nets: Any, capfd: pytest.CaptureFixture[str]) -> None:
    line = NETS.splitlines().index("        if x.sum() > 0:") + 1
    with pytest.raises(
        costcalc.CostcalcError, match=rf"nets\.py:{line}: forward decides by values.*`if x\.sum\(\) > 0:`.*torch\.cond"
    ):
        costcalc.analyze(nets.Branch(), (1, 4))
    assert capfd.readouterr() == ("", "")


def test_other_outputs_are_taken_and_told(nets: Any) -> None:
    report = costcalc.analyze(nets.Odd(), (1, 4))
    assert report.macs == 4 * 5
    assert any("the tensors in it are taken" in note for note in report.graph.notes)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("Net", {}, r"forward needs x, and nothing says of what shape; give --shape x="),
        ("Net", {"shapes": {"y": (1, 3)}}, "the module has no input 'y'; forward takes x, scale"),
        (
            "Net",
            {"shapes": {"x": (1, 4, 8, 8)}},
            r"nets\.py:\d+: forward fails with \[1, 4, 8, 8\].*to have 3 channels",
        ),
        ("Net", {"shapes": {"x": SHAPE}, "dims": {"N": 1}}, "'N', which the program does not have"),
    ],
)
def test_wrong_inputs_are_refused(nets: Any, model: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(costcalc.CostcalcError, match=message):
        costcalc.analyze(getattr(nets, model)(), **options)


@pytest.mark.usefixtures("nets")
class TestCommandLine:
    """`costcalc analyze nets:Net`."""

    def totals(self, *arguments: str) -> Any:
        return json.loads(ok("analyze", *arguments, "--format", "json"))["models"][0]["totals"]

    def test_a_class_a_function_and_a_module(self) -> None:
        for name in ("nets:Net", "nets:net"):
            assert self.totals(name, "--shape", "x=1,3,32,32")["macs"] == MACS
        width_4 = 32 * 32 * 9 * (3 * 4 + 4 * 4) + 4 * 10
        assert self.totals("nets:build", "--shape", "x=1,3,32,32")["macs"] == width_4
        assert self.totals("nets:Net", "--shape", "x=1,3,32,32", "--set", "width=4")["macs"] == width_4

    def test_open_extents(self) -> None:
        assert (
            self.totals("nets:Net", "--shape", "x=N,3,H,W", "--dim", "N=2", "--dim", "H=32", "--dim", "W=32")["macs"]
            == 2 * MACS
        )

    def test_every_command_takes_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        shape = ["--shape", "x=1,3,32,32"]
        for command in ("analyze", "memory", "explain", "suggest", "reconcile", "table", "plot"):
            assert call(capsys, command, "nets:Net", *shape)[0] == 0, command
        assert call(capsys, "compare", "nets:Net", "nets:build", *shape)[0] == 0
        assert call(capsys, "diff", "nets:Net", "nets:build", *shape)[0] == 0
        assert call(capsys, "check", "nets:Net", *shape, "--max", "macs=1M", "--allow-code")[0] == 0
        assert call(capsys, "report", "nets:Net", *shape, "-o", "net.html")[0] == 0
        assert call(capsys, "export", "nets:Net", *shape, "-o", "net.onnx")[0] == 0
        assert call(capsys, "sweep", "nets:Net", *shape, "--set", "width=4,8")[0] == 0
        assert call(capsys, "analyze", "nets:Net", "nets:build", *shape, "--jobs", "2")[0] == 0

    def test_unknown_names(self, capsys: pytest.CaptureFixture[str]) -> None:
        for arguments, message in (
            (["nets:Net", "--set", "widht=4"], "it takes no argument 'widht'; did you mean 'width'?"),
            (["nets:Nett"], "nets has no 'Nett'; did you mean 'Net'?"),
            (["nets:net", "--set", "width=4"], "it is a module already"),
            (["nets:torch"], "it gives an object of the type module"),
        ):
            status, _, err = call(capsys, "analyze", *arguments)
            assert status == 2
            assert message in err

    def test_what_cannot_be_built_on_the_meta_device(self) -> None:
        assert "built with its weights in memory" in ok("analyze", "nets:Odd", "--shape", "x=1,4")
