"""Cold start from zero of a process worker, one phase at a time.

The endpoint has no worker; a job is submitted; a worker process starts, takes the job and answers it. All times are
CLOCK_MONOTONIC, which every process of a machine shares: the client's own, and those that the worker notes and sends as
its output. (The start time in /proc/<pid>/stat has steps of 10 ms, more than most of what is measured here.)"""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field

from harness import ROOT, Api, Bench, Failed

VENV_PYTHON = ROOT / ".venv" / "bin" / "python"
GONE_SECONDS = 60


@dataclass
class ColdStarts:
    """Milliseconds per phase, one value per start."""
    light: dict[str, list[float]] = field(default_factory=dict)
    python: dict[str, list[float]] = field(default_factory=dict)
    spawn_alone: list[float] = field(default_factory=list)


def spawn_alone(program: str) -> float:
    """posix_spawn until the first instruction of main(), with no server: what the kernel and the loader need."""
    reading, writing = os.pipe()
    started = time.monotonic_ns()
    pid = os.posix_spawn(program, [program, "--stamp"], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    with os.fdopen(reading) as pipe:
        main_ns = int(pipe.read())
    os.waitpid(pid, 0)
    return (main_ns - started) / 1e6


def wait_for_none(api: Api, endpoint: str) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        workers = api.call("GET", f"/penstock/v1/endpoints/{endpoint}/workers")["workers"]
        if not workers:
            return
        if time.monotonic() > deadline:
            raise Failed(f"workers are still there after {GONE_SECONDS} s: {workers}")
        time.sleep(0.02)


def one_start(api: Api, endpoint: str) -> dict[str, int]:
    """Times in ns of what happened."""
    wait_for_none(api, endpoint)
    times = {"submit_ns": time.monotonic_ns()}
    job = api.call("POST", f"/v2/{endpoint}/run", {"input": {"hello": "world"}})
    times["accepted_ns"] = time.monotonic_ns()
    result = api.call("GET", f"/v2/{endpoint}/status-sync/{job['id']}?wait=60000")
    times["result_ns"] = time.monotonic_ns()
    if result["status"] != "COMPLETED":
        raise Failed(f"the job of a cold start ended as {result}")
    return times | result["output"]


LIGHT_PHASES = (("submit sent -> acknowledged", "submit_ns", "accepted_ns"),
                ("submit sent -> main() of the worker", "submit_ns", "main_ns"),
                ("main() -> job-take sent", "main_ns", "take_ns"),
                ("job-take sent -> job in the worker's hands", "take_ns", "job_ns"),
                ("job in the worker's hands -> result in the client's", "job_ns", "result_ns"),
                ("whole: submit sent -> result in the client's hands", "submit_ns", "result_ns"))
PYTHON_PHASES = (("submit sent -> main() of the worker", "submit_ns", "main_ns"),
                 ("main() -> first line of the handler's file (interpreter)", "main_ns", "first_line_ns"),
                 ("first line -> `import runpod` done", "first_line_ns", "imported_ns"),
                 ("import done -> handler called (SDK's own start, job-take)", "imported_ns", "job_ns"),
                 ("handler called -> result in the client's hands", "job_ns", "result_ns"),
                 ("whole: submit sent -> result in the client's hands", "submit_ns", "result_ns"))


def collect(api: Api, endpoint: str, phases, starts: int, between=lambda: None) -> dict[str, list[float]]:
    one_start(api, endpoint)  # files into the page cache, byte code written
    found: dict[str, list[float]] = {name: [] for name, _, _ in phases}
    for _ in range(starts):
        between()
        times = one_start(api, endpoint)
        for name, begin, end in phases:
            found[name].append((times[end] - times[begin]) / 1e6)
    return found


def has_runpod() -> bool:
    if not VENV_PYTHON.exists():
        return False
    return subprocess.run([VENV_PYTHON, "-c", "import runpod"], capture_output=True, timeout=60).returncode == 0


def measure(bench: Bench, starts: int) -> ColdStarts:
    worker = bench.program("bench/cold_worker")
    found = ColdStarts()
    image = f"process:{ROOT / 'bench'}"
    settings = {"idleTimeout": 1, "workersMax": 1, "scalerType": "QUEUE_DELAY", "scalerValue": 1}
    with bench.penstock() as server:
        api = Api(server.url, server.ready["apiKey"])
        light = api.make_endpoint(image, worker, **settings)
        found.light = collect(api, light, LIGHT_PHASES, starts,
                              lambda: found.spawn_alone.append(spawn_alone(worker)))
        if has_runpod():
            python = api.make_endpoint(image, f"{worker} {VENV_PYTHON} -u cold_handler.py", **settings)
            found.python = collect(api, python, PYTHON_PHASES, starts)
    return found


def row(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    return f"| {name} | {statistics.median(ordered):.2f} | {p90:.2f} | {ordered[0]:.2f}..{ordered[-1]:.2f} |"


def table(title: str, phases: dict[str, list[float]]) -> list[str]:
    rows = [row(*phase) for phase in phases.items()]
    return [f"| {title} | p50 ms | p90 ms | range |", "|---|---|---|---|", *rows, ""]


def report(found: ColdStarts) -> str:
    spawn = statistics.median(found.spawn_alone)
    own = [value - spawn for value in found.light["submit sent -> main() of the worker"]]
    lines = [f"### Cold start from zero, process worker (n = {len(own)})", ""]
    lines += table("our own share", {"posix_spawn -> main() of the same program, no server": found.spawn_alone,
                                     "submit sent -> main(), less that median: the server's share": own})
    lines += table("worker without a runtime (`cold_worker`)", found.light)
    if found.python:
        lines += table("worker with Python and the runpod package", found.python)
    else:
        lines += ["The runpod package is not installed in .venv, so the Python worker was left out.", ""]
    return "\n".join(lines)
