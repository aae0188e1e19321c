"""Sixty days of made-up orders, so that a new installation has something to look at."""
