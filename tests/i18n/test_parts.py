"""Text in another language than the page has its own `lang` (WCAG 3.1.2), in the best fallback language."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
from flask import Flask

from storefront.i18n.negotiation import fallback_languages
from tests.conftest import Person
from tests.factories import product, put_up, tenant
from tests.i18n.pseudo_locale import VOID

MUG = product(
    "mug",
    name={"en": "Enamel Mug", "de": "Emaillebecher"},
    description={"en": "Holds soup.", "de": "Fasst Suppe."},
    category="Tableware",
    tags=["hot", "soup"],
)
TEA = product(
    "tea",
    name="Green Tea",
    description={"en": "Mild.", "de": "Mild und grün."},
    category="Tea",
    tags=["hot"],
    image="teapot.webp",
)
LABELS = {"Tableware": {"de": "Geschirr"}, "hot": {"de": "heiß"}}
HERO = {"title": {"en": "Good morning.", "de": "Guten Morgen."}, "text": "Come in."}
WEST = tenant("west", MUG, TEA, locale="en-IE", labels=LABELS, theme={"hero": HERO})
PEN = product("pen", name={"ja": "ペン", "en": "Pen", "fr": "Stylo"}, category="Writing")
PAPER = product("paper", name="紙", category="Writing")
EAST = tenant("east", PEN, PAPER, locale="ja-JP", labels={"Writing": {"ja": "筆記具", "en": "For writing"}})

Visit = Callable[[Person, dict[str, str]], str]


class Parts(HTMLParser):
    """The texts of a page, each with the language that is said around it; those of the switch are left out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = [("", "")]
        self.language_of: dict[str, str] = {}
        self.marks: list[str] = []
        self.feed(re.sub(r"<footer.*?</footer>", "", html, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag != "html" and "lang" in values:
            self.marks.append(values["lang"] or "")
        language = values.get("lang") or self.open[-1][1] if tag != "html" else ""
        if values.get("alt"):
            self.language_of[f"alt: {values['alt']}"] = language or ""
        if tag not in VOID:
            self.open.append((tag, language or ""))

    def handle_endtag(self, tag: str) -> None:
        while tag not in VOID and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.language_of[data.strip()] = self.open[-1][1]


def at(path: str) -> Visit:
    return lambda person, headers: person.get(path, headers=headers).text


def with_both(then: Visit) -> Visit:
    def visit(person: Person, headers: dict[str, str]) -> str:
        for id in ("mug", "tea"):
            person.post("/cart/items", {"product_id": id}, headers=headers)
        return then(person, headers)

    return visit


def suggested(person: Person, headers: dict[str, str]) -> str:
    person.post("/cart/items", {"product_id": "mug"}, headers=headers)
    return person.get("/checkout/upsell", headers=headers).text


def refused(person: Person, headers: dict[str, str]) -> str:
    person.post("/cart/items", {"product_id": "tea", "quantity": 998}, headers=headers)
    person.post("/cart/items", {"product_id": "mug"}, headers=headers)
    put = {"email": "ada@example.com", "name": "Ada"}
    other = person.client.application.test_client()
    Person(other, person.shop).checkout(Person(other, person.shop).cart(tea=900))
    return person.post("/checkout", put, headers=headers).text


def ordered(person: Person, headers: dict[str, str]) -> str:
    buyer = {"email": "ada@example.com", "name": "Ada"}
    where = person.post("/checkout", buyer, headers=headers).headers["Location"]
    return person.client.get(where, headers=headers).text


PAGES: dict[str, tuple[Visit, dict[str, str]]] = {
    "front": (
        at("/"),
        {"Guten Morgen.": "", "Come in.": "en", "Geschirr": "", "Tea": "en", "Emaillebecher": "", "Green Tea": "en"},
    ),
    "category": (at("/?category=Tea"), {"Tea": "en", "Green Tea": "en"}),
    "search": (at("/?q=hot"), {"Emaillebecher": "", "Green Tea": "en"}),
    "typing": (at("/suggest?q=te"), {"Tea": "en", "Green Tea": "en"}),
    "translated product": (
        at("/products/mug"),
        {"Emaillebecher": "", "Fasst Suppe.": "", "Geschirr": "", "heiß": "", "soup": "en"},
    ),
    "half translated product": (
        at("/products/tea"),
        {"Green Tea": "en", "alt: Green Tea": "en", "Mild und grün.": "", "Tea": "en", "heiß": ""},
    ),
    "cart": (with_both(at("/cart")), {"Emaillebecher": "", "Green Tea": "en", "Menge von Green Tea": ""}),
    "checkout": (with_both(at("/checkout")), {"Emaillebecher": "", "Green Tea": "en"}),
    "refusal": (refused, {"Emaillebecher": "", "Green Tea": "en"}),
    "suggestions": (
        suggested,
        {"Green Tea": "en", "Passt gut zum Thema „heiß“ – wie Emaillebecher in Ihrem Warenkorb.": ""},
    ),
    "order": (with_both(ordered), {"Emaillebecher": "", "Green Tea": "en"}),
    "shops": (lambda person, headers: person.client.get("/", headers=headers).text, {"Come in.": "en"}),
}


@pytest.fixture
def west(app: Flask) -> Iterator[Person]:
    put_up(app, WEST)
    yield Person(app.test_client(), "west")


@pytest.mark.parametrize(("visit", "said"), PAGES.values(), ids=list(PAGES))
def test_what_is_not_in_the_pages_language_says_so(west: Person, visit: Visit, said: dict[str, str]):
    found = Parts(visit(west, {"Accept-Language": "de"})).language_of
    assert {text: found.get(text, "isn't there") for text in said} == said


@pytest.mark.parametrize("visit", [visit for visit, _ in PAGES.values()], ids=list(PAGES))
def test_in_the_shops_own_language_nothing_needs_a_mark(west: Person, visit: Visit):
    assert Parts(visit(west, {"Accept-Language": "en"})).marks == []


def test_an_order_knows_in_which_language_its_names_are(west: Person):
    west.post("/cart/items", {"product_id": "mug"}, headers={"Accept-Language": "de"})
    buyer = {"email": "ada@example.com", "name": "Ada"}
    where = west.post("/checkout", buyer, headers={"Accept-Language": "de"}).headers["Location"]
    read = {
        language: Parts(west.client.get(where, headers={"Accept-Language": language}).text) for language in ("de", "en")
    }
    assert [one.language_of["Emaillebecher"] for one in read.values()] == ["", "de"]


def test_a_remembered_page_loses_a_mark_with_its_reason(app: Flask, west: Person):
    german = {"Accept-Language": "de"}
    assert Parts(west.get("/", headers=german).text).language_of["Green Tea"] == "en"
    put_up(app, WEST | {"products": [TEA | {"name": {"en": "Green Tea", "de": "Green Tea"}}]}, refresh=True)
    assert Parts(west.get("/", headers=german).text).language_of["Green Tea"] == ""


@pytest.mark.parametrize(
    ("accepted", "pen", "paper", "category"),
    [
        ("de", ("Pen", "en"), ("紙", "ja"), ("For writing", "en")),
        ("de, ja;q=0.5", ("ペン", "ja"), ("紙", "ja"), ("筆記具", "ja")),
        ("fr", ("Stylo", ""), ("紙", "ja"), ("For writing", "en")),
        ("en", ("Pen", ""), ("紙", "ja"), ("For writing", "")),
        ("ja", ("ペン", ""), ("紙", ""), ("筆記具", "")),
    ],
)
def test_what_is_not_translated_is_said_in_english_or_else_as_it_was_written(
    app: Flask, accepted: str, pen: tuple[str, str], paper: tuple[str, str], category: tuple[str, str]
):
    put_up(app, EAST)
    east = Person(app.test_client(), "east")
    for path, texts in {
        "/": (pen, paper, category), "/?q=pen": (pen,), "/products/pen": (pen, category),
        "/products/paper": (paper, category),
    }.items():  # fmt: skip
        found = Parts(east.get(path, headers={"Accept-Language": accepted}).text).language_of
        for text, language in texts:
            assert found[text] == language, path


def test_programs_get_the_same(app: Flask):
    put_up(app, EAST)
    east = Person(app.test_client(), "east")
    for accepted, name in (("", "ペン"), ("de", "Pen"), ("de, ja;q=0.1", "ペン")):
        assert east.api("GET", "/products/pen", headers={"Accept-Language": accepted}).json["name"] == name


@pytest.mark.parametrize(
    ("language", "accepted", "locale", "languages"),
    [
        ("de", ("de",), "en-IE", ("de", "en")),
        ("de", ("de",), "ja-JP", ("de", "en", "ja")),
        ("de", ("de", "ja-JP"), "ja-JP", ("de", "ja")),
        ("de", ("de", "en", "ja"), "ja-JP", ("de", "en", "ja")),
        ("en", ("it",), "ja-JP", ("en", "ja")),
        ("ja", ("de",), "ja-JP", ("ja",)),
        ("de", ("de", "it"), "it-IT", ("de", "it")),
        ("en", (), "it-IT", ("en", "it")),
    ],
)
def test_english_stands_in_unless_the_browser_names_the_shops_own_first(
    language: str, accepted: tuple[str, ...], locale: str, languages: tuple[str, ...]
):
    assert fallback_languages(language, accepted, locale) == languages
