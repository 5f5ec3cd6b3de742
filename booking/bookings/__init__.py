"""Booking: book, change, cancel, approve; the rules, and who sees what."""
