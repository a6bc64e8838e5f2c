"""Measures the job path: which loads, on which systems, and their figures of every round."""

import sys
import time
from dataclasses import dataclass, field, replace

from harness import Api, Bench, Failed, busy_seconds, tree_cpu_seconds

OURS, YARDSTICK, LOOP = "penstock", "yardstick", "bare HTTP loop"
COMMIT_BATCHES = (1, 16, 64)
SLICE_WARMUP = 0.15  # seconds
OTHERS_MAX = 0.15  # cores; more than this and a run is repeated


@dataclass(frozen=True)
class Point:
    """One load. runsync: one request until the result; run: submit, then ask for the status until it is done."""
    mode: str
    clients: int
    workers: int

    def __str__(self) -> str:
        return f"{self.mode} {self.clients} / {self.workers}"


POINTS = (Point("runsync", 64, 64), Point("runsync", 64, 16), Point("runsync", 1, 1), Point("run", 64, 64),
          Point("run", 1, 1))


@dataclass(frozen=True)
class Effort:
    rounds: int
    seconds: float
    warmup: float
    tries: int  # of a run that other programs disturbed
    slices: int  # of a round of ours and of the yardstick, which take turns


@dataclass
class Found:
    """All rounds: one dict per round, or per slice of a round."""
    load: dict[tuple[Point, str], list[dict]] = field(default_factory=dict)
    commit: dict[int, list[dict]] = field(default_factory=dict)
    peers: tuple = ()

    def add(self, point: Point, system: str, figures: dict) -> None:
        self.load.setdefault((point, system), []).append(figures)


def with_others(bench: Bench, server_pids: tuple, run, warmup: float) -> dict:
    """One run, with the share of a core that programs took which are neither the load nor the server."""
    bench.wait_until_quiet()
    busy, server_cpu, began = busy_seconds(), sum(map(tree_cpu_seconds, server_pids)), time.monotonic()
    figures = run()
    server_cpu = sum(map(tree_cpu_seconds, server_pids)) - server_cpu
    if figures.get("errors"):
        raise Failed(f"{figures['errors']} wrong answers; the first: {figures['first_error']}")
    # The load generator's CPU time is known for the measured time only; its warm-up is taken to cost the same.
    whole = 1 + warmup / figures["seconds"]
    load_cpu = figures["load_cpu_us_per_job"] * figures["jobs"] / 1e6 * whole
    figures.setdefault("server_cpu_us_per_job", server_cpu * 1e6 / max(1, figures["jobs"] * whole))
    figures["others"] = max(0.0, (busy_seconds() - busy - server_cpu - load_cpu) / (time.monotonic() - began))
    return figures


def http_load(bench: Bench, url: str, pids: tuple, key: str, endpoint: str, point: Point, effort: Effort) -> dict:
    """One run of jobload on a server of the protocol."""
    def run() -> dict:
        figures = bench.json_of("jobload", "--url", url, "--key", key, "--endpoint", endpoint, "--mode", point.mode,
                                "--clients", point.clients, "--workers", point.workers, "--seconds", effort.seconds,
                                "--warmup", effort.warmup)
        del figures["server_cpu_us_per_job"]  # of one process; a peer has several
        return figures
    return with_others(bench, pids, run, effort.warmup)


def measure_in_turn(bench: Bench, found: Found, point: Point, effort: Effort) -> None:
    """Ours and the yardstick, both up: a processor that is fast in one second and slow in the next is so for both."""
    with bench.penstock({"jobs.queue_jobs_min": 100_000}) as server, bench.http_loop(durable=True) as bare:
        key = server.ready["apiKey"]
        api = Api(server.url, key)
        # No worker of its own may start: the load generator brings external ones.
        endpoint = api.make_endpoint("example/worker:1", "", workersMax=0)

        def ours(effort: Effort) -> dict:
            figures = http_load(bench, server.url, (server.pid,), key, endpoint, point, effort)
            api.call("GET", f"/v2/{endpoint}/requests?limit=1")  # answered once its tables have all that it did
            return figures

        def yardstick(effort: Effort) -> dict:
            return http_load(bench, bare.url, (bare.pid,), "none", "bench", point, effort)

        systems = {OURS: ours, YARDSTICK: yardstick}
        for name, system in systems.items():
            measured(name, point, lambda: system(replace(effort, seconds=effort.warmup, warmup=0)))
        one = replace(effort, seconds=effort.seconds / effort.slices, warmup=SLICE_WARMUP)
        for _ in range(effort.slices):
            for name, system in systems.items():
                found.add(point, name, measured(name, point, lambda: system(one), effort.tries))


def measure_loop(bench: Bench, point: Point, effort: Effort, durable: bool) -> dict:
    with bench.http_loop(durable) as server:
        return http_load(bench, server.url, (server.pid,), "none", "bench", point, effort)


def measure_commit(bench: Bench, batch: int, effort: Effort) -> dict:
    seconds = min(effort.seconds, 2)
    return with_others(bench, (), lambda: bench.json_of("log_commit", "--dir", bench.directory, "--batch", batch,
                                                        "--seconds", seconds), 0)


def least_disturbed(run, tries: int) -> dict:
    """Repeats a run that other programs disturbed, and takes the one that they disturbed least."""
    best = run()
    for _ in range(tries - 1):
        if best["others"] <= OTHERS_MAX:
            break
        best = min(best, run(), key=lambda figures: figures["others"])
    return best


def measured(name: str, point: Point, run, tries: int = 1) -> dict:
    """The least disturbed of the runs. Of a failure it says whose it is."""
    try:
        return least_disturbed(run, tries)
    except Failed as failure:
        raise Failed(f"{name}, {point}: {failure}") from None


def measure(bench: Bench, effort: Effort, quick: bool, peers: tuple = ()) -> Found:
    """Systems take turns inside a round, so that what is compared was measured within seconds of each other. Quick:
    ours and the yardstick only."""
    systems = {} if quick else {LOOP: lambda *run: measure_loop(*run, durable=False)}
    for peer in peers:
        systems[peer.name] = peer.measure
    found = Found(peers=peers)
    for number in range(1, effort.rounds + 1):
        for point in POINTS:
            print(f"round {number} of {effort.rounds}: {point}", file=sys.stderr, flush=True)
            measure_in_turn(bench, found, point, effort)
            for name, system in systems.items():
                if name in {peer.name for peer in peers if not peer.can(point)}:
                    continue
                found.add(point, name, measured(name, point, lambda: system(bench, point, effort), effort.tries))
        for batch in () if quick else COMMIT_BATCHES:
            found.commit.setdefault(batch, []).append(
                least_disturbed(lambda: measure_commit(bench, batch, effort), effort.tries))
    return found
