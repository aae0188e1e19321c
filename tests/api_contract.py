"""Assertions on the JSON API: exact field names with values of exact types."""

from typing import Any

from werkzeug.test import TestResponse

MONEY = {"amount": int, "currency": str}
VARIANT = {"id": str, "options": [str], "price": MONEY, "stock": int, "image_url": str, "available": bool}
PRODUCT = {
    "id": str, "name": str, "description": str, "category": str, "image_url": str, "price": MONEY, "stock": int,
    "tags": [str], "options": [{"name": str, "values": [str]}], "variants": [VARIANT],
}  # fmt: skip
LINE = {
    "product": PRODUCT,
    "variant_id": str,
    "options": [str],
    "quantity": int,
    "line_total": MONEY,
    "available": bool,
}
STEPS = {"subtotal": MONEY, "discount": MONEY, "tax": MONEY, "total": MONEY}
CART = {
    "id": str, "status": str, "items": [LINE], "promo_code": (str, type(None)), "promo_note": (str, type(None)),
    **STEPS, "shipping": MONEY,
}  # fmt: skip
ORDER_LINE = {
    "product_id": str, "variant_id": str, "options": [str], "name": str, "unit_price": MONEY, "quantity": int,
    "line_total": MONEY, "from_upsell": bool,
}  # fmt: skip
PAYMENT = {
    "method": (str, type(None)), "status": str, "paid": MONEY, "refunded": MONEY, "url": (str, type(None)),
}  # fmt: skip
REFUND = {
    "id": str, "number": (str, type(None)), "status": str, "amount": MONEY, "shipping": MONEY,
    "reason": (str, type(None)), "restocked": bool, "created_at": str,
    "items": [{"product_id": str, "variant_id": str, "quantity": int, "amount": MONEY, "tax": MONEY}],
}  # fmt: skip
ORDER = {
    "id": str, "number": str, "status": str, "email": str, "name": str, "items": [ORDER_LINE],
    "promo_code": (str, type(None)), **STEPS, "created_at": str, "delivery": (dict, type(None)),
    "shipping": MONEY, "address": (dict, type(None)),
    "payment": PAYMENT, "refunds": [REFUND],
}  # fmt: skip
UPSELL = {
    "enabled": bool, "arm": (str, type(None)), "source": (str, type(None)), "call_id": (str, type(None)),
    "suggestions": [{"product": PRODUCT, "explanation": str}],
}  # fmt: skip
PLACED = {**ORDER, "upsell": UPSELL}


def assert_shape(value: Any, shape: Any, name: str = "response") -> None:
    if isinstance(shape, dict):
        assert set(value) == set(shape), f"{name} has {sorted(value)}"
        for field, inner in shape.items():
            assert_shape(value[field], inner, f"{name}.{field}")
    elif isinstance(shape, list):
        assert type(value) is list, name
        for i, inner in enumerate(value):
            assert_shape(inner, shape[0], f"{name}[{i}]")
    else:
        assert type(value) in (shape if isinstance(shape, tuple) else (shape,)), f"{name} is {value!r}"


def assert_problem(answer: TestResponse, status: int, ending: str = "", field: str = "") -> dict[str, Any]:
    """Assert an RFC 9457 problem with this status, a type with this ending, and (for a 422) an error of this field."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    problem: dict[str, Any] = answer.json
    assert problem["status"] == status
    assert all(problem[name] for name in ("type", "title", "detail"))
    if ending:
        assert problem["type"].endswith("/" + ending), problem["type"]
    if status == 422:
        assert problem["errors"]
        assert all(set(error) == {"field", "message"} and error["message"] for error in problem["errors"])
    if field:
        assert field in [error["field"] for error in problem["errors"]], problem["errors"]
    return problem


def steps(priced: Any) -> tuple[int, int, int, int]:
    """Return subtotal, discount, tax and total in minor units."""
    return tuple(priced[name]["amount"] for name in STEPS)


def holdings(cart: Any) -> dict[str, int]:
    return {item["product"]["id"]: item["quantity"] for item in cart["items"]}
