"""Checkpoints: the headers of weight files to names, element types, shapes and bytes of tensors. No weight is read."""
