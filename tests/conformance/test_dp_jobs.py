"""cancel, retry, purge, health: contract/data-plane 8.4."""

import time

import pytest

from endpoints import Endpoints
from penstock import wait_for

HEALTH_KEYS = {"jobs": {"completed", "failed", "inProgress", "inQueue", "retried"},
               "workers": {"idle", "initializing", "ready", "running", "throttled", "unhealthy"}}


@pytest.mark.parametrize("body", [b"", {}], ids=["empty", "object"])
def test_dp_032_cancel_of_a_queued_job(client, endpoints, ep, body):
    job = client.run(ep, {"never": True})
    before = time.monotonic()
    answer = client.ok("POST", f"{ep}/cancel/{job}", body)
    assert time.monotonic() - before < 3
    assert answer["id"] == job and answer["status"] == "CANCELLED"
    worker = endpoints.worker(ep)
    assert worker.take().status_code == 204
    status = client.status(ep, job)
    assert status["status"] == "CANCELLED"
    assert status["workerId"] == "" and status["delayTime"] >= 0 and status["executionTime"] == 0


def test_dp_032_cancel_by_the_python_client(sdk, ep):
    job = sdk.Endpoint(ep).run({"a": 1})
    assert job.cancel()["status"] == "CANCELLED"
    assert job.status() == "CANCELLED"


def test_dp_033_cancel_of_a_running_job_spares_its_neighbour(client, shared_endpoints):
    ep = shared_endpoints.shared_python("--async", "--concurrency", "2")
    client.wait_health(ep, lambda health: health["workers"]["ready"] >= 1, "a worker that is ready")
    doomed = client.run(ep, {"mock_return": "must not come", "mock_delay": 60})
    client.wait_status(ep, doomed, "IN_PROGRESS")
    neighbour = client.run(ep, {"mock_return": "neighbour", "mock_delay": 2})
    neighbour_worker = client.wait_status(ep, neighbour, "IN_PROGRESS")["workerId"]
    assert neighbour_worker == client.status(ep, doomed)["workerId"]
    assert client.ok("POST", f"{ep}/cancel/{doomed}")["status"] == "CANCELLED"
    status = client.wait_terminal(ep, neighbour)
    assert status["status"] == "COMPLETED" and status["output"] == "neighbour"
    assert status["workerId"] == neighbour_worker
    assert client.status(ep, doomed)["status"] == "CANCELLED"


def test_dp_033_job_stop_names_the_cancelled_job(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    client.ok("POST", f"{ep}/cancel/{job}")
    assert wait_for(worker.stop_list, 10, "job-stop to name the job") == [job]


def test_dp_034_worker_that_cannot_stop_is_recycled(client, server, endpoints):
    ep = endpoints.make_python()
    job = client.run(ep, {"mock_delay": 60})
    stuck = client.wait_status(ep, job, "IN_PROGRESS")["workerId"]
    assert client.ok("POST", f"{ep}/cancel/{job}")["status"] == "CANCELLED"
    wait_for(lambda: not server.worker_processes(stuck), 30, "the blocked worker to be ended")
    again = client.run(ep, {"mock_return": "fresh"})
    status = client.wait_terminal(ep, again)
    assert status["output"] == "fresh" and status["workerId"] != stuck


def test_dp_035_cancel_of_a_completed_job_changes_nothing(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    worker.finish(job, "kept")
    answer = client.ok("POST", f"{ep}/cancel/{job}")
    assert answer["id"] == job and answer["status"] == "COMPLETED"
    assert client.status(ep, job)["output"] == "kept"


def test_dp_036_retry_of_a_failed_job(client, ep, worker):
    job = client.run(ep, {"a": 1})
    worker.take_job()
    worker.done(job, {"output": {"old": True}, "error": "first time"})
    assert client.status(ep, job)["status"] == "FAILED"
    assert client.ok("POST", f"{ep}/retry/{job}") == {"id": job, "status": "IN_QUEUE"}
    queued = client.status(ep, job)
    assert queued["status"] == "IN_QUEUE" and "output" not in queued and "error" not in queued
    again = worker.take_job()
    assert again["id"] == job and again["input"] == {"a": 1}
    worker.finish(job, "second time")
    status = client.status(ep, job)
    assert status["status"] == "COMPLETED" and status["output"] == "second time" and "error" not in status


def test_dp_037_retry_of_other_states(client, ep, worker):
    done = client.run(ep, {})
    worker.take_job()
    worker.finish(done, 1)
    queued = client.run(ep, {})
    for job, expected in ((done, 400), (queued, 400), ("nosuchjob", 404)):
        answer = client.call("POST", f"{ep}/retry/{job}")
        assert answer.status_code == expected and isinstance(answer.json()["error"], str)


def test_dp_038_purge_takes_only_what_waits(client, ep, worker):
    running = client.run(ep, {})
    worker.take_job()
    waiting = [client.run(ep, {}) for _ in range(2)]
    assert client.ok("POST", f"{ep}/purge-queue", b"") == {"removed": 2, "status": "completed"}
    for job in waiting:
        assert client.status(ep, job)["status"] == "CANCELLED"
    worker.finish(running, "went on")
    assert client.status(ep, running)["output"] == "went on"
    assert client.ok("POST", f"{ep}/purge-queue", {}) == {"removed": 0, "status": "completed"}


def test_dp_038_purge_by_the_python_client(sdk, ep):
    endpoint = sdk.Endpoint(ep)
    endpoint.run({"a": 1})
    assert endpoint.purge_queue() == {"removed": 1, "status": "completed"}


def test_dp_041_results_are_forgotten_after_their_retention(client, endpoints):
    ep = endpoints.make(retention={"asyncSeconds": 2, "syncSeconds": 1})
    assert client.endpoint(ep, "retention{asyncSeconds syncSeconds}")["retention"] == {
        "asyncSeconds": 2, "syncSeconds": 1}
    job = client.run(ep, {})
    sync = client.ok("POST", f"{ep}/runsync?wait=1000", {"input": {}})["id"]
    for each in (job, sync):
        client.ok("POST", f"{ep}/cancel/{each}")
        assert client.status(ep, each)["status"] == "CANCELLED"
    wait_for(lambda: client.call("GET", f"{ep}/status/{sync}").status_code == 404, 3, "the sync result to be forgotten")
    wait_for(lambda: client.call("GET", f"{ep}/status/{job}").status_code == 404, 3, "the async result to be forgotten")
    assert client.call("POST", f"{ep}/retry/{job}").status_code == 404
    assert endpoints.change(ep, retention={"asyncSeconds": 90000, "syncSeconds": 1})["id"] == ep
    endpoints.change(ep, retention=None)
    assert client.endpoint(ep, "retention{asyncSeconds syncSeconds}")["retention"] == {
        "asyncSeconds": 86400, "syncSeconds": 3600}


def test_dp_041_hosted_retention_is_a_switch(fresh_server):
    client = fresh_server({"compat.hosted_retention": True}).client()
    ep = Endpoints(client).make()
    assert client.endpoint(ep, "retention{asyncSeconds syncSeconds}")["retention"] == {
        "asyncSeconds": 1800, "syncSeconds": 60}


def test_dp_041_ttl_of_a_status_call_shortens_what_is_left(client, ep):
    job = client.run(ep, {})
    client.ok("POST", f"{ep}/cancel/{job}")
    assert client.ok("GET", f"{ep}/status/{job}?ttl=600")["status"] == "CANCELLED"
    wait_for(lambda: client.call("GET", f"{ep}/status/{job}").status_code == 404, 3, "the result to be forgotten")


@pytest.mark.parametrize("expiry", ["timed_out", "delete"])
def test_dp_042_time_to_live_ends_a_queued_job(fresh_server, expiry):
    client = fresh_server({"jobs.ttl_expiry": expiry}).client()
    made = Endpoints(client)
    ep = made.make()
    job = client.ok("POST", f"{ep}/run", {"input": {}, "policy": {"ttl": 10000}})["id"]
    client.ok("GET", f"{ep}/status/{job}?ttl=1000")  # the policy's least is 10 s; this may ask for less
    if expiry == "timed_out":
        answer = client.wait_terminal(ep, job, 5)
        assert answer["status"] == "TIMED_OUT" and isinstance(answer["error"], str)
    else:
        wait_for(lambda: client.call("GET", f"{ep}/status/{job}").status_code == 404, 5, "the job to be deleted")
    assert made.worker(ep).take().status_code == 204, "it is never handed out"


def test_dp_043_execution_timeout_fails_the_job_and_stops_its_worker(client, server, endpoints):
    ep = endpoints.make_python(workersMax=1)
    job = client.ok("POST", f"{ep}/run", {"input": {"mock_delay": 60}, "policy": {"executionTimeout": 5000}})["id"]
    client.wait_status(ep, job, "IN_PROGRESS", 60)
    answer = client.wait_terminal(ep, job, 15)
    assert answer["status"] == "FAILED" and answer["error"] == "job timed out"
    assert 5000 <= answer["executionTime"] < 7000
    wait_for(lambda: not server.worker_processes(answer["workerId"]), 20, "its worker to be gone")


def test_dp_045_s3_config_reaches_the_worker_only(client, ep, worker):
    s3 = {"accessId": "a", "accessSecret": "s", "bucketName": "b", "endpointUrl": "https://s3.example.com"}
    job = client.ok("POST", f"{ep}/run", {"input": {}, "s3Config": s3})["id"]
    assert worker.take_job()["s3Config"] == s3
    worker.finish(job, 1)
    assert "s3Config" not in client.status(ep, job)


def test_dp_039_health_has_every_counter(client, ep, worker):
    def check(**expected):
        health = client.health(ep)
        for group, names in HEALTH_KEYS.items():
            assert set(health[group]) >= names
            assert all(type(health[group][name]) is int for name in names)
        seen = {name: (health["jobs"] | health["workers"])[name] for name in expected}
        assert seen == expected

    check(inQueue=0, inProgress=0, completed=0, failed=0, retried=0)
    first, second = client.run(ep, {}), client.run(ep, {})
    check(inQueue=2, inProgress=0)
    worker.take_job()
    check(inQueue=1, inProgress=1, running=1)
    worker.finish(first, 1)
    worker.take_job()
    worker.done(second, {"error": "no"})
    check(inQueue=0, inProgress=0, completed=1, failed=1)


def test_dp_040_health_follows_a_job_through_scale_to_zero(client, endpoints):
    ep = endpoints.make_python()
    job = client.run(ep, {"mock_error": "on purpose", "mock_delay": 2})
    seen = client.wait_health(ep, lambda h: h["workers"]["initializing"] >= 1, "a worker that starts")
    assert seen["jobs"]["inQueue"] == 1
    client.wait_health(ep, lambda h: h["jobs"]["inProgress"] == 1 and h["workers"]["running"] == 1, "the job to run")
    client.wait_health(ep, lambda h: h["jobs"]["failed"] == 1 and h["jobs"]["inProgress"] == 0, "the job to fail")
    assert client.status(ep, job)["status"] == "FAILED"
