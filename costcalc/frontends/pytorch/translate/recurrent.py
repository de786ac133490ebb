"""LSTM, GRU and RNN: ATen's calls -> ONNX nodes."""

from __future__ import annotations
