"""The specs of transformers and recurrent networks: published figures, exactly, and closed forms in seq."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.rules import symbol

SEQ = symbol("seq")


def encoder_macs(seq: int, d: int) -> int:
    """Q, K, V and projection 4·d², the two layers of 4·d units 8·d²; QKᵀ and PV seq²·d each."""
    return 12 * seq * d**2 + 2 * seq**2 * d


def encoder_params(d: int) -> int:
    """Four maps d → d, two between d and 4·d, all with biases; two normalisations."""
    return 4 * (d * d + d) + (d * 4 * d + 4 * d) + (4 * d * d + d) + 2 * 2 * d


def test_vit() -> None:
    report = costcalc.analyze("vit_b_16")
    tokens = 14 * 14 + 1
    assert report.macs == 14 * 14 * (16 * 16 * 3) * 768 + 12 * encoder_macs(tokens, 768) + 768 * 1000 == 17_563_828_224
    embeddings = 16 * 16 * 3 * 768 + 768 + 768 + tokens * 768
    assert report.params == embeddings + 12 * encoder_params(768) + 2 * 768 + 768 * 1000 + 1000 == 86_567_656


def test_vit_in_a_batch() -> None:
    assert costcalc.analyze("vit_b_16", dims={"N": 8}).macs == 8 * 17_563_828_224


@pytest.mark.parametrize(("seq", "macs"), [(128, 11_174_215_680), (512, 48_318_971_904)])
def test_bert(seq: int, macs: int) -> None:
    report = costcalc.analyze("bert_base", dims={"seq": seq})
    assert report.macs == 12 * encoder_macs(seq, 768) + 768 * 768 == macs
    assert report.params == (30522 + 512 + 2 + 2) * 768 + 12 * encoder_params(768) + 768 * 768 + 768 == 109_482_240


def test_bert_in_seq() -> None:
    report = costcalc.analyze("bert_base")
    assert report.macs == 12 * (12 * SEQ * 768**2 + 2 * SEQ**2 * 768) + 768 * 768
    assert [str(a) for a in report.assumptions] == ["seq <= 512"]
    hidden, pooled = (report.graph.types[name].shape for name in report.graph.outputs)
    assert (hidden, pooled) == ((1, SEQ, 768), (1, 768))
    assert report.bind({"seq": 128}).macs == 11_174_215_680


@pytest.mark.parametrize(("seq", "macs"), [(128, 16_114_089_984), (1024, 145_824_153_600)])
def test_gpt2(seq: int, macs: int) -> None:
    report = costcalc.analyze("gpt2", dims={"seq": seq})
    assert report.macs == 12 * encoder_macs(seq, 768) + seq * 768 * 50257 == macs
    assert report.params == (50257 + 1024 + 2) * 768 + 12 * encoder_params(768) == 124_439_808


def test_gpt2_in_seq() -> None:
    report = costcalc.analyze("gpt2")
    assert report.macs == 12 * (12 * SEQ * 768**2 + 2 * SEQ**2 * 768) + SEQ * 768 * 50257
    assert report.open_symbols == ("seq",)
    assert report.bind({"seq": 1024}).macs == 145_824_153_600


def test_gpt2_refuses_more_tokens_than_positions() -> None:
    with pytest.raises(costcalc.CostcalcError):
        costcalc.analyze("gpt2", dims={"seq": 1025})


@pytest.mark.parametrize("kv_heads", [32, 8, 1])
def test_llama(kv_heads: int) -> None:
    d, ffn, vocabulary, depth = 4096, 11008, 32000, 32
    keys = kv_heads * (d // 32)
    products = 2 * d * d + 2 * d * keys + 3 * d * ffn
    report = costcalc.analyze("llama", params={"kv_heads": kv_heads})
    assert report.params == depth * (products + 2 * d) + d + 2 * d * vocabulary
    assert report.macs == depth * (SEQ * products + 2 * SEQ**2 * d) + SEQ * d * vocabulary
    assert report.totals["buffers"] == 2 * 2048 * 64


def test_llama_is_the_papers() -> None:
    assert costcalc.analyze("llama_7b").params == 6_738_415_616


def test_lstm_classifier() -> None:
    report = costcalc.analyze("lstm_classifier")
    one = 2 * 4 * 64 * (128 + 64)
    assert report.macs == 2 * one * SEQ + 128
    assert report.params == 20000 * 128 + 2 * (one + 2 * 4 * 64 * 2) + 128 + 1 == 2_757_761 + 2 * 2 * 4 * 64
