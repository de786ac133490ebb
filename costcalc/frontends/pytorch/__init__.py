"""Exported programs of PyTorch (`.pt2`): archive, JSON, symbols, and ATen's operators in the graph's vocabulary."""
