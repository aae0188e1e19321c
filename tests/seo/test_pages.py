"""The head of pages: titles, canonical URLs, link previews, structured data."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Person
from tests.factories import product, put_up, tenant
from tests.seo.schema_org import faults, in_order
from tests.tenants.clients import Door, prefix, subdomain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a head never reaches a database
PUBLIC = {"PUBLIC_URL": "https://shops.example", "BASE_DOMAIN": "shops.example"}
EVIL = "</script><script>alert(1)</script>\u2028<!--"


def metas(page: str) -> dict[str, str]:
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)">', page)
    assert len(dict(found)) == len(found), f"twice in the head: {found}"
    return {name: unescape(content) for name, content in found}


def canonical(page: str) -> str | None:
    found = re.search(r'<link rel="canonical" href="([^"]+)">', page)
    return unescape(found[1]) if found else None


def things(page: str) -> dict[str, dict[str, Any]]:
    """The structured data of a page, by type."""
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    graphs = [json.loads(text) for text in found]
    for graph in graphs:
        assert graph["@context"] == "https://schema.org"
    return {thing["@type"]: thing for graph in graphs for thing in graph["@graph"]}


@pytest.fixture(params=["subdomain", "prefix"])
def public(request: pytest.FixtureRequest, make_app: Callable[..., Flask]) -> tuple[Door, str]:
    """A shop that knows its public address, by either door, and what that address begins with."""
    client = make_app(**PUBLIC).test_client()
    if request.param == "prefix":
        return Door(client, "shops.example", "/t/north"), "https://shops.example/t/north"
    return Door(client, "north.shops.example", ""), "https://north.shops.example"


def test_titles_and_descriptions_are_the_pages_own(shopper: Person):
    pages = {path: shopper.get(path).text for path in ("/", "/?category=Brewers", "/products/cup", "/products/beans")}
    titles = {path: re.search("<title>(.*?)</title>", page)[1] for path, page in pages.items()}
    assert titles["/products/cup"] == "Stone Cup · North"
    assert titles["/?category=Brewers"] == "Brewers · North"
    about = {path: metas(page)["description"] for path, page in pages.items()}
    assert about["/products/cup"] == "A cup of stoneware."
    assert about["/?category=Brewers"] == "Brewers from North: 2 products, such as Café Pot."
    assert len(set(titles.values())) == len(set(about.values())) == len(pages)
    for path in ("/checkout", "/cart", "/api/v1/docs"):
        shopper.post("/cart/items", {"product_id": "cup"})
        assert metas(shopper.get(path).text)["description"]


def test_a_shared_page_is_shown_by_what_it_is(public: tuple[Door, str]):
    door, root = public
    page = door.get("/products/cup").text
    said = metas(page)
    assert said["og:title"] == "Stone Cup · North"
    assert said["og:description"] == said["description"] == "A cup of stoneware."
    assert (said["og:type"], said["og:site_name"], said["og:locale"]) == ("product", "North", "en_IE")
    assert said["og:url"] == canonical(page) == root + "/products/cup"


def test_a_shared_picture_has_an_absolute_address_or_none(make_app: Callable[..., Flask]):
    for more, expected in ((PUBLIC, "https://shops.example/t/pics/static/products/honey-pot.webp"), ({}, None)):
        app = make_app(**more)
        put_up(app, tenant("pics", product("p", image="honey-pot.webp"), product("q")))
        visitor = Person(app.test_client(), "pics")
        assert metas(visitor.get("/products/p").text).get("og:image") == expected
        assert "og:image" not in metas(visitor.get("/products/q").text)


def test_a_page_has_one_address_for_search_engines(public: tuple[Door, str]):
    door, root = public
    expected = {
        "/": "/", "/?page=1": "/", "/?category=Brewers": "/?category=Brewers", "/?utm_source=x": "/",
        "/?page=x": "/", "/products/cup?from=mail": "/products/cup",
    }  # fmt: skip
    for path, address in expected.items():
        assert canonical(door.get(path).text) == root + address, path


def test_the_public_address_decides_the_form(make_app: Callable[..., Flask]):
    """A shop that was entered by its subdomain stands under its prefix when PUBLIC_URL is no name of BASE_DOMAIN, and
    below a subdomain there is no prefix."""
    elsewhere = make_app(PUBLIC_URL="https://my-shops.example").test_client()
    for door in (subdomain(elsewhere), prefix(elsewhere)):
        assert canonical(door.get("/products/cup").text) == "https://my-shops.example/t/north/products/cup"
    one = make_app(PUBLIC_URL="https://north.shops.example:8443", BASE_DOMAIN="shops.example").test_client()
    for door in (Door(one, "north.shops.example", ""), Door(one, "shops.example", "/t/north")):
        assert canonical(door.get("/products/cup").text) == "https://north.shops.example:8443/products/cup"


def test_without_a_public_address_no_page_names_a_host(app: Flask):
    for door in (subdomain(app.test_client()), prefix(app.test_client())):
        for path in ("/", "/products/cup", "/cart", "/?category=Brewers"):
            page = door.get(path).text
            assert canonical(page) is None
            assert "localhost" not in page, path


def test_what_is_somebodys_own_or_endless_is_not_listed(public: tuple[Door, str]):
    door, _ = public
    door.post("/cart/items", product_id="beans", quantity="1")
    _, order = door.order()
    narrowed = ("/?q=cup", "/?sort=price", "/?in_stock=1", "/?min_price=1", "/?category=nosuch", "/?page=9")
    for path in ("/cart", f"/orders/{order}", "/nowhere", "/products/nosuch", *narrowed):
        page = door.get(path).text
        assert metas(page).get("robots") == "noindex", path
    for path in narrowed:
        assert canonical(door.get(path).text) is None, f"{path} is not listed, so it has no address to list"
    for path in ("/", "/?category=Brewers", "/products/cup", "/api/v1/docs"):
        assert "robots" not in metas(door.get(path).text), path


# --- structured data --------------------------------------------------------------------------------------------------


def test_structured_data_is_what_search_engines_ask_for(public: tuple[Door, str], app: Flask):
    for door in (public[0], subdomain(app.test_client()), prefix(app.test_client())):
        seen = set()
        for path in ("/", "/?category=Brewers", "/products/cup", "/products/filter", "/products/honey"):
            for kind, thing in things(door.get(path).text).items():
                assert faults(thing) == [], path
                assert kind != "BreadcrumbList" or in_order(thing)
                seen.add(kind)
        assert seen == {"Organization", "WebSite", "BreadcrumbList", "Product"}


def test_the_check_of_structured_data_bites(shopper: Person):
    good = things(shopper.get("/products/cup").text)["Product"]
    assert faults(good | {"offers": good["offers"] | {"price": 14.0}}), "a price is a decimal string"
    assert faults(good | {"offers": good["offers"] | {"price": "€14.00"}})
    assert faults(good | {"offers": {k: v for k, v in good["offers"].items() if k != "priceCurrency"}})
    assert faults({k: v for k, v in good.items() if k != "name"})
    assert faults(good | {"url": "javascript:alert(1)"})
    assert faults(good | {"prize": "none"})


def test_a_product_tells_its_price_and_whether_it_is_there(public: tuple[Door, str], stranger: Person):
    door, root = public
    cup = things(door.get("/products/cup").text)
    offer = cup["Product"]["offers"]
    assert (cup["Product"]["name"], cup["Product"]["sku"], cup["Product"]["category"]) == (
        "Stone Cup",
        "cup",
        "Tableware",
    )
    assert (offer["price"], offer["priceCurrency"]) == ("14.00", "EUR")
    assert (offer["availability"], offer["url"]) == ("https://schema.org/InStock", root + "/products/cup")
    assert offer["priceSpecification"]["valueAddedTaxIncluded"] is False
    way = cup["BreadcrumbList"]["itemListElement"]
    assert [step["name"] for step in way] == ["North", "Tableware", "Stone Cup"]
    assert [step.get("item") for step in way] == [root + "/", root + "/?category=Tableware", None]
    gone = things(door.get("/products/filter").text)["Product"]["offers"]
    assert gone["availability"] == "https://schema.org/OutOfStock"
    pen = things(stranger.get("/products/pen").text)["Product"]["offers"]
    assert (pen["price"], pen["priceCurrency"]) == ("12400", "JPY")


def test_the_front_page_says_who_sells_and_how_to_search(public: tuple[Door, str]):
    door, root = public
    front = things(door.get("/").text)
    assert (front["Organization"]["name"], front["Organization"]["url"]) == ("North", root + "/")
    assert front["WebSite"]["potentialAction"]["target"]["urlTemplate"] == root + "/?q={search_term_string}"
    assert things(door.get("/?q=cup").text) == things(door.get("/cart").text) == {}


def test_no_text_ends_its_data_block(app: Flask):
    put_up(app, tenant("evil", product("p", name=EVIL, description=EVIL, category=EVIL), name=EVIL))
    visitor = Person(app.test_client(), "evil")
    page = visitor.get("/products/p").text
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)[1]
    assert "<" not in block
    assert things(page)["Product"]["name"] == EVIL
    assert page.count("<script") == page.count("</script>") == 3
