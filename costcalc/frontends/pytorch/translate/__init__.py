"""ATen's operators in the graph's vocabulary: a translation for each, one family a file.

A family registers its translations when it is imported: COMMON_FAMILIES with this package, the others when a call is
met that the common ones do not know.
"""

from functools import cache
from importlib import import_module

from costcalc.frontends.pytorch.translate.call import CallSite as CallSite
from costcalc.frontends.pytorch.translate.call import Translation, registered_translation

COMMON_FAMILIES = ("activation", "arrangement", "convolution", "elementwise", "normalisation", "pooling", "product")

OTHER_FAMILIES = (
    "attention",
    "control",
    "conversion",
    "creation",
    "indexing",
    "joining",
    "linear_algebra",
    "loss",
    "order",
    "quantised",
    "recurrent",
    "reduction",
    "resizing",
    "scatter",
    "signal",
    "vision",
)


@cache
def load_families(families: tuple[str, ...] = OTHER_FAMILIES) -> None:
    """Registers the translations of families, once: of those that are not common unless they are named."""
    for family in families:
        import_module(f"{__name__}.{family}")


load_families(COMMON_FAMILIES)


def find_translation(target: str) -> Translation | None:
    """A call's target, `aten.add_.Tensor` -> its translation: that of the overload, else that of the operator. None
    where no family has one."""
    translation = registered_translation(target)
    if translation is None:
        load_families()
        translation = registered_translation(target)
    return translation
