"""Measures the relay beside nginx in the same run: ``make bench``."""
