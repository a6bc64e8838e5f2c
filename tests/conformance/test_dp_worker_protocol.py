"""Worker protocol, step by step: contract/data-plane 8.5. Cases with the real SDK are in test_dp_real_worker.py."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from penstock import wait_for


def test_dp_050_held_take_is_answered_at_once(client, ep, worker):
    take = worker.start_take()
    # The poll is open when the server counts the worker as ready.
    client.wait_health(ep, lambda health: health["workers"]["ready"] == 1, "the worker to be ready")
    submitted = time.monotonic()
    job = client.run(ep, {"a": 1})
    answer = take.result()
    assert take.answered_at - submitted < 1.0
    assert answer.status_code == 200 and answer.headers["content-type"].split(";")[0] == "application/json"
    assert answer.json()["id"] == job and answer.json()["input"] == {"a": 1}


def test_dp_051_take_whose_client_is_gone_costs_no_attempt(client, ep, endpoints):
    gone, other = endpoints.worker(ep), endpoints.worker(ep)
    url = urlsplit(gone.take_url)
    with socket.create_connection((url.hostname, url.port)) as raw:
        raw.sendall(f"GET {url.path}?{url.query}&job_in_progress=0 HTTP/1.1\r\nHost: {url.netloc}\r\n"
                    f"Authorization: {gone.key}\r\n\r\n".encode())
        client.wait_health(ep, lambda health: health["workers"]["ready"] == 1, "the poll to be open")
    job = client.run(ep, {"a": 1})
    assert other.take_job()["id"] == job
    other.finish(job, "ok")
    status = client.status(ep, job)
    assert status["status"] == "COMPLETED" and status["workerId"] == other.id and status.get("retries", 0) == 0


def test_dp_052_batch_take_is_an_array(client, ep, worker):
    jobs = [client.run(ep, {"n": n}) for n in range(6)]
    answer = worker.take(batch=4)
    assert answer.status_code == 200 and isinstance(answer.json(), list)
    assert [job["id"] for job in answer.json()] == jobs[:4]
    health = client.health(ep)
    assert health["jobs"]["inProgress"] == 4 and health["workers"]["running"] == 1
    assert [job["id"] for job in worker.take(batch=4).json()] == jobs[4:]
    assert worker.take(batch=4).status_code == 204


def test_dp_053_worker_keys(client, ep, worker):
    client.run(ep, {})
    client.run(ep, {})
    assert worker.take(headers={"Authorization": worker.key}).status_code == 200
    assert worker.take(headers={"Authorization": f"Bearer {worker.key}"}).status_code == 200
    assert client.call("POST", f"{ep}/run", {"input": {}}, authorization=worker.key).status_code in (401, 403)
    refused = worker.take(headers={"Authorization": "wrong"})
    assert refused.status_code in (401, 429)


def test_dp_053_a_workers_key_opens_no_other_worker(endpoints, ep):
    one, two = endpoints.worker(ep), endpoints.worker(ep)
    assert one.take(url=two.take_url).status_code in (401, 403, 404, 429)


def test_dp_054_stale_request_id_and_odd_gpu_are_ignored(client, ep, worker):
    job = client.run(ep, {})
    url = worker.take_url.split("?")[0] + "?gpu=$RUNPOD_GPU_TYPE_ID"
    answer = worker.take(url=url, headers={"X-Request-ID": "an-earlier-job"}, extra="&unknown=1")
    assert answer.status_code == 200 and answer.json()["id"] == job


def test_dp_055_form_content_type_with_json_body(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    assert worker.done(job, {"output": {"text": "größer 漢字 \U0001F600"}}).status_code == 200
    assert client.status(ep, job)["output"] == {"text": "größer 漢字 \U0001F600"}


@pytest.mark.parametrize("output", ["text", 7, True, False, None, [], [1, "a"], {"a": {}}, 1.5], ids=json.dumps)
def test_dp_056_output_of_every_type(client, ep, worker, output):
    job = client.run(ep, {})
    worker.take_job()
    worker.finish(job, output)
    status = client.status(ep, job)
    assert status["status"] == "COMPLETED" and "output" in status
    assert status["output"] == output and type(status["output"]) is type(output)


def test_dp_056_no_output(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    assert worker.done(job, {}).status_code == 200
    status = client.status(ep, job)
    assert status["status"] == "COMPLETED" and "output" not in status


def test_dp_057_error_beside_output(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    worker.done(job, {"output": {"x": 1}, "error": "bad"})
    status = client.status(ep, job)
    assert status["status"] == "FAILED" and status["error"] == "bad" and status["output"] == {"x": 1}


@pytest.mark.parametrize("error", [{"code": 1}, ["a"], 5], ids=json.dumps)
def test_dp_058_error_is_always_a_string(client, ep, worker, error):
    job = client.run(ep, {})
    worker.take_job()
    worker.done(job, {"output": {}, "error": error})
    status = client.status(ep, job)
    assert status["status"] == "FAILED" and isinstance(status["error"], str)
    assert json.loads(status["error"]) == error


def test_dp_060_repeated_result_changes_nothing(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    worker.finish(job, "first")
    before = client.status(ep, job)
    assert worker.done(job, {"output": "first"}).status_code == 200
    assert worker.done(job, {"output": "second"}).status_code == 200
    assert worker.done(job, {"error": "late"}).status_code == 200
    assert client.status(ep, job) == before
    assert client.health(ep)["jobs"]["completed"] == 1 and client.health(ep)["jobs"]["failed"] == 0


def test_dp_061_result_of_a_cancelled_job(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    client.ok("POST", f"{ep}/cancel/{job}")
    assert worker.done(job, {"output": "too late"}).status_code in (200, 404)
    status = client.status(ep, job)
    assert status["status"] == "CANCELLED" and "output" not in status


def test_dp_061_result_of_an_unknown_job(worker):
    assert worker.done("nosuchjob", {"output": 1}).status_code in (200, 404)


def test_dp_062_the_path_names_the_job_not_the_header(client, ep, worker):
    first, second = client.run(ep, {}), client.run(ep, {})
    worker.take(batch=2)
    worker.done(first, {"output": "of the first"}, headers={"X-Request-ID": second})
    assert client.status(ep, first)["output"] == "of the first"
    assert client.status(ep, second)["status"] == "IN_PROGRESS"


@pytest.mark.parametrize("body", [b'{"output": NaN}', b'{"output": ', b"", b'{"output": "\xff"}'],
                         ids=["NaN", "cut", "empty", "not-utf8"])
def test_dp_063_body_that_is_not_json(client, ep, worker, body):
    job = client.run(ep, {})
    worker.take_job()
    assert worker.done(job, body).status_code == 400
    status = client.status(ep, job)
    assert status["status"] == "FAILED" and isinstance(status["error"], str)


def test_dp_065_progress_shows_and_is_replaced(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    for percent in (10, 50):
        assert worker.progress(job, {"percent": percent}).status_code == 200
        status = client.status(ep, job)
        assert status["status"] == "IN_PROGRESS" and status["output"] == {"percent": percent}
    assert client.ok("GET", f"{ep}/stream/{job}?wait=1000")["stream"] == []
    worker.finish(job, "final")
    assert worker.progress(job, {"percent": 99}).status_code == 200
    status = client.status(ep, job)
    assert status["status"] == "COMPLETED" and status["output"] == "final"


def test_dp_067_pings_of_every_form(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    assert worker.ping([job, "not-mine"]).status_code == 200
    assert worker.ping([]).status_code == 200
    assert worker.ping(["foreign"]).status_code == 200
    assert client.status(ep, job)["status"] == "IN_PROGRESS"


def test_dp_068_fitness_failure_is_accepted(worker):
    assert worker.ping([], status="unhealthy", check="memory", reason="too little").status_code == 200


def test_dp_070_lost_worker_is_replaced_once(client, ep, endpoints):
    job = client.run(ep, {"a": 1})
    lost = endpoints.worker(ep)
    lost.take_job()
    first_delay = client.status(ep, job)["delayTime"]
    lost.vanish()
    second = endpoints.worker(ep)
    assert second.take_job(timeout=20)["id"] == job
    status = client.status(ep, job)
    assert status["retries"] == 1 and status["workerId"] == second.id and status["delayTime"] > first_delay
    assert client.health(ep)["jobs"]["retried"] == 1
    assert lost.done(job, {"output": "of a lost attempt"}).status_code == 200
    assert client.status(ep, job)["status"] == "IN_PROGRESS"
    second.vanish()
    status = client.wait_terminal(ep, job, timeout=20)
    assert status["status"] == "FAILED" and status["retries"] == 1
    assert status["error"] == "job timed out after 1 retries"


def test_dp_071_pings_that_leave_the_job_out_end_the_lease(client, ep, endpoints):
    worker = endpoints.worker(ep)
    job = client.run(ep, {})
    worker.take_job()
    worker.held.clear()  # the worker lives and pings, but does not know the job
    other = endpoints.worker(ep)
    assert other.take_job(timeout=20)["id"] == job
    other.finish(job, "by the other")
    assert client.status(ep, job)["output"] == "by the other"


def test_dp_073_draining_worker_gets_nothing_more(client, ep, endpoints):
    worker = endpoints.worker(ep)
    running = client.run(ep, {})
    worker.take_job()
    assert client.detach_worker(ep, worker.id).status_code in (200, 204)
    client.run(ep, {"next": True})
    answer = worker.take()
    assert answer.status_code in (204, 401, 404, 429)
    assert worker.done(running, {"output": "finished"}).status_code in (200, 401, 404)


def test_dp_077_job_stop_with_nothing_to_stop_is_held(worker):
    before = time.monotonic()
    assert worker.stop_list() == []
    assert 1 < time.monotonic() - before < 90


def test_dp_078_stop_list_is_not_repeated_hotly(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    client.ok("POST", f"{ep}/cancel/{job}")
    assert wait_for(worker.stop_list, 10, "job-stop to name the job") == [job]
    before = time.monotonic()
    worker.stop_list()
    assert time.monotonic() - before > 1


def test_dp_081_idle_keep_alive_connection_stays_open(server, ep):
    """Eight seconds stand for the 75 of the rule: a server with the common limit of five fails."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as raw:
        request = f"GET /v2/{ep}/health HTTP/1.1\r\nHost: x\r\nAuthorization: {server.key}\r\n\r\n".encode()
        raw.sendall(request)
        assert raw.recv(65536).startswith(b"HTTP/1.1 200")
        raw.settimeout(8)
        with pytest.raises(TimeoutError):
            assert raw.recv(1) == b"nothing comes, and the connection is not closed"
        raw.sendall(request)
        assert raw.recv(65536).startswith(b"HTTP/1.1 200")
