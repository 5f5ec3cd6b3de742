"""Catalogues: facilities, rules, training and people in one JSON file, checked whole and loaded at once."""
