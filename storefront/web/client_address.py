"""Which client sent a request: the key of rate limits and of counts per client."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from flask import request

UNKNOWN = "unknown"
"""All clients whose address can't be read, as over a Unix socket, count as one."""
IPV6_PREFIX_BITS = 64
"""A provider gives each customer at least a /64, so one client can send from any address in it."""


def client_key() -> str:
    """The key of the running request's client."""
    return client_key_of(request.remote_addr or "")


@lru_cache(maxsize=4096)
def client_key_of(address: str) -> str:
    """An IPv4 address as it is, the first address of an IPv6 address's /64, or `UNKNOWN`. Some proxies add a port to
    the address in X-Forwarded-For; it is left out, as every connection has another."""
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
    """The address in "192.0.2.1:5000", "[2001:db8::1]:5000" or "[2001:db8::1]"."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0]
