"""What `costcalc memory` shows: a footprint as sheets and as a dictionary."""

from costcalc.occupancy.content import to_dict
from costcalc.occupancy.sheets import sheet

__all__ = ["sheet", "to_dict"]
