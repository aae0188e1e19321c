"""Detects requests that come directly from this machine, not through a proxy on it."""

from collections.abc import Iterable
from ipaddress import ip_address
from wsgiref.types import WSGIEnvironment

PROXY_PREFIXES = ("HTTP_X_FORWARDED", "HTTP_X_ORIGINAL_", "HTTP_X_ENVOY_", "HTTP_X_AMZN_", "HTTP_X_AZURE_", "HTTP_CF_")
PROXY_HEADERS = {
    *("HTTP_FORWARDED", "HTTP_FORWARDED_FOR", "HTTP_VIA", "HTTP_CDN_LOOP", "HTTP_MAX_FORWARDS"),
    *("HTTP_PROXY_CONNECTION", "HTTP_CLIENT_IP", "HTTP_X_CLIENT_IP", "HTTP_X_REAL_IP", "HTTP_X_SCHEME"),
    *("HTTP_X_CLUSTER_CLIENT_IP", "HTTP_TRUE_CLIENT_IP", "HTTP_FASTLY_CLIENT_IP", "HTTP_FLY_CLIENT_IP"),
    *(
        "HTTP_X_APPENGINE_USER_IP",
        "HTTP_X_PROXYUSER_IP",
        "HTTP_X_HOST",
        "HTTP_X_ACCEL_INTERNAL",
        "HTTP_FRONT_END_HTTPS",
    ),
}
"""Headers that proxies add, by their names in the WSGI environ; `PROXY_PREFIXES` has more."""


def is_direct_from_loopback(environ: WSGIEnvironment) -> bool:
    """Whether address, host and protocol are those of a local client and no proxy header is present.

    A proxy on this machine has a loopback address, too. nginx with default settings adds no header, but uses HTTP/1.0
    (up to version 1.29.6) and sends the upstream's name as Host."""
    return (
        is_loopback(environ.get("REMOTE_ADDR", ""))
        and is_loopback_host(environ.get("HTTP_HOST", ""))
        and environ.get("SERVER_PROTOCOL") != "HTTP/1.0"
        and not came_by_proxy(environ)
    )


def came_by_proxy(names: Iterable[str]) -> bool:
    return any(name.startswith(PROXY_PREFIXES) or name in PROXY_HEADERS for name in names)


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Whether a Host header names this machine: localhost, 127.0.0.0/8 or [::1], with any port."""
    if host.startswith("["):
        return is_loopback(host[1:].partition("]")[0])
    name = host.partition(":")[0].lower()
    return name == "localhost" or is_loopback(name)
