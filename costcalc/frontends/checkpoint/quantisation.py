"""`quantization_config` of a config.json, or a hf_quant_config.json -> QuantisationScheme: how each weight is stored.

What a tool quantises are the matrices of linear layers. Embeddings, normalisations, convolutions and routers of experts
stay as they are, and so does what the configuration's list excludes; where it has none, the output head stays too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from costcalc.core.errors import LoadError, suggest_choice
from costcalc.frontends.checkpoint import layouts
from costcalc.frontends.checkpoint.layouts import Shape, WeightLayout
from costcalc.frontends.checkpoint.modules import ModuleList

CORRECT = "correct quantization_config, or analyze the folder with its safetensors files, whose headers decide"

Config = Mapping[str, Any]

HEADS = ["lm_head", "output", "embed_out"]
"""Output heads, which tools leave as they are where a configuration has no list."""

NOT_LINEAR = re.compile(
    r"(?:^|\.)(?:\w*embed\w*|wte|wpe|word_embeddings|position_embeddings|\w*conv\w*|\w*norm\w*|gate|router|"
    r"shared_expert_gate|e_score_correction_bias|sinks)(?:\.weight)?$"
)
"""Parameters with two axes or more that are no matrix of a linear layer."""

EXPERTS = re.compile(r"(?:^|\.)experts\.")


class QuantisedGroup(NamedTuple):
    """Modules that are stored alike: None stands for all linear layers."""

    targets: ModuleList | None
    layout: WeightLayout


class QuantisationScheme(NamedTuple):
    """How weights are stored: the tool's method, groups of modules (the first that fits holds), the modules that stay
    as they are, and whether only experts are quantised. bits are those of packed words, None where there are none."""

    method: str
    groups: tuple[QuantisedGroup, ...]
    excluded: ModuleList
    experts_only: bool = False
    bits: int | None = None

    def layout_of(self, parameter: str, shape: Shape) -> WeightLayout | None:
        """A parameter's name (`model.layers.0.self_attn.q_proj.weight`) and shape of [N, K], with an axis of experts
        before them -> how it is stored; None where it stays as it is."""
        is_expert = EXPERTS.search(parameter) is not None
        is_matrix = len(shape) == 2 and parameter.endswith(".weight")
        if (not is_matrix and not (is_expert and len(shape) == 3)) or NOT_LINEAR.search(parameter):
            return None
        if parameter.endswith("bias") or (self.experts_only and not is_expert):
            return None
        module = parameter.removesuffix(".weight")
        if module in self.excluded:
            return None
        return next((g.layout for g in self.groups if g.targets is None or module in g.targets), None)


def parse_quantisation(config: Config, model: Config, scale_encoding: str = "BF16") -> QuantisationScheme:
    """A quantization_config (or a whole hf_quant_config.json), the model's configuration around it, and the element
    type of its weights -> QuantisationScheme. LoadError where the method is not known, or a value is none of its."""
    if isinstance(config.get("quantization"), dict):
        config = {**config["quantization"], "quant_method": "modelopt"}
    method = str(config.get("quant_method") or ("bitsandbytes" if "load_in_4bit" in config else "")).lower()
    if method not in _METHODS:
        raise LoadError(f"the quantisation {method[:60]!r} is not known", suggest_choice(method[:60], _METHODS))
    return _METHODS[method](config, model, scale_encoding)


def _number(config: Config, key: str, default: int, low: int = 1, high: int = 1 << 20) -> int:
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise LoadError(f"the quantisation has {key} = {str(value)[:60]!r}", CORRECT)
    return value


def _bits(config: Config, key: str, choices: tuple[int, ...]) -> int:
    value = _number(config, key, 4)
    if value not in choices:
        raise LoadError(f"the quantisation has {key} = {value}", f"there are {', '.join(map(str, choices))}")
    return value


def _block(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    is_pair = isinstance(value, list) and len(value) == 2
    if not is_pair or not all(type(n) is int and 1 <= n <= 1 << 20 for n in value):
        raise LoadError(f"the quantisation has blocks of {str(value)[:60]}", CORRECT)
    return tuple(value)


def _single(method: str, layout: WeightLayout, excluded: ModuleList, bits: int | None = None) -> QuantisationScheme:
    return QuantisationScheme(method, (QuantisedGroup(None, layout),), excluded, bits=bits)


def _names(config: Config, key: str) -> list[str]:
    """The names of modules in a list, or in a list of lists. LoadError where it is none."""
    value = config.get(key)
    items: list[Any] = value if isinstance(value, list) else [] if value is None else [None]
    names = [name for item in items for name in (item if isinstance(item, list) else [item])]
    if not all(isinstance(name, str) for name in names):
        raise LoadError(f"the quantisation has {key} = {str(value)[:60]!r}, which is no list of names", CORRECT)
    return names


def _skipped(config: Config, key: str = "modules_to_not_convert") -> ModuleList:
    listed = config.get(key)
    return ModuleList(HEADS if listed is None else listed, "transformers")


def _awq(config: Config, model: Config, scale: str) -> QuantisationScheme:
    bits = _bits(config, "bits" if "bits" in config else "w_bit", (4, 8))
    group = _number(config, "group_size" if "group_size" in config else "q_group_size", 128, -1)
    version = str(config.get("version", "gemm")).lower()
    excluded = ModuleList([*HEADS, *_names(config, "modules_to_not_convert")], "substring")
    if version not in ("gemm", "gemv"):
        raise LoadError(f"AWQ's version {version[:40]!r} is not known", "there are gemm and gemv; or " + CORRECT)
    return _single("awq", layouts.awq_layout(bits, group, version), excluded, bits)


def _gptq(config: Config, model: Config, scale: str) -> QuantisationScheme:
    bits = _bits(config, "bits", (2, 3, 4, 8))
    layout = layouts.gptq_layout(bits, _number(config, "group_size", 128, -1))
    inside = _names(config, "modules_in_block_to_quantize")
    heads = [] if config.get("lm_head") is True else HEADS
    excluded = ModuleList([*heads, *_names(config, "modules_to_not_convert")], "substring")
    if not inside:
        return _single("gptq", layout, excluded, bits)
    return QuantisationScheme("gptq", (QuantisedGroup(ModuleList(inside, "substring"), layout),), excluded, bits=bits)


def _bitsandbytes(config: Config, model: Config, scale: str) -> QuantisationScheme:
    excluded = _skipped(config, "llm_int8_skip_modules")
    if config.get("load_in_4bit") or config.get("_load_in_4bit"):
        kind = str(config.get("bnb_4bit_quant_type", "fp4"))
        if kind not in ("nf4", "fp4"):
            raise LoadError(f"bitsandbytes has no type {kind[:40]!r} of 4 bits", "there are nf4 and fp4")
        double = config.get("bnb_4bit_use_double_quant") is True
        return _single("bitsandbytes", layouts.nf4_layout(kind, double), excluded, 4)
    return _single("bitsandbytes", layouts.int8_rows_layout(), excluded)


def _fp8(config: Config, model: Config, scale: str) -> QuantisationScheme:
    block = _block(config.get("weight_block_size"))
    experts = config.get("expert_dtype") or model.get("expert_dtype")
    encoding = "F8_E8M0" if experts == "fp4" else "F32"
    layout = layouts.fp8_layout(block, encoding, config.get("activation_scheme") == "static")
    listed = config.get("modules_to_not_convert", config.get("ignored_layers"))
    excluded = ModuleList(HEADS if listed is None else listed, "transformers")
    groups = [QuantisedGroup(None, layout)]
    if experts == "fp4":
        stored = layouts.StoredPart("weight", "I8", ())
        packed = layouts.scaled_layout("fp4", stored, [layouts.Scales("scale", "F8_E8M0", (1, 32))], 2, layouts.FP8)
        groups.insert(0, QuantisedGroup(ModuleList([r".*\.experts"], "transformers"), packed))
    return QuantisationScheme("fp8", tuple(groups), excluded)


def _fbgemm(config: Config, model: Config, scale: str) -> QuantisationScheme:
    stored = layouts.StoredPart("weight", "F8_E4M3", ())
    layout = layouts.scaled_layout(
        "fp8 by rows", stored, [layouts.Scales("weight_scale", "F32", (1, 0))], 1, layouts.FP8
    )
    return _single("fbgemm_fp8", layout, _skipped(config))


def _mxfp4(config: Config, model: Config, scale: str) -> QuantisationScheme:
    return _single("mxfp4", layouts.mxfp4_layout(), _skipped(config))._replace(experts_only=True)


def _nvfp4_scales(static: bool) -> list[layouts.Scales]:
    scales = [layouts.Scales("weight_scale", "F8_E4M3", (1, 16)), layouts.Scales("weight_scale_2", "F32")]
    return [*scales, layouts.Scales("input_scale", "F32")] if static else scales


def _modelopt_layout(algorithm: str, group: int, scale: str) -> WeightLayout:
    """The layout of one of ModelOpt's algorithms (modelopt/torch/export/quant_utils.py)."""
    part, scales = layouts.StoredPart, layouts.Scales
    fp8, int8, packed = part("weight", "F8_E4M3", ()), part("weight", "I8", ()), part("weight", "U8", ())
    fixed = scales("input_scale", "F32")
    smooth = scales("pre_quant_scale", scale, (0, 1))
    table: dict[str, Callable[[], WeightLayout]] = {
        "FP8": lambda: layouts.scaled_layout("fp8", fp8, [scales("weight_scale", "F32"), fixed]),
        "FP8_PER_CHANNEL_PER_TOKEN": lambda: layouts.scaled_layout(
            "fp8 by rows", fp8, [scales("weight_scale", "F32", (1, 0))]
        ),
        "FP8_PB_WO": lambda: layouts.scaled_layout(
            "fp8 in blocks of 128×128", fp8, [scales("weight_scale", "F32", (128, 128))]
        ),
        "NVFP4": lambda: layouts.scaled_layout("nvfp4", packed, _nvfp4_scales(True), 2),
        "NVFP4_AWQ": lambda: layouts.scaled_layout("nvfp4", packed, [*_nvfp4_scales(True), smooth], 2),
        "W4A16_NVFP4": lambda: layouts.scaled_layout("nvfp4", packed, _nvfp4_scales(False), 2),
        "MXFP8": lambda: layouts.scaled_layout("mxfp8", fp8, [scales("weight_scale", "U8", (1, 32))]),
        "W4A8_MXFP4_FP8": lambda: layouts.scaled_layout(
            "mxfp4", packed, [scales("weight_scale", "U8", (1, 32)), fixed], 2
        ),
        "W4A16_AWQ": lambda: layouts.scaled_layout(
            f"int4 in groups of {group}", packed, [scales("weight_scale", scale, (1, group)), smooth], 2
        ),
        "W8A16": lambda: layouts.scaled_layout("int8 by rows", int8, [scales("weight_scale", "F32", (1, 0))]),
        "W8A8_SQ_PER_CHANNEL": lambda: layouts.scaled_layout(
            "int8 by rows", int8, [scales("weight_scale", "F32", (1, 0)), fixed, smooth]
        ),
    }
    if algorithm not in table:
        raise LoadError(f"ModelOpt's algorithm {algorithm[:60]!r} is not known", suggest_choice(algorithm[:60], table))
    return table[algorithm]()._replace(compute_dtype=_COMPUTE_DTYPES.get(algorithm, ""))


_COMPUTE_DTYPES: Mapping[str, str] = {
    "FP8": layouts.FP8,
    "FP8_PER_CHANNEL_PER_TOKEN": layouts.FP8,
    "FP8_PB_WO": layouts.FP8,
    "NVFP4": layouts.FP4,
    "NVFP4_AWQ": layouts.FP4,
    "MXFP8": layouts.FP8,
    "W4A8_MXFP4_FP8": layouts.FP8,
    "W8A8_SQ_PER_CHANNEL": "int8",
}
"""ModelOpt's algorithms that quantise inputs, too -> the element type that kernels multiply in."""


def _modelopt(config: Config, model: Config, scale: str) -> QuantisationScheme:
    listed = config.get("exclude_modules", config.get("ignore"))
    excluded = ModuleList(HEADS if listed is None else listed, "glob")
    layers = config.get("quantized_layers")
    if isinstance(layers, dict) and layers:
        groups = tuple(
            QuantisedGroup(ModuleList([name], "glob"), _modelopt_item(item if isinstance(item, dict) else {}, scale))
            for name, item in layers.items()
        )
        return QuantisationScheme("modelopt", groups, excluded)
    return _single("modelopt", _modelopt_item(config, scale), excluded)


def _modelopt_item(config: Config, scale: str) -> WeightLayout:
    group = _number(config, "group_size", 128) if config.get("group_size") else 128
    return _modelopt_layout(str(config.get("quant_algo")), group, scale)


def _compressed_tensors(config: Config, model: Config, scale: str) -> QuantisationScheme:
    sections = config.get("config_groups")
    if not isinstance(sections, dict) or not sections:
        raise LoadError("compressed-tensors has no config_groups", CORRECT)
    groups, bits = [], None
    for section in sections.values():
        if not isinstance(section, dict) or not isinstance(section.get("weights"), dict):
            continue
        form = str(section.get("format") or config.get("format") or "")
        targets = section.get("targets") or ["Linear"]
        everywhere = isinstance(targets, list) and "Linear" in targets
        inputs = section.get("input_activations")
        layout = _compressed_layout(form, section["weights"], inputs, scale)
        if isinstance(inputs, dict):
            layout = layout._replace(compute_dtype=_compute_dtype(form, section["weights"]))
        bits = _number(section["weights"], "num_bits", 8)
        groups.append(QuantisedGroup(None if everywhere else ModuleList(targets, "compressed-tensors"), layout))
    excluded = ModuleList(config.get("ignore"), "compressed-tensors")
    return QuantisationScheme("compressed-tensors", tuple(groups), excluded, bits=bits)


def _compute_dtype(form: str, weights: Config) -> str:
    """A format of compressed-tensors whose inputs are quantised, too -> the element type that kernels multiply in."""
    if form == "nvfp4-pack-quantized":
        return layouts.FP4
    return layouts.FP8 if weights.get("type") == "float" else "int8"


def _compressed_layout(form: str, weights: Config, inputs: Any, scale: str) -> WeightLayout:
    """The layout of a group of compressed-tensors: its format, its `weights` and its `input_activations`."""
    part, scales = layouts.StoredPart, layouts.Scales
    bits, group = _number(weights, "num_bits", 8, 1, 16), weights.get("group_size")
    group = _number(weights, "group_size", 0, -1) if group is not None else 0
    symmetric = weights.get("symmetric") is not False
    static = isinstance(inputs, dict) and inputs.get("dynamic") is False
    strategy = str(weights.get("strategy") or ("group" if group > 0 else "channel" if group else "tensor"))
    if strategy == "group" and group < 1:
        raise LoadError(f"compressed-tensors has groups of {group}", CORRECT)
    if form == "nvfp4-pack-quantized":
        fixed = [scales("input_global_scale", "F32", flat=(1,))] if isinstance(inputs, dict) else []
        grid = [scales("weight_scale", "F8_E4M3", (1, 16)), scales("weight_global_scale", "F32", flat=(1,))]
        return layouts.scaled_layout("nvfp4", part("weight_packed", "U8", ()), [*grid, *fixed], 2)
    if form == "mxfp4-pack-quantized":
        return layouts.scaled_layout(
            "mxfp4", part("weight_packed", "U8", ()), [scales("weight_scale", "U8", (1, 32))], 2
        )
    if form == "pack-quantized":
        order = weights.get("actorder") == "group"
        return layouts.packed_layout(bits, group, symmetric, order, scale)
    if form not in ("int-quantized", "float-quantized", "naive-quantized", "mxfp8-quantized") or bits != 8:
        known = ["pack-quantized", "int-quantized", "float-quantized", "nvfp4-pack-quantized", "mxfp4-pack-quantized"]
        raise LoadError(
            f"compressed-tensors' format {form[:60]!r} with {bits} bits is not known", suggest_choice(form, known)
        )
    encoding, name = ("F8_E4M3", "fp8") if weights.get("type") == "float" else ("I8", "int8")
    size = {"tensor": (0, 0), "channel": (1, 0), "group": (1, group), "block": _block(weights.get("block_structure"))}
    block = size.get(strategy)
    if not block:
        raise LoadError(f"compressed-tensors has scales by {strategy[:60]!r}", CORRECT)
    grids = [scales("weight_scale", "U8" if form.startswith("mx") else scale, (block[0], block[1]), (1,))]
    if not symmetric:
        grids.append(scales("weight_zero_point", "I8", (block[0], block[1]), (1,)))
    if static:
        grids.append(scales("input_scale", scale, flat=(1,)))
    return layouts.scaled_layout(f"{name} by {strategy}", part("weight", encoding, ()), grids)


def _torchao(config: Config, model: Config, scale: str) -> QuantisationScheme:
    kind = config.get("quant_type")
    kind = kind.get("default") if isinstance(kind, dict) else {"_type": kind, "_data": config.get("quant_type_kwargs")}
    kind = kind if isinstance(kind, dict) else {}
    name, data = str(kind.get("_type")), kind.get("_data")
    group = _number(data if isinstance(data, dict) else {}, "group_size", 128)
    part, scales = layouts.StoredPart, layouts.Scales
    packed = [scales("weight:scale", scale, (1, group)), scales("weight:zero_point", scale, (1, group))]
    table: dict[str, Callable[[], WeightLayout]] = {
        "int4": lambda: layouts.scaled_layout(f"int4 in groups of {group}", part("weight:qdata", "U8", ()), packed, 2),
        "int8": lambda: layouts.scaled_layout(
            "int8 by rows", part("weight:qdata", "I8", ()), [scales("weight:scale", scale, (1, 0))]
        ),
        "float8": lambda: layouts.scaled_layout(
            "fp8 by rows", part("weight:qdata", "F8_E4M3", ()), [scales("weight:scale", "F32", (1, 0))]
        ),
    }
    match = re.match(r"(int4|int8|float8)_?(?:weight|dynamic)", name.lower())
    if match is None:
        raise LoadError(f"torchao's configuration {name[:60]!r} is not known", CORRECT)
    compute_dtype = {"int8": "int8", "float8": layouts.FP8}.get(match[1], "") if "dynamic" in name.lower() else ""
    return _single("torchao", table[match[1]]()._replace(compute_dtype=compute_dtype), _skipped(config))


_METHODS: Mapping[str, Callable[[Config, Config, str], QuantisationScheme]] = {
    "awq": _awq,
    "gptq": _gptq,
    "bitsandbytes": _bitsandbytes,
    "fp8": _fp8,
    "fbgemm_fp8": _fbgemm,
    "mxfp4": _mxfp4,
    "modelopt": _modelopt,
    "modelopt_fp4": _modelopt,
    "compressed-tensors": _compressed_tensors,
    "torchao": _torchao,
}
