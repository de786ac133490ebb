"""What memory a network needs, and when: schedules, peaks, execution orders, static plans."""
