"""`python -m bench.model`: the cost of a bad language model. Measures p99 of list and checkout at 50 checkouts a second
while the model hangs, responds slowly or fails, compared with the same shop without suggestions in the same run. A
second shop without suggestions shows how much equal shops differ.

An arrival is a shopper with a browser: list, add to cart, panel of suggestions, order. Arrivals come at fixed times
whether or not the shop keeps up (an open loop), so queueing is visible.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from urllib.parse import urlencode

from bench.__main__ import PRODUCTS, say, write_catalog
from bench.load import Connection
from bench.servers import serve
from tests.upsell import model_server

RATE = 50
STARTS, ROUNDS, SECONDS = 8, 3, 4.0
"""Number of server starts, because equal servers differ by several per cent from start to start; number of rounds per
start, and seconds per round."""
SHOPPERS_AT_ONCE = 200
THINKS, HESITATES, ARRIVALS, VISITS = 2.0, 5.0, 5, 100
"""Response time (s) of a good but slow model; seconds from cart to checkout; carts per second; total carts."""
SHOP = "/t/bench"
FORK = get_context("fork")
Times = dict[str, list[float]]
Costs = dict[str, float]


def shopper(port: int, due: float, chance: random.Random, times: Times) -> None:
    """Run one visit. Return the durations of its list and its checkout, from their scheduled times."""
    connection = Connection(port)
    product = f"p{chance.randrange(PRODUCTS)}"
    timed(times, "list", lambda: connection.ask("GET", f"{SHOP}/"), due)
    cookie = connection.form(f"{SHOP}/cart/items", urlencode({"product_id": product, "quantity": 1}), "")
    connection.ask("GET", f"{SHOP}/checkout/upsell", headers=f"Cookie: {cookie}\r\n")
    order = urlencode({"email": "buyer@example.com", "name": "Buyer"})
    timed(times, "checkout", lambda: connection.form(f"{SHOP}/checkout", order, cookie), time.monotonic())
    connection.close()


def timed(times: Times, name: str, act: Callable[[], object], since: float) -> None:
    act()
    times[name].append(time.monotonic() - since)


def open_loop(port: int, seconds: float) -> Times:
    """Return the durations of each step of all visits, at `RATE` arrivals per second."""
    times: Times = {"list": [], "checkout": []}
    chance = random.Random()
    start = time.monotonic()
    with ThreadPoolExecutor(SHOPPERS_AT_ONCE) as pool:
        visits = []
        for i in range(round(RATE * seconds)):
            due = start + i / RATE
            time.sleep(max(0, due - time.monotonic()))
            visits.append(pool.submit(shopper, port, due, chance, times))
        for visit in visits:
            visit.result()
    return times


def p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def visit(port: int, due: float, product: str) -> tuple[bool, float]:
    """Return whether the model's answer is ready `HESITATES` seconds after the cart, and how long the panel took."""
    time.sleep(max(0, due - time.monotonic()))
    connection = Connection(port)
    cookie = connection.form(f"{SHOP}/cart/items", urlencode({"product_id": product, "quantity": 1}), "")
    time.sleep(HESITATES)
    start = time.monotonic()
    _, body = connection.ask("GET", f"{SHOP}/checkout/upsell", headers=f"Cookie: {cookie}\r\n")
    took = time.monotonic() - start
    connection.close()
    return b"It goes with this cart" in body, took


def ready(port: int) -> None:
    """Print how many panels show the model's answer at once, with a slow model."""
    start = time.monotonic()
    with ThreadPoolExecutor(SHOPPERS_AT_ONCE) as pool:
        visits = [pool.submit(visit, port, start + i / ARRIVALS, f"p{i}") for i in range(VISITS)]
    found = [one.result() for one in visits]
    share = sum(in_time for in_time, _ in found) / len(found)
    slow = p99([took for _, took in found])
    print(f"\na model that takes {THINKS:g} s, {ARRIVALS} carts a second, {HESITATES:g} s from cart to checkout:")
    say(f"panels in the model's words at once {share:8.0%}", f"p99 of a panel {slow * 1000:.0f} ms")


def serve_model(behave: model_server.Behaviour, told: Pipe) -> None:
    with model_server.start_model_server() as server:
        server.behave = behave
        told.send(server.address)
        told.recv()


@contextmanager
def model_that(behave: model_server.Behaviour) -> Iterator[str]:
    """Start a model server with this behaviour, as a separate process so that it doesn't affect the measurement. Return
    its URL."""
    here, there = FORK.Pipe()
    process = FORK.Process(target=serve_model, args=(behave, there), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


BEHAVIOURS = {
    "model hangs": model_server.hangs,
    "model drips": model_server.drips_body,
    "model fails": model_server.fails(500),
}


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_catalog(folder / "catalog.json")
        catalog = {"CATALOG": str(folder / "catalog.json")}
        shops = {name: catalog | {"UPSELL_ENABLED": "false"} for name in ("off", "off again")}
        for name, behave in BEHAVIOURS.items():
            shops[name] = catalog | {"OPENAI_BASE_URL": stack.enter_context(model_that(behave))}
        print_costs([costs(folder, shops) for _ in range(STARTS)])
        address = stack.enter_context(model_that(model_server.slow(THINKS)))
        with serve(folder / "slow", **catalog, OPENAI_BASE_URL=address) as shop:
            ready(shop.port)


def costs(folder: Path, shops: dict[str, dict[str, str]]) -> dict[str, Costs]:
    """Return the costs of visits to shops with these settings: p99 of the steps and CPU time per visit, in seconds."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serve(folder / name, **settings)) for name, settings in shops.items()}
        times: dict[str, Times] = {name: {"list": [], "checkout": []} for name in shops}
        spent = dict.fromkeys(shops, 0.0)
        for server in servers.values():
            open_loop(server.port, 2)
        for _ in range(ROUNDS):
            for name in random.sample(list(shops), len(shops)):  # random order against systematic effects
                before = servers[name].cpu()
                for step, took in open_loop(servers[name].port, SECONDS).items():
                    times[name][step] += took
                spent[name] += servers[name].cpu() - before
    visits = ROUNDS * RATE * SECONDS
    return {
        name: {step: p99(times[name][step]) for step in times[name]} | {"CPU": spent[name] / visits} for name in shops
    }


def print_costs(starts: list[dict[str, Costs]]) -> None:
    print(
        f"{RATE} checkouts a second, beside suggestions switched off: p99 and the processor's time for a visit, in ms"
    )
    print(f"(medians of {STARTS} starts of the servers; between which ratios the middle half of the starts lies)\n")
    for name in starts[0]:
        for what in starts[0][name]:
            ratios = [start[name][what] / start["off"][what] for start in starts]
            low, beside, high = statistics.quantiles(ratios, n=4)
            middle = statistics.median(start[name][what] for start in starts)
            say(f"{name:14} {what:10} {middle * 1000:8.1f}", f"{beside:6.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
