"""YAML models to Graph."""
