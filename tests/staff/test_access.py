"""Every staff route and method, with every role, without one, with sessions and keys that are over, and from another
shop: each refusal has its allowed case beside it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from storefront.clock import now
from storefront.staff.access import PUBLIC, AccessNotDeclared, access_of, check_access, is_staff_rule, requires
from storefront.staff.permissions import ROLES, SCOPES, Permission, Role
from tests.conftest import Person
from tests.staff.factories import Staff, api_key, bearer, hire, newcomer, signed_in

Route = tuple[Rule, str, Permission]


def staff_routes(app: Flask) -> Iterator[Route]:
    """Each rule and method that needs a permission."""
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule)
        if access is not None and access != PUBLIC:
            for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
                yield rule, method, access


def pages(app: Flask) -> list[Route]:
    return [route for route in staff_routes(app) if route[0].rule.startswith("/admin")]


def calls(app: Flask) -> list[Route]:
    return [route for route in staff_routes(app) if route[0].rule.startswith("/api/")]


def path_of(rule: Rule) -> str:
    """The rule's path with ids that nothing has, so that a request that is let in changes nothing."""
    _, path = rule.build(dict.fromkeys(rule.arguments, "nobody"))
    return path


def ask(person: Person, route: Route, headers: dict[str, str] | None = None) -> Response:
    return person.client.open(person.root + path_of(route[0]), method=route[1], headers=headers)


def let_in(answer: Response) -> bool:
    """Whether the view itself responded: with a page, a redirect to another page, or a refusal of what was sent.
    Signing out leads to the sign-in, too, and removes the cookie."""
    to = answer.headers.get("Location", "")
    goes_on = "/sign-in" not in to or "staff=;" in answer.headers.get("Set-Cookie", "")
    return answer.status_code in (200, 404, 409, 422) or (answer.status_code == 303 and goes_on)


def is_sent_away(answer: Response, method: str) -> bool:
    """Whether the response is that to somebody without a session."""
    if method in ("GET", "HEAD"):
        return answer.status_code == 303 and "/admin/sign-in" in answer.headers["Location"]
    return answer.status_code == 401


def without_own_end(routes: list[Route]) -> list[Route]:
    """Without what ends the session, or changes the password, of who asks."""
    return [route for route in routes if "/account/sessions" not in route[0].rule and not is_sign_out(route)]


def is_sign_out(route: Route) -> bool:
    return route[0].rule == "/admin/sign-out"


def test_there_are_pages_and_calls_to_try(app: Flask) -> None:
    assert len(pages(app)) > 15
    assert len(calls(app)) >= 2
    assert {access for _, _, access in staff_routes(app)} >= {Permission.STAFF_WRITE, Permission.UPSELL_READ}


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_what_it_permits_and_nothing_else(app: Flask, role: Role) -> None:
    person = signed_in(app, "north", role)
    for route in sorted(pages(app), key=is_sign_out):
        rule, method, permission = route
        answer = ask(person, route)
        if permission in ROLES[role]:
            assert let_in(answer), f"{role} {method} {rule.rule}: {answer.status_code}"
        else:
            assert answer.status_code == 403, f"{role} {method} {rule.rule}: {answer.status_code}"


def test_without_a_session_a_page_leads_to_the_sign_in_and_a_form_is_refused(app: Flask) -> None:
    stranger, owner = Person(app.test_client(), "north"), signed_in(app, "north", Role.OWNER)
    for route in without_own_end(pages(app)):
        assert is_sent_away(ask(stranger, route), route[1]), route[0].rule
        assert let_in(ask(owner, route)), route[0].rule


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")


def test_without_a_session_no_method_tells_which_paths_there_are(app: Flask) -> None:
    stranger, owner = Person(app.test_client(), "north"), signed_in(app, "north", Role.OWNER)
    map, public = app.url_map.bind(""), {path for path, _ in public_pages(app)}
    paths = {path_of(rule) for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")}
    for path in sorted(paths | {"/admin", "/admin/nowhere", "/admin/orders/", "/admin//orders", "/admin/nowhere/né"}):
        for method in METHODS:
            if (path, method) in public_pages(app):
                continue
            answer = stranger.client.open(stranger.root + path, method=method)
            assert is_sent_away(answer, method), f"{method} {path}: {answer.status_code}"
            assert "Allow" not in answer.headers, f"{method} {path}"
            if path in paths - public and method not in map.allowed_methods(path):
                answer = owner.client.open(owner.root + path, method=method)
                assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"
    for method, status in (("GET", 404), ("POST", 404), ("DELETE", 404)):
        assert owner.client.open(owner.root + "/admin/nowhere", method=method).status_code == status


def public_pages(app: Flask) -> set[tuple[str, str]]:
    """Paths and methods that are for everybody."""
    rules = [rule for rule in app.url_map.iter_rules() if access_of(app, rule) == PUBLIC]
    return {(path_of(rule), method) for rule in rules for method in set(rule.methods or ()) - {"OPTIONS"}}


def test_after_the_sign_in_an_unknown_path_is_not_found(app: Flask) -> None:
    person = newcomer(app, "north", Role.OWNER)
    assert (
        person.get("/admin/nowhere?a=b").headers["Location"] == "/t/north/admin/sign-in?next=%2Fadmin%2Fnowhere%3Fa%3Db"
    )
    sent = {"email": person.email, "password": "a long enough password", "next": "/admin/orders/x/fulfil"}
    assert person.client.get(person.post("/admin/sign-in", sent).headers["Location"]).status_code == 405
    assert Person(app.test_client(), "north").get("/administration").status_code == 404
    assert app.test_client().get("/admin/orders").status_code == 404, "there is no shop"


def remove(_app: Flask, _person: Staff, by: Staff) -> None:
    assert by.post(f"/admin/people/{_person.id}/remove").status_code == 303


def sign_out(_app: Flask, person: Staff, _by: Staff) -> None:
    """In this browser; its cookie is kept by a thief."""
    cookie = person.cookie
    assert person.post("/admin/sign-out").status_code == 303
    person.client.set_cookie("staff", cookie, path=f"{person.root}/admin")


def sign_out_by_owner(_app: Flask, person: Staff, by: Staff) -> None:
    assert by.post(f"/admin/people/{person.id}/sign-out").status_code == 303


def change_password(_app: Flask, person: Staff, _by: Staff) -> None:
    cookie = person.cookie
    words = {"current_password": "a long enough password", "password": "another long password"}
    assert person.post("/admin/account/password", words).status_code == 303
    assert person.cookie != cookie
    person.client.set_cookie("staff", cookie, path=f"{person.root}/admin")


@pytest.mark.parametrize("end", [remove, sign_out, sign_out_by_owner, change_password])
def test_a_session_that_was_ended_is_none(app: Flask, end: Callable[[Flask, Staff, Staff], None]) -> None:
    by = signed_in(app, "north", Role.OWNER, "boss@north.example")
    person = signed_in(app, "north", Role.OWNER)
    assert person.get("/admin/people").status_code == 200
    end(app, person, by)
    for route in pages(app):
        assert is_sent_away(ask(person, route), route[1]), f"{end.__name__}: {route[0].rule}"
    assert by.get("/admin/people").status_code == 200


def test_a_session_expires_two_weeks_after_its_last_use(app: Flask) -> None:
    person, start = signed_in(app, "north", Role.CLERK), now()
    with time_machine.travel(start + timedelta(days=13), tick=False):
        assert person.get("/admin/").status_code == 200
    with time_machine.travel(start + timedelta(days=26), tick=False):
        assert person.get("/admin/").status_code == 200, "it was used in between"
    with time_machine.travel(start + timedelta(days=41), tick=False):
        for route in pages(app):
            assert is_sent_away(ask(person, route), route[1]), route[0].rule


def test_another_shops_owner_is_a_stranger_here(app: Flask) -> None:
    hire(app, "north", Role.OWNER)
    other = signed_in(app, "south", Role.OWNER)
    assert other.get("/admin/people").status_code == 200
    other.client.set_cookie("staff", other.cookie, path="/t/north/admin")
    here = Person(other.client, "north")
    for route in pages(app):
        assert is_sent_away(ask(here, route), route[1]), route[0].rule


def test_a_key_opens_the_calls_of_its_scopes_and_nothing_else(app: Flask) -> None:
    person = Person(app.test_client(), "north")
    for scope in SCOPES:
        key = api_key(app, "north", scope)
        for route in calls(app):
            status = ask(person, route, headers=bearer(key)).status_code
            if route[2] == scope:
                assert status in (200, 404, 422), f"{scope} {route[0].rule}: {status}"
            else:
                assert status == 403, f"{scope} {route[0].rule}: {status}"


def test_without_a_valid_key_a_call_is_refused(app: Flask) -> None:
    person = Person(app.test_client(), "north")
    good, elsewhere = api_key(app, "north", *SCOPES), api_key(app, "south", *SCOPES)
    expiring, start = api_key(app, "north", *SCOPES, days=1), now()
    owner = signed_in(app, "north", Role.OWNER)
    for route in calls(app):
        assert ask(person, route, headers=bearer(good)).status_code != 401
        for wrong in ({}, bearer(""), bearer("guess"), bearer(good[:-1] + "~"), bearer(good + "x"), bearer(elsewhere)):
            answer = ask(person, route, headers=wrong)
            assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), wrong
        assert ask(owner, route).status_code == 401, "a session opens pages only"
        assert ask(person, route, headers=bearer(expiring)).status_code != 401
    with time_machine.travel(start + timedelta(days=2), tick=False):
        for route in calls(app):
            assert ask(person, route, headers=bearer(expiring)).status_code == 401
            assert ask(person, route, headers=bearer(good)).status_code != 401


def test_a_key_opens_no_page(app: Flask) -> None:
    person, key = Person(app.test_client(), "north"), api_key(app, "north", *SCOPES)
    for route in pages(app):
        assert is_sent_away(ask(person, route, headers=bearer(key)), route[1]), route[0].rule


def test_after_half_an_hour_people_and_keys_need_the_password_again(app: Flask) -> None:
    person, start = signed_in(app, "north", Role.OWNER), now()
    with time_machine.travel(start + timedelta(minutes=31), tick=False):
        for path in ("/admin/people", "/admin/keys", "/admin/account/second-factor"):
            assert person.get(path).headers["Location"].startswith("/t/north/admin/confirm?next="), path
            assert "/admin/confirm" in person.post(path).headers["Location"]
        form = person.post(f"/admin/people/{person.id}/sign-out")
        assert form.headers["Location"] == "/t/north/admin/confirm?next=%2Fadmin%2Fpeople", "where the form stands"
        assert person.get("/admin/").status_code == 200
        refused = person.post("/admin/confirm", {"password": "wrong password"})
        assert refused.status_code == 422
        assert "This password isn&#39;t right." in refused.text
        assert "people, keys" not in refused.text, "it guards more than these"
        sent = {"password": "a long enough password", "next": "/admin/keys"}
        assert person.post("/admin/confirm", sent).headers["Location"] == "/t/north/admin/keys"
        assert person.get("/admin/keys").status_code == 200


def test_forms_of_other_sites_are_refused(app: Flask) -> None:
    person = signed_in(app, "north", Role.OWNER)
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    for route in pages(app):
        if route[1] == "POST":
            assert ask(person, route, headers=cross_site).status_code == 403, route[0].rule
    assert person.post("/admin/sign-in", headers=cross_site).status_code == 403
    assert person.get("/admin/people").status_code == 200


def test_the_start_fails_for_a_staff_view_that_says_nothing_about_access(app: Flask) -> None:
    check_access(app)
    for path in ("/admin/forgotten", "/api/v1/events", "/setup/other"):
        bare = Flask("bare")
        bare.add_url_rule(path, "forgotten", lambda: "")
        with pytest.raises(AccessNotDeclared, match=path):
            check_access(bare)


def test_an_unknown_permission_fails_when_the_view_is_written() -> None:
    with pytest.raises(ValueError, match="orders:reed"):
        requires("orders:reed")  # type: ignore[arg-type]


def test_every_staff_rule_is_known_by_its_path_or_its_permission(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule)
        assert (access is None) <= (not is_staff_rule(rule)), rule.rule


def test_where_one_wanted_to_go_is_where_one_goes(app: Flask) -> None:
    person = newcomer(app, "north", Role.OWNER)
    asked = person.get("/admin/people?a=b")
    assert asked.headers["Location"] == "/t/north/admin/sign-in?next=%2Fadmin%2Fpeople%3Fa%3Db"
    for wanted, reached in {
        "/admin/people?a=b": "/t/north/admin/people?a=b",
        "": "/t/north/admin/",
        "//evil.example/admin/": "/t/north/admin/",
        "https://evil.example/": "/t/north/admin/",
        "/admin//evil.example": "/t/north/admin/",
        "/admin/\\evil": "/t/north/admin/",
        "/cart": "/t/north/admin/",
    }.items():
        sent = {"email": person.email, "password": "a long enough password", "next": wanted}
        assert person.post("/admin/sign-in", sent).headers["Location"] == reached, wanted
