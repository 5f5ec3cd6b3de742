"""The shared truth of time: who holds which unit, and how many people are in which room."""
