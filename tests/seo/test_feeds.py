"""sitemap.xml, robots.txt, feed.xml and llms.txt, by subdomain and by prefix."""

import re
from collections.abc import Callable
from datetime import datetime
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from flask import Flask

from storefront.seo import feeds, xml_format
from tests.conftest import Person
from tests.factories import change_product, product, put_up, tenant
from tests.tenants.clients import Door, prefix, subdomain

PUBLIC = {"PUBLIC_URL": "https://shops.example", "BASE_DOMAIN": "shops.example"}
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
G = "{http://base.google.com/ns/1.0}"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def locations(text: str) -> list[str]:
    return [found.text or "" for found in ElementTree.fromstring(text).iter(MAP + "loc")]


def items(text: str) -> list[dict[str, str]]:
    """The products of a feed, by the names of their facts."""
    channel = ElementTree.fromstring(text).find("channel")
    return [{fact.tag.removeprefix(G): fact.text or "" for fact in item} for item in channel.iter("item")]


def doors(app: Flask, base: str = "localhost") -> list[tuple[Door, str]]:
    client = app.test_client()
    return [
        (Door(client, f"north.{base}", ""), f"//north.{base}"),
        (Door(client, base, "/t/north"), f"//{base}/t/north"),
    ]


def test_the_sitemap_names_every_page_of_this_shop(app: Flask):
    for door, root in doors(app):
        answer = door.get("/sitemap.xml")
        assert (answer.status_code, answer.mimetype) == (200, "application/xml")
        ids = ("beans", "pot", "cup", "filter", "honey", "shared")
        shelves = [f"/?category={name}" for name in ("Coffee", "Brewers", "Tableware", "Pantry")]
        assert locations(answer.text) == [
            f"http:{root}{path}" for path in ("/", *shelves, *(f"/products/{i}" for i in ids))
        ]
        for address in locations(answer.text):
            assert door.client.get(address, base_url=f"http://{door.host}").status_code == 200


def test_the_sitemap_says_when_a_product_changed(app: Flask, shopper: Person):
    def changes() -> dict[str, datetime]:
        found = re.findall(
            r"<loc>[^<]*/products/(\w+)</loc><lastmod>([^<]+)</lastmod>", shopper.get("/sitemap.xml").text
        )
        return {id: datetime.fromisoformat(moment) for id, moment in found}

    before = changes()
    change_product(app, "north", "cup", price=1500)
    after = changes()
    assert len(before) == 6
    assert {id for id in before if before[id] != after[id]} == {"cup"}
    assert after["cup"] > before["cup"]


@on_sqlite
def test_a_large_shop_has_an_index_and_parts(app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(xml_format, "MAX_SITEMAP_URLS", 4)
    monkeypatch.setattr(feeds, "MAX_SITEMAP_URLS", 4)
    for door, root in doors(app):
        index = door.get("/sitemap.xml").text
        parts = [f"http:{root}/sitemap.xml?part={name}" for name in ("shelves", "1", "2")]
        assert "<sitemapindex" in index
        assert locations(index) == parts
        named = [locations(door.client.get(part, base_url=f"http://{door.host}").text) for part in parts]
        assert [len(part) for part in named] == [4, 4, 2]
        assert [address.rpartition("/")[2] for part in named[1:] for address in part] == [
            "beans", "pot", "cup", "filter", "honey", "shared",
        ]  # fmt: skip
        for wrong in ("0", "3", "-1", "x", "shelves2", "1 "):
            assert door.get("/sitemap.xml", query_string={"part": wrong}).status_code == 404, wrong


def test_parts_are_named_only_when_one_file_is_too_small():
    assert xml_format.sitemap_parts(49_990, 10) == []
    assert xml_format.sitemap_parts(50_000, 10) == ["shelves", "1"]
    assert xml_format.sitemap_parts(100_001, 10) == ["shelves", "1", "2", "3"]


def test_the_feed_is_what_merchant_centers_read(app: Flask):
    for door, root in doors(app):
        answer = door.get("/feed.xml")
        assert (answer.status_code, answer.mimetype) == (200, "application/rss+xml")
        found = {item["id"]: item for item in items(answer.text)}
        assert list(found) == ["beans", "pot", "cup", "filter", "honey", "shared"]
        for item in found.values():
            assert {"id", "title", "description", "link", "price", "availability", "condition", "brand"} <= set(item)
        assert found["cup"] | {"link": ""} == {
            "id": "cup", "title": "Stone Cup", "description": "A cup of stoneware.", "link": "", "price": "14.00 EUR",
            "availability": "in_stock", "condition": "new", "brand": "North", "identifier_exists": "no",
            "product_type": "Tableware",
        }  # fmt: skip
        assert found["cup"]["link"] == f"http:{root}/products/cup"
        assert (found["filter"]["title"], found["filter"]["availability"]) == ("Filters & Co <b>", "out_of_stock")


@on_sqlite
def test_the_feed_has_each_currencys_own_decimals_and_pictures_that_are_there(app: Flask):
    put_up(app, tenant("pics", product("p", image="honey-pot.webp"), product("x" * 64, image="nosuch.webp")))
    client = app.test_client()
    assert items(Person(client, "south").get("/feed.xml").text)[0]["price"] == "12400 JPY"
    assert items(Person(client, "far-east").get("/feed.xml").text)[0]["price"] == "1.250 KWD"
    with_picture, without = items(Person(client, "pics").get("/feed.xml").text)
    assert with_picture["image_link"] == "http://localhost/t/pics/static/products/honey-pot.webp"
    client.get(with_picture["image_link"]).close()
    assert "image_link" not in without
    assert len(without["id"]) == 50, "ids of feeds are short"
    assert without["link"].endswith("/products/" + "x" * 64)


@on_sqlite
def test_long_titles_end_between_two_characters_as_a_reader_sees_them(app: Flask):
    family, accent = "👨‍👩‍👧", "e\u0301"
    shop = tenant("cut", product("emoji", name=family * 31), product("accents", name="x" + accent * 99))
    put_up(app, shop | {"name": accent * 60})
    emoji, accents = items(app.test_client().get("/t/cut/feed.xml").text)
    assert emoji["title"] == family * 30
    assert accents["title"] == "x" + accent * 74
    assert emoji["brand"] == accent * 35
    page = app.test_client().get("/t/cut/products/emoji").text
    assert f'<span class="tile-letter" aria-hidden="true">{family}</span>' in page


@on_sqlite
def test_a_pages_description_is_cut_between_two_characters(app: Flask):
    put_up(app, tenant("cut", product("tea", description="🇯🇵" * 200)))
    page = app.test_client().get("/t/cut/products/tea").text
    assert f'<meta name="description" content="{"🇯🇵" * 80} …">' in page


@on_sqlite
def test_signs_that_xml_cant_say_break_nothing(app: Flask):
    mad = "]]>&<x>\ufffe\uffff\"' 茶🐝"
    put_up(app, tenant("mad", product("p", name=mad, description=mad, category=mad), name=mad))
    visitor = Person(app.test_client(), "mad")
    (item,) = items(visitor.get("/feed.xml").text)
    assert item["title"] == "]]>&<x>\"' 茶🐝"
    assert len(locations(visitor.get("/sitemap.xml").text)) == 3


@on_sqlite
def test_files_with_addresses_are_made_for_hosts_that_are_configured_only(make_app: Callable[..., Flask]):
    client = make_app().test_client()
    for path in ("/t/north/sitemap.xml", "/t/north/feed.xml"):
        for host in ("evil.example", "localhost.evil.example", "xlocalhost", "[::2]", "evil.example:8000"):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code == 404, host
            assert "PUBLIC_URL" in answer.text
            assert "evil" not in answer.text
        for host in ("localhost", "localhost:8123", "127.0.0.1:8000", "[::1]:8000"):
            answer = client.get(path, headers={"Host": host})
            assert f"<loc>http://{host}/t/north/" in answer.text or f"<link>http://{host}/t/north/" in answer.text, host
    for path in ("/robots.txt", "/llms.txt", "/t/north/robots.txt", "/t/north/llms.txt"):
        answer = client.get(path, headers={"Host": "evil.example"})
        assert (answer.status_code, "evil" in answer.text, "Sitemap:" in answer.text) == (200, False, False), path
    public = make_app(**PUBLIC).test_client()
    for host in ("evil.example", "shops.example", "10.0.0.7:8000"):
        assert (
            "<link>https://shops.example/t/north/</link>"
            in public.get("/t/north/feed.xml", headers={"Host": host}).text
        )
    by_subdomain = public.get("/sitemap.xml", headers={"Host": "north.shops.example"}).text
    assert len(locations(by_subdomain)) == 11
    for address in locations(by_subdomain):
        assert address.startswith("https://north.shops.example/")


@on_sqlite
def test_who_has_the_file_is_told_so_until_it_changes(app: Flask, shopper: Person):
    for path in ("/sitemap.xml", "/feed.xml"):
        first = shopper.get(path)
        assert "public" in first.headers["Cache-Control"]
        assert "Set-Cookie" not in first.headers
        assert first.headers.get("Content-Length") is None, "it is sent as it is made"
        tag = first.headers["ETag"]
        again = shopper.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        assert shopper.client.head(shopper.root + path).status_code == 200
        change_product(app, "north", "cup", stock=shopper.stock("cup") - 1)
        assert shopper.get(path, headers={"If-None-Match": tag}).status_code == 200
        other = subdomain(shopper.client).get(path, headers={"If-None-Match": shopper.get(path).headers["ETag"]})
        assert other.status_code == 200, "by another door it has other addresses"


@on_sqlite
def test_robots_keep_out_of_what_is_endless_and_find_the_sitemap(app: Flask):
    for door, root in doors(app):
        text = door.get("/robots.txt").text
        assert f"Sitemap: http:{root}/sitemap.xml" in text
        parser = RobotFileParser()
        parser.parse(text.splitlines())
        for path, allowed in (("/", True), ("/products/cup", True), ("/checkout", True), ("/suggest?q=a", False)):
            assert parser.can_fetch("Googlebot", f"http://{door.host}{door.root}{path}") is allowed, path
    whole = app.test_client().get("/robots.txt")
    assert whole.mimetype == "text/plain"
    for shop in ("north", "south", "far-east"):
        assert f"Sitemap: http://localhost/t/{shop}/sitemap.xml" in whole.text
    assert "Disallow: /t/*/suggest" in whole.text


@on_sqlite
def test_llms_txt_has_the_form_that_models_read(app: Flask):
    for door, root in doors(app):
        answer = door.get("/llms.txt")
        lines = answer.text.splitlines()
        assert (answer.mimetype, lines[0], lines[1], lines[2][:2]) == ("text/plain", "# North", "", "> ")
        assert [line for line in lines if line.startswith("## ")] == [
            "## API and data", "## Categories", "## Products in stock",
        ]  # fmt: skip
        links = dict(re.findall(r"- \[([^]]+)\]\(([^)]+)\)", answer.text))
        assert links["Product feed"] == f"http:{root}/feed.xml"
        assert links["Stone Cup"] == f"http:{root}/products/cup"
        assert "Filters" not in links, "what is sold out is no recommendation"
        for address in links.values():
            assert door.client.get(address, base_url=f"http://{door.host}").status_code == 200, address
    root = app.test_client().get("/llms.txt").text
    assert "- [North](http://localhost/t/north/llms.txt)" in root


@on_sqlite
def test_words_of_a_shop_end_no_link(app: Flask):
    put_up(app, tenant("mad", product("p", name="a](http://evil) [b\nc"), name="x\n# y"))
    text = prefix(app.test_client(), "mad").get("/llms.txt").text
    assert "](http://evil)" not in text.replace("\\](http://evil)", "")
    assert text.splitlines()[0] == "# x # y"
    assert not [line for line in text.splitlines()[1:] if line.startswith("# ")]


def test_no_shop_is_in_anothers_files(shopper: Person, stranger: Person):
    for path in ("/sitemap.xml", "/feed.xml", "/llms.txt"):
        mine, theirs = shopper.get(path).text, stranger.get(path).text
        assert "/products/beans" in mine
        assert "/products/pen" in theirs
        assert "pen" not in re.findall(r"/products/([\w-]+)", mine)
        assert "beans" not in re.findall(r"/products/([\w-]+)", theirs)
