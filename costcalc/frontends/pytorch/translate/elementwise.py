"""Elementwise arithmetic, activations, comparisons and casts: ATen's calls -> ONNX nodes."""

from __future__ import annotations
