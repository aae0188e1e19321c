"""The language model that chooses among candidates and explains the choice."""
