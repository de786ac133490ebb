"""Pools over images, adaptive ones too: ATen's calls -> ONNX nodes."""

from __future__ import annotations
