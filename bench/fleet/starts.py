"""From zero to a result, for workers that are started, forked and thawed, next to the bare floor.

In each round every kind is measured once with the server and once without: only these are compared. Times are
CLOCK_MONOTONIC, which all processes of a machine share."""

import contextlib
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import floor  # noqa: E402
from harness import Api, Bench, Failed  # noqa: E402

PATIENCE_SECONDS = 60
ALLOWED_FACTOR = 1.2
ALLOWED_MS = 2.0


NO_WORKER = ("no worker", lambda workers: not workers)
A_FROZEN_ONE = ("a frozen worker", lambda workers: workers and workers[0]["status"] == "frozen")
LAST_PHASES = {"job-take sent -> job in the worker's hands": ("take", "job"),
               "job in the worker's hands -> result in the client's": ("job", "result")}
SPAWNED_PHASES = {"submit sent -> first line of the worker": ("begun", "main"),
                  "first line -> imports done": ("main", "imported"),
                  "imports done -> job-take sent": ("imported", "take"), **LAST_PHASES}
FORKED_PHASES = {"submit sent -> first line of the worker": ("begun", "main"),
                 "first line -> job-take sent": ("main", "take"), **LAST_PHASES}
FROZEN_PHASES = {"submit sent -> job in the worker's hands": ("begun", "job"),
                 "job in the worker's hands -> result in the client's": ("job", "result")}


@dataclass
class Kind:
    """Milliseconds, one value per start."""
    floor: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    phases: dict[str, list[float]] = field(default_factory=dict)

    def note(self, phase: str, begin_ns: int, end_ns: int) -> None:
        self.phases.setdefault(phase, []).append((end_ns - begin_ns) / 1e6)


def wait_for(api: Api, endpoint: str, what: str, matches) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        workers = api.call("GET", f"/penstock/v1/endpoints/{endpoint}/workers")["workers"]
        if matches(workers):
            return
        if time.monotonic() > deadline:
            raise Failed(f"waited {PATIENCE_SECONDS} s for {what}; the workers are {workers}")
        time.sleep(0.02)


def run_job(api: Api, endpoint: str) -> dict:
    begun = time.monotonic_ns()
    job = api.call("POST", f"/v2/{endpoint}/runsync?wait=60000", {"input": {"hello": "world"}})
    done = time.monotonic_ns()
    if job["status"] != "COMPLETED":
        raise Failed(f"a job of the start benchmark ended as {job}")
    return {**job["output"], "begun_ns": begun, "result_ns": done}


def one(api: Api, endpoint: str, kind: Kind, bare: dict, when: tuple, phases: dict[str, tuple[str, str]]) -> None:
    """One start with the server, beside one without, whose times are `bare`."""
    kind.floor.append((bare["result_ns"] - bare["begun_ns"]) / 1e6)
    wait_for(api, endpoint, *when)
    times = run_job(api, endpoint)
    kind.ours.append((times["result_ns"] - times["begun_ns"]) / 1e6)
    for phase, (begin, end) in phases.items():
        kind.note(phase, times[f"{begin}_ns"], times[f"{end}_ns"])


def wait_for_fork_server(api: Api, endpoint: str) -> None:
    """Until a start of the endpoint is a forked one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        run_job(api, endpoint)
        [worker] = api.call("GET", f"/penstock/v1/endpoints/{endpoint}/workers")["workers"]
        if worker["start"]["kind"] == "forked":
            return
        if time.monotonic() > deadline:
            raise Failed(f"waited {PATIENCE_SECONDS} s for a forked worker; is runpod installed in {sys.executable}?")
        wait_for(api, endpoint, *NO_WORKER)


def measure(bench: Bench, starts: int, python: str = sys.executable) -> dict[str, Kind]:
    found = {"process": Kind(), "forked": Kind(), "frozen": Kind()}
    image = f"process:{floor.WORKER.parent}"
    fields = {"idleTimeout": 1, "workersMax": 1, "scalerType": "QUEUE_DELAY", "scalerValue": 1}
    with bench.penstock(gpus="4xAMPERE_16") as server:
        api = Api(server.url, server.ready["apiKey"])
        command = f"{python} -u {floor.WORKER}"
        plain = api.make_endpoint(image, command, env={"PENSTOCK_FORK_SERVER": "off"}, **fields)
        forked = api.make_endpoint(image, command, **fields)
        kept = api.make_endpoint(image, command, flashBootType="FLASHBOOT", **fields)
        with contextlib.closing(floor.Frozen(python)) as frozen, contextlib.closing(floor.Imported(python)) as imported:
            for endpoint in (plain, kept):
                run_job(api, endpoint)  # files into the page cache, byte code written
            wait_for_fork_server(api, forked)
            for _ in range(starts):
                one(api, plain, found["process"], floor.spawned(python), NO_WORKER, SPAWNED_PHASES)
                one(api, forked, found["forked"], imported.forked(), NO_WORKER, FORKED_PHASES)
                wait_for(api, kept, *A_FROZEN_ONE)  # it rests while the other is measured
                one(api, kept, found["frozen"], frozen.thawed(), A_FROZEN_ONE, FROZEN_PHASES)
    return found


def figures(kind: Kind) -> dict:
    base, ours = statistics.median(kind.floor), statistics.median(kind.ours)
    return {"floor_ms": round(base, 2), "ours_ms": round(ours, 2), "of_floor": round(ours / base, 2),
            "over_floor_ms": round(ours - base, 2), "within": ours <= ALLOWED_FACTOR * base + ALLOWED_MS}


def row(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    return f"| {name} | {statistics.median(ordered):.2f} | {p90:.2f} | {ordered[0]:.2f}..{ordered[-1]:.2f} |"


TITLES = {"process": "plain process: submit sent -> result, no worker before",
          "forked": "forked worker: submit sent -> result, no worker before",
          "frozen": "frozen worker: submit sent -> result"}
FLOORS = {"process": "floor: posix_spawn of the same program -> its first result, no server",
          "forked": "floor: a bare fork of a Python that has imported runpod -> its first result, no server",
          "frozen": "floor: SIGCONT of the same program -> its result, no server"}


def report(found: dict[str, Kind]) -> str:
    lines = []
    for name, kind in found.items():
        lines += [f"### {TITLES[name]} (n = {len(kind.ours)})", "", "| | p50 ms | p90 ms | range |", "|---|---|---|---|",
                  row(FLOORS[name], kind.floor), row("whole, with the server", kind.ours),
                  *(row(phase, values) for phase, values in kind.phases.items()), ""]
    return "\n".join(lines)
