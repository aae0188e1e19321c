"""The lists of people, invitations and API keys: search, filters in the URL, pages, rows that appear by themselves."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.staff import lists
from storefront.staff.keys import create_key, revoke_key
from storefront.staff.members import change_role, invite
from storefront.staff.permissions import Permission, Role
from tests.staff.factories import Staff, hire, signed_in

LIST = "section#list"
EMAILS, NAMES = re.compile(r"[\w.]+@north\.example"), re.compile(r"<strong>([^<]*)</strong> <code>")


@pytest.fixture
def owner(app: Flask) -> Staff:
    return signed_in(app, "north", Role.OWNER)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)


def shown(owner: Staff, path: str) -> str:
    """The list alone, as htmx and open pages load it."""
    answer = owner.region(path, LIST)
    assert answer.status_code == 200
    assert "<h1" not in answer.text
    return answer.text


def emails(owner: Staff, path: str = "/admin/people") -> list[str]:
    """Those in the list, each once, in their order."""
    return list(dict.fromkeys(EMAILS.findall(shown(owner, path))))


def keys(owner: Staff, path: str = "/admin/keys") -> list[str]:
    return NAMES.findall(shown(owner, path))


def beside(owner: Staff, path: str, way: str) -> str:
    """The path of the page before (`newer`) or behind (`older`) this one; empty if there is none."""
    link = re.search(rf'id="page_{way}"[^>]* href="/t/north([^"]*)"', shown(owner, path))
    return link[1].replace("&amp;", "&") if link else ""


def walk(owner: Staff, path: str, way: str = "older") -> list[str]:
    """The paths of this page and those that follow in this direction."""
    paths = [path]
    while path := beside(owner, path, way):
        paths.append(path)
        assert len(paths) < 20
    return paths


def make_key(app: Flask, name: str, days: int | None = None) -> str:
    with app.app_context(), tenant_context("north"):
        made = create_key(name, [Permission.ORDERS_READ], days)
        assert made is not None
        return made.row.id


def test_people_are_listed_by_role_and_name_from_page_to_page(app: Flask, owner: Staff, small_pages: None) -> None:
    for email in ("zoe", "max", "ann"):
        hire(app, "north", Role.CLERK, f"{email}@north.example")
    hire(app, "north", Role.MANAGER)
    hire(app, "south", Role.CLERK)
    paths = walk(owner, "/admin/people")
    assert len(paths) == 3
    found = [emails(owner, path) for path in paths]
    assert found[0] == ["owner@north.example", "manager@north.example"]
    assert sorted(found[1] + found[2]) == ["ann@north.example", "max@north.example", "zoe@north.example"]
    assert [emails(owner, path) for path in walk(owner, paths[-1], "newer")] == found[::-1]


def test_a_page_of_people_begins_where_it_did_after_changes(app: Flask, owner: Staff, small_pages: None) -> None:
    ids = {email: hire(app, "north", Role.VIEWER, f"{email}@north.example") for email in ("a", "b", "c", "d")}
    second = walk(owner, "/admin/people")[1]
    before = emails(owner, second)
    hire(app, "north", Role.MANAGER)
    assert emails(owner, second) == before
    assert emails(owner, "/admin/people?after=nobody") == emails(owner)
    with app.app_context(), tenant_context("north"):
        change_role(ids["d"], Role.CLERK)
    assert emails(owner, "/admin/people?role=clerk") == ["d@north.example"]


def test_people_are_searched_and_filtered_by_the_url(app: Flask, owner: Staff) -> None:
    for email, role in {"ann_b": Role.CLERK, "annab": Role.CLERK, "max": Role.VIEWER}.items():
        hire(app, "north", role, f"{email}@north.example")
    assert emails(owner, "/admin/people?q=ANN_") == ["ann_b@north.example"]
    assert emails(owner, "/admin/people?q=viewer") == ["max@north.example"], "by name, which is the role's here"
    assert emails(owner, "/admin/people?role=viewer") == ["max@north.example"]
    assert emails(owner, "/admin/people?role=owner&q=ann") == []
    assert "No person matches" in shown(owner, "/admin/people?role=owner&q=ann")
    assert 'name="role" value="owner"' in shown(owner, "/admin/people?role=owner"), "a search keeps the filter"
    assert len(emails(owner, "/admin/people?role=boss")) == 4


def test_invitations_stand_before_people_and_have_a_list_of_their_own(
    app: Flask, owner: Staff, small_pages: None
) -> None:
    assert "No open invitations" in shown(owner, "/admin/people?state=invited")
    with app.app_context(), tenant_context("north"):
        for name in ("c", "a", "b"):
            invite(f"{name}@north.example", Role.CLERK)
    with app.app_context(), tenant_context("south"):
        invite("else@north.example", Role.CLERK)
    assert emails(owner) == ["a@north.example", "b@north.example", "owner@north.example"]
    assert "Show all invitations" in shown(owner, "/admin/people")
    paths = walk(owner, "/admin/people?state=invited")
    assert [emails(owner, path) for path in paths] == [["a@north.example", "b@north.example"], ["c@north.example"]]
    assert emails(owner, "/admin/people?role=viewer") == []
    assert emails(owner, "/admin/people?q=b%40") == ["b@north.example"]
    assert "No person matches" in shown(owner, "/admin/people?state=invited&q=zzz")


def test_a_change_leads_back_to_the_list_as_it_was(app: Flask, owner: Staff) -> None:
    clerk = hire(app, "north", Role.CLERK)
    assert f"/people/{clerk}/role?role=clerk" in shown(owner, "/admin/people?role=clerk")
    answer = owner.post(f"/admin/people/{clerk}/role?role=clerk&q=north", {"role": "viewer"})
    assert answer.headers["Location"] == "/t/north/admin/people?q=north&role=clerk"


def test_keys_are_listed_newest_first_from_page_to_page(app: Flask, owner: Staff, small_pages: None) -> None:
    for number in range(5):
        make_key(app, f"Key {number}")
    paths = walk(owner, "/admin/keys")
    found = [keys(owner, path) for path in paths]
    assert found == [["Key 4", "Key 3"], ["Key 2", "Key 1"], ["Key 0"]]
    make_key(app, "Key 5")
    assert keys(owner, paths[1]) == found[1]
    assert [keys(owner, path) for path in walk(owner, paths[1], "newer")] == [found[1], found[0], ["Key 5"]]


def test_keys_are_searched_and_filtered_by_state(app: Flask, owner: Staff) -> None:
    assert "No API keys yet" in shown(owner, "/admin/keys")
    ids = {name: make_key(app, name, days) for name, days in {"Till": None, "Bridge": 2, "Old": 400}.items()}
    with app.app_context(), tenant_context("north"):
        revoke_key(ids["Old"])
    with time_machine.travel(now() + timedelta(days=3), tick=False):
        later = signed_in(app, "north", Role.OWNER, "later@north.example")
        assert keys(later, "/admin/keys?state=active") == ["Till"]
        assert keys(later, "/admin/keys?state=expired") == ["Bridge"]
        assert keys(later, "/admin/keys?state=revoked") == ["Old"]
        assert len(keys(later)) == 3
    assert set(keys(owner, "/admin/keys?state=active")) == {"Till", "Bridge"}
    assert keys(owner, "/admin/keys?q=bridg") == ["Bridge"]
    assert "No key matches" in shown(owner, "/admin/keys?q=%25")
    answer = owner.post(f"/admin/keys/{ids['Till']}/revoke?state=active")
    assert answer.headers["Location"] == "/t/north/admin/keys?state=active"


def test_new_people_and_keys_are_announced_to_open_lists(app: Flask, owner: Staff) -> None:
    """Open pages load their lists again when this number has grown."""

    def latest() -> int:
        return int(owner.get("/admin/latest-event").text)

    for path in ("/admin/people", "/admin/keys"):
        assert re.search(r'<section id="list"[^>]* data-live>', owner.get(path).text)
    first = latest()
    owner.post("/admin/people", {"email": "new@north.example", "role": "clerk"})
    second = latest()
    assert second > first
    make_key(app, "Till")
    third = latest()
    assert third > second
    owner.post("/admin/people/withdraw", {"email": "new@north.example"})
    assert latest() > third


def test_a_list_that_needs_the_password_again_leads_the_whole_page_to_it(owner: Staff) -> None:
    with time_machine.travel(now() + timedelta(hours=1), tick=False):
        assert owner.get("/admin/people?q=a").status_code == 303
        answer = owner.region("/admin/people?q=a", LIST)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/t/north/admin/confirm?next=%2Fadmin%2Fpeople%3Fq%3Da"
