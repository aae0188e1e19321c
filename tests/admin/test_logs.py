"""The logs of the model's calls and of what was suggested: new rows, search, filters, pages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from storefront.admin import upsell_queries
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.staff.permissions import Role
from storefront.upsell.llm.models import LlmCall
from storefront.upsell.models import UpsellImpression
from tests.admin.test_upsell import CALL
from tests.staff.factories import Staff, signed_in

CALLS, IMPRESSIONS = "/admin/upsell/calls", "/admin/upsell/impressions"
NEW_ROWS, ROWS = re.compile(r'data-new-rows="/t/north([^"]*)"'), re.compile(r'id="(?:call|impression)_([\w-]+)"')
Add = Callable[..., None]


@pytest.fixture
def viewer(app: Flask) -> Staff:
    return signed_in(app, "north", Role.VIEWER)


@pytest.fixture
def add(app: Flask) -> Add:
    """Add rows to both logs, of the ids `c<number>` and `i<number>`."""

    def add(numbers: range, shop: str = "north", call: dict[str, Any] | None = None, **impression: Any) -> None:
        calls = {"prompt": "Choose.", "response": "", "outcome": "ok", "suggestions": [], "rejections": {}}
        shown = {"cart_id": "cart", "arm": "rules", "source": "rules", "decision": "rules", "suggestions": []}
        with app.app_context(), tenant_context(shop), write():
            insert_rows(LlmCall, [CALL | calls | (call or {}) | {"id": f"c{n}", "sort_id": n} for n in numbers])
            insert_rows(UpsellImpression, [shown | impression | {"id": f"i{n}", "sort_id": n} for n in numbers])

    return add


def new_rows_url(viewer: Staff, path: str) -> str:
    found = NEW_ROWS.search(viewer.get(path).text)
    assert found
    return found[1].replace("&amp;", "&")


def rows(viewer: Staff, path: str) -> list[str]:
    return ROWS.findall(viewer.get(path).text)


@pytest.mark.parametrize("path", [CALLS, IMPRESSIONS])
def test_an_open_list_hears_how_many_rows_have_come(viewer: Staff, add: Add, path: str) -> None:
    add(range(1, 4))
    url = new_rows_url(viewer, path)
    assert viewer.get(url).text == ""
    add(range(4, 7), shop="south")
    assert viewer.get(url).text == ""
    add(range(4, 5))
    assert re.search(r">1 new (call|entry): show</a>", viewer.get(url).text)
    add(range(5, 7))
    text = viewer.get(url).text
    assert re.search(r">3 new (calls|entries): show</a>", text)
    assert f'href="/t/north{path}"' in text
    assert len(rows(viewer, path)) == 6
    assert viewer.get(new_rows_url(viewer, path)).text == "", "the list that was opened again has them"
    add(range(7, 200))
    assert ">99+ new " in viewer.get(url).text


@pytest.mark.parametrize("path", [CALLS, IMPRESSIONS])
def test_an_empty_list_hears_of_the_first_row(viewer: Staff, add: Add, path: str) -> None:
    url = new_rows_url(viewer, path)
    add(range(1, 2))
    assert ">1 new " in viewer.get(url).text


def test_only_rows_that_match_are_counted(viewer: Staff, add: Add) -> None:
    failed, chosen = new_rows_url(viewer, CALLS + "?outcome=failed"), new_rows_url(viewer, IMPRESSIONS + "?source=llm")
    add(range(1, 3))
    assert viewer.get(failed).text == viewer.get(chosen).text == ""
    add(range(3, 4), call={"outcome": "timeout"}, source="llm")
    assert ">1 new call: show<" in viewer.get(failed).text
    assert "outcome=failed" in viewer.get(failed).text
    assert ">1 new entry: show<" in viewer.get(chosen).text
    assert "source=llm" in viewer.get(chosen).text


def test_impressions_are_searched_and_filtered_by_the_url(viewer: Staff, add: Add) -> None:
    add(range(1, 2), source=None, arm="control", decision="control")
    add(range(2, 3), source="llm", suggestions=[{"product_id": "cup", "explanation": "For the morning."}])
    add(range(3, 4))
    assert rows(viewer, IMPRESSIONS) == ["i3", "i2", "i1"]
    for query, found in {
        "source=nothing": ["i1"],
        "source=llm": ["i2"],
        "source=rules": ["i3"],
        "source=boss": ["i3", "i2", "i1"],
        "q=MORNING": ["i2"],
        "q=stone": ["i2"],  # the product's name
        "q=stone&source=rules": [],
    }.items():
        assert rows(viewer, f"{IMPRESSIONS}?{query}") == found, query
    assert "No entry matches" in viewer.get(IMPRESSIONS + "?q=zzz").text


@pytest.mark.parametrize("path", [CALLS, IMPRESSIONS])
def test_pages_lead_forth_and_back(viewer: Staff, add: Add, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upsell_queries, "PAGE_SIZE", 2)
    add(range(1, 6))

    def beside(page: str, way: str) -> str:
        link = re.search(rf'id="page_{way}"[^>]* href="/t/north([^"]*)"', viewer.get(page).text)
        return link[1] if link else ""

    second = beside(path, "older")
    third = beside(second, "older")
    found = [[id[1:] for id in rows(viewer, page)] for page in (path, second, third, beside(second, "newer"))]
    assert found == [["5", "4"], ["3", "2"], ["1"], ["5", "4"]]
    assert not beside(third, "older")
