"""Static files: under a name that holds their content's hash, so that browsers may keep them for ever."""

import re
from hashlib import sha256
from pathlib import Path

from flask import Flask, request
from whitenoise import WhiteNoise

from storefront.config import ROOT

STATIC = ROOT / "static"
PRODUCTS = "products/"
PLACEHOLDER = "placeholder.svg"
DAY = 24 * 60 * 60
_HASHED = re.compile(r"\.[0-9a-f]{12}\.[a-z0-9]+$")


class Assets:
    """Where each static file is to be had. Files are read once, at the start."""

    def __init__(self, folder: Path = STATIC) -> None:
        self.files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        self.hashed = {name: hashed_name(name, path) for name, path in self.files.items()}

    def address(self, name: str) -> str:
        """The address of a static file inside the form (subdomain or prefix) of the running request."""
        return f"{request.script_root}/static/{self.hashed[name]}"

    def picture(self, image: str) -> str:
        """The address of a product's picture; empty when there is none, and the page draws something instead."""
        if image.startswith("https://"):
            return image
        name = PRODUCTS + image
        return self.address(name) if name in self.hashed else ""

    def picture_for_programs(self, image: str) -> str:
        """An address that stays the same when the picture's content changes; never empty."""
        if image.startswith("https://"):
            return image
        name = PRODUCTS + image
        return f"{request.script_root}/static/{name if name in self.files else PLACEHOLDER}"


def hashed_name(name: str, path: Path) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.{sha256(path.read_bytes()).hexdigest()[:12]}{dot}{ending}"


def init_app(app: Flask) -> Assets:
    """Serve the files in front of Flask, which never sees them, and let templates name them."""
    assets = Assets()
    server = WhiteNoise(
        app.wsgi_app,
        max_age=DAY,
        allow_all_origins=False,
        immutable_file_test=lambda _path, url: bool(_HASHED.search(url)),
    )
    server.add_headers_function = nosniff
    for name, path in assets.files.items():
        for alias in (name, assets.hashed[name]):
            server.add_file_to_dictionary(f"/static/{alias}", str(path))
    app.wsgi_app = server  # type: ignore[method-assign]
    app.jinja_env.globals.update(asset=assets.address, picture=assets.picture)
    app.extensions["storefront_assets"] = assets
    return assets


def nosniff(headers: object, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"  # type: ignore[index]
