"""Partials: one part of a page, selected by the id of the element that htmx swaps."""

import re

import pytest
from flask import Flask
from jinja2 import nodes

from storefront.config import ROOT
from tests.conftest import Person

TEMPLATES = ROOT / "templates"
PARTIALS = [
    ("/", "div#products", "products"),
    ("/?q=cup", "div#products", "products"),
    ("/cart", "section#cart_lines", "cart_lines"),
    ("/cart", "a#cart_badge", "cart_badge"),
    ("/checkout", "aside#order_summary", "order_summary"),
    ("/products/beans", "a#cart_badge", "cart_badge"),
    ("/", "a#cart_badge", "cart_badge"),
]


@pytest.fixture
def buyer(shopper: Person) -> Person:
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "2"})
    return shopper


def first_tag(text: str) -> str:
    """Return the first tag of an HTML text."""
    return re.match(r"\s*(<[^>]+>)", text)[1]


def test_partial_request_returns_only_the_partial(buyer: Person):
    for path, target, id in PARTIALS:
        partial = buyer.region(path, target)
        assert partial.status_code == 200
        assert f'id="{id}"' in first_tag(partial.text), f"{target} of {path}"
        for whole in ("<!doctype", "<html", "<head", "<body", "<footer"):
            assert whole not in partial.text, f"{target} of {path}"


def test_other_requests_for_the_same_url_return_the_whole_page(buyer: Person):
    for path, target, id in PARTIALS:
        for headers in (
            {},
            {"HX-Request": "true", "HX-Request-Type": "full", "HX-Target": target},
            {
                "HX-Request": "true",
                "HX-Request-Type": "full",
                "HX-History-Restore-Request": "true",
                "HX-Target": target,
            },
            {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "body"},
            {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#nosuch_region"},
        ):
            page = buyer.get(path, headers=headers)
            assert page.text.startswith("<!doctype html>"), f"{path} with {headers}"
            assert page.text.count(f'id="{id}"') == 1


def test_vary_header_keeps_partials_and_pages_apart_in_caches(buyer: Person):
    for path, target, _ in (*PARTIALS, ("/checkout/upsell", "section#upsell_panel", "")):
        for answer in (buyer.get(path), buyer.region(path, target)):
            assert {"hx-request-type", "hx-target"} <= {name.lower() for name in answer.vary}, path


def test_partial_is_equal_to_its_part_of_the_page(buyer: Person):
    for path, target, _ in PARTIALS:
        page, partial = buyer.get(path).text, buyer.region(path, target).text
        own = re.sub(r"<hx-partial.*?</hx-partial>", "", partial, flags=re.DOTALL)
        assert without_whitespace(own) in without_whitespace(page), f"{target} of {path}"


def without_whitespace(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_adding_with_htmx_returns_the_badge_with_the_new_quantity(buyer: Person):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "a#cart_badge"}
    sent = buyer.post("/cart/items", {"product_id": "cup", "quantity": "1"}, headers=headers)
    assert sent.status_code == 303
    badge = buyer.client.get(sent.headers["Location"], headers=headers)
    assert 'id="cart_badge"' in first_tag(badge.text)
    assert re.search(r"<b[^>]*>\s*3", badge.text)
    assert "Added Stone Cup" in badge.text, "the response has no message"


def test_changing_with_htmx_returns_lines_and_badge(buyer: Person):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#cart_lines"}
    sent = buyer.post("/cart/items/beans", {"quantity": "5"}, headers=headers)
    region = buyer.client.get(sent.headers["Location"], headers=headers).text
    assert 'value="5"' in region
    assert 'hx-target="#cart_badge"' in region
    assert re.search(r"<b[^>]*>\s*5", region)


def test_refused_partial_request_is_retargeted_to_the_messages(buyer: Person):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "a#cart_badge"}
    for form, status in (({"product_id": "beans", "quantity": "0"}, 422), ({"product_id": "nosuch"}, 404)):
        answer = buyer.post("/cart/items", form, headers=headers)
        assert answer.status_code == status
        assert answer.headers["HX-Retarget"] == "#messages"
        assert 'id="messages"' in first_tag(answer.text)
        assert "message-error" in answer.text


def test_refused_promo_code_is_an_error_in_the_partial(buyer: Person):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#cart_lines"}
    answer = buyer.post("/cart/promo", {"code": "NOSUCH"}, headers=headers)
    assert answer.status_code == 422
    assert 'id="cart_lines"' in first_tag(answer.text)
    assert 'id="code_error"' in answer.text


def test_upsell_url_returns_a_fragment(buyer: Person):
    fragment = buyer.get("/checkout/upsell").text
    assert 'id="upsell_panel"' in first_tag(fragment)
    assert "<html" not in fragment
    assert "<html" in buyer.get("/checkout/upsell?page=1").text


# --- all templates ----------------------------------------------------------------------------------------------------


def sources() -> dict[str, str]:
    """Return the shopper's templates. tests/browser tests the back office, whose forms and lists are macros."""
    found = {path.relative_to(TEMPLATES).as_posix(): path.read_text() for path in TEMPLATES.rglob("*.html")}
    shop = {name: text for name, text in found.items() if not name.startswith(("admin/", "staff/"))}
    assert len(shop) > 10
    return shop


def targets() -> set[str]:
    """Return the ids of all elements that templates swap."""
    found = set()
    for text in sources().values():
        found |= set(re.findall(r"""hx-target=["']#([A-Za-z0-9_-]+)["']""", text))
    return found


def test_every_swap_target_is_one_element_and_one_block(app: Flask):
    blocks: dict[str, int] = {}
    ids: dict[str, int] = {}
    for text in sources().values():
        for block in app.jinja_env.parse(text).find_all(nodes.Block):
            blocks[block.name] = blocks.get(block.name, 0) + 1
        for id in re.findall(r'\bid="([a-z0-9_]+)"', text):
            ids[id] = ids.get(id, 0) + 1
    assert targets() >= {"products", "cart_badge", "cart_lines", "order_summary"}
    for target in targets():
        assert blocks.get(target) == 1, f"{blocks.get(target, 0)} blocks are called {target}"
        assert ids.get(target) == 1, f'{ids.get(target, 0)} elements have id="{target}"'


def test_swap_target_is_the_outermost_element_of_its_block():
    """A swap replaces the whole block only if all of it is inside the element."""
    for target in targets():
        text = next(text for text in sources().values() if f"block {target} %}}" in text)
        block = text[text.index(f"block {target} %}}") :]
        first = re.search(r"<[a-z][^>]*>", re.sub(r"{%.*?%}|{#.*?#}", "", block, flags=re.DOTALL))[0]
        assert f'id="{target}"' in first, target


def test_every_swap_target_is_an_id_or_this():
    seen = set()
    for name, text in sources().items():
        for target in re.findall(r"""hx-target=["']([^"']*)""", text):
            known = target == "this" or target.startswith(("#", "[data-suggestion"))
            assert known, f"{name} targets {target!r}: extend this test for it"
            seen.add(target)
    assert len(seen) > 3


def test_every_form_works_without_javascript():
    """Each form has its own method and action besides the htmx attributes."""
    forms = verbs = 0
    for name, text in sources().items():
        for form in re.findall(r"<form\b(?:[^>\"]|\"[^\"]*\")*>", text):
            assert "action=" in form, f"{name}: {form}"
            assert "method=" in form, f"{name}: {form}"
            forms += 1
        for verb, url in re.findall(r'hx-(post|put|patch|delete)="({{.*?}})"', text):
            assert verb == "post", f"{name}: a form without JavaScript can't {verb}"
            assert f'action="{url}"' in text, f"{name}: {url} is for htmx only"
            verbs += 1
    assert min(forms, verbs) > 5


def test_ids_are_unique_on_each_page(buyer: Person):
    for path in ("/", "/cart", "/checkout", "/products/beans", "/checkout/upsell?page=1", "/api/v1/docs", "/nowhere"):
        ids = re.findall(r'\sid="([^"]+)"', buyer.get(path).text)
        repeated = {id for id in ids if ids.count(id) > 1}
        assert not repeated, f"{path} has {repeated} more than once"


def test_only_the_htmx_module_names_hx_headers():
    modules = {path.name for path in (ROOT / "storefront").rglob("*.py") if re.search(r"""["']HX-""", path.read_text())}
    assert modules == {"htmx.py"}
