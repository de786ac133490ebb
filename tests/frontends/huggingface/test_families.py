"""Families of Hugging Face configurations, held to transformers' figures on the meta device (tests/data/huggingface) and to
published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import pytest
from support.scans import counted_more

import costcalc
from costcalc.analysis.report import analyze_graph
from costcalc.core.dim import Dim
from costcalc.core.errors import LoadError, UnknownNameError
from costcalc.core.ir import DType
from costcalc.frontends import load
from costcalc.frontends.builtin import specs_folder
from costcalc.frontends.huggingface.family import family_files, find_family, read_family
from costcalc.studies.generation.cache import TOKEN_COUNT, cache_size
from costcalc.studies.generation.decoder import make_decoder
from costcalc.studies.generation.generation import measure_generation
from costcalc.studies.options import Settings

DATA = Path(__file__).parents[2] / "data" / "huggingface"

TOKENS = 128

Case = Mapping[str, Any]


def cases() -> list[Any]:
    """The cases of all files, each called after its model or its fields."""
    found = []
    for path in sorted(DATA.glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8")):
            fields = ", ".join(f"{k}={v}" for k, v in case["config"].items())
            found.append(pytest.param(case, id=case.get("name") or fields[:80]))
    return found


def source(case: Case) -> bytes:
    return json.dumps(case["config"]).encode()


def macs_of(report: costcalc.Report, part: str) -> Dim:
    """The MACs of the layers of one part."""
    return sum(layer.macs or 0 for layer in report.layers if layer.scope[0] == part)


@pytest.mark.parametrize("case", cases())
def test_parameters_and_macs_are_those_of_transformers(case: Case) -> None:
    """The products of experts are added by hand: layers × tokens × experts of a token × matrices × their extents; what
    the counter sees of a scan's implementation is exchanged for the recurrence by its definition (support/scans.py)."""
    report = costcalc.analyze(source(case), dims=case.get("dims", {"seq": TOKENS}))
    assert report.params == case["params"]
    experts = prod(case["experts"]) if "experts" in case else 0
    experts -= case.get("similarity_macs", 0)  # products of a text and an image: the parts are costed apart
    if "macs" in case:
        text = case["macs"] + experts - sum(map(counted_more, case.get("scans", ())))
        assert report.macs == text + case.get("tower_macs", 0)
        if "tower_macs" in case:
            assert report.macs - macs_of(report, "text") == case["tower_macs"]
    assert not report.unknown
    if "active_params" in case:
        assert report.totals.get("active_params", report.params) == case["active_params"]


@pytest.mark.parametrize(
    "case", [c for c in cases() if "cache" in c.values[0] or "kv_elements_per_token" in c.values[0]]
)
def test_the_cache_is_that_of_transformers(case: Case) -> None:
    """transformers keeps keys and values of window - 1 tokens in a layer with a window; those of an encoder's positions
    beside them."""
    encoder = {name: extent for name, extent in case.get("dims", {}).items() if name != "seq"}
    decoder = make_decoder(source(case), dims=encoder)
    size = cache_size(decoder.cache_types(TOKEN_COUNT))
    step = decoder.build_pass(1, 1)
    crossed = sum(step.graph.types[name].elements for name in step.cross_caches)
    if "cache" in case:
        assert size.elements(TOKENS) + crossed == case["cache"]
    else:
        assert size.elements(1) - size.elements(0) == case["kv_elements_per_token"]


@pytest.mark.parametrize(
    "case", {c.values[0]["config"]["model_type"]: c for c in cases() if "cache" in c.values[0]}.values()
)
def test_each_type_with_a_cache_generates(case: Case) -> None:
    """A prompt of several tokens, and steps behind it: what is held is the weights, the caches and a peak."""
    dims = {name: extent for name, extent in case.get("dims", {}).items() if name != "seq"}
    generation = measure_generation(source(case), Settings.of(dims=dims, generation={"prompt": 5, "generate": 4}))
    assert generation.first is not None and generation.prefill.macs >= generation.first.macs > 0
    held = generation.weight_bytes + generation.cache_bytes(9) + generation.cross_cache_bytes
    assert generation.memory_bytes - held == generation.peak_bytes > 0


STATES = [
    # RG-LRU and the window of a convolution in 18 of 26 layers (transformers keeps the state outside of its Cache)
    ({"model_type": "recurrent_gemma"}, 18 * 2560 * (1 + 3)),
    # C, n and m of 8 heads in 32 layers (xLSTMCache is no Cache)
    ({"model_type": "xlstm"}, 32 * 8 * (256 * 512 + 256 + 1)),
]


@pytest.mark.parametrize(("config", "elements"), STATES, ids=[config["model_type"] for config, _ in STATES])
def test_a_state_that_no_cache_of_transformers_holds(config: Case, elements: int) -> None:
    generation = measure_generation(json.dumps(config).encode(), Settings.of(generation={"prompt": 5, "generate": 4}))
    assert generation.state_elements == elements and generation.memory_bytes > generation.weight_bytes


@pytest.mark.parametrize("model_type", family_files())
def test_every_model_type_has_a_class_with_defaults(model_type: str) -> None:
    family = find_family(model_type, "config.json")
    if not family.parts:
        graph = load(json.dumps({"model_type": model_type}).encode())
        assert graph.parameters and all("/" not in name for name in graph.parameters)


@pytest.mark.parametrize("path", sorted((specs_folder() / "families").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_family_says_where_it_was_published(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "\nname: " in text and "\nsource: " in text and "\n  model_types:\n    " in text


def names(case: Mapping[str, Any]) -> dict[str, tuple[Dim, ...] | None]:
    graph = load(json.dumps(case).encode())
    return {name: graph.types[name].shape for name in graph.parameters}


def test_parameters_have_the_names_of_the_checkpoint() -> None:
    found = names({"model_type": "llama", "num_hidden_layers": 4, "num_key_value_heads": 8})
    assert len(found) == 4 * 9 + 3
    assert found["model.layers.3.self_attn.k_proj.weight"] == (4096, 1024)
    assert (found["model.embed_tokens.weight"], found["lm_head.weight"]) == ((32000, 4096), (4096, 32000))


def test_a_star_stands_for_the_number_of_an_expert() -> None:
    found = names({"model_type": "mixtral", "num_hidden_layers": 1})
    assert found["model.layers.0.block_sparse_moe.experts.*.w1.weight"] == (8, 14336, 4096)
    assert found["model.layers.0.block_sparse_moe.gate.weight"] == (4096, 8)


def test_the_bare_model_has_names_without_its_prefix() -> None:
    bert = {"model_type": "bert", "num_hidden_layers": 1}
    masked, bare = names(bert), names({**bert, "architectures": ["BertModel"]})
    assert masked["bert.encoder.layer.0.attention.self.query.weight"] == (768, 768)
    assert bare["encoder.layer.0.attention.self.query.weight"] == (768, 768)
    assert masked["cls.predictions.bias"] == (30522,) and bare["pooler.dense.weight"] == (768, 768)
    assert "cls.predictions.decoder.weight" not in masked


def test_the_class_says_which_parts_a_network_has() -> None:
    towers = {"model_type": "clip", "text_config": {"num_hidden_layers": 1}, "vision_config": {"num_hidden_layers": 1}}
    both = names({**towers, "architectures": ["CLIPModel"], "projection_dim": 64})
    labels = names(
        {**towers, "architectures": ["CLIPForImageClassification"], "id2label": {"0": "a", "1": "b", "2": "c"}}
    )
    assert both["text_projection.weight"] == (64, 512) and both["visual_projection.weight"] == (64, 768)
    assert labels["classifier.weight"] == (3, 768) and not any(name.startswith("text") for name in labels)


def test_the_class_of_a_text_leaves_the_other_parts_out() -> None:
    """Qwen3_5ForCausalLM has 8,953,803,264 parameters by default (transformers 5.24), the tower's 453,650,672 less."""
    whole = {"model_type": "qwen3_5", "text_config": {"model_type": "qwen3_5_text"}, "vision_config": {}}
    text = load(json.dumps({**whole, "architectures": ["Qwen3_5ForCausalLM"]}).encode())
    both = load(json.dumps({**whole, "architectures": ["Qwen3_5ForConditionalGeneration"]}).encode())
    assert analyze_graph(text).params == 8_953_803_264 == analyze_graph(both).params - 453_650_672
    assert "the class Qwen3_5ForCausalLM has the part text_config alone" in text.notes
    assert not any("alone" in note for note in both.notes)


def test_a_step_of_a_decoder_does_not_compute_its_encoder() -> None:
    """T5 small: 6 layers of 512 features over 40 tokens of the source, of which a step reads keys and values only."""
    decoder = make_decoder(json.dumps({"model_type": "t5"}).encode(), dims={"source": 40})
    first, step = decoder.build_pass(1, 0), decoder.build_pass(1, 9)
    assert not first.cross_caches and len(step.cross_caches) == 2 * 6
    assert {step.graph.types[name].shape for name in step.cross_caches} == {(1, 40, 512)}
    assert [name for name in step.graph.inputs if "encoder_input" in name] == []
    projections = 4 * 512 * 512 + 2 * 512 * 512 + 2 * 512 * 2048
    attentions = 2 * 512 * 10 + 2 * 512 * 40
    assert costcalc.analyze(step.graph).macs == 6 * (projections + attentions) + 512 * 32128
    assert step.graph.parameters == decoder.open_graph.parameters


def test_weights_have_the_type_of_the_configuration() -> None:
    for field, dtype in (
        ({"torch_dtype": "float16"}, DType.FLOAT16),
        ({"dtype": "torch.bfloat16"}, DType.BFLOAT16),
        ({}, DType.FLOAT32),
        ({"quantization_config": {"quant_method": "mxfp4"}}, DType.BFLOAT16),
    ):
        graph = load(json.dumps({"model_type": "gpt2", **field}).encode())
        assert {t.dtype for t in graph.initializers.values()} == {dtype}


def test_parts_stand_side_by_side() -> None:
    """Gemma 3 4B: 4,300,079,472 parameters (transformers), of which 419,816,304 are the tower's and the projector's."""
    config = {
        "model_type": "gemma3",
        "mm_tokens_per_image": 256,
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "num_hidden_layers": 34,
            "sliding_window": 1024,
        },
        "vision_config": {
            "model_type": "siglip_vision_model",
            "hidden_size": 1152,
            "image_size": 896,
            "intermediate_size": 4304,
            "num_attention_heads": 16,
            "num_hidden_layers": 27,
            "patch_size": 14,
            "vision_use_head": False,
        },
    }
    source = json.dumps(config).encode()
    report = costcalc.analyze(source, dims={"seq": 128, "images": 0})
    assert report.params == 4_300_079_472
    text = costcalc.analyze(json.dumps(config["text_config"]).encode(), dims={"seq": 128})
    assert report.macs == text.macs and report.params - text.params == 419_816_304
    stored = load(source).parameters
    assert "language_model.model.layers.33.self_attn.q_norm.weight" in stored
    assert "vision_tower.vision_model.encoder.layers.26.mlp.fc2.bias" in stored
    assert "multi_modal_projector.mm_input_projection_weight" in stored
    assert (
        costcalc.analyze(source, params={"vision_config.num_hidden_layers": 0}, dims={"seq": 1}).params < report.params
    )
    decoder = make_decoder(source)
    assert decoder.sequence == "seq" and "pixel_values" not in decoder.open_graph.inputs
    for name, says in (
        ("depth", "no parameter 'depth'"),
        ("vision_config.depth", "no parameter 'depth'"),
        ("vision_confg.num_hidden_layers", "no part for the parameter.*did you mean 'vision_config'"),
    ):
        with pytest.raises(UnknownNameError, match=says):
            load(source, params={name: 1})


def test_a_field_that_another_part_leaves_out_is_that_of_its_class() -> None:
    """Gemma 4's text has 2304 features unless it says otherwise: the projector of images maps to them."""
    config: dict[str, Any] = {"model_type": "gemma4", "text_config": {"num_hidden_layers": 1}, "vision_config": {}}
    written = config | {"text_config": {"num_hidden_layers": 1, "hidden_size": 2304}}
    assert names(config) == names(written)
    assert names(config)["model.embed_vision.embedding_projection.weight"] == (768, 2304)


def test_a_tower_with_a_head_has_it_in_gemma_3_too() -> None:
    """SigLIP's head of 768 features: a probe, an attention, a normalisation and a feed-forward part of 3072."""
    tower = {"model_type": "siglip_vision_model", "image_size": 896, "num_hidden_layers": 1}
    params = [
        costcalc.analyze(
            json.dumps(
                {"model_type": "gemma3", "text_config": {"num_hidden_layers": 1}, "vision_config": vision}
            ).encode(),
            dims={"seq": 1, "images": 1},
        ).params
        for vision in (tower, {**tower, "vision_use_head": False})
    ]
    assert params[0] - params[1] == 768 + 4 * (768 * 768 + 768) + 2 * 768 + 2 * 768 * 3072 + 3072 + 768


def test_layers_that_predict_further_tokens_are_named() -> None:
    config = {"model_type": "deepseek_v3", "num_hidden_layers": 1, "num_nextn_predict_layers": 1}
    for fields, count in ((config, 1), ({**config, "num_nextn_predict_layers": 0}, 0)):
        notes = [str(note) for note in load(json.dumps(fields).encode()).notes]
        assert sum(text.startswith("num_nextn_predict_layers is 1: what predicts") for text in notes) == count


def test_a_list_of_layers_may_be_written_as_text() -> None:
    config = {"model_type": "step3p5", "num_hidden_layers": 4, "n_routed_experts": 8, "moe_layers_enum": "1,3"}
    graph = load(json.dumps(config).encode())
    assert [f"model.layers.{i}.mlp.gate.weight" in graph.parameters for i in range(4)] == [False, True, False, True]
    with pytest.raises(costcalc.CostcalcError, match="'1;3' holds no numbers"):
        load(json.dumps({**config, "moe_layers_enum": "1;3"}).encode())


def test_layers_that_share_keys_and_values_read_one_cache() -> None:
    """Gemma 4: the last layers of each kind read what the last one before them cached."""
    config = {"model_type": "gemma4_text", "num_hidden_layers": 4, "num_kv_shared_layers": 2, "vocab_size": 100}
    config |= {"vocab_size_per_layer_input": 100, "layer_types": ["sliding_attention", "full_attention"] * 2}
    step = make_decoder(json.dumps(config).encode()).build_pass(1, 50)
    assert len(step.caches) == 2 * 2
    pasts = [node.inputs[4:6] for node in step.graph.nodes if node.op_type in ("Attention", "CausalAttention")]
    assert pasts[:2] == pasts[2:] and {name for past in pasts for name in past} == set(step.caches)


@pytest.mark.parametrize("model_type", ["mamba", "mamba2"])
def test_a_step_behind_a_state_costs_the_same_at_any_length(model_type: str) -> None:
    """One state for each layer and one window, read and written whole, whatever the number of earlier tokens."""
    decoder = make_decoder(json.dumps({"model_type": model_type, "num_hidden_layers": 2}).encode())
    first, later = decoder.build_pass(1, 10), decoder.build_pass(1, 100_000)
    assert first.graph.types == later.graph.types
    assert len(first.caches) == len(first.new_entries) == 4
    assert len({report.macs for report in (analyze_graph(first.graph), analyze_graph(later.graph))}) == 1
    assert cache_size(decoder.cache_types(TOKEN_COUNT)).elements(1) == cache_size(decoder.cache_types(7)).elements(9)


@pytest.mark.parametrize(
    "model_type", [name for name, path in family_files().items() if "_vision" in name and not read_family(path).parts]
)
def test_a_tower_has_no_note(model_type: str) -> None:
    """Patches are no image whose last axis is mapped by mistake."""
    assert not load(json.dumps({"model_type": model_type}).encode()).notes


def test_fields_that_a_class_reads_from_its_parts_alone_are_told() -> None:
    """Step-3.7's class has no such fields: beside its parts they change nothing, and a part without a configuration has
    the values of its class."""
    whole = load(json.dumps({"model_type": "step3p7"}).encode())
    flat = load(json.dumps({"model_type": "step3p7", "vocab_size": 10, "hidden_size": 64}).encode())
    assert analyze_graph(whole).params == analyze_graph(flat).params == 197_824_847_872
    assert any(
        note.startswith("vocab_size, hidden_size of the whole configuration have no effect") for note in flat.notes
    )
    with pytest.raises(LoadError, match="heads_of_another"):
        load(json.dumps({"model_type": "step3p7", "heads_of_another": 3}).encode())


def test_a_projector_goes_on_from_the_tower() -> None:
    """LLaVA 1.5: 576 patches of 1024 features to the text's; `--set` of the text's size is the projector's, too."""
    config = json.dumps({"model_type": "llava", "text_config": {"num_hidden_layers": 1}}).encode()
    graph = load(config, params={"text_config.hidden_size": 512}, dims={"images": 3})
    assert graph.types["multi_modal_projector.linear_1.weight"].shape == (1024, 512)
    features = [graph.types[name].shape for name in graph.outputs]
    assert (3, 576, 512) in features and "features" not in graph.inputs and "patches" not in graph.symbols
    with pytest.raises(UnknownNameError, match="'features' is no input"):
        load(config, shapes={"features": (1, 2, 3)})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"downsample_factor": 2}, r"downsample_factor \(2\) is not understood"),
        ({"multi_modal_projector": {}}, "multi_modal_projector is not understood"),
        ({"vision_config": {"model_type": "bert"}}, "vision_config is a configuration of 'bert'"),
        ({"vision_config": {"model_type": "eva"}}, "the model type 'eva' is not known"),
        ({"text_config": {"model_type": "llama", "heads_of_another": 3}}, "heads_of_another"),
    ],
)
def test_a_network_of_images_refuses_what_its_class_does_not_read(fields: Case, says: str) -> None:
    with pytest.raises(LoadError, match=says):
        load(json.dumps({"model_type": "llava", **fields}).encode())
