"""Static files, served under names with a hash of their content, so that browsers can cache them for ever."""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from wsgiref.headers import Headers

from flask import Flask, request
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor
from whitenoise.responders import NOT_ALLOWED_RESPONSE, Response, StaticFile

from storefront.config import ROOT
from storefront.web.asset_bundles import join_scripts, join_styles
from storefront.web.compression import accepts_gzip
from storefront.web.media import image_widths, is_photo, is_uploaded, media_path

STATIC_FOLDER = ROOT / "static"
SCRIPT = "js/shop.js"
STYLE = "css/style.css"
ADMIN_SCRIPT = "js/admin.js"
ADMIN_STYLE = "css/admin.css"
DOCUMENT_SCRIPT = "js/document.js"
DOCUMENT_STYLE = "css/document.css"
SCRIPTS = (SCRIPT, ADMIN_SCRIPT, DOCUMENT_SCRIPT)
STYLES = (STYLE, ADMIN_STYLE, DOCUMENT_STYLE)
BUNDLES = (*SCRIPTS, *STYLES)
SOURCES = ("js/", "css/")
"""Folders of which only the bundles are served."""
PRODUCTS = "products/"
PLACEHOLDER = "placeholder.svg"
TEXT_SUFFIXES = (".css", ".js", ".svg")
DAY_SECONDS = 24 * 60 * 60
_HASHED = r"\.[0-9a-f]{12}\.[a-z0-9]+$"
_IN_STYLES = re.compile(r"(?<=url\(\.\./)[\w./-]+(?=\))")


class StaticFiles:
    """The URLs of static files and the responses at them. Files are read once, at the start. Nothing is written: the
    disk may be read-only."""

    def __init__(self, folder: Path = STATIC_FOLDER) -> None:
        self.folder = folder
        self.hashed: dict[str, str] = {}
        """The hashed name of each file, by its name."""
        self.answers: dict[str, InMemoryFile | StaticFile] = {}
        """WhiteNoise's response at each path."""
        self.read()

    def read(self) -> None:
        """Read all files. Raises `AssetError` for a script or stylesheet that is broken."""
        paths: dict[str, Path] = {}
        texts: dict[str, bytes] = {}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and not name.startswith(SOURCES):
                content = path.read_bytes()
                self.hashed[name] = hashed_name(name, content)
                if name.endswith(TEXT_SUFFIXES):
                    texts[name] = content
                else:
                    paths[name] = path
        for script in SCRIPTS:
            texts[script] = join_scripts(self.folder / script).encode()
        for style in STYLES:
            texts[style] = self.with_hashed_names(join_styles(self.folder / style)).encode()
        self.hashed.update({name: hashed_name(name, texts[name]) for name in BUNDLES})
        self.answers.update(self.answers_of(paths, texts))

    def answers_of(self, paths: dict[str, Path], texts: dict[str, bytes]) -> dict[str, "InMemoryFile | StaticFile"]:
        """The responses at the two paths of each file: the hashed name and the plain one."""
        server = WhiteNoise(
            None,
            max_age=DAY_SECONDS,
            allow_all_origins=False,
            immutable_file_test=_HASHED,
            add_headers_function=nosniff,
        )
        for name in (*paths, *texts):
            for url in (f"/static/{name}", f"/static/{self.hashed[name]}"):
                if name in texts:
                    server.files[url] = InMemoryFile(texts[name], headers_of(server, name, url))
                else:
                    server.add_file_to_dictionary(url, str(paths[name]))
        answers: dict[str, InMemoryFile | StaticFile] = server.files
        return answers

    def with_hashed_names(self, style: str) -> str:
        """Replace the names of other files, such as fonts, in a stylesheet by their hashed names."""
        return _IN_STYLES.sub(lambda found: self.hashed.get(found[0], found[0]), style)

    def url(self, name: str) -> str:
        """Return the URL of a static file, in the form (subdomain or prefix) of the current request."""
        return f"{request.script_root}/static/{self.hashed[name]}"

    def image_url(self, image: str) -> str:
        """Return the URL of a product's image; empty if there is none, and the page shows a letter instead."""
        if is_uploaded(image):
            return request.script_root + media_path(image)
        name = PRODUCTS + image
        return self.url(name) if name in self.hashed else ""

    def stable_image_url(self, image: str) -> str:
        """Return a URL that doesn't change with the image's content, unless it was uploaded; the placeholder's if there
        is no image."""
        if is_uploaded(image):
            return request.script_root + media_path(image)
        name = PRODUCTS + image
        return f"{request.script_root}/static/{name if name in self.hashed else PLACEHOLDER}"


def hashed_name(name: str, content: bytes) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.{sha256(content).hexdigest()[:12]}{dot}{ending}"


class InMemoryFile:
    """A text file held in memory, plain and compressed."""

    def __init__(self, content: bytes, headers: Headers) -> None:
        self.etag = headers["ETag"] = f'"{sha256(content).hexdigest()[:24]}"'
        headers["Vary"] = "Accept-Encoding"
        self.unchanged = StaticFile.get_not_modified_response(headers)
        small = Compressor.compress_gzip(content)
        self.plain = content, [*headers.items(), ("Content-Length", str(len(content)))]
        self.small = small, [*headers.items(), ("Content-Encoding", "gzip"), ("Content-Length", str(len(small)))]

    def get_response(self, method: str, environ: Mapping[str, str]) -> Response:
        if method not in ("GET", "HEAD"):
            return NOT_ALLOWED_RESPONSE
        if environ.get("HTTP_IF_NONE_MATCH") == self.etag:
            return self.unchanged
        body, headers = self.small if accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")) else self.plain
        return Response(HTTPStatus.OK, headers, BytesIO(body) if method == "GET" else None)


def headers_of(server: WhiteNoise, name: str, url: str) -> Headers:
    headers = Headers([])
    server.add_mime_headers(headers, name, url)
    server.add_cache_headers(headers, name, url)
    nosniff(headers, name, url)
    return headers


@cache
def load() -> StaticFiles:
    """Read once per process."""
    return StaticFiles()


def init_app(app: Flask) -> None:
    """Serve the files before requests reach Flask, and add the URL functions to the template globals."""
    assets = load()
    server = WhiteNoise(app.wsgi_app)
    server.files = assets.answers
    app.wsgi_app = server  # type: ignore[method-assign]
    app.jinja_env.globals.update(
        static_url=assets.url, image_url=assets.image_url, image_widths=image_widths, is_photo=is_photo
    )


def nosniff(headers: Headers, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
