"""GET /requests: the jobs of an endpoint (docs/submissions.md)."""

import time
from datetime import datetime, timezone

import pytest


def listed(client, ep: str, **parameters) -> list[dict]:
    """All pages."""
    jobs: list[dict] = []
    cursor = ""
    while cursor is not None:
        query = "&".join(f"{name}={value}" for name, value in {**parameters, "cursor": cursor}.items())
        page = client.ok("GET", f"{ep}/requests?{query}")
        assert set(page) == {"requests", "nextCursor"}
        assert len(page["requests"]) <= parameters.get("limit", 100)
        jobs += page["requests"]
        cursor = page["nextCursor"]
    return jobs


def test_requests_are_listed_newest_first_page_by_page(client, ep):
    assert client.ok("GET", f"{ep}/requests") == {"requests": [], "nextCursor": None}
    jobs = [client.run(ep, {"n": n}) for n in range(7)]
    every = listed(client, ep)
    assert {job["id"] for job in every} == set(jobs)
    assert [job["createdAt"] for job in every] == sorted((job["createdAt"] for job in every), reverse=True)
    for limit in (1, 3, 7, 1000):
        assert listed(client, ep, limit=limit) == every
    assert all(job["status"] == "IN_QUEUE" and job["waitReason"]["code"] == "WORKERS_MAX_ZERO" for job in every)
    assert all("input" not in job and "output" not in job for job in every)


def test_requests_by_status(client, ep, worker):
    done, failed, cancelled, waits = (client.run(ep, n) for n in range(4))
    taken = {worker.take_job()["id"] for _ in range(2)}
    assert taken == {done, failed}
    worker.finish(done, "x" * 100)
    worker.done(failed, {"error": "é" * 2000})
    client.ok("POST", f"{ep}/cancel/{cancelled}")
    by_status = {"COMPLETED": done, "FAILED": failed, "CANCELLED": cancelled, "IN_QUEUE": waits}
    for status, job in by_status.items():
        found = listed(client, ep, status=status)
        assert [one["id"] for one in found] == [job] and found[0]["status"] == status
    assert {job["id"] for job in listed(client, ep, status="FAILED,CANCELLED")} == {failed, cancelled}
    assert listed(client, ep, status="TIMED_OUT") == []
    one = listed(client, ep, status="FAILED")[0]
    assert one["error"].startswith("éé") and len(one["error"]) < 300, "an error is shortened; /status has all of it"
    assert one["workerId"] == worker.id and type(one["executionTime"]) is int
    assert one["createdAt"] <= one["startedAt"] <= one["finishedAt"]


def test_requests_by_time(client, ep):
    first = client.run(ep, {})
    time.sleep(0.01)
    middle = datetime.now(timezone.utc)
    time.sleep(0.01)
    second = client.run(ep, {})
    instants = (middle.strftime("%Y-%m-%dT%H:%M:%S.") + f"{middle.microsecond // 1000:03}Z", int(middle.timestamp() * 1000))
    for instant in instants:
        assert [job["id"] for job in listed(client, ep, createdAfter=instant)] == [second]
        assert [job["id"] for job in listed(client, ep, createdBefore=instant)] == [first]
        assert listed(client, ep, createdAfter=instant, createdBefore=instant) == []


@pytest.mark.parametrize("query,named", [("status=DONE", "status"), ("limit=0", "limit"), ("limit=1001", "limit"),
                                         ("limit=x", "limit"), ("cursor=x", "cursor"), ("createdAfter=soon", "createdAfter"),
                                         ("createdBefore=-1", "createdBefore")])
def test_requests_with_a_wrong_parameter_are_400(client, ep, query, named):
    answer = client.call("GET", f"{ep}/requests?{query}")
    assert answer.status_code == 400 and answer.json()["error"].startswith(f"{named} is ")


def test_requests_survive_a_crash(fresh_server):
    from endpoints import Endpoints

    server = fresh_server()
    client = server.client()
    ep = Endpoints(client).make()
    jobs = {client.run(ep, n) for n in range(20)}
    server.kill()
    server.start()
    assert {job["id"] for job in listed(client, ep, limit=6)} == jobs
    assert client.call("POST", f"{ep}/requests").status_code == 405
    assert client.call("GET", "nosuchendpoint/requests").status_code == 404
