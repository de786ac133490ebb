"""Networks after a tool fused or quantised them: their convolutions and products are the same layers."""

from __future__ import annotations

from support.versions import sound, statuses, words

from costcalc.rules import DType, Graph, GraphBuilder

MS = "com.microsoft"


def builder() -> tuple[GraphBuilder, str]:
    b = GraphBuilder("net", "made", {"": 17, MS: 1})
    return b, b.add_input("x", DType.FLOAT32, (1, 8, 16, 16))


def plain(layers: int = 3) -> Graph:
    """Convolutions with activations behind them; 8 · 16·16 outputs of 8 · 3·3 products each."""
    b, x = builder()
    for i in range(layers):
        w = b.add_initializer(f"w{i}", DType.FLOAT32, (8, 8, 3, 3))
        (x,) = b.add("Conv", [x, w], {"pads": (1, 1, 1, 1)}, name=f"/{i}/conv")
        (x,) = b.add("Relu", [x], name=f"/{i}/relu")
    return b.build([x])


def fused(layers: int = 3) -> Graph:
    b, x = builder()
    for i in range(layers):
        w = b.add_initializer(f"w{i}", DType.FLOAT32, (8, 8, 3, 3))
        attributes = {"pads": (1, 1, 1, 1), "activation": "Relu"}
        (x,) = b.add("FusedConv", [x, w], attributes, name=f"fused_{i}", domain=MS)
    return b.build([x])


def quantised(layers: int = 3) -> Graph:
    b, x = builder()
    for i in range(layers):
        w = b.add_initializer(f"w{i}", DType.INT8, (8, 8, 3, 3))
        parts = [f"bytes{i}", f"scale{i}", f"zero{i}"]
        bytes_, scale, zero = b.add("DynamicQuantizeLinear", [x], outputs=parts, name=f"quantise_{i}")
        (x,) = b.add("ConvInteger", [bytes_, w, zero], {"pads": (1, 1, 1, 1)}, name=f"integers_{i}")
        (x,) = b.add("Cast", [x], {"to": 1}, name=f"float_{i}")
        (x,) = b.add("Mul", [x, scale], name=f"scaled_{i}")
        (x,) = b.add("Relu", [x], name=f"act_{i}")
    return b.build([x])


def test_a_fused_convolution_is_the_same_layer() -> None:
    result = sound(plain(), fused())
    assert statuses(result) == {"changed": 3, "removed": 3}
    assert "operator Conv → com.microsoft:FusedConv, was /0/conv" in words(result)
    assert result.causes["flops"] == {"operator": 3 * 8 * 16 * 16, "removed": -3 * 8 * 16 * 16}
    assert "macs" not in result.causes
    assert statuses(sound(fused(), plain())) == {"changed": 3, "added": 3}


def test_a_quantised_convolution_is_the_same_layer() -> None:
    result = sound(plain(), quantised())
    counts = statuses(result)
    assert counts["changed"] == 3 and counts["added"] == 3 * 3 and "removed" not in counts
    assert "macs" not in result.causes
    # a weight is a byte now; the zero point that DynamicQuantizeLinear computes is no weight
    assert result.causes["weight_bytes"] == {"operator": -3 * 8 * 8 * 9 * 3}


def branches(shortcut_first: bool, whole_numbers: bool) -> Graph:
    """A block with a convolution and a projection beside it, which a quantiser may list first."""
    b, x = builder()
    results = {}
    for name, kernel in (("shortcut", 1), ("conv", 3)) if shortcut_first else (("conv", 3), ("shortcut", 1)):
        shape, pads = (8, 8, kernel, kernel), {"pads": (kernel // 2,) * 4}
        source = f"/block/{name}/Conv"
        if not whole_numbers:
            w = b.add_initializer(f"{name}.w", DType.FLOAT32, shape)
            (results[name],) = b.add("Conv", [x, w], pads, name=source)
            continue
        parts = [f"{name}.{part}" for part in ("small", "scale", "zero")]
        small, _, zero = b.add("DynamicQuantizeLinear", [x], name=f"{source}_QuantizeLinear", outputs=parts)
        w = b.add_initializer(f"{name}.w", DType.INT8, shape)
        (y,) = b.add("ConvInteger", [small, w, zero], pads, name=f"{source}_quant")
        (results[name],) = b.add("Cast", [y], {"to": DType.FLOAT32.code}, name=f"{source}_cast")
    (y,) = b.add("Add", [results["conv"], results["shortcut"]], name="/block/Add")
    return b.build([y])


def test_a_quantised_branch_that_is_listed_first_is_no_other_layer() -> None:
    result = sound(branches(False, False), branches(True, True))
    changed = {c.before.name: c.name for c in result.layers if c.before is not None}
    assert changed["/block/conv/Conv"] == "/block/conv/Conv_quant"
    assert changed["/block/shortcut/Conv"] == "/block/shortcut/Conv_quant"
    assert "removed" not in statuses(result) and "macs" not in result.causes
