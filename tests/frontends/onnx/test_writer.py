"""What is written as ONNX is what was read: ONNX Runtime computes the shapes that we infer, at every value."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from support.builtin import NAMES
from support.graph_execution import executed, inferred
from support.layer_models import OWN_OPERATORS, layer_model
from support.paths import DATA

import costcalc
from costcalc.core.errors import CostcalcError, UsageError
from costcalc.core.ir import Graph
from costcalc.frontends import load
from costcalc.frontends.onnx import stored as onnx_weights
from costcalc.frontends.onnx.writer import export
from costcalc.frontends.yaml.layers.base import LAYERS
from costcalc.frontends.yaml.reader import load_spec


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in OWN_OPERATORS])
def test_layer_runs_with_our_shapes(name: str, tmp_path: Path) -> None:
    graph = load_spec(layer_model(name), f"{name}.yaml")
    assert executed(graph, tmp_path) == inferred(graph)
    _same_costs(graph, tmp_path / "model.onnx")


def _same_costs(graph: Graph, path: Path) -> None:
    """Reading the file again gives the same totals; tensors that no node reads are no parameters of an ONNX model."""
    export(graph, path, "none")
    read = graph._replace(owners={}, parameters=graph.parameters - set(graph.owners))
    assert costcalc.analyze(path).totals == costcalc.analyze(read if graph.owners else graph).totals


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


@pytest.mark.parametrize("name", NAMES)
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
    monkeypatch.setattr(onnx_weights, "MAX_INLINE_BYTES", 1000)
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
    image = np.ones(onnx_weights.require_numbers(graph.types["input"].shape or (), "input"), np.float32)
    assert np.unique(session.run(None, {graph.inputs[0]: image})[0]).size > 1


def test_open_extents_are_written_as_symbols(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    export(load("lstm_classifier"), path, "none")
    assert costcalc.analyze(path).macs == costcalc.analyze("lstm_classifier").macs


def test_axes_of_an_exported_program_have_the_names_that_dim_takes(tmp_path: Path) -> None:
    """PyTorch numbers them, s52 and s27; where a name stands in arithmetic, its number stays."""
    export(load(DATA / "pt2" / "networks_decoder.pt2"), tmp_path / "m.onnx", "none")
    (tokens,) = onnx.load(tmp_path / "m.onnx", load_external_data=False).graph.input
    assert [d.dim_param for d in tokens.type.tensor_type.shape.dim] == ["tokens.0", "tokens.1"]
    bound = {"tokens.0": 2, "tokens.1": 7}
    assert costcalc.analyze(tmp_path / "m.onnx", dims=bound).totals["macs"] == 28672


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


def test_wrong_use_is_refused(tmp_path: Path) -> None:
    graph = small("lenet5")
    with pytest.raises(CostcalcError, match="no weights 'ones'"):
        export(graph, tmp_path / "g.onnx", "ones")
    with pytest.raises(CostcalcError, match="cannot be written"):
        export(graph, tmp_path / "nowhere" / "g.onnx")


def test_weights_are_the_same_whatever_is_made_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small("lenet5")
    export(graph, tmp_path / "whole", "random")
    monkeypatch.setattr(onnx_weights, "PIECE", 100)
    export(graph, tmp_path / "pieces", "random")
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "pieces").read_bytes()


@pytest.mark.parametrize(
    ("units", "weights", "says"),
    [
        (10**18, "zeros", "more than a file can have"),
        (10**18, "random", "more than a file can have"),
        (10**12, "random", "are free there"),
    ],
)
def test_weights_beyond_a_file_or_its_disk_are_refused_before_anything_is_written(
    tmp_path: Path, units: int, weights: str, says: str
) -> None:
    (tmp_path / "huge.yaml").write_text(f"input: [1, 1000000]\nlayers: [linear: {{units: {units}, bias: false}}]\n")
    with pytest.raises(UsageError, match=says):
        export(costcalc.load(tmp_path / "huge.yaml"), tmp_path / "huge.onnx", weights)
    assert not (tmp_path / "huge.onnx").exists()
    export(costcalc.load(tmp_path / "huge.yaml"), tmp_path / "huge.onnx", "none")


def test_zeros_beyond_the_file_system_leave_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit between 1 GiB and 2^63 bytes, such as 16 TiB of ext4, is known when the file is made."""
    (tmp_path / "huge.yaml").write_text("input: [1, 1000000]\nlayers: [linear: {units: 1000000, bias: false}]\n")
    (tmp_path / "huge.onnx").write_text("before")
    before = sorted(path.name for path in tmp_path.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 31, limits[1]))
    try:
        with pytest.raises(UsageError, match="4,000,000,000,000 bytes, more than a file can have there"):
            export(costcalc.load(tmp_path / "huge.yaml"), tmp_path / "huge.onnx", "zeros")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "huge.onnx").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == before
