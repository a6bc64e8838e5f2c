"""Workers with earlier SDKs, on poor machines, and behind a front that refuses: contract/data-plane 2.3, 2.11, 2.14, 8.5."""

import pytest

from endpoints import WORKERS, Endpoints
from front import Front
from penstock import ROOT, process_template, wait_for

OLD_SDKS = ("1.6.2", "1.7.6", "1.9.0")


def old_sdk(version: str) -> list[dict]:
    return [{"key": "PYTHONPATH", "value": str(ROOT / ".venv" / "sdk" / version)}]


@pytest.fixture
def front():
    made = Front()
    yield made
    made.close()


@pytest.fixture
def fronted(front, fresh_server):
    """A server whose workers reach it through the front."""
    server = fresh_server(arguments=("--set", f"server.worker_url={front.url}"))
    front.server_url = server.url
    return server


def test_dp_069_worker_on_a_poor_machine_takes_jobs(client, endpoints):
    worker = process_template(WORKERS, "poor_worker.py")
    poor = endpoints.make(worker, workersMax=1)
    assert client.wait_terminal(poor, client.run(poor, {"mock_return": "here"}))["output"] == "here"
    checked = endpoints.make(worker, workersMax=1, env=[{"key": "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS", "value": "false"}])
    job = client.run(checked, {"mock_return": "never"})
    wait_for(lambda: client.health(checked)["workers"]["unhealthy"] >= 1, 60, "the checks that were asked for to fail")
    assert client.status(checked, job)["status"] == "IN_QUEUE"


def test_dp_074_worker_without_sigterm_handling_is_stopped_when_idle(client, server, endpoints):
    ep = endpoints.make_python(workersMax=1, env=old_sdk("1.6.2"))
    job = client.run(ep, {"mock_delay": 3, "mock_return": "kept"})
    holder = client.wait_status(ep, job, "IN_PROGRESS", 60)["workerId"]
    endpoints.change(ep, workersMax=0)
    status = client.wait_terminal(ep, job)
    assert status["status"] == "COMPLETED" and status["output"] == "kept" and status.get("retries", 0) == 0
    wait_for(lambda: not server.worker_processes(holder), 20, "the idle worker to go")
    assert client.health(ep)["workers"]["unhealthy"] == 0


def test_dp_079_worker_asks_again_five_seconds_after_429(front, fronted):
    client = fronted.client()
    ep = Endpoints(client).make_python(workersMin=1, workersMax=1)
    client.wait_health(ep, lambda health: health["workers"]["ready"] == 1, "the worker to be ready", 60)
    for poll in ("/job-take/", "/job-stop/"):
        front.refuse(poll, 429, times=1)
        refused = wait_for(lambda: front.asked(poll, 429), 30, f"{poll} to be refused")[0]
        after = lambda: [at for at in front.asked(poll) if at > refused]
        assert wait_for(after, 30, "the next one")[0] - refused >= 4.9
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": "after"}))["output"] == "after"


@pytest.mark.parametrize("version", OLD_SDKS)
def test_dp_080_earlier_sdks_do_the_same_job(client, endpoints, version):
    ep = endpoints.make_python(workersMax=1, env=old_sdk(version))
    status = client.wait_terminal(ep, client.run(ep, {"mock_return": {"sdk": version}}))
    assert status["status"] == "COMPLETED" and status["output"] == {"sdk": version}


def test_dp_082_result_survives_a_restart_behind_a_front(front, fronted):
    client = fronted.client()
    ep = Endpoints(client).make_python(workersMax=1)
    job = client.run(ep, {"mock_delay": 3, "mock_return": "kept"})
    client.wait_status(ep, job, "IN_PROGRESS", 60)
    front.refuse("/v2/", 503)
    fronted.terminate()
    fronted.start()
    wait_for(lambda: front.asked("/job-done/", 503), 30, "the result to be refused")
    front.let_pass("/v2/")
    status = client.wait_terminal(ep, job)
    assert status["status"] == "COMPLETED" and status["output"] == "kept" and status.get("retries", 0) == 0
