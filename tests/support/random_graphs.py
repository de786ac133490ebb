"""Random small graphs for properties of schedules: every kind of reader and writer that a schedule treats its own way."""

from __future__ import annotations

from hypothesis import strategies as st

from costcalc.core.ir import DType, Graph
from costcalc.graph.builder import GraphBuilder

F32 = DType.FLOAT32
KINDS = (
    "Relu",
    "Sigmoid",
    "Flatten",
    "MatMul",
    "Softmax",
    "Source",
    "Split",
    "Stored",
    "Concat",
    "Concat",
    "Add",
    "Add",
)


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> Graph:
    """A DAG of up to `most` nodes over tensors of 2 × 4 to 2 × 16 floats (wider behind a Concat): elementwise operators,
    views, contractions, nodes of two outputs, nodes that read stored tensors alone, views of stored tensors and of such
    views, values that nobody reads."""
    b = GraphBuilder("random", "made", {"": 17})
    stored = b.add_initializer("stored", F32, (2, 8))
    weights = [stored]
    values = [b.add_input(f"x{i}", F32, (2, 4 * draw(st.integers(1, 4)))) for i in range(draw(st.integers(1, 2)))]
    made: list[str] = []
    for i in range(draw(st.integers(1, most))):
        kind, name = draw(st.sampled_from(KINDS)), f"n{i}"
        x, y = draw(st.sampled_from(values)), draw(st.sampled_from(values))
        width = b.types[x].shape[1]  # type: ignore[index]
        if kind == "Add" and b.types[x].shape != b.types[y].shape:
            kind = "Concat"
        if kind == "Split" and width % 2:
            kind = "Softmax"
        if kind == "Source":
            new = b.add("Relu", [draw(st.sampled_from(weights))], name=name)
        elif kind == "Stored":
            new = b.add(draw(st.sampled_from(("Identity", "Flatten"))), [draw(st.sampled_from(weights))], name=name)
            weights += new
        elif kind == "MatMul":
            out = draw(st.sampled_from((width, 8)))
            new = b.add("MatMul", [x, b.add_initializer(f"w{i}", F32, (width, out))], name=name)
        elif kind == "Split":
            new = b.add("Split", [x], {"axis": 1}, outputs=[name, f"{name}b"], name=name)
        elif kind in ("Concat", "Add"):
            new = b.add(kind, [x, y], {"axis": 1} if kind == "Concat" else {}, name=name)
        else:
            new = b.add(kind, [x], name=name)
        values += new
        made += new
    return b.build(draw(st.lists(st.sampled_from(made), min_size=1, max_size=2, unique=True)))
