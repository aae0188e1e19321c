"""Rows in the forms of settings: more of them appear as they are filled in."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.page_session import Visit

METHOD = "/admin/settings/shipping/express"
STEPS = [("500", "6.00"), ("1000", "7.00"), ("2000", "8.00"), ("5000", "9.00")]


def test_more_steps_than_there_were_rows_are_saved(staff: Callable[..., Visit]) -> None:
    owner = staff()
    owner.go(METHOD)
    owner.see("details:has(#step_by) > summary").click()
    spare = owner.see("[data-rows] > *").count()
    assert spare < len(STEPS)
    for number, (bound, price) in enumerate(STEPS):
        owner.see(f"#step_from_{number}").fill(bound)
        owner.see(f"#step_price_{number}").fill(price)
    expect(owner.see("[data-rows] > *")).to_have_count(len(STEPS) + 1)
    expect(owner.page.get_by_label("From").last).to_have_value("")
    owner.page.get_by_role("button", name="Save").click()
    expect(owner.see("#messages")).to_contain_text("Saved.")
    owner.go(METHOD)
    for number, (bound, price) in enumerate(STEPS):
        expect(owner.see(f"#step_from_{number}")).to_have_value(bound)
        expect(owner.see(f"#step_price_{number}")).to_have_value(price)
