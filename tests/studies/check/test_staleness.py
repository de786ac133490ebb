"""What a rewritten lock file would say differently, in sentences."""

from dataclasses import replace

from costcalc import analyze
from costcalc.studies.check import baseline as lock
from costcalc.studies.check.baseline import Baseline, LockEntry
from costcalc.studies.check.staleness import describe_differences
from costcalc.studies.diff.snapshot import snapshot
from costcalc.studies.options import Settings


def of(model: str, **options: object) -> LockEntry:
    return lock.make_entry("net", "", snapshot(analyze(model, **options)), Settings.of(**options), ".")  # type: ignore[arg-type]


LENET = of("lenet5")


def test_nothing_where_the_file_would_stay_as_it_is() -> None:
    assert describe_differences(Baseline((LENET,)), [LENET]) == ()


def test_each_total_that_differs() -> None:
    batch = replace(of("lenet5", dims={"N": 2}), settings={})
    macs = LENET.snapshot.totals["macs"]
    said = describe_differences(Baseline((LENET,)), [batch])
    assert said[0] == f"net: macs {macs:,} → {2 * macs:,}"
    assert "net: bound symbols {N: 1} → {N: 2}" in said
    assert not any("params" in line for line in said)


def test_a_model_that_is_new_and_one_that_is_gone() -> None:
    other = replace(LENET, model="other", scenario="batch8")
    assert describe_differences(Baseline((LENET,)), [LENET, other]) == ("other (batch8): it is not locked yet",)
    assert describe_differences(Baseline((LENET, other)), [LENET]) == (
        "other (batch8): it is locked, but no longer a model of the config",
    )
    assert describe_differences(Baseline((LENET, other)), [LENET], all_models=False) == ()


def test_settings_and_layers_with_equal_totals() -> None:
    assert describe_differences(Baseline((LENET,)), [replace(LENET, settings={"dims": {"N": 1}})]) == (
        "net: settings none → {dims: {N: 1}}",
    )
    given = {"params": {"params": "0.5"}, "shapes": {"x": (1, "N")}, "symbolic": True}
    assert describe_differences(Baseline((LENET,)), [replace(LENET, settings=given)]) == (
        "net: settings none → {set: {params: 0.5}, shapes: {x: [1, N]}, symbolic: true}",
    )
    first, *rest = LENET.snapshot.layers
    renamed = replace(LENET, snapshot=replace(LENET.snapshot, layers=(replace(first, name="stem"), *rest)))
    assert describe_differences(Baseline((LENET,)), [renamed]) == ("net: with equal totals, other layers: stem",)
