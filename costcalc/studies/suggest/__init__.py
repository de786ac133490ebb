"""A model to known rewrites that make it cheaper, each with its exact saving, and to the rewritten model."""
