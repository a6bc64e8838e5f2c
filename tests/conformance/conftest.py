"""Servers, endpoints and workers for the conformance tests. One server serves the whole run of a test process; a test that
counts endpoints, restarts or needs other settings takes `fresh_server`."""

import os

import pytest
import runpod

from endpoints import FAST, Endpoints
from penstock import Server

def pytest_collection_modifyitems(items):
    if os.environ.get("PENSTOCK_TEST_SLOW"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; set PENSTOCK_TEST_SLOW to run it"))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("penstock") / "data", FAST) as running:
        yield running


@pytest.fixture(scope="session")
def client(server):
    return server.client()


@pytest.fixture
def fresh_server(tmp_path):
    """fresh_server(settings, **options): a started server of this test's own, with an empty account."""
    started = []

    def start(settings: dict | None = None, **options) -> Server:
        server = Server(tmp_path / f"data{len(started)}", {**FAST, **(settings or {})}, **options)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.close()


@pytest.fixture
def endpoints(client):
    made = Endpoints(client)
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared_endpoints(client):
    made = Endpoints(client)
    yield made
    made.close()


@pytest.fixture
def ep(endpoints):
    """An endpoint that starts no workers of its own."""
    return endpoints.make()


@pytest.fixture
def worker(endpoints, ep):
    """An external worker of `ep`, driven by the test."""
    return endpoints.worker(ep)


@pytest.fixture
def mock(shared_endpoints):
    """An endpoint with a plain synchronous SDK worker."""
    return shared_endpoints.shared_python()


@pytest.fixture
def sdk(server):
    """The real Python client, pointed at the server."""
    runpod.api_key = server.key
    runpod.endpoint_url_base = f"{server.url}/v2"
    return runpod
