"""Clients of a shop in both URL forms: subdomain and prefix."""

import re
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@dataclass
class ShopClient:
    """A client that sends requests to `host`, with paths below `root`."""

    client: FlaskClient
    host: str
    root: str

    def open(self, path: str, method: str = "GET", **kwargs: Any) -> TestResponse:
        return self.client.open(self.root + path, method=method, base_url=f"http://{self.host}", **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open(path, **kwargs)

    def post(self, path: str, **data: str) -> TestResponse:
        return self.open(path, "POST", data=data)

    def cart_and_order(self) -> tuple[str, str]:
        """Create a cart with a product, and an order of another cart. Returns their ids."""
        api = "/api/v1/carts"
        carts = [
            self.open(api, "POST", json={"items": [{"product_id": "beans", "quantity": 1}]}).json["id"]
            for _ in range(2)
        ]
        buyer = {"email": "ada@example.com", "name": "Ada"}
        return carts[0], self.open(f"{api}/{carts[1]}/checkout", "POST", json=buyer).json["id"]


def subdomain(client: FlaskClient, tenant_id: str = "north") -> ShopClient:
    return ShopClient(client, f"{tenant_id}.localhost", "")


def prefix(client: FlaskClient, tenant_id: str = "north") -> ShopClient:
    return ShopClient(client, "localhost", f"/t/{tenant_id}")


def urls_in(page: str) -> set[str]:
    """Return all URLs in a page that a browser may request."""
    found = re.findall(r'\b(?:href|src|action|hx-(?:get|post|put|patch|delete)|sse-connect|content)="([^"]*)"', page)
    return {url for url in found if url.startswith(("/", "http")) or "://" in url}
