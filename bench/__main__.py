"""`make bench`: throughput of the shop, compared with an empty Flask view on the same server in the same run.

Absolute numbers depend on the machine and its load; the ratios are stable.
"""

import json
import random
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from bench.load import Connection, closed_loop
from bench.servers import Server, serve

CLIENTS = 16
ROUNDS = 5
SECONDS = 3.0
PRODUCTS = 1000
API = "/t/bench/api/v1"
WORDS = [
    "oak",
    "ash",
    "elm",
    "fir",
    "bay",
    "fig",
    "pear",
    "plum",
    "sage",
    "mint",
    "clay",
    "iron",
    "silk",
    "wool",
    "jute",
    "cork",
]


def write_catalog(path: Path) -> None:
    chance = random.Random(1)
    products = [
        {
            "id": f"p{i}",
            "name": f"{chance.choice(WORDS)} {chance.choice(WORDS)} {i}".capitalize(),
            "description": " ".join(chance.choices(WORDS, k=30)).capitalize() + ".",
            "category": f"Category {i % 12}",
            "price": f"{chance.randrange(100, 9999) / 100:.2f}",
            "stock": 1_000_000,
            "tags": chance.sample(WORDS, 3),
        }
        for i in range(PRODUCTS)
    ]
    products.append({"id": "last-ten", "name": "The last ten", "price": "10.00", "stock": 10})
    tenant = {"id": "bench", "name": "Bench", "currency": "EUR", "locale": "en", "products": products}
    path.write_text(json.dumps({"tenants": [tenant]}))


def empty_view(connection: Connection, _: random.Random) -> Iterator[int]:
    yield connection.ask("GET", "/")[0]


def list_page(connection: Connection, _: random.Random) -> Iterator[int]:
    yield connection.ask("GET", "/t/bench/")[0]


def list_api(connection: Connection, _: random.Random) -> Iterator[int]:
    yield connection.ask("GET", f"{API}/products")[0]


def path(connection: Connection, chance: random.Random) -> Iterator[int]:
    """Run one buyer's path: list, product, add, cart, checkout to a placed order."""
    product = f"p{chance.randrange(PRODUCTS)}"
    yield connection.ask("GET", f"{API}/products")[0]
    yield connection.ask("GET", f"{API}/products/{product}")[0]
    items = {"items": [{"product_id": product, "quantity": 1}]}
    status, body = connection.ask("POST", f"{API}/carts", items)
    yield status
    cart = f"{API}/carts/{json.loads(body)['id']}"
    yield connection.ask("GET", cart)[0]
    yield connection.ask("POST", f"{cart}/checkout", {"email": "buyer@example.com", "name": "Buyer"})[0]


def last_ten_units(port: int) -> tuple[int, int]:
    """Let fifty buyers order ten units at once. Return the number of orders, and of responses that are neither an order
    nor "out of stock"."""
    connections = [Connection(port) for _ in range(50)]
    items = {"items": [{"product_id": "last-ten", "quantity": 1}]}
    carts = [json.loads(one.ask("POST", f"{API}/carts", items)[1])["id"] for one in connections]
    statuses: list[int] = []
    barrier = threading.Barrier(50)

    def buy(connection: Connection, cart: str) -> None:
        barrier.wait()
        body = {"email": "buyer@example.com", "name": "Buyer"}
        statuses.append(connection.ask("POST", f"{API}/carts/{cart}/checkout", body)[0])

    threads = [threading.Thread(target=buy, args=pair) for pair in zip(connections, carts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses.count(201), len(statuses) - statuses.count(201) - statuses.count(409)


def measure(shop: Server, empty: Server) -> None:
    rates: dict[str, list[float]] = {"empty view": [], "list page": [], "list of the API": []}
    cpu_empty: list[float] = []
    for step, port in ((empty_view, empty.port), (list_page, shop.port), (list_api, shop.port)):
        closed_loop(step, port, CLIENTS, 1.0)
    for _ in range(ROUNDS):
        before = empty.cpu()
        one = closed_loop(empty_view, empty.port, CLIENTS, SECONDS)
        rates["empty view"].append(one.rate)
        cpu_empty.append((empty.cpu() - before) / one.done * 1000)
        for name, step in (("list page", list_page), ("list of the API", list_api)):
            measured = closed_loop(step, shop.port, CLIENTS, SECONDS)
            wrong = {status for status in measured.statuses if status != 200}
            if wrong:
                sys.exit(f"{name}: answers with {wrong}")
            rates[name].append(measured.rate)
    base = statistics.median(rates["empty view"])
    cpu_base = statistics.median(cpu_empty)
    say("requests/s (median)", "of the empty view")
    for name, found in rates.items():
        say(f"{name:22} {statistics.median(found):10,.0f}", f"{statistics.median(found) / base:8.2f}")

    rates_of_paths, cpu_of_paths, slow = [], [], []
    closed_loop(path, shop.port, CLIENTS, 1.0)
    for _ in range(ROUNDS):
        before = shop.cpu()
        measured = closed_loop(path, shop.port, CLIENTS, SECONDS)
        wrong = {status for status in measured.statuses if status not in (200, 201)}
        if wrong:
            sys.exit(f"paths: answers with {wrong}")
        rates_of_paths.append(measured.rate)
        cpu_of_paths.append((shop.cpu() - before) / measured.done * 1000)
        slow.append(measured.percentile(0.99))
    rate, cpu = statistics.median(rates_of_paths), statistics.median(cpu_of_paths)
    print()
    say("paths: list, product, add, cart, checkout", "")
    say(f"{'paths/s':22} {rate:10,.1f}", f"{rate / base:8.4f} of the empty view")
    say(f"{'CPU ms a path':22} {cpu:10,.2f}", f"{cpu / cpu_base:8.1f} empty views")
    say(f"{'p99 of a path, ms':22} {statistics.median(slow) * 1000:10,.0f}", "")
    say(f"{'memory, MB (PSS)':22} {shop.memory():10,.0f}", f"{shop.memory() / empty.memory():8.2f} of the empty app")
    orders, neither = last_ten_units(shop.port)
    print(f"\nfifty buyers of the last ten units: {orders} orders, {neither} other responses")


def say(left: str, right: str) -> None:
    print(f"{left:44} {right}", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_catalog(folder / "catalog.json")
        environment = {"CATALOG": str(folder / "catalog.json")}
        if len(sys.argv) > 1:
            environment |= {"DATABASE_URL": sys.argv[1], "SECRET_KEY": "only for measuring, and as long as it must be"}
        with (
            serve(folder / "empty", "--config", "bench/gunicorn_empty.py") as empty,
            serve(folder / "shop", **environment) as shop,
        ):
            print(f"database: {sys.argv[1].split(':')[0] if len(sys.argv) > 1 else 'SQLite'}, {CLIENTS} clients\n")
            measure(shop, empty)


if __name__ == "__main__":
    main()
