"""The first person, by the link of a fresh start's log or of a command; and passwords that were forgotten."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import time_machine
from flask import Flask
from sqlalchemy import select

from storefront.clock import now
from storefront.db.base import db
from storefront.server.bootstrap import announce_setup
from storefront.staff.first_shop import first_shop
from storefront.staff.models import OneTimeLink
from storefront.staff.permissions import Role
from storefront.state import current_state
from storefront.web.absolute_urls import shop_root
from tests.conftest import Lines, Person
from tests.staff.factories import PASSWORD, Staff, api_key, bearer, hire, newcomer, signed_in

FIRST = {"name": "Ada", "email": "Ada@shops.example", "password": PASSWORD}


def run(app: Flask, *words: str) -> list[str]:
    result = app.test_cli_runner().invoke(args=["staff", *words])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def fail(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["staff", *words])
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def announced(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines() if "/setup/" in line["message"]]


def test_a_start_without_any_person_logs_the_link(app: Flask, lines: Lines) -> None:
    with app.app_context():
        announce_setup()
    (line,) = announced(lines)
    url = urlsplit(line["message"].rpartition(" ")[2])
    assert url.geturl().startswith("http://localhost:8000/setup/")
    assert app.test_client().get(url.path).status_code == 200
    hire(app, "north", Role.CLERK)
    with app.app_context():
        announce_setup()
    assert len(announced(lines)) == 1, "there is a person now"
    assert app.test_client().get(url.path).status_code == 404


def test_the_first_person_owns_every_shop(app: Flask) -> None:
    path, client = urlsplit(run(app, "setup")[-1]).path, app.test_client()
    page = client.get(path)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    refused = client.post(path, data={"name": "", "email": "nonsense", "password": "short"})
    assert refused.status_code == 422
    assert refused.text.count("field-error") == 3
    done = client.post(path, data=FIRST)
    assert (done.status_code, done.headers["Location"]) == (303, "/t/north/admin/"), "the first of the catalogue"
    assert client.get(done.headers["Location"]).status_code == 200
    for shop in ("north", "south", "far-east"):
        person = Staff(app.test_client(), shop, "", "ada@shops.example")
        assert person.sign_in() == 303
        assert person.get("/admin/people").status_code == 200
    assert client.get(path).status_code == 404
    assert client.post(path, data=FIRST).status_code == 404
    assert fail(app, "setup")[0] == 1


def test_the_first_person_begins_in_another_shop_without_a_catalogue(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        for content in (None, "[]", "{", '{"tenants": [{"id": "elsewhere"}]}'):
            file = tmp_path / "catalog.json"
            if content is not None:
                file.write_text(content)
            state = current_state()
            state.settings = replace(state.settings, catalog=file)
            assert first_shop(["far-east", "north"]) == "far-east", content


def test_a_link_to_set_up_expires_and_is_at_the_root_only(app: Flask) -> None:
    path, start = urlsplit(run(app, "setup")[-1]).path, now()
    assert Person(app.test_client(), "north").get(path).status_code == 404
    assert app.test_client().get("/setup/guess").status_code == 404
    with time_machine.travel(start + timedelta(days=8), tick=False):
        assert app.test_client().post(path, data=FIRST).status_code == 404
    assert app.test_client().post(path, data=FIRST).status_code == 303


def test_the_database_holds_no_link(app: Flask) -> None:
    token = run(app, "setup")[-1].rpartition("/")[2]
    with app.app_context():
        assert token not in {link.id for link in db.session.scalars(select(OneTimeLink))}


def test_links_are_at_the_public_url(make_app: Callable[..., Flask]) -> None:
    app = make_app(PUBLIC_URL="https://shops.example")
    assert run(app, "setup")[-1].startswith("https://shops.example/setup/")
    link = run(app, "invite", "--tenant", "north", "--email", "a@b.example", "--role", "owner")[-1]
    assert link.startswith("https://shops.example/t/north/admin/invitations/")
    assert shop_root("https://www.shops.example:8443", "shops.example", "north") == "https://north.shops.example:8443"


def test_operators_invite_list_and_remove(app: Flask) -> None:
    hire(app, "north", Role.OWNER)
    link = run(app, "invite", "--tenant", "north", "--email", "new@north.example", "--role", "viewer")[-1]
    guest = Person(app.test_client(), "north")
    path = urlsplit(link).path.removeprefix("/t/north")
    assert guest.post(path, {"name": "Nell", "password": PASSWORD}).status_code == 303
    assert "new@north.example" in "\n".join(run(app, "list", "--tenant", "north"))
    assert '"role": "viewer"' in "\n".join(run(app, "list", "--json"))
    run(app, "remove", "--tenant", "north", "--email", "NEW@north.example")
    assert guest.get("/admin/").status_code == 303
    assert fail(app, "remove", "--tenant", "north", "--email", "new@north.example")[0] == 1
    assert "only owner" in fail(app, "remove", "--tenant", "north", "--email", "owner@north.example")[1]


def test_wrong_words_are_a_sentence(app: Flask) -> None:
    assert fail(app, "invite", "--tenant", "nowhere", "--email", "a@b.example", "--role", "owner")[0] == 1
    assert fail(app, "invite", "--tenant", "north", "--email", "nonsense", "--role", "owner")[0] == 1
    assert fail(app, "invite", "--tenant", "north", "--email", "a@b.example", "--role", "boss")[0] == 2
    assert fail(app, "key", "--tenant", "north", "--name", "n", "--scope", "everything")[0] == 2
    assert fail(app, "list", "--tenant", "nowhere")[0] == 1
    assert fail(app, "revoke-key", "--tenant", "north", "--prefix", "sf_nosuch")[0] == 1


def test_a_key_of_an_operator_works_until_it_is_revoked(app: Flask) -> None:
    words = ("key", "--tenant", "north", "--name", "Report", "--scope", "upsell:read", "--expires", "30")
    key, person = run(app, *words)[-1], Person(app.test_client(), "north")
    other = api_key(app, "north", "upsell:read")
    assert person.api("GET", "/upsell/calls", headers=bearer(key)).status_code == 200
    run(app, "revoke-key", "--tenant", "north", "--prefix", key[:11])
    assert person.api("GET", "/upsell/calls", headers=bearer(key)).status_code == 401
    assert person.api("GET", "/upsell/calls", headers=bearer(other)).status_code == 200


def test_a_forgotten_password_is_replaced_by_a_link(app: Flask) -> None:
    person, start = signed_in(app, "north", Role.CLERK), now()
    link = run(app, "reset-password", "--tenant", "north", "--email", person.email)[-1]
    path, browser = urlsplit(link).path.removeprefix("/t/north"), Person(app.test_client(), "north")
    assert Person(app.test_client(), "south").get(path).status_code == 404
    assert browser.get(path).status_code == 200
    assert browser.post(path, {"password": "short"}).status_code == 422
    with time_machine.travel(start + timedelta(days=2), tick=False):
        assert browser.get(path).status_code == 404
    assert browser.post(path, {"password": "another long password"}).status_code == 303
    assert browser.get(path).status_code == 404
    assert person.get("/admin/").status_code == 303, "its sessions are over"
    assert person.sign_in() == 422
    assert person.sign_in("another long password") == 303
    newcomer(app, "south", Role.CLERK)
    assert fail(app, "reset-password", "--tenant", "north", "--email", "clerk@south.example")[0] == 1
