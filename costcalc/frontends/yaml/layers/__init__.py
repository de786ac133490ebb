"""The short layer names of the YAML language: a family a file; this package registers those that most models use."""

from costcalc.frontends.yaml.layers.base import COMMON_FAMILIES, load_families

load_families(COMMON_FAMILIES)
