"""What a screen reader calls a control is one message, as word order differs, and holds the words that are to be seen
on it (WCAG 2.5.3), as these are what somebody says to press it by voice."""

from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from flask import Flask

from storefront.i18n.negotiation import LANGUAGES
from tests.conftest import Person
from tests.i18n.pseudo_locale import VOID, speak_in_marks

CONTROLS = ("a", "button", "label", "summary")


@dataclass
class Control:
    tag: str
    label: str
    language: str
    seen: str = ""
    heard: str = ""

    @property
    def name(self) -> str:
        return " ".join((self.label or self.heard).split())


class Controls(HTMLParser):
    """The controls of a page, with what is to be seen on each and what is heard of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Control] = []
        self.open: list[tuple[str, bool, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if values.get("aria-hidden") == "true" and tag in CONTROLS:
            return
        if tag in CONTROLS:
            self.found.append(Control(tag, values.get("aria-label", ""), values.get("lang", "")))
            self.open = []
        if tag not in VOID:
            self.open.append((tag, "visually-hidden" in values.get("class", ""), values.get("aria-hidden") == "true"))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(tag in CONTROLS for tag, _, _ in self.open):
            return
        if not any(hidden for _, hidden, _ in self.open):
            self.found[-1].seen += data
        if not any(silent for _, _, silent in self.open):
            self.found[-1].heard += data


def controls(person: Person, language: str) -> list[Control]:
    """Those of every page on which a product can be added, changed or removed; the cart has more than there is."""
    headers = {"Accept-Language": language}
    person.post("/cart/items", {"product_id": "beans", "quantity": 999})
    person.post("/cart/items", {"product_id": "cup", "quantity": 3})
    other = Person(person.client.application.test_client(), person.shop)
    other.checkout(other.cart(beans=1))
    pages = [person.get(path, headers=headers).text for path in ("/", "/?q=cup", "/products/cup", "/cart", "/checkout")]
    person.post("/cart/promo", {"code": "SUMMER10"})
    pages.append(person.get("/cart", headers=headers).text)
    return [control for page in pages for control in Controls(page).found]


@pytest.fixture
def person(app: Flask) -> Person:
    return Person(app.test_client(), "north")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_holds_what_is_seen(person: Person, language: str) -> None:
    labelled = [control for control in controls(person, language) if control.label]
    assert len(labelled) > 10
    for control in labelled:
        assert " ".join(control.seen.split()).casefold() in control.name.casefold(), control


def test_a_name_is_one_message(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    speak_in_marks(monkeypatch)
    found = controls(person, "en")
    assert {control.tag for control in found} == set(CONTROLS)
    for control in found:
        assert control.name.count("⟦") <= 1, control
        if control.tag == "button" and not control.language:
            assert control.name.startswith("⟦"), control
