"""Security: session cookie, protection against cross-site requests (CSRF), security headers, and bearer tokens."""

import hmac
import logging
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache, partial
from hashlib import sha256
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer

from storefront.config import Settings
from storefront.errors import Refusal
from storefront.i18n.gettext import N_, _
from storefront.web import rate_limits
from storefront.web.environ import TENANT_KEY
from storefront.web.htmx import vary_by

MAX_BODY_BYTES = 256 * 1024
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

HSTS = "max-age=31536000"
"""A year, for this host only: other hosts of the domain may not support https, and an entry in browsers' preload lists
lasts for months."""
UNUSED_FEATURES = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation"),
    *("gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"),
    *("screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
"""Disabled by Permissions-Policy, because no page uses them. Payments happen on the provider's own pages."""

log = logging.getLogger("storefront.web.security")


class CrossSite(Refusal):
    status = 403
    type = "cross-site"
    title = N_("Request blocked")

    def __init__(self) -> None:
        super().__init__(_("For your security, this form can only be submitted from the shop's own pages."))


class ShopSession(SecureCookieSessionInterface):
    """A signed session cookie of one shop: its path and the salt of its signature depend on the tenant."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Load the session. A signed cookie that can't be parsed, as one of another version, counts as none: an error
        would not help its owner."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        try:
            return super().open_session(app, request)
        except Exception:
            log.exception("could not read the session cookie")
            return self.session_class()

    def get_cookie_path(self, app: Flask) -> str:
        return request.script_root + "/"

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie only if the session was modified; most requests only read it."""
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
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        MAX_FORM_PARTS=50,
    )
    rate_limits.init_app(app, settings)
    app.before_request(refuse_cross_site)
    always = list(SECURITY_HEADERS)
    if settings.public_url and settings.public_url.startswith("https://"):
        always.append(("Strict-Transport-Security", HSTS))
    app.after_request(partial(set_headers, always))


def refuse_cross_site() -> None:
    """Refuse unsafe requests that come from a page of another origin, by Sec-Fetch-Site or else Origin (CSRF).

    A request with neither header doesn't come from a current browser, so it can't abuse a shopper's cookie
    (https://words.filippo.io/csrf/). Another shop's subdomain is same-site but another origin, so it is refused too.
    Raises `CrossSite`.
    """
    if request.method in SAFE_METHODS:
        return
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        if fetch_site not in ("same-origin", "none"):
            raise CrossSite
        return
    origin = request.headers.get("Origin")
    if origin is not None and host_of(origin) != request.host:
        raise CrossSite


def host_of(origin: str) -> str | None:
    """Return the host and port of an origin; None if it is malformed, such as "http://["."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def has_bearer_token(token: str | None) -> bool:
    """Whether the request has this bearer token; False if `token` is not set."""
    given = request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(given.encode("latin-1", "replace"), f"Bearer {token}".encode())


SECURITY_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES)),
]


def set_headers(always: Sequence[tuple[str, str]], response: Response) -> Response:
    headers = response.headers
    headers.extend(always)
    headers["Content-Security-Policy"] = g.get("own_policy") or content_security_policy(
        g.get("inline_style", ""), g.get("form_origin", "")
    )
    headers.setdefault("Cache-Control", "no-cache, private")  # carts and prices change: revalidate each time
    return response


@lru_cache(maxsize=4096)
def content_security_policy(inline_style: str, form_origin: str = "") -> str:
    """Return the Content-Security-Policy of a page whose only inline style is `inline_style` (the shop's theme), and
    whose forms lead to the shop and to `form_origin`: browsers apply it to the redirect after a form, too."""
    digest = b64encode(sha256(inline_style.encode()).digest()).decode()
    style = f"'self' 'sha256-{digest}'" if inline_style else "'self'"
    form = f"'self' {form_origin}" if form_origin else "'self'"
    return (
        f"default-src 'self'; style-src {style}; img-src 'self'; object-src 'none'; base-uri 'none'; "
        f"form-action {form}; frame-ancestors 'none'"
    )
