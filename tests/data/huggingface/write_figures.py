"""Configurations -> what transformers makes of them, written into the files beside this script.

    python tests/data/huggingface/write_figures.py FAMILY.json …

A file holds a list of cases. Of a case with a `config` and no `params` the script adds what transformers (the extra
test-torch) says on the meta device, where nothing is computed: `params`, `macs` of 128 tokens with an explicit 4-D mask
(FlopCounterMode does not see the grouped products of experts: write their factors as `experts`, by hand; and sees
the products of an implementation of a scan: write its extents as `scans`, see tests/support/scans.py), the elements of
the cache behind 128 tokens (`cache`). Of a network of images, or recordings, and text `macs` are the text's, `tower_macs` those
of one image, or recording, and its projector.
"""

from __future__ import annotations

import json
import sys
import warnings
from inspect import signature
from pathlib import Path
from typing import Any

TOKENS = 128

WHOLES = {"step3p5": "step3p7"}
"""Types of texts that have no class of their own -> the network whose text_config they are; its other parts are left out."""


FLOAT32 = {"xlstm"}
"""Types whose code multiplies float32 with the type of the weights."""


CLASSES = (
    "AutoModelForSeq2SeqLM",
    "AutoModelForSpeechSeq2Seq",
    "AutoModelForMaskedLM",
    "AutoModelForImageTextToText",
    "AutoModelForMultimodalLM",
    "AutoModelForCausalLM",
    "AutoModelForImageClassification",
    "AutoModel",
)
"""The classes that are tried, in this order, for a configuration without `architectures`."""


LARGEST_ON_CPU = 200_000_000
"""Parameters of the largest model that is computed where the meta device has no kernel for an operation."""


def figures(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration -> its figures."""
    import torch

    with torch.device("meta"):
        model = make_model(config)
    parts = ("model.language_model", "lm_head") if config["model_type"] in WHOLES else ("",)
    found: dict[str, Any] = {"params": sum(p.numel() for name, p in model.named_parameters() if name.startswith(parts))}
    for device in ("meta", "cpu")[: 2 if found["params"] < LARGEST_ON_CPU else 1]:
        with torch.device(device):
            missing = [rule for name, rule in RULES if name not in found]
            placed = model if device == "meta" else make_model(config)
            for rule in missing:
                try:
                    rule(placed, found)
                except (RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
                    print(f"{config['model_type']}, {device}: {str(error)[:100]}", file=sys.stderr)
    return found


def add_macs(model: Any, found: dict[str, Any]) -> None:
    """Adds `macs`, with an explicit 4-D mask for a decoder."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model.requires_grad_(False)  # the counter follows modules by hooks, which a weight as input does not take
    inputs = make_inputs(model)
    if hasattr(getattr(model.config, "text_config", model.config), "use_cache"):
        inputs["use_cache"] = False
    masks: list[dict[str, Any]] = [{}]  # what has no attention takes no 4-D mask
    if (
        "input_ids" in inputs
        and not getattr(model.config, "is_encoder_decoder", False)
        and "pixel_values" not in inputs
    ):
        masks.insert(0, {"attention_mask": torch.zeros(1, 1, TOKENS, TOKENS, dtype=torch.bfloat16)})
    for mask in masks:
        counter = FlopCounterMode(display=False)
        try:
            with torch.no_grad(), counter:
                model(**inputs, **mask)
        except (RuntimeError, ValueError, TypeError, AssertionError):
            if mask is masks[-1]:
                raise
            continue
        found["macs"] = counter.get_total_flops() // 2
        return


def add_tower_macs(model: Any, found: dict[str, Any]) -> None:
    """Adds `tower_macs` where a text decoder takes the features of images."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    if not has_image_part(model):
        return
    model.requires_grad_(False)
    counter = FlopCounterMode(display=False)
    if hasattr(model.config, "audio_config"):
        settings = model.config.audio_config
        frames = torch.zeros(1, settings.num_mel_bins, 2 * settings.max_source_positions, dtype=torch.bfloat16)
        with torch.no_grad(), counter:
            inner = model.model
            if hasattr(model, "get_audio_features"):
                model.get_audio_features(frames)
            else:
                inner.multi_modal_projector(inner.audio_tower(frames).last_hidden_state)
    else:
        inputs = make_image_inputs(model)
        with torch.no_grad(), counter:
            image_features(model, inputs)
    found["tower_macs"] = counter.get_total_flops() // 2


def make_image_inputs(model: Any) -> dict[str, Any]:
    """A network of images and text -> what get_image_features takes for one square image."""
    import torch

    asked = signature(model.get_image_features).parameters
    if "spatial_shapes" in asked:
        return make_patches(model.config.vision_config)
    if "image_grid_thw" in asked:
        vision = model.config.vision_config
        side = vision.image_size // vision.patch_size
        features = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
        patches = torch.zeros(side**2, features, dtype=torch.bfloat16)
        return {"pixel_values": patches, "image_grid_thw": torch.tensor([[1, side, side]])}
    image = make_image(model.config.vision_config)
    if "pixel_attention_mask" in asked:
        return {"pixel_values": image[None] + 1}  # several images of one text; one of zeros is left out
    sizes = {"image_sizes": torch.tensor([image.shape[-2:]], device="cpu")} if "image_sizes" in asked else {}
    return {"pixel_values": image, **sizes}


def image_features(model: Any, inputs: dict[str, Any]) -> None:
    """A network and the inputs of one image -> nothing: the tower and the projector are called. LLaVA-NeXT and its kin
    put tiles of an image together; here the one image stands for itself."""
    inner = model.model
    if "image_grid_pinpoints" not in model.config:
        model.get_image_features(**inputs)
        return
    features = inner.vision_tower(inputs["pixel_values"]).last_hidden_state
    start = 1 if model.config.vision_feature_select_strategy == "default" else 0
    count = getattr(model.config, "vision_feature_layer", -1)
    layers = len(count) if isinstance(count, (list, tuple)) else 1
    inner.multi_modal_projector(features[:, start:].repeat(1, 1, layers))


def has_image_part(model: Any) -> bool:
    """Whether a model is one of images, or recordings, and text whose parts are called apart."""
    has_tower = hasattr(model, "get_image_features") or hasattr(model.config, "audio_config")
    return has_tower and hasattr(model.config, "text_config")


def add_cache(model: Any, found: dict[str, Any]) -> None:
    """Adds `cache` where the model gives one."""
    import torch

    if getattr(getattr(model.config, "text_config", model.config), "use_cache", False):
        with torch.no_grad():
            cache = getattr(model(**make_inputs(model), use_cache=True), "past_key_values", None)
        if cache is not None:
            found["cache"] = cache_elements(cache)


RULES = (("macs", add_macs), ("tower_macs", add_tower_macs), ("cache", add_cache))
"""Figures and what adds them; one that a model does not have is left out."""


def make_model(config: dict[str, Any]) -> Any:
    """A configuration -> the model of its class, without values."""
    import torch
    import transformers

    fields = dict(config)
    whole = WHOLES.get(config["model_type"])
    if whole:
        fields = {"model_type": whole, "text_config": fields}
    settings = transformers.AutoConfig.for_model(fields.pop("model_type"), **fields)
    if whole:
        kind = transformers.AutoModelForImageTextToText
        return kind.from_config(settings, attn_implementation="eager", dtype=torch.bfloat16).eval()
    dtype = torch.float32 if config["model_type"] in FLOAT32 else torch.bfloat16
    name = next(iter(config.get("architectures", ())), None)
    if name:
        settings._attn_implementation = "eager"
        return getattr(transformers, name)(settings).to(dtype).eval()
    kind = next(c for name in CLASSES if type(settings) in (c := getattr(transformers, name))._model_mapping)
    return kind.from_config(settings, attn_implementation="eager", dtype=dtype).eval()


def make_inputs(model: Any) -> dict[str, Any]:
    """A model -> inputs of one text of TOKENS tokens, one image, or one recording."""
    import torch

    settings, name = model.config, model.main_input_name
    positions = getattr(getattr(settings, "text_config", settings), "max_position_embeddings", TOKENS)
    ids = torch.zeros(1, min(TOKENS, positions), dtype=torch.long)
    asked = signature(model.forward).parameters
    vision = getattr(settings, "vision_config", settings)
    images = {}
    if "pixel_values" in asked and "spatial_shapes" in asked:
        images = make_patches(vision)
    elif "pixel_values" in asked:
        images = {"pixel_values": make_image(vision)}
    if "input_ids" not in asked and images:
        return images
    if settings.model_type in WHOLES.values() or has_image_part(model):
        return {"input_ids": ids}
    if name == "input_features":
        frames = 2 * settings.max_source_positions
        features = torch.zeros(1, settings.num_mel_bins, frames, dtype=torch.bfloat16)
        return {
            name: features,
            **({"decoder_input_ids": ids} if getattr(settings, "is_encoder_decoder", False) else {}),
        }
    return {
        "input_ids": ids,
        **images,
        **({"decoder_input_ids": ids} if getattr(settings, "is_encoder_decoder", False) else {}),
    }


def make_image(settings: Any) -> Any:
    """The configuration of a network of images -> an image of its size, [1, C, H, W]."""
    import torch

    side = getattr(settings, "image_size", 224)
    sides = side if isinstance(side, (list, tuple)) else (side, side)
    return torch.zeros(1, getattr(settings, "num_channels", 3), *sides, dtype=torch.bfloat16)


def make_patches(settings: Any) -> dict[str, Any]:
    """The configuration of a network of patches of images of any shape -> those of one square image."""
    import torch

    count, side = settings.num_patches, int(settings.num_patches**0.5)
    features = settings.num_channels * settings.patch_size**2
    return {
        "pixel_values": torch.zeros(1, count, features, dtype=torch.bfloat16),
        "pixel_attention_mask": torch.ones(1, count, dtype=torch.long),
        "spatial_shapes": torch.tensor([[side, side]]),
    }


def cache_elements(cache: Any) -> int:
    """The elements of all tensors of a Cache, each once, as keys and values may be one tensor: keys, values, latents,
    windows of convolutions and recurrent states (those stand in dictionaries, one for each state of a layer)."""
    import torch

    total: int = sum(state.numel() for state in getattr(cache, "linear_cache", ()) if isinstance(state, torch.Tensor))
    caches = [cache.self_attention_cache, cache.cross_attention_cache] if hasattr(cache, "is_updated") else [cache]
    for layer in [layer for one in caches for layer in one.layers]:
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
