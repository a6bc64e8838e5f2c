"""Clients that mean harm, many of each kind at once, against the real server: everybody else is served as quickly as before,
memory stays bounded, and in the end nothing of them is left. src/net/tests/http_hostile_test.cpp has each kind alone."""

import select
import socket
import statistics
import threading
import time

import pytest

from chaos_run import SETTINGS, make_endpoint
from fake_worker import FakeWorker
from penstock import Server, wait_for

EACH = 40             # connections of each kind
SECONDS = 13          # longer than a head may take
BODIES_MB = 32
GROWTH_BYTES_MAX = 128 << 20
SLOWEST_MEDIAN_S = 0.25


class Hostile:
    """Connections that send what their kind says, again and again, and never read. One thread for all."""

    def __init__(self, server: Server, endpoint: str):
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        key = f"Host: h\r\nAuthorization: Bearer {server.key}\r\n"
        run = f"POST /v2/{endpoint}/run HTTP/1.1\r\n{key}"
        health = f"GET /v2/{endpoint}/health HTTP/1.1\r\n{key}\r\n"
        # (sent at once, sent over and over, half-closed)
        kinds = {
            "slow head": (f"GET /v2/{endpoint}/health HTTP/1.1\r\n", "X: y\r\n", False),
            "endless head": (f"GET /v2/{endpoint}/health HTTP/1.1\r\n", "X: " + "y" * 4000 + "\r\n", False),
            "slow body": (run + "Content-Length: 1000000\r\n\r\n", "x", False),
            "endless chunks": (run + "Transfer-Encoding: chunked\r\n\r\n", "4000\r\n" + "x" * 0x4000 + "\r\n", False),
            "pipeline": ("", health * 50, False),
            "half-closed head": ("GET / HTTP/1.1\r\nHo", "", True),
            "half-closed body": (run + "Content-Length: 5\r\n\r\nab", "", True),
            "nothing": ("", "", False),
        }
        self.kinds = {name: tuple(part.encode() for part in (first, more)) + (half,)
                      for name, (first, more, half) in kinds.items()}
        self.address = (host, int(port))
        self.over = threading.Event()
        self.opened = 0
        self.problem: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _open(self, name: str) -> socket.socket | None:
        first, _, half = self.kinds[name]
        try:
            made = socket.create_connection(self.address, timeout=10)
            made.sendall(first)
            if half:
                made.shutdown(socket.SHUT_WR)
        except OSError:
            return None
        made.setblocking(False)
        self.opened += 1
        return made

    def _run(self) -> None:
        try:
            held = {name: [self._open(name) for _ in range(EACH)] for name in self.kinds}
            while not self.over.wait(0.02):
                for name, sockets in held.items():
                    for place, one in enumerate(sockets):
                        if one is None or not self._push(one, self.kinds[name][1]):
                            sockets[place] = self._open(name)
            for sockets in held.values():
                for one in sockets:
                    if one is not None:
                        one.close()
        except BaseException as error:
            self.problem = error

    @staticmethod
    def _push(one: socket.socket, more: bytes) -> bool:
        """False: the server has had enough of it, and its place is free for another."""
        try:
            if more:
                one.send(more)
            elif select.select([one], [], [], 0)[0]:
                raise ConnectionError
        except BlockingIOError:
            return True
        except OSError:
            one.close()
            return False
        return True

    def end(self) -> None:
        self.over.set()
        self.thread.join(30)
        assert not self.thread.is_alive() and self.problem is None, self.problem


def times_of_jobs(client, endpoint: str, worker: FakeWorker, seconds: float) -> list[float]:
    found = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        job = client.run(endpoint, {"number": 1})
        assert worker.take_job()["id"] == job
        worker.finish(job, 42)
        assert client.status(endpoint, job)["output"] == 42
        found.append(time.monotonic() - began)
    return found


@pytest.mark.timeout(120)
def test_many_hostile_clients_of_every_kind_at_once(tmp_path):
    with Server(tmp_path / "data", {**SETTINGS, "bodies_mb": BODIES_MB}) as server:
        client = server.client()
        endpoint = make_endpoint(client, "calm")
        worker = FakeWorker(client, endpoint)
        alone = times_of_jobs(client, endpoint, worker, 1)
        before, open_before = server.memory_bytes(), server.descriptors()
        hostile = Hostile(server, endpoint)
        wait_for(lambda: hostile.opened >= EACH * len(hostile.kinds), 60, "all hostile connections")
        besides = times_of_jobs(client, endpoint, worker, SECONDS)
        most = server.memory_bytes()
        hostile.end()
        wait_for(lambda: server.descriptors() <= open_before + 2, 90, "all their connections to be closed")
        worker.close()
        assert server.process.poll() is None
    print(f"a job with its four requests: {statistics.median(alone) * 1000:.1f} ms alone, "
          f"{statistics.median(besides) * 1000:.1f} ms beside {hostile.opened} hostile connections; "
          f"{(most - before) / 2**20:.0f} MiB more")
    assert statistics.median(besides) < SLOWEST_MEDIAN_S
    assert most - before < GROWTH_BYTES_MAX
