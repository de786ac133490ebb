"""An exported program of PyTorch (`.pt2`) -> Graph, without torch: the archive's directory and one JSON are read.

The sizes of all tensors stand in the program. costcalc's own rules infer them again, node by node: where they differ,
the node counts as unknown and a note says so, since one of the two is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import IO, Any

from costcalc.core.assumptions import Assumption, collect_assumptions, require_at_least
from costcalc.core.budget import spend
from costcalc.core.dim import Dim, substitute, symbol, symbols
from costcalc.core.errors import LoadError, UnknownNameError, UsageError, did_you_mean
from costcalc.core.ir import Graph
from costcalc.frontends.archive import Member, read_directory, read_member
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.pytorch.decomposition import join_products
from costcalc.frontends.pytorch.parameters import unread_parameters
from costcalc.frontends.pytorch.program import REMEDY, ExportedProgram, parse_program
from costcalc.frontends.pytorch.subclasses import unwrap_subclasses
from costcalc.frontends.pytorch.walker import OPSET, ProgramWalker
from costcalc.frontends.symbols import symbol_name
from costcalc.graph.builder import GraphBuilder

MAX_JSON_BYTES = 1 << 28
"""Bytes of the largest graph: a hundred thousand nodes."""


def read_program(file: IO[bytes], members: Mapping[str, Member] = {}) -> ExportedProgram:
    """A `.pt2` archive, and its directory if that was read before -> its program. LoadError where it is damaged, or
    holds none or several."""
    members = members or read_directory(file)
    names = [name for name in members if "/models/" in f"/{name}" and name.endswith(".json")]
    if not names:
        if any(name.endswith("serialized_exported_program.json") for name in members):
            raise LoadError("it was written by PyTorch 2.7 or earlier", "write it with PyTorch 2.8 or later")
        raise LoadError("the archive holds no exported program (models/*.json)", REMEDY)
    if len(names) > 1:
        raise LoadError(f"it holds {len(names)} programs: {', '.join(sorted(names)[:5])}", "write one program a file")
    document = _read_json(file, names[0], members[names[0]])
    program = parse_program(document)
    if not unread_parameters(program):
        return program
    config = names[0].replace("models/", "data/weights/").removesuffix(".json") + "_weights_config.json"
    if config not in members:
        return program
    return program._replace(storages=_parse_storages(_read_json(file, config, members[config])))


def _read_json(file: IO[bytes], name: str, member: Member) -> Any:
    """A member of the archive -> what its JSON says."""
    data = read_member(file, name, member, MAX_JSON_BYTES)
    spend(len(data) // 200)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise LoadError(f"{name} is no JSON: {str(error)[:100]}", REMEDY) from error


def _parse_storages(document: Any) -> dict[str, Hashable]:
    """The JSON of model_weights_config.json -> where each tensor is stored: its file in the archive, and its place in
    that. Tensors of the meta device share one empty file and have none."""
    config = document.get("config") if isinstance(document, dict) else None
    storages: dict[str, Hashable] = {}
    for name, entry in config.items() if isinstance(config, dict) else ():
        meta = entry.get("tensor_meta") if isinstance(entry, dict) else None
        device = meta.get("device") if isinstance(meta, dict) else None
        if meta and isinstance(device, dict) and device.get("type") != "meta":
            place = [meta.get(key) for key in ("storage_offset", "sizes", "strides", "dtype")]
            storages[name] = (str(entry.get("path_name")), json.dumps(place))
    return storages


def load_program(program: ExportedProgram, name: str, source: str, options: ReadOptions) -> Graph:
    """A program -> its graph, its symbols bound as the options say. UnknownNameError for names that it does not have,
    UsageError for sizes that it does not allow."""
    program = unwrap_subclasses(program)
    program = program._replace(graph=join_products(program.graph))
    binding = _bind(program, options)
    builder = GraphBuilder(name, source, {"": OPSET}, None, binding, options.upper)
    builder.notes.extend(program.notes)
    walker = ProgramWalker(builder, program, binding)
    with collect_assumptions() as assumptions:
        for key, (low, high) in program.ranges.items():
            _assume_range(binding.get(key, symbol(key)), key, low, high)
        ranges: tuple[Assumption, ...] = tuple(assumptions)
    with collect_assumptions():  # those that our own rules need hold where the program's sizes do
        outputs = walker.run()
    _check_names(program, builder, options)
    axes = input_axes(program)
    builder.symbols = dict(binding)
    builder.data_symbols.update({key: f"{name} (axis {axis})" for key, (name, axis) in axes.items()})
    return builder.build(outputs, ranges)


def input_axes(program: ExportedProgram) -> dict[str, tuple[str, int]]:
    """A program -> by symbol, the first input and axis that has just this extent."""
    axes: dict[str, tuple[str, int]] = {}
    for spec in program.inputs:
        type_ = program.graph.types.get(spec.value) if spec.kind == "input" else None
        for axis, extent in enumerate((type_ and type_.shape) or ()):
            key = symbol_name(extent)
            if key is not None:
                axes.setdefault(key, (spec.value, axis))
    return axes


def _bind(program: ExportedProgram, options: ReadOptions) -> dict[str, Dim]:
    """The values of symbols that dims and shapes give; dims may call a symbol by its input and axis: `x.0`."""
    symbol_of = {f"{name}.{axis}": key for key, (name, axis) in input_axes(program).items()}
    types = {spec.value: program.graph.types.get(spec.value) for spec in program.inputs if spec.kind == "input"}
    binding: dict[str, Dim] = {symbol_of.get(name, name): value for name, value in options.dims.items()}
    for name, shape in options.shapes.items():
        declared = types.get(name)
        if declared is None or declared.shape is None:
            remedy = did_you_mean(name, types) or "it has " + (", ".join(filter(None, types)) or "none")
            raise UnknownNameError(f"the program has no input {name!r}", remedy, argument="shapes", name=name)
        _bind_shape(name, declared.shape, shape, binding)
    return binding


def _check_names(program: ExportedProgram, builder: GraphBuilder, options: ReadOptions) -> None:
    """UnknownNameError where dims name a symbol that neither the program has, nor a loop that was added."""
    known = (
        set(symbols(*[d for t in program.graph.types.values() for d in t.shape or ()])) | builder.data_symbols.keys()
    )
    known |= {f"{name}.{axis}" for name, axis in input_axes(program).values()}
    for name in options.dims:
        if name not in known and name not in builder.short_names:
            remedy = did_you_mean(name, known) or _symbols_remedy(program, known)
            fact = f"--dim names {name!r}, which the program does not have"
            raise UnknownNameError(fact, remedy, argument="dims", name=name)


def _symbols_remedy(program: ExportedProgram, known: set[str]) -> str:
    """A program and the names of its symbols and axes -> each symbol once, `x.0 (s77)`, as --dim takes it."""
    axes = {key: f"{name}.{axis}" for key, (name, axis) in input_axes(program).items()}
    names = sorted(known - axes.keys() - set(axes.values()))
    listed = ", ".join([*(f"{axis} ({key})" for key, axis in axes.items()), *names])
    unnamed = any(re.fullmatch(r"s\d+", key) for key in axes)
    reason = "; torch.export.save does not keep the names of Dim" if unnamed else ""
    return f"it has {listed or 'none: export it with them'}{reason}"


def _bind_shape(name: str, declared: Sequence[Dim], shape: Sequence[Dim], binding: dict[str, Dim]) -> None:
    """Binds the symbols of an input's shape to its extents."""
    if len(shape) != len(declared):
        raise UsageError(f"--shape {name} has {len(shape)} extents", f"the input has {len(declared)}")
    for axis, (extent, wanted) in enumerate(zip(declared, shape, strict=True)):
        key = symbol_name(extent)
        if key is not None and key not in binding:
            binding[key] = wanted
        elif substitute(extent, binding) != wanted:
            fact = (
                f"--shape {name} gives axis {axis} the extent {wanted}, the program has {substitute(extent, binding)}"
            )
            raise UsageError(fact, f"export it with dynamic_shapes={{{name!r}: {{{axis}: Dim.AUTO}}}}")


def _assume_range(value: Dim, key: str, low: int | None, high: int | None) -> None:
    """Assumes that a symbol lies in its range. ShapeError where its value does not."""
    remedy = "the program was exported for this range"
    if low is not None and low > 2:  # 2 stands for any: torch takes 0 and 1 too (torch/_export/utils.py)
        require_at_least(value, low, f"{key} is {value}, the program takes {low} or more", remedy)
    if high is not None and high < 1 << 31:
        require_at_least(high, value, f"{key} is {value}, the program takes {high} at most", remedy)
