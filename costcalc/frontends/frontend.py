"""Front end: the interface of a file format. It recognises a source by its first bytes and reads it into a Graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from costcalc.core.ir import Graph
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source


class Loaded(NamedTuple):
    """A model and its source map, which says where in the source each node comes from; None where the format has no
    such map, or ReadOptions does not ask for it."""

    graph: Graph
    source_map: Any = None


class Frontend(Protocol):
    """A reader of one file format. suffixes are those by which a directory's files are known as models."""

    @property
    def name(self) -> str: ...

    @property
    def suffixes(self) -> tuple[str, ...]: ...

    def recognises(self, source: Source) -> bool:
        """Whether the source is of this format, by source.head, source.members or the type of source.object."""
        ...

    def read(self, source: Source, options: ReadOptions) -> Loaded:
        """The model. LoadError where it is broken; UnknownNameError for a name in the options that it does not have,
        or for an option that the format cannot use (ReadOptions.refuse)."""
        ...


@runtime_checkable
class ParametricFrontend(Protocol):
    """A front end whose models have parameters of their own (`--set`)."""

    def parameters(self, source: Source) -> Mapping[str, Any]:
        """The parameters' names and default values, without building the model."""
        ...
