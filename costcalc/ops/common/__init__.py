"""Parts of rules that several families use: axes, windows, elements of small tensors, exact numbers."""
