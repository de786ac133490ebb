"""Resizing, padding and rearranging of images: ATen's calls -> ONNX nodes."""

from __future__ import annotations
