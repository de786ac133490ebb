"""`costcalc suggest`: tables, working, formats, files, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli import call, run
from support.networks import VGG_STYLE, layers, made

import costcalc

FORMATS = ("table", "json", "csv", "markdown", "html")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command prints on a page of 100 columns."""

    def printed(*args: str, width: int = 100, code: int = 0) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        assert run(["suggest", *args]) == code
        out, err = capsys.readouterr()
        return err if code else out

    return printed


def test_the_tables(page: Callable[..., str], gold: Callable[[str, str], None]) -> None:
    gold("suggest_vgg16.txt", page("vgg16").rstrip("\n"))
    gold("suggest_vgg16.md", page("vgg16", "--format", "markdown").rstrip("\n"))
    gold("suggest_resnet50_60.txt", page("resnet50", width=60).rstrip("\n"))
    gold("suggest_llama.txt", page("llama_7b").rstrip("\n"))


def test_the_working(page: Callable[..., str], gold: Callable[[str, str], None]) -> None:
    gold("suggest_vgg16_1.txt", page("vgg16", "1").rstrip("\n"))
    gold("suggest_resnet50_1_60.txt", page("resnet50", "1", "--top", "3", width=60).rstrip("\n"))


def test_json_has_every_figure(page: Callable[..., str]) -> None:
    found = costcalc.suggest("vgg16")
    told = json.loads(page("vgg16", "--format", "json"))["suggestions"]
    assert [one["saves"]["macs"] for one in told["suggestions"]] == [one.saves("macs") for one in found.ranked]
    first = told["suggestions"][0]
    assert first["ratios"][1] == {
        "layers": ["stage1/conv2"],
        "formula": "1/C_out + 1/k²",
        "working": "1/64 + 1/9",
        "value": 1 / 64 + 1 / 9,
        "remark": "between the two: relu",
    }
    assert (first["rewrite"], first["uses"], first["applies"]) == ("separable", 13, True)
    assert len(json.loads(page("vgg16", "2", "--format", "json"))["suggestions"]["suggestions"]) == 1


def test_a_suggestion_prints_in_a_line() -> None:
    assert repr(costcalc.suggest("vgg16")[0]) == "<Suggestion 1: separable at stage1/conv1, 13 uses>"


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_even_of_nothing(form: str, page: Callable[..., str]) -> None:
    assert page("pointwise_conv", "--format", form)
    assert "separable" in page("vgg16", "--format", form)
    assert page("vgg16", "1", "--format", form)


def test_what_is_shown(page: Callable[..., str]) -> None:
    lines = page("vgg16", "--format", "csv", "--rule", "gap,factor").splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["factor", "gap"]
    lines = page("vgg16", "--format", "csv", "--sort", "params").splitlines()
    assert lines[1].split(",")[1] == "gap"
    assert len(page("vgg16", "--format", "csv", "--min-saving", "30%").splitlines()) == 3
    assert len(page("vgg16", "--format", "csv", "--min-saving", "200M").splitlines()) == 4
    assert "1 of 5 (--top 5 shows all)" in page("vgg16", "--top", "1")


def test_names_and_savings_stay_whole_on_a_narrow_page(page: Callable[..., str], tmp_path: Path) -> None:
    assert "2  bottleneck  13,125,238,784\n" in page("vgg16", width=40)
    conv = "conv: {filters: 16, kernel: 3, stride: 4, pad: 0}"
    shown = page(made(tmp_path, layers("relu", conv, conv, shape="[N, 16, H, W]")), width=60)
    assert "bottleneck" in shown and "measure\n" in shown


def test_files(page: Callable[..., str], tmp_path: Path) -> None:
    net, new = made(tmp_path, VGG_STYLE), tmp_path / "new.yaml"
    assert page(net, "--apply", "separable") == costcalc.suggest(net).apply("separable")
    assert page(net, "--apply", "1", "-o", str(new)) == ""
    assert new.read_text() == costcalc.suggest(net).apply(1)
    page(net, "--apply", "1", "-o", str(tmp_path / "new.onnx"))
    assert costcalc.analyze(tmp_path / "new.onnx").macs == costcalc.analyze(new).macs


def test_refusals(page: Callable[..., str], tmp_path: Path) -> None:
    assert "there is no suggestion 9; there are 5" in page("vgg16", "9", code=2)
    assert "there is no rewrite 'seperable'; did you mean 'separable'?" in page("vgg16", "--rule", "seperable", code=2)
    assert "there is no quantity 'size'" in page("vgg16", "--sort", "size", code=2)
    for share in ("x%", "-5%", "1e999999999%"):
        assert "is no percentage" in page("vgg16", f"--min-saving={share}", code=2)
    for which in ("²", "9" * 5000):
        assert "there is no suggestion" in page("vgg16", "--apply", which, code=2)
    assert "there is no suggestion 'tied'" in page("vgg16", "--apply", "tied", code=2)
    assert "there is no file" in page("vgg61", code=2)
    for more in (("1",), ("--format", "json")):
        assert "leave NUMBER and --format out" in page("vgg16", *more, "--apply", "2", code=2)


def test_names_from_a_file_are_printable(page: Callable[..., str], tmp_path: Path) -> None:
    text = layers("conv: {filters: 16, kernel: 3, pad: 1}   # \u202e").replace("params", 'name: "a\\e[31mb"\nparams')
    shown = page(made(tmp_path, text), "1")
    assert "\x1b" not in shown and "\u202e" not in shown


CONV = layers("conv: {filters: 32, kernel: 3, pad: 1, bias: false}", "relu", shape="[N, 16, 32, 32]")
"""16 and then 32 channels of 32×32 positions."""


def test_totals_are_those_of_the_execution(page: Callable[..., str], tmp_path: Path) -> None:
    net = made(tmp_path, CONV)
    one = costcalc.suggest(net, rules="separable", sort="peak_activation_bytes", execution={"fuse": True})[0]
    assert one.before["peak_activation_bytes"] == 4 * (16 + 32) * 1024  # the ReLU is fused: one value goes, one comes
    for graph, totals in ((one.graph, one.after), (costcalc.load(net), one.before)):
        assert costcalc.analyze(graph, execution={"fuse": True}).totals == totals
    arena = costcalc.footprint(one.graph, fuse=True, align=16).arena
    assert arena is not None
    told = json.loads(page(net, "--rule", "separable", "--fuse", "--align", "16", "--format", "json"))["suggestions"]
    assert told["suggestions"][0]["after"]["arena_bytes"] == arena.size


@pytest.mark.parametrize(
    "sort, settings",
    [
        ("time.t4", {}),
        ("energy.stm32h743", {"dtype": "int8", "act_dtype": "int8"}),
        ("arena_bytes", {"execution": {"fuse": True}}),
        ("training_bytes", {"training": {"optimizer": "sgd"}}),
        ("compulsory_bytes", {}),
        ("intensity", {}),
    ],
)
def test_any_quantity_ranks_by_its_own_measure(sort: str, settings: dict[str, Any], tmp_path: Path) -> None:
    """What is saved is the difference of what measuring the model and the file with the rewrite gives."""
    net = made(tmp_path, VGG_STYLE)
    found = costcalc.suggest(net, sort=sort, rules=["separable", "bottleneck"], **settings)
    savings = []
    for one in found.ranked:
        after = made(tmp_path, found.apply((one,)), "new.yaml")
        now, then = costcalc.diff(net, after, quantities=[sort], **settings).figures(sort)
        assert one.figures[sort] == (now, then)
        sign = -1 if sort == "intensity" else 1
        assert one.saves(sort) == sign * (now.value - then.value)  # type: ignore[operator, union-attr]
        savings.append(one.saves(sort))
    assert len(savings) > 1 and savings == sorted(savings, reverse=True)  # type: ignore[type-var]


def test_what_is_ranked_by_is_shown(page: Callable[..., str], tmp_path: Path) -> None:
    net = made(tmp_path, VGG_STYLE)
    assert "Time t4" in page(net, "--sort", "time.t4") and "ns" in page(net, "--sort", "time.t4")
    assert "Time on t4" in page(net, "1", "--hardware", "t4") and "≥ " in page(net, "1", "--hardware", "t4")
    whole = len(page(net, "--sort", "time.t4", "--format", "csv").splitlines())
    assert len(page(net, "--sort", "time.t4", "--min-saving", "1s", "--format", "csv").splitlines()) == 1 < whole
    found = costcalc.suggest(net, sort="time.t4", min_saving="1%")
    (now,) = costcalc.sweep(net, quantities="time.t4")["time.t4"]
    assert found.ranked and all(one.saves("time.t4") >= now / 100.1 for one in found.ranked)


def test_a_ranking_by_yes_and_no_says_what_it_is_and_what_it_becomes(page: Callable[..., str], tmp_path: Path) -> None:
    profile = Path(costcalc.__file__).parent / "analysis/hardware/profiles/stm32h743.yaml"
    small = tmp_path / "small.yaml"
    small.write_text(profile.read_text(encoding="utf-8").replace("2 MiB", "58 KiB"), encoding="utf-8")
    key, options = f"fits.{small}", {"dtype": "int8", "act_dtype": "int8"}
    told = costcalc.suggest("lenet5", sort=key, devices=str(small), **options)  # type: ignore[arg-type]
    changes = [tuple(bool(figure.value) for figure in one.figures[key]) for one in told.ranked]  # type: ignore[union-attr]
    assert changes == sorted(changes, reverse=True, key=lambda change: change[1] - change[0])
    assert (False, True) in changes and (False, False) in changes
    args = ("lenet5", "--sort", key, "--dtype", "int8", "--act-dtype", "int8", "--format", "csv")
    cells = [line.rpartition(",")[2] for line in page(*args).splitlines()[1:]]
    assert cells == ["no → yes" if then else "no" for _, then in changes]


@pytest.mark.parametrize(
    "args, words",
    [
        (("--sort", "kv_cache_bytes"), "a rewritten graph is not read anew for each token; rank by macs"),
        (("--sort", "time.t4", "--symbolic"), "time.t4: it depends on H, N, W"),
        (("--sort", "time.t5"), "there is no hardware profile 't5'"),
        (("--sort", "time.t4", "--min-saving", "5"), "'5' is no time"),
        (("--sort", "fits.t4", "--min-saving", "5%"), "fits.t4 is yes or no: nothing is saved of it"),
        (("--optimizer", "sgd"), "add --training"),
    ],
)
def test_a_quantity_that_the_model_does_not_have_is_refused(
    args: tuple[str, ...], words: str, page: Callable[..., str]
) -> None:
    assert words in page("lenet5", *args, code=2)


def test_what_generation_costs_is_refused_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "suggest", "gpt2", "--prompt", "8", "--generate", "4")
    assert code == 2 and "generation" in err and "bug" not in err


def test_a_written_file_keeps_its_parameters_and_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = str(tmp_path / "x.yaml")
    code, _, told = call(capsys, "suggest", "mobilenet", "--apply", "folded", "--set", "alpha=0.25", "-o", new)
    assert code == 0 and "the file keeps its own parameters" in told and "--set alpha=0.25" in told
    assert call(capsys, "suggest", "mobilenet", "--apply", "folded", "-o", new)[2] == ""
