"""Scaling: contract/data-plane 8.6. Where only numbers of workers matter, the worker is a process that never polls."""

import time

from endpoints import SLEEPER, WORKERS
from penstock import process_template, wait_for


def count(client, ep: str) -> int:
    workers = client.health(ep)["workers"]
    return workers["initializing"] + workers["idle"] + workers["running"]


def stays(client, ep: str, wanted: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert count(client, ep) == wanted
        time.sleep(0.1)


def test_dp_084_burst_rises_to_the_maximum_and_returns_to_zero(client, endpoints):
    ep = endpoints.make_python(scalerType="REQUEST_COUNT", scalerValue=1, workersMax=3, idleTimeout=1)
    jobs = [client.run(ep, {"mock_delay": 2, "mock_return": n}) for n in range(6)]
    seen = []

    def finished() -> bool:
        seen.append(count(client, ep))
        return client.health(ep)["jobs"]["completed"] == 6

    wait_for(finished, 90, "all six jobs to be done")
    assert max(seen) == 3
    assert [client.status(ep, job)["output"] for job in jobs] == list(range(6))
    wait_for(lambda: count(client, ep) == 0, 30, "no worker to be left")


def test_dp_085_request_count_formula(client, endpoints):
    ep = endpoints.make(SLEEPER, scalerType="REQUEST_COUNT", scalerValue=4, workersMax=0)
    for _ in range(9):
        client.run(ep, {})
    endpoints.change(ep, workersMax=5)
    wait_for(lambda: count(client, ep) == 3, 10, "ceil(9 / 4) workers")
    stays(client, ep, 3, 2)


def test_dp_086_queue_delay_starts_the_first_worker_at_once(client, endpoints):
    ep = endpoints.make(SLEEPER, scalerType="QUEUE_DELAY", scalerValue=30, workersMax=3)
    assert count(client, ep) == 0
    client.run(ep, {})
    wait_for(lambda: count(client, ep) == 1, 5, "a worker to start long before scalerValue")


def test_dp_087_queue_delay_adds_a_worker_after_the_delay(client, endpoints):
    ep = endpoints.make_python(scalerType="QUEUE_DELAY", scalerValue=4, workersMax=2)
    busy = client.run(ep, {"mock_delay": 14})
    client.wait_status(ep, busy, "IN_PROGRESS", 60)
    submitted = time.monotonic()
    client.run(ep, {"mock_return": 1})
    wait_for(lambda: count(client, ep) == 2, 12, "a second worker")
    assert time.monotonic() - submitted > 3.5


def test_dp_088_minimum_is_kept_beyond_the_idle_timeout(client, endpoints):
    ep = endpoints.make_python(workersMin=1, workersMax=2, idleTimeout=1)
    client.wait_health(ep, lambda health: health["workers"]["ready"] == 1, "the active worker", 60)
    worker = client.wait_terminal(ep, client.run(ep, {"mock_return": 1}))["workerId"]
    stays(client, ep, 1, 4)
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": 2}))["workerId"] == worker


def test_dp_089_zero_maximum_pauses(client, endpoints):
    ep = endpoints.make(SLEEPER, workersMax=0)
    job = client.run(ep, {})
    stays(client, ep, 0, 3)
    assert client.status(ep, job)["status"] == "IN_QUEUE"


def test_dp_090_change_of_the_template_replaces_an_idle_worker(client, endpoints):
    ep = endpoints.make_python(workersMin=1, workersMax=1, idleTimeout=60)
    old = client.wait_terminal(ep, client.run(ep, {"mock_return": 1}), 60)["workerId"]
    template = client.endpoint(ep, "templateId version")
    client.save_template(id=template["templateId"], name="renewed-" + ep, containerDiskInGb=5, volumeInGb=0,
                         env=[{"key": "RELEASE", "value": "2"}])
    assert client.endpoint(ep, "version")["version"] == template["version"] + 1
    wait_for(lambda: client.wait_terminal(ep, client.run(ep, {"mock_return": 2}), 60)["workerId"] != old, 60,
             "a worker of the new release")


def test_dp_090_busy_worker_finishes_before_it_is_replaced(client, server, endpoints):
    """Two workers of one release, one busy: the idle one goes at once, and new jobs go to the new release only."""
    ep = endpoints.make_python(workersMin=2, workersMax=2, idleTimeout=60)
    client.wait_health(ep, lambda health: health["workers"]["ready"] == 2, "both workers", 60)
    old = {pod["id"] for pod in client.endpoint(ep, "pods { id }")["pods"]}
    running = client.run(ep, {"mock_delay": 8, "mock_return": "old"})
    busy = client.wait_status(ep, running, "IN_PROGRESS")["workerId"]
    idle = (old - {busy}).pop()
    endpoints.change(ep, env=[{"key": "RELEASE", "value": "2"}])
    wait_for(lambda: not server.worker_processes(idle), 20, "the idle worker to go")
    assert client.status(ep, running)["status"] == "IN_PROGRESS", "the busy one stays"
    later = [client.wait_terminal(ep, client.run(ep, {"mock_return": n}), 60) for n in range(3)]
    assert not {job["workerId"] for job in later} & old
    status = client.wait_terminal(ep, running)
    assert status["output"] == "old" and status["workerId"] == busy and status.get("retries", 0) == 0
    wait_for(lambda: not server.worker_processes(busy), 20, "the busy worker to go after its job")


def test_dp_091_crashes_at_start_are_backed_off_until_a_release_cures_them(client, endpoints, tmp_path):
    starts = tmp_path / "starts"
    ep = endpoints.make({"imageName": f"process:{tmp_path}", "dockerArgs": "/bin/sh -c 'date +%s%N >> starts; exit 1'"},
                        workersMax=1)
    job = client.run(ep, {"mock_return": "cured"})

    def times() -> list[float]:
        return [int(line) / 1e9 for line in starts.read_text().split()] if starts.exists() else []

    wait_for(lambda: len(times()) >= 4, 30, "four crashes")
    at = times()
    gaps = [later - earlier for earlier, later in zip(at, at[1:])]
    assert all(gap >= 0.95 * 2**n for n, gap in enumerate(gaps)), gaps
    assert client.health(ep)["workers"]["unhealthy"] >= 1
    assert client.status(ep, job)["status"] == "IN_QUEUE"
    template = client.endpoint(ep, "templateId")["templateId"]
    client.save_template(id=template, name="cured-" + ep, containerDiskInGb=5, volumeInGb=0, env=[],
                         **process_template(WORKERS, "mock_worker.py"))
    assert client.wait_terminal(ep, job, 30)["output"] == "cured"
    assert client.health(ep)["workers"]["unhealthy"] == 0
