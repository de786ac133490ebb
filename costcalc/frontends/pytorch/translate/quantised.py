"""The dialects of quantised programs (quantized_decomposed, torchao, PT2E): calls -> ONNX nodes."""

from __future__ import annotations
