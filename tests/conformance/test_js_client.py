"""The published JavaScript client. js/cases.mjs makes the calls and checks them; each of its cases is one case here."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parent / "js"
NAMES = re.findall(r"^  async (dp_\w+)\(", (JS / "cases.mjs").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def results(server, client, shared_endpoints):
    environment = {
        **os.environ,
        "PENSTOCK_URL": server.url,
        "PENSTOCK_API_KEY": server.key,
        "MOCK": shared_endpoints.shared_python(),
        "STREAM": shared_endpoints.shared_python("--generator", "--return_aggregate_stream"),
        "IDLE": shared_endpoints.make(),
    }
    for name in ("MOCK", "STREAM"):
        client.wait_health(environment[name], lambda h: h["workers"]["ready"] >= 1, "a ready worker", 60)
    done = subprocess.run(["node", "cases.mjs"], cwd=JS, env=environment, capture_output=True, text=True, timeout=100)
    found = {result["name"]: result for result in map(
        json.loads, (line for line in done.stdout.splitlines() if line.startswith('{"name"')))}
    assert set(found) == set(NAMES), done.stderr
    return found


@pytest.mark.parametrize("name", NAMES)
def test_js_client(results, name):
    assert results[name]["ok"], results[name]["detail"]
