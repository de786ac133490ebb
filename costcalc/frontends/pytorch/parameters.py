"""Parameters of an exported program that are one tensor under several names (tied weights).

torch.export keeps every name of such a tensor, but calls read the last one only. Which tensor an unread name stands for
follows from the archive's storages, or from the module whose call reads another module's tensor in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from costcalc.core.elision import list_names
from costcalc.core.ir import TensorType
from costcalc.frontends.pytorch.metadata import all_calls, parse_module_stack
from costcalc.frontends.pytorch.program import ExportedProgram, InputSpec, operator_name, tensor_names


class Ties(NamedTuple):
    """targets: a parameter's name -> the name of the one that it is; notes say which of them are taken for granted."""

    targets: Mapping[str, str]
    notes: tuple[str, ...] = ()


NO_TIES = Ties({})


def unread_parameters(program: ExportedProgram) -> tuple[InputSpec, ...]:
    """A program -> its parameters that no call reads."""
    read = {name for call in all_calls(program.graph.calls) for name in tensor_names(call.arguments.values())}
    return tuple([spec for spec in program.inputs if spec.kind == "parameter" and spec.value not in read])


def find_ties(program: ExportedProgram) -> Ties:
    """A program -> its tied parameters."""
    unread = unread_parameters(program)
    if not unread:
        return NO_TIES
    candidates = _Candidates(program, {spec.value for spec in unread})
    targets: dict[str, str] = {}
    for spec in unread:
        same = candidates.same_type(spec)
        tied = candidates.in_same_storage(spec, same) or candidates.read_in_its_place(spec, same)
        if tied:
            targets[spec.target] = tied
    shared = frozenset(targets.values())
    assumed: list[str] = []
    for spec in unread:
        if spec.target not in targets and spec.target not in program.storages:
            same = candidates.same_type(spec)
            tied = candidates.vocabulary_table(spec, same) or candidates.shared_tensor(spec, same, shared)
            if tied:
                targets[spec.target] = tied
                assumed.append(f"{spec.target} to {tied}")
    notes = (f"taken as tied, which this file does not say: {list_names(assumed, 3)}",) if assumed else ()
    return Ties(targets, notes)


class _Candidates:
    """The parameters of a program that an unread one may be. readers: a module -> the parameters that its own calls
    read; tables are those that an embedding reads; by_module has the types of each module's own by their names."""

    def __init__(self, program: ExportedProgram, unread: set[str]) -> None:
        self.program = program
        parameters = [spec for spec in program.inputs if spec.kind == "parameter"]
        self.by_type: dict[TensorType | None, list[InputSpec]] = {}
        self.position = {spec.value: i for i, spec in enumerate(parameters)}
        self.by_module: dict[str, dict[str, TensorType | None]] = {}
        for spec in parameters:
            type_ = program.graph.types.get(spec.value)
            module, _, name = spec.target.rpartition(".")
            self.by_module.setdefault(module, {})[name] = type_
            if spec.value not in unread:
                self.by_type.setdefault(type_, []).append(spec)
        self.readers: dict[str, set[str]] = {}
        self.tables: set[str] = set()
        for call in all_calls(program.graph.calls):
            read = [name for name in tensor_names(call.arguments.values()) if name in self.position]
            modules = parse_module_stack(str(call.metadata.get("nn_module_stack") or "")) if read else ()
            if modules:
                self.readers.setdefault(modules[-1].path, set()).update(read)
            if operator_name(call.target) == "embedding":
                self.tables.update(read)

    def same_type(self, spec: InputSpec) -> list[InputSpec]:
        """The parameters of exactly the same type behind it that are read."""
        same = self.by_type.get(self.program.graph.types.get(spec.value), ())
        return [other for other in same if self.position[other.value] > self.position[spec.value]]

    def in_same_storage(self, spec: InputSpec, same: Sequence[InputSpec]) -> str:
        """The one that the archive stores at the same place; "" where there is none."""
        storage = self.program.storages.get(spec.target)
        stored = [s.target for s in same if storage is not None and self.program.storages.get(s.target) == storage]
        return stored[-1] if stored else ""

    def read_in_its_place(self, spec: InputSpec, same: Sequence[InputSpec]) -> str:
        """The one of another module that the parameter's own module reads; "" where there is none, or several. What
        modules inside it hold, a module may read beside its own."""
        module = spec.target.rpartition(".")[0]
        read = self.readers.get(module, ()) if module else ()
        others = [s.target for s in same if s.value in read and s.target.rpartition(".")[0] != module]
        found = [target for target in others if not target.startswith(f"{module}.")]
        return found[0] if len(found) == 1 else ""

    def vocabulary_table(self, spec: InputSpec, same: Sequence[InputSpec]) -> str:
        """The table of an embedding with the same type; of a vector, one of the same name in an inner module, if it is
        as long as such a table. "" where there is none."""
        types = self.program.graph.types
        type_ = types.get(spec.value)
        shape = (type_ and type_.shape) or ()
        if len(shape) >= 2:
            found = [s.target for s in same if s.value in self.tables]
        else:
            lengths = [(types[name].shape or (0,))[0] for name in self.tables if name in types]
            module, _, name = spec.target.rpartition(".")
            inner = [s.target for s in same if s.target.startswith(f"{module}.") and s.target.endswith(f".{name}")]
            found = inner if shape and shape[0] in lengths else []
        return found[-1] if found else ""

    def shared_tensor(self, spec: InputSpec, same: Sequence[InputSpec], shared: Collection[str]) -> str:
        """The one of a module that others share, if the parameter's own module is not called and has the same
        parameters by name and type: it is a further name of that module. "" where there is none."""
        module, _, name = spec.target.rpartition(".")
        if not module or module in self.readers:
            return ""
        for other in reversed(same):
            other_module, _, other_name = other.target.rpartition(".")
            of_other = self.by_module[other_module]
            is_alike = other_name == name and self.by_module[module] == of_other
            if is_alike and all(f"{other_module}.{key}" in shared for key in of_other):
                return other.target
        return ""
