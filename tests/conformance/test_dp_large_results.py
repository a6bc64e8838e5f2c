"""Results that are too large for memory: spooled to a file, streamed inline up to a limit, given as a URL above it."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import requests

from endpoints import Endpoints
from penstock import wait_for

MB = 1_000_000


def body_of(output_bytes: int, end: bytes = b'"}'):
    """A job-done body with a string of so many bytes, in pieces."""
    yield b'{"output":"'
    piece = b"x" * MB
    for _ in range(output_bytes // MB):
        yield piece
    yield b"x" * (output_bytes % MB) + end


def post_result(worker, job: str, output_bytes: int, chunked: bool = False, end: bytes = b'"}') -> requests.Response:
    url = worker.environment["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$RUNPOD_POD_ID", worker.id).replace("$ID", job)
    headers = {"Authorization": worker.key, "Content-Type": "application/x-www-form-urlencoded"}
    body = body_of(output_bytes, end)
    return requests.post(url + "&isStream=false", data=body if chunked else b"".join(body), headers=headers, timeout=100)


def anonymous_bytes(server) -> int:
    """What the process has allocated: its memory without the pages of files."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024


def spooled(server) -> list[str]:
    directory = server.data / "spool"
    return sorted(os.listdir(directory)) if directory.exists() else []


class Set:
    """A server with an endpoint and a worker of the test's own."""

    def __init__(self, server):
        self.server = server
        self.endpoints = Endpoints(server.client())
        self.client = self.endpoints.client
        self.ep = self.endpoints.make()
        self.worker = self.endpoints.worker(self.ep)

    def finish(self, output_bytes: int, **options) -> str:
        job = self.client.run(self.ep, {})
        self.worker.take_job()
        answer = post_result(self.worker, job, output_bytes, **options)
        assert answer.status_code == 200, answer.text
        self.worker.held.remove(job)
        return job


@pytest.fixture
def small(fresh_server):
    """Limits so small that a test is quick."""
    return Set(fresh_server({"jobs.spool_mb": 1, "jobs.inline_mb": 3, "jobs.result_mb": 20, "jobs.result_sweep_s": 1}))


def test_a_result_of_300_mb_costs_little_memory(fresh_server):
    own = Set(fresh_server())
    before = anonymous_bytes(own.server)
    job = own.client.run(own.ep, {})
    own.worker.take_job()
    post = subprocess.Popen(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: {own.worker.key}", "-T", "-",
                             "-X", "POST", own.worker.environment["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$ID", job) + "&isStream=false"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    most = 0
    for piece in body_of(300 * MB):
        post.stdin.write(piece)
        most = max(most, anonymous_bytes(own.server))
    out, _ = post.communicate(timeout=60)
    assert out == b"200"
    status = own.client.status(own.ep, job)
    assert status["status"] == "COMPLETED" and "output" not in status
    assert status["outputBytes"] == 300 * MB + 2 and "jobs.inline_mb" in status["note"]
    with requests.get(status["outputUrl"], stream=True, timeout=60) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
        size = 0
        for piece in answer.iter_content(MB):
            size += len(piece)
            most = max(most, anonymous_bytes(own.server))
    assert size == 300 * MB + 2
    assert most - before < 60 * MB, f"{(most - before) // MB} MB more than before"
    own.endpoints.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_up_to_a_limit_it_is_inline(small, chunked):
    job = small.finish(2 * MB, chunked=chunked)
    assert len(spooled(small.server)) == 1
    status = small.client.status(small.ep, job)
    assert status["output"] == "x" * (2 * MB) and status["status"] == "COMPLETED"
    assert isinstance(status["executionTime"], int) and isinstance(status["workerId"], str)
    assert "outputUrl" not in status
    assert small.client.ok("GET", f"{small.ep}/status-sync/{job}") == status
    again = requests.get(f"{small.client.url}/v2/{small.ep}/status/{job}", headers={"Authorization": small.client.key}, timeout=30)
    assert again.headers["content-type"] == "application/json" and again.json() == status


def test_runsync_answers_with_it(small):
    held = subprocess.Popen(["curl", "-s", "-H", f"Authorization: {small.client.key}", "-d", "{}",
                             f"{small.client.url}/v2/{small.ep}/runsync"], stdout=subprocess.PIPE)
    job = small.worker.take_job()["id"]
    assert post_result(small.worker, job, 2 * MB).status_code == 200
    assert json.loads(held.communicate(timeout=30)[0])["output"] == "x" * (2 * MB)


def test_a_small_result_makes_no_file(small):
    job = small.finish(MB // 2)
    assert spooled(small.server) == []
    assert small.client.status(small.ep, job)["output"] == "x" * (MB // 2)


def test_the_url_is_signed_and_expires(small, fresh_server):
    job = small.finish(4 * MB)
    url = small.client.status(small.ep, job)["outputUrl"]
    assert requests.get(url, timeout=30).json() == "x" * (4 * MB)
    for wrong in (url[:-1] + ("0" if url[-1] != "0" else "1"), url.split("?")[0], re.sub(r"expires=\d+", "expires=99999999999", url),
                  url.replace("signature=", "signature=é"), url.replace("expires=", "expires=x")):
        answer = requests.get(wrong, timeout=30)
        assert answer.status_code == 403 and "signed" in answer.json()["error"]
    other = Set(fresh_server({"jobs.spool_mb": 1, "jobs.inline_mb": 1, "jobs.result_url_s": 1}))
    url = other.client.status(other.ep, other.finish(2 * MB))["outputUrl"]
    wait_for(lambda: requests.get(url, timeout=30).status_code == 403, 10, "the URL to expire")


def test_it_survives_kill_9(small):
    job = small.finish(4 * MB)
    small.server.kill()
    small.server.start()
    client = small.server.client()
    assert requests.get(client.status(small.ep, job)["outputUrl"], timeout=30).json() == "x" * (4 * MB)


def test_files_go_with_their_jobs_and_orphans_at_the_start(small):
    kept, forgotten = small.finish(2 * MB), small.finish(2 * MB)
    (small.server.data / "spool" / f"{small.ep}.nosuchjob.abc").write_bytes(b"left by a crash")
    assert len(spooled(small.server)) == 3
    small.client.ok("GET", f"{small.ep}/status/{forgotten}?ttl=0")
    small.server.kill()
    small.server.start()
    wait_for(lambda: len(spooled(small.server)) == 1, 10, "files that no job names to go")
    assert kept in spooled(small.server)[0]
    assert small.server.client().status(small.ep, kept)["output"] == "x" * (2 * MB)


def test_a_late_result_leaves_no_file(small):
    job = small.client.run(small.ep, {})
    small.worker.take_job()
    small.client.ok("POST", f"{small.ep}/cancel/{job}")
    assert post_result(small.worker, job, 2 * MB).status_code == 200
    assert spooled(small.server) == []
    assert small.client.status(small.ep, job)["status"] == "CANCELLED"


def test_what_is_no_json_fails_the_job(small):
    job = small.client.run(small.ep, {})
    small.worker.take_job()
    answer = post_result(small.worker, job, 2 * MB, end=b'",NaN}')
    assert answer.status_code == 400
    status = small.client.status(small.ep, job)
    assert status["status"] == "FAILED" and "invalid JSON" in status["error"]
    assert spooled(small.server) == []


def test_an_error_beside_a_large_output(small):
    job = small.finish(2 * MB, end=b'","error":"broke"}')
    status = small.client.status(small.ep, job)
    assert (status["status"], status["error"], len(status["output"])) == ("FAILED", "broke", 2 * MB)


@pytest.mark.parametrize("chunked", [False, True])
def test_beyond_the_limit_it_is_refused(small, chunked):
    job = small.client.run(small.ep, {})
    small.worker.take_job()
    answer = post_result(small.worker, job, 30 * MB, chunked=chunked)
    assert answer.status_code == 413 and "jobs.result_mb" in answer.json()["error"]
    assert spooled(small.server) == []
    status = small.client.wait_status(small.ep, job, "FAILED", 2)  # at once, and not when its lease ends
    assert "jobs.result_mb" in status["error"] and ("30000013 bytes" in status["error"]) != chunked


@pytest.mark.parametrize("chunked", [False, True])
def test_a_stream_chunk_beyond_the_limit_fails_its_job(small, chunked):
    job = small.client.run(small.ep, {})
    small.worker.take_job()
    url = small.worker.environment["RUNPOD_WEBHOOK_POST_STREAM"].replace("$RUNPOD_POD_ID", small.worker.id).replace("$ID", job)
    body = body_of(30 * MB)
    answer = requests.post(url + "&isStream=false", data=body if chunked else b"".join(body), timeout=100,
                           headers={"Authorization": small.worker.key})
    assert answer.status_code == 413
    status = small.client.wait_status(small.ep, job, "FAILED", 2)
    assert status["error"].startswith("a stream chunk is")


def test_a_stranger_fills_no_disk(small):
    job = small.client.run(small.ep, {})
    small.worker.take_job()
    small.worker.key = "wrong"
    before = time.monotonic()
    assert post_result(small.worker, job, 5 * MB).status_code == 401
    assert spooled(small.server) == [] and time.monotonic() - before < 10


def test_a_body_that_breaks_off_leaves_no_file(small):
    job = small.client.run(small.ep, {})
    small.worker.take_job()
    url = small.worker.environment["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$ID", job) + "&isStream=false"
    post = subprocess.Popen(["curl", "-s", "-H", f"Authorization: {small.worker.key}", "-T", "-", "-X", "POST", url],
                            stdin=subprocess.PIPE)
    post.stdin.write(b'{"output":"' + b"x" * (2 * MB))
    post.stdin.flush()
    wait_for(lambda: spooled(small.server), 10, "the file to begin")
    post.kill()
    wait_for(lambda: not spooled(small.server), 10, "the file to go")


def test_a_made_up_reference_shows_no_other_file(small):
    secret = small.finish(2 * MB)
    name = spooled(small.server)[0]
    job = small.client.run(small.ep, {})
    small.worker.take_job()
    forged = {"$spooled": {"file": name, "offset": 0, "bytes": 100}}
    small.worker.finish(job, forged)
    assert small.client.status(small.ep, job)["output"] == forged
    assert small.client.status(small.ep, secret)["output"] == "x" * (2 * MB)


@pytest.mark.parametrize("operation,setting", [("run", "jobs.run_body_mb"), ("runsync", "jobs.runsync_body_mb")])
def test_a_request_beyond_its_limit_is_told_which(client, ep, operation, setting):
    answer = client.call("POST", f"{ep}/{operation}", b'{"input":"' + b"x" * (22 * MB) + b'"}')
    assert answer.status_code == 413 and setting in answer.json()["error"]
