"""TensorFlow Lite's builtin operators (domain `tflite`): channels last, with fused activations."""

TFLITE, CUSTOM, FLEX = "tflite", "tflite.custom", "tflite.flex"
"""The domains of builtin operators, of custom ones by their own names, and of those of TensorFlow (Select TF)."""
