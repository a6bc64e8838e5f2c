#!/usr/bin/env python3
"""Penstock's GraphQL beside the servers of the npm world: `./dev bench graphql [--quick]`. What it means: ../README.md.

Nothing here passes or fails by a figure. A wrong answer ends the run. The last line is one JSON object."""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness import ROOT, Api, Bench, Failed, Process, cpu_seconds, machine  # noqa: E402

OURS = "penstock"
PEERS = ("graphql-http", "yoga", "mercurius")
ENDPOINTS = 100
WARMUP_SECONDS = 1
KEY = "rpa_" + "BENCH" * 8

FIELDS = ("id name templateId gpuIds networkVolumeId locations idleTimeout scalerType scalerValue workersMin "
          "workersMax createdAt")
LIST = "query { myself { endpoints { %s } } }" % FIELDS


def save(endpoint: dict, name: str) -> str:
    """A modify with its values in the text, as the documentation of the API writes it."""
    return ('mutation { saveEndpoint(input: { id: "%s", name: "%s", templateId: "%s", gpuIds: "%s", locations: "%s", '
            'idleTimeout: 5, scalerType: "QUEUE_DELAY", scalerValue: 4, workersMin: 0, workersMax: 3 }) { %s } }'
            % (endpoint["id"], name, endpoint["templateId"], endpoint["gpuIds"], endpoint["locations"], FIELDS))


def workloads(endpoint: dict) -> dict[str, str]:
    return {"save, unique text": save(endpoint, "bench %UNIQUE% -fb"), "save, same text": save(endpoint, "bench -fb"),
            f"list of {ENDPOINTS}": LIST}


class Systems:
    """Starts ours and the peers with the same endpoints in them."""

    def __init__(self, bench: Bench):
        self.bench = bench
        self.fixture = bench.fresh_directory() / "endpoints.json"

    def penstock(self) -> Process:
        server = self.bench.penstock(environment={"PENSTOCK_BOOTSTRAP_KEY": KEY})
        api = Api(server.url, KEY)
        for number in range(ENDPOINTS):
            api.make_endpoint("process:/", "true", name=f"bench endpoint {number} -fb",
                              gpuIds="AMPERE_16,AMPERE_24,-NVIDIA L4", locations="EU-RO-1,US-KS-2", idleTimeout=5,
                              scalerType="QUEUE_DELAY", scalerValue=4, workersMax=3)
        self.endpoints = api.graphql(LIST, {})["myself"]["endpoints"]
        self.fixture.write_text(json.dumps(self.endpoints))
        return server

    def start(self, system: str) -> Process:
        if system == OURS:
            return self.penstock()
        command = ["node", str(HERE / "peer.mjs"), system, str(self.fixture)]
        return Process(command, self.bench.fresh_directory(), {**os.environ, "NODE_ENV": "production"})


def wrk(url: str, document: str, connections: int, seconds: float) -> dict:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(HERE / "load.lua"), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60,
                          env={**os.environ, "BODY": json.dumps({"query": document}), "KEY": KEY})
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        raise Failed(f"{' '.join(command)}: {done.stdout[-500:]}{done.stderr[-500:]}") from None


def measure(bench: Bench, server: Process, document: str, connections: int, seconds: float) -> dict:
    wrk(server.url, document, connections, WARMUP_SECONDS)
    bench.wait_until_quiet()
    cpu = cpu_seconds(server.pid)
    found = wrk(server.url, document, connections, seconds)
    if found["errors"]:
        raise Failed(f"{found['errors']} errors")
    return {"per_s": found["requests"] / found["seconds"], "p50_ms": found["p50_us"] / 1000,
            "p99_ms": found["p99_us"] / 1000,
            "server_us": (cpu_seconds(server.pid) - cpu) * 1e6 / max(1, found["requests"])}


def check_answers(name: str, server: Process, documents: dict[str, str], wanted: dict) -> None:
    """All systems answer alike: key order and values. The first one sets what is right."""
    api = Api(server.url, KEY)
    for workload, document in documents.items():
        answer = api.call("POST", "/graphql", {"query": document.replace("%UNIQUE%", "7")})
        if "errors" in answer:
            raise Failed(f"{name}, {workload}: {answer['errors']}")
        text = json.dumps(answer["data"])
        if wanted.setdefault(workload, text) != text:
            raise Failed(f"{name}, {workload}: answered {text[:400]}\nnot {wanted[workload][:400]}")


def run(options) -> dict:
    """{(workload, connections): {system: [figures of each round]}}"""
    bench = Bench(options.build.resolve(), options.dir, options.quiet)
    systems = Systems(bench)
    found: dict = {}
    for number in range(options.rounds):
        wanted: dict = {}
        for system in (OURS, *PEERS):  # ours first: its endpoints are what the peers hold
            with systems.start(system) as server:
                documents = workloads(systems.endpoints[0])
                check_answers(system, server, documents, wanted)
                for connections in options.connections:
                    for workload, document in documents.items():
                        figures = measure(bench, server, document, connections, options.seconds)
                        found.setdefault((workload, connections), {}).setdefault(system, []).append(figures)
            print(f"round {number + 1} of {options.rounds}: {system}", file=sys.stderr)
    return found


def median(runs: list[dict], key: str) -> float:
    return statistics.median(one[key] for one in runs)


def report(found: dict) -> str:
    lines = ["| workload | connections | system | requests/s | p50 / p99 ms | server us/request |",
             "|---|---|---|---|---|---|"]
    for (workload, connections), systems in found.items():
        for system, runs in systems.items():
            lines.append(f"| {workload} | {connections} | {system} | {median(runs, 'per_s'):,.0f} | "
                         f"{median(runs, 'p50_ms'):.2f} / {median(runs, 'p99_ms'):.2f} | "
                         f"{median(runs, 'server_us'):.1f} |")
    return "\n".join(lines)


def summary(found: dict, connections: int) -> dict:
    out = {}
    for (workload, used), systems in found.items():
        if used != connections:
            continue
        best = max(median(runs, "per_s") for system, runs in systems.items() if system != OURS)
        ours = systems[OURS]
        out[workload] = {"per_s": round(median(ours, "per_s")), "p99_ms": round(median(ours, "p99_ms"), 2),
                         "of_best_peer": round(median(ours, "per_s") / best, 2)}
    return out


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench graphql", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round, in under a minute")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="measured time of each run")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="where the program is")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench-data", help="data, on the disk to measure")
    parser.add_argument("--quiet", type=float, default=10, metavar="SECONDS",
                        help="how long to wait before each run for other programs to rest")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.connections, options.quiet = 1, 2, [64], 1
    return options


def main() -> int:
    options = arguments()
    try:
        found = run(options)
    except Failed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    print(f"{machine()}\n\n{report(found)}\n")
    print(json.dumps(summary(found, options.connections[-1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
