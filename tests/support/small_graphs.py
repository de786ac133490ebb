"""Small graphs, node by node."""

from __future__ import annotations

from costcalc.rules import Dim, DType, GraphBuilder


class Builder(GraphBuilder):
    """A builder of float32 values whose nodes give one output."""

    def __init__(self) -> None:
        super().__init__("net", "made", {"": 20})

    def data(self, name: str, *shape: Dim) -> str:
        """A graph input."""
        return self.add_input(name, DType.FLOAT32, shape)

    def weight(self, name: str, *shape: Dim) -> str:
        """A stored tensor."""
        return self.add_initializer(name, DType.FLOAT32, shape)

    def number(self, value: float) -> str:
        """A constant number."""
        return self.add_constant(f"number{len(self.types)}", DType.FLOAT32, (), (value,))

    def extents(self, *values: Dim) -> str:
        """A constant list of extents."""
        return self.add_constant(f"extents{len(self.types)}", DType.INT64, (len(values),), values)

    def op(self, op_type: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        """The output of a new node."""
        return self.add(op_type, inputs, attributes, name=f"{op_type}{len(self.nodes)}", domain=domain)[0]
