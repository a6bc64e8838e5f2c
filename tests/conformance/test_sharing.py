"""GPUs that are short: who gives way, and what those who wait are told (docs/gpus-and-nodes.md)."""

import subprocess

from endpoints import Endpoints
from penstock import binary, wait_for


def test_an_idle_worker_gives_way_and_a_minimum_does_not(fresh_server):
    server = fresh_server(gpus="1xAMPERE_16")
    client = server.client()
    endpoints = Endpoints(client)
    first = endpoints.make_python(workersMax=1, idleTimeout=600)
    assert client.wait_terminal(first, client.run(first, {"mock_return": 1}), timeout=60)["output"] == 1
    assert client.workers_of(first)["throttled"] == 0

    minimum = endpoints.make_python(workersMin=1, workersMax=1, idleTimeout=600)
    wait_for(lambda: [w["status"] for w in client.workers_of(minimum)["workers"]] == ["idle"], 60, "its minimum")
    assert not client.workers_of(first)["workers"]
    assert f"endpoint {minimum} needs one for its workersMin and waits for its GPUs" in server.log_text()

    job = client.run(first, {"mock_return": 2})
    found = client.workers_of(first)
    assert found["throttled"] == 1 and found["throttledSince"].endswith("Z")
    assert "all in use: 1 GPU(s) of AMPERE_16" in found["throttledReason"]
    assert client.status(first, job)["waitReason"]["code"] == "NO_CAPACITY"
    why = subprocess.run([binary(), "why", job, "--url", server.url, "--api-key", server.key],
                         capture_output=True, text=True, timeout=30)
    assert why.returncode == 0 and "lower workersMin of what holds these GPUs" in why.stdout, why.stdout + why.stderr

    endpoints.change(minimum, workersMin=0)
    assert client.wait_terminal(first, job, timeout=60)["output"] == 2
    assert not client.workers_of(minimum)["workers"], "it has no job, so it gave way"


def test_of_two_endpoints_on_one_gpu_both_get_on(fresh_server):
    server = fresh_server(gpus="1xAMPERE_16")
    client = server.client()
    endpoints = Endpoints(client)
    ones = [endpoints.make_python(workersMax=2, idleTimeout=600) for _ in range(2)]
    for number in range(3):
        for endpoint in ones:
            assert client.wait_terminal(endpoint, client.run(endpoint, {"mock_return": number}), timeout=60)["output"] == number
