"""The batch API: contract/data-plane 1.11, docs/batches.md."""

import re
import signal
import threading
import time

import pytest

from endpoints import Endpoints
from fake_worker import FakeWorker
from penstock import wait_for


def create(client, ep: str, count: int = 0, **envelope) -> dict:
    return client.ok("POST", f"{ep}/batch", [{"input": {"n": n}, **envelope} for n in range(count)])


def all_requests(client, ep: str, batch: str, limit: int = 50) -> list[dict]:
    found: list[dict] = []
    while True:
        page = client.ok("GET", f"{ep}/batch/{batch}/requests?offset={len(found)}&limit={limit}")
        assert set(page) == {"requests", "total", "offset", "limit", "hasMore"}
        assert page["offset"] == len(found) and page["limit"] == limit and len(page["requests"]) <= limit
        found += page["requests"]
        if not page["hasMore"]:
            assert len(found) == page["total"]
            return found


def work_off(worker, count: int) -> None:
    for _ in range(count):
        job = worker.take_job()
        worker.finish(job["id"], job["input"]["n"] * 10)


def refused(client, status: int, method: str, path: str, body=None, **options) -> str:
    answer = client.call(method, path, body, **options)
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json()["error"]


def test_a_batch_from_draft_to_its_results(client, ep, worker):
    made = create(client, ep, 2)
    batch = made["id"]
    assert re.fullmatch(r"batch_[A-Za-z0-9_-]+", batch) and made["status"] == "DRAFT"
    more = client.ok("POST", f"{ep}/batch/{batch}/requests", {"requests": [{"input": {"n": 2}}]})
    assert more["requestTotal"] == 3 and len(more["requestIds"]) == 1
    assert client.health(ep)["jobs"]["inQueue"] == 0, "a draft is not executed"
    locked = client.ok("POST", f"{ep}/batch/{batch}/finalize")
    assert locked["status"] == "FINALIZED"
    assert client.health(ep)["jobs"]["inQueue"] == 3
    job = worker.take_job()
    assert job["batchId"] == batch and job["input"] == {"n": 0}
    summary = client.ok("GET", f"{ep}/batch/{batch}")
    assert summary == {"id": batch, "endpointId": ep, "name": "", "status": "FINALIZED", "requestTotal": 3,
                       "requestInProgress": 1, "requestCompleted": 0, "requestFailed": 0,
                       "createdAt": summary["createdAt"], "finalizedAt": summary["finalizedAt"]}
    assert abs(summary["createdAt"] / 1000 - time.time()) < 60
    worker.done(job["id"], {"error": "no"})
    work_off(worker, 2)
    summary = client.ok("GET", f"{ep}/batch/{batch}")
    assert summary["status"] == "FINALIZED", "there is no COMPLETED"
    assert (summary["requestCompleted"], summary["requestFailed"], summary["requestInProgress"]) == (2, 1, 0)
    assert summary["endedAt"] >= summary["finalizedAt"] and summary["expiresAt"] > summary["endedAt"]
    first, *rest = all_requests(client, ep, batch)
    assert first["id"] == made["requestIds"][0] and first["status"] == "FAILED" and first["error"] == "no"
    assert "output" not in first
    assert [(one["status"], one["output"]) for one in rest] == [("COMPLETED", 10), ("COMPLETED", 20)]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", one["startedAt"]) for one in rest)
    assert all(one["startedAt"] <= one["completedAt"] for one in rest)
    assert client.status(ep, rest[0]["id"])["output"] == 10, "its requests are jobs like any other"


def test_pages_of_requests_and_batches(client, ep, worker):
    batches = [create(client, ep, n)["id"] for n in (5, 1, 0)]
    ids = [one["id"] for one in all_requests(client, ep, batches[0])]
    for limit in (1, 2, 5):
        assert [one["id"] for one in all_requests(client, ep, batches[0], limit)] == ids
    assert client.ok("GET", f"{ep}/batch/{batches[0]}/requests?offset=5")["requests"] == []
    listed = client.ok("GET", f"{ep}/batch")
    assert [one["id"] for one in listed["batches"]] == batches[::-1], "newest first"
    assert listed["total"] == 3 and listed["limit"] == 50 and listed["hasMore"] is False
    page = client.ok("GET", f"{ep}/batch?offset=1&limit=1")
    assert [one["id"] for one in page["batches"]] == [batches[1]] and page["hasMore"] is True
    for query, named in (("limit=0", "limit"), ("limit=x", "limit"), ("offset=-1", "offset"), ("limit=1001", "limit")):
        for path in (f"{ep}/batch", f"{ep}/batch/{batches[0]}/requests"):
            assert refused(client, 400, "GET", f"{path}?{query}").startswith(f"{named} is ")


def test_a_draft_is_changed_and_a_finalized_one_is_not(client, ep):
    batch = create(client, ep, 2)
    path = f"{ep}/batch/{batch['id']}"
    left = client.ok("DELETE", f"{path}/requests/{batch['requestIds'][0]}")
    assert left["requestTotal"] == 1
    assert [one["id"] for one in all_requests(client, ep, batch["id"])] == batch["requestIds"][1:]
    assert client.call("GET", f"{ep}/status/{batch['requestIds'][0]}").status_code == 404
    refused(client, 404, "DELETE", f"{path}/requests/{batch['requestIds'][0]}")
    named = client.ok("PUT", path, {"name": "nightly é"})
    assert named["name"] == "nightly é" and client.ok("GET", path)["name"] == "nightly é"
    waits = client.status(ep, batch["requestIds"][1])
    assert waits["status"] == "IN_QUEUE" and waits["waitReason"]["code"] == "BATCH_DRAFT"
    client.ok("POST", f"{path}/finalize")
    assert client.ok("POST", f"{path}/finalize")["status"] == "FINALIZED", "again is as well"
    for method, under, body in (("POST", "/requests", {"requests": []}),
                                ("DELETE", f"/requests/{batch['requestIds'][1]}", None)):
        assert "FINALIZED" in refused(client, 400, method, path + under, body)


def test_cancel_lets_what_runs_end(client, ep, worker):
    batch = create(client, ep, 3)["id"]
    client.ok("POST", f"{ep}/batch/{batch}/finalize")
    job = worker.take_job()
    asked = client.ok("POST", f"{ep}/batch/{batch}/cancel")
    assert asked["status"] == "FINALIZED" and asked["requestInProgress"] == 1 and asked["requestFailed"] == 2
    assert [one["status"] for one in all_requests(client, ep, batch)] == ["IN_PROGRESS", "CANCELLED", "CANCELLED"]
    worker.finish(job["id"], 1)
    done = client.ok("GET", f"{ep}/batch/{batch}")
    assert done["status"] == "CANCELLED" and done["requestCompleted"] == 1
    assert done["requestCompleted"] + done["requestFailed"] == done["requestTotal"]
    assert client.ok("POST", f"{ep}/batch/{batch}/cancel")["status"] == "CANCELLED"
    draft = create(client, ep, 1)["id"]
    assert client.ok("POST", f"{ep}/batch/{draft}/cancel")["status"] == "CANCELLED"
    assert "CANCELLED" in refused(client, 400, "POST", f"{ep}/batch/{draft}/finalize")


def test_limits_say_which_setting_they_are(fresh_server):
    server = fresh_server({"batches.active_max": 2, "batches.requests_max": 3, "batches.queue_max": 4,
                           "batches.input_mb": 1, "jobs.batch_body_mb": 2})
    client = server.client()
    ep = Endpoints(client).make()
    assert "batches.requests_max" in refused(client, 400, "POST", f"{ep}/batch", [{"input": 1}] * 4)
    large = {"requests": [{"input": "x" * 700_000}] * 2}
    assert "batches.input_mb" in refused(client, 400, "POST", f"{ep}/batch", large["requests"])
    assert "jobs.batch_body_mb" in refused(client, 413, "POST", f"{ep}/batch", [{"input": "x" * 3_000_000}])
    first, second = (create(client, ep, 3)["id"] for _ in range(2))
    answer = client.call("POST", f"{ep}/batch", [])
    assert answer.status_code == 429 and "batches.active_max" in answer.json()["error"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert "batches.requests_max" in refused(client, 400, "POST", f"{ep}/batch/{first}/requests", large)
    client.ok("POST", f"{ep}/batch/{first}/finalize")
    assert "batches.queue_max" in refused(client, 429, "POST", f"{ep}/batch/{second}/finalize")
    client.ok("POST", f"{ep}/batch/{first}/cancel")
    client.ok("POST", f"{ep}/batch/{second}/finalize")


@pytest.mark.parametrize("body,wrong", [
    ({"requests": []}, "array"), ([{"input": 1}, 5], "request 1"), ([{"input": None}], "request 0"),
    ([{"input": 1, "policy": {"ttl": 1}}], "policy.ttl"), ([{"input": 1, "idempotencyKey": "a"}], "idempotencyKey"),
    (b"", "array"), (b"[", "array"), ([{"input": 1, "webhook": "nowhere"}], "webhook")])
def test_a_wrong_submission_says_which_request_and_why(client, ep, body, wrong):
    assert wrong in refused(client, 400, "POST", f"{ep}/batch", body)
    assert client.ok("GET", f"{ep}/batch")["total"] == 0, "all or nothing"


def test_wrong_routes_and_keys(client, ep):
    batch = create(client, ep, 1)["id"]
    refused(client, 401, "GET", f"{ep}/batch", authorization="Bearer nonsense")
    refused(client, 404, "GET", f"{ep}/batch/batch_unknown")
    refused(client, 404, "POST", f"{ep}/batch/batch_unknown/finalize")
    refused(client, 404, "GET", f"unknown/batch/{batch}")
    refused(client, 404, "POST", f"{ep}/batch/{batch}/start")
    refused(client, 400, "POST", f"{ep}/batch", [], headers={"Idempotency-Key": "k"})
    for method, path in (("DELETE", f"{ep}/batch"), ("POST", f"{ep}/batch/{batch}"), ("GET", f"{ep}/batch/{batch}/cancel"),
                         ("PUT", f"{ep}/batch/{batch}/requests"), ("GET", f"{ep}/batch/{batch}/requests/x")):
        answer = client.call(method, path)
        assert answer.status_code == 405 and answer.headers["Allow"], (method, path, answer.text)
    for body in ({}, {"name": 5}, {"name": "x" * 500}, {"status": "FINALIZED"}, []):
        refused(client, 400, "PUT", f"{ep}/batch/{batch}", body)
    assert "no requests" in refused(client, 400, "POST", f"{ep}/batch/{create(client, ep)['id']}/finalize")


def test_interactive_requests_go_first(client, ep, worker):
    batch = create(client, ep, 2)
    client.ok("POST", f"{ep}/batch/{batch['id']}/finalize")
    interactive = client.run(ep, {"n": 1})
    assert worker.take_job()["id"] == interactive
    assert worker.take_job()["id"] == batch["requestIds"][0]


def test_a_large_output_is_given_as_a_url(fresh_server):
    server = fresh_server({"jobs.spool_mb": 1, "jobs.inline_mb": 1})
    client = server.client()
    ep = Endpoints(client).make()
    batch = create(client, ep, 1)["id"]
    client.ok("POST", f"{ep}/batch/{batch}/finalize")
    with FakeWorker(client, ep) as worker:
        worker.finish(worker.take_job()["id"], "x" * 3_000_000)
    one = all_requests(client, ep, batch)[0]
    assert "output" not in one and one["outputBytes"] == 3_000_002
    assert client.http.get(one["outputUrl"], timeout=30).json() == "x" * 3_000_000


def test_it_survives_a_crash_at_any_instant(fresh_server):
    """What was acknowledged is there after every kill, and what was not is there whole or not at all."""
    server = fresh_server({"batches.active_max": 400})
    ep = Endpoints(server.client()).make()
    known: dict[str, dict] = {}
    for turn in range(6):
        client = server.client()
        answers: list = []

        def submit(client=client, answers=answers):
            try:
                while len(answers) < 120:  # six times as many batches are within the limits above and below
                    made = create(client, ep, 20)
                    answers.append(made)
                    answers.append(client.ok("POST", f"{ep}/batch/{made['id']}/finalize"))
            except (AssertionError, OSError):
                return

        thread = threading.Thread(target=submit)
        thread.start()
        wait_for(lambda answers=answers, turn=turn: len(answers) > turn, 30, "some batches")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        thread.join()
        known.update({answer["id"]: answer for answer in answers})
        server.start()
        client = server.client()
        listed = {one["id"]: one for one in client.ok("GET", f"{ep}/batch?limit=1000")["batches"]}
        assert set(known) <= set(listed)
        for batch, state in listed.items():
            assert state["requestTotal"] == 20
            if batch in known and known[batch]["status"] == "FINALIZED":
                assert state["status"] == "FINALIZED"
        queued = 20 * sum(one["status"] == "FINALIZED" for one in listed.values())
        assert client.health(ep)["jobs"]["inQueue"] == queued
    assert len(all_requests(server.client(), ep, next(iter(known)))) == 20
