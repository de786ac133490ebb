"""The registry of operators -> docs/reference/operators.md: rules by domain and family, free and unknown operators."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from inspect import getdoc

from costcalc import ops
from costcalc.core import registry
from costcalc.core.ir import qualified_name
from costcalc.ops.schema import operator_names
from reference_writers.markdown import anchor, code, make_page, prose, table

Key = tuple[str, str]

INTRODUCTION = """
An operator has a rule for its cost, is free (it moves or names data and does no arithmetic), or is unknown, and then
never counts as 0: its layer shows `?`, totals that it touches are lower bounds, and `check` exits 2. The sentences
are those that [`costcalc explain`](command-line.md#explain) shows beside a layer's own numbers; symbols are those of
the field: N the batch, C channels, `∏` a product over axes. MACs are named as such; everything else is an elementwise
operation. [What is counted](../explanation/what-is-counted.md) says what the words mean. `costcalc ops` prints this
list, and `--rules` adds operators of your own ([a custom operator](../how-to/custom-operator.md)).
"""

DOMAINS = {
    "": (
        "ONNX",
        "ONNX's own operators, domain `ai.onnx`; every front end uses them where they are exact counterparts.",
    ),
    "ai.onnx.ml": ("ONNX-ML", "Classical models and their features, domain `ai.onnx.ml`."),
    "ai.onnx.preview": ("ONNX preview", "Operators that ONNX tries out, domain `ai.onnx.preview`."),
    "ai.onnx.preview.training": ("ONNX training", "Optimisers and gradients, domain `ai.onnx.preview.training`."),
    "com.microsoft": ("ONNX Runtime", "Operators that ONNX Runtime adds, domain `com.microsoft`."),
    "com.microsoft.nchwc": ("ONNX Runtime NCHWc", "ONNX Runtime's blocked layout, domain `com.microsoft.nchwc`."),
    "com.ms.internal.nhwc": ("ONNX Runtime NHWC", "ONNX Runtime's channels-last form, domain `com.ms.internal.nhwc`."),
    "aten": ("PyTorch", "Calls of PyTorch without an ONNX counterpart, domain `aten`."),
    "torchvision": ("torchvision", "Operators of torchvision, domain `torchvision`."),
    "tflite": ("TensorFlow Lite", "Operators of `.tflite` files, domain `tflite`."),
    "tflite.custom": (
        "TensorFlow Lite custom",
        "Custom operators that are known by name, domain `tflite.custom`.",
    ),
    "tflite.flex": ("TensorFlow Lite Flex", "Operators of Select TensorFlow, domain `tflite.flex`."),
    "costcalc.llm": ("Language models", "costcalc's own operators for language models, domain `costcalc.llm`."),
}
"""Domain -> its title and a sentence; another domain has its name."""

FAMILIES = {
    "unary": "Unary functions",
    "elementwise": "Elementwise operators",
    "conv": "Convolution",
    "convolution": "Convolution",
    "matmul": "Matrix products",
    "product": "Products",
    "norm": "Normalisation",
    "pool": "Pooling",
    "filter": "Pooling and filters",
    "reduce": "Reductions",
    "join_split": "Joining and splitting",
    "linear_attention": "Linear attention",
    "linear_algebra": "Linear algebra",
    "quantize": "Quantisation",
    "quantized": "Quantised operators",
    "quantized_matmul": "Quantised matrix products",
    "fused_matmul": "Fused matrix products",
    "recurrent": "Recurrent layers",
    "resize": "Resizing",
    "vision": "Detection and images",
    "image": "Images",
    "retired": "Operators of older versions",
    "llm": "Language models",
    "ml": "Classical models",
    "moe": "Mixture of experts",
    "multi_head": "Multi-head attention",
    "grouped_query": "Grouped-query attention",
    "attention_lstm": "Attention in an LSTM",
    "language_model": "Parts of language models",
    "mixes": "Fused elementwise operators",
    "gates": "Gates and rotations",
    "ordered": "Ordered layouts",
    "stablehlo_window": "StableHLO windows",
    "stablehlo": "StableHLO",
    "internal_nhwc": "Channels last",
    "nchwc": "Blocked channels",
    "signal": "Signals",
    "strings": "Text",
}
"""Module of a rule -> the title of its family; another one has its own name."""


def write_operators() -> str:
    """The page."""
    ops.load_families()
    known = {*registry.COST_RULES, *registry.FREE_OPS, *registry.SHAPE_RULES, *registry.UNKNOWN_REASONS}
    keys = sorted({*known, *operator_names()})
    present = {domain for domain, _ in keys}
    domains = [*(d for d in DOMAINS if d in present), *sorted(present - set(DOMAINS))]
    parts = [INTRODUCTION, _summary_table(keys, domains)]
    for domain in domains:
        title, sentence = _domain_words(domain)
        parts += [f"## {title}", sentence, *_describe_domain([key for key in keys if key[0] == domain])]
    return make_page("Operators", *parts)


def _domain_words(domain: str) -> tuple[str, str]:
    return DOMAINS.get(domain, (domain, f"Domain {code(domain)}."))


def _summary_table(keys: Sequence[Key], domains: Sequence[str]) -> str:
    """How many operators of each domain are in each state."""
    states = ("costed", "free", "shape only", "unknown")
    rows = []
    for domain in domains:
        title = _domain_words(domain)[0]
        found = [registry.rule_state(*key) for key in keys if key[0] == domain]
        counts = [str(found.count(state) or "") for state in states]
        rows.append((f"[{title}](#{_slug(title)})", code(domain or "ai.onnx"), *counts))
    return table(("Operators of", "Domain", "With a rule", "Free", "Shape only", "Unknown"), rows, right=(2, 3, 4, 5))


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _describe_domain(keys: Sequence[Key]) -> Iterator[str]:
    """The operators of a domain: those with a rule by family, then those that are free, then those that are unknown."""
    families: dict[str, dict[str, list[Key]]] = {}
    for key in keys:
        if key in registry.COST_RULES:
            function = registry.COST_RULES[key].function
            words = " ".join((getdoc(function) or "").split())
            families.setdefault(_family(function.__module__), {}).setdefault(words, []).append(key)
    title = _domain_words(keys[0][0])[0]
    for family in sorted(families):
        yield f"### {family} of {title}" if keys[0][0] else f"### {family}"
        rows = [(_names(group), prose(words)) for words, group in families[family].items()]
        yield table(("Operators", "Cost of one run"), rows)
    yield from _describe_rest(keys, f" of {title}" if keys[0][0] else "")


def _describe_rest(keys: Sequence[Key], suffix: str) -> Iterator[str]:
    """The operators of a domain that have no rule of their cost."""
    free = [key for key in keys if registry.rule_state(*key) == "free"]
    if free:
        yield f"### Free operators{suffix}"
        yield _names(free)
    reasons: dict[str, list[Key]] = {}
    for key in keys:
        if registry.rule_state(*key) in ("shape only", "unknown"):
            reasons.setdefault(registry.unknown_reason(*key) or "no rule is written yet", []).append(key)
    if reasons:
        yield f"### Unknown operators{suffix}"
        yield table(("Operators", "Why"), [(_names(group), prose(reason)) for reason, group in reasons.items()])


def _family(module: str) -> str:
    """The module of a rule -> the title of its family: that of the module, else that of its folder."""
    *folders, name = module.removeprefix("costcalc.ops.").split(".")
    word = next((word for word in (*folders[::-1], name) if word in ("llm", "ml")), name)
    return FAMILIES.get(word, word.replace("_", " ").capitalize())


def _names(keys: Sequence[Key]) -> str:
    return ", ".join(anchor(qualified_name(*key)) + code(key[1]) for key in keys)
