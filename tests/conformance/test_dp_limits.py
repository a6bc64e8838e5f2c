"""Limits on requests (contract/data-plane 1.1), as settings."""

import subprocess

import pytest

from endpoints import Endpoints
from penstock import wait_for


@pytest.fixture
def limited(fresh_server):
    def start(**limits):
        client = fresh_server({f"limits.{name}": value for name, value in limits.items()}).client()
        return client, Endpoints(client).make()

    return start


def test_the_hosted_purge_queue_limit(limited):
    client, ep = limited(hosted="true")
    for _ in range(2):
        client.ok("POST", f"{ep}/purge-queue")
    answer = client.call("POST", f"{ep}/purge-queue")
    assert answer.status_code == 429 and answer.headers["content-type"] == "application/json"
    assert 1 <= int(answer.headers["retry-after"]) <= 10
    assert "2 in 10 s (limits.purge_queue_per_10s)" in answer.json()["error"]
    other = Endpoints(client).make()
    client.ok("POST", f"{other}/purge-queue")
    client.ok("GET", f"{ep}/health")


def test_status_and_stream_share_a_limit_and_health_has_none(limited):
    client, ep = limited(status_per_10s=3)
    job = client.run(ep, {})
    client.status(ep, job)
    client.ok("GET", f"{ep}/stream/{job}?wait=1000")
    client.ok("GET", f"{ep}/status-sync/{job}?wait=1000")
    refused = client.call("GET", f"{ep}/status/{job}")
    assert refused.status_code == 429 and "limits.status_per_10s" in refused.json()["error"]
    for _ in range(20):
        client.health(ep)
        client.run(ep, {})


def test_a_held_request_counts_until_its_client_goes(limited):
    client, ep = limited(runsync_concurrent=1)
    held = subprocess.Popen(["curl", "-s", "-H", f"Authorization: {client.key}", "-d", "{}",
                             f"{client.url}/v2/{ep}/runsync?wait=60000"])
    wait_for(lambda: client.health(ep)["jobs"]["inQueue"] == 1, 10, "the first to be under way")
    refused = client.call("POST", f"{ep}/runsync?wait=1000", {"input": {}})
    assert refused.status_code == 429 and "1 at a time (limits.runsync_concurrent)" in refused.json()["error"]
    assert refused.headers["retry-after"] == "1"
    held.kill()
    held.wait()
    wait_for(lambda: client.call("POST", f"{ep}/runsync?wait=1000", {"input": {}}).status_code == 200, 10,
             "room for the next")
    client.ok("POST", f"{ep}/runsync?wait=1000", {"input": {}})


def test_running_workers_raise_the_limit(limited):
    client, ep = limited(run_per_10s=2, per_worker=5)
    endpoints = Endpoints(client)
    worker = endpoints.worker(ep)
    client.run(ep, {})
    worker.take_job()
    for _ in range(4):
        client.run(ep, {})
    refused = client.call("POST", f"{ep}/run", {"input": {}})
    assert refused.status_code == 429 and "5 in 10 s" in refused.json()["error"]
    endpoints.close()


def test_openai_clients_are_told_in_their_own_shape(limited):
    client, ep = limited(openai_per_10s=1)
    assert client.call("POST", f"{ep}/openai/v1/x", b"[]").status_code == 400
    refused = client.call("GET", f"{ep}/openai/v1/models")
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) <= 10
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
