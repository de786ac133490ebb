"""Devices: what each can do at most, and where that is written. One YAML file a device."""
