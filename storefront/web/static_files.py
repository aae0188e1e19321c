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
from whitenoise.responders import NOT_ALLOWED_RESPONSE, Response, StaticFile

from storefront.config import ROOT
from storefront.web.compression import accepts_gzip, gzip_cached

STATIC_FOLDER = ROOT / "static"
PRODUCTS = "products/"
PLACEHOLDER = "placeholder.svg"
TEXT_SUFFIXES = (".css", ".js", ".svg")
MAX_COMPRESSION_LEVEL = 9
DAY_SECONDS = 24 * 60 * 60
_HASHED = re.compile(r"\.[0-9a-f]{12}\.[a-z0-9]+$")
_IN_STYLES = re.compile(r"(?<=url\()[a-z][\w./-]+(?=\))")


class StaticFiles:
    """The URLs of static files. Files are read once, at the start."""

    def __init__(self, folder: Path = STATIC_FOLDER) -> None:
        self.files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        contents = {name: path.read_bytes() for name, path in self.files.items()}
        self.hashed = {name: hashed_name(name, content) for name, content in contents.items()}
        self.text_contents = {name: content for name, content in contents.items() if name.endswith(TEXT_SUFFIXES)}
        for name, content in self.text_contents.items():
            if name.endswith(".css"):
                self.text_contents[name] = self.with_hashed_names(content)
                self.hashed[name] = hashed_name(name, self.text_contents[name])

    def with_hashed_names(self, style: bytes) -> bytes:
        """Replace the names of other files, such as fonts, in a stylesheet by their hashed names."""
        return _IN_STYLES.sub(lambda found: self.hashed.get(found[0], found[0]), style.decode()).encode()

    def url(self, name: str) -> str:
        """Return the URL of a static file, in the form (subdomain or prefix) of the current request."""
        return f"{request.script_root}/static/{self.hashed[name]}"

    def image_url(self, image: str) -> str:
        """Return the URL of a product's image; empty if there is none, and the page shows a letter instead."""
        name = PRODUCTS + image
        return self.url(name) if name in self.hashed else ""

    def stable_image_url(self, image: str) -> str:
        """Return a URL that doesn't change with the image's content; the placeholder's if there is no image."""
        name = PRODUCTS + image
        return f"{request.script_root}/static/{name if name in self.files else PLACEHOLDER}"


def hashed_name(name: str, content: bytes) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.{sha256(content).hexdigest()[:12]}{dot}{ending}"


class InMemoryFile:
    """A file held in memory, plain and compressed. Nothing is written, because the disk may be read-only."""

    def __init__(self, content: bytes, headers: Headers) -> None:
        self.etag = headers["ETag"] = f'"{sha256(content).hexdigest()[:24]}"'
        headers["Vary"] = "Accept-Encoding"
        self.unchanged = StaticFile.get_not_modified_response(headers)
        small = gzip_cached(content, MAX_COMPRESSION_LEVEL)
        self.plain = content, [*headers.items(), ("Content-Length", str(len(content)))]
        self.small = small, [*headers.items(), ("Content-Encoding", "gzip"), ("Content-Length", str(len(small)))]

    def get_response(self, method: str, environ: Mapping[str, str]) -> Response:
        if method not in ("GET", "HEAD"):
            return NOT_ALLOWED_RESPONSE
        if environ.get("HTTP_IF_NONE_MATCH") == self.etag:
            return self.unchanged
        body, headers = self.small if accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")) else self.plain
        return Response(HTTPStatus.OK, headers, BytesIO(body) if method == "GET" else None)


class StaticFileIndex(WhiteNoise):  # type: ignore[misc]
    """WhiteNoise, with text files served from memory."""

    def __init__(self, assets: StaticFiles) -> None:
        self.texts = {str(assets.files[name]): content for name, content in assets.text_contents.items()}
        super().__init__(
            None,
            max_age=DAY_SECONDS,
            allow_all_origins=False,
            immutable_file_test=lambda _path, url: bool(_HASHED.search(url)),
            add_headers_function=nosniff,
        )
        for name, path in assets.files.items():
            for alias in (name, assets.hashed[name]):
                self.add_file_to_dictionary(f"/static/{alias}", str(path))

    def get_static_file(self, path: str, url: str, stat_cache: object = None) -> InMemoryFile | StaticFile:
        if path not in self.texts:
            return super().get_static_file(path, url, stat_cache)
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        nosniff(headers, path, url)
        return InMemoryFile(self.texts[path], headers)


@cache
def load() -> tuple[StaticFiles, dict[str, InMemoryFile | StaticFile]]:
    """Return the static files and the response for each URL; read once per process."""
    assets = StaticFiles()
    return assets, StaticFileIndex(assets).files


def init_app(app: Flask) -> None:
    """Serve the files before requests reach Flask, and add the URL functions to the template globals."""
    assets, answers = load()
    server = WhiteNoise(app.wsgi_app)
    server.files = answers
    app.wsgi_app = server  # type: ignore[method-assign]
    app.jinja_env.globals.update(static_url=assets.url, image_url=assets.image_url)


def nosniff(headers: Headers, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
