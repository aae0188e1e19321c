"""docs/glossary.md names files that exist, and each term is found in the name or the docstring of its files."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (?P<term>[^|]+) \| [^|]+ \| (?P<files>`[^|]+`) \|$", re.MULTILINE)
TERMS = {
    row["term"]: re.findall(r"`([^`]+)`", row["files"]) for row in ROW.finditer((ROOT / "docs/glossary.md").read_text())
}


def test_glossary_is_complete_and_sorted():
    assert len(TERMS) >= 40
    sort_key = {term: re.sub(r"[^a-z]", "", term.lower()) for term in TERMS}
    assert list(TERMS) == sorted(TERMS, key=sort_key.__getitem__)


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_in_the_name_or_docstring_of_its_files(term: str):
    for name in TERMS[term]:
        file = ROOT / name if name.startswith(("tests/", "templates/")) else ROOT / "storefront" / name
        assert file.is_file(), file
        if file.suffix == ".py":
            described = f"{file.stem.replace('_', ' ')} {ast.get_docstring(ast.parse(file.read_text()))}"
            assert term.lower() in " ".join(described.lower().split()), file
