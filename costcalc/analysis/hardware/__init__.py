"""Device profiles: what each device can do at most, and the source of every figure. One YAML file a device."""
