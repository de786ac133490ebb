"""Figures that somebody saw, and how a network is written: what is read, and what remains unexplained."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import costcalc
from costcalc.core.dim import substitute
from costcalc.rules import UsageError
from costcalc.studies.reconcile.account import parse_figure
from costcalc.studies.reconcile.pytorch_style import MAX_CHANGES, STYLE_CHOICES, PyTorchStyle, other_styles, style_of

THOP = 11_286_254_592


@pytest.mark.parametrize(
    ("text", "value", "within"),
    [
        ("11286254592", THOP, 0),
        ("11,286,254,592", THOP, 0),
        ("11.3G", 11_300_000_000, 50_000_000),
        ("11.29 G", 11_290_000_000, 5_000_000),
        ("11286M", 11_286_000_000, 500_000),
        ("1.129e10", 11_290_000_000, 5_000_000),
        ("300k", 300_000, 500),
        ("11.29 GMac", 11_290_000_000, 5_000_000),
        ("11.3GMACs", 11_300_000_000, 50_000_000),
        ("22.57 GFLOPS", 22_570_000_000, 5_000_000),
        ("11286254592 MACs", THOP, 0),
    ],
)
def test_a_rounded_figure_stands_for_what_rounds_to_it(text: str, value: int, within: int) -> None:
    read = parse_figure(text)
    assert (read.value, read.tolerance) == (value, Fraction(within))
    assert read.fits(value) and read.fits(value + within) and read.fits(value - within)
    assert not read.fits(value + within + 1) and not read.fits(value - within - 1)


def test_a_figure_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="not a quantity"):
        parse_figure("many")


def test_what_the_parts_do_not_explain() -> None:
    seen: dict[str, str | int] = {"thop": "11300000000", "fvcore": "11.3G", "calflops": 11_271_124_992}
    found = costcalc.reconcile("vit_b_16", figures=seen)
    assert [account.counter.name for account in found.accounts] == ["thop", "fvcore", "calflops"]
    assert found["thop"].residual == 11_300_000_000 - THOP
    assert found["fvcore"].residual == found["calflops"].residual == 0
    assert costcalc.reconcile("vit_b_16", tools=["thop"])["thop"].residual is None


def test_twice_the_sum_is_told() -> None:
    found = costcalc.reconcile("resnet18", figures={"calflops": 2 * 1_814_073_344})
    assert found["calflops"].residual == 1_814_073_344
    assert found["calflops"].hints[0].startswith("it is twice the sum")


def test_another_counters_figure_is_told() -> None:
    found = costcalc.reconcile("resnet18", figures={"thop": "1.819G"})
    assert found["thop"].hints == ("it is what the rules of fvcore give",)


def test_another_writing_that_explains_a_figure_is_found() -> None:
    thop = 4_133_742_592  # of nn.AdaptiveAvgPool2d; as a function the pool is nothing
    found = costcalc.reconcile("resnet50", figures={"thop": thop}, written={"pool": "function"})
    assert found["thop"].residual == 7 * 7 * 2048 + 2048
    assert found["thop"].hints[0].startswith("--written pool=auto explains it")


def test_a_figure_by_chance_has_no_hint() -> None:
    assert costcalc.reconcile("resnet50", figures={"thop": 4_133_742_593})["thop"].hints == ()


def test_built_in_models_are_written_as_torchvision_has_them_and_files_as_usual(tmp_path: Path) -> None:
    assert style_of("densenet169", {}) == PyTorchStyle(relu="last", pool="function")
    assert style_of("densenet169", {"pool": "mean"}) == PyTorchStyle(relu="last", pool="mean")
    assert style_of("resnet50", {}) == style_of(str(tmp_path / "densenet169.yaml"), {}) == PyTorchStyle()


def test_alternatives_differ_in_few_answers_and_begin_with_those_that_differ_in_one() -> None:
    other = list(other_styles(PyTorchStyle()))
    distance = [sum(a != b for a, b in zip(w, PyTorchStyle(), strict=True)) for w in other]
    assert distance == sorted(distance) and distance[0] == 1 and distance[-1] == MAX_CHANGES
    assert len(set(other)) == len(other)
    assert distance.count(1) == sum(len(answers) - 1 for answers in STYLE_CHOICES.values())


def test_the_first_answer_is_the_default() -> None:
    assert PyTorchStyle() == PyTorchStyle(*(next(iter(answers)) for answers in STYLE_CHOICES.values()))


@pytest.mark.parametrize("written", [{"relu": "modul"}, {"color": "red"}])
def test_a_writing_that_is_none_is_refused(written: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        costcalc.reconcile("lenet5", written=written)


def test_a_counter_that_is_none_is_refused_and_names_are_forgiving() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'thop'\? There are torchvision, thop"):
        costcalc.reconcile("lenet5", tools=["thopp"])
    names = [account.counter.name for account in costcalc.reconcile("lenet5", tools=["PTFlops", "onnx-tool"]).accounts]
    assert names == ["ptflops_pytorch", "ptflops_aten", "onnx_tool"]


def test_open_symbols_stay_formulas_and_bind_to_the_same() -> None:
    found = costcalc.reconcile("resnet18", symbolic=True)
    bound = costcalc.reconcile("resnet18")
    for account in found.accounts:
        assert not isinstance(account.figure, int)
        assert substitute(account.figure, {"N": 1, "H": 224, "W": 224}) == bound[account.counter.name].figure
