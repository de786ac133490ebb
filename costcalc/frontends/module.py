"""A PyTorch module with the arguments of its call; and text that names code: `package.module:name`. Imports no torch.

Importing code runs it. So a text names code only where the user wrote it out: on the command line, whose texts become
a NamedModel, or in Python as the argument of TorchModule. The same text in a config, a lock or a file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from costcalc.core.errors import UsageError, did_you_mean

LIBRARIES = ("torchvision", "timm", "transformers")
"""Libraries of networks: `timm:NAME` stands for the network that the library calls so."""

_CODE = r"([^\W\d]\w*)(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*"

_NETWORK = r"(?s)(?:torchvision|timm):[\w.\-/]+|transformers:.+"


def names_code(text: str) -> bool:
    """Whether a text is of the form `package.module:name`, and there is such a package or a file of its name in the
    working directory; or a network of a library. Nothing is imported to know that."""
    if re.fullmatch(_NETWORK, text):
        return True
    match = re.fullmatch(_CODE, text)
    if match is None:
        return False
    package = match[1]
    if Path(f"{package}.py").is_file() or Path(package, "__init__.py").is_file():
        return True
    from importlib.util import find_spec  # 2 ms, which a model that is a file does not pay

    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def is_library_network(text: str) -> bool:
    """Whether a text names a network of a library: `timm:NAME`."""
    return text.partition(":")[0] in LIBRARIES


def module_name(file: str) -> str:
    """A Python file -> the name by which it is imported from the working directory (`mypkg/nets.py`: `mypkg.nets`);
    its own where it lies elsewhere."""
    path, folder = Path(file).absolute(), Path.cwd()
    parts = path.relative_to(folder).with_suffix("").parts if path.is_relative_to(folder) else (path.stem,)
    is_importable = all(part.isidentifier() for part in parts)
    return ".".join(parts).removesuffix(".__init__") if is_importable else path.stem


def code_in_file(text: str) -> str:
    """`FILE.py:name` -> `module:name`, the text that names that code; "" for other text, and where there is no such
    file."""
    file, _, name = text.rpartition(":")
    is_code = file.endswith(".py") and re.fullmatch(_CODE, f"m:{name}") is not None and Path(file).is_file()
    return f"{module_name(file)}:{name}" if is_code else ""


def missing_package(text: str) -> str:
    """`package.module:name` without such a package -> the package's name; "" for other text."""
    match = re.fullmatch(_CODE, text)
    return match[1] if match is not None and not names_code(text) else ""


def known_packages() -> list[str]:
    """The libraries of networks, and the modules and packages in the working directory."""
    files = [path.parent.name if path.name == "__init__.py" else path.stem for path in _local_sources()]
    return list(dict.fromkeys([*LIBRARIES, *sorted(files)]))


def _local_sources() -> list[Path]:
    return [*Path().glob("*.py"), *Path().glob("*/__init__.py")]


def missing_module_remedy(name: str) -> str:
    """The dotted name of a module that does not exist, after its import failed -> what to write instead, where the
    package around it is there; "" where it is not."""
    import sys

    package, _, last = name.rpartition(".")
    parent = sys.modules.get(package)
    if parent is None:
        return ""
    if hasattr(parent, last):
        return f"did you mean {f'{package}:{last}'!r}?"
    from pkgutil import iter_modules

    names = [f"{package}.{info.name}" for info in iter_modules(getattr(parent, "__path__", ()))]
    return did_you_mean(name, names) or f"{package} has " + (", ".join(names[:8]) or "no modules in it")


def may_be_path(text: str) -> bool:
    """Whether a text may be a file of a git revision as well as code: `main:net.yaml`."""
    module, _, name = text.partition(":")
    return "." in name and "." not in module and not re.fullmatch(_NETWORK, text)


class TorchModule:
    """A PyTorch module and what it is called with, to be exported when it is read.

    module is an nn.Module, an ExportedProgram, a class or function that gives a module, or the text that names one
    (`package.module:name`, `timm:vit_base_patch16_224`), which is then imported. inputs are shapes of float tensors
    (integer ones where the module needs them; a text in a shape names an open extent) or values, in the order of
    forward's parameters. Instead of them args, kwargs and dynamic_shapes are those of torch.export.export.
    """

    def __init__(
        self,
        module: Any,
        *inputs: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        dynamic_shapes: Any = None,
        name: str = "",
    ) -> None:
        if inputs and args is not None:
            raise UsageError("inputs and args both say what a module is called with", "give one of them")
        if dynamic_shapes is not None and args is None and kwargs is None:
            fact = "dynamic_shapes is for args and kwargs, as torch.export takes them"
            raise UsageError(fact, 'give these too, or name open extents in the shapes: ("N", 3, 224, 224)')
        self.module = module
        self.inputs = tuple([shape for item in inputs for shape in (item if _is_list_of_shapes(item) else [item])])
        self.args = None if args is None else tuple(args)
        self.kwargs = dict(kwargs or {})
        self.dynamic_shapes = dynamic_shapes
        self.name = name or (module if isinstance(module, str) else object_name(module))

    @property
    def has_inputs(self) -> bool:
        """Whether it says what the module is called with."""
        return bool(self.inputs or self.kwargs or self.args is not None)

    def replace_module(self, module: Any) -> TorchModule:
        """Another module, called with the same."""
        other = TorchModule(module, *self.inputs, args=self.args, kwargs=self.kwargs, name=self.name)
        other.dynamic_shapes = self.dynamic_shapes
        return other

    def __repr__(self) -> str:
        return f"<TorchModule {self.name}>"


def _is_list_of_shapes(item: Any) -> bool:
    """Whether an input is a list of several inputs' shapes, as torchinfo takes it."""
    return isinstance(item, list) and bool(item) and all(isinstance(shape, tuple) for shape in item)


def unwrap_module(module: Any) -> Any:
    """A module that torch.compile made -> the one inside; any other object as it is."""
    return getattr(module, "_orig_mod", module) if type(module).__name__ == "OptimizedModule" else module


def object_name(module: Any) -> str:
    """A module, a class or a function -> the name of its class, or its own; of what torch.compile made, that inside."""
    inner = unwrap_module(module)
    is_named = isinstance(inner, type) or hasattr(inner, "__qualname__")
    return str(inner.__name__ if is_named else type(inner).__name__)


class NamedModel(str):
    """The text of a model on the command line, or the name of an object, that stands for a model in memory."""

    model: Any

    def __new__(cls, text: str, model: Any) -> NamedModel:
        named = super().__new__(cls, text)
        named.model = model
        return named

    def __getnewargs__(self) -> tuple[str, Any]:  # type: ignore[override]
        return str(self), self.model


_OBJECTS = {("torch.nn.modules.module", "Module"), ("torch.export.exported_program", "ExportedProgram")}


def is_torch_object(model: Any) -> bool:
    """Whether an object is an nn.Module, a class of such, or an ExportedProgram, by its types' names, so that torch
    need not be imported."""
    kind = model if isinstance(model, type) else type(model)
    return any((base.__module__, base.__name__) in _OBJECTS for base in kind.__mro__)
