"""More at once than anybody should ask for: memory stays bounded, nobody is dropped, and one endpoint that is flooded takes
no more than its share from another."""

import asyncio
import http.client
import resource
import statistics
import threading
import time

import pytest

from chaos_run import SETTINGS, Load, judge, make_endpoint
from fake_worker import FakeWorker
from penstock import Server, wait_for

IDLE_POLLS = 10_000
BUSY_CLIENTS = 2_000
BUSY_JOBS = 30_000
IDLE_POLL_BYTES_MAX = 8 * 1024
ENDPOINTS_BEFORE = 2_000  # which fill what does not grow with them: caches, buffers
IDLE_ENDPOINTS = 8_000
IDLE_ENDPOINT_BYTES_MAX = 4 * 1024
SERVER_BYTES_MAX = 1 << 30
LARGE_READERS = 100
LARGE_BYTES = 1 << 20
OTHERS = 100  # descriptors of this process and of the server that are no polls
OPEN = {**SETTINGS, "connections_max": 100_000}


def allowed_polls() -> int:
    """As many as the descriptors of this machine allow, for the server has busy clients beside them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return min(IDLE_POLLS, most - BUSY_CLIENTS - OTHERS)


class IdlePolls:
    """Connections that each wait for the end of one job, on a thread of their own."""

    def __init__(self, server: Server, endpoint: str, job: str, count: int):
        self.host, _, port = server.url.removeprefix("http://").rpartition(":")
        self.port = int(port)
        self.request = (f"GET /v2/{endpoint}/status-sync/{job}?wait=300000 HTTP/1.1\r\nHost: {self.host}\r\n"
                        f"Authorization: Bearer {server.key}\r\n\r\n").encode()
        self.count = count
        self.waiting = threading.Event()
        self.answers: list[bytes] = []
        self.problem: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._hold())
        except BaseException as error:
            self.problem = error
            self.waiting.set()

    async def _hold(self) -> None:
        held = []
        for _ in range(self.count):
            reader, writer = await asyncio.open_connection(self.host, self.port, limit=4096)
            writer.write(self.request)
            held.append((reader, writer))
        self.waiting.set()
        for reader, writer in held:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
            self.answers.append(head.split(b"\r\n", 1)[0])
            writer.close()

    def wait_until_held(self, timeout: float) -> None:
        assert self.waiting.wait(timeout), "the polls were not accepted in time"
        assert self.problem is None, self.problem

    def wait_answers(self, timeout: float) -> None:
        self.thread.join(timeout)
        assert not self.thread.is_alive() and self.problem is None, (len(self.answers), self.problem)


def make_many(client, mutation: str, inputs: list[str]) -> list[str]:
    """Their ids. A hundred to a request."""
    ids = []
    for first in range(0, len(inputs), 100):
        each = " ".join(f"m{n}: {mutation}(input: {{{one}}}) {{ id }}" for n, one in enumerate(inputs[first:first + 100]))
        ids += [made["id"] for made in client.graphql(f"mutation {{ {each} }}").values()]
    return ids


def test_idle_endpoints(tmp_path):
    with Server(tmp_path / "data", OPEN) as server:
        client = server.client()
        templates = make_many(client, "saveTemplate", [
            f'name: "idle-{n}", imageName: "example/none", dockerArgs: "", containerDiskInGb: 5, volumeInGb: 0, env: [], '
            "isServerless: true" for n in range(ENDPOINTS_BEFORE + IDLE_ENDPOINTS)])
        endpoints = [f'name: "idle-{n}", templateId: "{template}", gpuIds: "AMPERE_16", workersMin: 0, workersMax: 0'
                     for n, template in enumerate(templates)]
        make_many(client, "saveEndpoint", endpoints[:ENDPOINTS_BEFORE])
        before = server.memory_bytes()
        make_many(client, "saveEndpoint", endpoints[ENDPOINTS_BEFORE:])
        wait_for(lambda: server.memory_bytes() - before < IDLE_ENDPOINTS * IDLE_ENDPOINT_BYTES_MAX, 20,
                 "an idle endpoint to cost less than 4 KiB of memory")


def test_idle_connections_keep_nothing_of_large_answers(tmp_path):
    with Server(tmp_path / "data", OPEN) as server:
        client = server.client()
        endpoint = make_endpoint(client, "large")
        job = client.run(endpoint, "x" * LARGE_BYTES)
        worker = FakeWorker(client, endpoint)
        worker.take_job()
        worker.finish(job, "y" * LARGE_BYTES)
        worker.close()
        before = server.memory_bytes()
        idle = [http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30) for _ in range(LARGE_READERS)]
        for connection in idle:
            connection.request("GET", f"/v2/{endpoint}/status/{job}", headers={"Authorization": f"Bearer {server.key}"})
            assert len(connection.getresponse().read()) > LARGE_BYTES
        wait_for(lambda: server.memory_bytes() - before < LARGE_READERS * LARGE_BYTES / 4, 20,
                 "connections that are idle to give back the memory of their answers")
        for connection in idle:
            connection.close()


@pytest.mark.timeout(240)
def test_idle_polls_and_busy_clients(tmp_path):
    count = allowed_polls()
    with Server(tmp_path / "data", OPEN) as server:
        client = server.client()
        endpoint = make_endpoint(client, "idle")
        job = client.run(endpoint, {"number": 1})
        client.status(endpoint, job)
        before = server.memory_bytes()
        polls = IdlePolls(server, endpoint, job, count)
        polls.wait_until_held(60)
        client.wait_health(endpoint, lambda _: server.descriptors() > count, "all connections to be open", 60)
        each = (server.memory_bytes() - before) / count
        with Load(server, tmp_path, BUSY_JOBS, clients=BUSY_CLIENTS, workers=64, late_permille=0) as load:
            began = time.monotonic()
            most = server.memory_bytes()
            while load.last["acknowledged"] < BUSY_JOBS:
                assert load.process.poll() is None and time.monotonic() < began + 120, load.last
                most = max(most, server.memory_bytes())
                time.sleep(0.05)
            rate = BUSY_JOBS / (time.monotonic() - began)
            judge(load.finish(120), BUSY_JOBS)
        worker = FakeWorker(client, endpoint)
        assert worker.take_job()["id"] == job
        worker.finish(job, 42)
        polls.wait_answers(120)
        worker.close()
    assert polls.answers == [b"HTTP/1.1 200 OK"] * count
    print(f"{count} idle polls: {each:.0f} bytes each; with {BUSY_CLIENTS} busy clients {rate:.0f} submissions/s, "
          f"VmRSS {most / 2**20:.0f} MiB at most")
    assert each < IDLE_POLL_BYTES_MAX
    assert most < SERVER_BYTES_MAX


def answer_all(worker: FakeWorker, over: threading.Event) -> None:
    while not over.is_set():
        answer = worker.take(timeout=30)
        if answer.status_code == 200:
            worker.finish(answer.json()["id"], 1)


def times_of_runsync(client, endpoint: str, seconds: float) -> list[float]:
    found = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        assert client.ok("POST", f"{endpoint}/runsync", {"input": {}})["status"] == "COMPLETED"
        found.append(time.monotonic() - began)
    return found


@pytest.mark.timeout(180)
def test_a_flooded_endpoint_takes_its_share_only(tmp_path):
    """One caller of a quiet endpoint, while another endpoint has 256 callers and a long queue."""
    flood_clients = 256
    with Server(tmp_path / "data", OPEN) as server:
        client = server.client()
        quiet = make_endpoint(client, "quiet")
        worker, over = FakeWorker(client, quiet), threading.Event()
        answering = threading.Thread(target=answer_all, args=(worker, over))
        answering.start()
        try:
            alone = times_of_runsync(client, quiet, 2)
            with Load(server, tmp_path, 10_000_000, clients=flood_clients, workers=4, queued_max=20_000,
                      late_permille=0) as load:
                load.wait_acknowledged(5_000)
                began, first = time.monotonic(), load.last["acknowledged"]
                flooded = times_of_runsync(client, quiet, 6)
                flood_rate = (load.last["acknowledged"] - first) / (time.monotonic() - began)
        finally:
            over.set()
            answering.join()
            worker.close()
    rate = len(flooded) / sum(flooded)
    share = flood_rate / flood_clients
    print(f"quiet endpoint: {statistics.median(alone) * 1000:.1f} ms alone, {statistics.median(flooded) * 1000:.1f} ms "
          f"({rate:.0f}/s) beside a flood of {flood_rate:.0f}/s, which is {share:.0f}/s for each of its callers")
    # A runsync is three exchanges, a flooding submission is one.
    assert rate > share / 6
    assert statistics.median(flooded) < 1
