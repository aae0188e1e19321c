"""What protects shoppers: the session's cookie, forms that only the shop's own pages may send, headers, limits."""

import hmac
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache, wraps
from hashlib import sha256
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from itsdangerous import URLSafeTimedSerializer

from storefront.config import Settings
from storefront.errors import Refusal, Unauthorized
from storefront.htmx import vary_by
from storefront.languages.words import N_, _
from storefront.tenants.middleware import TENANT_KEY

LARGEST_BODY = 256 * 1024
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

limiter = Limiter(get_remote_address, headers_enabled=True, strategy="moving-window")
CARTS_LIMIT = "300 per minute"
CHECKOUT_LIMIT = "120 per minute"
UPSELL_LIMIT = "240 per minute"


class CrossSite(Refusal):
    status = 403
    type = "cross-site"
    title = N_("Refused")

    def __init__(self) -> None:
        super().__init__(_("This form was sent from another site. Please use the shop's own page."))


class ShopSession(SecureCookieSessionInterface):
    """A signed cookie that belongs to one shop: by its path, and by its signature, which another shop refuses."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Programs send no cookie, and then there is nothing to verify."""
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()

    def get_cookie_path(self, app: Flask) -> str:
        return request.script_root + "/"

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Most visits only look into it."""
        if session.modified:
            super().save_session(app, session, response)
        elif session.accessed and "Cookie" not in response.headers.get("Vary", ""):
            vary_by(response, "Cookie")

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return signer(app.secret_key, request.environ.get(TENANT_KEY))


@lru_cache(maxsize=4096)
def signer(secret_key: str, tenant_id: str | None) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret_key,
        salt=f"storefront-session:{tenant_id}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
    )


def init_app(app: Flask, settings: Settings) -> None:
    app.secret_key = settings.secret_key
    app.session_interface = ShopSession()
    app.config.update(
        SESSION_COOKIE_NAME="shop",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=60 * 60 * 24 * 60,
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        MAX_FORM_PARTS=50,
        RATELIMIT_ENABLED=settings.ratelimit_enabled,
        RATELIMIT_STORAGE_URI=settings.ratelimit_storage_uri,
    )
    limiter.init_app(app)
    app.before_request(refuse_cross_site)
    app.after_request(set_headers)


def refuse_cross_site() -> None:
    """Refuse what a page of another origin makes a browser send, after Sec-Fetch-Site or else Origin.

    A request with neither header comes from no current browser, so no shopper's cookie is being abused
    (https://words.filippo.io/csrf/). Another shop's subdomain is same-site, yet another origin: refused too.
    """
    if request.method in SAFE_METHODS:
        return
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        if fetch_site not in ("same-origin", "none"):
            raise CrossSite
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise CrossSite


P = ParamSpec("P")
R = TypeVar("R")


def staff_only(door: Callable[P, R]) -> Callable[P, R]:
    """Open this door only to who sends the operator's STAFF_TOKEN; without that setting it stays shut."""

    @wraps(door)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        settings: Settings = current_app.extensions["storefront_settings"]
        if not sent_token(settings.staff_token):
            raise Unauthorized
        return door(*args, **kwargs)

    return guarded


def sent_token(token: str | None) -> bool:
    """Whether the request carries this bearer token; nobody can send one that isn't set."""
    given = request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


ALWAYS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]


def set_headers(response: Response) -> Response:
    headers = response.headers
    headers.extend(ALWAYS)
    headers["Content-Security-Policy"] = policy(g.get("inline_style", ""))
    headers.setdefault("Cache-Control", "no-cache, private")  # a cart or a price may have changed: ask each time
    return response


@lru_cache(maxsize=4096)
def policy(inline_style: str) -> str:
    """The Content-Security-Policy of a page whose one inline style is this text (the shop's own look)."""
    digest = b64encode(sha256(inline_style.encode()).digest()).decode()
    style = f"'self' 'sha256-{digest}'" if inline_style else "'self'"
    return (
        f"default-src 'self'; style-src {style}; img-src 'self' https:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
