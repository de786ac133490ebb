"""What an ONNX graph, its subgraphs and functions define: each value under a name of its own, each stored tensor once.

A body that runs several times, or a function that is called several times, stands in the file once: so do its tensors.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cached_property
from typing import Any

from costcalc.build import GraphBuilder
from costcalc.ir import TensorType
from costcalc.load.onnx_constants import constant_type, stored
from costcalc.load.onnx_frame import Claimed, Frame, claims
from costcalc.load.onnx_records import GraphProto, NodeProto


class Definitions:
    """Names values and adds stored tensors to a builder. top is the file's own graph; constants are the names of
    Constant nodes' outputs."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.top: GraphProto | None = None
        self.constants: list[str] = []
        self._places: dict[tuple[Hashable, ...], tuple[str, TensorType]] = {}

    @cached_property
    def _claimed(self) -> Claimed:
        return claims(self.top) if self.top else {}

    def name(self, frame: Frame, name: str) -> str:
        """The builder's name of a value that a graph computes."""
        return frame.define(name, self._claimed) if name and frame.values else name

    def initializer(self, frame: Frame, name: str, type_: TensorType) -> None:
        """Adds an initializer, or finds it where a body or a function has added it before."""
        if not frame.values:
            self.builder.add_initializer(name, *stored(type_))
            return
        place = (*frame.origin, name)
        known = self._known(place)
        if known:
            frame.env[name] = known
            return
        made = self.builder.add_initializer(self.name(frame, name), *stored(type_))
        self._places[place] = made, self.builder.types[made]

    def constant(
        self, frame: Frame, node: NodeProto, attributes: Mapping[str, Any], place: tuple[Hashable, ...], name: str
    ) -> None:
        """Adds a Constant node's tensor, or finds it likewise. A function's output has the name that the call gives it:
        there an Identity brings the tensor."""
        output = node.output[0]
        known = self._known(place) if frame.values else ""
        if not known:
            made = self.builder.add_constant(self.name(frame, output), *stored(constant_type(attributes)))
            self.constants.append(made)
            if frame.values:
                self._places[place] = made, self.builder.types[made]
        elif output in frame.env:
            self.builder.add("Identity", (known,), name=name, outputs=(frame.env[output],), scope=frame.scope)
        else:
            frame.env[output] = known

    def _known(self, place: tuple[Hashable, ...]) -> str:
        """The builder's name of a stored tensor that is there already, or ""."""
        name, type_ = self._places.get(place, ("", None))
        return name if type_ is not None and self.builder.types.get(name) is type_ else ""
