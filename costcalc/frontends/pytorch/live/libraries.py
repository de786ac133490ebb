"""`torchvision:NAME`, `timm:NAME`, `transformers:FOLDER_OR_TYPE` -> the network, and the inputs that its library knows.

Nothing is downloaded: no weights are asked for, and the hub's client is told to stay offline.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from costcalc.core.errors import LoadError, UnknownNameError, did_you_mean
from costcalc.frontends.pytorch.live.build import (
    BuiltModule,
    call_factory,
    check_arguments,
    parse_value,
    signature_of,
    user_code,
)
from costcalc.frontends.pytorch.live.inputs import Shape


def build_network(text: str, params: Mapping[str, Any]) -> BuiltModule:
    """The text of a network and keyword arguments -> the module on the meta device with its inputs. LoadError where the
    library is not installed or has no such network."""
    library, _, name = text.partition(":")
    with _offline(), user_code(text):
        importlib.import_module(library)
        return _BUILDERS[library](name, params, text)


def _build_torchvision(name: str, params: Mapping[str, Any], text: str) -> BuiltModule:
    from torchvision import models

    names = models.list_models()
    if name not in names:
        raise LoadError(
            f"torchvision has no network {name!r}", did_you_mean(name, names) or "see torchvision.models.list_models()"
        )
    factory = models.get_model_builder(name)
    parameters = signature_of(factory) or {}
    none = {key: None for key in ("weights", "weights_backbone") if key in parameters}
    check_arguments(factory, params, text)
    arguments = none | {key: parse_value(value) for key, value in params.items()}
    built = call_factory(factory, arguments, text)
    kind = factory.__module__.removeprefix("torchvision.models.").partition(".")[0]
    return built._replace(defaults=_torchvision_inputs(kind, name, models, arguments))


def _torchvision_inputs(kind: str, name: str, models: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Pictures of the size that torchvision's own weights are made for."""
    if kind == "optical_flow":
        return {"image1": Shape((1, 3, 520, 960)), "image2": Shape((1, 3, 520, 960))}
    if kind == "detection":
        return {"images": [torch.empty(3, 800, 800, device="meta")]}
    if kind == "video":
        weights = models.get_model_weights(name).DEFAULT
        height, width = (list(weights.transforms().crop_size) * 2)[:2]
        frames = weights.meta.get("min_temporal_size", 16)
        return {"x": Shape((1, 3, max(16, frames), height, width))}
    size = arguments.get("image_size") or (520 if kind == "segmentation" else 299 if name == "inception_v3" else 224)
    return {"x": Shape((1, 3, size, size))}


def _build_timm(name: str, params: Mapping[str, Any], text: str) -> BuiltModule:
    import timm

    if not timm.is_model(name):
        remedy = did_you_mean(name, timm.list_models()) or "see timm.list_models()"
        raise LoadError(f"timm has no network {name!r}", remedy)
    arguments = {key: parse_value(value) for key, value in params.items()}
    built = call_factory(lambda **options: timm.create_model(name, pretrained=False, **options), arguments, text)
    config = getattr(built.module, "pretrained_cfg", None) or {}
    channels, height, width = config.get("input_size") or (3, 224, 224)
    size = arguments.get("img_size")
    if size is not None:
        height, width = size if isinstance(size, (tuple, list)) else (size, size)
    shape = Shape((1, arguments.get("in_chans", channels), height, width))
    first = next(iter(signature_of(built.module.forward) or ["x"]))
    return built._replace(defaults={first: shape})


def _build_transformers(name: str, params: Mapping[str, Any], text: str) -> BuiltModule:
    import transformers

    config = _read_config(transformers, name, params, text)
    if "use_cache" not in params:
        for part in (config, *vars(config).values()):
            if getattr(part, "use_cache", None) is True:
                part.use_cache = False
    architecture = next(iter(getattr(config, "architectures", None) or ()), "")
    factory = getattr(transformers, architecture, None) or transformers.AutoModel.from_config
    built = call_factory(lambda: factory(config), {}, text)
    return built._replace(defaults=transformer_inputs(built.module, config))


def _read_config(transformers: Any, name: str, params: Mapping[str, Any], text: str) -> Any:
    """A folder, a config.json or a type (`bert`) -> its configuration, with these of its values in their place."""
    kinds = transformers.CONFIG_MAPPING
    values: dict[str, Any] = {}
    kind = name
    if Path(name).exists():
        values, _ = transformers.PretrainedConfig.get_config_dict(name, local_files_only=True)
        kind = str(values.get("model_type"))
    if kind not in kinds:
        fact = f"transformers has no model type {kind!r}, and there is no such folder"
        raise LoadError(
            fact, did_you_mean(kind, list(kinds)) or "name a folder with a config.json; nothing is downloaded"
        )
    known = kinds[kind]()
    for key in params:
        if key not in values and not hasattr(known, key):
            remedy = did_you_mean(key, list(known.to_dict())) or "see the configuration's class"
            raise UnknownNameError(f"its configuration has no {key!r}", remedy, argument="params", name=key)
    settings = {key: parse_value(value) for key, value in params.items()}
    if isinstance(settings.get("architectures"), str):
        settings["architectures"] = [settings["architectures"]]
    return kinds[kind].from_dict({**values, **settings}) if values else kinds[kind](**settings)


TOKENS, SAMPLES, FRAMES = 128, 16_000, 1000
"""Tokens of a text, samples of a second of sound, frames of a spectrogram, where the configuration says none."""


def transformer_inputs(module: Any, config: Any) -> dict[str, Any]:
    """The inputs of a model of transformers, of batch 1, as far as its forward takes and needs them."""
    parameters = signature_of(module.forward) or {}
    text = config.get_text_config()
    positions = getattr(text, "max_position_embeddings", None)
    tokens = min(TOKENS, positions) if isinstance(positions, int) and positions > 0 else TOKENS
    ids = Shape((1, tokens), torch.int64)
    main = getattr(module, "main_input_name", "input_ids")
    makers: dict[str, Callable[[], Any]] = {
        "input_ids": lambda: ids,
        "decoder_input_ids": lambda: ids,
        "pixel_values": lambda: _picture(config, main),
        "input_values": lambda: Shape((1, SAMPLES)),
        "input_features": lambda: Shape((1, *_spectrogram(config))),
    }
    wanted = [main]
    if hasattr(config, "vision_config") and hasattr(config, "text_config") and "pixel_values" in parameters:
        wanted += ["input_ids", "pixel_values"]
    if getattr(config, "is_encoder_decoder", False):
        wanted += ["decoder_input_ids"]
    return {name: makers[name]() for name in dict.fromkeys(wanted) if name in makers and name in parameters}


def _picture(config: Any, main: str) -> Shape:
    vision = getattr(config, "vision_config", None) or config
    size = getattr(vision, "image_size", None) or 224
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    return Shape((1, getattr(vision, "num_channels", None) or 3, height, width))


def _spectrogram(config: Any) -> tuple[int, int]:
    """(bands, frames) of Whisper, (frames, features) of the others."""
    positions = getattr(config, "max_source_positions", None) or FRAMES
    bands = getattr(config, "num_mel_bins", None) or getattr(config, "input_feat_per_channel", None) or 80
    return (bands, 2 * positions) if getattr(config, "model_type", "") == "whisper" else (FRAMES, bands)


_BUILDERS = {"torchvision": _build_torchvision, "timm": _build_timm, "transformers": _build_transformers}


@contextmanager
def _offline() -> Iterator[None]:
    """The hub's client asks no server inside, whether it is imported before or here."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    saved = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        constants: Any = importlib.import_module("huggingface_hub.constants")
    except ImportError:
        constants = None
    before = getattr(constants, "HF_HUB_OFFLINE", None)
    if constants is not None:
        constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        if constants is not None:
            constants.HF_HUB_OFFLINE = before
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
