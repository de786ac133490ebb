"""ATen's operators without a counterpart in ONNX (domain `aten`): their cost rules and traits.

Their types are those of the exported program, so that no shape rule is needed.
"""

ATEN = "aten"
"""The domain of these operators."""
