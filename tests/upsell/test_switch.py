"""When suggestions are shown: the operator's switch, the master switch and the holdout."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event, EventType
from storefront.state import state_of
from storefront.timings import Timings
from storefront.upsell.experiment.assignment import Arm, arm_of
from tests.concurrency import eventually
from tests.conftest import Person
from tests.upsell.conftest import stored_calls, stored_impressions

MAX_SWITCH_DELAY_SECONDS = 2.0
"""Documented delay until every process follows the switch."""
OFF = {"enabled": False, "arm": None, "source": None, "suggestions": [], "call_id": None}


def flask_upsell(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=["upsell", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def suggestions(app: Flask, shop: str = "north") -> dict[str, object]:
    person = Person(app.test_client(), shop)
    cart_id = person.cart(**{"north": {"beans": 1}, "south": {"pen": 1}}[shop])
    answer = person.api("GET", f"/carts/{cart_id}/upsell")
    assert answer.status_code == 200
    assert isinstance(answer.json, dict)
    return answer.json


def becomes_enabled(expected: bool, app: Flask, shop: str = "north") -> bool:
    """Wait until this process reloads its tenant snapshot and sees the switch; return False after the timeout."""
    return eventually(lambda: suggestions(app, shop)["enabled"] is expected)


def test_the_tenant_snapshot_expires_within_the_documented_delay() -> None:
    assert Timings().tenant_snapshot <= MAX_SWITCH_DELAY_SECONDS / 2


def test_another_process_follows_the_switch(make_app: Callable[..., Flask]) -> None:
    this_process, other_process = make_app(), make_app()
    assert suggestions(other_process)["source"] == "rules"
    flask_upsell(this_process, "off")
    assert becomes_enabled(False, other_process)
    assert suggestions(other_process) == suggestions(this_process) == OFF
    assert suggestions(other_process, "south") == OFF
    flask_upsell(this_process, "on")
    assert becomes_enabled(True, other_process)
    assert suggestions(other_process)["source"] == suggestions(other_process, "south")["source"] == "rules"


def test_the_command_is_in_the_audit_log_of_each_shop_that_it_changed(app: Flask) -> None:
    flask_upsell(app, "off", "--tenant", "north")
    flask_upsell(app, "off")
    for tenant_id in ("north", "south"):
        with app.app_context(), tenant_context(tenant_id):
            [event] = db.session.scalars(select(Event).where(Event.type == EventType.UPSELL_CHANGED)).all()
            assert (event.actor_type, event.before, event.after) == ("command", {"enabled": True}, {"enabled": False})
            assert "upsell off" in event.actor_name


def test_the_switch_of_one_tenant_does_not_affect_others(make_app: Callable[..., Flask]) -> None:
    this_process, other_process = make_app(), make_app()
    output = flask_upsell(this_process, "off", "--tenant", "north")
    assert "north" in output
    assert becomes_enabled(False, other_process)
    assert suggestions(other_process, "south")["enabled"] is True
    flask_upsell(this_process, "on", "--tenant", "north")
    assert becomes_enabled(True, other_process)


@pytest.mark.parametrize("arguments", [("off",), ("off", "--tenant", "north")], ids=" ".join)
def test_switching_off_persists_across_a_restart(make_app: Callable[..., Flask], arguments: tuple[str, ...]) -> None:
    flask_upsell(make_app(), *arguments)
    assert suggestions(make_app(UPSELL_ENABLED="true")) == OFF


@pytest.mark.parametrize("arguments", [("on",), ("on", "--tenant", "north")], ids=" ".join)
def test_switching_on_again_persists_across_a_restart(
    make_app: Callable[..., Flask], arguments: tuple[str, ...]
) -> None:
    flask_upsell(make_app(), "off")
    flask_upsell(make_app(), *arguments)
    restarted = make_app()
    assert suggestions(restarted)["enabled"] is True
    assert suggestions(restarted, "south")["enabled"] is ("--tenant" not in arguments)


@pytest.mark.parametrize("arguments", [("on",), ("on", "--tenant", "north")], ids=" ".join)
def test_the_master_switch_overrides_a_stored_switch(
    make_app: Callable[..., Flask], arguments: tuple[str, ...]
) -> None:
    flask_upsell(make_app(), *arguments)
    off = make_app(UPSELL_ENABLED="false")
    assert suggestions(off) == suggestions(off, "south") == OFF
    person = Person(off.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    assert "/checkout/upsell" not in person.get("/checkout").text
    assert "data-suggestion" not in person.get("/checkout/upsell?page=1").text
    assert person.checkout(person.cart(beans=1)).json["upsell"] == OFF
    assert stored_impressions(off) == []


def test_the_environment_decides_when_no_switch_is_stored(make_app: Callable[..., Flask]) -> None:
    assert suggestions(make_app(UPSELL_ENABLED="false")) == OFF
    assert suggestions(make_app(UPSELL_ENABLED="")) == OFF
    assert suggestions(make_app(UPSELL_ENABLED="true"))["enabled"] is True


@pytest.mark.parametrize(
    "arguments", [("on",), ("off",), ("on", "--tenant", "north"), ("prepare", "--yes")], ids=" ".join
)
def test_a_command_without_effect_fails_with_an_error_when_the_master_switch_is_off(
    make_app: Callable[..., Flask], arguments: tuple[str, ...]
) -> None:
    disabled = make_app(UPSELL_ENABLED="false", OPENAI_BASE_URL="http://127.0.0.1:9")
    result = disabled.test_cli_runner().invoke(args=["upsell", *arguments])
    assert result.exit_code == 1
    assert result.output.startswith("Error: UPSELL_ENABLED is false")
    assert suggestions(make_app())["enabled"] is True, "the stored switch is unchanged"


def test_a_command_without_upsell_enabled_in_its_shell_switches_the_running_server(
    make_app: Callable[..., Flask],
) -> None:
    """`make run` sets UPSELL_ENABLED for the server; the shell of an operator usually doesn't."""
    running, shell = make_app(), make_app(UPSELL_ENABLED="")
    flask_upsell(shell, "off")
    assert becomes_enabled(False, running)
    assert "UPSELL_ENABLED=true" in flask_upsell(shell, "on")
    assert becomes_enabled(True, running)


@pytest.mark.parametrize(("flag", "scheduled"), [("true", True), ("false", False)])
def test_no_prefetch_is_scheduled_when_the_master_switch_is_off(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, flag: str, scheduled: bool
) -> None:
    app = make_app(UPSELL_ENABLED=flag, OPENAI_BASE_URL="http://127.0.0.1:9")
    jobs: list[object] = []
    monkeypatch.setattr(state_of(app).scheduler, "schedule", lambda _s, name, *_, **__: jobs.append(name))
    cart_id = Person(app.test_client(), "north").cart(beans=1)
    assert (cart_id in jobs) is scheduled


def test_all_shoppers_get_suggestions_by_default(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_HOLDOUT="")
    assert {str(suggestions(app)["arm"]) for _ in range(30)} == {"rules"}


def test_an_unknown_tenant_is_an_error_without_traceback(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["upsell", "off", "--tenant", "nowhere"])
    assert result.exit_code != 0
    assert "nowhere" in result.output
    assert "Traceback" not in result.output
    assert suggestions(app)["enabled"] is True


def test_pages_request_no_suggestions_when_switched_off(make_app: Callable[..., Flask]) -> None:
    on, off = (Person(make_app(UPSELL_ENABLED=flag).test_client(), "north") for flag in ("true", "false"))
    for person in (on, off):
        person.post("/cart/items", {"product_id": "beans"})
    assert "/checkout/upsell" in on.get("/checkout").text
    assert 'data-suggestion="' in on.get("/checkout/upsell").text
    assert "/checkout/upsell" not in off.get("/checkout").text
    panel = off.get("/checkout/upsell")
    assert panel.status_code == 200
    assert "data-suggestion" not in panel.text
    order = off.checkout(off.cart(beans=1))
    assert order.json["upsell"] == OFF
    assert len(stored_impressions(on.client.application)) == 1, "only the displayed panel is recorded"


def test_a_full_holdout_gets_no_suggestions(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_HOLDOUT="1", OPENAI_BASE_URL="http://127.0.0.1:9")
    shown = suggestions(app)
    assert (shown["enabled"], shown["arm"], shown["source"], shown["suggestions"]) == (True, "control", None, [])
    assert [(row.arm, row.decision, row.suggestions) for row in stored_impressions(app)] == [("control", "control", [])]
    assert stored_calls(app) == [], "the model was not called"
    person = Person(app.test_client(), "north")
    upsell = person.checkout(person.cart(beans=1)).json["upsell"]
    assert (upsell["arm"], upsell["suggestions"]) == ("control", [])


def test_the_checkout_reserves_no_space_for_the_panel_of_a_held_out_shopper(make_app: Callable[..., Flask]) -> None:
    """Otherwise the layout shifts when the panel closes. The panel is still requested, which records the impression."""
    for holdout, hidden in (("1", True), ("0", False)):
        app = make_app(UPSELL_HOLDOUT=holdout)
        person = Person(app.test_client(), "north")
        person.post("/cart/items", {"product_id": "beans"})
        panel = re.search(r'<section id="upsell_panel"[^>]*>', person.get("/checkout").text)[0]
        assert 'hx-get="/t/north/checkout/upsell" hx-trigger="load"' in panel
        assert (" hidden " in panel, "aria-busy" in panel) == (hidden, not hidden)
        assert ("hidden>" in person.get("/checkout/upsell").text) == hidden


def test_all_shoppers_get_suggestions_without_a_holdout(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_HOLDOUT="0")
    for _ in range(10):
        shown = suggestions(app)
        assert (shown["arm"], shown["source"]) == ("rules", "rules")


def test_a_holdout_of_a_tenth_is_deterministic() -> None:
    shoppers = [f"shopper-{i}" for i in range(2000)]
    arms = [arm_of("north", shopper, 0.1, True) for shopper in shoppers]
    assert 0.07 < arms.count(Arm.CONTROL) / len(arms) < 0.13
    assert 0.07 < arms.count(Arm.RULES) / len(arms) < 0.13
    assert arms.count(Arm.CONTROL) + arms.count(Arm.RULES) + arms.count(Arm.MODEL) == len(arms)
    assert arms == [arm_of("north", shopper, 0.1, True) for shopper in shoppers]
    without_model = [arm_of("north", shopper, 0.1, False) for shopper in shoppers]
    assert without_model == [Arm.CONTROL if arm == Arm.CONTROL else Arm.RULES for arm in arms]


def test_a_larger_holdout_contains_the_smaller_one() -> None:
    shoppers = [f"shopper-{i}" for i in range(2000)]
    held_out = [
        {s for s in shoppers if arm_of("north", s, share, False) == Arm.CONTROL} for share in (0.0, 0.1, 0.5, 1.0)
    ]
    assert held_out[0] == set()
    assert held_out[0] < held_out[1] < held_out[2] < held_out[3] == set(shoppers)


def test_tenants_hold_out_different_shoppers() -> None:
    shoppers = [f"shopper-{i}" for i in range(2000)]
    north, south = ({s for s in shoppers if arm_of(shop, s, 0.5, False) == Arm.CONTROL} for shop in ("north", "south"))
    assert 0.15 < len(north & south) / len(shoppers) < 0.35


def test_a_shopper_keeps_the_same_arm_across_carts(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_HOLDOUT="0.5")
    all_arms: set[bool] = set()
    for _ in range(64):
        if len(all_arms) == 2:
            break
        person = Person(app.test_client(), "north")
        arms = set()
        for _ in range(3):
            person.post("/cart/items", {"product_id": "beans"})
            arms.add("data-suggestion" in person.get("/checkout/upsell").text)
            person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
        assert len(arms) == 1
        all_arms |= arms
    assert all_arms == {True, False}
