"""Hugging Face configurations (config.json) to Graph, through the parametrised YAML models of specs/families.

A configuration names its family (`model_type`) and its numbers; family.py finds the YAML model, mapping.py turns fields
into its parameters and refuses a field that is not understood, parts.py joins networks of parts. Nothing is imported
from a framework, no weight is read.

What a reader of weight files may rely on: the graph's stored tensors are called as in the repository's checkpoint.
A `*` in a name stands for the numbers 0 … n - 1 of tensors that are the slices of ours along its first axis (experts).
A tied head has no tensor of its own. The weight of a linear layer is stored as [inputs, outputs] here and as [outputs,
inputs] there, and a fused tensor may have its axes in another order; the number of elements is the same. Every type is
that of `torch_dtype`; checkpoint/storage.py gives each tensor by its name the format that it is stored in.
"""
