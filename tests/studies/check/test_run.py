"""A config is run: models are found, costed once, judged; one that cannot be read stops no other."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.check_results import place
from support.small_models import BROKEN, MACS, NET, PARAMS, TEXT, WIDER, mystery, write

import costcalc
from costcalc.rules import UsageError
from costcalc.studies import pipeline


def told(outcome: Any) -> list[tuple[str, str, str]]:
    return [(c.title, v.quantity, v.outcome) for c in outcome.models for v in c.verdicts]


def test_globs_names_built_in_models_and_scenarios(here: Path) -> None:
    write(
        here,
        models__a_yaml=NET,
        models__b_yaml=WIDER,
        other_yaml=TEXT,
        costcalc_yaml=f"""\
        models:
          - models/*.yaml
          - {{path: other.yaml, name: text, scenarios: {{short: {{dims: {{seq: 1}}}}, long: {{dims: {{seq: 1000}}}}}}}}
          - mobilenet
        limits: {{macs: {MACS}}}
        """,
    )
    outcome = costcalc.check()
    assert told(outcome) == [
        ("models/a.yaml", "macs", "kept"),
        ("models/b.yaml", "macs", "exceeded"),
        ("text (short)", "macs", "kept"),
        ("text (long)", "macs", "exceeded"),
        ("mobilenet", "macs", "exceeded"),
    ]
    assert outcome.exit_code == 1
    (b,) = outcome.models[1].verdicts
    assert (b.layer, b.place, b.limit_place) == (
        "stem",
        place("models/b.yaml", 3, 5),
        place("costcalc.yaml", 5, 10),
    )


def test_from_a_folder_below_files_are_named_as_seen_from_there(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, models__a_yaml=NET, costcalc_yaml="models: ['models/*']\nlimits: {macs: 1}")
    monkeypatch.chdir(here / "models")
    (checked,) = costcalc.check().models
    assert (checked.model, checked.source) == ("models/a.yaml", "a.yaml")
    assert checked.verdicts[0].place == place("a.yaml", 3, 5)
    (by_path,) = costcalc.check(None, "a.yaml").models
    assert by_path == checked


def test_of_a_config_only_the_named_models_are_checked(here: Path) -> None:
    write(
        here,
        models__a_yaml=NET,
        models__b_yaml=NET,
        c_yaml=NET,
        costcalc_yaml="""\
        models: ['models/*.yaml', {path: c.yaml, name: sea}]
        limits: {macs: 1M}
        """,
    )
    for words, names in (
        (("sea",), ["sea"]),
        (("./c.yaml",), ["sea"]),
        (("models/b.yaml", "sea"), ["models/b.yaml", "sea"]),
        (("models/*.yaml",), ["models/a.yaml", "models/b.yaml"]),
    ):
        assert [c.model for c in costcalc.check(None, *words).models] == names
    with pytest.raises(UsageError, match=r"no model 'd.yaml'; there are models/a.yaml"):
        costcalc.check(None, "d.yaml")


def test_what_cannot_be_read_is_told_with_its_line_and_stops_no_other(here: Path) -> None:
    write(
        here,
        a_yaml=BROKEN,
        b_yaml=NET,
        costcalc_yaml="""\
        models: [a.yaml, gone.yaml, none/*.yaml, b.yaml]
        limits: {macs: 1}
        """,
    )
    mystery(here / "m.onnx")
    outcome = costcalc.check()
    broken, gone, none, fine = outcome.models
    assert "filtres" in broken.error and broken.place == place("a.yaml", 5, 12)
    assert "gone.yaml" in gone.error and gone.place == place("costcalc.yaml", 1, 18)
    assert "no model fits the pattern" in none.error and none.place == place("costcalc.yaml", 1, 29)
    assert fine.verdicts[0].outcome == "exceeded"
    assert outcome.exit_code == 2, "2 wins over 1"


def test_a_crash_inside_one_model_is_2_and_never_1(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pipeline.analyze

    def analyze(source: Any, *settings: Any) -> Any:
        return 1 // 0 if source == "a.yaml" else real(source, *settings)

    monkeypatch.setattr("costcalc.studies.check.evaluate.analyze", analyze)
    write(here, a_yaml=NET, b_yaml=WIDER, costcalc_yaml="models: [a.yaml, b.yaml]\nlimits: {macs: 1}")
    outcome = costcalc.check()
    assert "bug in costcalc (ZeroDivisionError" in outcome.models[0].error
    assert outcome.models[1].verdicts[0].outcome == "exceeded"
    assert outcome.exit_code == 2


def test_a_name_bound_for_a_glob_holds_for_the_models_that_have_it(here: Path) -> None:
    write(
        here,
        m__a_yaml=NET,
        m__b_yaml=TEXT,
        costcalc_yaml="""\
        models: [{path: 'm/*', dims: {seq: 3}}]
        limits: {macs: 1}
        """,
    )
    assert [c.snapshot and c.snapshot.totals["macs"] for c in costcalc.check().models] == [MACS, 16 * 4 * 3]
    write(here, costcalc_yaml="models: [{path: 'm/*', dims: {sequence: 3}}]\nlimits: {macs: 1}")
    assert all("sequence" in c.error for c in costcalc.check().models)
    write(here, costcalc_yaml="models: [{path: m/a.yaml, dims: {seq: 3}}]\nlimits: {macs: 1}")
    assert "seq" in costcalc.check().models[0].error


def test_a_model_that_is_named_twice_is_refused(here: Path) -> None:
    write(here, a_yaml=NET, costcalc_yaml="models:\n  - 'a*.yaml'\n  - '*.yaml'")
    with pytest.raises(
        costcalc.CostcalcError, match=r"costcalc.yaml:3:5: .*named twice \(first at costcalc.yaml:2:5\)"
    ):
        costcalc.check()


def test_processes_give_the_same_outcome(here: Path) -> None:
    write(
        here,
        m__a_yaml=NET,
        m__b_yaml=BROKEN,
        m__c_yaml=NET,
        m__d_yaml=TEXT,
        costcalc_yaml="""\
        models: ['m/*', mobilenet]
        limits: {macs: 3k, time: {t4: 0}, peak_activation_bytes: 1 KiB, ops: {Relu: 0}, unknown_ops: 0}
        """,
    )
    mystery(here / "m" / "e.onnx")
    one = costcalc.check()
    assert one == costcalc.check(jobs=2)
    assert [bool(c.error) for c in one.models] == [False, True, False, False, False, False]
    a, c = one.models[0], one.models[2]
    assert [v.place and v.place.file for v in c.verdicts if v.layer] == ["m/c.yaml"] * 4, "equal content, its own lines"
    assert [v.value for v in a.verdicts] == [v.value for v in c.verdicts]


def test_equal_models_are_costed_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = pipeline.analyze

    def analyze(source: Any, *settings: Any) -> Any:
        asked.append(source)
        return real(source, *settings)

    monkeypatch.setattr("costcalc.studies.check.evaluate.analyze", analyze)
    write(
        here,
        m__a_yaml=NET,
        m__b_yaml=NET,
        m__c_yaml=WIDER,
        costcalc_yaml="""\
        models:
          - {path: 'm/*', scenarios: {x: {dims: {N: 1}}, y: {dims: {N: 2}}, z: {dims: {N: 1}, limits: {params: 1}}}}
        limits: {macs: 1G}
        """,
    )
    outcome = costcalc.check()
    assert sorted(asked) == ["m/a.yaml"] * 2 + ["m/c.yaml"] * 2
    assert [c.source for c in outcome.models if c.snapshot and c.snapshot.source == c.source] == [
        c.source for c in outcome.models
    ]
    assert len(outcome.models) == 9


def test_the_python_api(here: Path) -> None:
    write(here, a_yaml=NET, my_yaml=f"models: [a.yaml]\nlimits: {{params: {PARAMS}}}")
    assert costcalc.check("my.yaml").exit_code == 0
    with pytest.raises(costcalc.CostcalcError, match="--init"):
        costcalc.check()


def test_a_device_that_does_not_exist_is_refused_at_its_line(here: Path) -> None:
    write(here, a_yaml=NET, costcalc_yaml="models: [a.yaml]\nlimits:\n  time: {t44: 1 ms}")
    with pytest.raises(
        costcalc.CostcalcError, match=r"costcalc.yaml:3:10: there is no hardware profile 't44'; did you mean t4"
    ):
        costcalc.check()
    write(here, mine_yaml=MINE, costcalc_yaml="models: [a.yaml]\nlimits: {time: {mine.yaml: 8 s}}")
    (verdict,) = costcalc.check().verdicts
    assert (verdict.quantity, verdict.value) == ("time mine.yaml", 2 * MACS // 1000)


MINE = """\
name: Mine
kind: cpu
variant: a thousand operations a second
seen: 2026-01-31
peak: {float32: {value: 1000, source: by hand}}
"""


def test_a_peak_names_the_largest_output_and_no_graph_input(here: Path) -> None:
    """At the stem, the input's 8·100 floats and its own 4·100 are alive."""
    write(here, a_yaml=NET, costcalc_yaml="models: [a.yaml]\nlimits: {peak_activation_bytes: 4799}")
    (verdict,) = costcalc.check().verdicts
    assert (verdict.value, verdict.layer, verdict.share) == (4800, "stem", Fraction(1, 3))
    assert "the largest output that is then alive is of stem (33.3%)" in verdict.fact


def test_a_folder_stands_for_its_models(here: Path) -> None:
    write(here, m__a_yaml=NET, m__b_yaml=NET, m__c_txt="no model", costcalc_yaml="models: [m]")
    assert [c.model for c in costcalc.check().models] == ["m/a.yaml", "m/b.yaml"]


def test_a_file_that_is_named_is_no_globs(here: Path) -> None:
    """The exception to a glob has the limits of its own entry alone, in whatever order they stand, also under a name."""
    entries = ["{path: 'm/*.yaml', limits: {macs: 1}}", "{path: ./m/b.yaml, name: big, limits: {macs: 1G}}"]
    for order in (entries, entries[::-1]):
        write(here, m__a_yaml=NET, m__b_yaml=NET, costcalc_yaml="models:\n" + "".join(f"  - {one}\n" for one in order))
        models = {
            checked.model: [(v.limit, v.outcome) for v in checked.verdicts] for checked in costcalc.check().models
        }
        assert models == {"m/a.yaml": [(1, "exceeded")], "big": [(10**9, "kept")]}
    write(here, costcalc_yaml="models: ['m/*.yaml', m]\nlimits: {macs: 1}")
    with pytest.raises(costcalc.CostcalcError, match="named twice"):
        costcalc.check()
