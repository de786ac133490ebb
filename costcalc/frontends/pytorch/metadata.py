"""What an exported program says about its calls: the module that makes each, and the line of the user's source."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from costcalc.core.ir import Module
from costcalc.frontends.pytorch.program import Call, ProgramGraph, SubgraphArgument, operator_name


@lru_cache(maxsize=1 << 12)
def parse_module_stack(text: str) -> tuple[Module, ...]:
    """`key,path,class;…`, the outermost module first -> the modules, each once; text of another form has none."""
    modules: list[Module] = []
    for entry in text.split(";"):
        parts = entry.split(",", 2)
        if len(parts) != 3 or parts[1].startswith("_empty_nn_module_stack"):
            continue
        path = parts[1].removeprefix("L['self']").removeprefix(".")
        module = Module(path.split("@", 1)[0], parts[2])
        if module not in modules:
            modules.append(module)
    return tuple(modules)


_FRAME = re.compile(r'File "([^"\n]+)", line (\d+), in ')

_LIBRARY = re.compile(
    r"(?:^|-packages/)torch/(?!hub/)"
    r"|/torch/(?:_\w+|nn|fx|func|export|utils|autograd|functional|jit|amp|ao|overrides|library)[/.]"
    r"|/lib/python3\.\d+/(?!(?:site|dist)-packages/)"
)
"""Files of PyTorch, and of Python's own library."""

_PACKAGES = re.compile(r".*/(?:site|dist)-packages/")


@lru_cache(maxsize=1 << 12)
def parse_source_line(trace: str) -> str:
    """A stack trace -> `file:line` of its innermost frame outside of PyTorch and of Python itself; "" where there is
    none. An installed package's file is told from the package on: `torchvision/models/resnet.py:92`."""
    start = len(trace)
    while (start := trace.rfind('File "', 0, start)) >= 0:
        frame = _FRAME.match(trace, start)
        path = frame[1].replace("\\", "/") if frame else ""
        if frame and not _LIBRARY.search(path):
            return f"{_PACKAGES.sub('', path)}:{frame[2]}"
    return ""


_FUNCTION_KINDS = {
    "function": "function",
    "builtin_function_or_method": "builtin",
    "method_descriptor": "method",
    "wrapper_descriptor": "operator",
}

OPERATOR_METHODS = {"add": "+", "matmul": "@", "mul": "*"}
"""Methods of a tensor that Python's own operators call too -> the operator."""


def parse_function(torch_fn: str, trace: str) -> str:
    """`relu_1;function.relu` and the stack trace -> how the source calls it: `function.relu`, `builtin.matmul`,
    `method.matmul`, `operator.matmul`; "" where it is not said. Of x @ y PyTorch says the same as of x.matmul(y): the
    line of the source tells them apart, or neither (`tensor.matmul`) where it stands in a function outside of modules,
    which traces leave out."""
    kind, _, name = torch_fn.rpartition(";")[2].partition(".")
    kind = _FUNCTION_KINDS.get(kind, "")
    if kind == "method" and name in OPERATOR_METHODS:
        line = trace[trace.rstrip().rfind("\n") + 1 :]
        if f".{name}(" not in line:
            kind = "operator" if OPERATOR_METHODS[name] in line else "tensor"
    return f"{kind}.{name}" if kind else ""


class CallNames:
    """Unique names and scopes of calls.

    A module whose calls are all of one operator gives them its name (`layer1.0.conv1`, run again `layer1.0.conv1_2`);
    in another module the operator is added (`layer1.0.attn/softmax`).
    """

    def __init__(self, calls: Iterable[Call]) -> None:
        operators: dict[str, set[str]] = defaultdict(set)
        self.parents: set[str] = set()
        self.classes: dict[str, str] = {}
        for call in all_calls(calls):
            modules = self.modules(call)
            if modules:
                self.classes.update(modules)
                operators[modules[-1].path].add(operator_name(call.target))
                self.parents.update(m.path for m in modules[:-1])
        self.single = {path for path, names in operators.items() if path and len(names) == 1} - self.parents
        self.counts: Counter[str] = Counter()

    def modules(self, call: Call) -> tuple[Module, ...]:
        """The modules that a call stands in, the root first."""
        return parse_module_stack(str(call.metadata.get("nn_module_stack") or ""))

    def name(self, call: Call) -> tuple[str, tuple[str, ...]]:
        """A call -> its name and the paths of the modules that it stands in."""
        modules = [m.path for m in self.modules(call) if m.path]
        operator = operator_name(call.target)
        if modules and modules[-1] in self.single:
            name, modules = modules[-1], modules[:-1]
        elif modules:
            name = f"{modules[-1]}/{operator}"
        elif operator in self.classes:  # an operator of the root that is called like one of its modules
            name = f"{self.classes.get('', '').rpartition('.')[2] or 'root'}/{operator}"
        else:
            name = operator
        return self._unique(name), tuple(modules)

    def _unique(self, name: str) -> str:
        """A name -> the name, or with the next number that makes it one that no call and no module has."""
        unique, number = name, self.counts[name] + 1
        while number > 1 and ((unique := f"{name}_{number}") in self.counts or unique in self.classes):
            number += 1
        self.counts[name] = number
        if unique != name:
            self.counts[unique] = 1
        return unique


def all_calls(calls: Iterable[Call]) -> Iterator[Call]:
    """Calls -> these and those of the graphs among their arguments."""
    stack = list(calls)[::-1]
    while stack:
        call = stack.pop()
        yield call
        for graph in subgraphs(call.arguments.values()):
            stack.extend(graph.calls[::-1])


def subgraphs(arguments: Iterable[Any]) -> Iterator[ProgramGraph]:
    """Arguments -> the graphs among them, in lists too, without those inside these."""
    for value in arguments:
        if isinstance(value, SubgraphArgument):
            yield value.graph
        elif isinstance(value, tuple):
            yield from subgraphs(value)
