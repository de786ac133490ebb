"""Limits and baselines → verdicts on models."""
