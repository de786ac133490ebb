"""GGUF files: the header to metadata and tensors, the metadata to a model's configuration. No weight is read."""
