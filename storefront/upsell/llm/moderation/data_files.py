"""Reads the word lists in `lexicons/`, which `lexicons/README.md` describes."""

from pathlib import Path

LEXICONS = Path(__file__).with_name("lexicons")


def read_lines(path: Path) -> list[str]:
    """The lines of a file without blank lines and comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line]
