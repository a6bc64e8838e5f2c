"""The bare floor of a start: the same worker program, started or resumed by the measuring process itself, which also is the
least server that the protocol allows: it has the job ready, and nothing is kept, checked or decided."""

import json
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

from harness import Failed

WORKER = Path(__file__).with_name("worker.py")
PATIENCE_SECONDS = 60
JOB = json.dumps({"id": "floor", "input": {"hello": "world"}}).encode()


class BareServer:
    """One worker's connection at a time, on 127.0.0.1."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.connection: socket.socket | None = None
        self.buffer = b""

    def environment(self) -> dict[str, str]:
        base = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        return {**os.environ, "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/w?gpu=none",
                "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/w/$ID?gpu=none", "RUNPOD_AI_API_KEY": "key"}

    def accept(self) -> None:
        if not select.select([self.listener], [], [], PATIENCE_SECONDS)[0]:
            raise Failed("the worker of the floor did not connect")
        self.connection, _ = self.listener.accept()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.settimeout(PATIENCE_SECONDS)
        self.buffer = b""

    def request(self) -> tuple[bytes, bytes]:
        """First line and body of the next request."""
        while b"\r\n\r\n" not in self.buffer:
            self._read()
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        sizes = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
        size = sizes[0] if sizes else 0
        self.buffer = rest
        while len(self.buffer) < size:
            self._read()
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return lines[0], body

    def _read(self) -> None:
        data = self.connection.recv(65536)
        if not data:
            raise Failed("the worker of the floor went away")
        self.buffer += data

    def answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.connection.sendall(head.encode() + body)

    def finish_job(self) -> dict:
        """From the hand-out of the job to its result, which is answered."""
        _, body = self.request()
        times = json.loads(body)["output"]
        times["result_ns"] = time.monotonic_ns()
        self.answer(b"{}")
        return times

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.listener.close()


def spawn(python: str, server: BareServer) -> int:
    return os.posix_spawn(python, [python, "-u", str(WORKER)], server.environment())


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def spawned(python: str) -> dict:
    """posix_spawn until the result of the first job."""
    server = BareServer()
    begun = time.monotonic_ns()
    pid = spawn(python, server)
    try:
        server.accept()
        server.request()
        server.answer(JOB)
        return {"begun_ns": begun, **server.finish_job()}
    finally:
        end(pid)
        server.close()


class Imported:
    """A Python process that has imported the SDK, and forks at a byte. Its child runs the program as its main module."""

    PROGRAM = """
import gc, os, runpy, signal, sys
import runpod
gc.collect()
gc.freeze()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
os.write(1, b"R")
while os.read(0, 1):
    if os.fork() == 0:
        runpy.run_path(sys.argv[1], run_name="__main__")
"""

    def __init__(self, python: str):
        self.server = BareServer()
        self.process = subprocess.Popen([python, "-u", "-c", self.PROGRAM, str(WORKER)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.server.environment(), bufsize=0,
                                        start_new_session=True)
        if self.process.stdout.read(1) != b"R":
            raise Failed(f"{python} cannot import runpod: ./dev setup makes the environment that can")

    def forked(self) -> dict:
        """The byte until the result of the child's first job."""
        begun = time.monotonic_ns()
        self.process.stdin.write(b"F")
        self.server.accept()
        self.server.request()
        self.server.answer(JOB)
        times = {"begun_ns": begun, **self.server.finish_job()}
        self.server.connection.close()  # which ends the child
        return times

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.server.close()


class Frozen:
    """A worker that waits in an open poll and is stopped."""

    def __init__(self, python: str):
        self.server = BareServer()
        self.pid = spawn(python, self.server)
        self.server.accept()
        self.server.request()
        self.stop()

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def thawed(self) -> dict:
        """SIGCONT until the result of the job, which is in the worker's socket by then."""
        begun = time.monotonic_ns()
        self.server.answer(JOB)
        os.kill(self.pid, signal.SIGCONT)
        times = {"begun_ns": begun, **self.server.finish_job()}
        self.server.request()
        self.stop()
        return times

    def close(self) -> None:
        end(self.pid)
        self.server.close()
