"""Pages that look the same are rendered once, and what any package shows on them is part of what they look like."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from storefront.catalog import pages
from storefront.web.fragment_cache import vary_pages_by
from storefront.web.htmx import render_html
from tests.conftest import Person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The lists that were rendered and not taken from the cache."""
    found = list[str]()

    def render(template: str, **context: Any) -> str:
        found.append(template)
        return render_html(template, **context)

    monkeypatch.setattr(pages, "render_html", render)
    yield found


def test_a_page_is_rendered_once_for_all_who_see_the_same(app: Flask, rendered: list[str]) -> None:
    for _ in range(3):
        assert Person(app.test_client(), "north").get("/").status_code == 200
    assert len(rendered) == 1


def test_a_cart_is_part_of_what_a_page_looks_like(app: Flask, rendered: list[str]) -> None:
    Person(app.test_client(), "north").get("/")
    buyer = Person(app.test_client(), "north")
    buyer.post("/cart/items", {"product_id": "beans", "quantity": 2})
    buyer.get("/cart")  # shows what the change had to say
    assert re.search(r'id="cart_badge"[^>]*>.*?\b2\b', buyer.get("/").text, re.DOTALL)
    assert len(rendered) == 2


def test_what_a_package_contributes_is_part_of_the_key(app: Flask, rendered: list[str]) -> None:
    number = iter(range(2))
    vary_pages_by(app, lambda: next(number))
    for _ in range(2):
        Person(app.test_client(), "north").get("/")
    assert len(rendered) == 2
