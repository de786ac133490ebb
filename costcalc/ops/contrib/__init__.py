"""Operators of com.microsoft, the contributed operators of ONNX Runtime."""
