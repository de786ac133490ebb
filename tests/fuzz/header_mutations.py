"""A random source -> the files of a small language model with damaged headers: safetensors with its index and a
quantised configuration, or GGUF.

Lengths of 2^63, offsets that overlap, names that stand twice, JSON that is nested deep, texts and arrays of which more
is announced than there is, numbers with thousands of digits, expressions that take long, bytes anywhere.
"""

from __future__ import annotations

import json
import random
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any

from support.checkpoint_files import framed, header_bytes
from support.quantisations import BYTES

DATA = Path(__file__).parents[1] / "data" / "gguf"

CONFIG = {
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 16,
    "torch_dtype": "float16",
}
NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    7,
    255,
    65536,
    1 << 31,
    (1 << 32) - 1,
    1 << 62,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
    10**30,
)
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    None,
    True,
    0.5,
    1e400,
    "",
    "F16",
    "BF16",
    "F4",
    "X",
    [],
    {},
    [[]],
    "\x1b[2J",
    "a" * 5000,
)
PATTERNS = ("re:(a+)+$", "re:.*.*.*.*x", "re:[", "re:.*", "*", "**", "re:\\1", "re:(.*){9}", "lm_head", "(", ".*.*.*")
MODULES = ("q_proj", "k_proj", "v_proj", "o_proj")


@lru_cache(maxsize=1)
def tensors() -> dict[str, tuple[str, tuple[int, ...]]]:
    """The tensors of CONFIG."""
    layer = "model.layers.0"
    shapes: dict[str, tuple[int, ...]] = {f"{layer}.self_attn.{m}.weight": (32, 32) for m in MODULES}
    shapes |= {f"{layer}.self_attn.{m}.weight": (16, 32) for m in ("k_proj", "v_proj")}
    shapes |= {f"{layer}.mlp.{m}.weight": (64, 32) for m in ("gate_proj", "up_proj")}
    shapes |= {
        f"{layer}.mlp.down_proj.weight": (32, 64),
        "model.embed_tokens.weight": (16, 32),
        "lm_head.weight": (16, 32),
    }
    shapes |= {f"{name}.weight": (32,) for name in ("model.norm", f"{layer}.input_layernorm")}
    return {name: ("F16", shape) for name, shape in shapes.items()}


def damaged_headers(r: random.Random) -> dict[str, bytes]:
    """A random source -> files, whose model is the folder `m` or the file `m.gguf`."""
    if r.random() < 0.45:
        return {"m.gguf": damaged_gguf(r)}
    files = {"m/config.json": json.dumps(_damaged_config(r)).encode(), "m/model.safetensors": damaged_safetensors(r)}
    if r.random() < 0.4:
        weight_map: dict[str, Any] = dict.fromkeys(tensors(), "model.safetensors")
        for _ in range(r.choice((0, 1, 2))):
            names = ("../../etc/passwd", "/dev/zero", "", "model.safetensors", "x", 1, None, "a/b", "\0")
            weight_map[r.choice((*weight_map, "x"))] = r.choice(names)
        index = json.dumps({"metadata": {"total_size": r.choice(NUMBERS)}, "weight_map": weight_map}).encode()
        files["m/model.safetensors.index.json"] = _damaged_bytes(r, index) if r.random() < 0.3 else index
    if r.random() < 0.2:
        files["m/hf_quant_config.json"] = json.dumps(_mutated(r, {"quantization": {"quant_algo": "NVFP4"}})).encode()
    return files


def _damaged_config(r: random.Random) -> Any:
    """A configuration with the section of a quantisation that may be damaged."""
    config: dict[str, Any] = json.loads(json.dumps(CONFIG))
    section = json.loads(json.dumps(r.choice(BYTES)[1]))
    section = {"quant_method": "modelopt", **section["quantization"]} if "quantization" in section else section
    for key in ("modules_to_not_convert", "ignore", "exclude_modules", "llm_int8_skip_modules"):
        if r.random() < 0.3:
            section[key] = [r.choice(PATTERNS) for _ in range(r.choice((1, 2, 50)))]
    for _ in range(r.choice((0, 0, 1, 2))):
        section = _mutated(r, section)
    return {**config, "quantization_config": section}


def _mutated(r: random.Random, value: Any) -> Any:
    """A value of JSON with one of its parts replaced, removed or nested."""
    if isinstance(value, dict) and value and r.random() < 0.85:
        key = r.choice(list(value))
        kind = r.random()
        if kind < 0.1:
            return {name: part for name, part in value.items() if name != key}
        if kind < 0.2:
            return {**value, r.choice(("x", "bits", "group_size", "config_groups", "targets")): r.choice(VALUES)}
        return {**value, key: _mutated(r, value[key])}
    if isinstance(value, list) and value and r.random() < 0.85:
        place = r.randrange(len(value))
        return [*value[:place], _mutated(r, value[place]), *value[place + 1 :]]
    return r.choice(VALUES)


def damaged_safetensors(r: random.Random) -> bytes:
    """The bytes of a file whose header is damaged as JSON, as text, or as bytes."""
    text, size = header_bytes(tensors())
    document = json.loads(text)
    for _ in range(r.choice((0, 1, 1, 2, 8))):
        name = r.choice(list(document))
        kind = r.random()
        if kind < 0.5:
            document[name] = _mutated(r, document[name])
        elif kind < 0.6:
            document.pop(name)
        elif kind < 0.7:
            document[r.choice(("x" * 70_000, "__metadata__", "a.qweight", name + ".qzeros", "\x1b", ""))] = document[
                name
            ]
        else:
            begin = r.choice(NUMBERS)
            document[name] = {"dtype": "F16", "shape": [r.choice(NUMBERS)], "data_offsets": [begin, r.choice(NUMBERS)]}
        if len(document) < 2:
            break
    header = json.dumps(document).encode()
    kind = r.random()
    if kind < 0.05:
        header = b'{"a":' + b"[" * r.choice((100, 2000, 200_000))
    elif kind < 0.1:
        header = header.replace(b"32", b"9" * r.choice((50, 5000, 100_000)), 1)
    elif kind < 0.15:
        header = b'{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},' + header[1:] * 2
    content = framed(header, bytes(size))
    if r.random() < 0.2:
        content = struct.pack("<Q", r.choice(NUMBERS) % (1 << 64)) + content[8:]
    return _damaged_bytes(r, content) if r.random() < 0.3 else content


@lru_cache(maxsize=1)
def _gguf_files() -> tuple[bytes, ...]:
    sizes = json.loads((DATA / "models" / "models.json").read_text(encoding="utf-8"))
    names = [name for name in sizes if sizes[name]["size"] < 4_000_000]
    whole = [(DATA / "models" / f"{name}.gguf").read_bytes() for name in names]
    models = [content + bytes(sizes[name]["size"] - len(content)) for name, content in zip(names, whole, strict=True)]
    return (*models, (DATA / "types.gguf").read_bytes(), (DATA / "big_endian.gguf").read_bytes())


def damaged_gguf(r: random.Random) -> bytes:
    """The bytes of a file with numbers of its header changed, or bytes anywhere in it."""
    content = r.choice(_gguf_files())
    if r.random() < 0.3:
        return _damaged_bytes(r, content)
    data = bytearray(content)
    for _ in range(r.choice((1, 1, 2, 4))):
        place = r.randrange(4, min(len(data) - 8, r.choice((24, 400, 4000))))
        width = r.choice((1, 4, 8))
        old = int.from_bytes(data[place : place + width], "little")
        new = r.choice((*NUMBERS, old + 1, old - 1, old * 2, r.randrange(64)))
        data[place : place + width] = (new % (1 << (8 * width))).to_bytes(width, "little")
    return bytes(data)


def _damaged_bytes(r: random.Random, content: bytes) -> bytes:
    """Bytes changed, removed, repeated or cut off, most of them near the beginning."""
    data = bytearray(content)
    for _ in range(r.choice((1, 1, 2, 8))):
        if len(data) < 16:
            break
        place = r.randrange(min(len(data) - 8, r.choice((64, 4000, len(data)))))
        kind = r.random()
        if kind < 0.6:
            data[place] = r.randrange(256)
        elif kind < 0.75:
            del data[place : place + r.randrange(1, 32)]
        elif kind < 0.9:
            data[place:place] = data[place : place + r.randrange(1, 64)]
        else:
            del data[place:]
    return bytes(data)
