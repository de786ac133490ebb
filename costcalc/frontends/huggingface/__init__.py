"""Hugging Face configurations (config.json) to Graph, through the parametrised YAML models of specs/families.

A configuration names its family (`model_type`) and its numbers; family.py finds the YAML model, mapping.py turns fields
into its parameters and refuses a field that is not understood. Nothing is imported from a framework, no weight is read.
"""
