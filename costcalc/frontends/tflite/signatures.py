"""Signatures of a `.tflite` file -> the subgraph that is read, and the names of its inputs.

A signature is an entry point: a key, a subgraph, and what it calls that one's inputs and outputs. A file may have
several, as one of a language model has for the prompt and for a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.core.errors import UnknownNameError, did_you_mean
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.tflite.model import Signature, Subgraph, TfliteModel

PARAMETER = "signature"
"""The parameter (`--set signature=KEY`) that chooses one."""


def signature_parameters(model: TfliteModel) -> Mapping[str, Any]:
    """A model -> its parameters with their defaults: the signature that is read, where it has any."""
    default = _find_default(model)
    return {} if default is None else {PARAMETER: default.key}


def choose_signature(model: TfliteModel, options: ReadOptions) -> tuple[int, Signature | None, list[str]]:
    """A model and the options -> the subgraph that is read, its signature if it has one, and a note where there are
    several. UnknownNameError for another parameter, or a signature that the model does not have."""
    keys = [signature.key for signature in model.signatures]
    for name in options.params:
        if name != PARAMETER or not keys:
            remedy = f"its signature is chosen by --set {PARAMETER}=KEY" if keys else "use --shape"
            fact = f"a .tflite file {'has no parameter' if keys else 'without signatures has no parameters:'} {name!r}"
            raise UnknownNameError(fact, remedy, argument="params", name=name)
    if PARAMETER not in options.params:
        chosen = _find_default(model)
    else:
        key = str(options.params[PARAMETER])
        chosen = next((signature for signature in model.signatures if signature.key == key), None)
        if chosen is None:
            remedy = did_you_mean(key, keys) or f"it has {', '.join(keys[:8])}"
            raise UnknownNameError(f"the model has no signature {key!r}", remedy, argument="params", name=PARAMETER)
    index = chosen.subgraph if chosen is not None else 0
    if len(keys) < 2:
        return index, chosen, []
    others = [key for key in keys if chosen is None or key != chosen.key]
    few = ", ".join(others[:4]) + (" …" if len(others) > 4 else "")
    read = f"signature {chosen.key}" if chosen is not None else "the first subgraph"
    return index, chosen, [f"{read} is read; the file has {few} too (--set {PARAMETER}=KEY)"]


def _find_default(model: TfliteModel) -> Signature | None:
    """The signature of the first subgraph, which an interpreter runs where none is named; None without one."""
    return next((signature for signature in model.signatures if signature.subgraph == 0), None)


def name_inputs(names: list[str], subgraph: Subgraph, signature: Signature) -> None:
    """Renames the tensors of a subgraph that are inputs as its signature calls them, where no other tensor is called
    so."""
    taken, inputs = set(names), set(subgraph.inputs)
    for name, index in signature.inputs:
        if name and name not in taken and index in inputs:
            taken.add(name)
            names[index] = name
