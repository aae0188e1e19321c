"""The back office's pages of suggestions."""

import pytest
from flask import Flask

from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.staff.permissions import Role
from storefront.tenants.registry import registry
from storefront.upsell.llm.models import LlmCall
from storefront.upsell.recommender.training import retrain
from tests.conftest import Person
from tests.factories import place_order
from tests.staff.factories import Staff, signed_in

CALL = {
    **{"purpose": "rerank", "model": "small", "prompt_version": "1", "language": "en", "prompt_tokens": 900},
    **{"completion_tokens": 60, "cost_micros": 420, "latency_ms": 310},
}


@pytest.fixture
def manager(app: Flask) -> Staff:
    return signed_in(app, "north", Role.MANAGER)


def record_calls(app: Flask) -> None:
    kept = [{"product_id": "cup", "explanation": "For <b>dawn</b>."}]
    ok = {"id": "ok", "prompt": "Choose.", "response": "<script>", "outcome": "ok", "suggestions": kept}
    failed = {"id": "late", "prompt": "Hurry.", "response": "", "outcome": "timeout", "suggestions": []}
    with app.app_context(), tenant_context("north"), write():
        insert_rows(LlmCall, [CALL | ok | {"rejections": {"link": 1}}, CALL | failed | {"rejections": {}}])


def test_the_switch_holds_from_the_next_request_on(app: Flask, manager: Staff) -> None:
    assert "Suggestions are on." in manager.get("/admin/upsell").text
    assert manager.post("/admin/upsell/switch", {"enabled": "false"}).status_code == 303
    with app.app_context():
        assert not registry().all()["north"].upsell_enabled
    assert "Suggestions are off." in manager.get("/admin/upsell").text
    assert "Suggestion settings changed" in manager.get("/admin/audit").text
    manager.post("/admin/upsell/switch", {"enabled": "true"})
    with app.app_context():
        assert registry().all()["north"].upsell_enabled


def test_a_budget_is_checked_and_kept(app: Flask, manager: Staff) -> None:
    wrong = manager.post("/admin/upsell/budget", {"budget": "plenty"})
    assert wrong.status_code == 422
    assert "plenty" in wrong.text
    assert manager.post("/admin/upsell/budget", {"budget": "1.50/2.00"}).status_code == 303
    assert "1.50/2.00" in manager.get("/admin/upsell").text
    manager.post("/admin/upsell/budget", {"budget": ""})
    with app.app_context():
        assert registry().all()["north"].upsell.budget is None


def test_calls_are_listed_filtered_and_shown(app: Flask, manager: Staff) -> None:
    assert "No calls yet" in manager.get("/admin/upsell/calls").text
    record_calls(app)
    page = manager.get("/admin/upsell/calls").text
    assert "/upsell/calls/ok" in page
    assert "/upsell/calls/late" in page
    for query, found in {
        "outcome=failed": "late",
        "outcome=rejected": "ok",
        "q=hurry": "late",
        "q=CHOOSE": "ok",
    }.items():
        page = manager.get(f"/admin/upsell/calls?{query}").text
        other = {"ok": "late", "late": "ok"}[found]
        assert f"/upsell/calls/{found}" in page, query
        assert f"/upsell/calls/{other}" not in page, query
    page = manager.get("/admin/upsell/calls/ok").text
    assert "&lt;script&gt;" in page
    assert "For &lt;b&gt;dawn" in page
    assert "Stone Cup" in page
    assert manager.get("/admin/upsell/calls/none").status_code == 404


def test_an_impression_says_why(app: Flask, manager: Staff, shopper: Person) -> None:
    assert "Nothing suggested yet" in manager.get("/admin/upsell/impressions").text
    manager.post("/admin/products/beans/rules", {"pins_id_0": "cup", "pins_why_0": "They go together."})
    cart = shopper.cart(beans=1)
    shown = shopper.api("GET", f"/carts/{cart}/upsell").json
    assert shown["suggestions"]
    page = manager.get("/admin/upsell/impressions").text
    id = page.split('id="impression_')[1].split('"')[0]
    page = manager.get(f"/admin/upsell/impressions/{id}").text
    assert "They go together." in page
    assert "You suggest it first with Dawn Beans." in page
    assert manager.get("/admin/upsell/impressions/none").status_code == 404


def test_an_impression_says_what_spoke_for_each_product_then(app: Flask, manager: Staff, shopper: Person) -> None:
    def why(position: int) -> str:
        """What the page says about the latest impression's suggestion at this position."""
        shopper.api("GET", f"/carts/{shopper.cart(beans=1)}/upsell")
        page = manager.get("/admin/upsell/impressions").text
        id = page.split('id="impression_')[1].split('"')[0]
        page = manager.get(f"/admin/upsell/impressions/{id}").text
        return page.partition("<h2>Suggested</h2>")[2].split("<li>")[1:][position]

    manager.post("/admin/products/beans/goes-with", {"goes_with_id_0": "honey", "goes_with_why_0": "A sweet start."})
    found = why(0)
    assert "Heather Honey" in found
    assert "In the shop&#39;s own ranking it was in place 1, with a score of " in found
    assert "You say that it goes well with Dawn Beans." in found
    assert found.count("A sweet start.") == 1
    manager.post("/admin/products/beans/goes-with", {})
    for _number in range(4):
        place_order(shopper, beans=1, pot=1)
    with app.app_context(), tenant_context("north"):
        retrain()
    found = why(0)
    assert "Café Pot" in found
    assert "What counts most: 4 orders have it together with Dawn Beans." in found


def test_a_viewer_sees_but_changes_nothing(app: Flask) -> None:
    viewer = signed_in(app, "north", Role.VIEWER)
    page = viewer.get("/admin/upsell").text
    assert "There is nothing to compare" in page
    assert "/admin/upsell/switch" not in page
    assert viewer.post("/admin/upsell/switch", {"enabled": "false"}).status_code == 403
