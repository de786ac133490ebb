"""Names as tables print them: each stands for one layer of the whole model, and is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from support.paths import ONNX_FILES, ROOT

import costcalc
from costcalc.core.elision import match_elided, match_pattern
from costcalc.render import names, table
from costcalc.render.layout import GAP, text_width
from costcalc.render.terminal import Screen
from costcalc.rules import DType, Graph, GraphBuilder
from costcalc.views.explain import find_layer
from costcalc.views.report import TableOptions, report_table

WIDTHS = (60, 80, 100, 120)

OPTIONS = (TableOptions(), TableOptions(top=20), TableOptions(sort="macs", top=4), TableOptions(sort="params", top=9))

SPECS = (
    "bert_base",
    "densenet121",
    "efficientnet_b0",
    "gpt2",
    "inception_v3",
    "maxvit_t",
    "resnet50",
    "swin_t",
    "unet",
)


def long_names() -> Graph:
    """Names that only a few signs tell apart: at the beginning, in the middle, at the end."""
    b = GraphBuilder("Net", "net.onnx", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    blocks = [f"/model/encoder/layers.{i}/self_attention/output_projection" for i in (0, 1, 10, 11)]
    parts = ("dense_with_a_long_name/MatMul", "dense_with_a_long_name/MatMul_1", "dense_with_a_long_nama/MatMul")
    for name in [f"{block}/{part}" for block in blocks for part in parts] + ["層" * 40, "層" * 39 + "面", "層" * 20]:
        w = b.add_initializer(f"{name}.w", DType.FLOAT32, (8, 8))
        (x,) = b.add("MatMul", [x, w], name=name)
    return b.build([x])


def printed_names(report: costcalc.Report, options: TableOptions, width: int) -> Iterator[str]:
    """The names of the rows of a table in lines of a width; what goes on in the next line is joined."""
    sheet = report_table(report, options)
    lines = list(table.body_lines(sheet, Screen(width)))
    assert max(map(text_width, lines)) <= width
    texts: list[str] = []
    for line in lines[1:]:
        if line.startswith(("Total", "─", "(")):
            break
        name, _, cells = line.partition(GAP)
        if cells:
            texts.append(name)
        else:
            texts[-1] += name
    assert len(texts) == len(sheet.rows)
    return iter(texts)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("model", [*SPECS, *sorted(path.name for path in ONNX_FILES.glob("*.onnx")), "long"])
def test_a_printed_name_is_one_layer(model: str, width: int) -> None:
    source = ROOT / "specs" / f"{model}.yaml" if model in SPECS else ONNX_FILES / model
    report = costcalc.analyze(long_names() if model == "long" else str(source))
    layers = [row.name for row in report.rows]
    for options in OPTIONS:
        expected = [row[0] for row in report_table(report, options).rows]
        shown = list(printed_names(report, options, width))
        for text, name in list(zip(shown, expected, strict=True))[:: max(1, len(shown) // 25)]:
            assert layers[find_layer(report, text)] == name, (text, width)
            assert match_pattern(text, layers, "layers") == [name]


@pytest.mark.parametrize("top", [1, 3])
def test_a_name_is_not_taken_for_one_that_is_not_shown(top: int) -> None:
    report = costcalc.analyze(long_names())
    for width in range(30, 130):
        for text in printed_names(report, TableOptions(top=top), width):
            assert len(match_elided(text, [row.name for row in report.rows])) <= 1


def test_the_sorted_column_stays() -> None:
    header = next(table.body_lines(report_table(costcalc.analyze("resnet50"), OPTIONS[-1]), Screen(60)))
    assert "Params" in header


@pytest.mark.parametrize("width", [18, 22, 30])
def test_names_of_a_table_are_shortened_in_one_way(width: int) -> None:
    """Twelve decoders of two residuals each, and parts that only their parents tell apart."""
    paths = ("residual1/layer_norm", "residual1/attention/Add", "residual1/attention/Softmax", "residual2/layer_norm")
    texts: Sequence[str] = [f"/model/decoder{i}/{path}" for i in range(12) for path in paths]
    width = names.distinct_width(texts, (), width, 40)
    short = names.shorten_names(texts, (), width)
    assert len({text.index("…") for text in short if "…" in text}) <= 1
    for text, name in zip(short, texts, strict=True):
        assert text_width(text) <= width
        assert (match_elided(text, texts) or [text]) == [name]
