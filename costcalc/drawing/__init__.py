"""Charts as text for a terminal, as SVG and PNG by matplotlib, as a page; one file for each."""
