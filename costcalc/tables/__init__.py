"""Tables of models inside Markdown files, kept true: `costcalc table`."""
