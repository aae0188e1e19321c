"""Adds, lists, exports and removes whole shops, for operators."""
