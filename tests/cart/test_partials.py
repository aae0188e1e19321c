"""Partials: one part of a page, by the id of the element that htmx will swap."""

import re

import pytest
from flask import Flask
from jinja2 import nodes

from storefront.config import ROOT
from tests.conftest import Person

TEMPLATES = ROOT / "templates"
REGIONS = [
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


def opening(text: str) -> str:
    """The tag that a text begins with."""
    return re.match(r"\s*(<[^>]+>)", text)[1]


def test_a_region_is_given_alone(buyer: Person):
    for path, target, id in REGIONS:
        region = buyer.region(path, target)
        assert region.status_code == 200
        assert f'id="{id}"' in opening(region.text), f"{target} of {path}"
        for whole in ("<!doctype", "<html", "<head", "<body", "<footer"):
            assert whole not in region.text, f"{target} of {path}"


def test_the_same_address_gives_others_the_whole_page(buyer: Person):
    for path, target, id in REGIONS:
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


def test_region_and_page_are_never_mixed_up_by_a_cache(buyer: Person):
    for path, target, _ in (*REGIONS, ("/checkout/upsell", "section#upsell_panel", "")):
        for answer in (buyer.get(path), buyer.region(path, target)):
            assert {"hx-request-type", "hx-target"} <= {name.lower() for name in answer.vary}, path


def test_a_region_is_what_stands_in_the_page(buyer: Person):
    for path, target, _ in REGIONS:
        page, region = buyer.get(path).text, buyer.region(path, target).text
        own = re.sub(r"<hx-partial.*?</hx-partial>", "", region, flags=re.DOTALL)
        assert squeeze(own) in squeeze(page), f"{target} of {path}"


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_adding_with_htmx_gives_the_badge_with_its_new_number(buyer: Person):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "a#cart_badge"}
    sent = buyer.post("/cart/items", {"product_id": "cup", "quantity": "1"}, headers=headers)
    assert sent.status_code == 303
    badge = buyer.client.get(sent.headers["Location"], headers=headers)
    assert 'id="cart_badge"' in opening(badge.text)
    assert re.search(r"<b[^>]*>\s*3", badge.text)
    assert "Added Stone Cup" in badge.text, "the message comes along"


def test_changing_with_htmx_gives_lines_and_badge(buyer: Person):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#cart_lines"}
    sent = buyer.post("/cart/items/beans", {"quantity": "5"}, headers=headers)
    region = buyer.client.get(sent.headers["Location"], headers=headers).text
    assert 'value="5"' in region
    assert 'hx-target="#cart_badge"' in region
    assert re.search(r"<b[^>]*>\s*5", region)


def test_a_refusal_for_a_region_is_put_where_messages_stand(buyer: Person):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "a#cart_badge"}
    for form, status in (({"product_id": "beans", "quantity": "0"}, 422), ({"product_id": "nosuch"}, 404)):
        answer = buyer.post("/cart/items", form, headers=headers)
        assert answer.status_code == status
        assert answer.headers["HX-Retarget"] == "#messages"
        assert 'id="messages"' in opening(answer.text)
        assert "message-error" in answer.text


def test_a_refused_code_is_said_in_the_region(buyer: Person):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#cart_lines"}
    answer = buyer.post("/cart/promo", {"code": "NOSUCH"}, headers=headers)
    assert answer.status_code == 422
    assert 'id="cart_lines"' in opening(answer.text)
    assert 'id="code_error"' in answer.text


def test_the_upsell_fragment_is_a_fragment(buyer: Person):
    fragment = buyer.get("/checkout/upsell").text
    assert 'id="upsell_panel"' in opening(fragment)
    assert "<html" not in fragment
    assert "<html" in buyer.get("/checkout/upsell?page=1").text


# --- all templates ----------------------------------------------------------------------------------------------------


def sources() -> dict[str, str]:
    found = {path.relative_to(TEMPLATES).as_posix(): path.read_text() for path in TEMPLATES.rglob("*.html")}
    assert len(found) > 10
    return found


def targets() -> set[str]:
    """Every element that some template wants to swap, by its id."""
    found = set()
    for text in sources().values():
        found |= set(re.findall(r"""hx-target=["']#([A-Za-z0-9_-]+)["']""", text))
    return found


def test_every_target_of_every_template_is_one_element_and_one_block(app: Flask):
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


def test_the_element_stands_directly_in_its_block():
    """Whoever swaps the element swaps the whole block: nothing of it stands outside of the element."""
    for target in targets():
        text = next(text for text in sources().values() if f"block {target} %}}" in text)
        block = text[text.index(f"block {target} %}}") :]
        first = re.search(r"<[a-z][^>]*>", re.sub(r"{%.*?%}|{#.*?#}", "", block, flags=re.DOTALL))[0]
        assert f'id="{target}"' in first, target


def test_every_target_is_an_id_or_this():
    for name, text in sources().items():
        for target in re.findall(r"""hx-target=["']([^"']*)""", text):
            known = target == "this" or target.startswith(("#", "[data-suggestion"))
            assert known, f"{name} targets {target!r}: add it to what this test understands"


def test_every_form_works_without_javascript():
    """A form has a method and an address of its own beside what htmx does with it."""
    for name, text in sources().items():
        for form in re.findall(r"<form\b(?:[^>\"]|\"[^\"]*\")*>", text):
            assert "action=" in form, f"{name}: {form}"
            assert "method=" in form, f"{name}: {form}"
        for verb, address in re.findall(r'hx-(post|put|patch|delete)="({{.*?}})"', text):
            assert verb == "post", f"{name}: a form without JavaScript can't {verb}"
            assert f'action="{address}"' in text, f"{name}: {address} is for htmx only"


def test_ids_are_given_once_a_page(buyer: Person):
    for path in ("/", "/cart", "/checkout", "/products/beans", "/checkout/upsell?page=1", "/api/v1/docs", "/nowhere"):
        ids = re.findall(r'\sid="([^"]+)"', buyer.get(path).text)
        twice = {id for id in ids if ids.count(id) > 1}
        assert not twice, f"{path} has {twice} more than once"


def test_no_template_names_an_hx_header_in_python():
    knows = {path.name for path in (ROOT / "storefront").rglob("*.py") if re.search(r"""["']HX-""", path.read_text())}
    assert knows == {"htmx.py"}
