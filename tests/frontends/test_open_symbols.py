"""Symbols of extents that depend on data: short names, their legend, and binding all that is open."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.frontends.symbols import option_name
from costcalc.rules import DType, Graph, GraphBuilder
from costcalc.views.report import report_document
from costcalc.views.summary import report_notes


def model(binding: dict[str, int] | None = None) -> Graph:
    """Two NonZeros; the input's own symbol takes the name that the second would have."""
    b = GraphBuilder("Net", "net.onnx", {"": 17}, binding=binding)
    b.reserved_symbols = lambda: frozenset(["nonzero2"])
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    (a,) = b.add("NonZero", [x], name="/rpn/NonZero")
    (c,) = b.add("NonZero", [x], name="/roi/NonZero")
    return b.build([a, c])


def test_symbols_have_short_names_and_a_legend() -> None:
    report = costcalc.analyze(model())
    assert report.open_symbols == ("nonzero", "nonzero3")
    legend = next(note.text for note in report_notes(report) if note.label == "Symbols")
    assert legend == "nonzero of /rpn/NonZero, nonzero3 of /roi/NonZero"
    assert report_document(report)["symbol_nodes"] == {"nonzero": "/rpn/NonZero", "nonzero3": "/roi/NonZero"}


def test_a_symbol_may_be_named_in_full() -> None:
    assert costcalc.analyze(model({"nonzero": 3})).open_symbols == ("nonzero3",)
    assert costcalc.analyze(model({"/roi/NonZero.nonzero": 3})).open_symbols == ("nonzero",)


def test_a_star_binds_what_is_open() -> None:
    report = costcalc.analyze("gpt2", dims={"*": 7, "N": 2})
    assert report.open_symbols == ()
    assert report.totals == costcalc.analyze("gpt2", dims={"seq": 7, "N": 2}).totals


@pytest.mark.parametrize(
    ("name", "origins", "option"),
    [
        ("s23", {"s23": "ids (axis 0)"}, "ids.0"),
        ("N", {"N": "ids (axis 0)"}, "N"),
        ("u0", {"u0": "nonzero"}, "u0"),
        ("seq", {}, "seq"),
    ],
)
def test_the_name_of_a_symbol_for_dim(name: str, origins: dict[str, str], option: str) -> None:
    assert option_name(name, origins) == option


@pytest.mark.parametrize("name", ["N", "batch_size", "H", "width", "*"])
def test_a_batch_or_a_size_of_nothing_is_refused(name: str) -> None:
    """With it every limit would be kept; what may be empty (a cache, the images beside a text) may be 0."""
    model = f"input: [{'seq' if name == '*' else name}, past]\nlayers:\n  - relu\n".encode()
    with pytest.raises(costcalc.CostcalcError, match="is bound to 0, so that nothing is computed"):
        costcalc.analyze(model, dims={name: 0})
    if name != "*":
        assert costcalc.analyze(model, dims={"past": 0, name: 1}).flops == 0
