"""How an application that uses a serverless endpoint is tested without one: the runpod SDK, unmodified, against Penstock on
a virtual clock. No test waits for anything."""

import time

import pytest
import runpod


@pytest.fixture(scope="module")
def images(penstock):
    runpod.api_key = penstock.key
    runpod.endpoint_url_base = f"{penstock.url}/v2"
    return runpod.Endpoint(penstock.make_endpoint("images"))


def test_an_image_comes_after_a_cold_start(penstock, images):
    job = images.run({"input": {"prompt": "a boat"}})
    penstock.advance(5)
    assert job.status() == "IN_QUEUE"  # the model still loads
    penstock.advance(10)
    assert job.status() == "COMPLETED"
    assert job.output() == {"image": "https://example.com/1.png"}


def test_an_error_of_the_handler_reaches_the_application(penstock, images):
    job = images.run({"input": {"prompt": "boom"}})
    penstock.advance(30)
    assert job.status() == "FAILED"
    assert penstock.get(f"/v2/{images.endpoint_id}/status/{job.job_id}")["error"] == "CUDA out of memory"


def test_a_job_that_kills_its_workers_fails_in_the_end(penstock, images):
    job = images.run({"input": {"prompt": "kill the worker"}})
    penstock.advance(120)
    assert job.status() == "FAILED"


def test_a_worker_that_crashes_at_start_is_replaced(penstock):
    endpoint = runpod.Endpoint(penstock.make_endpoint("flaky"))
    job = endpoint.run({"input": {"n": 1}})
    penstock.advance(2.5)
    why = penstock.get(f"/penstock/v1/jobs/{job.job_id}/why")
    assert why["waitReason"]["code"] == "CRASH_LOOP"
    penstock.advance(10)
    assert job.output() == {"n": 1}  # what no script says comes back as it went in


def test_a_day_of_traffic(penstock):
    endpoint = penstock.make_endpoint("busy", scalerType="REQUEST_COUNT", scalerValue=4)
    most = 0
    begun = time.monotonic()
    for hour in range(24):
        for _ in range(20 if 8 <= hour < 18 else 1):
            penstock.post(f"/v2/{endpoint}/run", {"input": {"hour": hour}})
        penstock.advance(1)  # the scaler has answered, the workers still load
        workers = penstock.get(f"/v2/{endpoint}/health")["workers"]
        most = max(most, workers["initializing"])
        penstock.advance(3599)
    health = penstock.get(f"/v2/{endpoint}/health")
    assert most == 3  # workersMax
    assert health["jobs"]["completed"] == 10 * 20 + 14
    assert health["workers"]["idle"] == 0  # all have gone, after idleTimeout
    print(f"a day took {time.monotonic() - begun:.2f} s")
