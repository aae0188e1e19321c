"""Uploaded pictures: where they are stored, their names and their URLs."""

from pathlib import Path

from flask import request

from storefront.state import current_state

WIDTHS = (320, 640, 1280)
"""Of the stored files, in pixels; the height is at most as much."""
SHOWN_WIDTH = 640
"""Of the picture in a page for browsers that don't choose one."""
PREFIX = "up-"
"""Begins the name of an uploaded picture; others are files in `static/products`."""
CUT_OUT = "-cut"
"""Ends the digest of a picture with transparent parts."""


def picture_name(digest: str) -> str:
    """Return what a product's row calls the picture."""
    return f"{PREFIX}{digest}.webp"


def is_photo(image: str) -> bool:
    """Whether a picture was uploaded and has no transparent parts, so that it may fill its frame."""
    return is_uploaded(image) and not image.endswith(f"{CUT_OUT}.webp")


def file_name(digest: str, width: int) -> str:
    return f"{digest}-{width}.webp"


def folder_of(tenant_id: str) -> Path:
    return current_state().settings.data_dir / "media" / tenant_id


def is_uploaded(image: str) -> bool:
    return image.startswith(PREFIX)


def media_path(image: str, width: int = SHOWN_WIDTH) -> str:
    """Return the path of an uploaded picture below the shop's root."""
    return "/media/" + file_name(image.removeprefix(PREFIX).removesuffix(".webp"), width)


def image_widths(image: str) -> str:
    """Return the `srcset` of an uploaded picture; empty for any other."""
    if not is_uploaded(image):
        return ""
    return ", ".join(f"{request.script_root}{media_path(image, width)} {width}w" for width in WIDTHS)
