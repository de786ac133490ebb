"""New tensors (zeros, arange, random numbers): ATen's calls -> ONNX nodes."""

from __future__ import annotations
