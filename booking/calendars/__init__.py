"""Bookings as iCalendar: what is shown, how it is written, and the links that serve it."""
