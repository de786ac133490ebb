"""Every quantity in every question: one table of cases, and each question gives the same figure or the same refusal.

A question is a function from a case to {key: figure or refusal}: add one to QUESTIONS (check, sweep, diff, table) and it
is held to all quantities of all models.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

import costcalc
from costcalc.cli.run import cli
from costcalc.core.quantities import CATALOGUE, TOTALS, QuantityRef, parse_quantity
from costcalc.errors import QuantityError, UsageError
from costcalc.studies.measurement import FIGURES, Measurement, measure
from costcalc.studies.options import Settings

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
OPTIONS = (
    "--act-dtype float16 --dtype float16 --fuse --in-place --align 16 --training --optimizer sgd --hardware t4 "
    "--prompt 16 --generate 4"
).split()
MODELS = {"mobilenet_v2": "mobilenet_v2", "gpt2": "gpt2", "squeezenet.onnx": ONNX}
KEYS = [f"{key}.{DEVICE}" if quantity.per_device else key for key, quantity in CATALOGUE.items()]
BY_NAME_ONLY = ("compulsory_bytes", "intensity")
"""Quantities that no setting adds to a report: they are asked for by name."""


class Answers(NamedTuple):
    """What a question says: figures for JSON by key, and why there is none."""

    figures: dict[str, Any]
    refused: dict[str, str]


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value if isinstance(value, int) else str(value)


def by_measurement(model: str) -> Answers:
    measurement = measure(MODELS[model], Settings.of(**SETTINGS))
    found = {key: measurement.attempt(key) for key in KEYS}
    refused = {key: str(figure) for key, figure in found.items() if isinstance(figure, QuantityError)}
    return Answers({key: plain(f.value) for key, f in found.items() if not isinstance(f, QuantityError)}, refused)


def of_totals(document: dict[str, Any]) -> Answers:
    totals, refused = document["totals"], document.get("refused", {})
    return Answers({key: totals[key] for key in KEYS if totals.get(key) is not None}, refused)


def by_api(model: str) -> Answers:
    return of_totals(costcalc.analyze(MODELS[model], **settings_for(model)).to_dict())


def by_command_line(model: str) -> Answers:
    options = [word for word in OPTIONS]
    if model != "gpt2":
        options = options[: options.index("--prompt")]
    done = CliRunner().invoke(cli, ["analyze", MODELS[model], *options, "--format", "json"], standalone_mode=False)
    assert done.exception is None, done.exception
    return of_totals(json.loads(done.stdout)["models"][0])


def by_comparison(model: str) -> Answers:
    comparison = costcalc.compare(MODELS[model], MODELS[model], **SETTINGS).to_dict()["totals"]
    entries = {key: comparison[key][1] for key in KEYS if key in comparison}
    figures = {key: entry["value"] for key, entry in entries.items() if entry["value"] is not None}
    return Answers(figures, {key: entry["refused"] for key, entry in entries.items() if "refused" in entry})


def settings_for(model: str) -> dict[str, Any]:
    """Of a model that generates nothing, analyze refuses to say what generation costs."""
    return SETTINGS if model == "gpt2" else {k: v for k, v in SETTINGS.items() if k != "generation"}


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
    decoder = model == "gpt2" or question == "comparison"
    asked = [
        ref.key
        for ref in map(parse_quantity, KEYS)
        if ref.quantity.key not in (*BY_NAME_ONLY, *NOT_SHOWN.get(question, ()))
        and (decoder or "generation" not in ref.quantity.needs)
    ]
    for key in asked:
        shown = answers.figures.get(key), answers.refused.get(key)
        if key == "peak_activation_bytes" and key in right.refused:
            assert shown == (None, None)  # of an open peak the report has no total, and a remark says why
        else:
            assert shown == (right.figures.get(key), right.refused.get(key)), key


@pytest.mark.parametrize("model", MODELS)
def test_a_quantity_is_a_figure_or_a_refusal_and_never_0_for_want_of_one(
    model: str, measured: dict[str, Answers]
) -> None:
    answers = measured[model]
    assert sorted([*answers.figures, *answers.refused]) == sorted(KEYS)
    assert [key for key, value in answers.figures.items() if value == 0 and value is not False] in ([], ["buffers"],
        ["optimizer_bytes"], ["buffers", "optimizer_bytes"])  # fmt: skip


def test_every_quantity_of_the_catalogue_is_computed() -> None:
    assert list(FIGURES) == list(CATALOGUE)
