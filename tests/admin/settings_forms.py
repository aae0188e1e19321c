"""The forms of settings as a browser reads and sends them."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from sqlalchemy import select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event, EventType
from tests.staff.factories import Staff


class Fields(HTMLParser):
    """The values of the fields of the forms in one section of a page."""

    def __init__(self, section: str) -> None:
        super().__init__()
        self.section, self.inside = section, False
        self.values: dict[str, str] = {}
        self.select = self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("section", "form") and given.get("id"):
            self.inside = given["id"] == self.section
        name = given.get("name", "")
        if not self.inside:
            return
        if tag == "input" and name and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.values[name] = given.get("value", "")
        elif tag == "select":
            self.select, self.values[name] = name, ""
        elif tag == "option" and "selected" in given and self.select:
            self.values[self.select] = given["value"]
        elif tag == "textarea":
            self.area, self.values[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.values[self.area] = self.values[self.area].removeprefix("\n") if self.area else ""
            self.area = ""
        if tag == "select":
            self.select = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.values[self.area] += data


def opened(person: Staff, path: str, section: str, page: str | None = None) -> dict[str, str]:
    """The values with which the form in a section is opened, or with which `page` shows it."""
    parser = Fields(section)
    parser.feed(page if page is not None else person.get(path).text)
    assert parser.values, section
    return parser.values


def texts(page: str, id: str) -> list[str]:
    """The texts of the elements with this id."""
    found = re.findall(rf'id="{id}"[^>]*>([^<]*)<', page)
    return [unescape(text).strip() for text in found]


def events_of(app: Flask, shop: str = "north") -> list[Any]:
    with app.app_context(), tenant_context(shop):
        query = select(Event).where(Event.type == EventType.SETTINGS_CHANGED).order_by(Event.id)
        return list(db.session.scalars(query))
