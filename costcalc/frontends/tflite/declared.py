"""Shapes in a `.tflite` file -> what is taken of them beside those that costcalc's rules infer.

A file has a shape for each tensor. Its signature leaves extents open (-1) that are known only when the network runs;
the shape has 1 there, which says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim, Poly, symbols
from costcalc.core.ir import DType
from costcalc.core.traits import TRAITS, UNKNOWN_TRAITS
from costcalc.frontends.tflite.model import OperatorCall, Tensor
from costcalc.frontends.tflite.names import name_operator
from costcalc.graph.builder import GraphBuilder


class DeclaredShapes:
    """The shapes of a file, for the nodes of a builder. is_resized: inputs have other shapes than in the file, so that
    those in it do not hold. open_extents are the symbols of extents that the file leaves open."""

    def __init__(self, builder: GraphBuilder, is_resized: bool) -> None:
        self.builder, self.is_resized = builder, is_resized
        self.open_extents: set[str] = set()

    def find_difference(
        self,
        operator: OperatorCall,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        tensors: Sequence[Tensor],
    ) -> str:
        """What differs between the inferred shapes and those in the file; "" where they agree, or inputs are resized.
        The file's element types are taken, and its shapes where none is inferred; an extent that it leaves open is a
        symbol, until the file has a number again."""
        types = self.builder.types
        traits = TRAITS.get(name_operator(operator), UNKNOWN_TRAITS)
        limits = types[inputs[0]].shape if traits.reads == "part" and inputs and inputs[0] else None
        for index, output in zip(operator.outputs, outputs, strict=True):
            if not output:
                continue
            tensor, inferred = tensors[index], types[output]
            if tensor.type.dtype is DType.UNDEFINED:  # a resource, whose type stands where it is used
                continue
            shape = inferred.shape
            if shape is None and not self.is_resized:
                types[output] = tensor.type._replace(shape=self.open_shape(tensor, name, limits))
                continue
            if shape is not None and not self.is_resized:
                shape = self.close_shape(shape, tensor)
            types[output] = inferred._replace(dtype=tensor.type.dtype, shape=shape)
            if shape is not None and not self.is_resized and _differ(shape, tensor):
                return f"{list(map(str, shape))} for {list(map(str, tensor.type.shape or ()))}"
        return ""

    def open_shape(self, tensor: Tensor, name: str, limits: Sequence[Dim] | None = None) -> tuple[Dim, ...] | None:
        """The shape in the file of what a node of this name gives, with a new symbol for each extent that its signature
        leaves open; limits are the largest that they can be."""
        shape = tensor.type.shape
        if shape is None or -1 not in tensor.signature:
            return shape
        extents: list[Dim] = []
        for axis, (extent, signature) in enumerate(zip(shape, tensor.signature, strict=True)):
            if signature == -1:
                limit = limits[axis] if limits is not None and len(limits) == len(shape) else None
                extents.append(self.builder.fresh(name, f"extent{axis}", limit))
                self.open_extents.update(symbols(extents[-1]))
            else:
                extents.append(extent)
        return tuple(extents)

    def close_shape(self, shape: Sequence[Dim], tensor: Tensor) -> tuple[Dim, ...]:
        """An inferred shape with the file's number for each extent of such symbols that its signature fixes."""
        declared = tensor.type.shape
        if not self.open_extents or declared is None or len(declared) != len(shape):
            return tuple(shape)
        return tuple(
            [
                b if isinstance(a, Poly) and s != -1 and self.open_extents.issuperset(symbols(a)) else a
                for a, b, s in zip(shape, declared, tensor.signature, strict=True)
            ]
        )


def _differ(shape: Sequence[Dim], tensor: Tensor) -> bool:
    """Whether an inferred shape is none that the file allows: its own, or any where its signature leaves extents or the
    rank open. An inferred extent that depends on data is a symbol, which the file's number says nothing about."""
    if not tensor.has_rank:
        return False
    declared = tensor.type.shape or ()
    if len(declared) != len(shape):
        return True
    known = [
        (a, b) for a, b, s in zip(shape, declared, tensor.signature, strict=True) if isinstance(a, int) and s != -1
    ]
    return any(a != b for a, b in known)
