#!/usr/bin/env python3
"""What a large queue, idle endpoints and idle long polls cost in memory, and how long a start over a large queue takes:
`./dev bench memory [--jobs N]`. Nothing here passes or fails by a figure; the last line is one JSON object."""

import argparse
import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from harness import ROOT, Api, Bench, Failed, Process, cpu_seconds, end_on_sigterm, machine

KEY = "rpa_BENCHKEY00000000000000000000000000000000"
PAYLOAD_BYTES = 1024
JOB_BYTES = PAYLOAD_BYTES + 300  # in the log, about
BACKLOG_BYTES = 256 << 20  # store.backlog_mb: as much as the tables may lack after kill -9
CONNECTIONS = 64
PIPELINED = 16
ENDPOINTS = 10_000
POLLS = 10_000
AT_ONCE = 20
TEMPLATE = ('imageName: "example/none", dockerArgs: "", containerDiskInGb: 5, volumeInGb: 0, env: [], '
            "isServerless: true")
SETTINGS = {"jobs.queue_jobs_min": 100_000_000, "server.connections_max": 100_000, "account.workers_quota": 1000}


def status_kb(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise Failed(f"/proc/{pid}/status has no {name}")


def resident_mib(pid: int) -> float:
    return status_kb(pid, "VmRSS") / 1024


def settled_mib(pid: int) -> float:
    """Resident memory once it no longer falls: what is on its way to the tables is gone by then."""
    least, since = resident_mib(pid), time.monotonic()
    while time.monotonic() < since + 2:
        time.sleep(0.2)
        now = resident_mib(pid)
        if now < least * 0.995:
            least, since = now, time.monotonic()
    return resident_mib(pid)


class Directory:
    """A data directory over several starts of the server."""

    def __init__(self, bench: Bench, settings: dict | None = None):
        self.bench = bench
        self.folder = bench.fresh_directory()
        self.data = self.folder / "data"
        self.settings = {**SETTINGS, **(settings or {})}

    def __enter__(self) -> "Directory":
        return self

    def __exit__(self, *_) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def serve(self) -> Process:
        """The server; what is left of it at the end is the data."""
        keep = Path(self.folder / f"run-{time.monotonic_ns()}")
        keep.mkdir()
        command = [self.bench.program("penstock"), "serve", "--listen", "127.0.0.1:0", "--data", str(self.data), "--json",
                   "--fake-gpus", "1xAMPERE_16", "--log-level", "info"]
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PENSTOCK_", "RUNPOD_"))}
        return Process(command, keep, {**clean, "PENSTOCK_BOOTSTRAP_KEY": KEY})


def make_endpoint(server: Process) -> str:
    return Api(server.url, KEY).make_endpoint("example/none", "", workersMax=0)


def connect(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").rpartition(":")
    made = socket.create_connection((host, int(port)), timeout=30)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def fill(url: str, endpoint: str, jobs: int) -> float:
    """Submits the jobs over some connections and gives the seconds that took."""
    body = b'{"input":"' + b"x" * (PAYLOAD_BYTES - 2) + b'"}'
    head = (f"POST /v2/{endpoint}/run HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    request = head + body
    poller, sockets, pending = select.epoll(), {}, {}
    left = jobs
    began = time.monotonic()

    def send(fd: int) -> None:
        nonlocal left
        count = min(left, PIPELINED)
        left -= count
        pending[fd] = count
        if count:
            sockets[fd].sendall(request * count)
        else:
            poller.unregister(fd)
            sockets.pop(fd).close()

    for _ in range(CONNECTIONS):
        made = connect(url)
        sockets[made.fileno()] = made
        poller.register(made.fileno(), select.EPOLLIN)
    for fd in list(sockets):
        send(fd)
    tails = dict.fromkeys(sockets, b"")
    while sockets:
        for fd, _ in poller.poll():
            got = sockets[fd].recv(65536)
            if not got:
                raise Failed("the server closed a connection")
            text = tails[fd] + got
            if text.count(b"HTTP/1.1 ") != text.count(b"HTTP/1.1 200"):
                if not text.endswith((b"H", b"HT", b"HTTP/1.1 ")) and b"HTTP/1.1 4" in text + b"HTTP/1.1 5":
                    raise Failed(f"a submission was refused: {text[:500]!r}")
            done = text.count(b'"status":"IN_QUEUE"')
            tails[fd] = text[text.rfind(b'"status":"IN_QUEUE"') + 19:] if done else text
            pending[fd] -= done
            if pending[fd] == 0:
                send(fd)
    return time.monotonic() - began


def measure_queue(bench: Bench, jobs: int, settings: dict | None = None) -> dict:
    with Directory(bench, settings) as directory:
        with directory.serve() as server:
            endpoint = make_endpoint(server)
            empty = resident_mib(server.pid)
            seconds = fill(server.url, endpoint, jobs)
            settled = settled_mib(server.pid)
            queued = Api(server.url, KEY).call("GET", f"/v2/{endpoint}/health")["jobs"]["inQueue"]
            if queued != jobs:
                raise Failed(f"{jobs} jobs were submitted, {queued} are queued")
            return {"jobs": jobs, "submitted_per_s": round(jobs / seconds), "empty_mib": round(empty),
                    "resident_mib": round(settled), "peak_mib": round(status_kb(server.pid, "VmHWM") / 1024),
                    "bytes_each": round((settled - empty) * 2**20 / jobs)}


def measure_start(bench: Bench, jobs: int, in_log: bool, settings: dict | None = None) -> dict:
    with Directory(bench, settings) as directory:
        with directory.serve() as server:
            endpoint = make_endpoint(server)
        tail = min(jobs, BACKLOG_BYTES // JOB_BYTES) if in_log else 0
        for count, more in ((jobs - tail, []), (tail, ["--in-log"])):
            if count:
                subprocess.run([bench.program("bench/live_jobs"), "--data", str(directory.data), "--endpoint", endpoint,
                                "--jobs", str(count), "--payload", str(PAYLOAD_BYTES), *more], check=True)
        bench.wait_until_quiet()
        began = time.monotonic()
        with directory.serve() as server:
            seconds = time.monotonic() - began
            queued = Api(server.url, KEY).call("GET", f"/v2/{endpoint}/health")["jobs"]["inQueue"]
            if queued != jobs:
                raise Failed(f"{jobs} jobs were in the data directory, {queued} are queued")
            return {"jobs": jobs, "in_log": tail, "ready_s": round(seconds, 2),
                    "cpu_s": round(cpu_seconds(server.pid), 2),
                    "resident_mib": round(resident_mib(server.pid))}


def measure_endpoints(bench: Bench) -> dict:
    """Each with a template of its own, as a queue-based endpoint must have."""
    with Directory(bench) as directory, directory.serve() as server:
        api = Api(server.url, KEY)

        def make(what: str, each) -> list[str]:
            fields = [each(n) for n in range(ENDPOINTS)]
            made = []
            for first in range(0, ENDPOINTS, AT_ONCE):
                text = " ".join(f"m{n}: {what}(input: {{{one}}}) {{ id }}"
                                for n, one in enumerate(fields[first:first + AT_ONCE]))
                made += [one["id"] for one in api.graphql(f"mutation {{ {text} }}", {}).values()]
            return made

        before = settled_mib(server.pid)
        templates = make("saveTemplate", lambda n: f'name: "idle-{n}", {TEMPLATE}')
        between = settled_mib(server.pid)
        make("saveEndpoint", lambda n: f'name: "idle-{n}", templateId: "{templates[n]}", gpuIds: "AMPERE_16", '
                                       "workersMin: 0, workersMax: 0")
        after = settled_mib(server.pid)
        return {"endpoints": ENDPOINTS, "bytes_each": round((after - between) * 2**20 / ENDPOINTS),
                "template_bytes_each": round((between - before) * 2**20 / ENDPOINTS)}


def measure_polls(bench: Bench) -> dict:
    """Workers that wait for jobs, and clients that wait for one job's end."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(POLLS, most - 200)
    with Directory(bench) as directory, directory.serve() as server:
        api = Api(server.url, KEY)
        endpoint = make_endpoint(server)
        job = api.call("POST", f"/v2/{endpoint}/run", {"input": {}})["id"]
        request = (f"GET /v2/{endpoint}/status-sync/{job}?wait=300000 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   f"Authorization: Bearer {KEY}\r\n\r\n").encode()
        before = settled_mib(server.pid)
        held = []
        for _ in range(count):
            made = connect(server.url)
            made.sendall(request)
            held.append(made)
        api.call("GET", f"/v2/{endpoint}/health")
        while len(os.listdir(f"/proc/{server.pid}/fd")) < count:
            time.sleep(0.05)
        after = settled_mib(server.pid)
        api.call("POST", f"/v2/{endpoint}/cancel/{job}", {})
        for made in held:
            if not made.recv(4096).startswith(b"HTTP/1.1 200"):
                raise Failed("a poll was not answered")
            made.close()
        return {"polls": count, "bytes_each": round((after - before) * 2**20 / count)}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench memory", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="some of: queue budget start endpoints polls (default: all)")
    parser.add_argument("--jobs", type=int, default=1_000_000, help="in the queue")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="where the programs are")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench-data", help="data, on a disk")
    parser.add_argument("--quiet", type=float, default=10, metavar="SECONDS",
                        help="how long to wait before each start for other programs to rest")
    options = parser.parse_args()
    known = ("queue", "budget", "start", "endpoints", "polls")
    for part in options.parts:
        if part not in known:
            parser.error(f"unknown part \"{part}\"; known: {' '.join(known)}")
    options.parts = options.parts or known
    return options


def main() -> int:
    options = parse()
    end_on_sigterm()
    found: dict = {}
    try:
        bench = Bench(options.build.resolve(), options.dir, options.quiet)
        steps = {"queue": lambda: measure_queue(bench, options.jobs),
                 "budget": lambda: measure_queue(bench, options.jobs, {"jobs.queued_memory_mb": 64}),
                 "start": lambda: [measure_start(bench, options.jobs, in_log) for in_log in (False, True)],
                 "endpoints": lambda: measure_endpoints(bench),
                 "polls": lambda: measure_polls(bench)}
        print(machine())
        for part in options.parts:
            found[part] = steps[part]()
            print(f"{part}: {json.dumps(found[part])}", flush=True)
    except (Failed, subprocess.CalledProcessError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
