"""The published JavaScript client. js/cases.mjs makes the calls and checks them; each of its cases is one case here."""

from pathlib import Path

import pytest

from javascript import cases_of, run_script

JS = Path(__file__).parent / "js"
NAMES = cases_of(JS / "cases.mjs")


@pytest.fixture(scope="module")
def results(server, client, shared_endpoints):
    endpoints = {
        "MOCK": shared_endpoints.shared_python(),
        "STREAM": shared_endpoints.shared_python("--generator", "--return_aggregate_stream"),
        "IDLE": shared_endpoints.make(),
    }
    for name in ("MOCK", "STREAM"):
        client.wait_health(endpoints[name], lambda h: h["workers"]["ready"] >= 1, "a ready worker", 60)
    found = run_script(JS / "cases.mjs", server, **endpoints)
    assert set(found) == set(NAMES)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_js_client(results, name):
    assert results[name]["ok"], results[name]["detail"]
