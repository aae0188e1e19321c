"""The accessible name of a control is one message, because word order differs by language. It contains the visible text
(WCAG 2.5.3), which users of speech input say."""

from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from flask import Flask

from storefront.i18n.negotiation import LANGUAGES
from tests.conftest import Person
from tests.i18n.pseudo_locale import VOID, use_pseudo_locale

CONTROLS = ("a", "button", "label", "summary")


@dataclass
class Control:
    tag: str
    label: str
    language: str
    visible_text: str = ""
    read_text: str = ""

    @property
    def name(self) -> str:
        return " ".join((self.label or self.read_text).split())


class Controls(HTMLParser):
    """The controls of a page, each with its visible text and the text for screen readers."""

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
            self.found[-1].visible_text += data
        if not any(hidden for _, _, hidden in self.open):
            self.found[-1].read_text += data


def controls(person: Person, language: str) -> list[Control]:
    """Return the controls of all pages with a cart form. The quantities in the cart exceed the stock."""
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
def test_accessible_name_contains_the_visible_text(person: Person, language: str) -> None:
    labelled = [control for control in controls(person, language) if control.label]
    assert len(labelled) > 10
    for control in labelled:
        assert " ".join(control.visible_text.split()).casefold() in control.name.casefold(), control


def test_accessible_name_is_one_message(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pseudo_locale(monkeypatch)
    found = controls(person, "en")
    assert {control.tag for control in found} == set(CONTROLS)
    for control in found:
        assert control.name.count("⟦") <= 1, control
        if control.tag == "button" and not control.language:
            assert control.name.startswith("⟦"), control
