"""Names of tensors in weight files -> names of parameters in a graph.

The graph has a parameter `….experts.*.gate_proj.weight` for the matrices of all experts. Files have one for each expert
(`….experts.17.gate_proj.weight`), or all in one, with both first maps together (`….experts.gate_up_proj`). Files of a
part of a model, or of a model around it, leave out or put before its names what stands in PREFIXES; towers of images
have the name of their model between, or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

PREFIXES = (
    "model.language_model.model.",
    "model.language_model.",
    "language_model.model.",
    "language_model.",
    "model.",
    "transformer.",
    "gpt_neox.",
    "backbone.",
)

_EXPERT = re.compile(r"(?<=\.experts\.)\d+(?=\.)")

FUSED = {"gate_up_proj": ("gate_proj", "up_proj"), "gate_proj": ("gate_up_proj",), "up_proj": ("gate_up_proj",)}
"""The last part of a tensor's name -> those of the parameters that it holds, or that it is a part of."""


def core_of(name: str) -> str:
    """A name without what PREFIXES put before it, and without the model's own name within a tower of images."""
    prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), "")
    return name.removeprefix(prefix).replace("vision_tower.vision_model.", "vision_tower.", 1)


class ParameterNames:
    """The names of a graph's parameters, to find those that a tensor of a file belongs to."""

    def __init__(self, parameters: Iterable[str]) -> None:
        self.names = dict.fromkeys(parameters)
        cores: dict[str, list[str]] = {}
        for name in self.names:
            cores.setdefault(core_of(name), []).append(name)
        self.cores: Mapping[str, str] = {core: names[0] for core, names in cores.items() if len(names) == 1}

    def find(self, tensor: str) -> tuple[str, ...]:
        """The name of a weight in a file -> the parameters that it holds, of which it may be a part; none where the
        graph has none."""
        name = _EXPERT.sub("*", tensor)
        direct = self._find_name(name)
        if direct:
            return (direct,)
        if ".experts." not in name:
            return ()
        stem, _, leaf = name.removesuffix(".weight").rpartition(".")
        stem = stem.removesuffix(".*")
        for parts in ((leaf,), FUSED.get(leaf, ())):
            for form in (f"{stem}.*.{{}}.weight", f"{stem}.{{}}", f"{stem}.{{}}.weight"):
                found = [self._find_name(form.format(part)) for part in parts]
                if found and all(found):
                    return tuple(found)
        return ()

    def _find_name(self, name: str) -> str:
        if name in self.names:
            return name
        return self.cores.get(core_of(name), "")
