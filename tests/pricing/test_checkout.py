"""The price steps by pages and API, in the currencies of the test shops."""

from tests.conftest import Person


def amounts(answer: dict[str, dict[str, int]]) -> dict[str, int]:
    return {step: answer[step]["amount"] for step in ("subtotal", "discount", "tax", "total")}


def test_a_cart_and_its_order_cost_the_same(shopper: Person) -> None:
    cart_id = shopper.cart(beans=2, honey=1)
    cart = shopper.api("PUT", f"/carts/{cart_id}/promo", {"code": "summer10"}).json
    assert amounts(cart) == {"subtotal": 4820, "discount": 482, "tax": 868, "total": 5206}
    assert cart["promo_code"] == "SUMMER10"
    order = shopper.checkout(cart_id, expected_total=5206).json
    assert amounts(order) == amounts(cart)
    cart = shopper.api("DELETE", f"/carts/{shopper.cart(beans=2, honey=1)}/promo").json
    assert amounts(cart) == {"subtotal": 4820, "discount": 0, "tax": 964, "total": 5784}


def test_included_tax_is_shown_and_not_added(stranger: Person) -> None:
    order = stranger.checkout(stranger.cart(pen=1)).json
    assert amounts(order) == {"subtotal": 12400, "discount": 0, "tax": 1127, "total": 12400}
    assert order["total"]["currency"] == "JPY"
    stranger.post("/cart/items", {"product_id": "pen"})
    page = stranger.get("/cart", headers={"Accept-Language": "en"}).text
    assert "Includes 10% tax" in page
    assert "¥12,400" in page


def test_a_shop_with_three_decimals_and_no_tax(shopper: Person) -> None:
    east = Person(shopper.client, "far-east")
    order = east.checkout(east.cart(tea=3)).json
    assert amounts(order) == {"subtotal": 3750, "discount": 0, "tax": 0, "total": 3750}
    east.post("/cart/items", {"product_id": "tea", "quantity": "3"})
    assert "3.750" in east.get("/cart").text


def test_an_expired_and_an_unknown_code_say_so(shopper: Person) -> None:
    cart_id = shopper.cart(beans=1)
    for code, says in (("bygone", "expired"), ("nonsense", "isn't valid"), ("", "isn't valid")):
        refusal = shopper.api("PUT", f"/carts/{cart_id}/promo", {"code": code})
        assert refusal.status_code == 422
        assert refusal.json["errors"][0]["field"] == "code"
        assert says in refusal.json["errors"][0]["message"]
    assert amounts(shopper.api("GET", f"/carts/{cart_id}").json)["discount"] == 0
    assert amounts(shopper.api("PUT", f"/carts/{cart_id}/promo", {"code": " SUMMER10 "}).json)["discount"] == 185


def test_one_shops_code_means_nothing_in_another(stranger: Person) -> None:
    assert stranger.api("PUT", f"/carts/{stranger.cart(pen=1)}/promo", {"code": "SUMMER10"}).status_code == 422
