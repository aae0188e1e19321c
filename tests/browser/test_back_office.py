"""The back office in a browser: orders by mouse, by keys, and without JavaScript."""

import json
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

from playwright.sync_api import expect

from tests.browser.page_session import ESPRESSO, Shop, Visit

Sign = Callable[..., Visit]


def post(office: Shop, path: str, body: dict[str, Any], language: str = "en") -> dict[str, Any]:
    """Call the shop's API, which creates something."""
    connection = HTTPConnection("127.0.0.1", office.port, timeout=60)
    headers = {"Content-Type": "application/json", "Accept-Language": language}
    connection.request("POST", f"/t/aurora/api/v1{path}", json.dumps(body), headers)
    answer = connection.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    connection.close()
    assert answer.status == 201, found
    return found


def place_order(office: Shop, name: str = "Grace Hopper") -> dict[str, Any]:
    cart = post(office, "/carts", {"items": [{"product_id": ESPRESSO, "quantity": 1}]})
    address = {"line1": "4 Quay Street", "city": "Galway", "postal_code": "H91 X4N2", "country": "IE"}
    sent = {"email": "grace@example.com", "name": name, "shipping": "standard", "address": address}
    return post(office, f"/carts/{cart['id']}/checkout", sent)


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


def test_a_field_that_was_resized_is_no_fault_when_the_order_is_shipped(staff: Sign, office: Shop) -> None:
    """htmx would carry its inline style over to the new field, which the content security policy refuses."""
    order = place_order(office)
    ada = staff()
    ada.go(f"/admin/orders/{order['id']}")
    ada.see("#note").evaluate("field => field.style.height = '200px'")
    ada.see("#order").get_by_role("button", name="Mark as shipped").click()
    expect(ada.see("#order .state")).to_have_text("Shipped")


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
