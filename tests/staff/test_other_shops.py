"""The way from a shop's back office to those of a person's other shops."""

from flask import Flask

from storefront.staff.permissions import Role
from tests.staff.factories import PASSWORD, hire, signed_in


def test_the_account_leads_to_ones_other_shops(app: Flask) -> None:
    ada = signed_in(app, "north", Role.OWNER, "ada@both.example")
    assert "Your other shops" not in ada.get("/admin/account").text
    hire(app, "south", Role.CLERK, "ada@both.example")
    hire(app, "south", Role.CLERK, "bob@south.example")
    page = ada.get("/admin/account").text
    assert 'href="/t/south/admin/"' in page
    assert 'href="/t/north/admin/"' not in page.partition("Your other shops")[2].partition("</section>")[0]


def test_a_shop_with_its_own_host_leads_to_the_hosts_of_others(app: Flask) -> None:
    for shop in ("north", "south"):
        hire(app, shop, Role.OWNER, "ada@both.example")
    browser = app.test_client()
    form = {"email": "ada@both.example", "password": PASSWORD}
    assert browser.post("/admin/sign-in", data=form, base_url="http://north.localhost:81").status_code == 303
    page = browser.get("/admin/account", base_url="http://north.localhost:81").text
    assert 'href="http://south.localhost:81/admin/"' in page


def test_the_page_to_confirm_the_password_leads_to_the_back_office(app: Flask) -> None:
    page = signed_in(app, "north", Role.OWNER).get("/admin/confirm").text
    assert '<a class="brand" href="/t/north/admin/">' in page
