"""torchvision's operators, grid sampling: calls -> ONNX nodes."""

from __future__ import annotations
