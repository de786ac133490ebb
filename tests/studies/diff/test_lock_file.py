"""A diff against a lock file says the same as one against the model that was locked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from support.snapshots import net, of, versions

from costcalc.core.quantities import CATALOGUE
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import lock_file
from costcalc.studies.diff.diff import diff
from costcalc.studies.diff.snapshot import Snapshot
from costcalc.studies.options import Settings
from costcalc.views.diff import diff_tables
from costcalc.views.diff_document import diff_document


def locked(snapshot: Snapshot) -> Snapshot:
    """What a lock file gives back."""
    text = lock_file.format_lock(lock_file.make_baseline([lock.make_entry("net", "", snapshot, Settings(), ".")]))
    return lock_file.parse_lock(text, "f").entries[0].snapshot


def same(before: Snapshot, after: Snapshot) -> None:
    kept = replace(locked(before), source=before.source)
    assert diff_document(diff(kept, after)) == diff_document(diff(before, after))
    assert not diff(kept, before).changes


@pytest.mark.parametrize(
    ("before", "after"),
    [("resnet34", "resnet50"), ("mobilenet_v2", "mobilenet"), ("gpt2", "gpt2"), ("lenet5", "alexnet")],
)
def test_built_in_models(before: str, after: str) -> None:
    same(of(before), of(after))
    same(of(before, symbolic=True), of(after, symbolic=True))


@settings(max_examples=25)
@given(versions())
def test_random_edits(pair: tuple[list[str], list[str], int, int]) -> None:
    old, new, size, new_size = pair
    same(net(*old, size=size), net(*new, size=new_size) if new else net("relu", size=new_size))


@settings(max_examples=25)
@given(versions())
def test_the_tables_sum_to_the_totals(pair: tuple[list[str], list[str], int, int]) -> None:
    old, new, size, new_size = pair
    found = diff(net(*old, size=size), net(*new, size=new_size) if new else net("relu", size=new_size))
    for one in diff_tables(found, 3)[1:]:
        for i, column in enumerate(one.columns):
            if column.kind == "change" and one.total_row is not None:
                rows = [*one.rows, *([one.remainder_row] if one.remainder_row else [])]
                assert sum(row[i] for row in rows) == one.total_row[i]
    totals = {row[0]: row[3] for row in diff_tables(found)[0].rows}
    for key, parts in found.causes.items():
        assert sum(parts.values()) == totals.get(CATALOGUE[key].label, 0)
