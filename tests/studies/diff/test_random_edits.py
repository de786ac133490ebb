"""Random edits of random networks: every layer once, exact sums, nothing from nothing, and the way back."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.versions import QUANTITIES, net, sound, versions, written

import costcalc
from costcalc.core.dim import substitute

Versions = tuple[list[str], list[str], int, int]


@settings(max_examples=60)
@given(versions())
def test_differences_add_up_and_every_layer_occurs_once(pair: Versions) -> None:
    old, new, size, new_size = pair
    sound(net(*old, size=size), net(*new, size=new_size) if new else net("relu", size=new_size))


@settings(max_examples=30)
@given(versions(), versions())
def test_they_do_for_networks_that_have_nothing_in_common(one: Versions, other: Versions) -> None:
    sound(net(*one[0], size=one[2]), net(*other[0], size=other[3], channels=16))


@settings(max_examples=30)
@given(versions())
def test_an_unchanged_network_has_an_empty_diff(pair: Versions) -> None:
    result = sound(net(*pair[0]), net(*pair[0]))
    assert result.changes == () and result.causes == {}
    assert all(c.before and c.after and c.before.name == c.after.name for c in result.layers)


@settings(max_examples=30)
@given(versions())
def test_the_way_back_takes_what_the_way_there_gave(pair: Versions) -> None:
    old, new, size, new_size = pair
    assume(new)
    before, after = net(*old, size=size), net(*new, size=new_size)
    there, back = sound(before, after), sound(after, before)
    for quantity in QUANTITIES:
        assert there.totals(quantity) == back.totals(quantity)[::-1]


@settings(max_examples=25)
@given(versions(), st.integers(32, 64))
def test_open_symbols_add_up_as_polynomials_and_bind_to_the_same_sums(pair: Versions, size: int) -> None:
    old, new, _, _ = pair
    assume(new)
    result = sound(net(*old, size="S"), net(*new, size="S"))
    bound = costcalc.diff(net(*old, size=size), net(*new, size=size))
    for quantity in QUANTITIES:
        before, after = result.totals(quantity)
        assert before is not None and after is not None
        wanted = substitute(after - before, {"S": size, "N": 1})
        assert sum(substitute(part, {"S": size, "N": 1}) for part in result.causes.get(quantity, {}).values()) == wanted
        assert sum(bound.causes.get(quantity, {}).values()) == wanted


@settings(max_examples=40)
@given(versions(), st.integers(0, 11), st.sampled_from(("relu", "pointwise_conv: {filters: 8}", "softmax")))
def test_one_inserted_layer_is_one_added_layer(pair: Versions, at: int, text: str) -> None:
    old = [t for t in pair[0] if "residual" not in t]
    assume(old)
    at = min(at, len(old))
    before, after = net(*old), net(*old[:at], text, *old[at:])
    result = sound(before, after)
    assert len([c for c in result.layers if c.status == "added"]) == 1
    assert not [c for c in result.layers if c.status in ("removed", "changed")]
    assert not [c for c in result.layers if c.status == "renamed"]
    back = costcalc.diff(after, before)
    assert [c.status for c in back.changes if c.status != "follows"] == ["removed"]


@settings(max_examples=40)
@given(versions(), st.sampled_from(({"filters": 40}, {"kernel": 7}, {"stride": 3})), st.integers(0, 5))
def test_one_changed_layer_is_one_changed_layer(pair: Versions, change: dict[str, int], at: int) -> None:
    conv = {"kind": "conv", "filters": 8, "kernel": 3, "stride": 1}
    before, after = ([*pair[0][:at], written(spec), *pair[0][at:]] for spec in (conv, {**conv, **change}))
    result = sound(net(*before, size=32), net(*after, size=32))
    assert [c.status for c in result.changes if c.status != "follows"] == ["changed"]
