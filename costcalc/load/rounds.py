"""What the rounds of a `repeat:` differ in: nothing (`times:`), or what names stand for (`for:` and `in:`).

    repeat: {for: kernel, in: kernels, layers: […]}
    repeat: {for: [kernel, width], in: [kernels, [16, 24, 40]], layers: […]}

`for:` names the element of the list at `in:`, a parameter or a list that stands there; several names take an element
each of as many lists of one length. So the choices of a network, block by block, are parameters of its file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.load.items import Item, LayerAdder, needed
from costcalc.load.yaml_nodes import Scalar, Seq

Round = Mapping[str, Any]


class Same(Sequence[Round]):
    """So many rounds that differ in nothing."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __len__(self) -> int:
        return self.times

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self.times:
            raise IndexError(index)
        return {}


def each(e: LayerAdder, item: Item, names: Mapping[str, Any]) -> list[Round]:
    """A round for each element of the list at `in:`, or of each of the lists. SpecError where these are none."""
    error = e.reader.error
    if "times" in item.options:
        raise error(
            item.keys["times"], "`times:` stands beside `for:` and `in:`", "keep one: a list has its own length"
        )
    given, node = needed(item, "for", e.reader), needed(item, "in", e.reader)
    several = isinstance(given, Seq)
    words = given.items if isinstance(given, Seq) else [given]
    called = [word.text for word in words if isinstance(word, Scalar) and word.text.isidentifier()]
    if len(called) != len(words) or not called or len(set(called)) != len(called):
        raise error(given, "`for:` is no name", "write `for: kernel`, or `for: [kernel, width]` with as many lists")
    value = e.reader.value(node, names)
    lists = value if several and isinstance(value, list) else [value]
    if not all(isinstance(one, list) for one in lists):
        wrong = next(one for one in lists if not isinstance(one, list))
        raise error(node, f"`in:` holds {wrong!r}, which is no list", "name a list, or write one")
    if len(lists) != len(called):
        remedy = "give each name a list: `for: [a, b], in: [first, second]`"
        raise error(node, f"`for:` has {len(called)} names, `in:` {len(lists)} lists", remedy)
    if len({len(one) for one in lists}) > 1:
        lengths = ", ".join(str(len(one)) for one in lists)
        raise error(node, f"the lists of `in:` have {lengths} elements", "make them equally long")
    return [dict(zip(called, row, strict=True)) for row in zip(*lists, strict=True)]
