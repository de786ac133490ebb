"""Configurations -> what transformers makes of them, written into the files beside this script.

    python tests/data/huggingface/write_figures.py FAMILY.json …

A file holds a list of cases. Of a case with a `config` and no `params` the script adds what transformers (the extra
test-torch) says on the meta device, where nothing is computed: `params`, `macs` of 128 tokens with an explicit 4-D mask
(FlopCounterMode does not see the grouped products of experts: write their factors as `experts`, by hand; and sees the
products of an implementation of a scan: write its extents as `scans`, see tests/support/scans.py), and the
elements of the cache behind 128 tokens (`cache`).
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

TOKENS = 128

WHOLES = {"step3p5": "step3p7"}
"""Types of texts that have no class of their own -> the network whose text_config they are; its other parts are left out."""


def figures(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration -> its figures."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    fields, models = dict(config), AutoModelForCausalLM
    if config["model_type"] in WHOLES:
        fields, models = (
            {"model_type": WHOLES[config["model_type"]], "text_config": fields},
            AutoModelForImageTextToText,
        )
    settings = AutoConfig.for_model(fields.pop("model_type"), **fields)
    with torch.device("meta"):
        model = models.from_config(settings, attn_implementation="eager", dtype=torch.bfloat16).eval()
        ids = torch.zeros(1, TOKENS, dtype=torch.long)
        mask = torch.zeros(1, 1, TOKENS, TOKENS, dtype=torch.bfloat16)
    parts = ("model.language_model", "lm_head") if config["model_type"] in WHOLES else ("",)
    found: dict[str, Any] = {"params": sum(p.numel() for name, p in model.named_parameters() if name.startswith(parts))}
    for given in (mask, None):  # what has no attention takes no 4-D mask
        counter = FlopCounterMode(display=False)
        try:
            with torch.no_grad(), counter:
                model(input_ids=ids, attention_mask=given, use_cache=False)
            found["macs"] = counter.get_total_flops() // 2
            break
        except (RuntimeError, ValueError, TypeError) as error:
            print(f"{config['model_type']}: no MACs: {error}", file=sys.stderr)
    try:
        with torch.no_grad():
            output = model(input_ids=ids, use_cache=True)
        found["cache"] = cache_elements(output.past_key_values)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        print(f"{config['model_type']}: no cache: {error}", file=sys.stderr)
    return found


def cache_elements(cache: Any) -> int:
    """The elements of all tensors of a Cache, each once, as keys and values may be one tensor: keys, values, latents,
    windows of convolutions and recurrent states (those stand in dictionaries, one for each state of a layer)."""
    import torch

    total: int = sum(state.numel() for state in getattr(cache, "linear_cache", ()) if isinstance(state, torch.Tensor))
    for layer in cache.layers:
        parts = [
            part for value in vars(layer).values() for part in (value.values() if isinstance(value, dict) else [value])
        ]
        tensors = {id(part): part for part in parts if isinstance(part, torch.Tensor)}
        total += sum(tensor.numel() for tensor in tensors.values() if tensor.dim() > 1)
    return total


def main() -> None:
    """Completes the cases of the files that the command line names."""
    warnings.filterwarnings("ignore")
    for name in sys.argv[1:]:
        path = Path(name)
        cases = json.loads(path.read_text(encoding="utf-8"))
        for case in cases:
            if "params" not in case:
                case.update(figures(case["config"]))
        lines = ",\n".join(f" {json.dumps(case)}" for case in cases)
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
