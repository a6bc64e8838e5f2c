"""`waitReason`: why a job has not ended yet (docs/wait-reasons.md)."""

import re
import time

from endpoints import SLEEPER, WORKERS
from penstock import wait_for

SINCE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def reason(answer: dict, code: str) -> dict:
    wait = answer["waitReason"]
    assert set(wait) == {"code", "message", "since"}
    assert wait["code"] == code, wait
    assert wait["message"] and SINCE.fullmatch(wait["since"])
    return wait


def test_every_answer_about_a_waiting_job_says_why(client, ep):
    answer = client.ok("POST", f"{ep}/run", {"input": {}})
    first = reason(answer, "WORKERS_MAX_ZERO")
    assert "workersMax is 0" in first["message"]
    job = answer["id"]
    for route in (f"status/{job}", f"status-sync/{job}?wait=1000", f"stream/{job}?wait=1000", f"status/{job}?ttl=90000"):
        assert reason(client.ok("GET", f"{ep}/{route}"), "WORKERS_MAX_ZERO") == first
    reason(client.ok("POST", f"{ep}/runsync?wait=1000", {"input": {}}), "WORKERS_MAX_ZERO")


def test_a_job_that_runs_says_so_and_one_that_ended_says_nothing(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    reason(client.status(ep, job), "RUNNING")
    waits = client.run(ep, {})
    reason(client.status(ep, waits), "WORKERS_BUSY")
    worker.finish(job, 1)
    assert "waitReason" not in client.status(ep, job)
    worker.finish(worker.take_job()["id"], 1)


def test_reasons_of_an_endpoint_that_starts_workers(client, endpoints):
    ep = endpoints.make(SLEEPER, workersMax=1)
    job = client.run(ep, {})
    starting = reason(client.status(ep, job), "WORKERS_STARTING")
    time.sleep(0.01)
    assert reason(client.status(ep, job), "WORKERS_STARTING")["since"] == starting["since"]


def test_dp_091_a_crash_at_start_is_told_with_its_cause(client, endpoints):
    ep = endpoints.make({"imageName": f"process:{WORKERS}", "dockerArgs": "/bin/false"}, workersMax=1)
    job = client.run(ep, {})

    def crashed():
        answer = client.status(ep, job)
        return answer if answer["waitReason"]["code"] == "CRASH_LOOP" else None

    message = wait_for(crashed, 20, "the crash to be the reason")["waitReason"]["message"]
    assert "crashed at start" in message and "the next one starts at 2" in message
    assert client.health(ep)["workers"]["unhealthy"] >= 1
    assert client.status(ep, job)["status"] == "IN_QUEUE"


def test_no_such_gpu_and_none_free(client, endpoints):
    nowhere = endpoints.make(SLEEPER, gpuIds="AMPERE_80", workersMax=1)
    message = reason(client.status(nowhere, client.run(nowhere, {})), "NO_MATCHING_NODE")["message"]
    assert "AMPERE_80" in message
    taken = endpoints.make(SLEEPER, workersMin=1, workersMax=1, gpuCount=60)
    wait_for(lambda: client.health(taken)["workers"]["initializing"] == 1, 10, "the worker that takes 60 GPUs")
    second = endpoints.make(SLEEPER, workersMax=1, gpuCount=60)
    assert "in use" in reason(client.status(second, client.run(second, {})), "NO_CAPACITY")["message"]


def test_dp_044_low_priority_starts_no_worker_and_runs_last(client, endpoints):
    ep = endpoints.make_python(workersMax=1)
    low = client.ok("POST", f"{ep}/run", {"input": {"mock_return": 1}, "policy": {"lowPriority": True}})
    assert "its priority is low" in reason(low, "LOW_PRIORITY_WAITS")["message"]
    workers = client.health(ep)["workers"]
    assert workers["initializing"] == workers["idle"] == workers["running"] == 0
    normal = client.run(ep, {"mock_return": 2})
    client.wait_terminal(ep, low["id"], 60)
    assert client.status(ep, normal)["status"] == "COMPLETED", "the job that came later ran first"


def test_priorities_decide_who_is_next(client, ep, endpoints):
    def submit(name: str, **policy) -> str:
        return client.ok("POST", f"{ep}/run", {"input": name, "policy": policy})["id"]

    order = [submit("c", priority="normal"), submit("e", priority="low"), submit("a", priority="high"),
             submit("d"), submit("f", lowPriority=True), submit("b", priority="high")]
    worker = endpoints.worker(ep)
    assert "".join(worker.take_job()["input"] for _ in order) == "abcdef"
    answer = client.call("POST", f"{ep}/run", {"input": {}, "policy": {"priority": "urgent"}})
    assert answer.status_code == 400 and '"high", "normal" and "low" are accepted' in answer.json()["error"]
