"""Short names of layers that keep a state of constant size -> costcalc's own operators."""

from __future__ import annotations

from typing import Any

from costcalc.core.errors import ShapeError
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer
from costcalc.frontends.yaml.layers.conv import BIAS
from costcalc.ops.llm import LLM

UPDATE_RULES = ("linear", "gated", "delta", "gated_delta")

STATE_TYPES = ("", "float32", "float16", "bfloat16")


@layer(
    "linear_attention",
    heads=LayerKey("extent", doc="states, one for each head of the values"),
    key_heads=LayerKey(
        "extent", None, "heads of queries and keys, each for a group of states (the states unless given)"
    ),
    update=LayerKey(
        "word", "gated", "how a state changes: with a decay, by the delta rule, both or neither", UPDATE_RULES
    ),
    rates=LayerKey("bool", False, "of a gated one, whether the fifth value read is a rate for each element of a key"),
    state_dtype=LayerKey("word", "", "element type of the states (that of the values unless given)", STATE_TYPES),
)
def linear_attention(
    site: Site, heads: int, key_heads: int | None, update: str, rates: bool, state_dtype: str
) -> tuple[str, ...]:
    """Linear attention (arXiv:2006.16236), and state-space models in its form: `from: [query, key, value]`, with a gate
    also decay, with a delta rule also beta, each [N, positions, features]; rates [heads, size of a key] multiply the
    decay. Each of `heads` keeps a state [size of a
    key, size of a value], which can be cached. Gives the outputs and the last states: `as: [y, states]`."""
    has_decay, has_beta = update in ("gated", "gated_delta"), update in ("delta", "gated_delta")
    names = ["query", "key", "value", *["decay"] * has_decay, *["beta"] * has_beta, *["rates"] * rates]
    if len(site.inputs) != len(names):
        raise ShapeError(f"it reads {len(site.inputs)} values", f"give `from: [{', '.join(names)}]`")
    given = dict(zip(names, site.inputs, strict=True))
    inputs = [given.get(name, "") for name in ("query", "key", "value", "past_state", "decay", "beta", "rates")]
    while not inputs[-1]:
        inputs.pop()
    attributes: dict[str, Any] = {"q_num_heads": key_heads or heads, "kv_num_heads": heads, "update_rule": update}
    attributes |= {"state_type": state_dtype} if state_dtype else {}
    return _with_state(site, "GroupedLinearAttention", inputs, attributes)


@layer(
    "diagonal_recurrence",
    state_dtype=LayerKey("word", "", "element type of the state (that of the values unless given)", STATE_TYPES),
)
def diagonal_recurrence(site: Site, state_dtype: str) -> tuple[str, ...]:
    """A recurrence of each channel for itself (arXiv:2402.19427): `from: [value, decay]`, each [N, positions,
    channels]. The state of a channel is multiplied with its decay, and the value is added. Gives all states and the
    last ones [N, channels], which can be cached: `as: [y, states]`."""
    if len(site.inputs) != 2:
        raise ShapeError(f"it reads {len(site.inputs)} values", "give `from: [value, decay]`")
    attributes = {"state_type": state_dtype} if state_dtype else {}
    return _with_state(site, "DiagonalRecurrence", list(site.inputs), attributes)


@layer(
    "causal_conv",
    kernel=LayerKey("extent", doc="positions that an output sees, its own the last"),
    bias=BIAS,
    window=LayerKey("extent", None, "positions that are kept for the next outputs (`kernel` unless given)"),
)
def causal_conv(site: Site, kernel: int, bias: bool, window: int | None) -> tuple[str, ...]:
    """A convolution of each channel of [N, positions, channels] over the last positions, which can be cached. Gives the
    outputs and the last positions [N, channels, window]: `as: [y, window]`."""
    channels = site.extent(-1)
    inputs = [
        site.x,
        site.weight("weight", (channels, 1, kernel)),
        *([site.weight("bias", (channels,))] if bias else []),
    ]
    return _with_state(site, "CausalConvolution", inputs, {"window": window} if window else {})


def _with_state(site: Site, op_type: str, inputs: list[str], attributes: dict[str, Any]) -> tuple[str, ...]:
    names = (site.name, f"{site.name}.state")
    site.op(op_type, inputs, attributes, outputs=names, domain=LLM)
    return names
