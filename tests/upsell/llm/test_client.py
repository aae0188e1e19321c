"""The client of the model server: its import time and its deadline."""

import subprocess
import sys

import pytest

from storefront.config import ROOT, Settings
from storefront.upsell.llm.client import LlmClient
from tests.upsell.model_server import Behaviour, Exchange, drips_body, drips_headers, start_model_server, suggest

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


def test_the_first_call_imports_nothing_after_warm_up() -> None:
    """An import during a request would block the other threads of the process."""
    with start_model_server() as server:
        server.behave = suggest([])
        environment = {"OPENAI_BASE_URL": server.address, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", FIRST_CALL]
        process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert process.stdout.strip() == "ok []"


@pytest.mark.parametrize("drips", [drips_headers, drips_body])
def test_a_slow_drip_response_ends_at_the_deadline_and_other_calls_succeed(drips: Behaviour) -> None:
    answers = suggest([])

    def drip_when_asked(exchange: Exchange) -> None:
        (drips if exchange.request.prompt == "Drip." else answers)(exchange)

    with start_model_server() as server:
        server.behave = drip_when_asked
        model = LlmClient(Settings.from_environ({"OPENAI_BASE_URL": server.address, "UPSELL_TIMEOUT": "2"}))
        dripping = model.complete([{"role": "user", "content": "Drip."}], {"type": "json_object"})
        assert server.wait_for(lambda: len(server.requests) == 1)
        answered = model.complete([{"role": "user", "content": "Answer."}], {"type": "json_object"})
        assert answered.result(20).outcome == "ok"
        assert dripping.result(20).outcome == "timeout"
        model.close()
