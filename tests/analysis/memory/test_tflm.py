"""The arena of TensorFlow Lite for Microcontrollers against the interpreter of the tflite-micro package.

tests/tflite_models/micro_networks.py holds the networks; make_micro.py there made the files and recorded what the
interpreter had allocated. No interpreter is needed here.
"""

from __future__ import annotations

import json

import pytest
from support.cli import call
from support.paths import DATA

import costcalc
from costcalc.analysis.memory.flash import flash_bytes
from costcalc.analysis.memory.onnxruntime import plan_onnxruntime
from costcalc.analysis.memory.tflm.arena import TflmArena, lay_out_arena
from costcalc.analysis.memory.tflm.build import BUILDS
from costcalc.analysis.memory.tflm.cmsis_nn import CMSIS_NN
from costcalc.analysis.memory.tflm.kernels import OPTIONS, REFERENCE, KernelCall, KernelMemory
from costcalc.analysis.memory.tflm.patches import measure_patches, patched_chain, plan_patches
from costcalc.analysis.memory.tflm.plan import plan_tflm
from costcalc.analysis.options import TFLM_RUNTIMES
from costcalc.core.errors import QuantityError, UsageError
from costcalc.core.flat_model import FlatModel, FlatOperator, FlatSubgraph, FlatTensor
from costcalc.core.quantities import parse_quantity
from costcalc.studies.measurement import measure
from costcalc.studies.options import Settings

FOLDER = DATA / "tflm"
FIGURES = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))
LARGER_KERNELS = {"quantised_lstm", "packed_filters"}
"""Networks in which a kernel needs more while it prepares than the plan does: temporary tensors, which have no rule."""


def read(name: str) -> FlatModel:
    flat = costcalc.load(FOLDER / f"{name}.tflite").flat
    assert flat is not None
    return flat


def arena_of(name: str, runtime: str = "tflm") -> TflmArena:
    return lay_out_arena(read(name), BUILDS[runtime])


@pytest.mark.parametrize("name", FIGURES)
def test_head_tail_and_total_are_those_of_the_interpreter(name: str) -> None:
    arena, figures = arena_of(name), FIGURES[name]
    assert (arena.head_bytes, arena.tail_bytes, arena.total) == (figures["head"], figures["tail"], figures["total"])
    assert not arena.unknown


@pytest.mark.parametrize("name", FIGURES)
def test_no_smaller_arena_can_be_set_up(name: str) -> None:
    set_up, smallest = arena_of(name).planning_bytes, FIGURES[name]["smallest"]
    assert set_up < smallest if name in LARGER_KERNELS else set_up == smallest


def test_networks_call_every_operator_whose_kernel_allocates() -> None:
    called = {o.name for name in FIGURES for subgraph in read(name).subgraphs for o in subgraph.operators}
    allocating = {name for name, rule in REFERENCE.items() if rule is not REFERENCE["NEG"]}
    similar = {"EQUAL", "NOT_EQUAL", "GREATER_EQUAL", "LESS_EQUAL", "PADV2"}  # they share their kernel's Prepare
    assert allocating - called <= similar
    assert OPTIONS.keys() - called <= {"ARG_MIN", "SPLIT_V", "UNPACK"}


def test_what_reordering_saves_is_what_the_interpreter_says_of_that_order() -> None:
    graph = costcalc.load(FOLDER / "branches.tflite")
    plan = plan_tflm(graph, "tflm")
    assert plan.reordered is not None
    assert (plan.arena.total, plan.reordered.total) == (FIGURES["branches"]["total"], FIGURES["ordered"]["total"])
    assert plan_tflm(graph, "tflm", reorder=True).arena.total == FIGURES["ordered"]["total"]
    assert {plan.buffer_name(b) for b in plan.peak_buffers()[:2]} == {
        "main/CONCATENATION_0:0",
        "main/CONCATENATION_1:0",
    }


def test_builds_are_the_names_of_the_option() -> None:
    assert tuple(BUILDS) == TFLM_RUNTIMES


def tensor(*shape: int, element: str = "int8", stored: int = 1) -> FlatTensor:
    return FlatTensor("t", element, shape, 1, stored, False, 1, 1)


def scratch(operator: str, inputs: list[FlatTensor | None], output: FlatTensor, core: str, **attributes: object) -> int:
    call = KernelCall(FlatOperator(operator, False, (), (), attributes), inputs, [output], BUILDS[core])
    memory = CMSIS_NN[operator](call)
    assert isinstance(memory, KernelMemory)
    return sum(memory.scratch)


@pytest.mark.parametrize(
    ("core", "conv", "depthwise", "pool"),
    [
        ("tflm:cmsis-nn-m0", 2 * 28 * 2, 0, 0),
        ("tflm:cmsis-nn", 2 * 28 * 2, 5 * 5 * 6 * 2, 4 * 6),
        ("tflm:cmsis-nn-m55", 4 * 32, 4 * 124 * 5 * 5, 0),
    ],
)
def test_scratch_buffers_of_cmsis_nn_by_the_instructions_of_the_core(
    core: str, conv: int, depthwise: int, pool: int
) -> None:
    """A filter of 3 × 3 × 3 has 27 columns: rounded up to 28 for two columns of int16, to 32 for four of int8."""
    x, y = tensor(1, 8, 8, 3), tensor(1, 8, 8, 6)
    assert scratch("CONV_2D", [x, tensor(6, 3, 3, 3), None], y, core) == conv
    assert scratch("CONV_2D", [y, tensor(9, 1, 1, 6), None], tensor(1, 8, 8, 9), core) == 0
    assert scratch("DEPTHWISE_CONV_2D", [y, tensor(1, 5, 5, 6), None], y, core) == depthwise
    assert scratch("AVERAGE_POOL_2D", [y], tensor(1, 4, 4, 6), core) == pool


DEPTHWISE_SIZES = [
    ((1, 1, 3, 3, 4, 1), "int8", (0, 0, 100)),
    ((1, 1, 3, 3, 1, 1), "int8", (0, 0, 4464)),
    ((1, 1, 5, 5, 1, 1), "int8", (0, 50, 12400)),
    ((1, 6, 5, 5, 6, 1), "int8", (0, 300, 12400)),
    ((1, 6, 3, 3, 6, 1), "int8", (0, 0, 4464)),
    ((1, 6, 5, 5, 6, 2), "int8", (0, 0, 0)),
    ((2, 6, 5, 5, 6, 1), "int8", (0, 0, 0)),
    ((1, 6, 5, 5, 12, 1), "int8", (0, 0, 0)),
    ((1, 6, 3, 3, 6, 1), "int4", (108, 108, 4464)),
]
"""Batch, channels, kernel, outputs and dilation of a depthwise convolution of 8 × 8, the filter's type -> what
arm_depthwise_conv_wrapper_*_get_buffer_size of CMSIS-NN at 99f736a, compiled by GCC, gives for each core."""

TRANSPOSED_SIZES = [((16, 3, 3, 2), (1020, 1020)), ((17, 3, 3, 2), (1389, 1405)), ((24, 2, 2, 3), (1440, 1440))]
"""Channels, kernel and stride of a transposed convolution of 8 × 8 to 5 channels -> both buffers, without MVE and with."""


@pytest.mark.parametrize(("extents", "element", "sizes"), DEPTHWISE_SIZES)
def test_scratch_of_depthwise_convolutions_is_what_cmsis_nn_computes(
    extents: tuple[int, ...], element: str, sizes: tuple[int, ...]
) -> None:
    batch, channels, height, width, outputs, dilation = extents
    x, y = tensor(batch, 8, 8, channels), tensor(batch, 8, 8, outputs)
    weights = tensor(1, height, width, outputs, element=element)
    for core, size in zip(("tflm:cmsis-nn-m0", "tflm:cmsis-nn", "tflm:cmsis-nn-m55"), sizes, strict=True):
        assert scratch("DEPTHWISE_CONV_2D", [x, weights, None], y, core, dilations=(dilation,) * 2) == size


@pytest.mark.parametrize(("extents", "sizes"), TRANSPOSED_SIZES)
def test_scratch_of_transposed_convolutions_is_what_cmsis_nn_computes(
    extents: tuple[int, ...], sizes: tuple[int, int]
) -> None:
    channels, height, width, stride = extents
    inputs = [None, tensor(5, height, width, channels), tensor(1, 8, 8, channels), None]
    output = tensor(1, 8 * stride, 8 * stride, 5)
    for core, size in zip(("tflm:cmsis-nn", "tflm:cmsis-nn-m55"), sizes, strict=True):
        assert scratch("TRANSPOSE_CONV", inputs, output, core, strides=(stride, stride)) == size


def test_a_32_bit_build_needs_less_for_the_same_head() -> None:
    """30 tensors of 12 bytes instead of 24, and so on; the tensors themselves are the same."""
    wide, narrow = arena_of("elementwise"), arena_of("elementwise", "tflm:cortex-m")
    assert wide.head_bytes == narrow.head_bytes
    assert narrow.tail_bytes < wide.tail_bytes
    sections = {section.name: section.nbytes for section in narrow.tail}
    tensors = sum(len(subgraph.tensors) for subgraph in read("elementwise").subgraphs)
    assert sections["TfLiteEvalTensor"] == 12 * tensors


def test_an_operator_without_a_figure_makes_the_arena_a_lower_bound(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(DATA / "tflite" / "custom.tflite")
    figure = measure(path, Settings()).figure("tflm_arena_bytes")
    assert figure.certainty == "lower"
    code, out, _ = call(capsys, "memory", path, "--runtime", "tflm")
    assert code == 0
    assert "≥" in out and "TFLite_Detection_PostProcess allocates" in out
    code, out, _ = call(capsys, "check", path, "--max", "tflm_arena_bytes=1MiB")
    assert code == 2


def test_what_the_interpreter_refuses_is_refused() -> None:
    flat = read("residual")
    inner = flat.subgraphs[0]
    text = inner.tensors[1]._replace(element="string")
    bad = inner._replace(tensors=(inner.tensors[0], text, *inner.tensors[2:]))
    with pytest.raises(UsageError, match="is of string"):
        lay_out_arena(flat._replace(subgraphs=(bad,)), BUILDS["tflm"])
    open_ended = inner.tensors[-1]._replace(shape=(1, 0))
    bad = inner._replace(tensors=(*inner.tensors[:-1], open_ended))
    with pytest.raises(UsageError, match="has no fixed size"):
        lay_out_arena(flat._replace(subgraphs=(bad,)), BUILDS["tflm"])


def test_other_models_have_no_such_arena() -> None:
    with pytest.raises(QuantityError, match=r"runs \.tflite files, and the model is none"):
        measure("lenet5", Settings()).figure("tflm_arena_bytes")
    with pytest.raises(QuantityError, match="element types that a file has"):
        measure(str(FOLDER / "dense.tflite"), Settings(dtype="float16")).figure("tflm_arena_bytes")


def test_resized_inputs_have_an_arena_of_their_own() -> None:
    path = FOLDER / "convolutions.tflite"
    small = measure(str(path), Settings()).figure("tflm_arena_bytes").value
    graph = costcalc.load(path, shapes={"x": (1, 16, 16, 4)})
    plan = plan_tflm(graph, "tflm")
    assert plan.arena.total > int(str(small))
    assert max(b.nbytes for b in plan.arena.head.buffers) == 16 * 16 * 6
    opened = costcalc.load(path, shapes={"x": (1, "h", 16, 4)})
    with pytest.raises(UsageError, match="not known: extents are open"):
        plan_tflm(opened, "tflm")
    assert flash_bytes(opened) == path.stat().st_size


def test_another_signature_has_a_file_and_no_arena(capsys: pytest.CaptureFixture[str]) -> None:
    path = DATA / "tflite" / "trained_weights.tflite"
    graph = costcalc.load(path, params={"signature": "restore"})
    with pytest.raises(UsageError, match="runs the file's first subgraph"):
        plan_tflm(graph, "tflm")
    assert flash_bytes(graph) == path.stat().st_size
    settings = ("--set", "signature=restore", "--runtime", "tflm")
    code, out, _ = call(capsys, "check", str(path), *settings, "--require", "fits.stm32f746")
    assert code == 2 and "what operators allocate in the arena is not known" in " ".join(out.split())


def test_tensors_of_a_subgraph_that_never_runs_live_in_no_scope() -> None:
    """The subgraph of another signature: the planner gives its tensors bytes that the first subgraph's use, too."""
    plan = plan_tflm(costcalc.load(DATA / "tflite" / "trained_weights.tflite"), "tflm")
    never = [buffer for buffer in plan.arena.head.buffers if buffer.last < 0]
    assert sum(buffer.nbytes for buffer in never) == 2 * 96
    assert plan.peak_bytes == 96 + 48 + 32 <= plan.arena.head_bytes
    assert not set(never) & set(plan.peak_buffers())


@pytest.mark.parametrize(
    ("network", "options", "words"),
    [
        ("branches", (), "--reorder would save 928 bytes (25.1%): 2,768 with"),
        ("branches", ("--reorder",), "another than in the file, which takes 3,696 bytes: 928 less (25.1%)"),
        ("dense", (), "no order of the operators that was tried has a smaller arena"),
        ("control", (), "as in the file: the file has several subgraphs, so that no other was tried"),
        ("planned", (), "as in the file: the converter has planned the offsets of tensors, so that no other was tried"),
    ],
)
def test_what_is_said_of_other_orders(
    network: str, options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call(capsys, "memory", str(FOLDER / f"{network}.tflite"), "--runtime", "tflm", *options)
    assert code == 0 and words in " ".join(out.split())


def test_a_board_must_hold_the_arena_while_it_is_set_up() -> None:
    settings = Settings.of(execution={"runtime": "tflm"})
    measurement = measure(str(FOLDER / "control.tflite"), settings)
    (sram,) = [line for line in measurement.fits(parse_quantity("fits.stm32f746")) if line.memory == "sram"]
    assert sram.nbytes == FIGURES["control"]["smallest"] > FIGURES["control"]["total"]


def test_onnxruntime_runs_no_such_file() -> None:
    with pytest.raises(UsageError, match=r"ONNX Runtime runs no \.tflite files"):
        plan_onnxruntime(costcalc.load(FOLDER / "dense.tflite"))


def test_every_question_takes_the_quantities(capsys: pytest.CaptureFixture[str]) -> None:
    path, total, smallest = str(FOLDER / "dense.tflite"), FIGURES["dense"]["total"], FIGURES["dense"]["smallest"]
    code, out, _ = call(capsys, "check", path, "--max", f"tflm_arena_bytes={smallest}", "--max", "flash_bytes=4KiB")
    assert code == 0, out
    code, out, _ = call(capsys, "check", path, "--max", f"tflm_arena_bytes={smallest - 1}")
    assert code == 1 and "while it is set up" in out, out
    document = costcalc.compare(path, path, execution={"runtime": "tflm"}).to_dict()
    assert [entry["value"] for entry in document["totals"]["tflm_arena_bytes"]] == [total, total]
    rows = list(costcalc.sweep(path, quantities=["tflm_arena_bytes", "flash_bytes"]))
    assert rows[0]["tflm_arena_bytes"] == total
    assert rows[0]["flash_bytes"] == (FOLDER / "dense.tflite").stat().st_size


def test_a_board_must_hold_the_file_and_the_arena() -> None:
    path = str(FOLDER / "dense.tflite")
    settings = Settings.of(execution={"runtime": "tflm:cmsis-nn"}, devices="stm32f746")
    lines = {fit.contents: fit.nbytes for fit in measure(path, settings).fits(settings.quantities()[-1])}
    arena = arena_of("dense", "tflm:cmsis-nn")
    assert lines["model file"] == (FOLDER / "dense.tflite").stat().st_size
    assert lines["TFLM arena while it is set up"] == arena.planning_bytes > arena.total
    assert measure(path, settings).figure("fits.stm32f746").value is True


def test_the_table_and_the_document_show_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(FOLDER / "residual.tflite")
    code, out, _ = call(capsys, "memory", path, "--runtime", "tflm", "--format", "json")
    assert code == 0
    plan = json.loads(out)["memory"]["tflm"]
    figures = FIGURES["residual"]
    assert (plan["head_bytes"], plan["arena_bytes"]) == (figures["head"], figures["total"])
    assert sum(plan["tail"].values()) == figures["tail"]
    assert max(b["offset"] + b["bytes"] for b in plan["buffers"]) == figures["head"]
    for form in ("csv", "html", "markdown", "table"):
        for by in ("tensor", "step"):
            code, out, _ = call(capsys, "memory", path, "--runtime", "tflm", "--by", by, "--format", form)
            assert code == 0
            assert ("start" if by == "tensor" else "FULLY_CONNECTED 2") in out.replace("\\_", "_")


def test_a_subgraph_that_is_not_there_is_refused() -> None:
    flat = read("control")
    main = flat.subgraphs[0]
    branch = replace_operator(main.operators[0], then_subgraph=99)
    bad = main._replace(operators=(branch, *main.operators[1:]))
    with pytest.raises(UsageError, match="do not fit"):
        lay_out_arena(flat._replace(subgraphs=(bad, *flat.subgraphs[1:])), BUILDS["tflm"])
    loop = main._replace(operators=(replace_operator(main.operators[0], then_subgraph=0), *main.operators[1:]))
    with pytest.raises(UsageError, match="do not fit"):
        lay_out_arena(flat._replace(subgraphs=(loop, *flat.subgraphs[1:])), BUILDS["tflm"])


def replace_operator(operator: FlatOperator, **attributes: object) -> FlatOperator:
    return operator._replace(attributes={**operator.attributes, **attributes})


def test_offsets_of_a_converter_are_kept() -> None:
    flat = read("planned")
    assert max(flat.planned_offsets) == 1024
    offsets = {b.tensor: b.offset for b in arena_of("planned").head.buffers}
    assert offsets[1] == 1024 and offsets[2] == 0
    graph = costcalc.load(FOLDER / "planned.tflite")
    assert plan_tflm(graph._replace(name="planned"), "tflm").reordered is None


def test_first_operators_in_patches() -> None:
    """A result of 4 × 4 in 2 × 2 patches of 2 × 2: the second convolution, of stride 2, reads 5 × 5 for each, so the
    first computes 4 · 25 positions instead of 64."""
    tensors = (
        *(tensor(1, 8, 8, 2, stored=0), tensor(4, 3, 3, 2), tensor(1, 8, 8, 4, stored=0)),
        *(tensor(4, 3, 3, 4), tensor(1, 4, 4, 4, stored=0)),
    )
    first = FlatOperator("CONV_2D", False, (0, 1, -1), (2,), {})
    second = FlatOperator("CONV_2D", False, (2, 3, -1), (4,), {"strides": (2, 2)})
    subgraph = FlatSubgraph("main", tensors, (0,), (4,), (first, second))
    plan = measure_patches(subgraph, 2, 2, 0)
    assert plan.live_bytes == 8 * 8 * 2 + 4 * 4 * 4 + 112, "a patch of 5 · 5 · 4 = 100 bytes is rounded up to 112"
    assert plan.macs == 64 * 4 * 9 * 2 + 16 * 4 * 9 * 4
    assert plan.patched_macs == 4 * 25 * 4 * 9 * 2 + 16 * 4 * 9 * 4
    assert measure_patches(subgraph, 2, 2, 5000).live_bytes == 5000, "what comes behind may need more"
    assert patched_chain(subgraph) == [first, second]
    assert patched_chain(subgraph._replace(outputs=(2, 4))) == [first], "what is an output is there as a whole"
    head = lay_out_arena(FlatModel((subgraph,), read("dense").storage), BUILDS["tflm"]).head
    best = plan_patches(FlatModel((subgraph,), read("dense").storage), head)
    assert best is not None
    assert best.live_bytes < max(head.live_bytes())
