"""Measures the product against one reference, a Flask hello-world; README.md says what each line means."""
