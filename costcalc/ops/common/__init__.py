"""What the operators' rules share: axes, windows, values of small tensors, exact numbers."""
