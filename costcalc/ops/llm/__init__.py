"""Operators of language models that neither ONNX nor com.microsoft has: causal attention within a window or a chunk,
latent attention, and the choice of the tokens of sparse attention. Their domain is costcalc's own."""

LLM = "costcalc.llm"
