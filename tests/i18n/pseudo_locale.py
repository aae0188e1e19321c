"""A pseudo-locale in which every message is between ⟦ and ⟧, and a finder of a page's text outside of them."""

import re
from html.parser import HTMLParser

import pytest
from flask_babel import Domain

TEXT_ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "content", "aria-description", "label")
SKIPPED_TAGS = ("script", "style")
VOID = ("meta", "link", "input", "img", "br", "circle", "path")
MARKED = re.compile("⟦[^⟦⟧]*⟧")
SEPARATOR = "\x1f"
MACHINE_READ = ("viewport", "referrer", "robots", "htmx-config", "og:type", "og:locale", "og:url", "og:image")


class PseudoTranslations:
    """Replaces a message catalogue."""

    def ugettext(self, text: str) -> str:
        return f"⟦{text}⟧"

    def ungettext(self, singular: str, plural: str, number: int) -> str:
        return f"⟦{singular if number == 1 else plural}⟧"


def use_pseudo_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Domain, "get_translations", lambda self: PseudoTranslations())


class Page(HTMLParser):
    """A page's texts and text attributes, without script, style, time, and elements with their own language."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.attributes: list[str] = []
        self.open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        named = {values.get("name"), values.get("property")}
        if not self.skipping and named.isdisjoint(MACHINE_READ):
            self.attributes += [values[name] for name in TEXT_ATTRIBUTES if name in values]
        if tag not in VOID:
            skipped = tag in SKIPPED_TAGS or tag == "time" or ("lang" in values and tag != "html")
            self.open.append((tag, skipped))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.skipping and data.strip():  # a message may contain elements, so its marks may be in several texts
            self.texts.append(data)

    @property
    def skipping(self) -> bool:
        return any(skipped for _, skipped in self.open)


def unmarked(html: str, known: list[str]) -> list[str]:
    """Return the texts of a page that are neither messages nor `known` texts of merchants and shoppers."""
    page = Page(html)
    outside = SEPARATOR.join((*page.texts, *page.attributes))
    while MARKED.search(outside):
        outside = MARKED.sub(" ", outside)
    for text in sorted(known, key=len, reverse=True):
        outside = outside.replace(text, " ")
    return [text.strip() for text in outside.split(SEPARATOR) if re.search(r"[^\W\d_]{2,}", text)]
