"""Buying with a payment: to the page of (the fake of) Stripe, and back by Pay or Cancel."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from storefront.config import ROOT
from tests.browser.conftest import serve
from tests.browser.page_session import ESPRESSO, Shop, Visit
from tests.payments.stripe_server import StripeServer, start_stripe_server


@pytest.fixture(scope="module")
def stripe() -> Iterator[StripeServer]:
    with start_stripe_server() as server:
        yield server


@pytest.fixture(scope="module")
def paying_port(tmp_path_factory: pytest.TempPathFactory, stripe: StripeServer) -> Iterator[int]:
    """The port of a server whose Aurora Coffee is paid by Stripe or on delivery."""
    folder: Path = tmp_path_factory.mktemp("paying")
    catalog = json.loads((ROOT / "catalog.json").read_text())
    (aurora,) = [one for one in catalog["tenants"] if one["id"] == "aurora"]
    aurora["payment"] = ["stripe", "on_delivery"]
    aurora.pop("shipping", None)
    (folder / "catalog.json").write_text(json.dumps({"tenants": [aurora]}))
    with serve(folder, CATALOG=str(folder / "catalog.json"), **stripe.environment) as port:
        yield port


@pytest.fixture(params=["prefix", "subdomain"])
def paying_shop(request: pytest.FixtureRequest, paying_port: int) -> Shop:
    return Shop("aurora", paying_port, subdomain=request.param == "subdomain")


def order_to_stripe(ada: Visit, stripe: StripeServer) -> str:
    """Place an order that is paid by Stripe. Returns the id of the session whose page the browser shows then."""
    ada.expect_fault(f"request to another host: {stripe.base}")
    order(ada, "stripe")
    ada.page.wait_for_url(f"{stripe.base}/c/pay/*")
    return ada.page.url.rpartition("/")[2]


def order(ada: Visit, method: str) -> None:
    ada.put_into_cart(ESPRESSO)
    check_out(ada, method)


def check_out(ada: Visit, method: str) -> None:
    ada.go("/checkout")
    ada.fill_buyer()
    ada.page.locator(f"input[name=payment][value={method}]").check()
    ada.see(".place-bar button").click()


@pytest.mark.parametrize("javascript", [True, False])
def test_purchase_by_stripe(
    visit: Callable[..., Visit], paying_shop: Shop, stripe: StripeServer, javascript: bool
) -> None:
    ada = visit(paying_shop, javascript=javascript)
    order_to_stripe(ada, stripe)
    ada.page.locator("#cancel").click()
    ada.expect_at(r"/orders/[\w-]+")
    expect(ada.see("h1")).to_have_text("Almost done, Ada.")
    ada.see(".receipt-payment .primary-button").click()
    ada.page.locator("#pay").click()
    ada.expect_at(r"/orders/[\w-]+")
    expect(ada.see("h1")).to_have_text("Thank you, Ada.")
    expect(ada.see(".receipt-payment")).to_contain_text("Paid")
    expect(ada.see("#order_status")).to_have_text("Placed")


def test_waiting_page_follows_a_payment_elsewhere(
    visit: Callable[..., Visit], paying_port: int, stripe: StripeServer
) -> None:
    """The shopper pays in another tab; the webhook tells the shop, and the page follows."""
    ada = visit(Shop("aurora", paying_port))
    session = order_to_stripe(ada, stripe)
    ada.page.locator("#cancel").click()
    expect(ada.see("h1")).to_have_text("Almost done, Ada.")
    stripe.account.pay(session)
    expect(ada.see("h1")).to_have_text("Thank you, Ada.")


def test_shopper_returns_to_the_cart_and_pays_on_delivery(
    visit: Callable[..., Visit], paying_port: int, stripe: StripeServer
) -> None:
    ada = visit(Shop("aurora", paying_port))
    order_to_stripe(ada, stripe)
    ada.page.locator("#cancel").click()
    ada.see(".receipt-payment .text-button").click()
    ada.expect_at("/cart")
    expect(ada.see("#cart_badge b")).to_have_text("1")
    expect(ada.see("#messages")).to_contain_text("nothing was charged")
    ada.go("/checkout")
    expect(ada.see("#name")).to_have_value("Ada")
    expect(ada.see("input[name=payment][value=stripe]")).to_be_checked()
    check_out(ada, "on_delivery")
    ada.expect_at(r"/orders/[\w-]+")
    expect(ada.see("h1")).to_have_text("Thank you, Ada.")
    expect(ada.see(".receipt-payment")).to_contain_text("You pay when you receive your order.")
