"""Uploaded pictures: what is stored of them, what is refused, and how they are served."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from storefront.catalog import pictures
from storefront.catalog.pictures import store_picture
from storefront.errors import Invalid
from storefront.state import state_of
from storefront.web.media import is_photo, media_path
from tests.concurrency import at_once
from tests.conftest import Person
from tests.factories import change_product


def drawn(width: int = 2000, height: int = 1000, mode: str = "RGB", kind: str = "JPEG", **more: Any) -> bytes:
    """A picture whose left half is red."""
    picture = Image.new("RGB", (width, height), "blue")
    picture.paste("red", (0, 0, width // 2, height))
    content = BytesIO()
    picture.convert(mode).save(content, kind, **more)
    return content.getvalue()


def stored(app: Flask, content: bytes, shop: str = "north") -> tuple[str, dict[int, Image.Image]]:
    """The picture's name and its files by width."""
    with app.app_context():
        name = store_picture(shop, content)
    folder = state_of(app).settings.data_dir / "media" / shop
    digest = name.removeprefix("up-").removesuffix(".webp")
    return name, {
        width: Image.open(BytesIO((folder / f"{digest}-{width}.webp").read_bytes())) for width in (320, 640, 1280)
    }


def is_red(picture: Image.Image, x: float, y: float) -> bool:
    red, _, blue = picture.convert("RGB").getpixel((int(x * picture.width), int(y * picture.height)))  # type: ignore[misc]
    return red > 200 and blue < 80


@pytest.mark.parametrize(
    "content",
    [drawn(), drawn(mode="CMYK"), *(drawn(mode=mode, kind="PNG") for mode in ("RGB", "P", "RGBA")), drawn(kind="WEBP")],
    ids=["jpeg", "cmyk", "png", "palette", "rgba", "webp"],
)
def test_a_picture_is_stored_as_webp_in_three_widths(app: Flask, content: bytes) -> None:
    name, files = stored(app, content)
    assert stored(app, content)[0] == name, "the same picture has the same name"
    assert {width: (one.format, one.size) for width, one in files.items()} == {
        320: ("WEBP", (320, 160)),
        640: ("WEBP", (640, 320)),
        1280: ("WEBP", (1280, 640)),
    }
    assert all(is_red(one, 0.25, 0.5) and not is_red(one, 0.75, 0.5) for one in files.values())


def test_a_small_picture_is_not_enlarged(app: Flask) -> None:
    _, files = stored(app, drawn(500, 500))
    assert {width: one.size for width, one in files.items()} == {320: (320, 320), 640: (500, 500), 1280: (500, 500)}


def test_a_photo_fills_its_frame_in_the_shop_and_a_cut_out_does_not(app: Flask, shopper: Person) -> None:
    clear = Image.new("RGBA", (400, 300), (255, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (100, 100, 200, 200))
    cut_out = BytesIO()
    clear.save(cut_out, "PNG")
    for content, fills in ((drawn(), True), (drawn(mode="RGBA", kind="PNG"), True), (cut_out.getvalue(), False)):
        name, _ = stored(app, content)
        assert is_photo(name) == fills
        change_product(app, "north", "cup", image=name)
        assert ('class="photo"' in shopper.get("/products/cup").text) == fills
        assert shopper.get(media_path(name)).mimetype == "image/webp"
    assert not is_photo("cup.webp"), "a picture of the catalogue's"


def test_a_picture_is_turned_upright_and_loses_its_metadata(app: Flask) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the left side belongs on top
    exif[0x010F] = "Camera of somebody"
    _, files = stored(app, drawn(exif=exif))
    for one in files.values():
        assert one.height == 2 * one.width
        assert is_red(one, 0.5, 0.25)
        assert not one.getexif()
        assert one.info.keys().isdisjoint(("exif", "icc_profile", "xmp"))


def test_a_transparent_picture_stays_transparent(app: Flask) -> None:
    content = BytesIO()
    Image.new("RGBA", (400, 400), (255, 0, 0, 0)).save(content, "PNG")
    _, files = stored(app, content.getvalue())
    assert files[320].convert("RGBA").getpixel((1, 1))[3] == 0  # type: ignore[index]


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 400 megapixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def gif() -> bytes:
    return drawn(20, 20, kind="GIF")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "isn't a complete"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "isn't a complete"),
        (gif(), "isn't a complete"),
        (drawn()[:-500], "isn't a complete"),
        (drawn(kind="PNG")[:-500], "isn't a complete"),
        (drawn(kind="WEBP")[:-500], "isn't a complete"),
        (drawn(kind="PNG").replace(b"IDAT", b"IDAX", 1), "isn't a complete"),
        (bomb(), "megapixels"),
        (drawn(7000, 6000, kind="PNG"), "megapixels"),
        (b"\xff\xd8\xff" + b"\0" * pictures.MAX_BYTES, "larger than 10 MB"),
    ],
    ids=["empty", "svg", "gif", "cut-jpeg", "cut-png", "cut-webp", "damaged-png", "bomb", "large", "heavy"],
)
def test_what_is_no_usable_picture_is_refused_with_a_sentence(app: Flask, content: bytes, said: str) -> None:
    with app.app_context(), pytest.raises(Invalid, match=said):
        store_picture("north", content)
    assert not list(Path(state_of(app).settings.data_dir / "media").rglob("*"))


def damaged_copies(count: int) -> Iterator[bytes]:
    """Pictures with bytes that were changed, of which Pillow's readers trip over some in their own ways."""
    chance = Random(7)
    whole = [drawn(40, 40, kind=kind) for kind in ("JPEG", "PNG", "WEBP")]
    for _ in range(count):
        copy = bytearray(chance.choice(whole))
        for _ in range(chance.choice((1, 2, 5))):
            copy[chance.randrange(chance.choice((len(copy), 60)))] = chance.randrange(256)
        yield bytes(copy)


def test_a_damaged_picture_is_refused_or_stored_whatever_is_damaged(app: Flask) -> None:
    empty = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IEND", b""))
    )
    with app.test_request_context("/"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Invalid):
            pictures.encode(empty)
        for content in damaged_copies(300):
            with suppress(Invalid):
                pictures.encode(content)


def test_one_picture_is_stored_by_several_at_once(app: Flask) -> None:
    content = drawn(40, 40)

    def store() -> str:
        with app.app_context():
            return store_picture("north", content)

    assert len(set(at_once([store] * 8))) == 1
    folder = state_of(app).settings.data_dir / "media" / "north"
    assert len(list(folder.iterdir())) == 3


def test_a_picture_is_served_to_its_shop_only_and_kept_for_ever(app: Flask, shopper: Person, stranger: Person) -> None:
    name, _ = stored(app, drawn())
    digest = name.removeprefix("up-").removesuffix(".webp")
    answer = shopper.get(f"/media/{digest}-640.webp")
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert set(answer.headers["Cache-Control"].split(", ")) == {"public", "max-age=31536000", "immutable"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        shopper.get(f"/media/{digest}-640.webp", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    )
    assert stranger.get(f"/media/{digest}-640.webp").status_code == 404
    for other in (f"{digest}-641.webp", "../storefront.db", f"..%2fsouth%2f{digest}-640.webp", digest):
        assert shopper.get(f"/media/{other}").status_code == 404, other
