"""Layers that hold other layers (repeat, residual, branches, the file's own blocks) -> their layers in the graph.

Rounds of a `repeat:` are equal (`times:`), or differ in the values of names (`for:` and `in:`).

    repeat: {for: kernel, in: kernels, layers: […]}
    repeat: {for: [kernel, width], in: [kernels, [16, 24, 40]], layers: […]}

`index:` names the number of the round, from 0: `repeat: {times: depth, index: i, layers: […]}`; with it a layer takes
its choice from a list (`layer_types[i]`) and its name from its number (`as: layers.{i}`).

`for:` names the element of the list at `in:`, a parameter or a list that stands there; several names take an element
each of as many lists of one length. So the choices of a network, block by block, are parameters of its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from costcalc.core.assumptions import require_equal
from costcalc.core.budget import NODE_STEPS, spend
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError, ShapeError, SpecError, did_you_mean
from costcalc.frontends.yaml.document import Map, Scalar, Seq
from costcalc.frontends.yaml.items import (
    BlockDefinition,
    LayerAdder,
    LayerItem,
    Scope,
    Values,
    check_options,
    require_option,
)
from costcalc.frontends.yaml.layers.base import LAYERS, LayerKey, Site

Round = Mapping[str, Any]


def rounds_of_lists(adder: LayerAdder, item: LayerItem, names: Mapping[str, Any]) -> list[Round]:
    """A round for each element of the list at `in:`, or of each of the lists. SpecError where these are none."""
    error = adder.reader.error
    if "times" in item.options:
        raise error(
            item.keys["times"], "`times:` stands beside `for:` and `in:`", "keep one: a list has its own length"
        )
    names_node, node = require_option(item, "for", adder.reader), require_option(item, "in", adder.reader)
    several = isinstance(names_node, Seq)
    name_nodes = names_node.items if isinstance(names_node, Seq) else [names_node]
    loop_names = [
        name_node.text for name_node in name_nodes if isinstance(name_node, Scalar) and name_node.text.isidentifier()
    ]
    if len(loop_names) != len(name_nodes) or not loop_names or len(set(loop_names)) != len(loop_names):
        raise error(
            names_node, "`for:` is no name", "write `for: kernel`, or `for: [kernel, width]` with as many lists"
        )
    value = adder.reader.value(node, names)
    lists = value if several and isinstance(value, list) else [value]
    if not all(isinstance(elements, list) for elements in lists):
        scalar = next(elements for elements in lists if not isinstance(elements, list))
        raise error(node, f"`in:` holds {scalar!r}, which is no list", "name a list, or write one")
    if len(lists) != len(loop_names):
        remedy = "give each name a list: `for: [a, b], in: [first, second]`"
        raise error(node, f"`for:` has {len(loop_names)} names, `in:` {len(lists)} lists", remedy)
    if len({len(elements) for elements in lists}) > 1:
        lengths = ", ".join(str(len(elements)) for elements in lists)
        raise error(node, f"the lists of `in:` have {lengths} elements", "make them equally long")
    return [dict(zip(loop_names, row, strict=True)) for row in zip(*lists, strict=True)]


MAX_CALLS = 50

MAX_LAYERS = 1_000_000

MERGES = {"add": "Add", "mul": "Mul", "concat": "Concat"}

TIMES, AXIS, INDEX = LayerKey("int"), LayerKey("int", 1), LayerKey("text")

MERGE = LayerKey("word", choices=tuple(MERGES))


def add_repeat(adder: LayerAdder, item: LayerItem, scope: Scope, current: Values, plural: frozenset[str]) -> Values:
    """Adds the layers of a `repeat:`, round by round; returns the last round's values. SpecError for more than
    MAX_LAYERS layers."""
    check_options(item, ("times", "for", "in", "index", "layers"), adder.reader)
    if "for" in item.options or "in" in item.options:
        rounds: Iterable[Round] = (lists := rounds_of_lists(adder, item, scope.names))
        node, times = item.options["in"], len(lists)
    else:
        node = require_option(item, "times", adder.reader)
        times = adder.reader.integer(TIMES, "times", node, scope.names)
        if times < 0:
            raise adder.reader.error(node, f"times is {times}", "it is at least 0")
        rounds = ({} for _ in range(times))
    index = adder.reader.text(INDEX, "index", item.options["index"], {}) if "index" in item.options else ""
    if index and not index.isidentifier():
        raise adder.reader.error(item.options["index"], f"index is {index!r}", "write a name: `index: i`")
    body = require_option(item, "layers", adder.reader)
    if not isinstance(body, Seq):
        raise adder.reader.error(body, "the layers are no list", "start each layer with `- `")
    if times * len(body.items) > MAX_LAYERS:
        raise adder.reader.error(
            node, f"it repeats {len(body.items)} layers {times:,} times", f"at most {MAX_LAYERS:,} in all"
        )
    if not body.items:
        return current
    outer_names = scope.names
    scope.repeating += 1
    for number, names in enumerate(rounds):
        scope.names = {**outer_names, **names, **({index: number} if index else {})}
        spend(2 * NODE_STEPS * len(body.items))
        for entry in body.items:
            current = adder.layer(adder.item(entry), scope, current, plural)
    scope.names = outer_names
    scope.repeating -= 1
    return current


def add_residual(adder: LayerAdder, item: LayerItem, scope: Scope, inputs: Values) -> Values:
    """Adds a body and a shortcut (the input by default) and merges them (Add by default)."""
    check_options(item, ("body", "shortcut", "merge"), adder.reader)
    merge = item.options.get("merge")
    op = MERGES[adder.reader.read(MERGE, "merge", merge, scope.names)] if merge else "Add"
    body = adder.layers(require_option(item, "body", adder.reader), scope, inputs[0])[0]
    shortcut = inputs[0]
    if "shortcut" in item.options:
        inner = scope.inner("shortcut", {})
        shortcut = adder.layers(item.options["shortcut"], inner, inputs[0])[0]
    return (add_merge(adder, item, scope, op, [body, shortcut], 1),)


def add_branches(adder: LayerAdder, item: LayerItem, scope: Scope, inputs: Values) -> Values:
    """Adds paths from one input and merges them (Concat along axis 1 by default)."""
    paths = item.body
    op, axis = "Concat", 1
    if isinstance(paths, Map):
        check_options(item, ("merge", "axis", "paths"), adder.reader)
        if "merge" in item.options:
            op = MERGES[adder.reader.read(MERGE, "merge", item.options["merge"], scope.names)]
        if "axis" in item.options:
            axis = adder.reader.integer(AXIS, "axis", item.options["axis"], scope.names)
        paths = require_option(item, "paths", adder.reader)
    if isinstance(paths, Map):
        named_paths = list(paths.values.items())
    elif isinstance(paths, Seq):
        named_paths = [(f"path{i + 1}", path) for i, path in enumerate(paths.items)]
    else:
        raise adder.reader.error(item.node, "branches has no paths", "write a list of lists of layers")
    if not named_paths:
        raise adder.reader.error(item.node, "branches has no paths", "write a list of lists of layers")
    ends = [adder.layers(path, scope.inner(name, {}), inputs[0])[0] for name, path in named_paths]
    return (add_merge(adder, item, scope, op, ends, axis),)


def add_merge(adder: LayerAdder, item: LayerItem, scope: Scope, op: str, ends: Sequence[str], axis: int) -> str:
    """Adds the operator that merges the ends of paths; returns its output. ShapeError where an Add's ends differ in
    shape."""
    place = item.place
    path = "/".join((*scope.path, op.lower()))
    site = Site(adder.builder, path, scope.path, ends, place, adder.by_rows)
    if op == "Concat":
        return site.op(op, ends, {"axis": axis})
    if op == "Add":
        _check_sum(adder, item, ends)
    result = LAYERS[op.lower()].emit(site)
    assert isinstance(result, str)
    return result


def _check_sum(adder: LayerAdder, item: LayerItem, ends: Sequence[str]) -> None:
    """Paths that are added must have one shape: a sum that broadcasts is a mistake here."""
    shapes = [adder.builder.types[end].shape for end in ends]
    for shape in shapes[1:]:
        first = shapes[0]
        if first is None or shape is None or first == shape:
            continue
        try:
            if len(first) != len(shape):
                raise ShapeError("their ranks differ", "")
            for a, b in zip(first, shape, strict=True):
                require_equal(a, b)
        except ShapeError as error:
            names = "the body and the shortcut" if item.kind == "residual" else "the paths"
            texts = " and ".join("[" + ", ".join(map(str, s)) + "]" for s in (first, shape))
            raise ShapeError(f"{names} give {texts}, which cannot be added", _remedy(item, first, shape)) from error


def _remedy(item: LayerItem, body: Sequence[Dim], shortcut: Sequence[Dim]) -> str:
    if item.kind != "residual":
        return "make their shapes equal"
    if len(body) == len(shortcut) and body[:1] == shortcut[:1] and body[2:] == shortcut[2:]:
        return f"give it a `shortcut:` that ends in {body[1]} channels (pointwise_conv, or pad_channels)"
    return "pad the body's convolutions (`pad: same`), or give it a `shortcut:` with the same strides"


def add_block(
    adder: LayerAdder, block: BlockDefinition, item: LayerItem, name: str, scope: Scope, inputs: Values
) -> Values:
    """Adds the layers of a block with the arguments of its use. SpecError for unknown or missing arguments, and for a
    block that uses itself."""
    if block.name in scope.calls:
        raise adder.reader.error(item.node, f"the block {block.name!r} uses itself", "use repeat")
    arguments = read_block_arguments(adder, block, item, scope)
    if len(inputs) < len(block.inputs):
        raise adder.reader.error(
            item.node, f"the block {block.name!r} reads {len(block.inputs)} values", "name them in `from:`"
        )
    inner = Scope(arguments, dict(zip(block.inputs, inputs, strict=False)), (*scope.path, name), scope)
    inner.calls = (*scope.calls, block.name)
    if "weights" in item.options and "weights" not in block.args:
        inner.shared = adder.earlier_block(item.options["weights"], scope)
    if len(inner.calls) > MAX_CALLS:
        raise SpecError(f"blocks are nested more than {MAX_CALLS} deep", "use fewer")
    return adder.layers(block.layers, inner, inputs[0])


def read_block_arguments(adder: LayerAdder, block: BlockDefinition, item: LayerItem, scope: Scope) -> dict[str, Any]:
    """A use of a block -> the values of all names that are visible in it, its arguments among them. SpecError for
    unknown or missing arguments."""
    arguments: dict[str, Any] = dict(scope.names)
    errors: list[CostcalcError] = []
    for key in item.options:
        if key not in block.args and key != "weights":
            remedy = did_you_mean(key, block.args) or "its arguments are " + (", ".join(block.args) or "none")
            fact = f"the block {block.name!r} has no argument {key!r}"
            errors.append(adder.reader.error(item.keys[key], fact, remedy))
    adder.reader.raise_all(errors)  # an argument that is missing may be one that is misspelt
    for key, default in block.args.items():
        node = item.options.get(key)
        if node is not None:
            arguments[key] = adder.reader.value(node, scope.names)
        elif isinstance(default, Scalar) and default.is_null:
            fact = f"the block {block.name!r} needs {key!r}"
            errors.append(adder.reader.error(item.node, fact, f"add `{key}: …`"))
        else:
            arguments[key] = adder.reader.value(default, arguments)
    adder.reader.raise_all(errors)
    return arguments
