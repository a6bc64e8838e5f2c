"""Worker protocol with the unmodified SDK: contract/data-plane 8.5."""

import json
import os
import signal
import subprocess
import time

import pytest

from endpoints import WORKERS, Endpoints
from penstock import VENV_PYTHON, wait_for


@pytest.fixture
def sdk_process(tmp_path):
    """sdk_process(client, endpoint, *flags): an SDK worker that the test started itself, as an external worker."""
    running = []

    def start(client, endpoint_id: str, *flags: str):
        attached = client.attach_worker(endpoint_id)
        log = tmp_path / f"{attached['workerId']}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen([str(VENV_PYTHON), "-u", "mock_worker.py", *flags], cwd=WORKERS, stdout=out,
                                       stderr=out, env={**os.environ, **attached["environment"]}, start_new_session=True)
        running.append(process)
        return attached["workerId"], process, log

    yield start
    for process in running:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def test_dp_049_idle_worker_polls_quietly(fresh_server, sdk_process):
    """The hold is one second instead of 25; what counts is that every poll is held, and that nothing is an error."""
    server = fresh_server({"workers.poll_hold_ms": 1000})
    client = server.client()
    endpoint = Endpoints(client).make()
    _, _, log = sdk_process(client, endpoint)

    def polls() -> int:
        return log.read_text().count("rp_job | get_job:")

    wait_for(lambda: polls() >= 1, 30, "the worker's first poll")
    first = time.monotonic()
    wait_for(lambda: polls() >= 6, 30, "five more polls")
    assert time.monotonic() - first > 4.5, "polls are not held"
    text = log.read_text()
    assert '"ERROR"' not in text and "ERROR " not in text, text
    assert "Received 204 status" in text
    assert client.health(endpoint)["workers"]["idle"] == 1


def test_dp_052_four_jobs_run_at_once_on_one_worker(client, endpoints):
    ep = endpoints.make_python(("--async", "--concurrency", "4"), workersMin=1, workersMax=1)
    client.wait_health(ep, lambda health: health["workers"]["ready"] == 1, "the worker to be ready", 60)
    jobs = [client.run(ep, {"mock_return": n, "mock_delay": 4}) for n in range(6)]
    client.wait_health(ep, lambda h: h["jobs"]["inProgress"] == 4 and h["workers"]["running"] == 1, "four at once")
    assert [client.wait_terminal(ep, job)["output"] for job in jobs] == list(range(6))


def test_dp_057_error_key_of_a_handler(client, mock):
    status = client.wait_terminal(mock, client.run(mock, {"mock_return": {"error": "bad", "x": 1}}))
    assert status["status"] == "FAILED" and status["error"] == "bad" and status["output"] == {"x": 1}


def test_dp_058_error_object_of_a_handler(client, mock):
    status = client.wait_terminal(mock, client.run(mock, {"mock_return": {"error": {"code": 1}}}))
    assert status["status"] == "FAILED" and "code" in status["error"]


def test_dp_059_exception_of_a_handler(client, mock):
    status = client.wait_terminal(mock, client.run(mock, {"mock_error": "broken on purpose"}))
    assert status["status"] == "FAILED"
    report = json.loads(status["error"])
    assert {"error_type", "error_message", "error_traceback", "hostname", "worker_id", "runpod_version"} <= set(report)
    assert report["error_message"] == "broken on purpose" and report["worker_id"] == status["workerId"]


def test_dp_064_output_that_cannot_be_sent(client, endpoints):
    """The worker never posts: the lease ends, the job is handed out once more, and then given up."""
    ep = endpoints.make_python()
    status = client.wait_terminal(ep, client.run(ep, {"mock_unserialisable": True}), timeout=60)
    assert status["status"] == "FAILED" and status["retries"] == 1


def test_dp_065_progress_of_the_sdk(client, mock):
    job = client.run(mock, {"mock_progress": {"step": 1}, "mock_delay": 3, "mock_return": "end"})
    wait_for(lambda: client.status(mock, job).get("output") == {"step": 1}, 60, "the progress in /status")
    assert client.wait_terminal(mock, job)["output"] == "end"


def test_dp_070_killed_worker_is_replaced(client, server, endpoints):
    ep = endpoints.make_python()
    job = client.run(ep, {"mock_delay": 4, "mock_return": "survived"})
    first = client.wait_status(ep, job, "IN_PROGRESS", 60)
    server.kill_worker(first["workerId"])
    status = client.wait_terminal(ep, job)
    assert status["status"] == "COMPLETED" and status["output"] == "survived"
    assert status["retries"] == 1 and status["workerId"] != first["workerId"]
    assert status["delayTime"] > first["delayTime"]


def test_dp_070_crashing_handler_fails_after_one_retry(client, endpoints):
    ep = endpoints.make_python()
    status = client.wait_terminal(ep, client.run(ep, {"mock_crash": True}))
    assert status["status"] == "FAILED" and status["retries"] == 1
    assert status["error"] == "job timed out after 1 retries"


def test_dp_072_idle_worker_leaves_quickly_and_loses_nothing(client, server, endpoints):
    ep = endpoints.make_python(idleTimeout=1)
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": 1}))["output"] == 1
    wait_for(lambda: not client.endpoint(ep, "pods { id }")["pods"], 20, "the idle worker to go")
    assert client.health(ep)["workers"]["unhealthy"] == 0
    status = client.wait_terminal(ep, client.run(ep, {"mock_return": 2}))
    assert status["output"] == 2 and status.get("retries", 0) == 0


def test_dp_072_sigterm_ends_a_released_worker(client, endpoints, sdk_process):
    ep = endpoints.make()
    worker_id, process, log = sdk_process(client, ep)
    client.wait_health(ep, lambda health: health["workers"]["ready"] == 1, "the worker to be ready")
    process.send_signal(signal.SIGTERM)
    client.detach_worker(ep, worker_id)
    assert process.wait(15) == 0, log.read_text()[-2000:]


def test_dp_073_busy_worker_finishes_before_it_goes(client, server, endpoints):
    ep = endpoints.make_python(workersMax=1)
    running = client.run(ep, {"mock_return": "finished", "mock_delay": 4})
    holder = client.wait_status(ep, running, "IN_PROGRESS", 60)["workerId"]
    endpoints.change(ep, workersMin=0, workersMax=0)
    waiting = client.run(ep, {"mock_return": "later"})
    status = client.wait_terminal(ep, running)
    assert status["status"] == "COMPLETED" and status["output"] == "finished" and status.get("retries", 0) == 0
    wait_for(lambda: not server.worker_processes(holder), 20, "the drained worker to exit")
    assert client.status(ep, waiting)["status"] == "IN_QUEUE"


def test_dp_075_refresh_replaces_the_worker(client, server, endpoints):
    ep = endpoints.make_python()
    status = client.wait_terminal(ep, client.run(ep, {"mock_refresh": True, "mock_return": {"r": 1}}))
    assert status["status"] == "COMPLETED" and status["output"] == {"r": 1}
    wait_for(lambda: not server.worker_processes(status["workerId"]), 20, "the refreshed worker to go")
    after = client.wait_terminal(ep, client.run(ep, {"mock_return": "next"}))
    assert after["output"] == "next" and after["workerId"] != status["workerId"]


def test_dp_076_refresh_by_configuration_is_no_crash(client, endpoints):
    ep = endpoints.make_python(("--refresh_worker",))
    first = client.wait_terminal(ep, client.run(ep, {"mock_return": 1}))
    second = client.wait_terminal(ep, client.run(ep, {"mock_return": 2}))
    assert (first["output"], second["output"]) == (1, 2) and first["workerId"] != second["workerId"]
    assert client.health(ep)["workers"]["unhealthy"] == 0


def test_dp_083_log_lines_of_a_job(client, server, mock):
    first, second = (client.run(mock, {"mock_return": n}) for n in range(2))
    status = [client.wait_terminal(mock, job) for job in (first, second)]
    url = f"{server.url}/penstock/v1/endpoints/{mock}/workers/{status[0]['workerId']}/logs"

    def lines(**query) -> list[str]:
        answer = client.http.get(url, params=query, headers={"Authorization": f"Bearer {server.key}"}, timeout=30)
        assert answer.status_code == 200, answer.text
        assert answer.json()["workerId"] == status[0]["workerId"]
        return answer.json()["container"]

    wait_for(lambda: any("Finished." in line for line in lines(job=first)), 20, "the last line of the job")
    told = [json.loads(line) for line in lines(job=first)]
    assert {line["requestId"] for line in told} == {first}
    assert {"Started.", "Finished."} <= {line["message"] for line in told}
    every = lines(tail=5000)
    assert any("Starting Serverless Worker" in line for line in every)
    assert lines(job=first, tail=1) == lines(job=first)[-1:]
    assert lines(tail=2) == every[-2:] or len(lines(tail=2)) == 2
    for query, code in (("?tail=5001", 400), ("?job=a%20b", 400)):
        assert client.http.get(url + query, headers={"Authorization": server.key}, timeout=30).status_code == code
    elsewhere = url.replace(status[0]["workerId"], "unknown")
    assert client.http.get(elsewhere, headers={"Authorization": server.key}, timeout=30).status_code == 404
    assert client.http.get(elsewhere + f"?job={first}", headers={"Authorization": server.key}, timeout=30).status_code == 404
    assert client.http.get(url, timeout=30).status_code == 401
