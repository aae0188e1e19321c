"""Static files: under a name that holds their content's hash, so that browsers may keep them for ever."""

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
    """Where each static file is to be had. Files are read once, at the start."""

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
        """A stylesheet of the uppermost folder that names other files, such as fonts, by their hashes, too."""
        return _IN_STYLES.sub(lambda found: self.hashed.get(found[0], found[0]), style.decode()).encode()

    def url(self, name: str) -> str:
        """The address of a static file inside the form (subdomain or prefix) of the running request."""
        return f"{request.script_root}/static/{self.hashed[name]}"

    def image_url(self, image: str) -> str:
        """The address of a product's picture; empty when there is none, and the page draws something instead."""
        name = PRODUCTS + image
        return self.url(name) if name in self.hashed else ""

    def stable_image_url(self, image: str) -> str:
        """An address that stays the same when the picture's content changes; never empty."""
        name = PRODUCTS + image
        return f"{request.script_root}/static/{name if name in self.files else PLACEHOLDER}"


def hashed_name(name: str, content: bytes) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.{sha256(content).hexdigest()[:12]}{dot}{ending}"


class InMemoryFile:
    """A file that is kept in memory as it is sent: packed for whoever can unpack it. Nothing is written anywhere, as
    the disk may be read-only."""

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
    """WhiteNoise, with texts from memory."""

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
    """The static files, and the answer to each address; read once, however many apps a process has."""
    assets = StaticFiles()
    return assets, StaticFileIndex(assets).files


def init_app(app: Flask) -> None:
    """Serve the files in front of Flask, which never sees them, and let templates name them."""
    assets, answers = load()
    server = WhiteNoise(app.wsgi_app)
    server.files = answers
    app.wsgi_app = server  # type: ignore[method-assign]
    app.jinja_env.globals.update(static_url=assets.url, image_url=assets.image_url)


def nosniff(headers: Headers, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
