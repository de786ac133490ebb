"""The Model Context Protocol: costcalc's API as tools for agents, with files held inside one folder."""
