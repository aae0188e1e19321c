"""Identifies the client of a request: the key of rate limits and of counts per client."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from flask import request

UNKNOWN = "unknown"
"""All clients without a readable address, as over a Unix socket, count as one."""
IPV6_PREFIX_BITS = 64
"""Providers assign at least a /64 to each customer, so one client can use any address in it."""


def client_key() -> str:
    """Return the key of the current request's client."""
    return client_key_of(request.remote_addr or "")


@lru_cache(maxsize=4096)
def client_key_of(address: str) -> str:
    """Return an IPv4 address unchanged, the first address of an IPv6 address's /64, or `UNKNOWN`.

    Some proxies add a port in X-Forwarded-For; it is removed, because it differs for each connection."""
    found = parse(address) or parse(without_port(address))
    if found is None:
        return UNKNOWN
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> IPV6_PREFIX_BITS << IPV6_PREFIX_BITS))


def parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


def without_port(address: str) -> str:
    """Return the address part of "192.0.2.1:5000", "[2001:db8::1]:5000" or "[2001:db8::1]"."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0]
