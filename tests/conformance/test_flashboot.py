"""How workers start: the phases of every start, and FLASHBOOT, with the real SDK worker."""

import datetime
import json
import subprocess
from pathlib import Path

import pytest

from endpoints import Endpoints
from penstock import binary, is_running, wait_for

PHASES = ("decidedAt", "placedAt", "launchedAt", "upAt", "firstPollAt", "firstJobAt")


def test_phases_of_a_new_worker(server, client, endpoints):
    ep = endpoints.make_python(idleTimeout=60)
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": 1}), timeout=60)["output"] == 1
    found = client.workers_of(ep)
    start = found["workers"][0]["start"]
    assert start["kind"] in ("spawned", "forked")  # other tests have started such workers
    instants = [start[phase] for phase in PHASES]
    assert None not in instants and instants == sorted(instants), start
    [cold] = found["coldStarts"]
    assert cold["kind"] == start["kind"] and cold["count"] == 1
    assert 0 < cold["ready"]["p50Ms"] == cold["ready"]["p95Ms"]

    shown = subprocess.run([binary(), "workers", ep, "--url", server.url, "--api-key", server.key],
                           capture_output=True, text=True, timeout=30)
    assert shown.returncode == 0, shown.stderr
    assert found["workers"][0]["id"] in shown.stdout and "cold starts" in shown.stdout
    as_json = subprocess.run([binary(), "workers", ep, "--url", server.url, "--api-key", server.key, "--json"],
                             capture_output=True, text=True, timeout=30)
    assert json.loads(as_json.stdout)["coldStarts"] == found["coldStarts"]


def test_workers_of_an_unknown_endpoint(server):
    shown = subprocess.run([binary(), "workers", "nothere", "--url", server.url, "--api-key", server.key],
                           capture_output=True, text=True, timeout=30)
    assert shown.returncode == 1 and "not found" in shown.stderr


def only_worker(client, endpoint: str) -> dict:
    [worker] = client.workers_of(endpoint)["workers"]
    return worker


def is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


def frozen_endpoint(server, **fields):
    """An endpoint with FLASHBOOT whose one worker did a job and is frozen. Gives the client, the endpoint and the worker."""
    client = server.client()
    ep = Endpoints(client).make_python(flashBootType="FLASHBOOT", idleTimeout=1, workersMax=1, **fields)
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": 1}), timeout=60)["output"] == 1
    worker = wait_for(lambda: next((w for w in client.workers_of(ep)["workers"] if w["status"] == "frozen"), None), 30,
                      "the worker to be frozen")
    pids = server.worker_processes(worker["id"])
    assert pids
    wait_for(lambda: all(map(is_stopped, pids)), 10, "all of its processes to stop")
    return client, ep, worker


def test_an_idle_sdk_worker_is_frozen_and_thawed(fresh_server):
    server = fresh_server()
    client, ep, worker = frozen_endpoint(server)
    wait_for(lambda: only_worker(client, ep)["frozen"].get("residentBytes", 0) > 0, 30, "its memory to be told")
    assert client.health(ep)["workers"] | {"idle": 1, "ready": 0, "running": 0} == client.health(ep)["workers"]
    done = client.wait_terminal(ep, client.run(ep, {"mock_return": 2}), timeout=30)
    assert done["output"] == 2 and done["workerId"] == worker["id"]
    kinds = {kind["kind"]: kind["count"] for kind in client.workers_of(ep)["coldStarts"]}
    assert kinds == {"spawned": 1, "thawed": 1}


def test_a_job_after_the_polls_time_is_not_lost(fresh_server):
    """The poll that was open when the worker was frozen is given up by then: the next one gets the job."""
    server = fresh_server({"workers.frozen_poll_hold_ms": 0})
    client, ep, worker = frozen_endpoint(server)
    for n in range(3):
        done = client.wait_terminal(ep, client.run(ep, {"mock_return": n}), timeout=30)
        assert done["output"] == n and done["workerId"] == worker["id"] and "retries" not in done
        wait_for(lambda: only_worker(client, ep)["status"] == "frozen", 30, "it to be frozen again")


def test_neither_lease_nor_ping_ends_a_frozen_worker(fresh_server):
    server = fresh_server()  # a lease is four seconds here
    client, ep, worker = frozen_endpoint(server)
    wait_for(lambda: age_ms(only_worker(client, ep)["frozen"]["since"]) > 6_000, 30, "six seconds of frost")
    assert only_worker(client, ep)["id"] == worker["id"] and only_worker(client, ep)["status"] == "frozen"
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": 3}), timeout=30)["workerId"] == worker["id"]


def age_ms(instant: str) -> float:
    then = datetime.datetime.fromisoformat(instant.replace("Z", "+00:00"))
    return (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds() * 1000


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_frozen_worker_is_adopted_and_thawed(fresh_server, end):
    server = fresh_server()
    client, ep, worker = frozen_endpoint(server)
    pids = server.worker_processes(worker["id"])
    server.kill() if end == "kill" else server.terminate()
    assert all(map(is_stopped, pids)), "it stays as it is while there is no server"
    server.start()
    client = server.client()
    assert only_worker(client, ep)["status"] == "frozen"
    done = client.wait_terminal(ep, client.run(ep, {"mock_return": 4}), timeout=30)
    assert done["output"] == 4 and done["workerId"] == worker["id"]


def test_a_frozen_worker_is_drained(fresh_server):
    server = fresh_server()
    client, ep, worker = frozen_endpoint(server)
    pids = server.worker_processes(worker["id"])
    client.save_endpoint(id=ep, name="drained", gpuIds="AMPERE_16", workersMin=0, workersMax=0,
                         templateId=client.endpoint(ep, "templateId")["templateId"])
    wait_for(lambda: not client.workers_of(ep)["workers"], 30, "the worker to go")
    assert not any(map(is_running, pids))
    assert "is stopped: workersMax is 0" in server.log_text()


def test_another_endpoint_gets_the_gpu_of_a_frozen_worker(fresh_server):
    server = fresh_server(gpus="1xAMPERE_16")
    client, ep, worker = frozen_endpoint(server)
    other = Endpoints(client).make_python(workersMax=1, idleTimeout=1)
    assert client.wait_terminal(other, client.run(other, {"mock_return": 5}), timeout=60)["output"] == 5
    assert not client.workers_of(ep)["workers"]
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": 6}), timeout=60)["output"] == 6


def test_with_the_setting_at_zero_it_is_ended(fresh_server):
    server = fresh_server({"workers.frozen_for_s": 0})
    client = server.client()
    ep = Endpoints(client).make_python(flashBootType="FLASHBOOT", idleTimeout=1, workersMax=1)
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": 1}), timeout=60)["output"] == 1
    wait_for(lambda: not client.workers_of(ep)["workers"], 30, "the worker to go")
    assert "is frozen" not in server.log_text()
