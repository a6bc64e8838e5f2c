"""A disk that fills up: new work is refused with 507 and a text that says what to do, what was accepted goes on, and with
space again everything does, without a restart. Nothing that was acknowledged is lost.

The disk is a small file system in memory. Where mounting is not allowed, the largest file that the server may write is
limited instead, which is the same to it: a file does not grow."""

import resource
import subprocess
import threading
import time
from pathlib import Path

import pytest

from chaos_run import SETTINGS, make_endpoint
from fake_worker import FakeWorker
from penstock import GraphQLError, Server, wait_for

DISK_MB = 48
RESERVE_MB = 24  # a file that is removed when there is to be space again
FULL = {**SETTINGS, "store.segment_mb": 1}
LARGE = "x" * 200_000


class Disk:
    """A data directory on a disk that can be full, and the way to make it so."""

    def __init__(self, folder: Path):
        self.data = folder / "disk" / "data"
        self.data.parent.mkdir()
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", self.data.parent],
                                      capture_output=True).returncode == 0
        self.reserve = self.data.parent / "reserve"

    def fill(self, server: Server) -> None:
        if self.mounted:
            self.reserve.write_bytes(bytes(RESERVE_MB << 20))
        else:
            _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (2 << 20, most))

    def free(self, server: Server) -> None:
        if self.mounted:
            self.reserve.unlink()
        else:
            _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", self.data.parent], check=True)


@pytest.fixture
def disk(tmp_path):
    made = Disk(tmp_path)
    yield made
    made.close()


def submit_until_full(client, endpoint: str) -> tuple[list[str], str]:
    """The jobs that were acknowledged, and what the last refusal said. A first refusal may be for a moment only, while
    turns go from the log into the tables: full is when nothing, large or small, was taken for some seconds."""
    jobs, said = [], ""
    last_accepted = time.monotonic()
    while time.monotonic() < last_accepted + 3:
        for pad in (LARGE, ""):
            answer = client.call("POST", f"{endpoint}/run", {"input": {"pad": pad}})
            assert answer.status_code in (200, 507), (answer.status_code, answer.text)
            if answer.status_code == 200:
                jobs.append(answer.json()["id"])
                last_accepted = time.monotonic()
                break
            said = answer.json()["error"]
        assert len(jobs) < 100_000, "the disk was never full"
    return jobs, said


def is_accepted(client, endpoint: str) -> str | None:
    answer = client.call("POST", f"{endpoint}/run", {"input": 1})
    assert answer.status_code in (200, 507), answer.text
    return answer.json().get("id")


@pytest.mark.timeout(120)
def test_a_full_disk_refuses_new_work_and_recovers(disk):
    with Server(disk.data, FULL) as server:
        client = server.client()
        endpoint = make_endpoint(client, "full")
        worker = FakeWorker(client, endpoint)
        running = client.run(endpoint, {"number": 1})
        failed = client.run(endpoint, {"number": 2})
        assert worker.take_job()["id"] == running
        other = FakeWorker(client, endpoint)
        assert other.take_job()["id"] == failed
        assert other.done(failed, {"error": "no"}).status_code == 200
        keyed = client.ok("POST", f"{endpoint}/run", {"input": 3}, headers={"Idempotency-Key": "before"})["id"]
        client.ok("POST", f"{endpoint}/cancel/{keyed}")

        disk.fill(server)
        jobs, said = submit_until_full(client, endpoint)
        assert "disk" in said and "Free space" in said
        assert client.call("POST", f"{endpoint}/runsync", {"input": 1}).status_code == 507
        assert client.call("POST", f"{endpoint}/retry/{failed}").status_code == 507
        openai = client.call("POST", f"{endpoint}/openai/v1/chat/completions", {"model": "m", "messages": []})
        assert openai.status_code == 507, openai.text
        with pytest.raises(GraphQLError, match="disk") as refused:
            client.save_template()
        assert refused.value.body["data"] is None or not any(refused.value.body["data"].values())

        # A submission that is repeated is nothing new.
        again = client.ok("POST", f"{endpoint}/run", {"input": 3}, headers={"Idempotency-Key": "before"})
        assert again["id"] == keyed
        new = client.call("POST", f"{endpoint}/run", {"input": 3}, headers={"Idempotency-Key": "after"})
        assert new.status_code == 507
        assert client.call("POST", f"{endpoint}/batch", [{"input": 1}]).status_code == 507

        # What is there can be read and ended; a result of a job that ran is taken.
        for job in jobs[:20]:
            assert client.status(endpoint, job)["status"] == "IN_QUEUE"
        assert client.health(endpoint)["jobs"]["inQueue"] == len(jobs)
        assert client.graphql("{ myself { endpoints { id } } }")["myself"]["endpoints"]
        worker.finish(running, {"answer": 42})
        assert client.status(endpoint, running)["output"] == {"answer": 42}
        assert client.ok("POST", f"{endpoint}/cancel/{jobs[0]}")["status"] == "CANCELLED"
        assert other.take(timeout=10).status_code == 204  # what is queued waits for space, too
        assert client.call("POST", f"{endpoint}/run", {"input": 1}).status_code == 507

        disk.free(server)
        extra = wait_for(lambda: is_accepted(client, endpoint), 30, "new work to be accepted")
        assert client.save_template()["id"]
        assert other.take_job()["id"] == jobs[1]
        other.finish(jobs[1], 1)

        server.kill()
        server.start()
        client = server.client()
        assert client.status(endpoint, running)["output"] == {"answer": 42}
        assert client.status(endpoint, jobs[0])["status"] == "CANCELLED"
        assert client.status(endpoint, jobs[1])["status"] == "COMPLETED"
        for job in [*jobs[2:], extra]:
            assert client.status(endpoint, job)["status"] == "IN_QUEUE"
        assert client.ok("POST", f"{endpoint}/purge-queue")["removed"] == len(jobs) - 1
        assert client.health(endpoint)["jobs"]["inQueue"] == 0


@pytest.mark.timeout(120)
def test_results_larger_than_what_is_left_wait_for_space(disk):
    """Each is more than half a segment, and together they are far more than the log can take. The server goes on."""
    answers = ["y" * 700_000 + str(number) for number in range(6)]
    with Server(disk.data, FULL) as server:
        client = server.client()
        endpoint = make_endpoint(client, "full")
        workers = [FakeWorker(client, endpoint) for _ in answers]
        running = [client.run(endpoint, number) for number in range(len(answers))]
        for worker, job in zip(workers, running):
            assert worker.take_job()["id"] == job
        disk.fill(server)
        submit_until_full(client, endpoint)
        done: list[int] = []
        posts = [threading.Thread(target=lambda w=worker, j=job, a=answer: done.append(w.done(j, {"output": a}).status_code))
                 for worker, job, answer in zip(workers, running, answers)]
        for post in posts:
            post.start()
        # Reads and small changes go on meanwhile, and nothing stops.
        for _ in range(200):
            client.health(endpoint)
            assert client.call("POST", f"{endpoint}/run", {"input": 1}).status_code in (200, 507)
        assert server.process.poll() is None, server.log_text()[-2000:]
        disk.free(server)
        for post in posts:
            post.join(60)
        assert done == [200] * len(answers)
        server.kill()
        server.start()
        client = server.client()
        for job, answer in zip(running, answers):
            assert client.status(endpoint, job)["output"] == answer


@pytest.mark.timeout(120)
def test_the_queue_can_be_purged_while_the_disk_is_full(disk):
    with Server(disk.data, FULL) as server:
        client = server.client()
        endpoint = make_endpoint(client, "full")
        disk.fill(server)
        jobs, _ = submit_until_full(client, endpoint)
        assert client.ok("POST", f"{endpoint}/purge-queue")["removed"] == len(jobs)
        assert client.health(endpoint)["jobs"]["inQueue"] == 0
        disk.free(server)
        assert wait_for(lambda: is_accepted(client, endpoint), 30, "new work to be accepted")
