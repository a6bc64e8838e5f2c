"""Submission and polling: contract/data-plane 8.1."""

import json
import re
import time

import pytest
import requests

from endpoints import Endpoints

JSON = "application/json"


def is_json_object(answer) -> bool:
    return answer.headers["content-type"].split(";")[0] == JSON and isinstance(answer.json(), dict)


def test_dp_001_run_answers_200_with_id_and_in_queue(client, ep):
    before = time.monotonic()
    answer = client.call("POST", f"{ep}/run", {"input": {"a": 1}})
    assert time.monotonic() - before < 3
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == JSON
    assert re.fullmatch(r"[A-Za-z0-9_-]+", answer.json()["id"])
    assert answer.json()["status"] == "IN_QUEUE"


def test_dp_002_key_without_bearer_is_accepted(client, ep):
    answer = client.call("POST", f"{ep}/run", {"input": {"a": 1}}, authorization=client.key)
    assert answer.status_code == 200
    assert set(answer.json()) >= {"id", "status"}


ROUTES = [("POST", "run"), ("POST", "runsync"), ("GET", "status/x"), ("GET", "status-sync/x"), ("GET", "stream/x"),
          ("POST", "cancel/x"), ("POST", "retry/x"), ("POST", "purge-queue"), ("GET", "health")]


@pytest.mark.parametrize("method,route", ROUTES)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "wrong"}])
def test_dp_003_missing_or_wrong_key_is_401_json(server, ep, method, route, headers):
    answer = requests.request(method, f"{server.url}/v2/{ep}/{route}", json={"input": {}}, headers=headers, timeout=10)
    assert answer.status_code == 401
    assert is_json_object(answer) and isinstance(answer.json()["error"], str)


def test_dp_003_python_client_tells_of_the_key(sdk, ep):
    with pytest.raises(RuntimeError, match="401 Unauthorized"):
        sdk.Endpoint(ep, api_key="wrong").health()


@pytest.mark.parametrize("method,route", ROUTES)
def test_dp_004_unknown_endpoint_is_404_json(client, method, route):
    answer = client.call(method, f"nosuchendpoint/{route}", {"input": {}} if method == "POST" else None)
    assert answer.status_code == 404
    assert is_json_object(answer) and isinstance(answer.json()["error"], str)


@pytest.mark.parametrize("method,route", [("GET", "status"), ("GET", "status-sync"), ("GET", "stream"),
                                          ("POST", "cancel"), ("POST", "retry")])
def test_dp_004_unknown_job_is_404_json(client, ep, method, route):
    answer = client.call(method, f"{ep}/{route}/00000000-0000-4000-8000-000000000000-u1")
    assert answer.status_code == 404
    assert is_json_object(answer)


def test_dp_005_status_right_after_run(client, ep):
    job = client.run(ep, {"a": 1})
    status = client.status(ep, job)
    assert status["id"] == job and status["status"] == "IN_QUEUE"


def test_dp_006_status_routes_accept_post_with_empty_body(client, ep):
    job = client.run(ep, {"a": 1})
    for route in ("status/{}", "status-sync/{}?wait=1000", "stream/{}?wait=1000"):
        by_get = client.ok("GET", f"{ep}/" + route.format(job))
        by_post = client.ok("POST", f"{ep}/" + route.format(job), b"")
        assert by_get == by_post


def test_dp_007_real_worker_and_python_client(sdk, mock):
    assert sdk.Endpoint(mock).run({"mock_return": "this worked!"}).output(timeout=60) == "this worked!"


def test_dp_008_delay_shows_in_execution_time(client, sdk, mock):
    job = sdk.Endpoint(mock).run({"mock_return": "late", "mock_delay": 3})
    assert job.output(timeout=60) == "late"
    assert client.status(mock, job.job_id)["executionTime"] >= 3000


def test_dp_009_completed_job_has_the_fields_that_clients_read(client, ep, worker):
    job = client.run(ep, {"a": 1})
    worker.finish(worker.take_job()["id"], {"answer": 42})
    status = client.status(ep, job)
    assert status["status"] == "COMPLETED" and status["output"] == {"answer": 42}
    assert type(status["delayTime"]) is int and status["delayTime"] >= 0
    assert type(status["executionTime"]) is int and status["executionTime"] >= 0
    assert status["workerId"] == worker.id
    assert "error" not in status


def test_dp_010_reading_does_not_consume(client, ep, worker):
    job = client.run(ep, {"a": 1})
    worker.finish(worker.take_job()["id"], [1, 2])
    first = client.call("GET", f"{ep}/status/{job}").content
    assert client.call("GET", f"{ep}/status/{job}").content == first
    assert client.call("GET", f"{ep}/status/{job}").content == first


def test_dp_011_empty_input_reaches_the_worker(client, ep, worker):
    client.run(ep, {})
    assert worker.take_job()["input"] == {}


@pytest.mark.parametrize("body", [{"input": {}}, {}], ids=["empty", "missing"])
def test_dp_011_empty_input_completes_on_a_real_worker(client, mock, body):
    job = client.ok("POST", f"{mock}/run", body)["id"]
    assert client.wait_terminal(mock, job)["status"] == "COMPLETED"


def test_dp_012_unknown_top_level_keys_are_dropped(client, ep, worker):
    client.run(ep, {"a": 1}, foo="bar")
    assert "foo" not in worker.take_job()


def test_dp_013_payload_text_is_kept_byte_for_byte(client, ep, worker):
    raw = '{"z":12345678901234567890,"a":1.0,"s":"\\u2028","e":"\U0001F600","n":1e400,"nested":{"b":[ 1, 2 ],"a":{}}}'
    body = ('{"input":' + raw + "}").encode()
    job = client.ok("POST", f"{ep}/run", body)["id"]
    taken = worker.take()
    assert taken.status_code == 200 and raw in taken.content.decode()
    assert worker.done(job, ('{"output":' + raw + "}").encode()).status_code == 200
    assert raw in client.call("GET", f"{ep}/status/{job}").content.decode()


def test_dp_013_values_survive_the_real_worker(client, mock):
    value = {"z": 12345678901234567890, "a": 1.5, "s": "\u2028", "e": "\U0001F600"}
    job = client.run(mock, {"mock_return": value})
    output = client.wait_terminal(mock, job)["output"]
    assert output == value and list(output) == ["z", "a", "s", "e"]


def test_dp_014_body_limits(client, ep):
    eleven = json.dumps({"input": {"x": "y" * (11 * 1024 * 1024)}}).encode()
    assert client.call("POST", f"{ep}/run", eleven).status_code == 413
    fifteen = json.dumps({"input": {"x": "y" * (15 * 1024 * 1024)}}).encode()
    accepted = client.ok("POST", f"{ep}/runsync?wait=1000", fifteen)
    assert accepted["status"] == "IN_QUEUE"


def test_dp_015_full_queue_is_429_with_retry_after(fresh_server):
    server = fresh_server({"jobs.queue_jobs_min": 5, "jobs.queue_jobs_per_worker": 2})
    client = server.client()
    ep = Endpoints(client).make(workersMax=0)
    answers = [client.call("POST", f"{ep}/run", {"input": {}}) for _ in range(10)]
    refused = [answer for answer in answers if answer.status_code == 429]
    accepted = [answer for answer in answers if answer.status_code == 200]
    assert len(accepted) + len(refused) == 10 and 5 <= len(accepted) <= 6, [a.status_code for a in answers]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert client.health(ep)["jobs"]["inQueue"] == len(accepted)


def keyed(client, ep: str, key: str, body: dict, route: str = "run", header: bool = True):
    if not header:
        return client.call("POST", f"{ep}/{route}", {**body, "idempotencyKey": key})
    return requests.post(f"{client.url}/v2/{ep}/{route}", json=body, timeout=30,
                         headers={"Authorization": f"Bearer {client.key}", "Idempotency-Key": key})


def test_dp_idempotency_key_gives_the_first_job_again(client, ep, worker):
    first = keyed(client, ep, "order-7", {"input": {"n": 7}}).json()
    assert keyed(client, ep, "order-7", {"input": {"n": 7}}, header=False).json()["id"] == first["id"]
    assert keyed(client, ep, '"order-7"', {"input": {"n": 7}}).json()["id"] == first["id"]
    assert client.health(ep)["jobs"]["inQueue"] == 1
    worker.finish(worker.take_job()["id"], "done")
    again = keyed(client, ep, "order-7", {"input": {"n": 7}}).json()
    assert again == {"id": first["id"], "status": "COMPLETED"}
    sync = keyed(client, ep, "order-7", {"input": {"n": 7}}, route="runsync").json()
    assert sync["id"] == first["id"] and sync["output"] == "done"
    other = keyed(client, ep, "order-7", {"input": {"n": 8}})
    assert other.status_code == 422 and first["id"] in other.json()["error"]


def test_dp_idempotency_keys_that_are_wrong(client, ep):
    both = requests.post(f"{client.url}/v2/{ep}/run", json={"input": {}, "idempotencyKey": "a"}, timeout=10,
                         headers={"Authorization": f"Bearer {client.key}", "Idempotency-Key": "b"})
    assert both.status_code == 400 and "differ" in both.json()["error"]
    for key in ("", "k" * 256, "a\nb", 7):
        answer = client.call("POST", f"{ep}/run", {"input": {}, "idempotencyKey": key})
        assert answer.status_code == 400 and "idempotencyKey" in answer.json()["error"]


def test_dp_idempotency_key_holds_over_kill_9(fresh_server):
    server = fresh_server({"jobs.memory_mb": 1})
    client = server.client()
    ep = Endpoints(client).make(workersMax=0)
    jobs = {key: keyed(client, ep, key, {"input": key}).json()["id"] for key in ("waits", "ended")}
    client.ok("POST", f"{ep}/cancel/{jobs['ended']}")
    server.kill()
    server.start()
    for key, job in jobs.items():
        answer = keyed(client, ep, key, {"input": key}).json()
        assert (answer["id"], answer["status"]) == (job, "IN_QUEUE" if key == "waits" else "CANCELLED")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"null", b'{"input":null}', b'{"input":{}',
                                  b'{"input":{}} x', b'\xff\xfe{"input":1}'])
def test_dp_bad_bodies_are_400_json(client, ep, body):
    answer = client.call("POST", f"{ep}/run", body)
    assert answer.status_code == 400, answer.text
    assert is_json_object(answer) and isinstance(answer.json()["error"], str)


@pytest.mark.parametrize("policy", [{"executionTimeout": 4999}, {"executionTimeout": 604800001}, {"ttl": 9999},
                                    {"ttl": 604800001}, {"ttl": "soon"}, {"lowPriority": "yes"}, 7])
def test_dp_policy_out_of_range_is_400(client, ep, policy):
    answer = client.call("POST", f"{ep}/run", {"input": {}, "policy": policy})
    assert answer.status_code == 400, answer.text
    assert isinstance(answer.json()["error"], str)


def test_dp_policy_zero_timeout_means_the_endpoints(client, ep):
    assert client.ok("POST", f"{ep}/run", {"input": {}, "policy": {"executionTimeout": 0}})["status"] == "IN_QUEUE"


def test_dp_cors_preflight(server, ep):
    answer = requests.options(f"{server.url}/v2/{ep}/run", timeout=10, headers={
        "Origin": "http://example.com", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,user-agent"})
    assert answer.status_code in (200, 204)
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert "authorization" in allowed and "content-type" in allowed
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_dp_wrong_method_is_405_json(client, ep):
    answer = client.call("DELETE", f"{ep}/run")
    assert answer.status_code == 405 and "POST" in answer.headers["Allow"]
    assert is_json_object(answer)


def test_dp_python_async_client(server, sdk, mock):
    import asyncio

    import aiohttp

    async def drive():
        async with aiohttp.ClientSession() as session:
            endpoint = sdk.AsyncioEndpoint(mock, session)
            job = await endpoint.run({"mock_return": {"by": "asyncio"}})
            output = await job.output(timeout=60)
            health = await endpoint.health()
            return output, health, await job.status()

    output, health, status = asyncio.run(drive())
    assert output == {"by": "asyncio"} and status == "COMPLETED"
    assert health["jobs"]["completed"] >= 1
