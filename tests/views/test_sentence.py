"""The sentence that a comment opens with is true in each case."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from support.check_results import (
    BEFORE,
    BROKEN,
    EXCEEDED,
    FINE,
    KEPT,
    LOWERED,
    NOW,
    UNKNOWN,
    UNREAD,
    broken,
    layer,
    result,
    snapshot,
)

from costcalc.rules import symbol
from costcalc.studies.check.verdict import CheckResult, ModelCheck, ModelLineage, SourcePlace, Suppression, Verdict
from costcalc.studies.diff.diff import diff
from costcalc.studies.diff.snapshot import Snapshot
from costcalc.views.sentence import check_sentence, diff_sentence


def model(name: str, *verdicts: Verdict, now: Snapshot = NOW, before: Snapshot | None = None) -> ModelCheck:
    return ModelCheck(name, "", f"{name}.yaml", verdicts, now, before)


def many(*models: ModelCheck, lineage: ModelLineage | None = None) -> str:
    return check_sentence(CheckResult(models, (), False, lineage or ModelLineage()))


def changed(new: Snapshot, old: Snapshot = BEFORE) -> str:
    return check_sentence(result(KEPT, snapshot=new, baseline=old))


OPEN = replace(EXCEEDED, outcome="unknown", fact="macs: whether it is within 5 cannot be told: it depends on seq; bind")
IGNORED = replace(EXCEEDED, suppression=Suppression(SourcePlace("net.yaml", 3)))
ANY = "net: MACs +66.7% (19.2 k → 32.0 k)"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (BROKEN, f"{ANY}, over its budget by 1; head was widened"),
        (FINE, "net: MACs 32.0 k, as before, within its budget"),
        (result(KEPT, snapshot=NOW), "net: MACs 32.0 k, within its budget"),
        (result(snapshot=NOW), "net: MACs 32.0 k, without a limit"),
        (broken(verdicts=(KEPT,)), f"{ANY}, within its budget; head was widened"),
        (broken(verdicts=(KEPT, IGNORED)), f"{ANY}, over 1 limit, which is ignored; head was widened"),
        (
            broken(verdicts=(EXCEEDED, replace(EXCEEDED, code="CC002", quantity="flops"), IGNORED)),
            f"{ANY}, over its budget by 1 and over 1 more limit (1 more ignored); head was widened",
        ),
        (broken(verdicts=(replace(EXCEEDED, lower_bound=True),)), f"{ANY}, over its budget by at least 1; head was widened"),
        (
            broken(verdicts=(replace(EXCEEDED, quantity="macs increase", code="CC201"),)),
            f"{ANY}, over the growth that is allowed by 1; head was widened",
        ),
        (broken(verdicts=(LOWERED,)), f"{ANY}, over its budget of time t4 by at least 1.00 ns (a warning); head was widened"),
        (
            broken(verdicts=(Verdict("CC014", "error", "fits t4", "boolean", False, True, "exceeded", "fits t4: no"),)),
            f"{ANY}, fits t4: no; head was widened",
        ),
        (
            broken(
                verdicts=(
                    Verdict(
                        "CC024", "error", "tokens_per_second t4", "per_second", Fraction(40), Fraction(50), "exceeded",
                        "", minimum=True,
                    ),
                )
            ),
            f"{ANY}, below the least that is asked of tokens_per_second t4 by 10.0 tokens/s; head was widened",
        ),
        (broken(verdicts=(OPEN,)), f"{ANY}; macs: whether it is within 5 cannot be told: it depends on seq; head was widened"),
        (CheckResult((UNREAD,)), f"broken cannot be read: {UNREAD.error}"),
        (CheckResult(()), "no model was checked"),
    ],
)  # fmt: skip
def test_of_one_model(found: CheckResult, said: str) -> None:
    assert check_sentence(found) == said


def test_what_was_done_to_the_layer() -> None:
    stem = layer("stem", 8, 6_400)
    assert changed(snapshot(stem, layer("head", 8, 6_400, "stem"))).endswith("; head was narrowed")
    added = snapshot(stem, layer("head", 16, 12_800, "stem"), layer("tail", 4, 3_200, "head"))
    assert changed(added).startswith("net: MACs +16.7% (19.2 k → 22.4 k)") and changed(added).endswith(
        "; tail was added"
    )
    assert changed(snapshot(stem)).endswith("; head was removed")
    other = replace(layer("head", 16, 9_000, "stem"), op_type="Gelu")
    assert changed(snapshot(stem, other)).endswith("; head is Gelu and was Conv")
    assert changed(snapshot(layer("stem", 16, 12_800), layer("head", 32, 25_600, "stem"))).endswith(
        "; head was widened and 1 more layer changed"
    )


def test_figures_that_are_bounds_or_formulas() -> None:
    unknown = replace(NOW.layers[0], amounts={**NOW.layers[0].amounts, "macs": None}, state="unknown")
    partly = replace(NOW, layers=(unknown, *NOW.layers[1:]), unknown={"com.acme:Op": 1})
    assert changed(partly).startswith("net: MACs 19.2 k → at least 32.0 k, within")
    seq = replace(NOW, totals={**NOW.totals, "macs": 100 * symbol("seq")})
    assert changed(seq).startswith("net: MACs 19.2 k → 100·seq, within")
    assert changed(replace(NOW, totals={**NOW.totals, "macs": 200 * symbol("seq")}), seq).startswith(
        "net: MACs +100.0% (100·seq → 200·seq)"
    )
    dearer = replace(NOW, upper_bound=True)
    assert changed(dearer).startswith("net: MACs 19.2 k → at most 32.0 k, within")


def test_two_figures_that_differ_never_read_as_equal() -> None:
    near = replace(BEFORE, totals={**BEFORE.totals, "macs": 19_201})
    assert changed(near).startswith("net: MACs +<0.1% (19,200 → 19,201), within its budget")


def test_of_several_models() -> None:
    over, fine = model("a", EXCEEDED, before=BEFORE), model("b", KEPT, before=NOW)
    told = "a: MACs +66.7% (19.2 k → 32.0 k), over its budget by 1; head was widened"
    assert many(fine, over) == told
    assert many(over, model("c", EXCEEDED), model("d", EXCEEDED)) == f"{told}; 2 more models are over a limit"
    assert many(over, model("c", UNKNOWN)) == f"{told}; 1 more model has a limit that cannot be told"
    assert many(over, model("c", KEPT, before=BEFORE)) == f"{told}; 1 more model changed"
    assert many(over, replace(over, scenario="big")) == f"{told}; 1 more scenario of it is over a limit"
    assert many(fine, model("c", KEPT, before=NOW)) == "no total of 2 models changed; all 2 limits are kept"
    assert many(fine, model("c", KEPT)) == "2 models were checked; all 2 limits are kept"
    assert many(fine, model("c", before=NOW)) == "no total of 2 models changed; the limit is kept"
    assert many(model("b"), model("c")) == "2 models were checked; there is no limit"
    assert many(model("b", IGNORED), model("c", KEPT)) == "2 models were checked; 1 limit is kept, 1 ignored"


def test_new_renamed_and_removed_models() -> None:
    lineage = ModelLineage((("a", 32_000),), (("old", "b"),), (("gone", 5_000), ("far", 1_000_000)))
    b = model("b", KEPT, before=NOW)
    assert many(model("a", EXCEEDED), b, lineage=lineage) == (
        "a is new (MACs 32.0 k), over its budget by 1; old is now b; gone (5.00 k MACs), far (1.00 M MACs) are no longer in the config"
    )
    assert many(b, model("a", KEPT), lineage=ModelLineage((("a", 32_000),))) == (
        "2 models were checked; all 2 limits are kept; a (32.0 k MACs) is new"
    )
    assert many(b, lineage=ModelLineage((), (), (("gone", 5_000),))) == (
        "b: MACs 32.0 k, as before, within its budget; gone (5.00 k MACs) is no longer in the config"
    )


def test_of_diffs() -> None:
    comparison = diff(BEFORE, replace(NOW, source="new.yaml"))
    said = "net: MACs +66.7% (19.2 k → 32.0 k); head was widened"
    assert diff_sentence([comparison]) == said
    nothing = diff(NOW, NOW)
    assert diff_sentence([nothing]) == "net: no total changed"
    assert diff_sentence([nothing, comparison, nothing]) == f"{said}; 2 more models changed"
    assert diff_sentence([], "No difference") == "No difference"
    absent = replace(NOW, source="", layers=(), totals=dict.fromkeys(NOW.totals, 0))
    assert diff_sentence([diff(absent, NOW)]) == "net is new (MACs 32.0 k)"
    assert diff_sentence([diff(NOW, absent)]) == "net is gone (it had MACs 32.0 k)"
    assert diff_sentence([comparison, diff(NOW, absent)]) == f"{said}; net (32.0 k MACs) is gone"
