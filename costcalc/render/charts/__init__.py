"""Charts as plain data to text for a terminal, SVG, PNG, a page."""
