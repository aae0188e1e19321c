"""A pseudo-locale in which every message is between ⟦ and ⟧, and a finder of a page's text outside of them."""

import re
from html.parser import HTMLParser

import pytest
from flask_babel import Domain

SPOKEN = ("title", "aria-label", "placeholder", "alt", "content", "aria-description", "label")
SILENT = ("script", "style")
VOID = ("meta", "link", "input", "img", "br", "circle", "path")
MARKED = re.compile("⟦[^⟦⟧]*⟧")
GAP = "\x1f"
MACHINE_READ = ("viewport", "referrer", "robots", "htmx-config", "og:type", "og:locale", "og:url", "og:image")


class Marked:
    """In place of a catalogue."""

    def ugettext(self, text: str) -> str:
        return f"⟦{text}⟧"

    def ungettext(self, one: str, many: str, number: int) -> str:
        return f"⟦{one if number == 1 else many}⟧"


def speak_in_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Domain, "get_translations", lambda self: Marked())


class Page(HTMLParser):
    """What people see or hear of a page: its texts and what its attributes say, but not what is marked as English."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.heard: list[str] = []
        self.open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        named = {values.get("name"), values.get("property")}
        if not self.skipping and named.isdisjoint(MACHINE_READ):
            self.heard += [values[name] for name in SPOKEN if name in values]
        if tag not in VOID:
            silent = tag in SILENT or tag == "time" or ("lang" in values and tag != "html")
            self.open.append((tag, silent))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.skipping and data.strip():  # a message may hold elements, so its marks may stand in several texts
            self.said.append(data)

    @property
    def skipping(self) -> bool:
        return any(silent for _, silent in self.open)


def unmarked(html: str, known: list[str]) -> list[str]:
    """The words of a page that are neither between marks nor what a shop or its shopper wrote."""
    page = Page(html)
    outside = GAP.join((*page.said, *page.heard))
    while MARKED.search(outside):
        outside = MARKED.sub(" ", outside)
    for text in sorted(known, key=len, reverse=True):
        outside = outside.replace(text, " ")
    return [said.strip() for said in outside.split(GAP) if re.search(r"[^\W\d_]{2,}", said)]
