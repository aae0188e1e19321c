"""The back office's home."""

from flask import Flask

from storefront.staff.permissions import Role
from tests.staff.factories import signed_in


def test_home_greets_the_person_and_links_what_their_role_opens(app: Flask) -> None:
    owner, clerk = signed_in(app, "north", Role.OWNER), signed_in(app, "north", Role.CLERK)
    home = owner.get("/admin/")
    assert home.headers["Cache-Control"] == "no-store"
    assert "Welcome, Owner." in home.text
    assert "/admin/people" in home.text
    assert "/admin/people" not in clerk.get("/admin/").text
    assert clerk.get("/admin").status_code == 308, "without the slash it leads there"
