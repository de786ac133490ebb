"""Configurations with their weights as they are stored: by the files' headers, or by the description alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.checkpoint_files import write_safetensors
from support.model_folders import GPT_OSS, LLAMA, QWEN3_MOE, Tensors, write_config, write_model
from support.quantisations import AWQ, BYTES, FP8, NF4

import costcalc
from costcalc.core.errors import LoadError
from costcalc.core.ir import WarningNote
from costcalc.frontends.checkpoint.safetensors import BITS


def size(tensors: Tensors) -> int:
    """Bytes of tensors."""
    total = 0
    for encoding, shape in tensors.values():
        bits = BITS[encoding]
        for extent in shape:
            bits *= extent
        total += bits // 8
    return total


def analyze(folder: Path) -> costcalc.Report:
    return costcalc.analyze(str(folder), dims={"seq": 16})


def warnings(report: costcalc.Report) -> list[str]:
    return [str(note) for note in report.graph.notes if isinstance(note, WarningNote)]


@pytest.mark.parametrize("model", [LLAMA, QWEN3_MOE, GPT_OSS], ids=["llama", "qwen3_moe", "gpt_oss"])
def test_plain_weights(model: Mapping[str, Any], tmp_path: Path) -> None:
    tensors = write_model(tmp_path, model)
    report = analyze(tmp_path)
    assert report.totals["weight_bytes"] == size(tensors)
    assert not report.graph.stored_formats and not warnings(report)


@pytest.mark.parametrize("model", [LLAMA, QWEN3_MOE], ids=["llama", "qwen3_moe"])
@pytest.mark.parametrize("config", [row[1] for row in BYTES], ids=[row[0] for row in BYTES])
def test_each_quantisation(config: Mapping[str, Any], model: Mapping[str, Any], tmp_path: Path) -> None:
    """With the files, and without them by the description: the same bytes, and the parameters of the plain model."""
    plain = tmp_path / "plain"
    write_config(plain, model)
    section = dict(config) if "quantization" not in config else {"quant_method": "modelopt", **config["quantization"]}
    tensors = write_model(tmp_path / "net", model, section)
    report = analyze(tmp_path / "net")
    assert report.totals["weight_bytes"] == size(tensors) < analyze(plain).totals["weight_bytes"]
    assert report.totals["params"] == analyze(plain).totals["params"]
    assert report.totals["macs"] == analyze(plain).totals["macs"]
    assert not warnings(report)
    (tmp_path / "net" / "model.safetensors").unlink()
    described = analyze(tmp_path / "net")
    assert described.totals["weight_bytes"] == size(tensors)
    assert described.weight_bytes_by_dtype() == report.weight_bytes_by_dtype()
    assert any("by the configuration; no file was read" in note for note in described.graph.notes)
    (tmp_path / "net" / "hf_quant_config.json").write_text(json.dumps(config))
    if "quantization" in config:
        write_config(tmp_path / "net", model)
        assert analyze(tmp_path / "net").totals["weight_bytes"] == size(tensors)


def test_gpt_oss_in_mxfp4(tmp_path: Path) -> None:
    excluded = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
    tensors = write_model(tmp_path, GPT_OSS, {"quant_method": "mxfp4", "modules_to_not_convert": excluded})
    report = analyze(tmp_path)
    assert report.totals["weight_bytes"] == size(tensors)
    experts = 2 * 4 * (512 * 256 + 256 * 256)
    assert report.weight_bytes_by_dtype()["mxfp4"] == experts // 32 * 17
    assert not warnings(report)


def test_gpt_oss_120b() -> None:
    """The published index of openai/gpt-oss-120b says total_size 65,248,815,744."""
    experts = 36 * 128 * (5760 * 2880 + 2880 * 2880)
    others = 116_829_156_672 - experts
    assert experts // 32 * 17 + 2 * others == 65_248_815_744


def merged(tensors: Tensors) -> Tensors:
    """The experts' first maps in one tensor of all experts, and their last maps likewise, as transformers 5 saves them."""
    others = {name: t for name, t in tensors.items() if ".experts." not in name}
    for layer in range(2):
        stem = f"model.layers.{layer}.mlp.experts"
        others[f"{stem}.gate_up_proj"] = "BF16", (4, 256, 256)
        others[f"{stem}.down_proj"] = "BF16", (4, 256, 128)
    return others


def test_experts_of_all_in_one_tensor(tmp_path: Path) -> None:
    tensors = merged(write_model(tmp_path, QWEN3_MOE))
    write_safetensors(tmp_path / "model.safetensors", tensors)
    report = analyze(tmp_path)
    assert report.totals["weight_bytes"] == size(tensors) and not warnings(report)


def test_another_type_than_the_configuration_says(tmp_path: Path) -> None:
    tensors = write_model(tmp_path, LLAMA)
    tensors = {name: ("F32" if "norm" in name else "F16", shape) for name, (_, shape) in tensors.items()}
    write_safetensors(tmp_path / "model.safetensors", tensors)
    report = analyze(tmp_path)
    assert report.totals["weight_bytes"] == size(tensors)
    assert report.weight_bytes_by_dtype() == {
        "float16": size({n: t for n, t in tensors.items() if t[0] == "F16"}),
        "float32": 5 * 256 * 4,
    }


def test_tied_embeddings_count_once(tmp_path: Path) -> None:
    """A file may hold the head, too, though it is tied: it is the embedding's, and no tensor too many."""
    tensors = write_model(tmp_path, {**LLAMA, "tie_word_embeddings": True})
    assert "lm_head.weight" not in tensors
    write_safetensors(tmp_path / "model.safetensors", {**tensors, "lm_head.weight": ("BF16", (1000, 256))})
    report = analyze(tmp_path)
    assert report.totals["weight_bytes"] == size(tensors) and not warnings(report)


def test_a_tensor_too_many_or_too_few_is_named(tmp_path: Path) -> None:
    tensors = write_model(tmp_path, LLAMA)
    name = "model.layers.1.mlp.up_proj.weight"
    changed = {n: t for n, t in tensors.items() if n != name} | {"model.layers.2.eh_proj.weight": ("BF16", (256, 512))}
    write_safetensors(tmp_path / "model.safetensors", changed)
    report = analyze(tmp_path)
    assert warnings(report) == [
        "the files hold what the network does not have, 256 KiB: model.layers.2.eh_proj.weight",
        f"the files lack parameters of the network, which count in its own type: {name}",
    ]
    assert report.totals["weight_bytes"] == size(tensors)


def test_a_tensor_of_another_shape_is_refused(tmp_path: Path) -> None:
    tensors = write_model(tmp_path, LLAMA)
    tensors["model.layers.1.mlp.up_proj.weight"] = "BF16", (512, 255)
    write_safetensors(tmp_path / "model.safetensors", tensors)
    fact = (
        r"the files have 130,560 values of model\.layers\.1\.mlp\.up_proj\.weight, the configuration's network 131,072"
    )
    with pytest.raises(LoadError, match=fact):
        analyze(tmp_path)


def test_scales_of_the_cache(tmp_path: Path) -> None:
    """ModelOpt's k_scale and v_scale are bytes of the files, and no tensors too many."""
    tensors = write_model(tmp_path, LLAMA, {"quant_method": "modelopt", "quant_algo": "FP8"})
    scales: Tensors = {
        f"model.layers.{i}.self_attn.{part}_proj.{part}_scale": ("F32", ()) for i in (0, 1) for part in "kv"
    }
    write_safetensors(tmp_path / "model.safetensors", {**tensors, **scales})
    report = analyze(tmp_path)
    assert report.totals["weight_bytes"] == size(tensors) + 4 * 4 and not warnings(report)


@pytest.mark.parametrize("prefix", ["", "language_model.", "model.language_model."])
def test_names_of_a_part_or_of_a_model_around_it(prefix: str, tmp_path: Path) -> None:
    tensors = {prefix + n.removeprefix("model."): t for n, t in write_model(tmp_path, LLAMA).items()}
    write_safetensors(tmp_path / "model.safetensors", tensors)
    report = analyze(tmp_path)
    assert report.totals["weight_bytes"] == size(tensors) and not warnings(report)


def test_the_file_alone_stands_for_its_folder(tmp_path: Path) -> None:
    tensors = write_model(tmp_path, LLAMA, AWQ)
    assert analyze(tmp_path / "config.json").totals["weight_bytes"] == size(tensors)


def test_a_quantisation_that_is_not_known(tmp_path: Path) -> None:
    """Files decide without it; without files a note says that the bytes are not those that are stored."""
    tensors = write_model(tmp_path, LLAMA, FP8)
    write_config(tmp_path, {**LLAMA, "quantization_config": {"quant_method": "new"}})
    assert analyze(tmp_path).totals["weight_bytes"] == size(tensors)
    (tmp_path / "model.safetensors").unlink()
    (note,) = warnings(analyze(tmp_path))
    assert note.startswith("the quantisation 'new' is not known") and note.endswith("as if they were bfloat16")


def test_what_bitsandbytes_adds_is_said(tmp_path: Path) -> None:
    write_config(tmp_path, {**LLAMA, "quantization_config": NF4})
    assert any("without the JSON that bitsandbytes stores" in note for note in analyze(tmp_path).graph.notes)


def test_damage_has_its_place(tmp_path: Path) -> None:
    write_model(tmp_path, LLAMA)
    with (tmp_path / "model.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(LoadError, match=r"model\.safetensors: its tensors end at byte"):
        analyze(tmp_path)


PRECISIONS = [
    (AWQ, {"bf16"}),
    (FP8, {"float8e4m3fn", "bf16"}),
    ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, {"float4e2m1", "bf16"}),
    ({"quant_method": "modelopt", "quant_algo": "W4A16_NVFP4"}, {"bf16"}),
    ({"quant_method": "bitsandbytes", "load_in_8bit": True}, {"int8×int8", "bf16"}),
]


@pytest.mark.parametrize(("config", "precisions"), PRECISIONS)
def test_what_kernels_multiply_in(config: Mapping[str, Any], precisions: Any, tmp_path: Path) -> None:
    """Where inputs are quantised for the weights, too, layers have the peak of that type: a bound of time stays below
    what is measured. Attention and the head stay in the model's type."""
    write_config(tmp_path, {**LLAMA, "quantization_config": dict(config)})
    macs = analyze(tmp_path).macs_by_precision()
    assert set(macs) == set(precisions)
    head, attention = 16 * 1000 * 256, 2 * (16 * 16 * 4 * 2 * 64)
    if len(macs) > 1:
        assert macs["bf16"] == head + attention
