"""`costcalc check`: models are held to budgets, to baselines and to a branch."""
