"""Views, permutations, joins and splits: ATen's calls -> ONNX nodes."""

from __future__ import annotations
