"""ONNX files and protobuf messages to Graph, and back."""
