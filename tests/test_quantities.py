"""Every quantity in every question: one table of cases, and each question gives the same figure or the same refusal.

A question is a function from a case to {key: figure or refusal}: add one to QUESTIONS (check, sweep, diff, table) and it
is held to all quantities of all models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from support.cli import call, ok
from support.graphs import unknown

import costcalc
from costcalc.cli.group import cli
from costcalc.core.dim.parse import parse_formula as parse_dim
from costcalc.core.errors import QuantityError, UsageError
from costcalc.core.quantities import CATALOGUE, TOTALS, parse_quantity
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.units import format_count
from costcalc.studies.compare import measure_models
from costcalc.studies.measurement import FIGURES, Measurement, measure
from costcalc.studies.options import Settings
from costcalc.views.charts import bar_chart
from costcalc.views.page import page_content
from costcalc.views.pareto import pareto_chart, report_records

ONNX = str(Path(__file__).parent / "data" / "onnx" / "onnxpkg_light_squeezenet.onnx")
DEVICE = "t4"
SETTINGS: dict[str, Any] = {
    "act_dtype": "float16",
    "dtype": "float16",
    "execution": {"fuse": True, "in_place": True, "align": 16},
    "training": {"optimizer": "sgd"},
    "devices": [DEVICE],
    "generation": {"prompt": 16, "generate": 4},
}
OPTIONS = [
    "--act-dtype",
    "float16",
    "--dtype",
    "float16",
    "--fuse",
    "--in-place",
    "--align",
    "16",
    "--training",
    "--optimizer",
    "sgd",
    "--hardware",
    "t4",
    "--prompt",
    "16",
    "--generate",
    "4",
]
OPEN = str(Path(ONNX).with_name("resnet18__ts_dynhw.onnx"))
"""A model whose peak depends on open extents."""
BOUND = "gpt2 of 16 tokens"
"""A decoder whose sequence is bound for the quantities of one pass, beside those of a generation."""
DECODERS = ("gpt2", BOUND)
MODELS = {"mobilenet_v2": "mobilenet_v2", "gpt2": "gpt2", BOUND: "gpt2", "squeezenet.onnx": ONNX, "open.onnx": OPEN}
KEYS = [f"{key}.{DEVICE}" if quantity.per_device else key for key, quantity in CATALOGUE.items()]
ADDED = {ref.quantity.key for ref in Settings.of(**SETTINGS).quantities()}
BY_NAME_ONLY = tuple(key for key in CATALOGUE if key not in (*TOTALS, *ADDED))
"""Quantities that no setting adds to a report: they are asked for by name."""


OF_FILES = ("tflm_arena_bytes", "flash_bytes", f"cpu_macs.{DEVICE}", f"cpu_operators.{DEVICE}")
"""Quantities of .tflite files: none of MODELS has them."""


class Answers(NamedTuple):
    """What a question says: figures for JSON by key, why there is none, and what is certain of those that are not
    exact."""

    figures: dict[str, Any]
    refused: dict[str, str]
    certainty: dict[str, str]


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value if isinstance(value, int) else str(value)


def measure_by_name(source: str, model: str) -> Measurement:
    """A measurement under a model's settings and what each quantity needs that is asked for by its name."""
    return measure(source, Settings.of(**settings_for(model)).extend_for(map(parse_quantity, KEYS)))


def by_measurement(model: str) -> Answers:
    measurement = measure_by_name(MODELS[model], model)
    found = {key: measurement.attempt(key) for key in KEYS}
    refused = {key: str(figure) for key, figure in found.items() if isinstance(figure, QuantityError)}
    figures = {key: figure for key, figure in found.items() if isinstance(figure, Figure)}
    words = {key: figure.certainty for key, figure in figures.items()}
    return Answers({key: plain(figure.value) for key, figure in figures.items()}, refused, inexact(words))


def inexact(words: Mapping[str, str]) -> dict[str, str]:
    return {key: word for key, word in words.items() if word != "exact"}


def of_totals(document: dict[str, Any]) -> Answers:
    totals, refused = document["totals"], document.get("refused", {})
    figures = {key: totals[key] for key in KEYS if totals.get(key) is not None}
    return Answers(figures, refused, document.get("certainty", {}))


def by_api(model: str) -> Answers:
    return of_totals(costcalc.analyze(MODELS[model], **settings_for(model)).to_dict())


def by_command_line(model: str) -> Answers:
    arguments = ["analyze", MODELS[model], *options_for(model), "--format", "json"]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert done.exception is None, done.exception
    return of_totals(json.loads(done.stdout)["models"][0])


def by_comparison(model: str) -> Answers:
    comparison = costcalc.compare(MODELS[model], MODELS[model], **settings_for(model)).to_dict()["totals"]
    entries = {key: comparison[key][1] for key in KEYS if key in comparison}
    figures = {key: entry["value"] for key, entry in entries.items() if entry["value"] is not None}
    refused = {key: entry["refused"] for key, entry in entries.items() if "refused" in entry}
    assert all(("certainty" in entry) != ("refused" in entry) for entry in entries.values())
    words = {key: entry["certainty"] for key, entry in entries.items() if "certainty" in entry}
    return Answers(figures, refused, inexact(words))


def settings_for(model: str) -> dict[str, Any]:
    """Of a model that generates nothing, every question refuses to say what generation costs."""
    if model not in DECODERS:
        return {k: v for k, v in SETTINGS.items() if k != "generation"}
    return SETTINGS | {"dims": {"seq": 16}} if model == BOUND else SETTINGS


def options_for(model: str) -> list[str]:
    """The same on the command line."""
    if model not in DECODERS:
        return OPTIONS[: OPTIONS.index("--prompt")]
    return [*OPTIONS, "--dim", "seq=16"] if model == BOUND else OPTIONS


QUESTIONS: dict[str, Callable[[str], Answers]] = {
    "api": by_api,
    "command line": by_command_line,
    "comparison": by_comparison,
}
"""Each is asked on all models. Quantities that a question does not show by itself are left out."""

NOT_SHOWN = {"comparison": ("buffers", "traffic_bytes")}
"""Totals that a question does not show."""


@pytest.fixture(scope="module")
def measured() -> dict[str, Answers]:
    return {model: by_measurement(model) for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_gives_the_same_figure_or_the_same_refusal(
    question: str, model: str, measured: dict[str, Answers]
) -> None:
    answers, right = QUESTIONS[question](model), measured[model]
    decoder = model in DECODERS
    asked = [
        ref.key
        for ref in map(parse_quantity, KEYS)
        if ref.quantity.key not in (*BY_NAME_ONLY, *NOT_SHOWN.get(question, ()))
        and (decoder or "generation" not in ref.quantity.needs)
    ]
    for key in asked:
        shown = answers.figures.get(key), answers.refused.get(key)
        if key == "peak_activation_bytes" and key in right.refused and question != "comparison":
            assert shown == (None, None)  # of an open peak the report has no total, and a remark says why
        else:
            assert shown == (right.figures.get(key), right.refused.get(key)), key
            assert answers.certainty.get(key) == right.certainty.get(key), key


def limit_options() -> list[str]:
    """A limit on each quantity, as its example in the catalogue says."""
    options = []
    for ref in map(parse_quantity, KEYS):
        option = "--require" if ref.quantity.unit == "boolean" else "--max" if ref.quantity.less_is_better else "--min"
        options += [option, ref.key if option == "--require" else f"{ref.key}={ref.quantity.example}"]
    return options


@pytest.mark.parametrize("model", MODELS)
def test_a_limit_is_held_to_the_same_figure_or_cannot_be_told_for_the_same_reason(
    model: str, measured: dict[str, Answers], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call(capsys, "check", MODELS[model], *options_for(model), *limit_options(), "--format", "json")
    verdicts = json.loads(out)["models"][0]["verdicts"]
    found, right = {verdict["quantity"].replace(" ", "."): verdict for verdict in verdicts}, measured[model]
    assert sorted(found) == sorted(KEYS)
    for key, verdict in found.items():
        if key.startswith("energy.") and key not in right.refused:
            assert (verdict["outcome"], verdict["value"]) == ("unknown", None), (
                "what was not measured is no limit's figure"
            )
            continue
        assert verdict["value"] == right.figures.get(key), key
        assert verdict.get("certainty") == right.certainty.get(key), key
        if key in right.refused:
            why = right.refused[key].removeprefix(f"{key}: ").split("; ")[0].split(" depends on")[0]
            assert verdict["outcome"] == "unknown" and why in verdict["fact"], key
        elif not isinstance(right.figures[key], str):
            assert verdict["outcome"] in ("kept", "exceeded"), key
    assert code == (2 if any(verdict["outcome"] == "unknown" for verdict in verdicts) else 1)


@pytest.mark.parametrize("model", MODELS)
def test_a_quantity_is_a_figure_or_a_refusal_and_never_0_for_want_of_one(
    model: str, measured: dict[str, Answers]
) -> None:
    answers = measured[model]
    assert sorted([*answers.figures, *answers.refused]) == sorted(KEYS)
    zeros = {key for key, value in answers.figures.items() if value == 0 and value is not False}
    assert zeros <= {"buffers", "optimizer_bytes", "sent_bytes", "training_sent_bytes"}  # one device sends nothing


def test_every_quantity_of_the_catalogue_is_computed() -> None:
    assert list(FIGURES) == list(CATALOGUE)


def test_no_two_quantities_have_the_rules_of_one_code() -> None:
    codes = [quantity.code for quantity in CATALOGUE.values()]
    assert len(set(codes)) == len(codes)


def test_a_quantity_is_read_with_its_device() -> None:
    assert parse_quantity("time.t4") == QuantityRef(CATALOGUE["time"], "t4")
    assert parse_quantity("time.my/device.yaml").device == "my/device.yaml"
    assert [parse_quantity(key).key for key in KEYS] == KEYS


@pytest.mark.parametrize(
    "text, words",
    [("mac", "did you mean 'macs'"), ("time", "write time.t4"), ("macs.t4", "macs is of no device"), ("", "there are")],
)
def test_what_is_no_quantity_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_quantity(text)


def test_every_report_has_the_totals_of_the_catalogue() -> None:
    assert tuple(costcalc.analyze("lenet5").totals) == (
        *[k for k in TOTALS if k != "peak_activation_bytes"],
        "peak_activation_bytes",
    )


LENET = costcalc.analyze("lenet5")


@pytest.mark.parametrize(
    "key, settings, words",
    [
        ("backward_macs", {}, "no training is asked for; add --training"),
        ("kv_cache_bytes", {}, "no generation is asked for"),
        ("kv_cache_bytes", {"generation": True}, "kv_cache_bytes: the model generates nothing"),
        ("time.ethos-u55-256", {}, "has no figure for float32"),
        ("time.t4", {"symbolic": True}, "it depends on H, N, W"),
        ("fits.t4", {"symbolic": True}, "what must fit depends on H, N, W"),
        ("arena_bytes", {"symbolic": True}, "an offset is chosen by sizes"),
    ],
)
def test_what_a_model_does_not_have_is_refused_with_a_reason(key: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(QuantityError, match=words):
        measure("lenet5", Settings.of(**settings)).figure(key)


def test_whether_a_run_fits_says_the_same_whatever_is_asked_for_beside_it() -> None:
    reading: dict[str, Any] = {"dtype": "float16", "act_dtype": "float16"}
    closed = {**reading, "dims": {"seq": 16}}
    trained = measure("llama_7b", Settings.of(**closed, training=True))
    assert [trained.figure(key).value for key in ("fits.t4", "training_fits.t4")] == [True, False]
    assert measure("llama_7b", Settings.of(**closed)).figure("fits.t4").value is True

    asked = Settings.of(**reading, generation={"prompt": 2048, "batch": 32})
    generated = measure("llama_7b", asked)
    assert [generated.figure(f"generation_fits.{name}").value for name in ("t4", "h100-sxm")] == [False, True]
    assert [line.contents for line in generated.fits(parse_quantity("generation_fits.t4"))] == [
        "weights + peak activations + KV cache"
    ]
    alone = measure("llama_7b", Settings.of(**reading))
    assert str(generated.attempt("fits.t4")) == str(alone.attempt("fits.t4"))
    assert "fits.t4: what must fit depends on seq" in str(alone.attempt("fits.t4"))


def test_a_training_step_needs_the_memory_of_a_device() -> None:
    with pytest.raises(
        QuantityError, match=r"training_fits\.stm32h743: the profile stm32h743 has the size of no memory"
    ):
        measure("lenet5", Settings.of(training=True)).figure("training_fits.stm32h743")


def test_a_bound_stays_a_bound() -> None:
    measurement = measure(unknown(), Settings.of(training=True))
    assert [measurement.figure(key).certainty for key in ("macs", "training_macs", "time.t4")] == ["lower"] * 3
    assert measure("lenet5", Settings()).figure("macs") == (LENET.macs, "exact")


def test_a_quantity_that_is_asked_for_by_name_brings_the_defaults_of_what_it_needs() -> None:
    wanted = Settings().extend_for([parse_quantity("training_bytes"), parse_quantity("prompt_macs")])
    assert wanted.to_dict() == {"training": True, "generation": True}
    assert Settings().extend_for([parse_quantity("time.t4")]) == Settings()


@pytest.mark.parametrize(
    "given",
    [
        {},
        SETTINGS | {"devices": ("t4",)},
        {"dims": {"N": 2}, "symbolic": True, "training": True, "generation": {"batch": 2, "cache_dtype": "int8"}},
        {"shapes": {"x": [1, 3, 8, 8]}, "training": {"freeze": ("a*", "b"), "checkpoint": True}},
    ],
)
def test_settings_are_written_as_they_are_read(given: dict[str, Any]) -> None:
    settings = Settings.of(**given)
    assert settings.to_dict() == given
    assert Settings.of(**json.loads(json.dumps(settings.to_dict()))) == settings


def test_settings_in_words_are_the_options_of_the_command_line() -> None:
    assert Settings.of(**SETTINGS).describe() == (
        "dtype float16, act-dtype float16, in-place, fuse, align 16, training, optimizer sgd, hardware t4, prompt 16, "
        "generate 4"
    )


@pytest.mark.parametrize(
    "given, words",
    [
        ({"exection": {}}, "did you mean 'execution'"),
        ({"execution": {"fus": True}}, "did you mean 'fuse'"),
        ({"execution": {"fuse": 1}}, "give True or False"),
        ({"execution": "fuse"}, "give its options by name"),
        ({"training": {"optimizer": "lion"}}, "use one of sgd"),
        ({"generation": {"prompt": 0}}, "a whole number of at least 1"),
        ({"devices": 4}, "give names of profiles"),
        ({"devices": "t4,"}, "has an empty name"),
    ],
)
def test_wrong_settings_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Settings.of(**given)


def test_the_typed_arguments_are_the_settings() -> None:
    """What type checkers read stands beside the fields; a setting is in both."""
    from costcalc.studies.options import ReadingArguments, SettingsArguments, all_settings

    assert set(ReadingArguments.__annotations__) == {one.name for one in all_settings()[""]}
    assert set(SettingsArguments.__annotations__) == set(Settings._fields)


def test_the_peak_of_an_execution_is_that_of_memory_with_the_same_options() -> None:
    execution: dict[str, Any] = {"fuse_blocks": True, "in_place": True, "reorder": True, "align": 64}
    report = costcalc.analyze("mobilenet_v2", act_dtype="int8", execution=execution)
    found = costcalc.footprint("mobilenet_v2", act_dtype="int8", **execution)
    assert found.arena is not None
    assert (report.totals["peak_activation_bytes"], report.totals["arena_bytes"]) == (found.peak, found.arena.size)
    assert "Execution" in str(report) and "fuse-blocks" in str(report)
    assert (
        report.totals["peak_activation_bytes"]
        < costcalc.analyze("mobilenet_v2", act_dtype="int8").totals["peak_activation_bytes"]
    )
    assert (
        costcalc.analyze("lenet5", symbolic=True, execution=execution)
        .bind({"N": 2, "H": 32, "W": 32})
        .totals["arena_bytes"]
        == costcalc.analyze("lenet5", dims={"N": 2}, execution=execution).totals["arena_bytes"]
    )


def test_an_arena_that_open_symbols_leave_undecided_is_refused_in_words_and_in_json() -> None:
    report = costcalc.analyze("gpt2", execution={"align": 64})
    document = report.to_dict()
    assert document["totals"]["arena_bytes"] is None
    assert document["refused"] == {"arena_bytes": str(measure("gpt2", Settings()).attempt("arena_bytes"))}
    assert "No figure" in str(report) and "an offset is chosen by sizes" in str(report)


def test_an_arena_whose_branch_is_open_is_an_upper_bound_in_a_diff() -> None:
    branch = str(Path(ONNX).with_name("toy_if__ts.onnx"))
    row = costcalc.diff(branch, branch, execution={"align": 64}).to_dict()["totals"]["arena_bytes"]
    assert row["certainty"] == {"before": "upper", "after": "upper"}
    assert measure(branch, Settings.of(execution={"align": 64})).figure("arena_bytes") == (row["before"], "upper")


def test_one_call_prints_what_the_command_prints() -> None:
    options = ["analyze", "lenet5", "--training", "--hardware", "t4", "--format", "csv"]
    printed = CliRunner().invoke(cli, options, standalone_mode=False).stdout
    report = costcalc.analyze("lenet5", training=True, devices="t4")
    assert isinstance(report, costcalc.Report) and report.totals["training_bytes"] > report.totals["weight_bytes"]
    assert all(str(row.name) in printed for row in report.layers)
    assert "Training bytes" in str(report) and "NVIDIA T4" in str(report)


def test_a_report_is_measured_without_being_read_again() -> None:
    assert measure(LENET, Settings.of(devices="t4")).base is LENET
    with pytest.raises(UsageError, match="is read already"):
        measure(LENET, Settings.of(dims={"N": 2}))


# What is shown: the columns of a table of models, the totals of a report's page, the axes of a plot.


def by_table(model: str) -> Answers:
    """Each quantity as a column of the JSON table."""
    arguments = ["table", MODELS[model], *options_for(model), "--columns", ",".join(KEYS), "--format", "json"]
    (row,) = json.loads(ok(*arguments))["Models"]
    cells = {key: row[key]["at_least"] if isinstance(row[key], dict) else row[key] for key in KEYS}
    words = row.get("certainty", {}) | {key: "lower" for key in KEYS if isinstance(row[key], dict)}
    return Answers({key: value for key, value in cells.items() if value is not None}, row.get("refused", {}), words)


def by_page(model: str) -> Answers:
    """The totals of the page's data."""
    (entry,) = page_content(measure_models([MODELS[model]], Settings.of(**settings_for(model))), [DEVICE])["models"]
    texts = {key: value["text"] if isinstance(value, dict) else value for key, value in entry["totals"].items()}
    reasons = [text.split(": ", 2)[1:] for label, text, _ in entry["remarks"] if label == "No figure"]
    refused = {key: f"{key}: {why}" for keys, why in reasons for key in keys.split(", ")}
    return Answers({key: value for key, value in texts.items() if value is not None}, refused, {})


@pytest.mark.parametrize("model", MODELS)
def test_a_table_has_every_quantity_as_a_column(model: str, measured: dict[str, Answers]) -> None:
    assert by_table(model) == measured[model]


@pytest.mark.parametrize("model", MODELS)
def test_a_page_has_what_the_settings_ask_for_among_its_totals(model: str, measured: dict[str, Answers]) -> None:
    answers, right = by_page(model), measured[model]
    for key in KEYS:
        quantity = parse_quantity(key).quantity
        of_generation = "generation" in quantity.needs and model not in DECODERS
        if quantity.key in BY_NAME_ONLY or of_generation or (key in right.refused and quantity.of_every_model):
            assert key not in answers.figures and key not in answers.refused
        else:
            value = right.figures.get(key)
            assert answers.figures.get(key) == (format_count(parse_dim(value)) if isinstance(value, str) else value), (
                key
            )
            assert answers.refused.get(key) == right.refused.get(key), key


@pytest.mark.parametrize("model", MODELS)
def test_a_plot_has_every_quantity_as_an_axis(model: str, measured: dict[str, Answers]) -> None:
    """Two models that are the same give the same point; what is a formula or no number is on no axis."""
    right, refs = measured[model], tuple(map(parse_quantity, KEYS))
    measurements = measure_models([MODELS[model]] * 2, Settings.of(**settings_for(model)), quantities=refs)
    for ref in refs:
        value = right.figures.get(ref.key)
        if ref.key in right.refused:
            with pytest.raises(QuantityError) as refused:
                report_records(measurements, [ref])
            assert str(refused.value) == right.refused[ref.key]
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            with pytest.raises(UsageError, match="no row has both"):
                pareto_chart(report_records(measurements, [ref]), ref.key, ref.key, (), "")
        else:
            found = pareto_chart(report_records(measurements, [ref]), ref.key, ref.key, (), "")
            assert [(point.x, point.y) for point in found.points] == [(value, value)] * 2
            assert (found.x.unit, found.x.greatest) == (ref.quantity.unit, not ref.quantity.less_is_better)


def test_bars_are_of_what_layers_have() -> None:
    report = costcalc.analyze("lenet5", training=True)
    for key in (key for key, quantity in CATALOGUE.items() if quantity.additive):
        chart = bar_chart(report, key, "layer", None, 100)
        assert (chart.whole, chart.unit) == (report.totals[key], CATALOGUE[key].unit)
    with pytest.raises(UsageError, match="add --training"):
        bar_chart(LENET, "backward_macs", "layer", None, 5)


# A sweep's columns and conditions. A sweep gives numbers: what is a formula for the others is refused there, and the
# text of a decoder is as long as it generates.


SWEPT = [model for model in MODELS if model != "open.onnx"]


def swept(model: str, **more: Any) -> dict[str, Any]:
    return next(iter(costcalc.sweep(MODELS[model], quantities=KEYS, **settings_for(model), **more)))


@pytest.mark.parametrize("model", MODELS)
def test_a_column_of_a_sweep_has_the_same_figure_or_the_same_refusal(model: str, measured: dict[str, Answers]) -> None:
    right, row = measured[model], swept(model)
    generation = [key for key in KEYS if "generation" in parse_quantity(key).quantity.needs]
    for key in KEYS:
        value, refusal = row[key], (row["refused"] or {}).get(key)
        figure = right.figures.get(key)
        if isinstance(figure, str):
            assert value is None and refusal is not None and " depends on " in refusal, key
        else:
            assert (value, refusal) == (figure, right.refused.get(key)), key
            assert (row["certainty"] or {}).get(key) == right.certainty.get(key), key
    assert model in DECODERS or not right.figures.keys() & set(generation)


@pytest.mark.parametrize("model", SWEPT)
def test_a_condition_of_a_sweep_holds_for_the_same_figure_and_for_no_refusal(model: str) -> None:
    """All figures meet `key == figure`, each named alone; no refused one meets `key == key`. An energy that was not
    measured is no condition."""
    right = measure_by_name(MODELS[model], model)
    met, refused = [], []
    for key in KEYS:
        cell = right.attempt(key)
        if key.startswith("energy."):
            with pytest.raises(UsageError, match="no measured energy"):
                costcalc.sweep(MODELS[model], where=f"{key} == {key}", **settings_for(model))
        elif isinstance(cell, QuantityError) or not isinstance(cell.value, (int, Fraction)):
            refused.append(f"{key} == {key}")
        else:
            value = cell.value
            number = f"{value.numerator} / {value.denominator}" if isinstance(value, Fraction) else str(value).lower()
            met.append(f"{key} == {number}")
    found = costcalc.sweep(MODELS[model], where=" and ".join(met), **settings_for(model))
    assert len(found) == 1 and {text.partition(" ")[0] for text in met} <= set(found.columns)
    others = [text for text in refused if text.partition(" ")[0] not in OF_FILES]
    assert bool(others) == (model != BOUND), "of a decoder with its tokens bound nothing else is refused"
    if refused:
        assert len(costcalc.sweep(MODELS[model], where=" or ".join(refused), **settings_for(model))) == 0


def test_a_sweep_of_open_extents_is_refused_by_their_names() -> None:
    with pytest.raises(UsageError, match="height, width are open, and a sweep gives numbers"):
        costcalc.sweep(OPEN)


# `diff`: a row for each quantity, with its difference.

VARIANTS = {
    "mobilenet_v2": "mobilenet_v3_small",
    "gpt2": "bert_base",
    BOUND: "bert_base",
    "squeezenet.onnx": "squeezenet1_0",
    "open.onnx": "resnet18",
}
"""What each model is compared with."""


def entry_of(before: Figure | QuantityError, after: Figure | QuantityError) -> dict[str, Any]:
    """What the document of a diff says of two figures that are measured one by one."""
    sides = {"before": before, "after": after}
    entry: dict[str, Any] = {
        side: None if isinstance(f, QuantityError) else plain(f.value) for side, f in sides.items()
    }
    difference = None
    if isinstance(before, Figure) and isinstance(after, Figure) and not isinstance(after.value, bool):
        difference = plain(after.value - before.value)  # type: ignore[operator]
    return entry | {"difference": difference}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("other", ["itself", "a variant"])
def test_a_diff_has_a_row_for_every_quantity_and_its_difference(model: str, other: str) -> None:
    sources = (VARIANTS[model] if other == "a variant" else MODELS[model], MODELS[model])
    before, after = (measure_by_name(source, model) for source in sources)
    rows = costcalc.diff(*sources, quantities=KEYS, **settings_for(model)).to_dict()["totals"]
    for key in KEYS:
        figures = before.attempt(key), after.attempt(key)
        if key in TOTALS and all(isinstance(figure, QuantityError) for figure in figures):
            assert key not in rows  # an open peak: as in analyze, there is no total
            continue
        assert {name: rows[key][name] for name in ("before", "after", "difference")} == entry_of(*figures), key
        if other == "itself" and isinstance(figures[0], Figure) and not isinstance(figures[0].value, bool):
            assert rows[key]["difference"] == 0
        refused = [str(figure) for figure in figures if isinstance(figure, QuantityError)]
        assert key in TOTALS or list(rows[key].get("refused", {}).values()) == refused
        assert list(rows[key]["certainty"].values()) == [f.certainty for f in figures if isinstance(f, Figure)]
