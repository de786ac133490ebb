"""ATen's operators in the graph's vocabulary: a translation for each, one family a file."""

from costcalc.frontends.pytorch.translate import (
    activation,  # noqa: F401
    arrangement,  # noqa: F401
    attention,  # noqa: F401
    control,  # noqa: F401
    conversion,  # noqa: F401
    convolution,  # noqa: F401
    creation,  # noqa: F401
    elementwise,  # noqa: F401
    indexing,  # noqa: F401
    joining,  # noqa: F401
    linear_algebra,  # noqa: F401
    loss,  # noqa: F401
    normalisation,  # noqa: F401
    order,  # noqa: F401
    pooling,  # noqa: F401
    product,  # noqa: F401
    quantised,  # noqa: F401
    recurrent,  # noqa: F401
    reduction,  # noqa: F401
    resizing,  # noqa: F401
    scatter,  # noqa: F401
    signal,  # noqa: F401
    vision,  # noqa: F401
)
from costcalc.frontends.pytorch.translate.call import CallSite as CallSite
from costcalc.frontends.pytorch.translate.call import find_translation as find_translation
