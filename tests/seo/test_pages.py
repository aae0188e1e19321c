"""The head of pages: titles, canonical URLs, link previews, structured data."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.seo.schema_org import is_valid_breadcrumb, schema_errors
from tests.tenants.clients import ShopClient, prefix, subdomain

pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # the head of a page doesn't depend on the database
PUBLIC = {"PUBLIC_URL": "https://shops.example", "BASE_DOMAIN": "shops.example"}
EVIL = "</script><script>alert(1)</script>\u2028<!--"


def metas(page: str) -> dict[str, str]:
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)">', page)
    assert len(dict(found)) == len(found), f"duplicate meta tags: {found}"
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
def public(request: pytest.FixtureRequest, make_app: Callable[..., Flask]) -> tuple[ShopClient, str]:
    """A client of a shop with a configured public URL, and the prefix of that URL; by subdomain and by prefix."""
    client = make_app(**PUBLIC).test_client()
    if request.param == "prefix":
        return ShopClient(client, "shops.example", "/t/north"), "https://shops.example/t/north"
    return ShopClient(client, "north.shops.example", ""), "https://north.shops.example"


def test_each_page_has_its_own_title_and_description(shopper: Person):
    pages = {path: shopper.get(path).text for path in ("/", "/?category=Brewers", "/products/cup", "/products/beans")}
    titles = {path: re.search("<title>(.*?)</title>", page)[1] for path, page in pages.items()}
    assert titles["/products/cup"] == "Stone Cup · North"
    assert titles["/?category=Brewers"] == "Brewers · North"
    descriptions = {path: metas(page)["description"] for path, page in pages.items()}
    assert descriptions["/products/cup"] == "A cup of stoneware."
    assert descriptions["/?category=Brewers"] == "Brewers from North: 2 products, such as Café Pot."
    assert len(set(titles.values())) == len(set(descriptions.values())) == len(pages)
    for path in ("/checkout", "/cart", "/api/v1/docs"):
        shopper.post("/cart/items", {"product_id": "cup"})
        assert metas(shopper.get(path).text)["description"]


def test_link_preview_describes_the_page(public: tuple[ShopClient, str]):
    client, root = public
    page = client.get("/products/cup").text
    meta = metas(page)
    assert meta["og:title"] == "Stone Cup · North"
    assert meta["og:description"] == meta["description"] == "A cup of stoneware."
    assert (meta["og:type"], meta["og:site_name"], meta["og:locale"]) == ("product", "North", "en_IE")
    assert meta["og:url"] == canonical(page) == root + "/products/cup"


def test_link_preview_image_has_an_absolute_url_or_none(make_app: Callable[..., Flask]):
    for settings, expected in ((PUBLIC, "https://shops.example/t/pics/static/products/honey-pot.webp"), ({}, None)):
        app = make_app(**settings)
        import_tenants(app, tenant("pics", product("p", image="honey-pot.webp"), product("q")))
        visitor = Person(app.test_client(), "pics")
        assert metas(visitor.get("/products/p").text).get("og:image") == expected
        assert "og:image" not in metas(visitor.get("/products/q").text)


def test_canonical_url_drops_irrelevant_parameters(public: tuple[ShopClient, str]):
    client, root = public
    expected = {
        "/": "/", "/?page=1": "/", "/?category=Brewers": "/?category=Brewers", "/?utm_source=x": "/",
        "/?page=x": "/", "/products/cup?from=mail": "/products/cup",
    }  # fmt: skip
    for path, canonical_path in expected.items():
        assert canonical(client.get(path).text) == root + canonical_path, path


def test_public_url_determines_the_form_of_canonical_urls(make_app: Callable[..., Flask]):
    """A shop visited by subdomain has canonical URLs with a prefix if PUBLIC_URL is not under BASE_DOMAIN. There is no
    prefix below a subdomain."""
    elsewhere = make_app(PUBLIC_URL="https://my-shops.example").test_client()
    for client in (subdomain(elsewhere), prefix(elsewhere)):
        assert canonical(client.get("/products/cup").text) == "https://my-shops.example/t/north/products/cup"
    one = make_app(PUBLIC_URL="https://north.shops.example:8443", BASE_DOMAIN="shops.example").test_client()
    for client in (ShopClient(one, "north.shops.example", ""), ShopClient(one, "shops.example", "/t/north")):
        assert canonical(client.get("/products/cup").text) == "https://north.shops.example:8443/products/cup"


def test_pages_contain_no_host_without_a_public_url(app: Flask):
    for client in (subdomain(app.test_client()), prefix(app.test_client())):
        for path in ("/", "/products/cup", "/cart", "/?category=Brewers"):
            page = client.get(path).text
            assert canonical(page) is None
            assert "localhost" not in page, path


def test_personal_and_filtered_pages_are_noindex(public: tuple[ShopClient, str]):
    client, _ = public
    client.post("/cart/items", product_id="beans", quantity="1")
    _, order = client.cart_and_order()
    filtered = ("/?q=cup", "/?sort=price", "/?in_stock=1", "/?min_price=1", "/?category=nosuch", "/?page=9")
    for path in ("/cart", f"/orders/{order}", "/nowhere", "/products/nosuch", *filtered):
        page = client.get(path).text
        assert metas(page).get("robots") == "noindex", path
    for path in filtered:
        assert canonical(client.get(path).text) is None, f"{path} is noindex but has a canonical URL"
    for path in ("/", "/?category=Brewers", "/products/cup", "/api/v1/docs"):
        assert "robots" not in metas(client.get(path).text), path


# --- structured data --------------------------------------------------------------------------------------------------


def test_structured_data_is_valid(public: tuple[ShopClient, str], app: Flask):
    for client in (public[0], subdomain(app.test_client()), prefix(app.test_client())):
        types = set()
        for path in ("/", "/?category=Brewers", "/products/cup", "/products/filter", "/products/honey"):
            for type_name, thing in things(client.get(path).text).items():
                assert schema_errors(thing) == [], path
                assert type_name != "BreadcrumbList" or is_valid_breadcrumb(thing)
                types.add(type_name)
        assert types == {"Organization", "WebSite", "BreadcrumbList", "Product"}


def test_check_finds_errors_in_structured_data(shopper: Person):
    valid = things(shopper.get("/products/cup").text)["Product"]
    assert schema_errors(valid | {"offers": valid["offers"] | {"price": 14.0}}), "a price is a decimal string"
    assert schema_errors(valid | {"offers": valid["offers"] | {"price": "€14.00"}})
    assert schema_errors(valid | {"offers": {k: v for k, v in valid["offers"].items() if k != "priceCurrency"}})
    assert schema_errors({k: v for k, v in valid.items() if k != "name"})
    assert schema_errors(valid | {"url": "javascript:alert(1)"})
    assert schema_errors(valid | {"prize": "none"})


def test_product_data_contains_price_and_availability(public: tuple[ShopClient, str], stranger: Person):
    client, root = public
    cup = things(client.get("/products/cup").text)
    offer = cup["Product"]["offers"]
    assert (cup["Product"]["name"], cup["Product"]["sku"], cup["Product"]["category"]) == (
        "Stone Cup",
        "cup",
        "Tableware",
    )
    assert (offer["price"], offer["priceCurrency"]) == ("14.00", "EUR")
    assert (offer["availability"], offer["url"]) == ("https://schema.org/InStock", root + "/products/cup")
    assert offer["priceSpecification"]["valueAddedTaxIncluded"] is False
    crumbs = cup["BreadcrumbList"]["itemListElement"]
    assert [step["name"] for step in crumbs] == ["North", "Tableware", "Stone Cup"]
    assert [step.get("item") for step in crumbs] == [root + "/", root + "/?category=Tableware", None]
    sold_out = things(client.get("/products/filter").text)["Product"]["offers"]
    assert sold_out["availability"] == "https://schema.org/OutOfStock"
    pen = things(stranger.get("/products/pen").text)["Product"]["offers"]
    assert (pen["price"], pen["priceCurrency"]) == ("12400", "JPY")


def test_home_page_describes_organization_and_search(public: tuple[ShopClient, str]):
    client, root = public
    home = things(client.get("/").text)
    assert (home["Organization"]["name"], home["Organization"]["url"]) == ("North", root + "/")
    assert home["WebSite"]["potentialAction"]["target"]["urlTemplate"] == root + "/?q={search_term_string}"
    assert things(client.get("/?q=cup").text) == things(client.get("/cart").text) == {}


def test_texts_in_structured_data_are_escaped(app: Flask):
    import_tenants(app, tenant("evil", product("p", name=EVIL, description=EVIL, category=EVIL), name=EVIL))
    visitor = Person(app.test_client(), "evil")
    page = visitor.get("/products/p").text
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)[1]
    assert "<" not in block
    assert things(page)["Product"]["name"] == EVIL
    assert page.count("<script") == page.count("</script>") == 3
