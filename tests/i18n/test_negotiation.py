"""Language negotiation: the switch, else the browser, else the shop's default."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from storefront.i18n.locale import MAX_LANGUAGE_TAGS, parse_accept_language, request_languages
from storefront.i18n.negotiation import LANGUAGES, locale_tag, negotiate_language
from tests.conftest import Person

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


def spoken(html: str) -> str:
    return re.search(r'<html lang="([^"]+)"', html).group(1)


def choose_by_switch(person: Person, language: str, came_from: str = "/", **headers: str) -> str:
    here = f"http://localhost{person.root}{came_from}"
    answer = person.post("/language", {"lang": language}, headers={"Referer": here, **headers})
    assert answer.status_code == 303
    return str(answer.headers["Location"])


@pytest.mark.parametrize(
    ("chosen", "accepted", "locale", "language"),
    [
        ("fr", ["de"], "ja-JP", "fr"),
        (None, ["de-AT", "fr"], "ja-JP", "de"),
        (None, ["it", "uk"], "ja-JP", "uk"),
        (None, ["it", "*"], "ja-JP", "ja"),
        (None, [], "ja-JP", "ja"),
        (None, [], "it-IT", "en"),
        ("xx", ["DE"], "en-IE", "de"),
        ("", [], "en-IE", "en"),
    ],
)
def test_the_choice_goes_before_the_browser_and_that_before_the_shop(
    chosen: str | None, accepted: list[str], locale: str, language: str
):
    assert negotiate_language(chosen, accepted, locale) == language


@pytest.mark.parametrize(
    ("language", "locale", "tag"),
    [
        ("en", "en-IE", "en-IE"),
        ("en", "en-US", "en-US"),
        ("de", "de-AT", "de-AT"),
        ("de", "en-IE", "de"),
        ("fr", "de-CH", "fr-CH"),
        ("en", "ja-JP", "en"),
        ("de", "en", "de"),
    ],
)
def test_numbers_are_written_as_in_the_shops_territory_where_the_language_is_at_home(
    language: str, locale: str, tag: str
):
    assert locale_tag(language, locale) == tag


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("de", "de"),
        ("fr-CA, en", "fr"),
        ("uk;q=0.2, ja;q=0.8", "ja"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("*", "en"),
        ("it", "en"),
        (";;,", "en"),
    ],
)
def test_the_browser_says_what_it_reads(shopper: Person, asked: str, language: str):
    answer = shopper.get("/", headers={"Accept-Language": asked})
    assert (spoken(answer.text), answer.headers["Content-Language"]) == (language, language)


def test_a_header_without_end_is_read_at_its_beginning():
    assert len(parse_accept_language(", ".join(["de-AT"] * 400))) == MAX_LANGUAGE_TAGS
    parse_accept_language.cache_clear()
    with Flask("any").test_request_context(headers={"Accept-Language": "de," + "x" * 7000}):
        assert request_languages()[0] == "de"
    with Flask("any").test_request_context(headers={"Accept-Language": "de," + "x" * 8000}):
        assert request_languages()[0] == "de"
    assert parse_accept_language.cache_info().currsize == 1, "both begin alike"


def test_without_a_wish_the_shop_speaks_its_own_language(shopper: Person, stranger: Person):
    assert spoken(shopper.get("/").text) == "en"
    assert spoken(stranger.get("/").text) == "ja"


def test_every_page_has_the_switch_in_the_languages_own_names(shopper: Person):
    for path in ("/", "/cart", "/products/beans", "/nosuch", "/api/v1/docs"):
        page = shopper.get(path, headers=GERMAN).text
        found = re.findall(r'name="lang" value="(\w+)" lang="(\w+)"( aria-current="true")?>([^<]+)<', page)
        assert [(code, name) for code, _, _, name in found] == list(LANGUAGES.items()), path
        assert [code for code, _, current, _ in found if current] == ["de"]
        assert all(code == lang for code, lang, _, _ in found)


def test_the_switch_leads_back_and_its_choice_stays(shopper: Person):
    assert choose_by_switch(shopper, "uk", "/?q=beans&page=2") == "/t/north/?q=beans&page=2"
    assert spoken(shopper.get("/cart", headers=GERMAN).text) == "uk"
    assert choose_by_switch(shopper, "en") == "/t/north/"
    assert spoken(shopper.get("/cart", headers=GERMAN).text) == "en"


def test_a_choice_is_this_shops(shopper: Person):
    choose_by_switch(shopper, "fr")
    cookie = shopper.client.get_cookie("lang", path="/t/north/")
    assert cookie is not None
    assert (cookie.value, cookie.http_only, cookie.same_site) == ("fr", True, "Lax")
    assert spoken(shopper.client.get("/t/south/").text) == "ja"
    assert spoken(shopper.client.get("/").text) == "en"


def test_a_shop_by_its_subdomain_has_the_switch_too(app: Flask):
    visitor, host = app.test_client(), "http://north.localhost"
    came_from = {"Referer": f"{host}/cart"}
    answer = visitor.post("/language", data={"lang": "de"}, headers=came_from, base_url=host)
    assert answer.headers["Location"] == "/cart"
    assert spoken(visitor.get("/cart", base_url=host).text) == "de"


def test_the_list_of_shops_has_the_switch_too(app: Flask):
    client = app.test_client()
    answer = client.post("/language", data={"lang": "de"}, headers={"Referer": "http://localhost/"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Wählen Sie einen Shop" in client.get("/").text


@pytest.mark.parametrize(
    "came_from",
    [
        "http://evil.example/t/north/cart",
        "http://localhost.evil.example/t/north/cart",
        "http://localhost//evil.example/",
        "http://localhost/\\evil.example/",
        "http://localhost/t/north//evil.example",
        "//evil.example/t/north/",
        "javascript:alert(1)",
        "http://localhost/t/south/cart",
        "http://localhost/t/north/cart/items",
        "http://localhost/t/north/nosuch",
        "http://[",
        "",
    ],
)
def test_the_switch_leads_nowhere_else(app: Flask, came_from: str):
    client: FlaskClient = app.test_client()
    answer = client.post("/t/north/language", data={"lang": "de"}, headers={"Referer": came_from})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/t/north/")


def test_no_other_site_can_switch(shopper: Person):
    answer = shopper.post("/language", {"lang": "de"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.headers.get("Set-Cookie")) == (403, None)
    assert shopper.get("/language").status_code == 405


def test_a_path_that_would_be_a_host_leads_home(app: Flask):
    answer = app.test_client().post(
        "/language",
        base_url="http://north.localhost",
        data={"lang": "de"},
        headers={"Referer": "http://north.localhost//cart"},
    )
    assert (answer.status_code, answer.location) == (303, "/")


def test_the_reference_of_the_api_is_a_page_like_others(shopper: Person):
    shopper.post("/language", {"lang": "de"})
    answer = shopper.get("/api/v1/docs", headers={"Accept-Language": "fr"})
    assert spoken(answer.text) == "de"
    assert "Warenkorb" in answer.text


@pytest.mark.parametrize("language", ["xx", "", "de\r\nSet-Cookie: a=b", "../de"])
def test_what_is_no_language_changes_nothing(shopper: Person, language: str):
    answer = shopper.post("/language", {"lang": language})
    assert (answer.status_code, answer.headers.get("Set-Cookie")) == (303, None)


def test_answers_say_what_they_depend_on(shopper: Person):
    for path in ("/", "/products/beans", "/cart", "/nosuch", "/suggest?q=be"):
        assert {"Accept-Language", "Cookie"} <= set(shopper.get(path).vary), path
    assert "HX-Target" in shopper.get("/").vary
    assert "Accept-Language" not in shopper.get("/robots.txt").vary


def test_remembered_pages_do_not_mix_languages(shopper: Person):
    for _ in range(2):
        for language, word in (
            ("en", "All products"),
            ("de", "Alle Produkte"),
            ("fr", "Tous les produits"),
            ("ja", "すべての商品"),
        ):
            answer = shopper.get("/", headers={"Accept-Language": language})
            assert spoken(answer.text) == language
            assert f"<h2>{word}</h2>" in answer.text
            region = shopper.get(
                "/", headers={"Accept-Language": language, "HX-Request-Type": "partial", "HX-Target": "div#products"}
            )
            assert f"<h2>{word}</h2>" in region.text


def test_programs_are_told_in_english_what_went_wrong(shopper: Person):
    for language in LANGUAGES:
        headers = {"Accept-Language": language}
        shopper.client.set_cookie("lang", language, path="/t/north/")
        found = shopper.client.get("/t/north/api/v1/products/nosuch", headers=headers).json
        assert found == {
            "type": "/problems/not-found",
            "title": "Not found",
            "status": 404,
            "detail": "We couldn't find this product.",
        }
