"""The demo: a catalogue of two facilities, their people, and bookings around today."""
