"""Small YAML models at random: each is a model or a refusal with its place and a remedy, never a crash."""

from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.core.errors import CostcalcError
from costcalc.frontends.yaml.layers.base import LAYERS
from costcalc.frontends.yaml.reader import load_spec

INPUTS = (
    "[8]",
    "[N, 8]",
    "[N, 6, 8]",
    "[N, 4, 8, 8]",
    "[N, 4, H, W]",
    "[N, 2, 4, 4, 4]",
    "{shape: [N, seq], dtype: int64}",
)
VALUES = (
    "0",
    "1",
    "2",
    "3",
    "4",
    "-1",
    "9",
    "2.5",
    "x",
    "seq",
    "H",
    "[1, 2]",
    "[2, 2]",
    "[0, -1]",
    "[]",
    "[[1]]",
    "true",
    "same",
    "'min(2, 3)'",
    "H // 2",
    "make_divisible(9)",
    "null",
    "{}",
    "input",
    "[input, input]",
    "bhw,bhw->bh",
)


@st.composite
def layers(draw: st.DrawFn) -> str:
    """One layer with values at random at keys that it has."""
    name = draw(st.sampled_from(sorted(LAYERS)))
    keys = [key for key in LAYERS[name].keys if draw(st.integers(0, 3))]
    options = [f"{key}: {draw(st.sampled_from(VALUES))}" for key in keys]
    if not draw(st.integers(0, 4)):
        options.append(f"from: {draw(st.sampled_from(VALUES))}")
    return f"{{{name}: {{{', '.join(options)}}}}}"


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(INPUTS),
    st.lists(layers(), min_size=1, max_size=4),
    st.sampled_from(("", "residual", "branches", "repeat")),
)
def test_any_layers_are_a_model_or_a_refusal(shape: str, body: list[str], around: str) -> None:
    listed = "[" + ", ".join(body) + "]"
    text = {
        "": listed,
        "residual": f"[{{residual: {{body: {listed}}}}}]",
        "branches": f"[{{branches: [{listed}, []]}}]",
        "repeat": f"[{{repeat: {{times: 2, layers: {listed}}}}}]",
    }[around]
    try:
        load_spec(f"input: {shape}\nlayers: {text}\n", "m.yaml")
    except CostcalcError as error:
        assert error.fact
        assert error.remedy
        assert error.place.startswith("m.yaml:")
