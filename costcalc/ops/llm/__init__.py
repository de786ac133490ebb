"""Operators of language models that neither ONNX nor com.microsoft has: causal attention within a window or a chunk,
latent attention, sparse and compressed attention, hyper-connections. Their domain is costcalc's own."""

LLM = "costcalc.llm"
