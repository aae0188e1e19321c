"""The guides: what they link to is there."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storefront.config import ROOT

GUIDES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)")


def anchors(guide: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", guide.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(guide: Path) -> None:
    for link in LINK.findall(guide.read_text()):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (guide.parent / parts.path).resolve() if parts.path else guide
        assert target.exists(), link
        if parts.fragment:
            assert parts.fragment in anchors(target), link


def test_links_are_found() -> None:
    assert {"LICENSE", "docs/architecture.md"} <= set(LINK.findall((ROOT / "README.md").read_text()))


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "adr"
    pages = sorted(path.name for path in folder.glob("0*.md"))
    listed = re.findall(r"\]\((0.+\.md)\)", (folder / "README.md").read_text())
    assert listed == pages
    assert len(pages) >= 30
    for page in pages:
        text = (folder / page).read_text()
        assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page
