"""`penstock why` and /penstock/v1/.../why: the reason in words, with what would unblock it (docs/wait-reasons.md)."""

import json
import os
import subprocess

import pytest

from endpoints import SLEEPER, Endpoints
from penstock import binary


def get(client, path: str, key: str | None = None):
    return client.http.get(f"{client.url}/penstock/v1/{path}", timeout=30,
                           headers={"Authorization": f"Bearer {client.key if key is None else key}"})


def explain(client, path: str) -> dict:
    answer = get(client, path)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return answer.json()


def penstock(client, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PENSTOCK_URL": client.url, "PENSTOCK_API_KEY": client.key}
    return subprocess.run([str(binary()), *arguments], env=environment, capture_output=True, text=True, timeout=30)


def test_a_waiting_job_is_explained_with_what_would_help(client, ep):
    job = client.run(ep, {})
    why = explain(client, f"jobs/{job}/why")
    assert why["id"] == job and why["endpointId"] == ep and why["status"] == "IN_QUEUE"
    assert why["waitReason"]["code"] == "WORKERS_MAX_ZERO"
    assert why["summary"].startswith(f"job {job} waits since ")
    assert "raise workersMax above 0" in why["helps"]
    assert any("left: then its time to live is over" in fact for fact in why["facts"])


def test_busy_workers_are_counted(client, ep, worker):
    running = client.run(ep, {})
    worker.take_job()
    waits = client.run(ep, {})
    why = explain(client, f"jobs/{waits}/why")
    assert "1 of 1 worker busy, 0 idle, 0 starting" in why["facts"]
    of_endpoint = explain(client, f"endpoints/{ep}/why")
    assert of_endpoint["endpointId"] == ep and of_endpoint["summary"].startswith("jobs wait: ")
    assert any(fact.startswith("1 job waits, the oldest since ") and fact.endswith("; 1 job is at work")
               for fact in of_endpoint["facts"]), of_endpoint
    assert "is at work on worker" in explain(client, f"jobs/{running}/why")["summary"]
    worker.finish(running, 1)
    assert "waits for nothing: it is COMPLETED" in explain(client, f"jobs/{running}/why")["summary"]


@pytest.mark.parametrize("path, status", [("jobs/no-such-job/why", 404), ("endpoints/nosuch/why", 404),
                                          ("jobs/a%20b/why", 404), ("jobs//why", 404)])
def test_what_is_not_there_is_said_so(client, path, status):
    answer = get(client, path)
    assert answer.status_code == status and answer.json()["error"], answer.text


def test_it_needs_a_key_and_reads_only(client, ep):
    assert get(client, f"endpoints/{ep}/why", key="rpa_wrong").status_code == 401
    posted = client.http.post(f"{client.url}/penstock/v1/endpoints/{ep}/why", timeout=30,
                              headers={"Authorization": f"Bearer {client.key}"})
    assert posted.status_code == 405 and posted.headers["Allow"] == "GET"


def test_the_command_line_says_the_same(client, ep):
    job = client.run(ep, {})
    for thing in (job, ep):
        said = penstock(client, "why", thing)
        assert said.returncode == 0, said.stderr
        assert "workersMax is 0" in said.stdout and "What would help:" in said.stdout
    as_json = json.loads(penstock(client, "why", job, "--json").stdout)
    assert as_json["waitReason"]["code"] == "WORKERS_MAX_ZERO"
    unknown = penstock(client, "why", "no-such-thing")
    assert unknown.returncode == 1 and "not found" in unknown.stderr
    assert penstock(client, "why", "not an id").returncode == 2
    assert penstock(client, "why").returncode == 2


def test_the_scaler_says_what_it_decided_with_all_that_it_looked_at(client, endpoints):
    ep = endpoints.make(SLEEPER, workersMax=1, scalerType="REQUEST_COUNT", scalerValue=1)
    for _ in range(3):
        client.run(ep, {})
    newest_first = explain(client, f"endpoints/{ep}/decisions")["decisions"]
    first = newest_first[-1]
    assert first["inputs"]["queued"] == 1 and first["inputs"]["present"] == 0 and first["inputs"]["workersMax"] == 1
    assert first["decision"] == {"wanted": 1, "rule": "REQUEST_COUNT", "clamp": "none", "lookAgainInMs": None}
    assert first["outcome"] == {"started": 1, "stopped": 0, "missing": 0}
    capped = newest_first[0]
    assert capped["decision"]["clamp"] == "workersMax" and capped["outcome"]["started"] == 0
    page = explain(client, f"endpoints/{ep}/decisions?limit=1")
    assert page["decisions"] == [capped]
    assert explain(client, f"endpoints/{ep}/decisions?limit=1&cursor={page['nextCursor']}")["decisions"] != [capped]
    assert explain(client, f"endpoints/{ep}/decisions?at=2020-01-01T00:00:00Z")["decisions"] == []
    assert explain(client, f"endpoints/{ep}/decisions?at={first['at']}")["decisions"][-1] == first
    for bad in ("limit=0", "limit=x", "at=noon", "from=x", "cursor=x"):
        answer = get(client, f"endpoints/{ep}/decisions?{bad}")
        assert answer.status_code == 400 and bad.split("=")[0] in answer.json()["error"], answer.text
    said = penstock(client, "scaler", "log", ep)
    assert said.returncode == 0 and "wants 1 worker and has 0, starts 1: rule REQUEST_COUNT" in said.stdout, said
    assert json.loads(penstock(client, "scaler", "log", ep, "--json").stdout)["decisions"][-1] == first
    assert "nothing is recorded" in penstock(client, "scaler", "log", ep, "--at", "2020-01-01T00:00:00Z").stdout
    assert penstock(client, "scaler", "log", ep, "--at", "noon").returncode == 2
    assert penstock(client, "scaler", "log", "nosuch").returncode == 1


def test_decisions_outlive_the_server(fresh_server):
    server = fresh_server()
    ep = Endpoints(server.client()).make(SLEEPER, workersMax=1)
    server.client().run(ep, {})
    before = explain(server.client(), f"endpoints/{ep}/decisions")["decisions"]
    assert len(before) == 1 and before[0]["decision"]["rule"] == "from zero"
    server.terminate()
    server.start()
    assert explain(server.client(), f"endpoints/{ep}/decisions")["decisions"][-1] == before[0]
