"""Plain text in paragraphs."""

import re

_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def paragraphs(text: str) -> list[list[str]]:
    """Split a text at its blank lines into paragraphs, and each into its lines."""
    parts = _BLANK_LINES.split(text.replace("\r\n", "\n").strip())
    return [[line.strip() for line in part.split("\n")] for part in parts if part]
