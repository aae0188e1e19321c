"""The back office in a browser: every page for everybody; orders by mouse, by keys, and without JavaScript."""

import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import serve
from tests.browser.page_session import ESPRESSO, TIMEOUT_MILLISECONDS, Shop, Visit
from tests.browser.test_pages import AXE, SMALL, WIDER, findings

SETUP_LINK = re.compile(r"/setup/[\w-]+")
Sign = Callable[..., Visit]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="module")
def office(folder: Path) -> Iterator[Shop]:
    """Aurora, with a server and a database of its own."""
    with serve(folder) as port:
        yield Shop("aurora", port)


@pytest.fixture(scope="module")
def owner(browser: Browser, office: Shop, folder: Path) -> Any:
    """The cookies of the shop's owner, who has opened the link that the server's log shows."""
    [link, *_] = SETUP_LINK.findall("".join(log.read_text() for log in folder.glob("log-*")))
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://localhost:{office.port}{link}")
    for label, text in {"Name": "Ada", "Email": "ada@aurora.example", "Password": "a long enough password"}.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(office.at("/admin/"), timeout=TIMEOUT_MILLISECONDS)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def staff(visit: Callable[..., Visit], office: Shop, owner: Any) -> Sign:
    """Begin a visit that is signed in."""
    return lambda **options: visit(office, storage_state=owner, **options)


def place_order(office: Shop, name: str = "Grace Hopper") -> dict[str, Any]:
    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", office.port, timeout=60)
        connection.request("POST", f"/t/aurora/api/v1{path}", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        connection.close()
        assert answer.status == 201, found
        return found

    cart = post("/carts", {"items": [{"product_id": ESPRESSO, "quantity": 1}]})
    return post(f"/carts/{cart['id']}/checkout", {"email": "grace@example.com", "name": name})


def test_every_page_is_for_everybody(staff: Sign, office: Shop) -> None:
    """On a phone and on a desk, light and dark."""
    order = place_order(office)
    paths = {
        "home": "/admin/",
        "orders": "/admin/orders",
        "an order beside the list": f"/admin/orders?open={order['id']}",
        "no order": "/admin/orders?q=xyzzy",
        "order": f"/admin/orders/{order['id']}",
        "delivery note": f"/admin/orders/{order['id']}/print",
        "people": "/admin/people",
        "keys": "/admin/keys",
        "account": "/admin/account",
    }
    ada = staff(script=str(AXE))
    for name, path in paths.items():
        ada.go(path)
        for width in (390, 1280):
            ada.page.set_viewport_size({"width": width, "height": 844})
            assert not ada.page.evaluate(WIDER), f"{name} is wider than {width} px"
            assert width > 390 or not ada.page.evaluate(SMALL), f"{name}: less than 44 px"
            for scheme in ("light", "dark"):
                ada.page.emulate_media(color_scheme=scheme)
                assert not findings(ada), f"{name}, {width} px, {scheme}"


def test_the_menu_of_a_phone_opens_without_a_script(staff: Sign) -> None:
    ada = staff(width=390, javascript=False)
    ada.go("/admin/")
    expect(ada.see("#rail")).to_be_hidden()
    ada.page.get_by_role("button", name="Menu").click()
    ada.see("#rail").get_by_role("link", name="Orders").click()
    ada.expect_at("/admin/orders")
    expect(ada.see("h1")).to_have_text("Orders")


def test_an_order_is_shipped_beside_the_list_by_keys(staff: Sign, office: Shop) -> None:
    order = place_order(office)
    ada = staff()
    ada.go("/admin/orders?status=placed")
    ada.page.keyboard.press("/")
    expect(ada.see("#list_search")).to_be_focused()
    ada.page.keyboard.type(order["number"].lower())
    expect(ada.see("#list tbody tr")).to_have_count(1)
    ada.wait_until("location.search.includes('q=')")
    ada.see("#list_search").blur()
    ada.page.keyboard.press("j")
    expect(ada.see("#detail #order_title")).to_have_text(order["number"])
    expect(ada.page.locator("#detail .rail")).to_have_count(0)  # the partial only, not the whole page
    ada.see("#carrier").fill("An Post")
    ada.see("#tracking").fill("RR1IE")
    ada.see("#order").get_by_role("button", name="Mark as shipped").click()
    expect(ada.see("#detail .state")).to_have_text("Shipped")
    expect(ada.see("#order")).to_contain_text("Shipped: An Post, RR1IE")
    expect(ada.see("#messages")).to_contain_text("Order shipped.")
    expect(ada.see("#list")).to_contain_text("No orders found")


def test_the_shopper_sees_shipping_and_a_corrected_tracking_number_on_the_open_page(
    staff: Sign, office: Shop, visit: Callable[..., Visit]
) -> None:
    order = place_order(office)
    grace, ada = visit(office), staff()
    grace.page.clock.install()
    grace.go(f"/orders/{order['id']}")
    ada.go(f"/admin/orders/{order['id']}")
    ada.see("#tracking").fill("RR1IE")
    ada.see("#order").get_by_role("button", name="Mark as shipped").click()
    expect(ada.see("#order")).to_contain_text("RR1IE")
    grace.page.clock.run_for(11_000)
    expect(grace.see("#order_status")).to_have_text("Shipped")
    expect(grace.see("#order")).to_contain_text("RR1IE")
    ada.go(f"/admin/orders/{order['id']}")
    ada.see("summary").filter(has_text="Change tracking").click()
    ada.see("#tracking").fill("RR2IE")
    ada.see("#order").get_by_role("button", name="Save tracking").click()
    expect(ada.see("#order")).to_contain_text("RR2IE")
    grace.page.clock.run_for(11_000)
    expect(grace.see("#order")).to_contain_text("RR2IE")


def test_help_opens_and_keys_can_be_switched_off(staff: Sign) -> None:
    ada = staff()
    ada.go("/admin/orders")
    ada.page.keyboard.press("?")
    expect(ada.see("#shortcuts")).to_be_visible()
    ada.see("#shortcuts_on").uncheck()
    ada.see("#shortcuts").get_by_role("button", name="Close").click()
    ada.page.keyboard.press("/")
    expect(ada.see("#list_search")).not_to_be_focused()


def test_a_new_order_appears_by_itself_and_a_selection_stays(staff: Sign, office: Shop) -> None:
    place_order(office)
    ada = staff()
    ada.go("/admin/orders?status=placed")
    order = place_order(office, "Katherine Johnson")
    expect(ada.see("#list")).to_contain_text("Katherine Johnson")
    ada.see(f"#list input[value='{order['id']}']").check()
    expect(ada.see("#bulk")).to_contain_text("1 selected")
    ada.see("#bulk button").click()
    expect(ada.see("#messages")).to_contain_text("1 order shipped.")
    expect(ada.see(f"#row_{order['id']}")).to_have_count(0)


def test_an_order_is_cancelled_on_a_phone_without_a_script(staff: Sign, office: Shop) -> None:
    order = place_order(office)
    ada = staff(width=390, javascript=False)
    ada.go("/admin/orders")
    ada.see(f"#row_{order['id']}").click()
    ada.expect_at(f"/admin/orders/{order['id']}")
    ada.see("#cancel summary").click()
    ada.see("#reason").fill("Ordered twice")
    ada.page.get_by_role("button", name="Cancel this order").click()
    expect(ada.see("#order .state")).to_have_text("Cancelled")
    expect(ada.see("#order")).to_contain_text("Ordered twice")
