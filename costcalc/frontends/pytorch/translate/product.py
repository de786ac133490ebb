"""Matrix products, linear layers, einsum, lookups in tables: ATen's calls -> ONNX nodes."""

from __future__ import annotations
