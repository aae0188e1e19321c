"""How the model's server is called: what that costs the process beside those who order."""

import asyncio
import subprocess
import sys

import httpcore2
import pytest

from storefront.config import ROOT, Settings
from storefront.upsell.llm import http_transport
from storefront.upsell.llm.client import LlmClient
from storefront.upsell.llm.http_transport import FEW_PARTS, PAUSE, AtEase
from tests.upsell.model_server import Behaviour, drips_body, drips_headers, start_model_server, suggest

QUESTION = [{"role": "user", "content": "What goes with it?"}]
FIRST_CALL = """
import sys
from storefront.config import Settings
from storefront.upsell.llm.client import LlmClient, warm_up

warm_up()
ready = set(sys.modules)
model = LlmClient(Settings.from_environ())
answer = model.complete([{"role": "user", "content": "What goes with it?"}], {"type": "json_object"}).result(20)
model.close()
print(answer.outcome, sorted(name for name in set(sys.modules) - ready if not name.startswith("encodings.")))
"""


def test_once_it_is_ready_the_first_call_imports_nothing() -> None:
    """An import keeps everybody in the process waiting."""
    with start_model_server() as server:
        server.behave = suggest([])
        environment = {"OPENAI_BASE_URL": server.address, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", FIRST_CALL]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.strip() == "ok []"


class Dripping(httpcore2.AsyncNetworkStream):
    """A connection that has these parts to read."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = [*parts]

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.parts.pop(0)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass


def read(monkeypatch: pytest.MonkeyPatch, *parts: bytes, again: tuple[bytes, ...] = ()) -> list[float]:
    """The pauses (seconds) that are made to read these parts, and after a second question these."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def exchange() -> None:
        stream = AtEase(Dripping(*parts, *again))
        for answer in (parts, again):
            await stream.write(b"?")
            assert [await stream.read(1000) for _ in answer] == [*answer]

    monkeypatch.setattr(http_transport.asyncio, "sleep", sleep)  # type: ignore[attr-defined]
    asyncio.run(exchange())
    return pauses


def test_an_answer_that_drips_is_looked_at_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = read(monkeypatch, *[b" "] * 30, again=(b"{", b"}"))
    assert len(pauses) == 30 - FEW_PARTS - 1
    assert set(pauses) == {PAUSE}


@pytest.mark.parametrize(
    "parts", [[b"{}"], [b"x" * 1200] * 20, [b"{", b"}"], [b"x" * 1400, b"w", b"y", b"z", b"a", b"b"]]
)
def test_a_good_answer_is_read_at_once(monkeypatch: pytest.MonkeyPatch, parts: list[bytes]) -> None:
    assert read(monkeypatch, *parts) == []


@pytest.mark.parametrize("drips", [drips_headers, drips_body])
def test_all_that_drips_is_looked_at_seldom(monkeypatch: pytest.MonkeyPatch, drips: Behaviour) -> None:
    """What httpx is given to read with is what is used, for headers too."""
    looks: list[int] = []
    look = AtEase.read

    async def counted(stream: AtEase, max_bytes: int, timeout: float | None = None) -> bytes:
        looks.append(1)
        return await look(stream, max_bytes, timeout)

    monkeypatch.setattr(AtEase, "read", counted)
    monkeypatch.setattr(http_transport, "PAUSE", 60.0)
    with start_model_server() as server:
        server.behave = drips
        model = LlmClient(Settings.from_environ({"OPENAI_BASE_URL": server.address, "UPSELL_TIMEOUT": "1"}))
        assert model.complete(QUESTION, {"type": "json_object"}).result(20).outcome == "timeout"
        model.close()
    assert FEW_PARTS < len(looks) <= FEW_PARTS + 3
