"""Who is shown suggestions: the operator's switch, and the share of shoppers that is held out."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from storefront.state import state_of
from storefront.timings import Timings
from storefront.upsell.experiment.assignment import Arm, arm_of
from tests.concurrency import comes_true
from tests.conftest import Person
from tests.upsell.conftest import calls, showings

SEEN_WITHIN = 2.0
"""Seconds that are promised."""
OFF = {"enabled": False, "arm": None, "source": None, "suggestions": [], "call_id": None}


def flask_upsell(app: Flask, *words: str) -> str:
    result = app.test_cli_runner().invoke(args=["upsell", *words])
    assert result.exit_code == 0, result.output
    return result.output


def suggestions(app: Flask, shop: str = "north") -> dict[str, object]:
    person = Person(app.test_client(), shop)
    cart_id = person.cart(**{"north": {"beans": 1}, "south": {"pen": 1}}[shop])
    answer = person.api("GET", f"/carts/{cart_id}/upsell")
    assert answer.status_code == 200
    assert isinstance(answer.json, dict)
    return answer.json


def comes_to_be(enabled: bool, app: Flask, shop: str = "north") -> bool:
    """Whether this process sees the switch when its snapshot of the shops has run out."""
    return comes_true(lambda: suggestions(app, shop)["enabled"] is enabled)


def test_a_snapshot_of_the_shops_runs_out_in_the_time_that_is_promised() -> None:
    assert Timings().tenant_snapshot <= SEEN_WITHIN / 2


def test_the_switch_is_seen_by_another_process_in_time(make_app: Callable[..., Flask]) -> None:
    here, there = make_app(), make_app()
    assert suggestions(there)["source"] == "rules"
    flask_upsell(here, "off")
    assert comes_to_be(False, there)
    assert suggestions(there) == suggestions(here) == OFF
    assert suggestions(there, "south") == OFF
    flask_upsell(here, "on")
    assert comes_to_be(True, there)
    assert suggestions(there)["source"] == suggestions(there, "south")["source"] == "rules"


def test_the_switch_of_one_shop_leaves_the_others_alone(make_app: Callable[..., Flask]) -> None:
    here, there = make_app(), make_app()
    said = flask_upsell(here, "off", "--tenant", "north")
    assert "north" in said
    assert comes_to_be(False, there)
    assert suggestions(there, "south")["enabled"] is True
    flask_upsell(here, "on", "--tenant", "north")
    assert comes_to_be(True, there)


@pytest.mark.parametrize("words", [("off",), ("off", "--tenant", "north")], ids=" ".join)
def test_the_switch_outlives_a_restart(make_app: Callable[..., Flask], words: tuple[str, ...]) -> None:
    flask_upsell(make_app(), *words)
    assert suggestions(make_app(UPSELL_ENABLED="true")) == OFF


@pytest.mark.parametrize("words", [("on",), ("on", "--tenant", "north")], ids=" ".join)
def test_a_shop_that_was_switched_on_again_is_on_after_a_restart(
    make_app: Callable[..., Flask], words: tuple[str, ...]
) -> None:
    flask_upsell(make_app(), "off")
    flask_upsell(make_app(), *words)
    restarted = make_app()
    assert suggestions(restarted)["enabled"] is True
    assert suggestions(restarted, "south")["enabled"] is ("--tenant" not in words)


@pytest.mark.parametrize("words", [("on",), ("on", "--tenant", "north")], ids=" ".join)
def test_nothing_is_suggested_with_the_master_switch_off_whatever_was_switched_before(
    make_app: Callable[..., Flask], words: tuple[str, ...]
) -> None:
    flask_upsell(make_app(), *words)
    off = make_app(UPSELL_ENABLED="false")
    assert suggestions(off) == suggestions(off, "south") == OFF
    person = Person(off.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    assert "/checkout/upsell" not in person.get("/checkout").text
    assert "data-suggestion" not in person.get("/checkout/upsell?page=1").text
    assert person.checkout(person.cart(beans=1)).json["upsell"] == OFF
    assert showings(off) == []


def test_without_a_switch_the_environment_says(make_app: Callable[..., Flask]) -> None:
    assert suggestions(make_app(UPSELL_ENABLED="false")) == OFF
    assert suggestions(make_app(UPSELL_ENABLED="")) == OFF
    assert suggestions(make_app(UPSELL_ENABLED="true"))["enabled"] is True


@pytest.mark.parametrize("words", [("on",), ("off",), ("on", "--tenant", "north"), ("prepare", "--yes")], ids=" ".join)
def test_a_command_that_has_no_effect_with_the_master_switch_off_says_so(
    make_app: Callable[..., Flask], words: tuple[str, ...]
) -> None:
    disabled = make_app(UPSELL_ENABLED="false", OPENAI_BASE_URL="http://127.0.0.1:9")
    result = disabled.test_cli_runner().invoke(args=["upsell", *words])
    assert result.exit_code == 1
    assert result.output.startswith("Error: UPSELL_ENABLED is false")
    assert suggestions(make_app())["enabled"] is True, "nothing was switched"


def test_a_command_whose_shell_says_nothing_switches_the_shop_that_runs(make_app: Callable[..., Flask]) -> None:
    """`make run` sets UPSELL_ENABLED for the shop; the shell in which an operator types the command does not."""
    running, shell = make_app(), make_app(UPSELL_ENABLED="")
    flask_upsell(shell, "off")
    assert comes_to_be(False, running)
    assert "UPSELL_ENABLED=true" in flask_upsell(shell, "on")
    assert comes_to_be(True, running)


@pytest.mark.parametrize(("flag", "planned"), [("true", True), ("false", False)])
def test_with_the_master_switch_off_no_model_is_asked_ahead(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, flag: str, planned: bool
) -> None:
    app = make_app(UPSELL_ENABLED=flag, OPENAI_BASE_URL="http://127.0.0.1:9")
    jobs: list[object] = []
    monkeypatch.setattr(state_of(app).scheduler, "schedule", lambda _s, name, *_, **__: jobs.append(name))
    cart_id = Person(app.test_client(), "north").cart(beans=1)
    assert (cart_id in jobs) is planned


def test_everybody_is_shown_suggestions_by_default(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_HOLDOUT="")
    assert {str(suggestions(app)["arm"]) for _ in range(30)} == {"rules"}


def test_a_shop_that_does_not_exist_is_a_clear_error(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["upsell", "off", "--tenant", "nowhere"])
    assert result.exit_code != 0
    assert "nowhere" in result.output
    assert "Traceback" not in result.output
    assert suggestions(app)["enabled"] is True


def test_switched_off_the_pages_ask_for_no_suggestions(make_app: Callable[..., Flask]) -> None:
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
    assert len(showings(on.client.application)) == 1, "and only what was shown is in the journal"


def test_everybody_held_out_sees_nothing(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_HOLDOUT="1", OPENAI_BASE_URL="http://127.0.0.1:9")
    shown = suggestions(app)
    assert (shown["enabled"], shown["arm"], shown["source"], shown["suggestions"]) == (True, "control", None, [])
    assert [(one.arm, one.decision, one.suggestions) for one in showings(app)] == [("control", "control", [])]
    assert calls(app) == [], "the model was not asked"
    person = Person(app.test_client(), "north")
    upsell = person.checkout(person.cart(beans=1)).json["upsell"]
    assert (upsell["arm"], upsell["suggestions"]) == ("control", [])


def test_no_room_is_kept_for_what_will_not_come(make_app: Callable[..., Flask]) -> None:
    """Else the page would jump when it closes. The panel is still asked for, as its showing is what counts."""
    for holdout, closed in (("1", True), ("0", False)):
        app = make_app(UPSELL_HOLDOUT=holdout)
        person = Person(app.test_client(), "north")
        person.post("/cart/items", {"product_id": "beans"})
        panel = re.search(r'<section id="upsell_panel"[^>]*>', person.get("/checkout").text)[0]
        assert 'hx-get="/t/north/checkout/upsell" hx-trigger="load"' in panel
        assert (" hidden " in panel, "aria-busy" in panel) == (closed, not closed)
        assert ("hidden>" in person.get("/checkout/upsell").text) == closed


def test_nobody_held_out_is_everybody_shown(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_HOLDOUT="0")
    for _ in range(10):
        shown = suggestions(app)
        assert (shown["arm"], shown["source"]) == ("rules", "rules")


def test_a_tenth_is_held_out_always_the_same() -> None:
    shoppers = [f"shopper-{i}" for i in range(2000)]
    arms = [arm_of("north", shopper, 0.1, True) for shopper in shoppers]
    assert 0.07 < arms.count(Arm.CONTROL) / len(arms) < 0.13
    assert 0.07 < arms.count(Arm.RULES) / len(arms) < 0.13
    assert arms.count(Arm.CONTROL) + arms.count(Arm.RULES) + arms.count(Arm.MODEL) == len(arms)
    assert arms == [arm_of("north", shopper, 0.1, True) for shopper in shoppers]
    without_model = [arm_of("north", shopper, 0.1, False) for shopper in shoppers]
    assert without_model == [Arm.CONTROL if arm == Arm.CONTROL else Arm.RULES for arm in arms]


def test_a_larger_share_holds_out_the_same_and_more() -> None:
    shoppers = [f"shopper-{i}" for i in range(2000)]
    held = [{s for s in shoppers if arm_of("north", s, share, False) == Arm.CONTROL} for share in (0.0, 0.1, 0.5, 1.0)]
    assert held[0] == set()
    assert held[0] < held[1] < held[2] < held[3] == set(shoppers)


def test_the_shops_hold_out_different_shoppers() -> None:
    shoppers = [f"shopper-{i}" for i in range(2000)]
    north, south = ({s for s in shoppers if arm_of(shop, s, 0.5, False) == Arm.CONTROL} for shop in ("north", "south"))
    assert 0.15 < len(north & south) / len(shoppers) < 0.35


def test_a_shopper_stays_in_her_arm_from_cart_to_cart(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_HOLDOUT="0.5")
    seen = set()
    for _ in range(12):
        person = Person(app.test_client(), "north")
        arms = set()
        for _ in range(3):
            person.post("/cart/items", {"product_id": "beans"})
            arms.add("data-suggestion" in person.get("/checkout/upsell").text)
            person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
        assert len(arms) == 1
        seen |= arms
    assert seen == {True, False}
