"""runsync and status-sync: contract/data-plane 8.2."""

import threading
import time

import pytest
import requests


def test_dp_016_runsync_answers_with_the_terminal_object(client, mock):
    job = client.ok("POST", f"{mock}/runsync", {"input": {"mock_return": "now", "mock_delay": 1}})
    assert job["status"] == "COMPLETED" and job["output"] == "now"
    assert job["id"].startswith("sync-")
    assert job["executionTime"] >= 1000 and isinstance(job["workerId"], str)


def test_dp_017_python_run_sync_polls_after_the_hold(sdk, ep, worker, monkeypatch):
    """The client's own code path, with a hold of one second instead of 90: a non-terminal answer, then /status."""
    import runpod.endpoint.runner as runner
    real_post, real_get = runner.RunPodClient.post, runner.RunPodClient.get
    polled = threading.Event()

    def post(self, path, data, timeout=10):
        return real_post(self, path.replace("/runsync", "/runsync?wait=1000"), data, timeout)

    def get(self, *arguments, **options):
        polled.set()
        return real_get(self, *arguments, **options)

    monkeypatch.setattr(runner.RunPodClient, "post", post)
    monkeypatch.setattr(runner.RunPodClient, "get", get)

    def serve():
        job = worker.take_job()
        polled.wait(30)
        worker.finish(job["id"], "after the hold")

    serving = threading.Thread(target=serve)
    serving.start()
    assert sdk.Endpoint(ep).run_sync({"a": 1}, timeout=30) == "after the hold"
    serving.join()
    assert polled.is_set()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_dp_017_default_hold_is_90_seconds(client, ep):
    before = time.monotonic()
    answer = client.ok("POST", f"{ep}/runsync", {"input": {}}, timeout=120)
    assert 85 < time.monotonic() - before < 100
    assert answer["status"] == "IN_QUEUE"


def test_dp_018_wait_of_a_second_without_worker(client, ep):
    before = time.monotonic()
    answer = client.ok("POST", f"{ep}/runsync?wait=1000", {"input": {}})
    took = time.monotonic() - before
    assert answer["status"] == "IN_QUEUE" and answer["id"].startswith("sync-")
    assert 1.0 <= took < 2.5


def test_dp_019_small_wait_is_raised_to_a_second(client, ep):
    before = time.monotonic()
    answer = client.ok("POST", f"{ep}/runsync?wait=1", {"input": {}})
    assert answer["status"] == "IN_QUEUE" and 1.0 <= time.monotonic() - before < 2.5


@pytest.mark.parametrize("wait", ["999999", "abc", "-5", "", "1e3", "99999999999999999999"])
def test_dp_019_odd_waits_are_never_an_error(client, ep, worker, wait):
    """The hold is longer than the test: the answer comes because the job ends."""
    answers = []
    asking = threading.Thread(target=lambda: answers.append(client.call("POST", f"{ep}/runsync?wait={wait}",
                                                                        {"input": {}})))
    asking.start()
    worker.finish(worker.take_job()["id"], "done")
    asking.join(30)
    assert answers and answers[0].status_code == 200
    assert answers[0].json()["status"] in ("COMPLETED", "IN_QUEUE", "IN_PROGRESS")


def test_dp_021_status_sync_holds_until_terminal(client, ep, worker):
    job = client.run(ep, {})
    answers = []
    asking = threading.Thread(target=lambda: answers.append(client.ok("GET", f"{ep}/status-sync/{job}?wait=20000")))
    asking.start()
    worker.finish(worker.take_job()["id"], 7)
    asking.join(10)
    assert answers and answers[0]["status"] == "COMPLETED" and answers[0]["output"] == 7


def test_dp_021_status_sync_gives_up_after_wait(client, ep):
    job = client.run(ep, {})
    before = time.monotonic()
    assert client.ok("GET", f"{ep}/status-sync/{job}?wait=1000")["status"] == "IN_QUEUE"
    assert 1.0 <= time.monotonic() - before < 2.5


def test_dp_022_job_outlives_the_runsync_connection(client, ep, worker):
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.call("POST", f"{ep}/runsync", {"input": {"kept": True}}, timeout=0.5)
    taken = worker.take_job()
    assert taken["input"] == {"kept": True}
    worker.finish(taken["id"], "still here")
    assert client.status(ep, taken["id"])["output"] == "still here"


def test_dp_023_failed_job_through_run_sync(client, sdk, mock):
    assert sdk.Endpoint(mock).run_sync({"mock_error": "broken on purpose"}, timeout=60) is None
    job = client.ok("POST", f"{mock}/runsync", {"input": {"mock_error": "broken on purpose"}})
    assert job["status"] == "FAILED" and isinstance(job["error"], str) and "broken on purpose" in job["error"]
