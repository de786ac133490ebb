"""Report and device profile to lower bounds of time and energy."""
