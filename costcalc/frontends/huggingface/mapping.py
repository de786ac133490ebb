"""Fields of a configuration and its family -> the values of the family's parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from costcalc.core.errors import LoadError, did_you_mean
from costcalc.core.ir import DTYPES, DType
from costcalc.frontends.huggingface.document import flatten, is_finite
from costcalc.frontends.huggingface.family import Family
from costcalc.frontends.huggingface.neutral import is_neutral
from costcalc.frontends.yaml.values import DERIVED, LiteralText

GENERATING = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
"""Endings of the classes that a family stands for where it does not take `architectures` itself: the network with its
head over the vocabulary."""

BARE = "Model"
"""The ending of a class without a head, unless OTHER_MODELS stand before it."""

OTHER_MODELS = ("LMHead", "Heads", "Encoder", "Decoder", "Text", "Vision", "Audio")

MAX_NAMED = 4
"""Fields that a refusal names."""


def find_parameters(fields: Mapping[str, Any], family: Family, file: str) -> dict[str, Any]:
    """Fields of a configuration -> the values of the family's parameters that they give; null stands for what the
    family's `params:` derive it from. file is the configuration's name in errors.

    LoadError for a field that is not understood, by its name, unless its value is null, false or empty; for a value
    that the family does not have; and for a class without the family's head.
    """
    values: dict[str, Any] = {}
    unknown: list[str] = []
    inner = _inner_configs(family)
    for path, value in flatten(fields):
        name = family.fields.get(path) or (path if path in family.parameters - family.fixed else "")
        if value is None:
            if name:
                values.setdefault(name, DERIVED)
            continue
        allowed = family.supported.get(path)
        if allowed is not None:
            _check_supported(path, value, allowed, family, file)
        if name:
            values[name] = _parameter(value, path, file)
        elif allowed is None and not _is_unset(value) and not _is_neutral(path, family, inner):
            unknown.append(path)
    if unknown:
        raise _not_understood(unknown, fields, family, file)
    if "num_labels" in family.parameters:
        values |= label_count(fields)
    if family.heads:
        values |= _find_head(class_names(fields), family, file)
    elif "architectures" not in {path.partition("[")[0] for path in family.fields}:
        _check_classes(class_names(fields), family, file)
    return values


def _inner_configs(family: Family) -> frozenset[str]:
    """The fields that hold a configuration of their own, of which a family names fields: `attn_config` of MPT."""
    paths = [path for path in (*family.fields, *family.supported, *family.neutral) if "." in path]
    return frozenset(path.partition(".")[0] for path in paths)


def _is_neutral(path: str, family: Family, inner: frozenset[str]) -> bool:
    """Whether a field changes no figure. An inner configuration has the fields of every configuration, too."""
    first, _, rest = path.partition(".")
    return path in family.neutral or is_neutral(path, family.neutral) or (first in inner and is_neutral(rest))


def _check_supported(path: str, value: Any, allowed: list[Any], family: Family, file: str) -> None:
    """LoadError for a value that the family does not have; of a list each element is one of them."""
    for item in value if isinstance(value, list) and value not in allowed else [value]:
        if item not in allowed:
            fact = f"{path} is {_text(item)}, which the family {family.file} does not have"
            raise LoadError(fact, f"it has {', '.join(_text(word) for word in allowed)}", file)


def _is_unset(value: Any) -> bool:
    """Whether a value is null, false or empty, or a list of such ones."""
    return all(map(_is_unset, value)) if isinstance(value, list) else value in (None, False, {}, "")


def _parameter(value: Any, path: str, file: str) -> Any:
    """A value of JSON -> that of a parameter: text stands for itself."""
    if isinstance(value, str):
        return LiteralText(value)
    if isinstance(value, list):
        return [_parameter(item, path, file) for item in value]
    if isinstance(value, dict) or not is_finite(value):
        raise LoadError(f"{path} is {_text(value)}", "give a number, a word, true, false or a list", file)
    return value


def _not_understood(unknown: list[str], fields: Mapping[str, Any], family: Family, file: str) -> LoadError:
    values = dict(flatten(fields))
    named = ", ".join(f"{path} ({_text(values[path])})" for path in unknown[:MAX_NAMED])
    more = f" and {len(unknown) - MAX_NAMED} more" if len(unknown) > MAX_NAMED else ""
    plural = len(unknown) > 1
    fact = f"{named}{more} {'are' if plural else 'is'} not understood, and may change the architecture"
    near = did_you_mean(unknown[0], family.parameters) if not plural else ""
    remedy = near or f"remove {'them' if plural else 'it'} where nothing depends on {'them' if plural else 'it'}"
    return LoadError(fact, remedy, file)


def label_count(fields: Mapping[str, Any]) -> dict[str, int]:
    """Fields of a configuration -> the number of its labels as `num_labels`; nothing where it does not say it."""
    labels, count = fields.get("id2label"), fields.get("num_labels")
    if isinstance(labels, dict):
        return {"num_labels": len(labels)}
    return {"num_labels": count} if isinstance(count, int) and not isinstance(count, bool) else {}


def class_names(fields: Mapping[str, Any]) -> list[str]:
    """Fields of a configuration -> the classes that it names in `architectures`."""
    classes = fields.get("architectures")
    return [name for name in classes if isinstance(name, str)] if isinstance(classes, list) else []


def _find_head(names: list[str], family: Family, file: str) -> dict[str, Any]:
    """Names of classes and a family with heads -> the value of `head`, of the longest ending that the first class has;
    nothing without a class. LoadError where it has none of them."""
    if not names:
        return {}
    endings = [ending for ending in family.heads if names[0].endswith(ending)]
    ending = max(endings, key=len, default="")
    if not ending or (ending == BARE and names[0].removesuffix(BARE).endswith(OTHER_MODELS)):
        raise LoadError(
            f"the class {names[0]} has a head that is not known",
            f"the family {family.file} has {', '.join(family.heads)}",
            file,
        )
    return {"head": LiteralText(family.heads[ending])}


def _check_classes(names: list[str], family: Family, file: str) -> None:
    if names and not any(name.endswith(GENERATING) for name in names):
        fact = f"the class {names[0]} has another head than a model that generates"
        raise LoadError(fact, f"the family {family.file} ends in {', '.join(GENERATING)}", file)


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def weight_type(fields: Mapping[str, Any], file: str) -> DType:
    """Fields of a configuration -> the element type of its weights, of `dtype` or `torch_dtype`; float32, PyTorch's
    own, where neither says it. What a quantised checkpoint leaves as it is has 16 bits: bfloat16 there. LoadError for a
    type that is not known."""
    name = fields.get("dtype") or fields.get("torch_dtype")
    if name in (None, "auto"):
        return DType.BFLOAT16 if fields.get("quantization_config") else DType.FLOAT32
    label = str(name).removeprefix("torch.").replace("float8_", "float8")
    dtype = DTYPES.get(label)
    if dtype is None or not dtype.is_float:
        raise LoadError(f"the element type {name!r} is not known", did_you_mean(label, DTYPES) or "use bfloat16", file)
    return dtype
