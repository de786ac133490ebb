"""What a session, a notebook or rich shows of a result: its sheets, as a table or as HTML."""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from costcalc.sheet import Sheet


class Shown:
    """A result that has sheets. Its repr should be short, for a session shows that of every line."""

    __slots__ = ()

    def sheets(self) -> Sequence[Sheet]:
        """What is shown, in this order."""
        raise NotImplementedError

    def __str__(self) -> str:
        """The tables, as wide as a line of a pipe."""
        from costcalc.render import sheets
        from costcalc.render.palette import screen

        return sheets("table", self.sheets(), screen(to_file=True))

    def _repr_html_(self) -> str:
        """The tables in a notebook."""
        from costcalc.render.html import fragment

        return fragment(self.sheets())

    def __rich__(self) -> Any:
        """The tables in the colours and at the width of a terminal, for rich's print."""
        from costcalc.render.terminal import Tables

        return Tables(self.sheets())
