"""Limits on any quantity under any settings: on the command line, in a config, from Python; and what a lock holds of it."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from support.cli import call
from support.graphs import unknown
from support.small_models import NET, mystery, write

import costcalc
from costcalc.cli.verdict_options import FORMATS
from costcalc.core.errors import ConfigError
from costcalc.core.quantities import CATALOGUE, Figure
from costcalc.render.check import render
from costcalc.render.terminal import Screen
from costcalc.rules import UsageError
from costcalc.studies.check import lock_file
from costcalc.studies.check.budget import Budget, Increase, Limit
from costcalc.studies.check.case import CheckCase, CheckFigure
from costcalc.studies.check.config_file import read
from costcalc.studies.check.judge import judge
from costcalc.studies.check.limits import parse_delta, parse_increases, parse_limit
from costcalc.studies.check.rules import CODES, INCREASES, RULES
from costcalc.studies.check.verdict import Verdict
from costcalc.studies.diff.snapshot import snapshot
from costcalc.studies.measurement import measure
from costcalc.studies.options import Settings

DATA = Path(__file__).parents[2] / "data" / "lock"


@pytest.mark.parametrize(
    ("text", "option", "limit"),
    [
        ("arena_bytes=256KiB", "--max", Limit("arena_bytes", 256 * 1024)),
        ("energy.stm32h743=1mJ", "--max", Limit("energy", Fraction(1, 1000), "stm32h743")),
        ("time.my/device.yaml=2.1 ms", "--max", Limit("time", Fraction(21, 10**4), "my/device.yaml")),
        ("training_macs=1.8G", "--max", Limit("training_macs", 1_800_000_000)),
        ("tokens_per_second.t4=50.5", "--min", Limit("tokens_per_second", Fraction(101, 2), "t4", None, True)),
        ("intensity=20", "--min", Limit("intensity", Fraction(20), minimum=True)),
        ("fits.stm32h743", "--require", Limit("fits", True, "stm32h743", None, True)),
        ("fits.stm32h743=true", "--max", Limit("fits", True, "stm32h743", None, True)),
        ("ops.Gelu=0", "--max", Limit("ops", 0, "Gelu")),
    ],
)
def test_a_limit_is_read_in_the_unit_of_its_quantity(text: str, option: str, limit: Limit) -> None:
    assert parse_limit(text, option) == limit


@pytest.mark.parametrize(
    ("text", "option", "words"),
    [
        ("arena=1", "--max", "did you mean 'arena_bytes'"),
        ("energy=1mJ", "--max", "write it as energy.t4=1mJ"),
        ("arena_bytes.t4=1", "--max", "write it as arena_bytes=256KiB"),
        ("energy.t4=1ms", "--max", "is no energy"),
        ("training_macs=1GiB", "--max", "is in bytes"),
        ("tokens_per_second.t4=50", "--max", "the better the more it is; hold it with --min tokens_per_second.t4=50"),
        ("macs=5", "--min", "macs is held from above"),
        ("macs", "--require", "use --max or --min"),
        ("fits.t4=no", "--require", "is no limit of what holds or does not"),
    ],
)
def test_what_cannot_be_held_is_refused(text: str, option: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_limit(text, option)


def test_increases_are_of_every_quantity_that_is_a_number() -> None:
    assert parse_increases("time.t4=2%") == [Increase("time", Fraction(1, 50), of="t4")]
    assert parse_increases("energy.t4=1 uJ") == [Increase("energy", None, Fraction(1, 10**6), of="t4")]
    assert parse_delta("time.t4=1 us") == (("time.t4",), Fraction(1, 10**6))
    with pytest.raises(UsageError, match=r"no quantity 'fits\.t4'"):
        parse_increases("fits.t4=0")
    with pytest.raises(UsageError, match=r"write time\.t4"):
        parse_increases("time=0")


def test_every_quantity_has_a_rule_of_its_own() -> None:
    assert len(set(CODES.values())) == len(CODES) and not {10, 11, 12} & set(CODES.values())
    assert [f"CC{number:03}" in RULES for number in CODES.values()] == [True] * len(CODES)
    assert set(CATALOGUE) - set(INCREASES) == {"fits"}
    assert "estimate of its order of magnitude" in RULES["CC016"].holds
    assert "--require fits.t4" in RULES["CC017"].remedy and "`min: " in RULES["CC027"].remedy


def config(tmp_path: Path, text: str) -> Any:
    (tmp_path / "costcalc.yaml").write_text(dedent(text), encoding="utf-8")
    return read(tmp_path / "costcalc.yaml")


def test_a_config_has_a_key_for_every_setting(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """\
        models:
          - path: a
            fuse: true
            align: 64
            training: {optimizer: sgd, freeze: [stem*, head]}
            generation: {prompt: 128, generate: 32, cache_dtype: int8}
            devices: [t4, a100]
            scenarios:
              same:
              other: {fuse: false, execution: {in_place: true}, training: true, generation: none, devices: t4}
              changed: {training: {checkpoint: true}, generation: {batch: 8}, align: none}
          - b
        """,
    )
    first: dict[str, Any] = {
        "execution": {"fuse": True, "align": 64},
        "training": {"optimizer": "sgd", "freeze": ("stem*", "head")},
        "devices": ("t4", "a100"),
        "generation": {"prompt": 128, "generate": 32, "cache_dtype": "int8"},
    }
    assert [entry.settings.to_dict() for entry in found.entries] == [
        first,
        {"execution": {"in_place": True, "align": 64}, "training": first["training"], "devices": ("t4",)},
        first
        | {
            "execution": {"fuse": True},
            "training": first["training"] | {"checkpoint": True},
            "generation": first["generation"] | {"batch": 8},
        },
        {},
    ]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("models: [{path: a, fuse: 3}]", "1:26", "fuse is neither true nor false"),
        ("models: [{path: a, align: 0}]", "1:27", "give a whole number of at least 1"),
        ("models: [{path: a, training: {optimiser: sgd}}]", "1:31", "did you mean 'optimizer'"),
        ("models: [{path: a, training: {optimizer: lion}}]", "1:42", "there is no 'lion'; there are sgd"),
        ("models: [{path: a, generation: {cache_dtype: in8}}]", "1:46", "did you mean 'int8'"),
        ("models: [{path: a, devices: [[t4]]}]", "1:30", "devices is no word"),
        ("models: [a]\nlimits: {energy: {t4: 1 ms}}", "2:23", "t4: '1 ms' is no energy"),
        ("models: [a]\nlimits: {arena: 1}", "2:10", "did you mean 'arena_bytes'"),
        ("models: [a]\nlimits: {tokens_per_second: {t4: 5}}", "2:30", "in a config with `min:`"),
        ("models: [a]\nmin: {macs: 5}", "2:7", "in a config `limits:`"),
        ("models: [a]\nlimits: {fits: {t4: false}}", "2:21", "is no limit of what holds or does not"),
        ("models: [a]\nmax_increase: {fits: {t4: 1}}", "2:16", "has no key 'fits'"),
    ],
)
def test_what_breaks_the_form_is_refused_at_its_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        config(tmp_path, text)
    assert f"costcalc.yaml:{place}" in str(error.value) and words in str(error.value)


def test_devices_stand_behind_a_dot_in_a_mapping_or_in_a_list(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """\
        models: [{path: a, scenarios: {all: , some: {limits: {energy: none, fits.t4: none}, max_increase: {time: {t4: none}}}}}]
        limits: {energy: {t4: 1 mJ}, energy.a100: 2 mJ, fits: [t4, a100]}
        min: {tokens_per_second: {t4: 50}}
        max_increase: {time: {t4: 2%}, time.a100: 1 us, macs: 0}
        min_delta: {time: {t4: 3 ns}}
        """,
    )
    every, some = [entry.budget for entry in found.entries]
    assert [(one.quantity, one.of, one.most) for one in every.limits] == [
        ("energy", "t4", Fraction(1, 1000)),
        ("energy", "a100", Fraction(2, 1000)),
        ("fits", "t4", True),
        ("fits", "a100", True),
        ("tokens_per_second", "t4", 50),
    ]
    assert [(one.ref.key, one.share, one.most, one.delta) for one in every.increases] == [
        ("macs", None, 0, 0),
        ("time.t4", Fraction(1, 50), 0, Fraction(3, 10**9)),
        ("time.a100", None, Fraction(1, 10**6), 0),
    ]
    assert [one.of for one in some.limits] == ["a100", "t4"]
    assert [one.ref.key for one in some.increases] == ["macs", "time.a100"]


def verdict(limit: Limit, figure: Figure | None, model: Any = "lenet5", **more: Any) -> Verdict:
    case = CheckCase(
        snapshot(costcalc.analyze(model)), Budget((limit,)), figures={limit.ref: CheckFigure(figure, **more)}
    )
    return next(one for one in judge(case) if one.quantity != "unknown_ops")


HALF, ONE = Fraction(1, 2), Fraction(1)


@pytest.mark.parametrize(
    ("limit", "figure", "outcome", "words"),
    [
        (Limit("compulsory_bytes", 10), Figure(10, "lower"), "kept", "a lower bound"),
        (Limit("compulsory_bytes", 9), Figure(10, "lower"), "exceeded", "already the lower bound is above"),
        (Limit("energy", ONE, "t4"), Figure(ONE, "estimate"), "kept", "1.00 J of at most 1.00 J"),
        (Limit("energy", HALF, "t4"), Figure(ONE, "estimate"), "exceeded", "(an estimate of its order of magnitude)"),
        (Limit("tokens_per_second", ONE, "t4", None, True), Figure(ONE, "upper"), "kept", "an upper bound"),
        (
            Limit("tokens_per_second", ONE, "t4", None, True),
            Figure(HALF, "upper"),
            "exceeded",
            "0.50 tokens/s of at least 1.00 tokens/s, missed by 0.50 tokens/s (50.0%) (already the upper bound is below)",
        ),
        (Limit("intensity", ONE, minimum=True), Figure(HALF), "exceeded", "missed by 0.50 FLOP/byte (50.0%)"),
        (Limit("fits", True, "t4", None, True), Figure(True), "kept", "fits t4: yes"),
        (Limit("fits", True, "t4", None, True), Figure(False), "exceeded", "name another device, or take it out"),
    ],
)
def test_what_a_bound_and_an_estimate_decide(limit: Limit, figure: Figure, outcome: str, words: str) -> None:
    found = verdict(limit, figure)
    assert found.outcome == outcome and found.code == f"CC{CODES[limit.quantity]:03}"
    assert words in f"{found.fact}; {found.remedy}"


def test_what_is_not_known_is_never_kept() -> None:
    """Operators without a rule, figures that a profile lacks, quantities that a model does not have."""
    below, above = [verdict(Limit("arena_bytes", most), Figure(10, "lower"), unknown()) for most in (10, 9)]
    assert (below.outcome, below.code) == ("unknown", "CC101")
    assert above.outcome == "exceeded"
    assert above.fact.startswith(
        "arena_bytes: at least 10 bytes of at most 9 bytes, exceeded by at least 1 byte (11.1%)"
    )
    lack = verdict(Limit("energy", ONE, "t4"), Figure(HALF, "lower"), why="no energy of fp8", incomplete=True)
    assert (lack.outcome, lack.code) == ("unknown", "CC107") and "no energy of fp8" in lack.fact
    none = verdict(Limit("kv_cache_bytes", 10**12), None, why="it generates nothing", remedy="take a decoder")
    assert (none.outcome, none.code, none.value, none.remedy) == ("unknown", "CC107", None, "take a decoder")


@pytest.mark.parametrize(("quantity", "figure"), [("intensity", Figure(ONE, "upper")), ("fits", Figure(False))])
def test_of_an_open_branch_the_dearer_one_is_counted(quantity: str, figure: Figure) -> None:
    """The other one may have less intensity, and may fit."""
    limit = Limit(quantity, True if quantity == "fits" else HALF, "t4" if quantity == "fits" else "", None, True)
    now = snapshot(costcalc.analyze("lenet5"))
    (found,) = judge(CheckCase(now, Budget((limit,)), figures={limit.ref: CheckFigure(figure)}, open=("if",)))
    assert (found.outcome, found.code) == ("unknown", "CC103")


def test_settings_of_the_command_line_hold_for_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    execution = {"fuse": True, "in_place": True}
    right = measure("lenet5", Settings.of(act_dtype="int8", execution=execution, training={"optimizer": "sgd"}))
    arena, peak = right.number("arena_bytes"), right.number("peak_activation_bytes")
    training = right.number("training_bytes")
    options = ["--fuse", "--in-place", "--act-dtype", "int8", "--training", "--optimizer", "sgd"]

    def limits(less: int) -> list[str]:
        figures = {"arena_bytes": arena, "peak_activation_bytes": peak, "training_bytes": training}
        return [word for name, value in figures.items() for word in ("--max", f"{name}={int(value) - less}")]

    assert call(capsys, "check", "lenet5", *options, *limits(0))[0] == 0
    code, out, _ = call(capsys, "check", "lenet5", *options, *limits(1))
    assert code == 1 and out.count("over") == 3
    assert call(capsys, "check", "lenet5", "--max", f"arena_bytes={arena}")[0] == 1
    code, _, err = call(capsys, "check", "lenet5", "--optimizer", "sgd", "--max", "macs=1G")
    assert code == 2 and "add --training" in err


def test_a_quantity_that_a_model_does_not_have_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "check", "lenet5", "--max", "kv_cache_bytes=1EiB", "--max", "macs=1G")
    assert code == 2 and "the model generates nothing" in out
    code, out, _ = call(capsys, "check", "lenet5", "--require", "fits.stm32h743")
    assert code == 0 and "fits stm32h743  yes of yes" in out
    code, out, _ = call(capsys, "check", "mobilenet", "--require", "fits.stm32h743")
    assert code == 1 and "need 17,015,456 bytes of flash" in " ".join(out.split())


def test_a_limit_without_a_device_holds_for_each_of_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--hardware", "t4,stm32h743", "--max", "energy=1J", "--require", "fits"]
    code, out, _ = call(capsys, "check", "lenet5", *options)
    assert (
        code == 0
        and [f"{key} {name}" in out for key in ("energy", "fits") for name in ("t4", "stm32h743")] == [True] * 4
    )
    assert call(capsys, "check", "lenet5", "--max", "energy=1J")[0] == 2


def test_settings_beside_a_config_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, net_yaml=NET, costcalc_yaml="models: [net.yaml]")
    for options in (["--fuse"], ["--training"], ["--prompt", "512"], ["--hardware", "t4"], ["--dim", "N=1"]):
        code, _, err = call(capsys, "check", *options)
        assert code == 2 and f"{options[0]} does not go with the config" in err


def test_from_python_limits_stand_for_a_config() -> None:
    outcome = costcalc.check(
        None,
        "lenet5",
        limits={"macs": 416_520, "arena_bytes": "22 KiB", "fits.stm32h743": True},
        minimums={"intensity": "1.5"},
        execution={"fuse": True},
    )
    assert [v.outcome for v in outcome.verdicts] == ["kept", "exceeded", "kept", "kept"]
    with pytest.raises(UsageError, match="limits are for models that are named"):
        costcalc.check(limits={"macs": 1})
    with pytest.raises(UsageError, match="execution does not go with a config"):
        costcalc.check(execution={"fuse": True})


def test_all_formats_show_all_quantities_with_their_units() -> None:
    outcome = costcalc.check(
        None,
        "lenet5",
        limits={"energy.stm32h743": "1 uJ", "arena_bytes": 1},
        minimums={"intensity": 1000},
    )
    for form in FORMATS:
        text = render(form, outcome, Screen())
        assert "2.25" in text, form
        if form not in ("json", "sarif", "svg"):
            assert "FLOP/byte" in text and "µJ" in text, form
    entries = json.loads(render("json", outcome, Screen()))["models"][0]["verdicts"]
    assert [(v["kind"], v.get("minimum"), v.get("certainty")) for v in entries] == [
        ("bytes", None, None),
        ("flop_per_byte", True, None),
        ("joules", None, "estimate"),
    ]


def test_a_lock_of_settings_without_new_quantities_is_what_it_was(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """tests/data/lock/costcalc.lock.json was written before a lock held figures."""
    shutil.copytree(DATA, here / "old")
    written = (here / "old" / "costcalc.lock.json").read_bytes()
    assert call(capsys, "lock", "--config", "old/costcalc.yaml")[1].endswith("is up to date\n")
    (here / "old" / "costcalc.lock.json").unlink()
    assert call(capsys, "lock", "--config", "old/costcalc.yaml")[0] == 0
    assert (here / "old" / "costcalc.lock.json").read_bytes() == written


LOCKED = """\
models:
  - path: net.yaml
    fuse: true
    devices: [stm32h743]
max_increase: {time: {t4: 0}, training_bytes: 2%, energy.t4: 50%, arena_bytes: 10%}
min_delta: {time: {t4: 0}}
"""


def test_a_lock_holds_the_settings_and_the_figures_of_its_increases(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, net_yaml=NET, costcalc_yaml=LOCKED)
    assert call(capsys, "lock")[0] == 0
    (entry,) = lock_file.read_lock("costcalc.lock.json").entries
    assert entry.settings == {"devices": ("stm32h743",), "execution": {"fuse": True}, "training": True}
    right = measure("net.yaml", Settings.of(**entry.settings))
    assert entry.figures == {key: right.figure(key) for key in entry.figures}
    own = ["time", "energy", "fits"]
    assert set(entry.figures) == {
        *("time.t4", "energy.t4", "training_bytes", "arena_bytes"),
        *(f"{key}.stm32h743" for key in own),
    }
    text = Path("costcalc.lock.json").read_text(encoding="utf-8")
    assert '"certainty": "lower"' in text and f'"value": "{right.number("time.t4")}"' in text
    assert call(capsys, "check")[0] == 0
    assert call(capsys, "lock", "--check")[0] == 0


def test_growth_of_any_quantity_is_held_to_its_baseline(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, net_yaml=NET, costcalc_yaml=LOCKED)
    call(capsys, "lock")
    write(here, net_yaml=NET.replace("filters: 2", "filters: 8"))
    outcome = costcalc.check()
    assert {v.code for v in outcome.verdicts if v.outcome == "exceeded"} == {"CC209", "CC216", "CC223"}
    time = next(v for v in outcome.verdicts if v.code == "CC209")
    assert time.quantity == "time t4 increase" and time.layer and "grew by" in time.fact
    assert any("time.t4 ≥ " in note for note in outcome.notes) or "and" in outcome.notes[0]
    write(here, net_yaml=NET, costcalc_yaml=LOCKED.replace("arena_bytes: 10%", "step_macs: 0, intensity: 0"))
    found = {v.code: v for v in costcalc.check().verdicts}
    assert "CC107" in found and "the model generates nothing" in found["CC107"].fact
    assert found["CC104"].fact == "intensity increase: the baseline has no such figure"


def test_a_lock_with_broken_figures_is_refused() -> None:
    good = (DATA / "costcalc.lock.json").read_text(encoding="utf-8")
    for figures in ('{"time.t4": {"value": 1}}', '{"tame": {"value": 1}}', '{"macs": {"value": 1, "certainty": "x"}}'):
        text = good.replace('"layers": [', f'"figures": {figures},\n"layers": [', 1)
        with pytest.raises(costcalc.CostcalcError, match="write it anew with `costcalc lock`"):
            lock_file.parse_lock(text, "f")
    with pytest.raises(costcalc.CostcalcError, match="has no setting 'fus'"):
        lock_file.parse_lock(good.replace('"settings": {', '"settings": {"execution": {"fus": true}, ', 1), "f")


def test_a_first_config_has_the_settings(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, net_yaml=NET)
    options = ["--fuse", "--training", "--optimizer", "sgd", "--hardware", "t4", "--act-dtype", "int8"]
    assert call(capsys, "check", "--init", "net.yaml", *options)[0] == 0
    (entry,) = read("costcalc.yaml").entries
    assert entry.settings == Settings.of(
        act_dtype="int8", execution={"fuse": True}, training={"optimizer": "sgd"}, devices="t4"
    )
    assert call(capsys, "check")[0] == 0


def test_an_allowed_operator_leaves_no_bound(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mystery(here / "m.onnx")
    limits = ["--max", "arena_bytes=1GiB", "--max", "time.t4=1s"]
    assert call(capsys, "check", "m.onnx", *limits)[0] == 2
    assert call(capsys, "check", "m.onnx", *limits, "--allow", "com.acme:Mystery")[0] == 0
