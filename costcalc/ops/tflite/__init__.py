"""TensorFlow Lite's builtin operators (domain `tflite`): channels last, with fused activations."""
