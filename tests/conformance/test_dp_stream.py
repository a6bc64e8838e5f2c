"""/stream: contract/data-plane 8.3. Cases of the JavaScript client are in test_js_client.py."""

import asyncio
import threading
import time

import aiohttp
import pytest
import requests

SEVEN = [{"n": n} for n in range(7)]


def outputs(page: dict) -> list:
    return [element["output"] for element in page["stream"]]


def drain(client, ep: str, job: str, timeout: float = 30) -> tuple[list, dict]:
    """Reads until terminal and empty, as the Python client does. Returns the values and the last answer."""
    values, deadline = [], time.monotonic() + timeout
    while time.monotonic() < deadline:
        page = client.ok("GET", f"{ep}/stream/{job}?wait=1000")
        values += outputs(page)
        if page["status"] not in ("IN_QUEUE", "IN_PROGRESS") and not page["stream"]:
            return values, page
    raise AssertionError(f"/stream of {job} did not end in {timeout:g} s; got {values}")


def test_dp_024_stream_of_a_queued_job_is_held_for_less_than_ten_seconds(client, ep):
    job = client.run(ep, {})
    before = time.monotonic()
    page = client.ok("GET", f"{ep}/stream/{job}")
    took = time.monotonic() - before
    assert page["status"] == "IN_QUEUE" and page["stream"] == []
    assert 1 < took < 10


def test_dp_025_python_client_gets_every_chunk_in_order(sdk, shared_endpoints):
    ep = shared_endpoints.shared_python("--generator", "--return_aggregate_stream")
    job = sdk.Endpoint(ep).run({"mock_chunks": SEVEN, "mock_chunk_delay": 0.3})
    assert list(job.stream()) == SEVEN


def test_dp_025_python_async_client_gets_every_chunk_in_order(sdk, shared_endpoints):
    ep = shared_endpoints.shared_python("--generator", "--return_aggregate_stream")

    async def drive():
        async with aiohttp.ClientSession() as session:
            job = await sdk.AsyncioEndpoint(ep, session).run({"mock_chunks": SEVEN, "mock_chunk_delay": 0.3})
            return [chunk async for chunk in job.stream()]

    assert asyncio.run(drive()) == SEVEN


def test_dp_026_a_held_stream_answers_when_a_chunk_comes(client, ep, worker):
    """The rate of a client that loops without pause is bounded by the chunks, not by the client."""
    job = client.run(ep, {})
    pages = []

    def read():
        while not pages or pages[-1]["status"] in ("IN_QUEUE", "IN_PROGRESS"):
            pages.append(client.ok("GET", f"{ep}/stream/{job}?wait=5000"))

    reader = threading.Thread(target=read)
    reader.start()
    worker.take_job()
    for n in range(7):
        worker.chunk(job, n)
    worker.done(job, {"output": []}, stream=True)
    reader.join(20)
    assert not reader.is_alive()
    assert [value for page in pages for value in outputs(page)] == list(range(7))
    assert len(pages) <= 10


def test_dp_027_first_terminal_answer_carries_all_chunks(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    for n in range(5):
        worker.chunk(job, {"n": n})
    worker.done(job, {"output": []}, stream=True)
    first = client.ok("GET", f"{ep}/stream/{job}")
    assert first["status"] == "COMPLETED" and outputs(first) == [{"n": n} for n in range(5)]
    assert client.ok("GET", f"{ep}/stream/{job}") == {"status": "COMPLETED", "stream": []}


def test_dp_027_elements_keep_their_siblings(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    worker.post("RUNPOD_WEBHOOK_POST_STREAM", job, {"output": "text", "metrics": {"tokens": 3}})
    worker.done(job, {"output": []}, stream=True)
    assert client.ok("GET", f"{ep}/stream/{job}")["stream"] == [{"output": "text", "metrics": {"tokens": 3}}]


def test_dp_028_a_chunk_is_not_lost_with_the_connection_that_waited(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.call("GET", f"{ep}/stream/{job}?wait=10000", timeout=0.5)
    worker.chunk(job, "kept")
    assert outputs(client.ok("GET", f"{ep}/stream/{job}")) == ["kept"]


def test_dp_029_generator_that_raises(client, shared_endpoints):
    ep = shared_endpoints.shared_python("--generator", "--return_aggregate_stream")
    job = client.run(ep, {"mock_chunks": ["a", "b"], "mock_error": "broke"})
    values, last = drain(client, ep, job)
    assert values == ["a", "b"]
    assert last["status"] == "FAILED" and last["stream"] == []
    status = client.status(ep, job)
    assert status["status"] == "FAILED"
    assert "handler:" in status["error"] and "traceback:" in status["error"]


@pytest.mark.parametrize("flags,expected", [
    (("--generator",), []),
    (("--generator", "--return_aggregate_stream"), ["value1", "value2", "value3"]),
    (("--async_generator",), []),
    (("--async_generator", "--return_aggregate_stream"), ["value1", "value2", "value3"]),
], ids=lambda value: "+".join(value) if isinstance(value, tuple) else "")
def test_dp_030_output_of_a_generator(client, shared_endpoints, endpoints, flags, expected):
    shared = "--generator" in flags and "--return_aggregate_stream" in flags
    ep = shared_endpoints.shared_python(*flags) if shared else endpoints.make_python(flags)
    job = client.run(ep, {"a": 1})
    status = client.wait_terminal(ep, job)
    assert status["status"] == "COMPLETED" and status["output"] == expected
    assert drain(client, ep, job)[0] == ["value1", "value2", "value3"]


def test_dp_031_stream_of_a_plain_handler_is_empty(client, sdk, mock):
    job = sdk.Endpoint(mock).run({"mock_return": "plain", "mock_delay": 1})
    assert list(job.stream()) == []
    assert client.ok("GET", f"{mock}/stream/{job.job_id}") == {"status": "COMPLETED", "stream": []}
