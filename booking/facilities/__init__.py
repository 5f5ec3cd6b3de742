"""Facilities, rooms, resources and units: what they are, when they are open, and which policies hold."""
