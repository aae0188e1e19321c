"""Decides which sentences of a language model may be shown to shoppers."""
