"""Uploaded pictures are removed when nothing shows them any more."""

import os
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from storefront.catalog.models import Variant
from storefront.catalog.pictures import store_picture
from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.retention.actions import round_of
from storefront.state import state_of
from storefront.tenants.models import Tenant
from storefront.web.media import WIDTHS
from tests.catalog.variants import open_wear
from tests.conftest import Person
from tests.factories import change_product, place_order

HOUR = timedelta(hours=1)


@pytest.fixture
def media(app: Flask) -> Path:
    return state_of(app).settings.data_dir / "media"


def upload(app: Flask, colour: str, shop: str = "north", hours: int = 25) -> str:
    """Store a picture that is as old as this. Return its name."""
    content = BytesIO()
    Image.new("RGB", (40, 40), colour).save(content, "PNG")
    with app.app_context():
        name = store_picture(shop, content.getvalue())
        folder = state_of(app).settings.data_dir / "media" / shop
    for file in files_of(folder, name):
        set_age(file, hours)
    return name


def set_age(path: Path, hours: int) -> None:
    moment = (now() - hours * HOUR).timestamp()
    os.utime(path, (moment, moment))


def files_of(folder: Path, name: str) -> list[Path]:
    return list(folder.glob(name.removeprefix("up-").removesuffix(".webp") + "-*.webp"))


def run_round(app: Flask, *shops: str) -> int:
    return sum(round_of(app, shops or ("north",)))


def test_only_pictures_that_nothing_shows_are_removed(app: Flask, shopper: Person, media: Path) -> None:
    open_wear(app)
    shown, of_variant, of_theme = upload(app, "red"), upload(app, "blue", "wear"), upload(app, "green")
    unused, young = upload(app, "black"), upload(app, "white", hours=23)
    elsewhere = upload(app, "red", "wear")
    change_product(app, "north", "cup", image=shown)
    with app.app_context(), tenant_context("wear"), write():
        db.session.get_one(Variant, ("wear", "tee-red-s")).image = of_variant
    with app.app_context(), tenant_context("north"), write():
        row = db.session.get_one(Tenant, "north")
        row.theme = row.theme | {"emblem": of_theme}
    assert run_round(app, "north", "wear") == 2 * len(WIDTHS), "the unused one, and the one that another shop shows"
    assert not files_of(media / "north", unused)
    assert not files_of(media / "wear", elsewhere)
    for shop, name in (("north", shown), ("wear", of_variant), ("north", of_theme), ("north", young)):
        assert len(files_of(media / shop, name)) == len(WIDTHS), name
    change_product(app, "north", "cup", image="")
    assert run_round(app) == len(WIDTHS)


def test_a_picture_that_an_order_shows_stays(app: Flask, shopper: Person, media: Path) -> None:
    name = upload(app, "red")
    change_product(app, "north", "cup", image=name)
    order_id = place_order(shopper, cup=1)
    change_product(app, "north", "cup", image="")
    assert run_round(app) == 0
    address = name.removeprefix("up-").removesuffix(".webp")
    assert address in shopper.get(f"/orders/{order_id}").text
    assert len(files_of(media / "north", name)) == len(WIDTHS)


def test_what_an_interrupted_upload_has_left_is_removed(app: Flask, media: Path) -> None:
    (media / "north").mkdir(parents=True)
    for file, hours in (("a.1-2.part", 30), ("b.1-2.part", 1)):
        (media / "north" / file).write_bytes(b"half")
        set_age(media / "north" / file, hours)
    output = app.test_cli_runner().invoke(args=["prune", "--tenant", "north"]).output
    assert "north: 1 file of unused pictures deleted." in output
    assert [path.name for path in (media / "north").iterdir()] == ["b.1-2.part"]
