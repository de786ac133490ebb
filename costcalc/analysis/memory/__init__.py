"""Graph to memory: schedules, live bytes, peaks, execution orders, static plans."""
